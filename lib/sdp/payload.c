/* SPDX-License-Identifier: MIT */
#include "sdp/text.h"

#define PAYLOAD_TYPE_MAX 127

/* ---- collecting ---- */

static struct paw_sdp_payload *find_payload(struct paw_sdp_payloads *payloads,
                                            struct paw_text number) {
  uint64_t type = 0;
  if (!paw_sdp_read_number(number, PAYLOAD_TYPE_MAX, &type)) {
    return NULL;
  }
  return &payloads->types[type];
}

int paw_sdp_payloads_read_rtpmap(struct paw_sdp_payloads *payloads, struct paw_text value) {
  struct paw_sdp_payload *payload = find_payload(payloads, paw_sdp_take_word(&value));
  if (payload == NULL) {
    return PAW_ERR_MALFORMED;
  }
  if (payload->rtpmap.len == 0) {
    payload->rtpmap = paw_sdp_take_word(&value);
  }
  return PAW_OK;
}

int paw_sdp_payloads_read_fmtp(struct paw_sdp_payloads *payloads, struct paw_text value) {
  struct paw_sdp_payload *payload = find_payload(payloads, paw_sdp_take_word(&value));
  if (payload == NULL) {
    return PAW_ERR_MALFORMED;
  }
  if (payload->fmtp.len == 0) {
    payload->fmtp = value;
  }
  return PAW_OK;
}

/* "<payload type or *> <feedback> [<parameter>]" (RFC 4585 section 4.2). "nack" with a parameter is
 * another kind of feedback. */
int paw_sdp_payloads_read_feedback(struct paw_sdp_payloads *payloads, struct paw_text value) {
  struct paw_text which = paw_sdp_take_word(&value);
  struct paw_text feedback = paw_sdp_take_word(&value);
  bool nack = paw_sdp_is(feedback, "nack") && value.len == 0;
  bool rrtr = paw_sdp_is(feedback, "rrtr");
  if (paw_sdp_is(which, "*")) {
    for (size_t i = 0; i <= PAYLOAD_TYPE_MAX; i++) {
      payloads->types[i].nack = payloads->types[i].nack || nack;
      payloads->types[i].rrtr = payloads->types[i].rrtr || rrtr;
    }
    return PAW_OK;
  }
  struct paw_sdp_payload *payload = find_payload(payloads, which);
  if (payload == NULL) {
    return PAW_ERR_MALFORMED;
  }
  payload->nack = payload->nack || nack;
  payload->rrtr = payload->rrtr || rrtr;
  return PAW_OK;
}

/* ---- asking ---- */

/* `channels` 0: not said, or anything. */
static bool is_codec(struct paw_text rtpmap, const char *name, uint64_t rate_hz,
                     uint64_t channels) {
  uint64_t rate = 0;
  uint64_t count = 0;
  bool good = paw_sdp_is_any_case(paw_sdp_take_until(&rtpmap, '/'), name);
  good = paw_sdp_read_number(paw_sdp_take_until(&rtpmap, '/'), UINT32_MAX, &rate) && good;
  if (channels != 0) {
    good = paw_sdp_read_number(rtpmap, UINT32_MAX, &count) && good;
  }
  return good && rate == rate_hz && (channels == 0 || count == channels);
}

static bool is_opus(const struct paw_sdp_payload *payload) {
  return is_codec(payload->rtpmap, "opus", PAW_RTP_HZ, 2);
}

static bool is_number(struct paw_text text, uint64_t wanted) {
  uint64_t number = 0;
  return paw_sdp_read_number(text, PAYLOAD_TYPE_MAX, &number) && number == wanted;
}

/* "111/111": all blocks are Opus. Chromium and others take RED without this as over Opus. */
static bool is_red_over(const struct paw_sdp_payload *payload, uint8_t opus) {
  bool good = is_codec(payload->rtpmap, "red", PAW_RTP_HZ, 2);
  struct paw_text blocks = payload->fmtp;
  while (good && blocks.len > 0) {
    good = is_number(paw_sdp_take_until(&blocks, '/'), opus);
  }
  return good;
}

/* "apt=111" (RFC 4588 section 8.1). */
static bool is_rtx_over(const struct paw_sdp_payload *payload, uint8_t opus) {
  bool over = false;
  struct paw_text parameters = payload->fmtp;
  while (parameters.len > 0) {
    struct paw_text parameter = paw_sdp_take_until(&parameters, ';');
    bool apt = paw_sdp_is_any_case(paw_sdp_take_until(&parameter, '='), "apt");
    over = over || (apt && is_number(parameter, opus));
  }
  return over && is_codec(payload->rtpmap, "rtx", PAW_RTP_HZ, 0);
}

/* The payload types of an m-line that can be used, each once. */
struct formats {
  uint8_t types[PAYLOAD_TYPE_MAX + 1];
  size_t count;
};

static bool is_listed(const struct formats *formats, uint64_t type) {
  for (size_t i = 0; i < formats->count; i++) {
    if (formats->types[i] == type) {
      return true;
    }
  }
  return false;
}

/* RFC 5761 section 4: with rtcp-mux 64 to 95 would look like RTCP. 0 is PCMU for ever. */
static int read_formats(struct paw_text text, struct formats *out) {
  out->count = 0;
  while (text.len > 0) {
    uint64_t type = 0;
    if (!paw_sdp_read_number(paw_sdp_take_word(&text), PAYLOAD_TYPE_MAX, &type)) {
      return PAW_ERR_MALFORMED;
    }
    bool usable = type != 0 && (type < 64 || type > 95);
    if (usable && !is_listed(out, type)) {
      out->types[out->count++] = (uint8_t)type;
    }
  }
  return PAW_OK;
}

/* ---- the parameters of Opus ---- */

/* RFC 7587 section 6.1: what lies outside its range is ignored. */
static void take_in_range(uint64_t value, uint64_t min, uint64_t max, uint32_t *out) {
  if (value >= min && value <= max) {
    *out = (uint32_t)value;
  }
}

static void take_ms(uint64_t value, uint16_t *out) {
  if (value >= 1 && value <= 120) {
    *out = (uint16_t)value;
  }
}

static void read_parameter(struct paw_opus_parameters *opus, struct paw_text name, uint64_t value) {
  if (paw_sdp_is_any_case(name, "maxplaybackrate")) {
    take_in_range(value, 8000, PAW_RTP_HZ, &opus->max_playback_rate_hz);
  } else if (paw_sdp_is_any_case(name, "sprop-maxcapturerate")) {
    take_in_range(value, 8000, PAW_RTP_HZ, &opus->sprop_max_capture_rate_hz);
  } else if (paw_sdp_is_any_case(name, "maxaveragebitrate")) {
    take_in_range(value, 6000, 510000, &opus->max_average_bitrate_bps);
  } else if (paw_sdp_is_any_case(name, "minptime")) {
    take_ms(value, &opus->min_ptime_ms);
  } else if (paw_sdp_is_any_case(name, "ptime") && opus->ptime_ms == 0) {
    take_ms(value, &opus->ptime_ms);
  } else if (paw_sdp_is_any_case(name, "maxptime") && opus->max_ptime_ms == 0) {
    take_ms(value, &opus->max_ptime_ms);
  } else if (paw_sdp_is_any_case(name, "stereo")) {
    opus->stereo = value == 1;
  } else if (paw_sdp_is_any_case(name, "sprop-stereo")) {
    opus->sprop_stereo = value == 1;
  } else if (paw_sdp_is_any_case(name, "useinbandfec")) {
    opus->use_inband_fec = value == 1;
  } else if (paw_sdp_is_any_case(name, "usedtx")) {
    opus->use_dtx = value == 1;
  } else if (paw_sdp_is_any_case(name, "cbr")) {
    opus->cbr = value == 1;
  }
}

static void read_parameters(struct paw_opus_parameters *opus, struct paw_text fmtp) {
  while (fmtp.len > 0) {
    struct paw_text parameter = paw_sdp_take_until(&fmtp, ';');
    struct paw_text name = paw_sdp_take_until(&parameter, '=');
    uint64_t value = 0;
    if (paw_sdp_read_number(paw_sdp_take_word(&parameter), UINT32_MAX, &value)) {
      read_parameter(opus, name, value);
    }
  }
}

/* ---- choosing ---- */

static uint8_t find_opus(const struct paw_sdp_payloads *payloads, const struct formats *formats) {
  for (size_t i = 0; i < formats->count; i++) {
    if (is_opus(&payloads->types[formats->types[i]])) {
      return formats->types[i];
    }
  }
  return 0;
}

static void find_red_and_rtx(const struct paw_sdp_payloads *payloads, const struct formats *formats,
                             struct paw_audio_description *audio) {
  uint8_t opus = audio->opus_payload_type;
  for (size_t i = 0; i < formats->count; i++) {
    uint8_t type = formats->types[i];
    if (audio->red_payload_type == 0 && is_red_over(&payloads->types[type], opus)) {
      audio->red_payload_type = type;
    } else if (audio->rtx_payload_type == 0 && is_rtx_over(&payloads->types[type], opus)) {
      audio->rtx_payload_type = type;
    }
  }
}

int paw_sdp_payloads_choose(const struct paw_sdp_payloads *payloads, struct paw_text formats,
                            struct paw_audio_description *audio) {
  struct formats usable;
  int status = read_formats(formats, &usable);
  if (status != PAW_OK) {
    return status;
  }
  audio->opus_payload_type = find_opus(payloads, &usable);
  if (audio->opus_payload_type == 0) {
    return PAW_ERR_UNSUPPORTED;
  }
  const struct paw_sdp_payload *opus = &payloads->types[audio->opus_payload_type];
  read_parameters(&audio->opus, opus->fmtp);
  audio->nack = opus->nack;
  audio->rrtr = audio->rrtr || opus->rrtr;
  find_red_and_rtx(payloads, &usable, audio);
  return PAW_OK;
}
