/* SPDX-License-Identifier: MIT */
/* A sender, a network whose luck the test decides, a player and a sound device, in virtual time. */
#ifndef TEST_PLAYOUT_STAGE_H
#define TEST_PLAYOUT_STAGE_H

#include <pawebrtc/encoder.h>
#include <pawebrtc/playout.h>

#include "kit/rng.h"
#include "opus/decoder.h"
#include "opus/signal.h"

#define STAGE_PACKETS 1024  /* kept to be sent again */
#define STAGE_IN_FLIGHT 128 /* of these, what may still arrive */
#define STAGE_NACKS 4096
#define STAGE_PAYLOAD_MAX 1500

struct stage_packet {
  struct paw_audio_packet packet;
  uint8_t data[STAGE_PAYLOAD_MAX];
  uint64_t sent_ns;
  uint64_t arrival_ns; /* PAW_TIME_NEVER: lost, or here already */
  uint64_t again_ns;   /* the answer to a NACK arrives; PAW_TIME_NEVER */
};

struct stage_nack {
  uint64_t time_ns;
  uint16_t sequence;
};

struct stage;

/* Decides on a packet that is being sent by setting its arrival_ns, which holds the sending time
 * and the stage's delay. */
typedef void stage_fate(struct stage *stage, struct stage_packet *packet);

/* Speaks the next samples in place of the voice. */
typedef void stage_speak(struct stage *stage, int16_t *pcm, size_t frames, unsigned channels);

struct stage {
  uint64_t begin_ns;
  uint64_t now_ns;
  struct kit_rng rng;

  /* sender */
  struct paw_encoder_config encoder_config;
  struct paw_encoder *encoder;
  struct signal signal;
  stage_speak *speak;         /* NULL: the voice */
  unsigned sine_hz;           /* of stage_speak_sine. 1000 */
  int16_t second[PAW_RTP_HZ]; /* what is sent over and over where the stage forgets */
  size_t second_at;
  uint32_t ssrc;
  uint16_t sequence;
  uint32_t timestamp_rtp;
  double sender_ppm;
  bool sender_pauses;     /* nothing is sent, its time goes on */
  bool sender_is_silent;  /* digital silence is encoded */
  size_t frames_a_packet; /* 0: one */
  size_t red_count;       /* redundant frames in each packet; 0 = no RED */
  uint64_t next_send_ns;
  uint64_t sent_count;
  struct stage_packet packets[STAGE_PACKETS];

  /* network */
  uint64_t delay_ns;
  double loss;
  uint64_t lost_count; /* by the fate or by chance */
  stage_fate *fate;    /* NULL: loss alone */
  void *user_data;
  bool answers_nacks;
  bool answers_alike; /* as the packet was sent first, not marked as a retransmission */
  uint64_t rtt_ns;

  /* sound device */
  double device_ppm;
  size_t chunk_frames; /* 0: random */
  size_t chunk_max;    /* of random ones */
  uint64_t lead_ns;    /* from asking for samples to hearing them */
  uint64_t next_render_ns;
  int16_t *heard; /* all that was rendered */
  size_t heard_frames;
  size_t heard_max;
  bool forgets;         /* begin again when nothing more can be kept */
  bool device_is_stuck; /* does not ask for samples */

  /* player */
  struct paw_playout_config config;
  struct paw_playout *player;
  size_t started;
  size_t stalled;
  struct stage_nack nacks[STAGE_NACKS];
  size_t nack_count;

  /* the loss-free decoding of all that was sent */
  struct paw_opus_decoder decoder;
  int16_t *wanted;
  size_t wanted_frames;
};

/* 20 ms frames of mono VOIP, 5 ms network delay, chunks of 10 ms, a mono player; change what should
 * be otherwise, then begin. `seconds` is how much can be heard at most. */
struct stage *stage_new(uint64_t seed, unsigned seconds);
void stage_begin(struct stage *stage);

/* A loud sine without end, in whole hertz. */
void stage_speak_sine(struct stage *stage, int16_t *pcm, size_t frames, unsigned channels);
void stage_free(struct stage *stage);

void stage_run_ms(struct stage *stage, uint64_t duration_ms);

/* Let the sender go on with another encoder, as encoder_config now says. */
void stage_change_encoder(struct stage *stage);

/* Another stream: new SSRC, sequence numbers and time stamps. */
void stage_restart_sender(struct stage *stage);

struct paw_playout_stats stage_stats(const struct stage *stage);

/* Where in what was heard the wanted sound is found exactly, `from` wanted frames on; the offset
 * between both. Fails when it is not found. */
size_t stage_find(const struct stage *stage, size_t from, size_t frames);

/* The first heard frame after a time. Only while the device neither drifts nor was stuck. */
size_t stage_place(const struct stage *stage, uint64_t time_ns);

/* Mean level of what was heard, linear. */
double stage_level(const struct stage *stage, size_t from, size_t until);

/* From now until the sample heard next is due, in ms; negative: the delay is too long. */
double stage_early_ms(const struct stage *stage);

/* Another fixed target from now on. */
void stage_set_target_ms(struct stage *stage, uint64_t target_ms);

/* The greatest second difference from one heard frame to another: what a click is, and a sine at
 * another pitch is not. */
int stage_roughness(const struct stage *stage, size_t from, size_t until);

/* The greatest step between neighbouring samples from one heard frame to another. */
int stage_greatest_step(const struct stage *stage, size_t from, size_t until);

#endif
