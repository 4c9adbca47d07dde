/* SPDX-License-Identifier: MIT */
/* A script against one player: packets, time, rendering, polls, in any order and with any values.
 *
 *   byte 0     bit 0: stereo; 1: profile; 2: a fixed delay; 3: NACK on; 4: a weight for lateness;
 *              5: 100 ms at most instead of 1 s; 6: 10 s at most; 7: raw (below)
 *   bytes 1-4  milliseconds: start, least, cap, fixed delay. Raw: 8 bytes each of least, cap, fixed
 *              and greatest delay follow instead, and paw_playout_new may refuse them
 *
 * Then steps: the low half of a byte says what (enum step), the high half how much. A sender is
 * simulated: its packets have the next numbers and times and are kept, so that lost ones can be
 * sent again. Frames are those of opus_frames.h, or bytes of the script. */
#include "fuzz.h"

#include "kit/alloc.h"
#include "opus_frames.h"
#include "playout/playout.h"

#define BEGIN_NS (10 * PAW_NS_PER_S)
#define RENDERED_MAX 28800 /* per input: what takes most of the time */
#define RENDER_MAX 5760
#define PAYLOAD_MAX 1600
#define KEPT 64
#define POLLS_MAX 8 /* STARTED, STALLED, one NACK, and the deadline */

/* Never in sound for so many values on end, and so proves that they were not written. */
#define UNWRITTEN 0x5a5a
#define UNWRITTEN_RUN 32

/* What was decoded ahead of what is heard is counted already. */
#define AHEAD_MAX 2000

/* By so much a fixed delay exceeds a lead that is longer. */
#define LEAD_MARGIN_NS ((int64_t)(10 * PAW_NS_PER_MS))

enum step {
  STEP_SEND,     /* the frame of this number */
  STEP_LOSE,     /* lose so many packets and one more, then send */
  STEP_ODD,      /* send with other numbers and times: see send_odd */
  STEP_RAW,      /* send bytes of the script: their number (2 bytes), the bytes */
  STEP_RED,      /* send with copies of so many frames before */
  STEP_RAW_RED,  /* the same as STEP_RAW, as RED */
  STEP_AGAIN,    /* send the packet that was sent so many before once more; a byte: flags */
  STEP_ANSWER,   /* answer the last request, at most so many packets */
  STEP_TIME,     /* 0..13: 50 us << n pass; 14: 8 bytes of it; 15: so many ms back (2 bytes) */
  STEP_RENDER,   /* by render_sizes; 15: 2 bytes of frames, 8 bytes of play time */
  STEP_POLL,     /* until there is a deadline; from 8 on, go there */
  STEP_FLOW,     /* 10 ms of packets and sound, so many times and once more */
  STEP_RTT,      /* so many ms; 15: 8 bytes */
  STEP_RANGE,    /* the limits of the delay: 2 bytes of ms each; 15: 8 bytes each */
  STEP_NACK,     /* off, on; 4..7: a packet a second, 4 to 16; from 8 on: the lead of the device
                    in ms (1 byte) */
  STEP_RENUMBER, /* bit 0: another SSRC; 1: sequence number; 2: time; 3: the SSRC before.
                    15: the end, with expect_recovery */
};

static const size_t render_sizes[15] = {0,   1,   48,  120, 128,  240,  256, 441,
                                        480, 512, 960, 961, 1024, 2880, 5760};

struct sent {
  struct paw_audio_packet packet;
  uint8_t data[PAYLOAD_MAX];
};

struct act {
  struct fuzz_script script;
  struct kit_allocator memory;
  struct kit_allocator memory_after_new;
  struct paw_playout_config config;
  struct paw_playout *player;
  struct paw_playout_stats stats;
  uint64_t now_ns;        /* of the script, which may go back */
  uint64_t highest_ns;    /* of what the player was told */
  uint64_t lead_ns;       /* of the device */
  uint64_t play_until_ns; /* what was rendered ends then; 0: nothing was */
  int64_t lead_min_ns;    /* from a packet until there, as seen */
  int64_t lead_max_ns;
  uint64_t rendered;
  uint64_t rendered_before;
  uint64_t given;
  uint64_t min_ns;
  uint64_t cap_ns;
  bool is_tame; /* the clock goes on, and play times make sense */
  size_t frame; /* of the flow */
  uint32_t ssrc;
  uint32_t old_ssrc;
  uint16_t sequence;
  uint32_t timestamp_rtp;
  struct sent kept[KEPT];
  size_t sent_count;
  uint16_t asked[PAW_PLAYOUT_NACK_MAX];
  size_t asked_count;
};

static uint64_t take_u64(struct fuzz_script *script) {
  uint64_t high = fuzz_take_u32(script);
  return high << 32 | fuzz_take_u32(script);
}

/* ---- what always holds ---- */

#define COUNTER(name) offsetof(struct paw_playout_stats, name)

static void check_counters(const struct act *act, const struct paw_playout_stats *now) {
  static const size_t counters[] = {COUNTER(packets_received),
                                    COUNTER(packets_duplicate),
                                    COUNTER(packets_late),
                                    COUNTER(packets_reordered),
                                    COUNTER(packets_malformed),
                                    COUNTER(packets_dropped),
                                    COUNTER(packets_lost),
                                    COUNTER(total_samples),
                                    COUNTER(concealed_samples),
                                    COUNTER(silent_concealed_samples),
                                    COUNTER(concealment_events),
                                    COUNTER(longest_concealment_samples),
                                    COUNTER(recovered_nack),
                                    COUNTER(recovered_red),
                                    COUNTER(recovered_fec),
                                    COUNTER(recovered_late),
                                    COUNTER(decoder_rewinds),
                                    COUNTER(nacks_sent),
                                    COUNTER(inserted_samples),
                                    COUNTER(removed_samples),
                                    COUNTER(outages),
                                    COUNTER(jitter_buffer_emitted_samples),
                                    COUNTER(resyncs)};
  for (size_t i = 0; i < sizeof counters / sizeof counters[0]; i++) {
    uint64_t before_count = 0;
    uint64_t now_count = 0;
    memcpy(&before_count, (const uint8_t *)&act->stats + counters[i], sizeof before_count);
    memcpy(&now_count, (const uint8_t *)now + counters[i], sizeof now_count);
    FUZZ_CHECK(now_count >= before_count);
    FUZZ_CHECK(now_count - before_count < UINT64_C(1) << 32);
  }
  FUZZ_CHECK(now->packets_received == act->given);
  FUZZ_CHECK(now->packets_received >=
             now->packets_duplicate + now->packets_late + now->packets_malformed);
  FUZZ_CHECK(now->total_samples <= act->rendered_before + act->rendered);
  FUZZ_CHECK(now->concealed_samples <= now->total_samples + AHEAD_MAX);
  FUZZ_CHECK(now->silent_concealed_samples <= now->concealed_samples);
  FUZZ_CHECK(now->longest_concealment_samples <= now->concealed_samples);
  FUZZ_CHECK(now->concealment_events <= now->concealed_samples);
  FUZZ_CHECK(now->jitter_buffer_delay_s >= act->stats.jitter_buffer_delay_s);
  FUZZ_CHECK(now->delay_ns <= INT64_MAX && now->jitter_ns <= INT64_MAX);
}

/* The delay counts from the packets as the device is ahead of them, by no more and no less than was
 * seen; a fixed one is longer only where it could not be met. */
static void check_delay(const struct act *act, const struct paw_playout_stats *now) {
  const struct paw_playout_config *config = &act->config;
  FUZZ_CHECK(now->target_delay_ns <= config->max_delay_ns);
  int64_t target_ns = (int64_t)now->target_delay_ns;
  int64_t max_ns = (int64_t)config->max_delay_ns;
  if (config->target_delay_ns > 0) {
    int64_t fixed_ns = (int64_t)config->target_delay_ns;
    FUZZ_CHECK(target_ns >= fixed_ns);
    FUZZ_CHECK(!act->is_tame || target_ns == fixed_ns ||
               target_ns <= act->lead_max_ns + LEAD_MARGIN_NS);
  } else if (act->is_tame) {
    FUZZ_CHECK(target_ns <= (int64_t)act->cap_ns + act->lead_max_ns);
    FUZZ_CHECK(target_ns == max_ns || target_ns >= (int64_t)act->min_ns + act->lead_min_ns);
  }
}

static void check_memory(const struct act *act) {
  FUZZ_CHECK(act->memory.allocations == act->memory_after_new.allocations);
  FUZZ_CHECK(act->memory.outstanding_bytes == act->memory_after_new.outstanding_bytes);
}

static void check(struct act *act) {
  struct paw_playout_stats now;
  paw_playout_get_stats(act->player, &now);
  check_counters(act, &now);
  check_delay(act, &now);
  check_memory(act);
  act->stats = now;
}

/* ---- packets ---- */

static void tell_time(struct act *act) {
  act->highest_ns = act->now_ns > act->highest_ns ? act->now_ns : act->highest_ns;
}

static void note_lead(struct act *act, uint64_t arrival_ns) {
  if (act->play_until_ns != 0) {
    int64_t lead_ns = (int64_t)(act->play_until_ns - arrival_ns);
    act->lead_min_ns = lead_ns < act->lead_min_ns ? lead_ns : act->lead_min_ns;
    act->lead_max_ns = lead_ns > act->lead_max_ns ? lead_ns : act->lead_max_ns;
  }
}

static void hand_in(struct act *act, const struct paw_audio_packet *packet) {
  struct paw_audio_packet exact = *packet;
  uint8_t *data = fuzz_copy(packet->data, packet->len);
  exact.data = data;
  act->given++;
  tell_time(act);
  note_lead(act, packet->arrival_ns);
  int status = paw_playout_handle_input(act->player, act->now_ns, &exact);
  FUZZ_CHECK(status == PAW_OK);
  free(data);
}

/* The next packet of the sender, without payload, in the list of those that were sent. */
static struct sent *begin_packet(struct act *act) {
  struct sent *sent = &act->kept[act->sent_count++ % KEPT];
  sent->packet = (struct paw_audio_packet){.data = sent->data,
                                           .arrival_ns = act->now_ns,
                                           .ssrc = act->ssrc,
                                           .timestamp_rtp = act->timestamp_rtp,
                                           .sequence = act->sequence++,
                                           .payload_type = 111,
                                           .level = PAW_AUDIO_LEVEL_NONE};
  return sent;
}

static struct sent *make_packet(struct act *act, size_t number) {
  const struct opus_frame *frame = &opus_frames[number % OPUS_FRAME_COUNT];
  struct sent *sent = begin_packet(act);
  sent->packet.len = frame->len;
  memcpy(sent->data, frame->data, frame->len);
  act->timestamp_rtp += frame->duration_rtp;
  return sent;
}

/* Bytes: by how much the sequence number differs; how long ago it arrived, in ms; flags: marker,
 * retransmission, RED, voice, the stream before. 2 bytes: by how much the time differs. */
static void send_odd(struct act *act, size_t number) {
  struct sent *sent = make_packet(act, number);
  sent->packet.sequence = (uint16_t)(sent->packet.sequence + (int8_t)fuzz_take_u8(&act->script));
  uint64_t ago_ns = fuzz_take_u8(&act->script) * PAW_NS_PER_MS;
  uint8_t flags = fuzz_take_u8(&act->script);
  sent->packet.timestamp_rtp += (uint32_t)((int16_t)fuzz_take_u16(&act->script) * 4);
  sent->packet.arrival_ns = act->now_ns - (ago_ns < act->now_ns ? ago_ns : act->now_ns);
  sent->packet.marker = (flags & 1) != 0;
  sent->packet.retransmission = (flags & 2) != 0;
  sent->packet.red = (flags & 4) != 0;
  sent->packet.voice = (flags & 8) != 0;
  sent->packet.ssrc = (flags & 16) != 0 ? act->old_ssrc : act->ssrc;
  hand_in(act, &sent->packet);
}

/* What the script does not hold of a long payload is 0: padding, mostly. */
static void send_raw(struct act *act, bool red) {
  size_t wanted = fuzz_take_u16(&act->script) % (PAYLOAD_MAX + 1);
  size_t len = 0;
  uint8_t *bytes = fuzz_take_bytes(&act->script, wanted, &len);
  struct sent *sent = begin_packet(act);
  memset(sent->data, 0, wanted);
  if (len > 0) {
    memcpy(sent->data, bytes, len);
  }
  free(bytes);
  sent->packet.len = wanted;
  sent->packet.red = red;
  act->timestamp_rtp += 960;
  hand_in(act, &sent->packet);
}

/* RFC 2198 section 3: a header of 4 bytes for each copy, the payload type, the copies, the frame.
 */
static void send_red(struct act *act, size_t copies) {
  const struct opus_frame *frame = &opus_frames[copies % 3];
  struct sent *sent = begin_packet(act);
  uint8_t *out = sent->data;
  for (size_t age = copies; age > 0; age--) {
    uint32_t bits = (uint32_t)(age * frame->duration_rtp) << 10 | (uint32_t)frame->len;
    *out++ = 0x80 | 111;
    *out++ = (uint8_t)(bits >> 16);
    *out++ = (uint8_t)(bits >> 8);
    *out++ = (uint8_t)bits;
  }
  *out++ = 111;
  for (size_t i = 0; i <= copies; i++) {
    memcpy(out, frame->data, frame->len);
    out += frame->len;
  }
  sent->packet.len = (size_t)(out - sent->data);
  sent->packet.red = true;
  act->timestamp_rtp += frame->duration_rtp;
  hand_in(act, &sent->packet);
}

static void send_again(struct act *act, size_t back) {
  uint8_t flags = fuzz_take_u8(&act->script);
  if (back < act->sent_count) {
    struct paw_audio_packet packet = act->kept[(act->sent_count - 1 - back) % KEPT].packet;
    packet.arrival_ns = act->now_ns;
    packet.retransmission = (flags & 1) != 0;
    hand_in(act, &packet);
  }
}

static void answer(struct act *act, size_t most) {
  for (size_t i = 0; i < KEPT; i++) {
    struct paw_audio_packet packet = act->kept[i].packet;
    for (size_t j = 0; j < act->asked_count && packet.data != NULL && most > 0; j++) {
      if (act->asked[j] == packet.sequence) {
        packet.arrival_ns = act->now_ns;
        packet.retransmission = true;
        hand_in(act, &packet);
        most--;
      }
    }
  }
}

/* ---- sound ---- */

static void check_written(const int16_t *pcm, size_t count) {
  size_t run = 0;
  for (size_t i = 0; i < count; i++) {
    run = pcm[i] == UNWRITTEN ? run + 1 : 0;
    FUZZ_CHECK(run < UNWRITTEN_RUN);
  }
}

static void render(struct act *act, size_t frames, uint64_t play_ns) {
  size_t count = frames * act->config.channels;
  int16_t *pcm = malloc(count * sizeof pcm[0]);
  memset(pcm, UNWRITTEN & 0xff, count * sizeof pcm[0]);
  paw_playout_render(act->player, pcm, frames, play_ns);
  check_written(pcm, count);
  free(pcm);
  act->rendered += frames;
  act->play_until_ns = play_ns + frames * 125000 / 6;
}

static void step_render(struct act *act, size_t amount) {
  if (amount < 15) {
    render(act, render_sizes[amount], act->now_ns + act->lead_ns);
    return;
  }
  size_t frames = fuzz_take_u16(&act->script) % (RENDER_MAX + 1);
  act->is_tame = false;
  render(act, frames, take_u64(&act->script));
}

/* ---- requests ---- */

static void check_request(struct act *act, const struct paw_playout_output *out) {
  uint16_t highest = (uint16_t)act->player->ledger.highest;
  FUZZ_CHECK(act->player->repair.enabled);
  FUZZ_CHECK(out->event.count >= 1 && out->event.count <= PAW_PLAYOUT_NACK_MAX);
  FUZZ_CHECK(out->event.ssrc == act->player->ssrc);
  for (size_t i = 0; i < out->event.count; i++) {
    int16_t ahead = (int16_t)(uint16_t)(out->event.sequences[i] - highest);
    FUZZ_CHECK(ahead <= PAW_PLAYOUT_GUESSES_MAX && ahead > -PAW_PLAYOUT_SEQUENCES_MAX);
    FUZZ_CHECK(i == 0 ||
               (int16_t)(uint16_t)(out->event.sequences[i] - out->event.sequences[i - 1]) > 0);
    act->asked[i] = out->event.sequences[i];
  }
  act->asked_count = out->event.count;
}

static uint64_t drain(struct act *act) {
  struct paw_playout_output out;
  tell_time(act);
  for (size_t i = 0; i < POLLS_MAX; i++) {
    paw_playout_poll_output(act->player, act->now_ns, &out);
    if (out.kind == PAW_OUTPUT_TIMEOUT) {
      FUZZ_CHECK(out.timeout.deadline_ns > act->highest_ns ||
                 out.timeout.deadline_ns == PAW_TIME_NEVER);
      return out.timeout.deadline_ns;
    }
    FUZZ_CHECK(out.kind == PAW_OUTPUT_EVENT);
    if (out.event.kind == PAW_PLAYOUT_EVENT_NACK) {
      check_request(act, &out);
    } else {
      FUZZ_CHECK(out.event.kind == PAW_PLAYOUT_EVENT_STARTED ||
                 out.event.kind == PAW_PLAYOUT_EVENT_STALLED);
    }
  }
  FUZZ_CHECK(out.kind == PAW_OUTPUT_TIMEOUT); /* polling comes to an end */
  return PAW_TIME_NEVER;
}

static void step_poll(struct act *act, size_t amount) {
  uint64_t deadline_ns = drain(act);
  if (amount >= 8 && deadline_ns != PAW_TIME_NEVER) {
    act->now_ns = deadline_ns;
    (void)drain(act);
  }
}

/* ---- the rest ---- */

static void step_time(struct act *act, size_t amount) {
  if (amount < 14) {
    act->now_ns += (PAW_NS_PER_MS / 20) << amount;
  } else if (amount == 14) {
    act->is_tame = false;
    act->now_ns += take_u64(&act->script);
  } else {
    uint64_t back_ns = fuzz_take_u16(&act->script) * PAW_NS_PER_MS;
    act->is_tame = false;
    act->now_ns -= back_ns < act->now_ns ? back_ns : act->now_ns;
  }
}

/* As many packets as 10 ms hold on average; the device asks for as much. */
static void step_flow(struct act *act, size_t amount) {
  for (size_t i = 0; i <= amount && act->rendered < RENDERED_MAX; i++) {
    uint32_t begin_rtp = act->timestamp_rtp;
    do {
      hand_in(act, &make_packet(act, act->frame)->packet);
    } while (act->timestamp_rtp - begin_rtp < 480);
    uint64_t ticks = (act->timestamp_rtp - begin_rtp) / 480;
    for (uint64_t tick = 0; tick < ticks; tick++) {
      render(act, 480, act->now_ns + act->lead_ns);
      act->now_ns += 10 * PAW_NS_PER_MS;
      (void)drain(act);
    }
    check(act);
  }
}

static void step_range(struct act *act, size_t amount) {
  bool is_raw = amount == 15;
  uint64_t min_ns = is_raw ? take_u64(&act->script) : fuzz_take_u16(&act->script) * PAW_NS_PER_MS;
  uint64_t cap_ns = is_raw ? take_u64(&act->script) : fuzz_take_u16(&act->script) * PAW_NS_PER_MS;
  uint64_t own_cap_ns = paw_playout_delay_cap_ns(&act->config, cap_ns);
  bool is_valid = min_ns <= own_cap_ns && own_cap_ns <= act->config.max_delay_ns;
  int status = paw_playout_set_delay_range(act->player, min_ns, cap_ns);
  FUZZ_CHECK(status == (is_valid ? PAW_OK : PAW_ERR_INVALID));
  if (is_valid) {
    act->min_ns = min_ns;
    act->cap_ns = own_cap_ns;
  }
}

/* What is known of the network is kept by the second. */
static void send_sparsely(struct act *act, size_t packets) {
  for (size_t i = 0; i < packets; i++) {
    act->now_ns += PAW_NS_PER_S;
    act->timestamp_rtp += PAW_RTP_HZ;
    hand_in(act, &make_packet(act, act->frame)->packet);
    (void)drain(act);
    check(act);
  }
}

static void step_nack(struct act *act, size_t amount) {
  if (amount < 4) {
    paw_playout_set_nack(act->player, (amount & 1) != 0);
  } else if (amount < 8) {
    send_sparsely(act, (amount - 3) * 4);
  } else {
    act->lead_ns = fuzz_take_u8(&act->script) * PAW_NS_PER_MS;
  }
}

/* Whatever came before: a good stream plays, a second later without a gap. Where more delay is
 * demanded than that, or play times made no sense, it takes longer. */
static void expect_recovery(struct act *act) {
  uint64_t most_ns =
      act->config.target_delay_ns > act->cap_ns ? act->config.target_delay_ns : act->cap_ns;
  act->script.left = 0;
  if (!act->is_tame || most_ns > PAW_NS_PER_S / 4) {
    return;
  }
  act->ssrc = 0x55667788;
  act->frame = 0;
  act->lead_ns = 0;
  for (size_t i = 0; i < 4; i++) {
    uint64_t concealed = act->stats.concealed_samples;
    uint64_t total = act->stats.total_samples;
    act->rendered_before += act->rendered;
    act->rendered = 0;
    step_flow(act, 14);
    if (i == 3) {
      FUZZ_CHECK(act->stats.concealed_samples == concealed);
      FUZZ_CHECK(act->stats.total_samples == total + act->rendered);
    }
  }
}

static void step_renumber(struct act *act, size_t amount) {
  if (amount == 15) {
    expect_recovery(act);
    return;
  }
  if ((amount & 1) != 0) {
    act->old_ssrc = act->ssrc;
    act->ssrc += 7;
  }
  if ((amount & 2) != 0) {
    act->sequence = fuzz_take_u16(&act->script);
  }
  if ((amount & 4) != 0) {
    act->timestamp_rtp = fuzz_take_u32(&act->script);
  }
  if ((amount & 8) != 0) {
    uint32_t ssrc = act->ssrc;
    act->ssrc = act->old_ssrc;
    act->old_ssrc = ssrc;
  }
}

static void take_step(struct act *act, enum step step, size_t amount) {
  switch (step) {
  case STEP_LOSE:
    for (size_t i = 0; i <= amount; i++) {
      (void)make_packet(act, act->frame);
    }
    hand_in(act, &make_packet(act, act->frame)->packet);
    break;
  case STEP_SEND:
    act->frame = amount;
    hand_in(act, &make_packet(act, amount)->packet);
    break;
  case STEP_ODD:
    send_odd(act, amount);
    break;
  case STEP_RAW:
  case STEP_RAW_RED:
    send_raw(act, step == STEP_RAW_RED);
    break;
  case STEP_RED:
    send_red(act, amount % 8);
    break;
  case STEP_AGAIN:
    send_again(act, amount);
    break;
  case STEP_ANSWER:
    answer(act, amount + 1);
    break;
  case STEP_TIME:
    step_time(act, amount);
    break;
  case STEP_RENDER:
    step_render(act, amount);
    break;
  case STEP_POLL:
    step_poll(act, amount);
    break;
  case STEP_FLOW:
    step_flow(act, amount);
    break;
  case STEP_RTT:
    paw_playout_set_rtt(act->player,
                        amount == 15 ? take_u64(&act->script) : amount * amount * PAW_NS_PER_MS);
    break;
  case STEP_RANGE:
    step_range(act, amount);
    break;
  case STEP_NACK:
    step_nack(act, amount);
    break;
  case STEP_RENUMBER:
    step_renumber(act, amount);
    break;
  }
}

/* ---- one input ---- */

static void read_config(struct act *act, uint8_t bits) {
  struct paw_playout_config *config = &act->config;
  uint64_t start_ms = fuzz_take_u8(&act->script);
  uint64_t min_ms = fuzz_take_u8(&act->script);
  uint64_t cap_ms = fuzz_take_u8(&act->script);
  uint64_t fixed_ms = fuzz_take_u8(&act->script);
  paw_playout_config_init(config);
  config->allocator = kit_allocator_hook(&act->memory);
  config->channels = (bits & 1) != 0 ? 2 : 1;
  config->profile = (bits & 2) != 0 ? PAW_PLAYOUT_ANNOUNCEMENT : PAW_PLAYOUT_LIVE;
  config->late_weight_ms = (bits & 16) != 0 ? 200 : 0;
  config->start_delay_ns = start_ms * PAW_NS_PER_MS;
  if ((bits & 128) != 0) {
    config->min_delay_ns = take_u64(&act->script);
    config->cap_delay_ns = take_u64(&act->script);
    config->target_delay_ns = take_u64(&act->script);
    config->max_delay_ns = take_u64(&act->script);
    return;
  }
  config->max_delay_ns = (bits & 64) != 0   ? 10 * PAW_NS_PER_S
                         : (bits & 32) != 0 ? PAW_NS_PER_S / 10
                                            : PAW_NS_PER_S;
  config->min_delay_ns = min_ms * PAW_NS_PER_MS;
  config->cap_delay_ns = cap_ms * PAW_NS_PER_MS;
  config->target_delay_ns = (bits & 4) != 0 ? fixed_ms * PAW_NS_PER_MS : 0;
}

static bool is_config_valid(const struct paw_playout_config *config) {
  uint64_t cap_ns = paw_playout_delay_cap_ns(config, config->cap_delay_ns);
  bool has_range = config->min_delay_ns <= cap_ns && cap_ns <= config->max_delay_ns;
  return config->max_delay_ns <= 10 * PAW_NS_PER_S &&
         config->target_delay_ns <= config->max_delay_ns &&
         (config->target_delay_ns > 0 || has_range);
}

static void play(struct act *act) {
  while (!fuzz_script_ended(&act->script) && act->rendered < RENDERED_MAX) {
    uint8_t step = fuzz_take_u8(&act->script);
    take_step(act, (enum step)(step & 15), step >> 4);
    check(act);
  }
  (void)drain(act);
  check(act);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct act *act = calloc(1, sizeof *act);
  act->script = (struct fuzz_script){.data = data, .left = size};
  act->now_ns = BEGIN_NS;
  act->is_tame = true;
  act->ssrc = 0x11223344;
  act->sequence = 65500;
  act->timestamp_rtp = UINT32_MAX - 9600;
  uint8_t bits = fuzz_take_u8(&act->script);
  read_config(act, bits);
  int status = paw_playout_new(&act->config, &act->player);
  FUZZ_CHECK(status == (is_config_valid(&act->config) ? PAW_OK : PAW_ERR_INVALID));
  if (status == PAW_OK) {
    act->min_ns = act->config.min_delay_ns;
    act->cap_ns = paw_playout_delay_cap_ns(&act->config, act->config.cap_delay_ns);
    act->memory_after_new = act->memory;
    paw_playout_set_nack(act->player, (bits & 8) != 0);
    play(act);
    paw_playout_free(act->player);
  }
  FUZZ_CHECK(act->memory.outstanding_bytes == 0);
  free(act);
  return 0;
}
