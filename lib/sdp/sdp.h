/* SPDX-License-Identifier: MIT */
/* SDP (RFC 8866) of WebRTC (RFC 9429): text to a paw_description and back. Parsed by slices: the
 * bytes of a text are bounded, the number of its lines and attributes is not. */
#ifndef PAW_SDP_SDP_H
#define PAW_SDP_SDP_H

#include <pawebrtc/description.h>

/* A piece of somebody's text, without a NUL. */
struct paw_text {
  const char *data;
  size_t len;
};

/* One m-line and its section. Slices into the text. */
struct paw_sdp_media {
  struct paw_text kind;     /* "audio" */
  struct paw_text protocol; /* "UDP/TLS/RTP/SAVPF" */
  struct paw_text formats;  /* "111 63", as written */
  struct paw_text mid;      /* empty when there is none */
  struct paw_text lines;    /* everything after the m-line, up to the next one */
  uint16_t port;
  bool bundle_only;
  bool bundled; /* its mid is in a BUNDLE group */
};

struct paw_sdp {
  struct paw_text session; /* the lines before the first m-line */
  size_t media_count;
  struct paw_sdp_media *media; /* PAW_SDP_MEDIA_MAX, the caller's */
  uint64_t session_id;
  uint64_t session_version;
};

/* Split a text into sections. `sdp->media` points to PAW_SDP_MEDIA_MAX entries.
 * PAW_OK; PAW_ERR_MALFORMED: not SDP (no "v=0", a bad m-line or origin); PAW_ERR_LIMIT: longer than
 * PAW_SDP_BYTES_MAX, or more m-lines than PAW_SDP_MEDIA_MAX. */
int paw_sdp_parse(const char *text, size_t len, struct paw_sdp *sdp);

/* Read one audio section, with what it inherits from the session level and from its bundle.
 * PAW_OK; PAW_ERR_UNSUPPORTED: not audio, rejected (port 0 without bundle-only), no profile of RTP
 * (RFC 8829 section 5.1.2), without Opus/48000/2 or without rtcp-mux; PAW_ERR_MALFORMED: without
 * credentials or a fingerprint of a known hash, or a value out of its range (payload type above
 * 127, …). */
int paw_sdp_read_audio(const struct paw_sdp *sdp, size_t index, struct paw_description *out);

/* Write an offer of one audio section. `wr`-like sizing: `len` in: room with the NUL; out: length
 * without it, also when it did not fit. PAW_OK; PAW_ERR_NO_BUFFER. */
int paw_sdp_write_offer(const struct paw_description *description, uint64_t session_id,
                        uint64_t session_version, char *text, size_t *len);

/* Write the answer to `offer`: `accepted` is the index of the audio section that `description`
 * answers; all others are rejected with port 0, with the same order, protocol, formats and mids. */
int paw_sdp_write_answer(const struct paw_description *description, const struct paw_sdp *offer,
                         size_t accepted, uint64_t session_id, uint64_t session_version, char *text,
                         size_t *len);

/* ---- the candidate line (RFC 8839 section 5.1) ---- */

/* Read what follows "candidate:". PAW_OK; PAW_ERR_MALFORMED; PAW_ERR_UNSUPPORTED: not UDP, not
 * component 1, or a host name instead of an address (".local"): to be skipped. */
int paw_sdp_read_candidate(const char *text, size_t len, struct paw_candidate *out);

/* Write "candidate:…" without "a=" and line end; `len` as in paw_sdp_write_offer. */
int paw_sdp_write_candidate(const struct paw_candidate *candidate, char *text, size_t *len);

/* ---- the fragment of trickle ICE (RFC 8840) ---- */

struct paw_sdp_fragment {
  struct paw_ice_credentials ice; /* empty when it has none */
  bool ice_lite;
  bool end_of_candidates;
  size_t candidate_count;
  struct paw_candidate candidates[PAW_DESCRIPTION_CANDIDATES_MAX];
};

/* Unsupported candidates are left out; a bare "candidate:…" line is taken too. PAW_OK;
 * PAW_ERR_MALFORMED; PAW_ERR_LIMIT: longer than PAW_SDP_BYTES_MAX. */
int paw_sdp_read_fragment(const char *text, size_t len, struct paw_sdp_fragment *out);

/* `mid` may be empty; `len` as in paw_sdp_write_offer. */
int paw_sdp_write_fragment(const struct paw_sdp_fragment *fragment, const char *mid, char *text,
                           size_t *len);

#endif
