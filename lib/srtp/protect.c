/* SPDX-License-Identifier: MIT */
#include "srtp/private.h"

typedef srtp_err_status_t protect_function(srtp_t session, void *packet, int *len);

static int protect(struct paw_srtp *srtp, protect_function *function, uint8_t *packet, size_t *len,
                   size_t room) {
  if (*len > PAW_DATAGRAM_MAX || room < *len + PAW_SRTP_TRAILER_MAX) {
    return PAW_ERR_NO_BUFFER;
  }
  int length = (int)*len;
  int status = paw_srtp_status(function(srtp->sender, packet, &length));
  if (status == PAW_OK) {
    *len = (size_t)length;
  }
  return status;
}

int paw_srtp_protect_rtp(struct paw_srtp *srtp, uint8_t *packet, size_t *len, size_t room) {
  return protect(srtp, srtp_protect, packet, len, room);
}

int paw_srtp_protect_rtcp(struct paw_srtp *srtp, uint8_t *packet, size_t *len, size_t room) {
  return protect(srtp, srtp_protect_rtcp, packet, len, room);
}
