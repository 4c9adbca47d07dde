/* SPDX-License-Identifier: MIT */
/* The connection's inside, shared by the files of this room only. */
#ifndef PAW_RTC_PRIVATE_H
#define PAW_RTC_PRIVATE_H

#include "base/limits.h"
#include "base/rd.h"
#include "base/ring.h"
#include "base/time.h"
#include "ice/ice.h"
#include "rtc/rtc.h"
#include "srtp/srtp.h"
#include "stream/loss.h"
#include "stream/recv.h"
#include "stream/redundancy.h"
#include "stream/report.h"
#include "stream/send.h"

/*
 *   NEW ──negotiated──> CONNECTING ──DTLS done──> CONNECTED
 *    │                      │                        │
 *    │ close                │ close, failure         │ close
 *    v                      v                        v
 *   CLOSED <────────────────┴───── CLOSING <─────────┘     CLOSING drains BYE and close_notify
 *      ^                                                   (RFC 3550 6.3.7, RFC 5764 4.1)
 *      └── the peer's close_notify, consent lost, failure: from any state
 */
enum paw_rtc_state {
  PAW_RTC_STATE_NEW,
  PAW_RTC_STATE_CONNECTING,
  PAW_RTC_STATE_CONNECTED,
  PAW_RTC_STATE_CLOSING,
  PAW_RTC_STATE_CLOSED,
};

/* RFC 9429 section 4.1.8, without provisional answers. */
enum paw_rtc_signaling { PAW_RTC_STABLE, PAW_RTC_HAVE_LOCAL_OFFER };

/* Does media come?  IDLE ──packet──> FLOWING ──degraded_ns of silence──> DEGRADED ──packet──> …
 * any ──empty packet──> PAUSED ──packet──> FLOWING: the sender is in DTX and says so */
enum paw_rtc_flow {
  PAW_RTC_FLOW_IDLE,
  PAW_RTC_FLOW_FLOWING,
  PAW_RTC_FLOW_PAUSED,
  PAW_RTC_FLOW_DEGRADED,
};

struct paw_rtc {
  struct paw_allocator allocator;
  struct paw_rng rng;
  struct paw_log log;
  struct paw_wall_anchor wall;
  struct paw_audio_config wanted;
  const struct paw_certificate *certificate;
  uint64_t degraded_ns;
  uint64_t ice_initial_rto_ns;

  /* What each packet that goes out touches stands together, and so it does in paw_send: a fan-out
   * to a thousand waits for memory. */
  struct paw_clock clock;
  enum paw_rtc_state state;
  enum paw_direction direction; /* agreed, seen from this side */
  uint8_t dscp;
  uint64_t media_sent_ns; /* when media went out last; 0: never */
  uint64_t datagrams_sent;
  uint64_t bytes_sent;
  struct paw_srtp *srtp;                 /* NULL until the keys are there */
  const struct paw_address *usual_local; /* the pair in use, if it rests and all is well with it; */
  const struct paw_address *usual_remote; /* else NULL */
  enum paw_rtc_signaling signaling;
  enum paw_close_reason reason;

  /* Only to look at: whatever may give them something to say takes paw_rtc_touch_ice or _dtls. So
   * the compiler sees to it that none is forgotten. */
  const struct paw_ice *ice;
  const struct paw_dtls *dtls;
  uint32_t ufrags_before; /* that the agents before this one had */

  /* While it rests there is nothing to say but media before `timeout`: as of the last drain, and
   * nothing was stirred since. */
  bool rests;
  struct paw_timeout timeout;
  uint64_t heard_ns; /* data came on the usual pair last, of which ICE was not told yet; 0: none */

  /* negotiation */
  uint64_t session_id;
  uint64_t session_version;
  uint32_t local_ssrc;
  char cname[17]; /* 96 random bits (RFC 7022 section 4.2) */
  enum paw_dtls_role dtls_role;
  struct paw_audio_description local; /* what this side said */
  size_t section_count; /* of the peer's offer: an offer of ours would have to repeat them */
  size_t section_index; /* of the one that carries the audio: it stays where it is */
  struct paw_audio_description remote; /* what the peer said; opus_payload_type 0 = nothing yet */

  /* media */
  struct paw_history *own_history; /* of a lone connection; NULL in a hub */
  struct paw_send send;
  int red_wanted; /* PAW_RED_AUTO, PAW_RED_OFF or a distance */
  struct paw_redundancy redundancy;
  size_t recv_count;
  struct paw_recv recv[PAW_RTC_RECV_STREAMS_MAX];
  enum paw_rtc_flow flow;
  uint64_t last_media_ns;
  uint64_t watch_ns;        /* while FLOWING: when it is looked whether it still does */
  uint64_t authentic_count; /* of RTP and RTCP */
  bool path_is_usual;       /* of the datagram that is being received */

  /* RTCP */
  struct paw_report report;
  uint16_t nacks[PAW_RTC_NACKS_MAX];
  size_t nack_count;
  uint64_t rrtr_ntp; /* the peer's last reference time, 0 = none to answer */
  uint64_t rrtr_ns;
  uint32_t rrtr_ssrc;
  bool rrtr_is_urgent;    /* it came on its own: its sender does not know the round trip yet */
  bool rrtr_was_answered; /* since something is sent */
  uint64_t early_ns;      /* no answer ahead of its time before this */
  struct paw_round_trip round_trip; /* by RTCP */
  struct paw_loss loss;             /* of what is sent, by the peer's reports */
  uint32_t report_count;            /* of these reports */
  uint8_t byes_left;

  /* waiting to be polled */
  uint32_t pending; /* bits: 1 << enum paw_rtc_event_kind, told before the queue */
  struct paw_ring queue;
  bool front_lent;                /* the front record was given out, and goes at the next poll */
  struct paw_timeout ice_timeout; /* as of the last drain */
  struct paw_timeout dtls_timeout;
  uint8_t *buffer; /* of paw_rtc_poll_output; NULL while the hub lends one */
  size_t buffer_bytes;

  struct paw_rtc_stats stats;
};

/* There may be something to say, or earlier than was thought. */
static inline void paw_rtc_stir(struct paw_rtc *rtc) {
  rtc->rests = false;
  rtc->usual_local = NULL;
}

static inline struct paw_dtls *paw_rtc_touch_dtls(struct paw_rtc *rtc) {
  paw_rtc_stir(rtc);
  return (struct paw_dtls *)rtc->dtls;
}

/* state.c */
void paw_rtc_set_state(struct paw_rtc *rtc, enum paw_rtc_state state);
void paw_rtc_end(struct paw_rtc *rtc, enum paw_close_reason reason);
void paw_rtc_mark(struct paw_rtc *rtc, enum paw_rtc_event_kind kind);
void paw_rtc_drop(struct paw_rtc *rtc, enum paw_drop drop);

static inline bool paw_rtc_is_over(const struct paw_rtc *rtc) {
  return rtc->state == PAW_RTC_STATE_CLOSING || rtc->state == PAW_RTC_STATE_CLOSED;
}

/* describe.c */
size_t paw_rtc_get_candidates(const struct paw_rtc *rtc, struct paw_candidate *out);
void paw_rtc_describe_offer(const struct paw_rtc *rtc, struct paw_description *out);
void paw_rtc_describe_answer(const struct paw_rtc *rtc, const struct paw_description *offer,
                             struct paw_description *out);
enum paw_direction paw_rtc_mirror_direction(enum paw_direction direction);
enum paw_direction paw_rtc_common_direction(enum paw_direction a, enum paw_direction b);

/* config.c */
/* As the connection's config wants it, but for the mode. */
int paw_rtc_make_ice(const struct paw_rtc *rtc, enum paw_ice_mode mode, struct paw_ice **out);

/* negotiate.c */
bool paw_rtc_is_restart(const struct paw_rtc *rtc, const struct paw_ice_credentials *remote);
bool paw_rtc_is_before_restart(const struct paw_rtc *rtc, const struct paw_ice_credentials *remote);
int paw_rtc_join_ice(struct paw_rtc *rtc, const struct paw_ice_credentials *remote, bool lite);
void paw_rtc_take_candidates(struct paw_rtc *rtc, const struct paw_candidate *candidates,
                             size_t count, bool end);
int paw_rtc_prepare_answer(struct paw_rtc *rtc, uint64_t now_ns,
                           const struct paw_description *offer, struct paw_description *answer);
int paw_rtc_renew_ice(struct paw_rtc *rtc, const struct paw_description *offer,
                      struct paw_description *answer);
int paw_rtc_note_offered(struct paw_rtc *rtc);
int paw_rtc_apply_answered(struct paw_rtc *rtc, const struct paw_description *offer,
                           const struct paw_description *answer);
bool paw_rtc_is_negotiated(const struct paw_rtc *rtc);

static inline bool paw_rtc_uses_red(const struct paw_rtc *rtc) {
  return rtc->local.red_payload_type != 0 && rtc->remote.red_payload_type != 0;
}

static inline bool paw_rtc_uses_rtx(const struct paw_rtc *rtc) {
  return rtc->local.rtx_payload_type != 0 && rtc->remote.rtx_payload_type != 0;
}

static inline bool paw_rtc_sends(const struct paw_rtc *rtc) {
  return (rtc->direction & PAW_DIRECTION_SENDONLY) != 0;
}

/* RFC 3264 section 5.1: once it has offered to receive, the peer may send before its answer is
 * here. */
static inline bool paw_rtc_receives(const struct paw_rtc *rtc) {
  unsigned offered =
      rtc->signaling == PAW_RTC_HAVE_LOCAL_OFFER ? (unsigned)rtc->wanted.direction : 0u;
  return (((unsigned)rtc->direction | offered) & PAW_DIRECTION_RECVONLY) != 0;
}

/* transport.c: ICE and DTLS as they are driven. The polls give a datagram, or false. */
struct paw_ice *paw_rtc_touch_ice(struct paw_rtc *rtc);
void paw_rtc_start_dtls(struct paw_rtc *rtc);
bool paw_rtc_poll_ice(struct paw_rtc *rtc, uint8_t *buffer, struct paw_transmit *out);
bool paw_rtc_poll_dtls(struct paw_rtc *rtc, struct paw_transmit *out);
#ifdef PAW_SELF_CHECK
void paw_rtc_check_rest(struct paw_rtc *rtc); /* asserts that no engine has anything to say */
#endif
void paw_rtc_install_keys(struct paw_rtc *rtc);
int paw_rtc_key_rtx(struct paw_rtc *rtc);

/* media.c */
void paw_rtc_follow_red(struct paw_rtc *rtc);

/* input.c */
void paw_rtc_pass_time(struct paw_rtc *rtc);

/* events.c */
void paw_rtc_push_event(struct paw_rtc *rtc, const struct paw_rtc_event *event);

/* In the queue, an audio event has the datagram behind it: it is decrypted where it lies, and told
 * of if it proves to be good. */
struct paw_rtc_audio_record {
  struct paw_rtc_event event; /* its data is set when it is told */
  size_t payload_offset;      /* in the datagram */
  uint8_t datagram[];
};

/* receive.c */
void paw_rtc_receive_rtp(struct paw_rtc *rtc, const struct paw_input *input);
struct paw_recv *paw_rtc_find_recv(struct paw_rtc *rtc, uint32_t ssrc);

bool paw_rtc_open_rtcp(struct paw_rtc *rtc, const struct paw_input *input, uint8_t *plain,
                       size_t *len);

/* rtcp.c */
void paw_rtc_receive_rtcp(struct paw_rtc *rtc, const struct paw_input *input);
bool paw_rtc_has_rtcp(const struct paw_rtc *rtc);
bool paw_rtc_poll_rtcp(struct paw_rtc *rtc, uint8_t *buffer, struct paw_transmit *out);
bool paw_rtc_poll_bye(struct paw_rtc *rtc, uint8_t *buffer, struct paw_transmit *out);

/* Address a packet to the selected pair and count it. False when there is none. */
static inline bool paw_rtc_address(const struct paw_rtc *rtc, const uint8_t *data, size_t len,
                                   struct paw_transmit *out) {
  out->data = data;
  out->len = len;
  out->dscp = rtc->dscp;
  if (rtc->usual_local != NULL) {
    out->local = *rtc->usual_local;
    out->remote = *rtc->usual_remote;
    return true;
  }
  return paw_ice_get_selected_pair(rtc->ice, &out->local, &out->remote);
}

#endif
