/* SPDX-License-Identifier: MIT */
#include "base/addr.h"
#include "sdp/text.h"

#define COMPONENT_RTP 1
#define COMPONENT_MAX 256
#define PRIORITY_MAX 0x7fffffff /* RFC 8839 section 5.1 */

static const char *const type_names[] = {
    [PAW_CANDIDATE_HOST] = "host",
    [PAW_CANDIDATE_SERVER_REFLEXIVE] = "srflx",
    [PAW_CANDIDATE_PEER_REFLEXIVE] = "prflx",
    [PAW_CANDIDATE_RELAYED] = "relay",
};
#define TYPE_COUNT (sizeof type_names / sizeof type_names[0])

/* ---- reading ---- */

static int read_type(struct paw_text text, enum paw_candidate_type *type) {
  for (size_t i = 0; i < TYPE_COUNT; i++) {
    if (paw_sdp_is(text, type_names[i])) {
      *type = (enum paw_candidate_type)i;
      return PAW_OK;
    }
  }
  return text.len > 0 ? PAW_ERR_UNSUPPORTED : PAW_ERR_MALFORMED;
}

static int read_address(struct paw_text host, struct paw_address *address) {
  if (host.len == 0) {
    return PAW_ERR_MALFORMED;
  }
  if (paw_address_parse_ip(host.data, host.len, address) != PAW_OK) {
    return PAW_ERR_UNSUPPORTED;
  }
  address->scope_id = 0; /* the peer's interface number means nothing here */
  return PAW_OK;
}

/* `text` begins with the foundation; what follows the type is of no use here. */
static int read_candidate(struct paw_text text, struct paw_candidate *out) {
  struct paw_text foundation = paw_sdp_take_word(&text);
  uint64_t component = 0;
  bool good = foundation.len > 0 && paw_sdp_copy(foundation, out->foundation, PAW_FOUNDATION_MAX);
  good = paw_sdp_read_number(paw_sdp_take_word(&text), COMPONENT_MAX, &component) && good;
  struct paw_text transport = paw_sdp_take_word(&text);
  uint64_t priority = 0;
  good = paw_sdp_read_number(paw_sdp_take_word(&text), PRIORITY_MAX, &priority) && good;
  struct paw_text host = paw_sdp_take_word(&text);
  uint64_t port = 0;
  good = paw_sdp_read_number(paw_sdp_take_word(&text), UINT16_MAX, &port) && good;
  good = paw_sdp_is(paw_sdp_take_word(&text), "typ") && good;
  int type_status = read_type(paw_sdp_take_word(&text), &out->type);
  if (!good || component == 0 || priority == 0 || type_status == PAW_ERR_MALFORMED) {
    return PAW_ERR_MALFORMED;
  }
  if (component != COMPONENT_RTP || !paw_sdp_is_any_case(transport, "udp")) {
    return PAW_ERR_UNSUPPORTED;
  }
  int address_status = read_address(host, &out->address);
  if (port == 0 || address_status == PAW_ERR_MALFORMED) {
    return PAW_ERR_MALFORMED;
  }
  out->priority = (uint32_t)priority;
  out->address.port = (uint16_t)port;
  return type_status != PAW_OK ? type_status : address_status;
}

int paw_sdp_read_candidate(const char *text, size_t len, struct paw_candidate *out) {
  if (len > PAW_SDP_BYTES_MAX) {
    return PAW_ERR_MALFORMED;
  }
  *out = (struct paw_candidate){0};
  return read_candidate((struct paw_text){.data = text, .len = len}, out);
}

int paw_sdp_add_candidate(struct paw_text value, struct paw_candidate *candidates, size_t *count) {
  struct paw_candidate candidate = {0};
  int status = read_candidate(value, &candidate);
  if (status == PAW_OK && *count < PAW_DESCRIPTION_CANDIDATES_MAX) {
    candidates[(*count)++] = candidate;
  }
  return status == PAW_ERR_UNSUPPORTED ? PAW_OK : status;
}

/* ---- writing ---- */

static void put_ip(struct paw_sdp_out *out, const struct paw_address *address) {
  char text[PAW_ADDRESS_TEXT_SIZE];
  paw_address_format_ip(address, text);
  paw_sdp_put(out, text);
}

/* RFC 8839 section 5.1: all but host candidates tell where they come from; zeros where that is not
 * to be known. */
static void put_related_address(struct paw_sdp_out *out, const struct paw_candidate *candidate) {
  struct paw_address related = candidate->base;
  if (related.family == PAW_FAMILY_NONE) {
    related.family = candidate->address.family;
  }
  paw_sdp_put(out, " raddr ");
  put_ip(out, &related);
  paw_sdp_put(out, " rport ");
  paw_sdp_put_number(out, related.port);
}

void paw_sdp_put_candidate(struct paw_sdp_out *out, const struct paw_candidate *candidate) {
  paw_sdp_put(out, "candidate:");
  paw_sdp_put(out, candidate->foundation);
  paw_sdp_put(out, " 1 udp ");
  paw_sdp_put_number(out, candidate->priority);
  paw_sdp_put(out, " ");
  put_ip(out, &candidate->address);
  paw_sdp_put(out, " ");
  paw_sdp_put_number(out, candidate->address.port);
  paw_sdp_put(out, " typ ");
  paw_sdp_put(out, type_names[candidate->type]);
  if (candidate->type != PAW_CANDIDATE_HOST) {
    put_related_address(out, candidate);
  }
}

int paw_sdp_write_candidate(const struct paw_candidate *candidate, char *text, size_t *len) {
  struct paw_sdp_out out = paw_sdp_out_init(text, *len);
  paw_sdp_put_candidate(&out, candidate);
  return paw_sdp_out_end(&out, len);
}
