/* SPDX-License-Identifier: MIT */
#include "base/rd.h"
#include "srtp/private.h"

typedef srtp_err_status_t unprotect_function(srtp_t session, void *packet, int *len);

static bool is_known(const struct paw_srtp *srtp, uint32_t ssrc) {
  for (size_t i = srtp->source_count; i > 0; i--) {
    if (srtp->sources[i - 1] == ssrc) {
      return true;
    }
  }
  return false;
}

static bool is_newest(const struct paw_srtp *srtp, uint32_t ssrc) {
  return srtp->source_count > 0 && srtp->sources[srtp->source_count - 1] == ssrc;
}

/* libsrtp2 makes a stream for every SSRC that proves itself, and sets no bound to them. One that
 * was forgotten would be open to replay, so none is: further ones are refused. */
static inline int unprotect(struct paw_srtp *srtp, unprotect_function *function, uint32_t ssrc,
                            uint8_t *packet, size_t *len) {
  if (srtp->source_count == PAW_SRTP_SOURCES_MAX && !is_known(srtp, ssrc)) {
    return PAW_ERR_LIMIT;
  }
  int length = (int)*len;
  int status = paw_srtp_status(function(srtp->receiver, packet, &length));
  if (status != PAW_OK) {
    return status;
  }
  if (!is_newest(srtp, ssrc) && !is_known(srtp, ssrc)) {
    srtp->sources[srtp->source_count] = ssrc;
    srtp->source_count++;
  }
  *len = (size_t)length;
  return PAW_OK;
}

int paw_srtp_unprotect_rtp(struct paw_srtp *srtp, uint8_t *packet, size_t *len) {
  struct paw_rd rd = paw_rd_init(packet, *len);
  paw_rd_skip(&rd, 8);
  uint32_t ssrc = paw_rd_u32(&rd);
  if (rd.bad || *len > PAW_DATAGRAM_MAX) {
    return PAW_ERR_MALFORMED;
  }
  return unprotect(srtp, srtp_unprotect, ssrc, packet, len);
}

int paw_srtp_unprotect_rtcp(struct paw_srtp *srtp, uint8_t *packet, size_t *len) {
  struct paw_rd rd = paw_rd_init(packet, *len);
  paw_rd_skip(&rd, 4);
  uint32_t ssrc = paw_rd_u32(&rd);
  if (rd.bad || *len > PAW_DATAGRAM_MAX) {
    return PAW_ERR_MALFORMED;
  }
  return unprotect(srtp, srtp_unprotect_rtcp, ssrc, packet, len);
}
