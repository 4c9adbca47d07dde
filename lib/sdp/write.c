/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/addr.h"
#include "sdp/text.h"

#define PROTOCOL "UDP/TLS/RTP/SAVPF"

static const char *const direction_lines[] = {
    [PAW_DIRECTION_INACTIVE] = "a=inactive",
    [PAW_DIRECTION_SENDONLY] = "a=sendonly",
    [PAW_DIRECTION_RECVONLY] = "a=recvonly",
    [PAW_DIRECTION_SENDRECV] = "a=sendrecv",
};

static struct paw_text text_of(const char *string) {
  return (struct paw_text){.data = string, .len = strlen(string)};
}

/* ---- session level ---- */

static void put_session(struct paw_sdp_out *out, const struct paw_description *description,
                        uint64_t session_id, uint64_t session_version, struct paw_text bundle) {
  paw_sdp_put_line(out, "v=0");
  paw_sdp_put(out, "o=- ");
  paw_sdp_put_number(out, session_id);
  paw_sdp_put_counted(out, " ", session_version, " IN IP4 127.0.0.1");
  paw_sdp_put_line(out, "s=-");
  paw_sdp_put_line(out, "t=0 0");
  if (description->ice_lite) {
    paw_sdp_put_line(out, "a=ice-lite");
  }
  if (bundle.len > 0) {
    paw_sdp_put(out, "a=group:BUNDLE ");
    paw_sdp_put_text(out, bundle);
    paw_sdp_put_line(out, "");
  }
  if (description->audio.extmap_allow_mixed) {
    paw_sdp_put_line(out, "a=extmap-allow-mixed");
  }
  paw_sdp_put_line(out, "a=msid-semantic: WMS *");
}

/* ---- the audio section ---- */

/* RFC 8839 section 4.2.1: the default destination is one of the candidates, or nothing yet. */
static void put_media_line(struct paw_sdp_out *out, const struct paw_description *description,
                           struct paw_text protocol) {
  const struct paw_audio_description *audio = &description->audio;
  bool has_candidate = description->candidate_count > 0;
  paw_sdp_put(out, "m=audio ");
  paw_sdp_put_number(out, has_candidate ? description->candidates[0].address.port : 9);
  paw_sdp_put(out, " ");
  paw_sdp_put_text(out, protocol);
  const uint8_t types[] = {audio->opus_payload_type, audio->red_payload_type,
                           audio->rtx_payload_type};
  for (size_t i = 0; i < sizeof types; i++) {
    if (types[i] != 0) {
      paw_sdp_put(out, " ");
      paw_sdp_put_number(out, types[i]);
    }
  }
  paw_sdp_put_line(out, "");
  char ip[PAW_ADDRESS_TEXT_SIZE] = "0.0.0.0";
  bool ipv6 = has_candidate && description->candidates[0].address.family == PAW_FAMILY_IPV6;
  if (has_candidate) {
    paw_address_format_ip(&description->candidates[0].address, ip);
  }
  paw_sdp_put_pair(out, ipv6 ? "c=IN IP6 " : "c=IN IP4 ", ip);
}

static void put_mid(struct paw_sdp_out *out, struct paw_text mid) {
  if (mid.len > 0) {
    paw_sdp_put(out, "a=mid:");
    paw_sdp_put_text(out, mid);
    paw_sdp_put_line(out, "");
  }
}

static void put_transport(struct paw_sdp_out *out, const struct paw_description *description) {
  paw_sdp_put_credentials(out, &description->ice);
  paw_sdp_put_pair(out, "a=ice-options:ice2", description->ice_trickle ? " trickle" : "");
  for (size_t i = 0; i < description->fingerprint_count; i++) {
    paw_sdp_put_fingerprint(out, &description->fingerprints[i]);
  }
  paw_sdp_put_setup(out, description->setup);
  paw_sdp_put_candidates(out, description->candidates, description->candidate_count,
                         description->end_of_candidates);
}

static void put_extension(struct paw_sdp_out *out, uint8_t id, const char *uri) {
  if (id != 0) {
    paw_sdp_put(out, "a=extmap:");
    paw_sdp_put_number(out, id);
    paw_sdp_put_pair(out, " ", uri);
  }
}

/* ---- codecs ---- */

static void put_parameter(struct paw_sdp_out *out, const char **separator, const char *name,
                          uint32_t value) {
  if (value != 0) {
    paw_sdp_put(out, *separator);
    paw_sdp_put(out, name);
    paw_sdp_put(out, "=");
    paw_sdp_put_number(out, value);
    *separator = ";";
  }
}

/* RFC 7587 section 6.1; a parameter that is not said is left out, and so is an empty line. */
static void put_opus_parameters(struct paw_sdp_out *out, uint8_t type,
                                const struct paw_opus_parameters *opus) {
  struct paw_sdp_out before = *out;
  paw_sdp_put(out, "a=fmtp:");
  paw_sdp_put_number(out, type);
  const char *separator = " ";
  put_parameter(out, &separator, "minptime", opus->min_ptime_ms);
  put_parameter(out, &separator, "useinbandfec", opus->use_inband_fec);
  put_parameter(out, &separator, "stereo", opus->stereo);
  put_parameter(out, &separator, "sprop-stereo", opus->sprop_stereo);
  put_parameter(out, &separator, "usedtx", opus->use_dtx);
  put_parameter(out, &separator, "cbr", opus->cbr);
  put_parameter(out, &separator, "maxaveragebitrate", opus->max_average_bitrate_bps);
  put_parameter(out, &separator, "maxplaybackrate", opus->max_playback_rate_hz);
  put_parameter(out, &separator, "sprop-maxcapturerate", opus->sprop_max_capture_rate_hz);
  bool said_nothing = separator[0] == ' ';
  if (said_nothing) {
    *out = before;
  } else {
    paw_sdp_put_line(out, "");
  }
}

static void put_opus(struct paw_sdp_out *out, const struct paw_audio_description *audio) {
  uint8_t type = audio->opus_payload_type;
  paw_sdp_put_counted(out, "a=rtpmap:", type, " opus/48000/2");
  put_opus_parameters(out, type, &audio->opus);
  if (audio->nack) {
    paw_sdp_put_counted(out, "a=rtcp-fb:", type, " nack");
  }
}

static void put_red(struct paw_sdp_out *out, const struct paw_audio_description *audio) {
  if (audio->red_payload_type != 0) {
    paw_sdp_put_counted(out, "a=rtpmap:", audio->red_payload_type, " red/48000/2");
    paw_sdp_put(out, "a=fmtp:");
    paw_sdp_put_number(out, audio->red_payload_type);
    paw_sdp_put(out, " ");
    paw_sdp_put_number(out, audio->opus_payload_type);
    paw_sdp_put_counted(out, "/", audio->opus_payload_type, "");
  }
}

static void put_rtx(struct paw_sdp_out *out, const struct paw_audio_description *audio) {
  if (audio->rtx_payload_type != 0) {
    paw_sdp_put_counted(out, "a=rtpmap:", audio->rtx_payload_type, " rtx/48000");
    paw_sdp_put(out, "a=fmtp:");
    paw_sdp_put_number(out, audio->rtx_payload_type);
    paw_sdp_put_counted(out, " apt=", audio->opus_payload_type, "");
  }
}

static void put_ptimes(struct paw_sdp_out *out, const struct paw_opus_parameters *opus) {
  if (opus->ptime_ms != 0) {
    paw_sdp_put_counted(out, "a=ptime:", opus->ptime_ms, "");
  }
  if (opus->max_ptime_ms != 0) {
    paw_sdp_put_counted(out, "a=maxptime:", opus->max_ptime_ms, "");
  }
}

/* ---- the source ---- */

static void put_msid(struct paw_sdp_out *out, const struct paw_audio_description *audio) {
  paw_sdp_put(out, "msid:");
  paw_sdp_put(out, audio->msid_stream);
  paw_sdp_put_pair(out, audio->msid_track[0] != '\0' ? " " : "", audio->msid_track);
}

static void put_ssrc(struct paw_sdp_out *out, uint32_t ssrc) {
  paw_sdp_put(out, "a=ssrc:");
  paw_sdp_put_number(out, ssrc);
  paw_sdp_put(out, " ");
}

/* RFC 8830 section 2 and RFC 5576; older peers look for the msid behind the SSRC. */
static void put_source(struct paw_sdp_out *out, const struct paw_audio_description *audio) {
  bool has_msid = audio->msid_stream[0] != '\0';
  if (has_msid) {
    paw_sdp_put(out, "a=");
    put_msid(out, audio);
  }
  const uint32_t ssrcs[] = {audio->ssrc, audio->ssrc != 0 ? audio->rtx_ssrc : 0};
  if (ssrcs[1] != 0) { /* RFC 4588 section 8.8 */
    paw_sdp_put(out, "a=ssrc-group:FID ");
    paw_sdp_put_number(out, ssrcs[0]);
    paw_sdp_put_counted(out, " ", ssrcs[1], "");
  }
  for (size_t i = 0; i < 2; i++) {
    if (ssrcs[i] != 0 && audio->cname[0] != '\0') {
      put_ssrc(out, ssrcs[i]);
      paw_sdp_put_pair(out, "cname:", audio->cname);
    }
    if (ssrcs[i] != 0 && has_msid) {
      put_ssrc(out, ssrcs[i]);
      put_msid(out, audio);
    }
  }
}

static void put_rtcp(struct paw_sdp_out *out, const struct paw_audio_description *audio,
                     bool is_offer) {
  if (audio->rtcp_mux) {
    paw_sdp_put_line(out, "a=rtcp-mux");
  }
  if (audio->rtcp_mux && is_offer) {
    paw_sdp_put_line(out, "a=rtcp-mux-only"); /* RFC 8858 section 3: in offers alone */
  }
  if (audio->rtcp_rsize) {
    paw_sdp_put_line(out, "a=rtcp-rsize");
  }
  if (audio->rrtr) {
    paw_sdp_put_line(out, "a=rtcp-xr:rcvr-rtt=all");
  }
}

static void put_audio(struct paw_sdp_out *out, const struct paw_description *description,
                      struct paw_text protocol, struct paw_text mid, bool is_offer) {
  const struct paw_audio_description *audio = &description->audio;
  put_media_line(out, description, protocol);
  put_mid(out, mid);
  put_transport(out, description);
  put_extension(out, audio->extension_audio_level, PAW_SDP_URI_AUDIO_LEVEL);
  put_extension(out, audio->extension_mid, PAW_SDP_URI_MID);
  put_extension(out, audio->extension_abs_capture_time, PAW_SDP_URI_ABS_CAPTURE_TIME);
  paw_sdp_put_line(out, direction_lines[audio->direction]);
  put_rtcp(out, audio, is_offer);
  put_opus(out, audio);
  put_red(out, audio);
  put_rtx(out, audio);
  put_ptimes(out, &audio->opus);
  if ((audio->direction & PAW_DIRECTION_SENDONLY) != 0) {
    put_source(out, audio);
  }
}

/* RFC 3264 section 6: a rejected section keeps its place, protocol and formats. */
static void put_rejected(struct paw_sdp_out *out, const struct paw_sdp_media *media) {
  paw_sdp_put(out, "m=");
  paw_sdp_put_text(out, media->kind);
  paw_sdp_put(out, " 0 ");
  paw_sdp_put_text(out, media->protocol);
  paw_sdp_put(out, " ");
  paw_sdp_put_text(out, media->formats);
  paw_sdp_put_line(out, "");
  paw_sdp_put_line(out, "c=IN IP4 0.0.0.0");
  put_mid(out, media->mid);
}

int paw_sdp_write_offer(const struct paw_description *description, uint64_t session_id,
                        uint64_t session_version, char *text, size_t *len) {
  struct paw_sdp_out out = paw_sdp_out_init(text, *len);
  struct paw_text mid = text_of(description->audio.mid);
  struct paw_text bundle = description->audio.bundle ? mid : (struct paw_text){0};
  put_session(&out, description, session_id, session_version, bundle);
  put_audio(&out, description, text_of(PROTOCOL), mid, true);
  return paw_sdp_out_end(&out, len);
}

int paw_sdp_write_answer(const struct paw_description *description, const struct paw_sdp *offer,
                         size_t accepted, uint64_t session_id, uint64_t session_version, char *text,
                         size_t *len) {
  struct paw_sdp_out out = paw_sdp_out_init(text, *len);
  const struct paw_sdp_media *own = &offer->media[accepted];
  struct paw_text bundle = own->bundled ? own->mid : (struct paw_text){0};
  put_session(&out, description, session_id, session_version, bundle);
  for (size_t i = 0; i < offer->media_count; i++) {
    if (i == accepted) {
      put_audio(&out, description, own->protocol, own->mid, false);
    } else {
      put_rejected(&out, &offer->media[i]);
    }
  }
  return paw_sdp_out_end(&out, len);
}
