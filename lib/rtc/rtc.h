/* SPDX-License-Identifier: MIT */
/* What the hub needs of a connection beyond its public face. */
#ifndef PAW_RTC_RTC_H
#define PAW_RTC_RTC_H

#include <pawebrtc/rtc.h>

#include "stream/history.h"

/* The two halves of paw_rtc_poll_output. Media and RTCP are written to `buffer`, of
 * PAW_DATAGRAM_MAX bytes, so that many of them can wait in one batch; ICE's and DTLS's datagrams
 * lie elsewhere and last until the next call. Polling datagrams may make events. */
bool paw_rtc_poll_event(struct paw_rtc *rtc, struct paw_rtc_event *out);
bool paw_rtc_poll_transmit(struct paw_rtc *rtc, uint8_t *buffer, struct paw_transmit *out);

/* Has it nothing to send before the deadline that was found when it was polled to the end last? */
bool paw_rtc_is_at_rest(struct paw_rtc *rtc);

/* As paw_rtc_poll_transmit, but frames that were not sent yet stay where they are. */
bool paw_rtc_poll_but_frames(struct paw_rtc *rtc, uint8_t *buffer, struct paw_transmit *out);

/* The short way of a fan-out: the next media packet. Returns 0 when there is none; else SENT, and
 * what there is to know besides. */
#define PAW_RTC_MEDIA_SENT 1u
#define PAW_RTC_MEDIA_MORE 2u          /* another one can be polled */
#define PAW_RTC_MEDIA_MOVED_TIMEOUT 4u /* media began, which brings the next report forward */
unsigned paw_rtc_poll_media(struct paw_rtc *rtc, uint64_t now_ns, uint8_t *buffer,
                            struct paw_transmit *out);

/* Send from this history, kept by somebody else, from its next frame on; NULL: nothing. */
void paw_rtc_attach_history(struct paw_rtc *rtc, uint64_t now_ns,
                            const struct paw_history *history);

/* The local ufrag, by which a STUN request finds its connection. */
const char *paw_rtc_get_ufrag(const struct paw_rtc *rtc);

/* Another one each time that the ufrag has changed. */
uint32_t paw_rtc_get_ufrag_generation(const struct paw_rtc *rtc);

/* May it be given to paw_rtc_set_red? */
bool paw_rtc_is_red_distance(int distance);

/* How many receiver reports came about what is sent, and how much is lost by them: smoothed, in
 * percent, rounded up. */
uint32_t paw_rtc_get_report_count(const struct paw_rtc *rtc);
uint8_t paw_rtc_get_loss_percent(const struct paw_rtc *rtc);

/* Was this pair validated by an authenticated check? */
bool paw_rtc_is_valid_path(const struct paw_rtc *rtc, const struct paw_address *local,
                           const struct paw_address *remote);

/* Datagrams of media so far that were the peer's beyond doubt. */
uint64_t paw_rtc_count_authentic(const struct paw_rtc *rtc);

/* When to look at it again, after a drain. */
struct paw_timeout paw_rtc_next_timeout(const struct paw_rtc *rtc);

#endif
