/* SPDX-License-Identifier: MIT */
/**
 * @file rtc.h
 * One peer connection that carries Opus audio: ICE, DTLS-SRTP, RTP and RTCP behind one input and
 * one output. No sockets, threads or clocks.
 *
 * The contract: call whatever acts (handle_input, send_audio, …), then poll_output until it gives
 * PAW_OUTPUT_TIMEOUT: send each TRANSMIT, look at each EVENT, and come back with the next datagram
 * or when the deadline has come. Several calls before a drain are legal: draining late costs
 * latency, never correctness. Objects are not shared between threads; different objects may live
 * on different threads.
 *
 * A connection has one audio section, so calls need no mid.
 */
#ifndef PAWEBRTC_RTC_H
#define PAWEBRTC_RTC_H

#include <pawebrtc/dtls.h>
#include <pawebrtc/ice.h>
#include <pawebrtc/media.h>

#ifdef __cplusplus
extern "C" {
#endif

struct paw_rtc;
struct paw_playout;

/** Redundancy (RFC 2198) of what is sent, see paw_rtc_set_red; the values between are distances. */
#define PAW_RED_AUTO (-1)
#define PAW_RED_OFF 0
#define PAW_RED_DISTANCE_MAX 6

/** What this side wants of the audio section. */
struct paw_audio_config {
  enum paw_direction direction;     /**< SENDRECV */
  uint32_t max_average_bitrate_bps; /**< wish to the peer's encoder; 0 = none */
  uint16_t ptime_ms;                /**< packet length that this side sends; 0 = not said */
  bool stereo;                      /**< receives stereo and may send it. true */
  bool inband_fec;                  /**< true */
  bool nack;                        /**< asks for and answers retransmissions. true */
  bool rtx; /**< offers a stream of their own for them (RFC 4588); offered, it is taken. false */
  bool red; /**< offers and takes redundant packets, after Opus alone (RFC 2198). true */
  int8_t red_distance; /**< what this side sends at first, see paw_rtc_set_red. PAW_RED_AUTO */
};

struct paw_rtc_config {
  size_t struct_size;
  const struct paw_certificate *certificate; /**< required; must outlive the connection */
  struct paw_allocator allocator;
  struct paw_rng rng; /**< required */
  struct paw_log log;
  struct paw_wall_anchor wall; /**< for NTP in RTCP; zero: NTP counts from the clock's origin */
  enum paw_ice_mode ice_mode;  /**< FULL */
  struct paw_audio_config audio;
  uint64_t ice_initial_rto_ns;  /**< 50 ms, see ice.h */
  uint64_t dtls_initial_rto_ns; /**< 50 ms, see dtls.h */
  uint64_t degraded_ns; /**< DEGRADED when no media came for so long while it flowed. 200 ms */
  uint8_t dscp;         /**< on every TRANSMIT. 46, EF (RFC 8837) */
};

/** Fill with the defaults named above. */
PAW_API void paw_rtc_config_init(struct paw_rtc_config *config);

/** @return PAW_OK; PAW_ERR_INVALID; PAW_ERR_NO_MEMORY; PAW_ERR_RANDOM; PAW_ERR_CRYPTO */
PAW_API int paw_rtc_new(const struct paw_rtc_config *config, uint64_t now_ns, struct paw_rtc **out);

/** Free in any state, without farewell (see paw_rtc_close). NULL is allowed. */
PAW_API void paw_rtc_free(struct paw_rtc *rtc);

/* ---- candidates --------------------------------------------------------------------------- */

/** As paw_ice_add_local_candidate. Before create_offer or accept_offer, to be in the text. */
PAW_API int paw_rtc_add_local_candidate(struct paw_rtc *rtc, const struct paw_candidate *candidate);

/** As paw_ice_remove_local_candidate: the address is gone, and with it the paths from there. */
PAW_API int paw_rtc_remove_local_candidate(struct paw_rtc *rtc, const struct paw_address *address);

/** As paw_ice_add_remote_candidate: trickle. */
PAW_API int paw_rtc_add_remote_candidate(struct paw_rtc *rtc,
                                         const struct paw_candidate *candidate);

/* ---- negotiation -------------------------------------------------------------------------- */

/**
 * Write an SDP offer (RFC 9429) of one audio section.
 *
 * @param sdp  room for the text and a NUL; NULL to probe
 * @param len  in: room in bytes; out: length without the NUL
 * @return PAW_OK; PAW_ERR_NO_BUFFER: `len` then says what is needed without the NUL, and nothing
 *         else has happened; PAW_ERR_STATE: an offer is pending, or closed; PAW_ERR_UNSUPPORTED:
 *         the peer's offer had several sections, which this one would have to repeat
 */
PAW_API int paw_rtc_create_offer(struct paw_rtc *rtc, char *sdp, size_t *len);

/**
 * Take an SDP offer and write the answer. The first audio section that has Opus, rtcp-mux and DTLS
 * is accepted, all others are rejected with port 0.
 *
 * @param offer   need not be NUL-terminated
 * @param answer  as `sdp` of paw_rtc_create_offer. When it is too small, nothing has changed
 * A later offer may change direction, payload types, ids and the section, and restart ICE; the
 * section that carried the audio before is taken first.
 *
 * @return PAW_OK; PAW_ERR_NO_BUFFER; PAW_ERR_MALFORMED: not SDP, or without credentials or
 *         fingerprint; PAW_ERR_UNSUPPORTED: no section that can be accepted, or a later offer that
 *         asks for another DTLS association (another fingerprint, roles turned around) or makes
 *         both sides lite: nothing has changed; PAW_ERR_STATE: an own offer is pending (glare: roll
 *         one of the two back), or an own ICE restart that this offer does not know of, or closed
 */
PAW_API int paw_rtc_accept_offer(struct paw_rtc *rtc, uint64_t now_ns, const char *offer,
                                 size_t offer_len, char *answer, size_t *answer_len);

/**
 * Take the answer to the pending offer. A refused one changes nothing: the offer stays pending
 * until another answer or paw_rtc_rollback.
 *
 * @return PAW_OK; PAW_ERR_MALFORMED: also when it is not the answer to one section of this mid;
 *         PAW_ERR_UNSUPPORTED: the audio section was rejected, or both sides are lite (make a new,
 *         full connection); PAW_ERR_STATE: no offer is pending, or the answer is older than this
 *         side's ICE restart
 */
PAW_API int paw_rtc_accept_answer(struct paw_rtc *rtc, uint64_t now_ns, const char *answer,
                                  size_t answer_len);

/**
 * Begin ICE anew with fresh credentials (RFC 8445 section 9), after the addresses changed or the
 * path was lost. Media goes on by the old path until a new one is nominated. Then exchange
 * descriptions again: an offer and its answer, or fragments.
 *
 * @return PAW_OK; PAW_ERR_STATE: nothing is negotiated, an offer is pending, or closed;
 *         PAW_ERR_NO_MEMORY; PAW_ERR_RANDOM
 */
PAW_API int paw_rtc_ice_restart(struct paw_rtc *rtc, uint64_t now_ns);

/**
 * Write this side's credentials and candidates as a trickle ICE fragment (RFC 8840 section 9), the
 * body of WHIP's and WHEP's PATCH.
 *
 * @return as paw_rtc_create_offer; PAW_ERR_STATE: nothing is negotiated
 */
PAW_API int paw_rtc_write_ice_fragment(const struct paw_rtc *rtc, char *fragment, size_t *len);

/**
 * Take a fragment of the peer: more candidates, or, with other credentials than before, its ICE
 * restart, in which this side joins with fresh credentials of its own (write_ice_fragment tells
 * them). Candidates that cannot be used are passed over, and so is a fragment that is older than
 * this side's own restart.
 *
 * @param restarted  whether the fragment was a restart; may be NULL
 * @return PAW_OK; PAW_ERR_MALFORMED; PAW_ERR_STATE: nothing is negotiated, a restart while an own
 *         offer is pending, or closed
 */
PAW_API int paw_rtc_accept_ice_fragment(struct paw_rtc *rtc, uint64_t now_ns, const char *fragment,
                                        size_t len, bool *restarted);

/**
 * Forget the pending offer (RFC 9429 section 4.1.10.2). An ICE restart that it told of is not taken
 * back: tell of it again. @return PAW_OK; PAW_ERR_STATE: no offer is pending
 */
PAW_API int paw_rtc_rollback(struct paw_rtc *rtc);

/**
 * Wish for another direction of the audio section: the next offer or answer of this side says it.
 *
 * @return PAW_OK; PAW_ERR_INVALID; PAW_ERR_STATE: an offer is pending, or closed
 */
PAW_API int paw_rtc_set_direction(struct paw_rtc *rtc, enum paw_direction direction);

/**
 * The same without SDP: what this side is, as an offerer (`remote` NULL) or as the answerer to
 * `remote`. Payload types and extension ids are the offerer's.
 *
 * @return as create_offer and accept_offer
 */
PAW_API int paw_rtc_direct_offer(struct paw_rtc *rtc, struct paw_description *out);
PAW_API int paw_rtc_direct_accept_offer(struct paw_rtc *rtc, uint64_t now_ns,
                                        const struct paw_description *offer,
                                        struct paw_description *answer);
PAW_API int paw_rtc_direct_accept_answer(struct paw_rtc *rtc, uint64_t now_ns,
                                         const struct paw_description *answer);

/** What was agreed on for the audio section, seen from this side. */
struct paw_media_info {
  char mid[PAW_MID_MAX + 1];
  enum paw_direction direction;
  uint8_t opus_payload_type;
  uint8_t red_payload_type; /**< 0 = not agreed */
  uint8_t rtx_payload_type; /**< 0 = not agreed: retransmissions have the stream's own SSRC */
  bool nack;
  uint32_t local_ssrc;
  uint32_t remote_ssrc;              /**< 0 until signalled or seen */
  struct paw_opus_parameters remote; /**< what the peer wishes to receive: binds the encoder */
};

/** @return PAW_OK; PAW_ERR_STATE: nothing is negotiated yet */
PAW_API int paw_rtc_get_media(const struct paw_rtc *rtc, struct paw_media_info *out);

/* ---- media -------------------------------------------------------------------------------- */

/**
 * Send one frame. It is kept and becomes a packet when output is polled; while the peer is not
 * connected, it is dropped.
 *
 * @return PAW_OK; PAW_ERR_STATE: sending is not negotiated; PAW_ERR_INVALID: frame out of range;
 *         PAW_ERR_NO_MEMORY
 */
PAW_API int paw_rtc_send_audio(struct paw_rtc *rtc, uint64_t now_ns,
                               const struct paw_audio_frame *frame);

/**
 * How redundant the packets are that this side sends from now on, where the peer takes RED
 * (paw_media_info.red_payload_type): each carries the frame `distance` frames before it once more,
 * or a later one where that is more than 341 ms.
 *
 * @param distance  1..PAW_RED_DISTANCE_MAX; PAW_RED_OFF; PAW_RED_AUTO: begins when the peer reports
 *                  that more than 1 % stays lost and asking again would come too late (round trip
 *                  above 20 ms) or was not agreed on; ends after ten seconds in which that was not
 *                  so. The distance then is what a delay of 60 ms leaves time for, at most 6, at
 *                  most 2 for a peer without receiver reference times, which is a browser
 * @return PAW_OK; PAW_ERR_INVALID
 */
PAW_API int paw_rtc_set_red(struct paw_rtc *rtc, int distance);

/** Ask for packets of the received stream again (RFC 4585 section 6.2.1). Ignored when NACK was not
 * negotiated. @return PAW_OK; PAW_ERR_INVALID (count 0 or above 64); PAW_ERR_LIMIT (too many wait)
 */
PAW_API int paw_rtc_send_nack(struct paw_rtc *rtc, uint64_t now_ns, const uint16_t *sequences,
                              size_t count);

/** Round-trip time: by RTCP where there is one, else by ICE checks; 0 = not known. */
PAW_API uint64_t paw_rtc_get_rtt_ns(const struct paw_rtc *rtc);

/**
 * Join a player to this connection: hand it its round-trip time, carry out what it asks for.
 * Call it after each drain; it returns when the player wants to be looked at again.
 */
PAW_API uint64_t paw_rtc_serve_playout(struct paw_rtc *rtc, uint64_t now_ns,
                                       struct paw_playout *playout);

/* ---- input and output --------------------------------------------------------------------- */

/** Is this datagram for this connection? By validated address pair, or by ufrag for STUN. */
PAW_API bool paw_rtc_accepts(const struct paw_rtc *rtc, const struct paw_input *input);

/**
 * Feed a datagram or the passing of time. Nothing from the network is an error: what is not good is
 * dropped and counted by its reason.
 *
 * @return PAW_OK; PAW_ERR_INVALID; PAW_ERR_STATE: the connection has ended or is closing
 */
PAW_API int paw_rtc_handle_input(struct paw_rtc *rtc, const struct paw_input *input);

/** Why a connection ended. */
#define PAW_CLOSE_REASON_MAP(X)                                                                    \
  X(NONE, "not closed")                                                                            \
  X(LOCAL, "closed by this side")                                                                  \
  X(PEER, "closed by the peer")                                                                    \
  X(ICE_FAILED, "no path to the peer")                                                             \
  X(CONSENT, "the peer has not been heard of for too long")                                        \
  X(REVOKED, "the peer revoked its consent")                                                       \
  X(FINGERPRINT, "the peer's certificate is not the one of its description")                       \
  X(NO_PROFILE, "no SRTP profile was agreed")                                                      \
  X(DTLS_FAILED, "the DTLS handshake failed")                                                      \
  X(DTLS_TIMEOUT, "the DTLS handshake timed out")                                                  \
  X(DTLS_ALERT, "fatal DTLS alert from the peer")                                                  \
  X(NO_MEMORY, "out of memory")

enum paw_close_reason {
#define PAW_CLOSE_REASON_ENUM(name, text) PAW_CLOSE_##name,
  PAW_CLOSE_REASON_MAP(PAW_CLOSE_REASON_ENUM)
#undef PAW_CLOSE_REASON_ENUM
};

/** The text of a close reason; static, never NULL. */
PAW_API const char *paw_close_reason_text(enum paw_close_reason reason);

/** A sender report (RFC 3550 section 6.4.1). */
struct paw_sender_report {
  uint64_t ntp; /**< 32.32 */
  uint64_t arrival_ns;
  uint32_t ssrc;
  uint32_t timestamp_rtp; /**< the same instant in RTP time */
  uint32_t packets;
  uint32_t octets;
};

/**
 * What the peer says of the stream that this side sends (RFC 3550 section 6.4.2).
 *
 * Packets that were resent with the stream's own SSRC count as received, those that came as RTX do
 * not. Whoever encodes for this connection alone sets the encoder by it, as a hub advises for its
 * tracks (hub.h): while more than 2 % is lost, in-band FEC on and packet loss at max(10, percent);
 * off when it has been below 1 % for ten seconds.
 */
struct paw_receiver_report {
  uint64_t arrival_ns;
  uint64_t rtt_ns; /**< 0 = not known from this report */
  int32_t cumulative_lost;
  uint32_t highest_sequence; /**< extended */
  uint32_t jitter_rtp;
  uint8_t fraction_lost; /**< of 256, since the last report */
};

enum paw_rtc_event_kind {
  PAW_RTC_EVENT_ICE_STATE,
  PAW_RTC_EVENT_SELECTED_PAIR,
  PAW_RTC_EVENT_CONNECTED, /**< ICE and DTLS are done: media flows from here on */
  PAW_RTC_EVENT_MEDIA,     /**< the audio section was agreed on or has changed: get_media */
  PAW_RTC_EVENT_AUDIO,     /**< a packet */
  PAW_RTC_EVENT_SENDER_REPORT,
  PAW_RTC_EVENT_RECEIVER_REPORT,
  PAW_RTC_EVENT_BYE,       /**< the peer's stream has ended (RTCP BYE) */
  PAW_RTC_EVENT_DEGRADED,  /**< no media for degraded_ns while it should flow; not in a DTX pause */
  PAW_RTC_EVENT_RECOVERED, /**< media flows again after DEGRADED */
  PAW_RTC_EVENT_CLOSED,    /**< the last event */
};

struct paw_rtc_event {
  enum paw_rtc_event_kind kind;
  enum paw_ice_reason ice_reason; /**< of ICE_STATE: why DISCONNECTED or FAILED; else NONE */
  union {
    enum paw_ice_state ice_state;
    struct {
      struct paw_address local;
      struct paw_address remote;
    } pair;
    struct paw_audio_packet audio; /**< data valid until the next non-const call on the object */
    struct paw_sender_report sender_report;
    struct paw_receiver_report receiver_report;
    uint32_t bye_ssrc;
    enum paw_close_reason reason;
  };
};

struct paw_rtc_output {
  enum paw_output_kind kind;
  union {
    struct paw_transmit transmit;
    struct paw_rtc_event event;
    struct paw_timeout timeout;
  };
};

/** Take the next thing to do; PAW_OUTPUT_TIMEOUT means that nothing is left now. */
PAW_API void paw_rtc_poll_output(struct paw_rtc *rtc, struct paw_rtc_output *out);

/**
 * Say farewell: RTCP BYE and DTLS close_notify, twice each, are ready to poll; then CLOSED comes
 * with reason LOCAL. Idempotent.
 */
PAW_API void paw_rtc_close(struct paw_rtc *rtc, uint64_t now_ns);

/* ---- statistics --------------------------------------------------------------------------- */

/** Why a datagram, or a part of one, was dropped. */
#define PAW_DROP_MAP(X)                                                                            \
  X(EMPTY, "empty datagram")                                                                       \
  X(UNKNOWN_KIND, "first byte of no protocol spoken here (RFC 7983)")                              \
  X(UNKNOWN_PATH, "DTLS, RTP or RTCP from an address pair that no check has validated")            \
  X(DTLS, "DTLS refused")                                                                          \
  X(NO_KEYS, "SRTP or SRTCP before the keys")                                                      \
  X(SRTP_AUTH, "SRTP authentication failed")                                                       \
  X(SRTP_REPLAY, "SRTP packet replayed or too old")                                                \
  X(SRTCP_AUTH, "SRTCP authentication failed")                                                     \
  X(SRTCP_REPLAY, "SRTCP packet replayed or too old")                                              \
  X(RTP_MALFORMED, "malformed RTP")                                                                \
  X(RTP_PAYLOAD_TYPE, "payload type not negotiated")                                               \
  X(RTP_SSRC_LIMIT, "more streams than are followed")                                              \
  X(RTP_RTX, "retransmission without a packet in it, or of no stream that is here")                \
  X(RTP_DIRECTION, "media that was not negotiated")                                                \
  X(RTCP_MALFORMED, "malformed RTCP")                                                              \
  X(QUEUE_FULL, "events were not polled in time")                                                  \
  X(CLOSED, "after the end")                                                                       \
  X(NO_MEMORY, "no memory for a new stream")

enum paw_drop {
#define PAW_DROP_ENUM(name, text) PAW_DROP_##name,
  PAW_DROP_MAP(PAW_DROP_ENUM)
#undef PAW_DROP_ENUM
      PAW_DROP_COUNT
};

/** The text of a drop reason; static, never NULL. */
PAW_API const char *paw_drop_text(enum paw_drop drop);

struct paw_rtc_stats {
  enum paw_ice_state ice_state;
  enum paw_dtls_state dtls_state;
  struct paw_address local; /**< selected pair; none before */
  struct paw_address remote;
  uint64_t rtt_ns; /**< 0 = not known */
  uint64_t datagrams_received;
  uint64_t datagrams_sent;
  uint64_t bytes_received; /**< of datagrams */
  uint64_t bytes_sent;
  uint64_t drops[PAW_DROP_COUNT];
  uint64_t clock_backwards; /**< times that the caller's clock went back */

  uint64_t packets_sent; /**< RTP, first transmissions */
  uint64_t payload_bytes_sent;
  uint64_t nacks_received; /**< sequence numbers asked for by the peer */
  uint64_t packets_resent;
  uint64_t nacks_unanswered;    /**< no longer there, asked again too soon, or too many */
  uint64_t nacks_duplicate;     /**< of these: asked again within half a round trip */
  uint64_t red_packets_sent;    /**< of packets_sent, with a frame of before in them */
  uint64_t red_bytes_sent;      /**< of payload_bytes_sent, what redundancy added */
  uint8_t red_distance;         /**< of the packet sent last, in frames; 0 = not redundant */
  uint64_t remote_lost;         /**< by the last receiver report; 0 if negative */
  uint8_t remote_fraction_lost; /**< of 256 */
  uint32_t remote_jitter_rtp;

  uint64_t packets_received; /**< RTP, authenticated, duplicates included */
  uint64_t payload_bytes_received;
  uint64_t red_packets_received; /**< of packets_received */
  int64_t packets_lost;          /**< RFC 3550: expected - received, may be negative */
  uint32_t jitter_rtp;
  uint64_t nacks_sent;    /**< sequence numbers */
  uint64_t rtcp_received; /**< datagrams, authenticated */
  uint64_t rtcp_sent;
  struct paw_ice_stats ice;
  struct paw_dtls_stats dtls;
};

PAW_API void paw_rtc_get_stats(const struct paw_rtc *rtc, struct paw_rtc_stats *out);

#ifdef __cplusplus
}
#endif
#endif
