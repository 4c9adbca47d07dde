/* SPDX-License-Identifier: MIT */
#include "sdp/text.h"

static int read_attribute(struct paw_text name, struct paw_text value,
                          struct paw_sdp_fragment *out) {
  if (paw_sdp_is(name, "ice-ufrag")) {
    return paw_sdp_read_ufrag(value, &out->ice);
  }
  if (paw_sdp_is(name, "ice-pwd")) {
    return paw_sdp_read_pwd(value, &out->ice);
  }
  if (paw_sdp_is(name, "candidate")) {
    return paw_sdp_add_candidate(value, out->candidates, &out->candidate_count);
  }
  out->ice_lite = out->ice_lite || paw_sdp_is(name, "ice-lite");
  out->end_of_candidates = out->end_of_candidates || paw_sdp_is(name, "end-of-candidates");
  return PAW_OK;
}

/* Some clients send a bare candidate line, as RTCIceCandidate has it, instead of a fragment. */
static int read_line(struct paw_text line, struct paw_sdp_fragment *out) {
  struct paw_text name;
  struct paw_text value;
  if (paw_sdp_take_prefix(&line, "candidate:")) {
    return paw_sdp_add_candidate(line, out->candidates, &out->candidate_count);
  }
  if (paw_sdp_read_attribute(line, &name, &value)) {
    return read_attribute(name, value, out);
  }
  struct paw_text kind = paw_sdp_take_until(&line, '=');
  bool any_line = kind.len == 1 && paw_sdp_is_alphanumeric_or(kind, "") && line.len > 0;
  return any_line ? PAW_OK : PAW_ERR_MALFORMED;
}

int paw_sdp_read_fragment(const char *text, size_t len, struct paw_sdp_fragment *out) {
  *out = (struct paw_sdp_fragment){0};
  if (len > PAW_SDP_BYTES_MAX) {
    return PAW_ERR_LIMIT;
  }
  struct paw_text rest = {.data = text, .len = len};
  struct paw_text line;
  int status = PAW_OK;
  while (status == PAW_OK && paw_sdp_take_line(&rest, &line)) {
    status = read_line(line, out);
  }
  return status;
}

int paw_sdp_write_fragment(const struct paw_sdp_fragment *fragment, const char *mid, char *text,
                           size_t *len) {
  struct paw_sdp_out out = paw_sdp_out_init(text, *len);
  if (fragment->ice_lite) {
    paw_sdp_put_line(&out, "a=ice-lite");
  }
  if (fragment->ice.ufrag[0] != '\0') {
    paw_sdp_put_credentials(&out, &fragment->ice);
    paw_sdp_put_line(&out, "a=ice-options:ice2 trickle"); /* as in our answers: RFC 9725 4.3.3 */
  }
  paw_sdp_put_line(&out, "m=audio 9 RTP/AVP 0"); /* the pseudo m-line of RFC 8840 section 9 */
  if (mid[0] != '\0') {
    paw_sdp_put_pair(&out, "a=mid:", mid);
  }
  paw_sdp_put_candidates(&out, fragment->candidates, fragment->candidate_count,
                         fragment->end_of_candidates);
  return paw_sdp_out_end(&out, len);
}
