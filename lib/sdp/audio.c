/* SPDX-License-Identifier: MIT */
#include "sdp/text.h"

/* Where a line stands. A bundled section takes the transport of the section that is tagged, the
 * first of its group (RFC 9143 section 7.2), where it does not say it itself. */
enum level { LEVEL_SESSION = 1, LEVEL_TAGGED = 2, LEVEL_OWN = 4 };
#define LEVELS_TRANSPORT (LEVEL_SESSION | LEVEL_TAGGED | LEVEL_OWN)
#define LEVELS_MEDIA (LEVEL_SESSION | LEVEL_OWN)

struct reader {
  struct paw_description *out;
  enum level level;
  enum level fingerprints_level; /* what stands nearer replaces what was inherited */
  enum level candidates_level;
  struct paw_sdp_payloads payloads;
};

/* ---- transport ---- */

static int read_ufrag(struct reader *reader, struct paw_text value) {
  return paw_sdp_read_ufrag(value, &reader->out->ice);
}

static int read_pwd(struct reader *reader, struct paw_text value) {
  return paw_sdp_read_pwd(value, &reader->out->ice);
}

static int read_ice_lite(struct reader *reader, struct paw_text value) {
  (void)value;
  reader->out->ice_lite = true;
  return PAW_OK;
}

static int read_ice_options(struct reader *reader, struct paw_text value) {
  for (struct paw_text option = paw_sdp_take_word(&value); option.len > 0;
       option = paw_sdp_take_word(&value)) {
    reader->out->ice_trickle = reader->out->ice_trickle || paw_sdp_is(option, "trickle");
  }
  return PAW_OK;
}

static int read_setup(struct reader *reader, struct paw_text value) {
  return paw_sdp_read_setup(value, &reader->out->setup);
}

static int read_fingerprint(struct reader *reader, struct paw_text value) {
  struct paw_description *out = reader->out;
  if (reader->fingerprints_level != reader->level) {
    reader->fingerprints_level = reader->level;
    out->fingerprint_count = 0;
  }
  struct paw_fingerprint fingerprint;
  int status = paw_sdp_read_fingerprint(value, &fingerprint);
  if (status == PAW_OK && out->fingerprint_count < PAW_DESCRIPTION_FINGERPRINTS_MAX) {
    out->fingerprints[out->fingerprint_count++] = fingerprint;
  }
  return status == PAW_ERR_UNSUPPORTED ? PAW_OK : status;
}

static int read_candidate(struct reader *reader, struct paw_text value) {
  struct paw_description *out = reader->out;
  if (reader->candidates_level != reader->level) {
    reader->candidates_level = reader->level;
    out->candidate_count = 0;
  }
  return paw_sdp_add_candidate(value, out->candidates, &out->candidate_count);
}

static int read_end_of_candidates(struct reader *reader, struct paw_text value) {
  (void)value;
  reader->out->end_of_candidates = true;
  return PAW_OK;
}

static int read_rtcp_mux(struct reader *reader, struct paw_text value) {
  (void)value;
  reader->out->audio.rtcp_mux = true;
  return PAW_OK;
}

/* ---- media ---- */

static int read_mid(struct reader *reader, struct paw_text value) {
  return paw_sdp_copy(value, reader->out->audio.mid, PAW_MID_MAX) ? PAW_OK : PAW_ERR_MALFORMED;
}

static int read_sendrecv(struct reader *reader, struct paw_text value) {
  (void)value;
  reader->out->audio.direction = PAW_DIRECTION_SENDRECV;
  return PAW_OK;
}

static int read_sendonly(struct reader *reader, struct paw_text value) {
  (void)value;
  reader->out->audio.direction = PAW_DIRECTION_SENDONLY;
  return PAW_OK;
}

static int read_recvonly(struct reader *reader, struct paw_text value) {
  (void)value;
  reader->out->audio.direction = PAW_DIRECTION_RECVONLY;
  return PAW_OK;
}

static int read_inactive(struct reader *reader, struct paw_text value) {
  (void)value;
  reader->out->audio.direction = PAW_DIRECTION_INACTIVE;
  return PAW_OK;
}

static int read_rtcp_rsize(struct reader *reader, struct paw_text value) {
  (void)value;
  reader->out->audio.rtcp_rsize = true;
  return PAW_OK;
}

/* RFC 3611 section 5.1: "rcvr-rtt=all" or "rcvr-rtt=sender", perhaps with a size, among others. */
static int read_rtcp_xr(struct reader *reader, struct paw_text value) {
  for (struct paw_text format = paw_sdp_take_word(&value); format.len > 0;
       format = paw_sdp_take_word(&value)) {
    reader->out->audio.rrtr =
        reader->out->audio.rrtr || paw_sdp_is(paw_sdp_take_until(&format, '='), "rcvr-rtt");
  }
  return PAW_OK;
}

static int read_extmap_allow_mixed(struct reader *reader, struct paw_text value) {
  (void)value;
  reader->out->audio.extmap_allow_mixed = true;
  return PAW_OK;
}

/* "<id>[/<direction>] <uri> [<attributes>]". RFC 8285 section 6: an id above 255 holds the place of
 * one that is not given yet. */
static int read_extmap(struct reader *reader, struct paw_text value) {
  struct paw_audio_description *audio = &reader->out->audio;
  struct paw_text where = paw_sdp_take_word(&value);
  uint64_t id = 0;
  bool is_number = paw_sdp_read_number(paw_sdp_take_until(&where, '/'), UINT16_MAX, &id);
  struct paw_text uri = paw_sdp_take_word(&value);
  if (!is_number || id == 0 || uri.len == 0) {
    return PAW_ERR_MALFORMED;
  }
  if (id > UINT8_MAX || paw_sdp_is(where, "inactive")) {
    return PAW_OK;
  }
  if (paw_sdp_is(uri, PAW_SDP_URI_MID)) {
    audio->extension_mid = (uint8_t)id;
  } else if (paw_sdp_is(uri, PAW_SDP_URI_AUDIO_LEVEL)) {
    audio->extension_audio_level = (uint8_t)id;
  } else if (paw_sdp_is(uri, PAW_SDP_URI_ABS_CAPTURE_TIME)) {
    audio->extension_abs_capture_time = (uint8_t)id;
  }
  return PAW_OK;
}

/* RFC 8866 section 6.4 allows fractions: RFC 7587 section 6.1 rounds up, and ends at 120 ms. */
static void take_ptime(struct paw_text value, uint16_t *ptime_ms) {
  uint64_t whole = 0;
  uint64_t fraction = 0;
  bool good = paw_sdp_read_number(paw_sdp_take_until(&value, '.'), 120, &whole);
  good = good && (value.len == 0 || paw_sdp_read_number(value, UINT64_MAX, &fraction));
  uint64_t ms = fraction > 0 ? whole + 1 : whole;
  if (good && ms >= 1 && ms <= 120) {
    *ptime_ms = (uint16_t)ms;
  }
}

static int read_ptime(struct reader *reader, struct paw_text value) {
  take_ptime(value, &reader->out->audio.opus.ptime_ms);
  return PAW_OK;
}

static int read_max_ptime(struct reader *reader, struct paw_text value) {
  take_ptime(value, &reader->out->audio.opus.max_ptime_ms);
  return PAW_OK;
}

/* "<stream> [<track>]" (RFC 8830 section 2). */
static int read_msid(struct reader *reader, struct paw_text value) {
  struct paw_audio_description *audio = &reader->out->audio;
  if (audio->msid_stream[0] == '\0') {
    (void)paw_sdp_copy(paw_sdp_take_word(&value), audio->msid_stream, PAW_MSID_MAX);
    (void)paw_sdp_copy(paw_sdp_take_word(&value), audio->msid_track, PAW_MSID_MAX);
  }
  return PAW_OK;
}

/* "<ssrc> <attribute>[:<value>]" (RFC 5576 section 4.1), of which the first source counts: others
 * are retransmissions of it. */
static int read_ssrc(struct reader *reader, struct paw_text value) {
  struct paw_audio_description *audio = &reader->out->audio;
  uint64_t ssrc = 0;
  if (!paw_sdp_read_number(paw_sdp_take_word(&value), UINT32_MAX, &ssrc)) {
    return PAW_ERR_MALFORMED;
  }
  if (audio->ssrc == 0) {
    audio->ssrc = (uint32_t)ssrc;
  }
  if (ssrc == audio->ssrc && paw_sdp_take_prefix(&value, "cname:")) {
    (void)paw_sdp_copy(value, audio->cname, PAW_CNAME_MAX);
  } else if (ssrc == audio->ssrc && paw_sdp_take_prefix(&value, "msid:")) {
    return read_msid(reader, value);
  }
  return PAW_OK;
}

/* "FID <ssrc> <ssrc>" (RFC 5576 section 4.2, RFC 4588 section 8.8): a source and its
 * retransmissions. Simulcast and protection have groups of other names. */
static int read_ssrc_group(struct reader *reader, struct paw_text value) {
  struct paw_audio_description *audio = &reader->out->audio;
  uint64_t ssrc = 0;
  uint64_t rtx_ssrc = 0;
  bool is_fid = paw_sdp_is(paw_sdp_take_word(&value), "FID");
  bool good = paw_sdp_read_number(paw_sdp_take_word(&value), UINT32_MAX, &ssrc);
  good = paw_sdp_read_number(paw_sdp_take_word(&value), UINT32_MAX, &rtx_ssrc) && good;
  if (is_fid && good && audio->rtx_ssrc == 0 && (audio->ssrc == 0 || audio->ssrc == ssrc)) {
    audio->ssrc = (uint32_t)ssrc;
    audio->rtx_ssrc = (uint32_t)rtx_ssrc;
  }
  return PAW_OK;
}

static int read_rtpmap(struct reader *reader, struct paw_text value) {
  return paw_sdp_payloads_read_rtpmap(&reader->payloads, value);
}

static int read_fmtp(struct reader *reader, struct paw_text value) {
  return paw_sdp_payloads_read_fmtp(&reader->payloads, value);
}

static int read_rtcp_fb(struct reader *reader, struct paw_text value) {
  return paw_sdp_payloads_read_feedback(&reader->payloads, value);
}

/* ---- lines ---- */

static const struct {
  const char *name;
  unsigned levels;
  int (*read)(struct reader *reader, struct paw_text value);
} attributes[] = {
    {"ice-ufrag", LEVELS_TRANSPORT, read_ufrag},
    {"ice-pwd", LEVELS_TRANSPORT, read_pwd},
    {"ice-lite", LEVELS_TRANSPORT, read_ice_lite},
    {"ice-options", LEVELS_TRANSPORT, read_ice_options},
    {"setup", LEVELS_TRANSPORT, read_setup},
    {"fingerprint", LEVELS_TRANSPORT, read_fingerprint},
    {"candidate", LEVEL_TAGGED | LEVEL_OWN, read_candidate},
    {"end-of-candidates", LEVELS_TRANSPORT, read_end_of_candidates},
    {"rtcp-mux", LEVEL_TAGGED | LEVEL_OWN, read_rtcp_mux},
    {"rtcp-mux-only", LEVEL_TAGGED | LEVEL_OWN, read_rtcp_mux},
    {"mid", LEVEL_OWN, read_mid},
    {"sendrecv", LEVELS_MEDIA, read_sendrecv},
    {"sendonly", LEVELS_MEDIA, read_sendonly},
    {"recvonly", LEVELS_MEDIA, read_recvonly},
    {"inactive", LEVELS_MEDIA, read_inactive},
    {"rtcp-rsize", LEVEL_OWN, read_rtcp_rsize},
    {"rtcp-xr", LEVELS_MEDIA, read_rtcp_xr},
    {"extmap-allow-mixed", LEVELS_MEDIA, read_extmap_allow_mixed},
    {"extmap", LEVELS_MEDIA, read_extmap},
    {"ptime", LEVEL_OWN, read_ptime},
    {"maxptime", LEVEL_OWN, read_max_ptime},
    {"msid", LEVEL_OWN, read_msid},
    {"ssrc", LEVEL_OWN, read_ssrc},
    {"ssrc-group", LEVEL_OWN, read_ssrc_group},
    {"rtpmap", LEVEL_OWN, read_rtpmap},
    {"fmtp", LEVEL_OWN, read_fmtp},
    {"rtcp-fb", LEVEL_OWN, read_rtcp_fb},
};

static int read_attribute(struct reader *reader, struct paw_text name, struct paw_text value) {
  for (size_t i = 0; i < sizeof attributes / sizeof attributes[0]; i++) {
    if ((attributes[i].levels & reader->level) != 0 && paw_sdp_is(name, attributes[i].name)) {
      return attributes[i].read(reader, value);
    }
  }
  return PAW_OK;
}

static int read_lines(struct reader *reader, enum level level, struct paw_text lines) {
  struct paw_text line;
  struct paw_text name;
  struct paw_text value;
  reader->level = level;
  int status = PAW_OK;
  while (status == PAW_OK && paw_sdp_take_line(&lines, &line)) {
    if (paw_sdp_read_attribute(line, &name, &value)) {
      status = read_attribute(reader, name, value);
    }
  }
  return status;
}

/* ---- the section ---- */

/* RFC 8829 section 5.1.2: peers write any of these; that they mean DTLS-SRTP, the fingerprint
 * tells. */
static bool is_rtp(struct paw_text protocol) {
  static const char *const protocols[] = {
      "UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP", "TCP/DTLS/RTP/SAVPF", "TCP/DTLS/RTP/SAVP",
      "RTP/SAVPF",         "RTP/SAVP",         "RTP/AVPF",           "RTP/AVP",
  };
  for (size_t i = 0; i < sizeof protocols / sizeof protocols[0]; i++) {
    if (paw_sdp_is(protocol, protocols[i])) {
      return true;
    }
  }
  return false;
}

static bool can_be_read(const struct paw_sdp_media *media) {
  return paw_sdp_is(media->kind, "audio") && (media->port != 0 || media->bundle_only) &&
         is_rtp(media->protocol);
}

static const struct paw_sdp_media *find_tagged(const struct paw_sdp *sdp) {
  for (size_t i = 0; i < sdp->media_count; i++) {
    if (sdp->media[i].bundled) {
      return &sdp->media[i];
    }
  }
  return NULL;
}

static int read_levels(struct reader *reader, const struct paw_sdp *sdp,
                       const struct paw_sdp_media *media) {
  const struct paw_sdp_media *tagged = media->bundled ? find_tagged(sdp) : NULL;
  int status = read_lines(reader, LEVEL_SESSION, sdp->session);
  if (status == PAW_OK && tagged != NULL && tagged != media) {
    status = read_lines(reader, LEVEL_TAGGED, tagged->lines);
  }
  if (status == PAW_OK) {
    status = read_lines(reader, LEVEL_OWN, media->lines);
  }
  return status;
}

int paw_sdp_read_audio(const struct paw_sdp *sdp, size_t index, struct paw_description *out) {
  *out = (struct paw_description){.audio.direction = PAW_DIRECTION_SENDRECV};
  if (index >= sdp->media_count || !can_be_read(&sdp->media[index])) {
    return PAW_ERR_UNSUPPORTED;
  }
  const struct paw_sdp_media *media = &sdp->media[index];
  struct reader reader = {
      .out = out, .fingerprints_level = LEVEL_SESSION, .candidates_level = LEVEL_SESSION};
  out->audio.bundle = media->bundled;
  int status = read_levels(&reader, sdp, media);
  if (status == PAW_OK) {
    status = paw_sdp_payloads_choose(&reader.payloads, media->formats, &out->audio);
  }
  if (status == PAW_OK && !out->audio.rtcp_mux) {
    status = PAW_ERR_UNSUPPORTED;
  }
  bool complete =
      out->ice.ufrag[0] != '\0' && out->ice.pwd[0] != '\0' && out->fingerprint_count > 0;
  return status == PAW_OK && !complete ? PAW_ERR_MALFORMED : status;
}
