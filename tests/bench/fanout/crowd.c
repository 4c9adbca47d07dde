/* SPDX-License-Identifier: MIT */
#include "bench/fanout/crowd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "system.h"

#define SDP_BYTES 16384
/* A refusal that does not say for how long, and a connection that failed. */
#define PAUSE_NS (500 * PAW_NS_PER_MS)
#define CHUNK_FRAMES 480 /* that a player renders at a time */
#define CHUNK_NS (10 * PAW_NS_PER_MS)
/* In a turn so many rounds over the sockets at most, before the rest is looked at. */
#define ROUNDS_MAX 64

static void check(int status, const char *what) {
  if (status != PAW_OK) {
    (void)fprintf(stderr, "%s: %s\n", what, paw_strerror(status));
    exit(1);
  }
}

/* ---- packets ---- */

static void note_sequence(struct member *member, uint16_t sequence) {
  int16_t ahead = (int16_t)(sequence - member->highest);
  if (member->packets == 0) {
    member->highest = sequence;
  } else if (ahead > 0) {
    member->lost += (uint64_t)ahead - 1;
    member->highest = sequence;
  } else if (ahead < 0 && member->lost > 0) {
    member->lost--;
  }
  member->packets++;
}

static void note_delay(const struct crowd *crowd, struct member *member,
                       const struct paw_audio_packet *packet) {
  if (!crowd->measuring || member->delay_count == crowd->delays_max) {
    return;
  }
  if (member->delay_count == 0) {
    member->base_ns = packet->arrival_ns;
    member->base_rtp = packet->timestamp_rtp;
  }
  int32_t media_rtp = (int32_t)(packet->timestamp_rtp - member->base_rtp);
  double arrival_ms = (double)(int64_t)(packet->arrival_ns - member->base_ns) / 1e6;
  member->delays_ms[member->delay_count++] = (float)(arrival_ms - media_rtp / 48.0);
}

static void note_event(void *user_data, size_t index, uint64_t now_ns,
                       const struct paw_rtc_event *event) {
  struct crowd *crowd = user_data;
  struct member *member = &crowd->members[index];
  if (event->kind == PAW_RTC_EVENT_CLOSED) {
    crowd->playing -= member->state == MEMBER_PLAYING;
    crowd->gone++;
    member->state = MEMBER_GONE;
  } else if (event->kind == PAW_RTC_EVENT_AUDIO) {
    if (member->state == MEMBER_CONNECTING) {
      member->state = MEMBER_PLAYING;
      member->playing_ns = event->audio.arrival_ns;
      crowd->playing++;
    }
    note_sequence(member, event->audio.sequence);
    note_delay(crowd, member, &event->audio);
    if (member->playout != NULL) {
      (void)paw_playout_handle_input(member->playout, now_ns, &event->audio);
    }
  }
}

/* ---- joining ---- */

void crowd_join(struct crowd *crowd, size_t first, size_t end, uint64_t within_ns) {
  uint64_t now_ns = system_now_ns();
  for (size_t i = first; i < end; i++) {
    crowd->members[i].join_ns = now_ns + within_ns * (i - first) / (end - first);
  }
}

static void offer(struct crowd *crowd, size_t index, uint64_t now_ns) {
  char sdp[SDP_BYTES];
  size_t len = sizeof sdp;
  struct member *member = &crowd->members[index];
  paw_rtc_free(crowd->receivers.rtcs[index]);
  check(paw_rtc_create_offer(receivers_make(&crowd->receivers, index, now_ns), sdp, &len), "offer");
  whep_post(crowd->whep, index, &crowd->sockets.locals[index], sdp);
  member->state = MEMBER_OFFERING;
  member->begin_ns = member->begin_ns == 0 ? now_ns : member->begin_ns;
}

static void note_answer(void *user_data, size_t index, const struct whep_answer *answer) {
  struct crowd *crowd = user_data;
  struct member *member = &crowd->members[index];
  uint64_t now_ns = system_now_ns();
  if (answer->status == 201) {
    check(paw_rtc_accept_answer(crowd->receivers.rtcs[index], now_ns, answer->body, answer->len),
          "answer");
    member->state = MEMBER_CONNECTING;
    receivers_drain(&crowd->receivers, index, now_ns);
    return;
  }
  bool refused = answer->status == 429 || answer->status == 503;
  crowd->refused += refused;
  crowd->failed += !refused;
  if (!refused && crowd->failed == 1) {
    (void)fprintf(stderr, "WHEP: %ld %s\n", answer->status,
                  answer->status == 0 ? answer->problem : answer->body);
  }
  member->state = MEMBER_OUT;
  member->join_ns = now_ns + (answer->retry_after_ns > 0 ? answer->retry_after_ns : PAUSE_NS);
}

/* ---- playing ---- */

/* The device of a player asks when its time has come, and all that came before has been handed in:
 * that this process was held up is not heard. */
static void play(struct crowd *crowd, size_t index, uint64_t now_ns) {
  struct member *member = &crowd->members[index];
  int16_t pcm[CHUNK_FRAMES * 2];
  if (member->render_ns == 0) {
    member->render_ns = now_ns;
  }
  while (member->render_ns + CHUNK_NS <= now_ns) {
    paw_playout_render(member->playout, pcm, CHUNK_FRAMES, member->render_ns);
    member->render_ns += CHUNK_NS;
  }
  (void)paw_rtc_serve_playout(crowd->receivers.rtcs[index], now_ns, member->playout);
  receivers_drain(&crowd->receivers, index, now_ns);
}

static void handle(void *user_data, size_t index, const struct paw_input *input) {
  struct crowd *crowd = user_data;
  receivers_handle_input(&crowd->receivers, index, input);
}

void crowd_serve(struct crowd *crowd) {
  uint64_t begin_ns = system_now_ns();
  uint64_t now_ns = begin_ns;
  /* It is waited for datagrams alone, so for a moment only. */
  bool more = sockets_receive(&crowd->sockets, 1, handle, crowd);
  for (int i = 0; i < ROUNDS_MAX && more; i++) {
    now_ns = system_now_ns();
    more = sockets_receive(&crowd->sockets, 0, handle, crowd);
  }
  (void)receivers_pass_time(&crowd->receivers, system_now_ns());
  for (size_t i = 0; i < crowd->count; i++) {
    if (crowd->members[i].playout != NULL && crowd->members[i].state == MEMBER_PLAYING && !more) {
      play(crowd, i, now_ns);
    }
    if (crowd->members[i].state == MEMBER_OUT && crowd->members[i].join_ns <= now_ns) {
      offer(crowd, i, now_ns);
    }
  }
  (void)whep_serve(crowd->whep);
  uint64_t took_ns = system_now_ns() - begin_ns;
  crowd->turn_ns = took_ns > crowd->turn_ns ? took_ns : crowd->turn_ns;
}

void crowd_leave(struct crowd *crowd) {
  uint64_t now_ns = system_now_ns();
  for (size_t i = 0; i < crowd->count; i++) {
    if (crowd->receivers.rtcs[i] != NULL) {
      paw_rtc_close(crowd->receivers.rtcs[i], now_ns);
      receivers_drain(&crowd->receivers, i, now_ns);
    }
  }
}

double crowd_get_concealed_ms(const struct crowd *crowd) {
  uint64_t samples = 0;
  for (size_t i = 0; i < crowd->count; i++) {
    struct paw_playout_stats stats;
    if (crowd->members[i].playout != NULL) {
      paw_playout_get_stats(crowd->members[i].playout, &stats);
      samples += stats.concealed_samples;
    }
  }
  return (double)samples / 48.0;
}

/* ---- beginning and end ---- */

void crowd_open(struct crowd *crowd, const struct crowd_config *config) {
  *crowd = (struct crowd){.count = config->receivers, .delays_max = config->delays_max};
  struct whep_client_config whep = config->whep;
  struct paw_playout_config playout;
  whep.answered = note_answer;
  whep.user_data = crowd;
  crowd->whep = whep_new(&whep);
  sockets_open(&crowd->sockets, crowd->count, true);
  receivers_init(&crowd->receivers, &crowd->sockets, crowd->count);
  crowd->receivers.event = note_event;
  crowd->receivers.user_data = crowd;
  crowd->members = calloc(crowd->count, sizeof crowd->members[0]);
  paw_playout_config_init(&playout);
  for (size_t i = 0; i < crowd->count; i++) {
    struct member *member = &crowd->members[i];
    member->join_ns = PAW_TIME_NEVER;
    member->delays_ms = malloc(crowd->delays_max * sizeof member->delays_ms[0]);
    if (i < config->listening) {
      check(paw_playout_new(&playout, &member->playout), "player");
    }
  }
}

void crowd_close(struct crowd *crowd) {
  for (size_t i = 0; i < crowd->count; i++) {
    paw_playout_free(crowd->members[i].playout);
    free(crowd->members[i].delays_ms);
  }
  free(crowd->members);
  receivers_wipe(&crowd->receivers);
  sockets_close(&crowd->sockets);
  whep_free(crowd->whep);
}
