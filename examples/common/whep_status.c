/* SPDX-License-Identifier: MIT */
#include "whep_status.h"

#include <stdbool.h>
#include <stddef.h>

static const struct {
  long status;
  enum whep_verdict verdict;
  const char *text;
} statuses[] = {
    {201, WHEP_CREATED, "created"},
    /* RFC 9725 section 4.5: 307, and 308 as its permanent twin. 301 and 302 would turn into GET. */
    {307, WHEP_REDIRECT, "redirected"},
    {308, WHEP_REDIRECT, "moved for good"},
    {400, WHEP_REFUSED, "the server cannot use the offer"},
    {401, WHEP_REFUSED, "the server does not accept the token"},
    {403, WHEP_REFUSED, "the token does not allow listening"},
    {404, WHEP_REFUSED, "there is no WHEP endpoint at this path"},
    {405, WHEP_REFUSED, "this path takes no WHEP offers"},
    {406, WHEP_COUNTER_OFFER, "the server refuses the offer"},
    {408, WHEP_RETRY, "the server waited too long for the request"},
    {409, WHEP_RETRY, "the server has nothing to play yet, or the place is taken"},
    {410, WHEP_REFUSED, "there is no WHEP endpoint at this path any more"},
    {415, WHEP_REFUSED, "the server takes no SDP at this path"},
    {422, WHEP_REFUSED, "the server cannot serve this kind of offer"},
    {425, WHEP_RETRY, "too early"},
    {429, WHEP_RETRY, "too many requests"},
    {503, WHEP_RETRY, "the server is full or not ready"},
};

enum whep_verdict whep_status_verdict(long status) {
  for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
    if (statuses[i].status == status) {
      return statuses[i].verdict;
    }
  }
  return status >= 500 ? WHEP_RETRY : WHEP_REFUSED;
}

/* Whatever is not known here means what the first number of its class means (RFC 9110 section 15).
 */
enum whep_patch_verdict whep_status_patch_verdict(long status) {
  if (status >= 200 && status < 300) {
    return WHEP_PATCH_DONE;
  }
  if (status == 404 || status == 410) {
    return WHEP_PATCH_GONE;
  }
  if (status == 405 || status == 415 || status == 422 || status == 501) {
    return WHEP_PATCH_UNSUPPORTED;
  }
  bool passes = status == 408 || status == 425 || status == 429 || status >= 500;
  return passes ? WHEP_PATCH_LATER : WHEP_PATCH_REFUSED;
}

const char *whep_status_text(long status) {
  for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
    if (statuses[i].status == status) {
      return statuses[i].text;
    }
  }
  if (status >= 500) {
    return "the server has a problem";
  }
  return status >= 400 ? "the server refuses the request" : "not an answer to a WHEP offer";
}
