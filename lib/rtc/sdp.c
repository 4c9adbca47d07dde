/* SPDX-License-Identifier: MIT */
/* Negotiation in SDP text: to descriptions and back. */
#include "rtc/rtc_private.h"

#include "sdp/sdp.h"

/* Find the section that carries our audio: the one that did before (RFC 3264 section 8: sections
 * keep their places), else the first that can. PAW_OK, or why the best candidate could not:
 * malformed beats unsupported, for it says more. */
static int read_audio(const struct paw_rtc *rtc, const struct paw_sdp *sdp,
                      struct paw_description *out, size_t *index) {
  int status = PAW_ERR_UNSUPPORTED;
  *index = rtc->section_index;
  if (paw_rtc_is_negotiated(rtc) && paw_sdp_read_audio(sdp, *index, out) == PAW_OK) {
    return PAW_OK;
  }
  for (size_t i = 0; i < sdp->media_count; i++) {
    int attempt = paw_sdp_read_audio(sdp, i, out);
    if (attempt == PAW_OK) {
      *index = i;
      return PAW_OK;
    }
    if (attempt == PAW_ERR_MALFORMED) {
      status = PAW_ERR_MALFORMED;
    }
  }
  return status;
}

int paw_rtc_create_offer(struct paw_rtc *rtc, char *sdp, size_t *len) {
  if (paw_rtc_is_over(rtc) || rtc->signaling != PAW_RTC_STABLE) {
    return PAW_ERR_STATE;
  }
  if (rtc->section_count > 1) {
    return PAW_ERR_UNSUPPORTED;
  }
  struct paw_description offer;
  paw_rtc_describe_offer(rtc, &offer);
  int status = paw_sdp_write_offer(&offer, rtc->session_id, rtc->session_version, sdp, len);
  return status == PAW_OK ? paw_rtc_note_offered(rtc) : status;
}

static int write_answer(const struct paw_rtc *rtc, const struct paw_description *answered,
                        const struct paw_sdp *offer, size_t index, char *answer,
                        size_t *answer_len) {
  return paw_sdp_write_answer(answered, offer, index, rtc->session_id, rtc->session_version, answer,
                              answer_len);
}

int paw_rtc_accept_offer(struct paw_rtc *rtc, uint64_t now_ns, const char *offer, size_t offer_len,
                         char *answer, size_t *answer_len) {
  struct paw_sdp_media media[PAW_SDP_MEDIA_MAX];
  struct paw_sdp sdp = {.media = media};
  struct paw_description offered;
  struct paw_description answered;
  size_t index = 0;
  int status = paw_sdp_parse(offer, offer_len, &sdp);
  if (status == PAW_OK) {
    status = read_audio(rtc, &sdp, &offered, &index);
  }
  if (status == PAW_OK) {
    status = paw_rtc_prepare_answer(rtc, now_ns, &offered, &answered);
  }
  /* Written first to see whether there is room, and again with the credentials of a restart, which
   * are as long: so an answer that does not fit changes nothing. */
  size_t room = *answer_len;
  if (status == PAW_OK) {
    status = write_answer(rtc, &answered, &sdp, index, answer, answer_len);
  }
  if (status == PAW_OK) {
    status = paw_rtc_renew_ice(rtc, &offered, &answered);
  }
  if (status == PAW_OK) {
    *answer_len = room;
    status = write_answer(rtc, &answered, &sdp, index, answer, answer_len);
  }
  if (status == PAW_OK) {
    status = paw_rtc_apply_answered(rtc, &offered, &answered);
  }
  if (status == PAW_OK) {
    rtc->section_count = sdp.media_count;
    rtc->section_index = index;
  }
  return status == PAW_ERR_LIMIT ? PAW_ERR_UNSUPPORTED : status;
}

int paw_rtc_accept_answer(struct paw_rtc *rtc, uint64_t now_ns, const char *answer,
                          size_t answer_len) {
  struct paw_sdp_media media[PAW_SDP_MEDIA_MAX];
  struct paw_sdp sdp = {.media = media};
  struct paw_description answered;
  int status = paw_sdp_parse(answer, answer_len, &sdp);
  if (status == PAW_OK && sdp.media_count != 1) {
    status = PAW_ERR_MALFORMED; /* RFC 3264 section 6: as many sections as were offered */
  }
  if (status == PAW_OK) {
    status = paw_sdp_read_audio(&sdp, 0, &answered);
  }
  if (status == PAW_OK) {
    status = paw_rtc_direct_accept_answer(rtc, now_ns, &answered);
  }
  return status == PAW_ERR_LIMIT ? PAW_ERR_UNSUPPORTED : status;
}
