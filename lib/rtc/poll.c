/* SPDX-License-Identifier: MIT */
/* What comes out. Datagrams are made here, when there is somebody to take them. */
#include "rtc/rtc_private.h"

#include <assert.h>

#include "base/mem.h"
#include "base/seldom.h"

static void count_sent(struct paw_rtc *rtc, const struct paw_transmit *transmit) {
  rtc->datagrams_sent++;
  rtc->bytes_sent += transmit->len;
}

/* Media that begins hurries the next report. Only what goes out does: after it there is another
 * poll, so that no deadline is left behind. */
static unsigned note_media(struct paw_rtc *rtc) {
  bool begins = rtc->media_sent_ns == 0 ||
                paw_time_elapsed(rtc->clock.now_ns, rtc->media_sent_ns) >= PAW_REPORT_IDLE_NS;
  rtc->media_sent_ns = rtc->clock.now_ns;
  if (!begins) {
    return 0;
  }
  paw_report_reconsider(&rtc->report, true);
  paw_rtc_stir(rtc);
  return PAW_RTC_MEDIA_MOVED_TIMEOUT;
}

static bool may_send_media(const struct paw_rtc *rtc) {
  return rtc->state == PAW_RTC_STATE_CONNECTED && paw_rtc_sends(rtc);
}

typedef bool next_packet(struct paw_send *send, uint64_t now_ns, struct paw_wr *wr);

/* A packet of media in the buffer, protected and addressed. */
static inline unsigned poll_packet(struct paw_rtc *rtc, next_packet *next, uint8_t *buffer,
                                   struct paw_transmit *out) {
  while (may_send_media(rtc)) {
    struct paw_wr wr = paw_wr_init(buffer, PAW_DATAGRAM_MAX - PAW_SRTP_TRAILER_MAX);
    if (!next(&rtc->send, rtc->clock.now_ns, &wr)) {
      return 0;
    }
    if (wr.bad || paw_srtp_protect_rtp(rtc->srtp, buffer, &wr.len, PAW_DATAGRAM_MAX) != PAW_OK) {
      continue; /* counts as lost on the way */
    }
    if (paw_rtc_address(rtc, buffer, wr.len, out)) {
      count_sent(rtc, out);
      return PAW_RTC_MEDIA_SENT | note_media(rtc) |
             (paw_send_is_ready(&rtc->send) ? PAW_RTC_MEDIA_MORE : 0);
    }
  }
  return 0;
}

unsigned paw_rtc_poll_media(struct paw_rtc *rtc, uint64_t now_ns, uint8_t *buffer,
                            struct paw_transmit *out) {
  (void)paw_clock_advance(&rtc->clock, now_ns);
  return poll_packet(rtc, paw_send_next, buffer, out);
}

static bool poll_farewell(struct paw_rtc *rtc, uint8_t *buffer, struct paw_transmit *out) {
  if (paw_rtc_poll_bye(rtc, buffer, out)) {
    return true;
  }
  paw_dtls_close(paw_rtc_touch_dtls(rtc));
  if (paw_rtc_poll_dtls(rtc, out)) {
    return true;
  }
  paw_rtc_end(rtc, PAW_CLOSE_LOCAL);
  return false;
}

/* Everything but media. ICE and DTLS may end the connection while they are polled. */
static bool poll_engines(struct paw_rtc *rtc, uint8_t *buffer, struct paw_transmit *out) {
  switch (rtc->state) {
  case PAW_RTC_STATE_CLOSED:
    return false;
  case PAW_RTC_STATE_CLOSING:
    return poll_farewell(rtc, buffer, out);
  case PAW_RTC_STATE_NEW:
  case PAW_RTC_STATE_CONNECTING:
  case PAW_RTC_STATE_CONNECTED:
    break;
  }
  if (paw_rtc_poll_ice(rtc, buffer, out)) {
    return true;
  }
  if (!paw_rtc_is_over(rtc) && paw_rtc_poll_dtls(rtc, out)) {
    return true;
  }
  return rtc->state == PAW_RTC_STATE_CONNECTED && paw_rtc_poll_rtcp(rtc, buffer, out);
}

static struct paw_timeout find_timeout(const struct paw_rtc *rtc) {
  struct paw_timeout timeout = {.deadline_ns = PAW_TIME_NEVER, .reason = PAW_TIMEOUT_NONE};
  if (paw_rtc_is_over(rtc)) {
    return timeout;
  }
  timeout = rtc->ice_timeout;
  paw_timeout_earliest(&timeout, rtc->dtls_timeout.deadline_ns, PAW_TIMEOUT_DTLS);
  if (rtc->state == PAW_RTC_STATE_CONNECTED) {
    paw_timeout_earliest(&timeout, rtc->report.next_ns, PAW_TIMEOUT_RTCP);
  }
  if (rtc->flow == PAW_RTC_FLOW_FLOWING) {
    paw_timeout_earliest(&timeout, rtc->watch_ns, PAW_TIMEOUT_MEDIA);
  }
  return timeout;
}

struct paw_timeout paw_rtc_next_timeout(const struct paw_rtc *rtc) {
  return rtc->rests ? rtc->timeout : find_timeout(rtc);
}

/* Nearly always: media comes and goes, and all else has nothing to say before a deadline. */
static bool has_control(struct paw_rtc *rtc) {
  if (!rtc->rests || paw_time_due(rtc->timeout.deadline_ns, rtc->clock.now_ns)) {
    return true;
  }
#ifdef PAW_SELF_CHECK
  paw_rtc_check_rest(rtc);
  assert(!paw_rtc_has_rtcp(rtc));
  assert(find_timeout(rtc).deadline_ns >= rtc->timeout.deadline_ns);
#endif
  return false;
}

bool paw_rtc_is_at_rest(struct paw_rtc *rtc) {
  return !has_control(rtc) && !paw_send_is_ready(&rtc->send);
}

/* Every call that acts moves the clock on. What became due by that is done here, where all that
 * came has been fed, so that the deadline after a full drain lies ahead. */
static void catch_up(struct paw_rtc *rtc) {
  if (!paw_rtc_is_over(rtc) && paw_time_due(find_timeout(rtc).deadline_ns, rtc->clock.now_ns)) {
    paw_rtc_pass_time(rtc);
  }
}

static void come_to_rest(struct paw_rtc *rtc) {
  rtc->timeout = find_timeout(rtc);
  rtc->rests = rtc->state == PAW_RTC_STATE_CONNECTED && !paw_rtc_has_rtcp(rtc);
  bool usual = paw_ice_get_usual_pair(rtc->ice, &rtc->usual_local, &rtc->usual_remote);
  /* The first authentic datagram tells DTLS too that the peer is done. */
  if (!rtc->rests || !usual || rtc->authentic_count == 0) {
    rtc->usual_local = NULL;
  }
}

static inline bool poll_control(struct paw_rtc *rtc, uint8_t *buffer, struct paw_transmit *out) {
  if (!has_control(rtc)) {
    return false;
  }
  catch_up(rtc);
  if (poll_engines(rtc, buffer, out)) {
    count_sent(rtc, out);
    return true;
  }
  come_to_rest(rtc);
  return false;
}

bool paw_rtc_poll_transmit(struct paw_rtc *rtc, uint8_t *buffer, struct paw_transmit *out) {
  return poll_control(rtc, buffer, out) ||
         (paw_send_is_ready(&rtc->send) &&
          paw_rtc_poll_media(rtc, rtc->clock.now_ns, buffer, out) != 0);
}

bool paw_rtc_poll_but_frames(struct paw_rtc *rtc, uint8_t *buffer, struct paw_transmit *out) {
  return poll_control(rtc, buffer, out) || poll_packet(rtc, paw_send_next_resend, buffer, out) != 0;
}

static_assert(PAW_RTC_CONTROL_BYTES >= PAW_ICE_MESSAGE_MAX, "a datagram of ICE fits in the buffer");

/* The buffer is made when the connection is polled alone for the first time, and again when it is
 * to hold audio. */
static bool ensure_buffer(struct paw_rtc *rtc) {
  size_t bytes = rtc->send.history == NULL ? PAW_RTC_CONTROL_BYTES : PAW_DATAGRAM_MAX;
  if (rtc->buffer_bytes >= bytes) {
    return true;
  }
  paw_mem_free(&rtc->allocator, rtc->buffer);
  rtc->buffer = paw_mem_alloc(&rtc->allocator, bytes);
  rtc->buffer_bytes = rtc->buffer == NULL ? 0 : bytes;
  if (rtc->buffer == NULL) {
    paw_rtc_end(rtc, PAW_CLOSE_NO_MEMORY);
  }
  return rtc->buffer != NULL;
}

/* After there was no event to tell. */
PAW_SELDOM static void poll_rest(struct paw_rtc *rtc, struct paw_rtc_output *out) {
  if (ensure_buffer(rtc) && paw_rtc_poll_transmit(rtc, rtc->buffer, &out->transmit)) {
    out->kind = PAW_OUTPUT_TRANSMIT;
    return;
  }
  out->kind = PAW_OUTPUT_EVENT;
  if (paw_rtc_poll_event(rtc, &out->event)) { /* polling for datagrams may have made some */
    return;
  }
  out->kind = PAW_OUTPUT_TIMEOUT;
  out->timeout = paw_rtc_next_timeout(rtc);
}

void paw_rtc_poll_output(struct paw_rtc *rtc, struct paw_rtc_output *out) {
  if (paw_rtc_poll_event(rtc, &out->event)) {
    out->kind = PAW_OUTPUT_EVENT;
  } else if (has_control(rtc) || paw_send_is_ready(&rtc->send)) {
    poll_rest(rtc, out);
  } else {
    out->kind = PAW_OUTPUT_TIMEOUT;
    out->timeout = rtc->timeout;
  }
}

void paw_rtc_close(struct paw_rtc *rtc, uint64_t now_ns) {
  (void)paw_clock_advance(&rtc->clock, now_ns);
  if (paw_rtc_is_over(rtc)) {
    return;
  }
  rtc->reason = PAW_CLOSE_LOCAL;
  if (rtc->state == PAW_RTC_STATE_CONNECTED) {
    rtc->byes_left = 2; /* the peer should hear it even if one is lost */
    paw_rtc_set_state(rtc, PAW_RTC_STATE_CLOSING);
  } else {
    paw_rtc_end(rtc, PAW_CLOSE_LOCAL);
  }
}
