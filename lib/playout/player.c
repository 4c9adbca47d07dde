/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "playout/playout.h"

#define START_DEFAULT_NS (20 * PAW_NS_PER_MS) /* a wire */
#define MIN_DEFAULT_NS (3 * PAW_NS_PER_MS)    /* below, timers and devices are not exact enough */
#define DELAY_DEFAULT_NS PAW_NS_PER_S
#define DELAY_LIMIT_NS (10 * PAW_NS_PER_S)

/* Every late sample is worth the longest delay then. */
#define LATE_WEIGHT_LIMIT_MS 1e6

/* Room for the longest delay, were all frames this short; shorter ones are seldom kept so long. */
#define FRAME_USUAL_NS (5 * PAW_NS_PER_MS)

/* Rendering that begins this late leaves out nothing. */
#define START_LATE_NS ((int64_t)(2 * PAW_NS_PER_MS))

static const char *const state_names[] = {"idle", "waiting", "playing", "stalled"};

void paw_playout_set_state(struct paw_playout *player, enum paw_playout_state state) {
  static const bool moves[4][4] = {
      [PAW_PLAYOUT_IDLE] = {[PAW_PLAYOUT_WAITING] = true},
      [PAW_PLAYOUT_WAITING] = {[PAW_PLAYOUT_PLAYING] = true, [PAW_PLAYOUT_STALLED] = true},
      [PAW_PLAYOUT_PLAYING] = {[PAW_PLAYOUT_WAITING] = true, [PAW_PLAYOUT_STALLED] = true},
      [PAW_PLAYOUT_STALLED] = {[PAW_PLAYOUT_WAITING] = true},
  };
  assert(moves[player->state][state]);
  paw_log_write(&player->config.log, PAW_LOG_DEBUG, "playout", "%s -> %s",
                state_names[player->state], state_names[state]);
  player->state = state;
}

/* ---- making ---- */

void paw_playout_config_init(struct paw_playout_config *config) {
  *config = (struct paw_playout_config){
      .struct_size = sizeof *config,
      .channels = 2,
      .profile = PAW_PLAYOUT_LIVE,
      .start_delay_ns = START_DEFAULT_NS,
      .min_delay_ns = MIN_DEFAULT_NS,
      .max_delay_ns = DELAY_DEFAULT_NS,
  };
}

static bool range_is_valid(const struct paw_playout_config *config, uint64_t min_ns,
                           uint64_t cap_ns) {
  uint64_t own_cap_ns = paw_playout_delay_cap_ns(config, cap_ns);
  return min_ns <= own_cap_ns && own_cap_ns <= config->max_delay_ns;
}

/* The limits of a delay that is fixed are not looked at. */
static bool config_is_valid(const struct paw_playout_config *config) {
  bool has_profile =
      config->profile == PAW_PLAYOUT_LIVE || config->profile == PAW_PLAYOUT_ANNOUNCEMENT;
  bool has_weight = config->late_weight_ms >= 0 && config->late_weight_ms <= LATE_WEIGHT_LIMIT_MS;
  bool has_range = config->target_delay_ns > 0 ||
                   range_is_valid(config, config->min_delay_ns, config->cap_delay_ns);
  return (config->channels == 1 || config->channels == 2) &&
         config->target_delay_ns <= config->max_delay_ns &&
         config->max_delay_ns <= DELAY_LIMIT_NS && has_profile && has_weight && has_range;
}

static size_t buffer_capacity(const struct paw_playout_config *config) {
  uint64_t frames = config->max_delay_ns / FRAME_USUAL_NS + PAW_PLAYOUT_KEPT_MAX;
  if (frames < PAW_PLAYOUT_FRAMES_MIN) {
    return PAW_PLAYOUT_FRAMES_MIN;
  }
  return frames < PAW_PLAYOUT_FRAMES_MAX ? (size_t)frames : PAW_PLAYOUT_FRAMES_MAX;
}

static int init_parts(struct paw_playout *player) {
  const struct paw_playout_config *config = &player->config;
  paw_playout_delay_init(&player->delay, config);
  paw_playout_repair_init(&player->repair);
  int status =
      paw_playout_buffer_init(&player->buffer, &config->allocator, buffer_capacity(config));
  if (status == PAW_OK) {
    status = paw_playout_sound_init(&player->sound, &config->allocator, config->channels);
  }
  if (status == PAW_OK) {
    status = paw_playout_pace_init(&player->pace, &config->allocator);
  }
  return status;
}

int paw_playout_new(const struct paw_playout_config *config, struct paw_playout **out) {
  struct paw_playout_config own;
  paw_playout_config_init(&own);
  *out = NULL;
  if (paw_config_take(&own, sizeof own, config) != PAW_OK || !config_is_valid(&own)) {
    return PAW_ERR_INVALID;
  }
  struct paw_playout *player = paw_mem_alloc(&own.allocator, sizeof *player);
  if (player == NULL) {
    return PAW_ERR_NO_MEMORY;
  }
  player->config = own;
  int status = init_parts(player);
  if (status != PAW_OK) {
    paw_playout_free(player);
    return status;
  }
  *out = player;
  return PAW_OK;
}

void paw_playout_free(struct paw_playout *player) {
  if (player != NULL) {
    struct paw_allocator allocator = player->config.allocator;
    paw_playout_pace_wipe(&player->pace, &allocator);
    paw_playout_sound_wipe(&player->sound, &allocator);
    paw_playout_buffer_wipe(&player->buffer, &allocator);
    paw_mem_free(&allocator, player);
  }
}

/* ---- telling ---- */

static bool poll_event(struct paw_playout *player, struct paw_playout_output *out) {
  bool has_event = player->state == PAW_PLAYOUT_PLAYING || player->state == PAW_PLAYOUT_STALLED;
  if (!has_event || player->told == player->state) {
    return false;
  }
  player->told = player->state;
  out->kind = PAW_OUTPUT_EVENT;
  out->event.kind =
      player->state == PAW_PLAYOUT_PLAYING ? PAW_PLAYOUT_EVENT_STARTED : PAW_PLAYOUT_EVENT_STALLED;
  return true;
}

static bool poll_nack(struct paw_playout *player, uint64_t now_ns, struct paw_playout_output *out) {
  size_t count = paw_playout_repair_collect(player, now_ns);
  if (count == 0) {
    return false;
  }
  player->stats.nacks_sent += count;
  out->kind = PAW_OUTPUT_EVENT;
  out->event.kind = PAW_PLAYOUT_EVENT_NACK;
  out->event.ssrc = player->ssrc;
  out->event.sequences = player->repair.sequences;
  out->event.count = count;
  return true;
}

void paw_playout_poll_output(struct paw_playout *player, uint64_t now_ns,
                             struct paw_playout_output *out) {
  now_ns = paw_clock_advance(&player->clock, now_ns);
  *out = (struct paw_playout_output){.kind = PAW_OUTPUT_TIMEOUT};
  if (poll_event(player, out) || poll_nack(player, now_ns, out)) {
    return;
  }
  out->timeout.deadline_ns = PAW_TIME_NEVER;
  paw_timeout_earliest(&out->timeout, paw_playout_repair_deadline(player, now_ns),
                       PAW_TIMEOUT_NACK);
}

void paw_playout_set_rtt(struct paw_playout *player, uint64_t rtt_ns) {
  player->repair.rtt_ns = rtt_ns;
  paw_playout_delay_set_rtt(&player->delay, rtt_ns);
}

void paw_playout_set_nack(struct paw_playout *player, bool on) {
  player->repair.enabled = on;
  paw_playout_delay_set_nack(&player->delay, on);
}

int paw_playout_set_delay_range(struct paw_playout *player, uint64_t min_ns, uint64_t cap_ns) {
  if (!range_is_valid(&player->config, min_ns, cap_ns)) {
    return PAW_ERR_INVALID;
  }
  paw_playout_delay_set_range(&player->delay, min_ns,
                              paw_playout_delay_cap_ns(&player->config, cap_ns));
  return PAW_OK;
}

void paw_playout_get_stats(const struct paw_playout *player, struct paw_playout_stats *out) {
  *out = player->stats;
  out->packets_lost = player->ledger.lost;
  out->outages = player->delay.outages;
  out->target_delay_ns = (uint64_t)paw_playout_delay_target_ns(&player->delay);
  out->jitter_ns = (uint64_t)player->delay.jitter_ns;
}

/* ---- rendering ---- */

/* What cannot be followed sample by sample. */
static void follow_drift(struct paw_playout *player) {
  int64_t early_ns = paw_playout_pace_early_ns(player);
  if (early_ns < -PAW_PLAYOUT_FOLLOW_MAX_NS || early_ns > PAW_PLAYOUT_FOLLOW_MAX_NS) {
    player->stats.resyncs++;
    paw_playout_sound_stop(player);
    paw_playout_set_state(player, PAW_PLAYOUT_WAITING);
  }
}

static struct paw_playout_span render_silence(struct paw_playout *player, int16_t *pcm,
                                              size_t frames) {
  uint8_t channels = player->config.channels;
  memset(pcm, 0, frames * channels * sizeof pcm[0]);
  paw_playout_join_apply(&player->sound.join, pcm, frames, channels);
  return (struct paw_playout_span){
      .frames = frames, .kind = PAW_PLAYOUT_KIND_NOTHING, .is_silent = true};
}

/* Normally the first frame is due right now. When rendering begins late, what should have been
 * heard already is left out, as far as something else is there. */
static void start(struct paw_playout *player, uint64_t play_ns) {
  uint64_t first_rtp = paw_playout_buffer_front(&player->buffer)->media_rtp;
  uint64_t last_rtp = paw_playout_buffer_back(&player->buffer)->media_rtp;
  uint64_t due_rtp = paw_playout_delay_due(&player->delay, play_ns);
  int64_t late_rtp = (int64_t)(due_rtp - first_rtp);
  if (paw_playout_rtp_to_ns(late_rtp) <= START_LATE_NS) {
    due_rtp = first_rtp;
  }
  player->sound.position_rtp = due_rtp < last_rtp ? due_rtp : last_rtp;
  paw_playout_pace_start(&player->pace, play_ns);
  paw_playout_set_state(player, PAW_PLAYOUT_PLAYING);
}

static struct paw_playout_span render_playing(struct paw_playout *player, int16_t *pcm,
                                              size_t frames, uint64_t play_ns) {
  struct paw_playout_span span = paw_playout_sound_pull(player, pcm, frames, play_ns);
  return span.frames > 0 ? span : render_silence(player, pcm, frames);
}

static struct paw_playout_span render_waiting(struct paw_playout *player, int16_t *pcm,
                                              size_t frames, uint64_t play_ns) {
  const struct paw_playout_frame *front = paw_playout_buffer_front(&player->buffer);
  if (front == NULL) {
    if (player->gap_frames >= PAW_PLAYOUT_STALL_FRAMES) {
      paw_playout_set_state(player, PAW_PLAYOUT_STALLED);
    }
    return render_silence(player, pcm, frames);
  }
  int64_t wait_rtp =
      paw_playout_ns_to_rtp(paw_playout_delay_until(&player->delay, front->media_rtp, play_ns));
  if (wait_rtp > 0) {
    return render_silence(player, pcm, (uint64_t)wait_rtp < frames ? (size_t)wait_rtp : frames);
  }
  start(player, play_ns);
  return render_playing(player, pcm, frames, play_ns);
}

static void count_concealed(struct paw_playout *player, const struct paw_playout_span *span) {
  struct paw_playout_stats *stats = &player->stats;
  if (player->gap_frames == 0) {
    stats->concealment_events++;
  }
  player->gap_frames += span->frames;
  stats->concealed_samples += span->frames;
  if (span->is_silent) {
    stats->silent_concealed_samples += span->frames;
  }
  if (player->gap_frames > stats->longest_concealment_samples) {
    stats->longest_concealment_samples = player->gap_frames;
  }
}

static void count_span(struct paw_playout *player, const struct paw_playout_span *span) {
  switch (span->kind) {
  case PAW_PLAYOUT_KIND_FRAME:
  case PAW_PLAYOUT_KIND_COMFORT:
    player->gap_frames = 0;
    break;
  case PAW_PLAYOUT_KIND_NOTHING:
    if (player->stats.total_samples == 0) {
      break; /* nothing counts before the first sample of the first stream */
    }
    count_concealed(player, span);
    break;
  case PAW_PLAYOUT_KIND_CONCEALED:
    count_concealed(player, span);
    break;
  }
}

struct paw_playout_span paw_playout_render_media(struct paw_playout *player, int16_t *pcm,
                                                 size_t frames, uint64_t play_ns) {
  struct paw_playout_span span = {0};
  switch (player->state) {
  case PAW_PLAYOUT_WAITING:
    span = render_waiting(player, pcm, frames, play_ns);
    break;
  case PAW_PLAYOUT_PLAYING:
    span = render_playing(player, pcm, frames, play_ns);
    break;
  case PAW_PLAYOUT_IDLE:
  case PAW_PLAYOUT_STALLED:
    span = render_silence(player, pcm, frames);
    break;
  }
  count_span(player, &span);
  return span;
}

/* The device's lead is only believed while one play time follows the other. */
static void note_rendered(struct paw_playout *player, uint64_t play_ns, size_t frames) {
  int64_t apart_ns = (int64_t)(play_ns - player->play_until_ns);
  bool follows = apart_ns > -(int64_t)PAW_NS_PER_S && apart_ns < (int64_t)PAW_NS_PER_S;
  player->play_until_ns = play_ns + (uint64_t)paw_playout_rtp_to_ns((int64_t)frames);
  player->rendered_until_ns = follows ? player->play_until_ns : 0;
}

void paw_playout_render(struct paw_playout *player, int16_t *pcm, size_t frames, uint64_t play_ns) {
  uint8_t channels = player->config.channels;
  size_t done = 0;
  paw_playout_pace_note(&player->pace, play_ns, frames);
  follow_drift(player);
  while (done < frames) {
    uint64_t at_ns = play_ns + (uint64_t)paw_playout_rtp_to_ns((int64_t)done);
    done += paw_playout_pace_run(player, &pcm[done * channels], frames - done, at_ns);
  }
  note_rendered(player, play_ns, frames);
  if (player->state == PAW_PLAYOUT_PLAYING) {
    paw_playout_ledger_settle(&player->ledger, player->sound.position_rtp);
  }
}
