/* SPDX-License-Identifier: MIT */
/* SRTP and SRTCP of one connection (RFC 3711), AES128_CM_HMAC_SHA1_80, over libsrtp2 with AES and
 * SHA-1 of mbedTLS put in through its replacement interface. */
#ifndef PAW_SRTP_SRTP_H
#define PAW_SRTP_SRTP_H

#include <pawebrtc/dtls.h>

/* What protection adds at most: 10 bytes of tag, and 4 of index for SRTCP. Buffers need the room.
 */
#define PAW_SRTP_TRAILER_MAX 16

struct paw_srtp; /* libsrtp2's two sessions, one a direction */

/* Prepare libsrtp2 for the process: srtp_init and our cipher and hash. Done once; cheap afterwards.
 * PAW_OK; PAW_ERR_CRYPTO when a self-test of libsrtp2 fails. */
int paw_srtp_install(void);

/* `local_ssrc` is the SSRC of what this side sends. Keys are copied, wipe yours.
 * PAW_OK; PAW_ERR_NO_MEMORY; PAW_ERR_CRYPTO. */
int paw_srtp_new(const struct paw_allocator *allocator, const struct paw_srtp_keys *keys,
                 uint32_t local_ssrc, struct paw_srtp **out);

/* One SSRC more to send with, under the same keys: of retransmissions (RFC 4588), which are new
 * packets and not sent twice. Again for the same one changes nothing. PAW_OK; PAW_ERR_NO_MEMORY;
 * PAW_ERR_CRYPTO. */
int paw_srtp_add_sender(struct paw_srtp *srtp, const struct paw_srtp_keys *keys, uint32_t ssrc);

void paw_srtp_free(struct paw_srtp *srtp, const struct paw_allocator *allocator);

/* Protect in place. `len` in: the packet; out: with trailer; `room` is the buffer's. Sending the
 * same RTP packet again is allowed when it is byte for byte the same (see README.md).
 * PAW_OK; PAW_ERR_NO_BUFFER; PAW_ERR_REPLAY: too old to be sent again; PAW_ERR_MALFORMED: no RTP or
 * RTCP packet; PAW_ERR_CRYPTO: not of the local SSRC, or libsrtp2 failed. */
int paw_srtp_protect_rtp(struct paw_srtp *srtp, uint8_t *packet, size_t *len, size_t room);
int paw_srtp_protect_rtcp(struct paw_srtp *srtp, uint8_t *packet, size_t *len, size_t room);

/* Authenticate and decrypt in place. PAW_OK; PAW_ERR_AUTH; PAW_ERR_REPLAY; PAW_ERR_MALFORMED;
 * PAW_ERR_LIMIT: one SSRC more than PAW_SRTP_SOURCES_MAX; PAW_ERR_NO_MEMORY (a first packet of its
 * SSRC). Nothing has changed unless PAW_OK. */
int paw_srtp_unprotect_rtp(struct paw_srtp *srtp, uint8_t *packet, size_t *len);
int paw_srtp_unprotect_rtcp(struct paw_srtp *srtp, uint8_t *packet, size_t *len);

#endif
