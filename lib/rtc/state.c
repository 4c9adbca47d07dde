/* SPDX-License-Identifier: MIT */
#include "rtc/rtc_private.h"

#include <assert.h>

#include "base/log.h"

static bool may_move(enum paw_rtc_state from, enum paw_rtc_state to) {
  static const uint8_t moves[] = {
      [PAW_RTC_STATE_NEW] = 1 << PAW_RTC_STATE_CONNECTING | 1 << PAW_RTC_STATE_CLOSED,
      [PAW_RTC_STATE_CONNECTING] = 1 << PAW_RTC_STATE_CONNECTED | 1 << PAW_RTC_STATE_CLOSED,
      [PAW_RTC_STATE_CONNECTED] = 1 << PAW_RTC_STATE_CLOSING | 1 << PAW_RTC_STATE_CLOSED,
      [PAW_RTC_STATE_CLOSING] = 1 << PAW_RTC_STATE_CLOSED,
      [PAW_RTC_STATE_CLOSED] = 0,
  };
  return (moves[from] & 1 << to) != 0;
}

void paw_rtc_set_state(struct paw_rtc *rtc, enum paw_rtc_state state) {
  static const char *const names[] = {"new", "connecting", "connected", "closing", "closed"};
  assert(may_move(rtc->state, state));
  paw_log_write(&rtc->log, PAW_LOG_DEBUG, "rtc", "%s -> %s", names[rtc->state], names[state]);
  rtc->state = state;
  paw_rtc_stir(rtc);
  if (state == PAW_RTC_STATE_CONNECTED) {
    paw_rtc_mark(rtc, PAW_RTC_EVENT_CONNECTED);
  } else if (state == PAW_RTC_STATE_CLOSED) {
    paw_rtc_mark(rtc, PAW_RTC_EVENT_CLOSED);
  }
}

void paw_rtc_end(struct paw_rtc *rtc, enum paw_close_reason reason) {
  if (rtc->state == PAW_RTC_STATE_CLOSED) {
    return;
  }
  if (rtc->state != PAW_RTC_STATE_CLOSING) { /* while closing, the reason stays LOCAL */
    rtc->reason = reason;
  }
  paw_log_write(&rtc->log, PAW_LOG_INFO, "rtc", "ended: %s", paw_close_reason_text(rtc->reason));
  paw_ice_close(paw_rtc_touch_ice(rtc));
  paw_rtc_set_state(rtc, PAW_RTC_STATE_CLOSED);
}

void paw_rtc_mark(struct paw_rtc *rtc, enum paw_rtc_event_kind kind) {
  rtc->pending |= UINT32_C(1) << kind;
}

void paw_rtc_drop(struct paw_rtc *rtc, enum paw_drop drop) {
  rtc->stats.drops[drop]++;
}

const char *paw_close_reason_text(enum paw_close_reason reason) {
  switch (reason) {
#define REASON_CASE(name, text)                                                                    \
  case PAW_CLOSE_##name:                                                                           \
    return (text);
    PAW_CLOSE_REASON_MAP(REASON_CASE)
#undef REASON_CASE
  }
  return "unknown reason";
}

const char *paw_drop_text(enum paw_drop drop) {
  switch (drop) {
#define DROP_CASE(name, text)                                                                      \
  case PAW_DROP_##name:                                                                            \
    return (text);
    PAW_DROP_MAP(DROP_CASE)
#undef DROP_CASE
  case PAW_DROP_COUNT:
    break;
  }
  return "unknown reason";
}
