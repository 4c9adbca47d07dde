/* SPDX-License-Identifier: MIT */
/* The stored descriptions of tests/vectors/sdp, and comparing of descriptions. */
#ifndef TEXT_FILE_H
#define TEXT_FILE_H

#include "sdp/sdp.h"

/* The bytes of a file there, on the heap without a NUL, so that reading past the end is seen. */
char *read_vector(const char *name, size_t *len);

/* A copy on the heap of exactly these bytes. */
char *copy_exact(const char *text, size_t len);

/* Parse the text and read its audio section `index`. The first status that is not PAW_OK. */
int read_description(const char *text, size_t len, size_t index, struct paw_description *out);

/* The same of a string: its section 0 out of a copy of exactly its length. */
int read_string(const char *text, struct paw_description *out);

/* The pieces of a small description. */
#define SDP_SESSION "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
#define SDP_HEX_4 "AB:AB:AB:AB"
#define SDP_HEX_16 SDP_HEX_4 ":" SDP_HEX_4 ":" SDP_HEX_4 ":" SDP_HEX_4
#define SDP_FINGERPRINT "a=fingerprint:sha-256 " SDP_HEX_16 ":" SDP_HEX_16 "\r\n"
#define SDP_CREDENTIALS "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789abcdefghijkl\r\n"
#define SDP_TRANSPORT SDP_CREDENTIALS SDP_FINGERPRINT "a=rtcp-mux\r\n"
#define SDP_OPUS "a=rtpmap:111 opus/48000/2\r\n"
#define SDP_MEDIA "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n" SDP_TRANSPORT SDP_OPUS

/* Fail, naming the member, unless both say the same. */
void expect_same_description(const struct paw_description *a, const struct paw_description *b);

#endif
