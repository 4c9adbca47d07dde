/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "sdp/text.h"

struct paw_sdp_out paw_sdp_out_init(char *text, size_t room) {
  return (struct paw_sdp_out){.text = text, .room = text != NULL ? room : 0};
}

void paw_sdp_put_text(struct paw_sdp_out *out, struct paw_text text) {
  if (text.len > 0 && out->len < out->room && text.len < out->room - out->len) {
    memcpy(out->text + out->len, text.data, text.len);
  }
  out->len += text.len;
}

void paw_sdp_put(struct paw_sdp_out *out, const char *string) {
  paw_sdp_put_text(out, (struct paw_text){.data = string, .len = strlen(string)});
}

void paw_sdp_put_number(struct paw_sdp_out *out, uint64_t number) {
  char digits[20]; /* of UINT64_MAX */
  size_t first = sizeof digits;
  do {
    digits[--first] = (char)('0' + number % 10);
    number /= 10;
  } while (number > 0);
  paw_sdp_put_text(out, (struct paw_text){.data = digits + first, .len = sizeof digits - first});
}

void paw_sdp_put_line(struct paw_sdp_out *out, const char *head) {
  paw_sdp_put_pair(out, head, "");
}

void paw_sdp_put_pair(struct paw_sdp_out *out, const char *head, const char *tail) {
  paw_sdp_put(out, head);
  paw_sdp_put(out, tail);
  paw_sdp_put(out, "\r\n");
}

void paw_sdp_put_counted(struct paw_sdp_out *out, const char *head, uint64_t number,
                         const char *tail) {
  paw_sdp_put(out, head);
  paw_sdp_put_number(out, number);
  paw_sdp_put_line(out, tail);
}

int paw_sdp_out_end(struct paw_sdp_out *out, size_t *len) {
  *len = out->len;
  bool fits = out->len < out->room;
  if (out->room > 0) {
    out->text[fits ? out->len : 0] = '\0';
  }
  return fits ? PAW_OK : PAW_ERR_NO_BUFFER;
}
