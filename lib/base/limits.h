/* SPDX-License-Identifier: MIT */
/* The bound of every container, with its reason. Public bounds stand in the public headers:
 * PAW_DESCRIPTION_CANDIDATES_MAX, PAW_DESCRIPTION_FINGERPRINTS_MAX, PAW_PLAYOUT_NACK_MAX,
 * PAW_RED_DISTANCE_MAX, PAW_OPUS_PACKET_MAX, and the text lengths of description.h. Which test
 * reaches each and which passes it is said in tests/tree/limits.md. */
#ifndef PAW_BASE_LIMITS_H
#define PAW_BASE_LIMITS_H

/* ---- time ---- */
#define PAW_LAX_NS UINT64_C(20000000)       /* checks and reports wait for each other: 50 a s */
#define PAW_LAX_IDLE_NS UINT64_C(100000000) /* where nothing flows: 10 a s, answers together */

/* ---- datagrams ---- */
#define PAW_DATAGRAM_MAX 1500 /* what is ever sent or looked at: an Ethernet frame's worth */
#define PAW_MTU 1200          /* what DTLS fills: passes every tunnel (RFC 8835 practice) */

/* ---- rtp ---- */
#define PAW_RED_BLOCKS_MAX 32 /* the 14-bit offset reaches back 341 ms, 34 frames of 10 ms */

/* ---- rtcp ---- */
#define PAW_RTCP_REPORT_BLOCKS_MAX 31    /* what the 5-bit count can say */
#define PAW_RTCP_NACK_SEQUENCES_MAX 1024 /* taken from one NACK: 20 s of 20 ms packets */
#define PAW_RTCP_EARLY_NS                                                                          \
  UINT64_C(20000000) /* between two ahead of their time: peers ask at will */

/* ---- sdp ---- */
#define PAW_SDP_BYTES_MAX 65536 /* of one description; browsers send about 7 kB at most */
#define PAW_SDP_MEDIA_MAX 32 /* m-lines that an answer mirrors; more make the offer unsupported */

/* ---- dtls ---- */
#define PAW_DTLS_EARLY_MAX 8            /* datagrams before start: four rounds of a browser's two */
#define PAW_DTLS_CLIENT_HELLO_MAX 4096  /* reassembled; Chromium's has 1413 bytes */
#define PAW_DTLS_OUT_INITIAL_BYTES 2048 /* a flight is about 1000 bytes */
#define PAW_DTLS_OUT_MAX_BYTES 16384    /* repetitions nobody polls for are lost, as on a network */
#define PAW_DTLS_KEPT_BYTES 128         /* a last flight has 75 bytes, a close_notify 39 */

/* ---- srtp ---- */
#define PAW_SRTP_SOURCES_MAX                                                                       \
  32 /* authenticated SSRCs a peer: it sends one, and a new one a restart */

/* ---- stun ---- */
#define PAW_STUN_UNKNOWN_MAX 8 /* unknown attributes told of; an attacker could list hundreds */

/* ---- ice ---- */
#define PAW_ICE_MESSAGE_MAX 608 /* a check between two ufrags of 256, and all else it carries */
#define PAW_ICE_REMOTES_MAX 32  /* 20 signalled and 12 learnt; silent learnt ones make room */
#define PAW_ICE_LEARNT_MAX 4    /* own addresses as peers see them: NATs are few, lies many */
#define PAW_ICE_PAIRS_MAX 100   /* RFC 8445 section 6.1.2.5 */
#define PAW_ICE_CONSENT_CHECKS_MAX 8      /* awaiting an answer: at 500 ms a round trip of 4 s */
#define PAW_ICE_ANSWERS_INITIAL_BYTES 256 /* two requests between polls */
#define PAW_ICE_ANSWERS_MAX_BYTES 2048    /* about twenty; lost answers are asked for again */
#define PAW_ICE_ANSWERS_SAVED_MAX 128     /* answered at once: a check of every pair, and more */
#define PAW_ICE_ANSWER_NS                                                                          \
  UINT64_C(2000000) /* then one each so long: Ta of our own checks is 5 ms */

/* ---- playout ---- */
#define PAW_PLAYOUT_FRAMES_MAX 512 /* encoded frames kept: 10 s of 20 ms ones */
#define PAW_PLAYOUT_FRAMES_MIN 64  /* 160 ms of 2.5 ms ones: four times the usual delay */
#define PAW_PLAYOUT_KEPT_MAX 24    /* played frames kept to be decoded once more: as below */
#define PAW_PLAYOUT_REWIND_FRAMES_MAX                                                              \
  9600                                /* 200 ms: by then SILK has forgotten a gap; 24 of 10 ms */
#define PAW_PLAYOUT_SEQUENCES_MAX 512 /* sequence numbers remembered: 1.3 s of 2.5 ms packets */
#define PAW_PLAYOUT_GUESSES_MAX 16    /* asked for beyond the highest seen: then it is an outage */
#define PAW_PLAYOUT_BASE_SECONDS 10   /* window of the base delay: outlives congestion */
#define PAW_PLAYOUT_SKEW_SECONDS 30   /* in which 10 ppm stand out of a jitter of 0.3 ms */
#define PAW_PLAYOUT_DELAY_SECONDS 30  /* in which what was needed is given up for good */
#define PAW_PLAYOUT_BINS 256          /* of 1 ms: past the longest delay that a profile allows */
#define PAW_PLAYOUT_TRAIN_MAX 240     /* late packets on end: 400 ms and 200 more of 2.5 ms ones */
#define PAW_PLAYOUT_JOIN_FRAMES_MAX 240 /* of a cross-fade: 5 ms, the longest there is */
#define PAW_PLAYOUT_PACE_FRAMES_MAX                                                                \
  4096 /* of PCM around the position: four times the most needed */

/* ---- rtc ---- */
#define PAW_RTC_CONTROL_BYTES 608       /* a check of ICE; the longest RTCP that is made has 478 */
#define PAW_RTC_QUEUE_INITIAL_BYTES 256 /* waiting for poll: three events */
#define PAW_RTC_QUEUE_STREAM_BYTES                                                                 \
  4096 /* once a stream came: 100 ms at once, at 128 kbit/s with RED; of 2.5 ms frames, 65 ms */
#define PAW_RTC_QUEUE_AUDIO_BYTES 57344 /* audio leaves the rest to what must not be missed */
#define PAW_RTC_QUEUE_MAX_BYTES 65536   /* more than a second of audio undrained is dropped */

/* ---- stream ---- */
#define PAW_HISTORY_NS UINT64_C(500000000) /* frames older than that help nobody */
#define PAW_HISTORY_FRAMES 256  /* 500 ms of 2.5 ms frames, rounded up to a power of two */
#define PAW_HISTORY_BYTES 32768 /* 500 ms at 510 kbit/s, the most that Opus makes */
#define PAW_SEND_RESENDS_MAX 64 /* answers to NACKs that wait for their turn */
#define PAW_SEND_LOOKS_MAX 1024 /* numbers of NACKs looked up at once: 16 long requests */
#define PAW_SEND_LOOKS_A_FRAME                                                                     \
  128 /* then so many a frame: two requests of the most that our receivers ask for */

/* ---- rtc, streams ---- */
#define PAW_RTC_RECV_STREAMS_MAX 4 /* one audio section: its stream, and a few past ones */
#define PAW_RTC_NACKS_MAX 64       /* sequence numbers that wait to be asked for */

/* ---- hub ---- */
#define PAW_HUB_PEERS_MAX 65535 /* max_peers of the config; the tables of so many take 25 MB */
#define PAW_HUB_TRACKS_MAX 64   /* programmes at a time; each costs about 50 kB of history */
#define PAW_HUB_PATHS_MAX                                                                          \
  128 /* address pairs remembered a peer: all pairs of an agent, and more                          \
       */
#define PAW_HUB_TRIES_MAX                                                                          \
  8 /* peers of one pair of addresses that a datagram is tried on: each costs a hash over it */
#define PAW_HUB_BATCH_MAX 64 /* datagrams a poll: past this sendmmsg gains nothing more */

#endif
