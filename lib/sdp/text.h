/* SPDX-License-Identifier: MIT */
/* What the files of this room share: slices of text in (lex.c), text out (put.c), and the lines
 * about ICE and DTLS that descriptions and fragments both have (transport.c, candidate.c). */
#ifndef PAW_SDP_TEXT_H
#define PAW_SDP_TEXT_H

#include "base/limits.h"
#include "sdp/sdp.h"

/* ---- reading: every "take" shortens `rest` by what it returns and what ended it ---- */

/* The next line that is not empty, without its end (CRLF or LF). False at the end. */
bool paw_sdp_take_line(struct paw_text *rest, struct paw_text *line);

/* All lines up to the next "m=" line; the first line is taken whatever it is. False at the end. */
bool paw_sdp_take_section(struct paw_text *rest, struct paw_text *section);

/* Up to `stop`, or all. Spaces at both ends are left out. */
struct paw_text paw_sdp_take_until(struct paw_text *rest, char stop);

/* The next word between spaces; empty at the end. */
struct paw_text paw_sdp_take_word(struct paw_text *rest);

/* Two hexadecimal digits. */
bool paw_sdp_take_hex_byte(struct paw_text *rest, uint8_t *byte);

/* Exactly these characters. */
bool paw_sdp_take_prefix(struct paw_text *rest, const char *prefix);

/* Split "a=name:value" or "a=name". False for other lines. */
bool paw_sdp_read_attribute(struct paw_text line, struct paw_text *name, struct paw_text *value);

/* Is all of `text` a decimal number of at most `max`? */
bool paw_sdp_read_number(struct paw_text text, uint64_t max, uint64_t *out);

bool paw_sdp_is(struct paw_text text, const char *wanted);
bool paw_sdp_is_any_case(struct paw_text text, const char *wanted);
bool paw_sdp_is_text(struct paw_text text, struct paw_text wanted);

/* ALPHA, DIGIT, or one of `others`, and nothing else. */
bool paw_sdp_is_alphanumeric_or(struct paw_text text, const char *others);

/* Copy with a NUL, at most `max` characters without it. False, and nothing copied, when it is
 * longer or has anything but visible ASCII. */
bool paw_sdp_copy(struct paw_text text, char *out, size_t max);

/* ---- the lines about ICE and DTLS ---- */

/* Values of a=ice-ufrag, a=ice-pwd, a=setup. PAW_OK; PAW_ERR_MALFORMED. */
int paw_sdp_read_ufrag(struct paw_text value, struct paw_ice_credentials *ice);
int paw_sdp_read_pwd(struct paw_text value, struct paw_ice_credentials *ice);
int paw_sdp_read_setup(struct paw_text value, enum paw_setup *setup);

/* Value of a=fingerprint. PAW_OK; PAW_ERR_MALFORMED; PAW_ERR_UNSUPPORTED: another hash. */
int paw_sdp_read_fingerprint(struct paw_text value, struct paw_fingerprint *out);

/* Value of a=candidate, added to the list unless it is of no use or the list is full. PAW_OK;
 * PAW_ERR_MALFORMED. */
int paw_sdp_add_candidate(struct paw_text value, struct paw_candidate *candidates, size_t *count);

/* ---- payload types (payload.c) ---- */

/* What the lines of a section say about each payload type. */
struct paw_sdp_payload {
  struct paw_text rtpmap;
  struct paw_text fmtp;
  bool nack;
  bool rrtr;
};

struct paw_sdp_payloads {
  struct paw_sdp_payload types[128]; /* RFC 3550 section 5.1: seven bits */
};

/* Values of a=rtpmap, a=fmtp, a=rtcp-fb; the first line about a payload type counts. PAW_OK;
 * PAW_ERR_MALFORMED: no payload type, or one above 127. */
int paw_sdp_payloads_read_rtpmap(struct paw_sdp_payloads *payloads, struct paw_text value);
int paw_sdp_payloads_read_fmtp(struct paw_sdp_payloads *payloads, struct paw_text value);
int paw_sdp_payloads_read_feedback(struct paw_sdp_payloads *payloads, struct paw_text value);

/* Choose the first Opus of `formats` with its parameters, and the first RED and RTX over it.
 * PAW_OK; PAW_ERR_MALFORMED: a format that is no payload type; PAW_ERR_UNSUPPORTED: no Opus. */
int paw_sdp_payloads_choose(const struct paw_sdp_payloads *payloads, struct paw_text formats,
                            struct paw_audio_description *audio);

/* ---- header extensions ---- */
#define PAW_SDP_URI_MID "urn:ietf:params:rtp-hdrext:sdes:mid"
#define PAW_SDP_URI_AUDIO_LEVEL "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
#define PAW_SDP_URI_ABS_CAPTURE_TIME "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time"

/* ---- writing ---- */

struct paw_sdp_out {
  char *text;
  size_t room; /* with the NUL */
  size_t len;  /* what the text needs, whether it fits or not */
};

struct paw_sdp_out paw_sdp_out_init(char *text, size_t room);
void paw_sdp_put(struct paw_sdp_out *out, const char *string);
void paw_sdp_put_text(struct paw_sdp_out *out, struct paw_text text);
void paw_sdp_put_number(struct paw_sdp_out *out, uint64_t number);
void paw_sdp_put_candidate(struct paw_sdp_out *out, const struct paw_candidate *candidate);

/* Whole lines, with CRLF: "head", "head" and "tail", "head", a number and "tail". */
void paw_sdp_put_line(struct paw_sdp_out *out, const char *head);
void paw_sdp_put_pair(struct paw_sdp_out *out, const char *head, const char *tail);
void paw_sdp_put_counted(struct paw_sdp_out *out, const char *head, uint64_t number,
                         const char *tail);

/* The lines a=ice-ufrag, a=ice-pwd; and a=candidate and a=end-of-candidates. */
void paw_sdp_put_credentials(struct paw_sdp_out *out, const struct paw_ice_credentials *ice);
void paw_sdp_put_candidates(struct paw_sdp_out *out, const struct paw_candidate *candidates,
                            size_t count, bool end_of_candidates);
void paw_sdp_put_fingerprint(struct paw_sdp_out *out, const struct paw_fingerprint *fingerprint);
void paw_sdp_put_setup(struct paw_sdp_out *out, enum paw_setup setup);

/* End the text with a NUL and tell its length. PAW_OK; PAW_ERR_NO_BUFFER. */
int paw_sdp_out_end(struct paw_sdp_out *out, size_t *len);

#endif
