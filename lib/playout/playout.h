/* SPDX-License-Identifier: MIT */
/* The parts of the playout buffer and what joins them. Media time is RTP time at 48 kHz, extended
 * to 64 bits; PCM is int16 interleaved.
 *
 *   packet -> input -> ledger (what came, what is missing) -> repair (what to ask for)
 *                   -> delay  (when is which sample due: base, histogram, budget)
 *                   -> buffer (encoded frames by media time) -> sound (PCM, concealment)
 *                   -> pace (media time to play time, by resample and stretch) -> player
 */
#ifndef PAW_PLAYOUT_PLAYOUT_H
#define PAW_PLAYOUT_PLAYOUT_H

#include <pawebrtc/playout.h>

#include "base/limits.h"
#include "base/time.h"
#include "opus/decoder.h"
#include "opus/payload.h"

#define PAW_PLAYOUT_CHANNELS_MAX 2

/* One sample lasts 125000/6 ns. */
static inline int64_t paw_playout_rtp_to_ns(int64_t rtp) {
  return rtp * 125000 / 6;
}

static inline int64_t paw_playout_ns_to_rtp(int64_t ns) {
  return (ns * 6 + (ns < 0 ? -62500 : 62500)) / 125000;
}

/* ---- base: the smallest transit, as two clocks drift apart ---- */

/* Transit is arrival less media time. This was the smallest of one second in which packets came. */
struct paw_playout_low {
  int64_t begin_ns;
  int64_t at_ns;
  int64_t transit_ns;
};

struct paw_playout_base {
  struct paw_playout_low lows[PAW_PLAYOUT_SKEW_SECONDS];
  size_t count;         /* ever begun; the newest is at (count - 1) modulo the window */
  double skew;          /* by which transits grow with time */
  int64_t reference_ns; /* where the skew counts from */
  int64_t floor_ns;     /* the smallest transit of the last ten seconds, without skew */
};

/* Begin anew. The skew stays: it is that of clocks. */
void paw_playout_base_start(struct paw_playout_base *base);

void paw_playout_base_note(struct paw_playout_base *base, int64_t now_ns, int64_t transit_ns);

/* What transits have grown by since the reference. */
int64_t paw_playout_base_trend(const struct paw_playout_base *base, int64_t time_ns);

/* ---- histogram: how much delay packets needed ---- */

struct paw_playout_histogram {
  float weights[PAW_PLAYOUT_BINS + 1]; /* of 1 ms about whole ones; the last for all above */
  float unit;                          /* of a packet now: instead of the old fading, it grows */
};

/* As if all had needed `ns`, until a few seconds of packets tell otherwise. */
void paw_playout_histogram_init(struct paw_playout_histogram *histogram, int64_t ns);

/* So much more sound was sent. */
void paw_playout_histogram_age(struct paw_playout_histogram *histogram, int64_t duration_ns);

static inline size_t paw_playout_histogram_bin(int64_t needed_ns) {
  int64_t ms = (needed_ns + (int64_t)PAW_NS_PER_MS / 2) / (int64_t)PAW_NS_PER_MS;
  return ms < PAW_PLAYOUT_BINS ? (size_t)ms : PAW_PLAYOUT_BINS;
}

void paw_playout_histogram_add(struct paw_playout_histogram *histogram, size_t bin);

/* All needed so many bins less. */
void paw_playout_histogram_shift(struct paw_playout_histogram *histogram, size_t bins);

/* Forget what needed more than this bin says. */
void paw_playout_histogram_cut(struct paw_playout_histogram *histogram, size_t bin);

/* The delay of which the cost is least: itself, and `late_weight_ms` for each percent of sound
 * that would have come too late. Packets hold `packet_ns` of sound each; of one that is late, what
 * remains is played. */
int64_t paw_playout_histogram_best_ns(const struct paw_playout_histogram *histogram,
                                      int64_t packet_ns, double late_weight_ms);

/* ---- budget: how much delay repair needs ---- */

struct paw_playout_budget {
  bool nack;
  bool is_lossy; /* enough is lost for delay to be spent on it */
  bool last_was_lost;
  int64_t rtt_ns; /* smoothed; 0 = not known */
  int64_t rtt_deviation_ns;
  double sent_ns; /* these four fade */
  double lost_ns;
  double lost;
  double bursts;
  int64_t packet_ns;
  int64_t copies_ns;      /* how much later than a packet its copy comes */
  int64_t copies_left_ns; /* until it is believed that none are sent any more */
};

void paw_playout_budget_init(struct paw_playout_budget *budget);

/* A round trip was measured; 0 = it is not known any more. */
void paw_playout_budget_note_rtt(struct paw_playout_budget *budget, uint64_t rtt_ns);
void paw_playout_budget_note_fate(struct paw_playout_budget *budget, bool was_lost,
                                  int64_t duration_ns);
void paw_playout_budget_note_copies(struct paw_playout_budget *budget, int64_t distance_ns);

/* So much more sound was sent. */
void paw_playout_budget_age(struct paw_playout_budget *budget, int64_t duration_ns);

/* The delay that leaves room for repair, 0 for none; `jitter_ns` is needed without it. */
int64_t paw_playout_budget_ns(const struct paw_playout_budget *budget, int64_t jitter_ns);

/* ---- delay: when is which sample due ---- */

/* Of one second in which packets came. The lead is how far the sound device was ahead at their
 * arrival. */
struct paw_playout_delay_second {
  int64_t begin_ns;
  int64_t lead_min_ns; /* INT64_MAX: not known */
  int64_t lead_max_ns;
  /* The greatest: what a packet needed and what the histogram asked for, with the lead, and what
   * repair asked for without. */
  int64_t needed_ns;
  int64_t asked_ns;
  int64_t repair_ns;
};

/* Packets that came too late one after the other. Until it is known what they were, jitter, an
 * outage or another path, they count for nothing. */
struct paw_playout_train {
  size_t packets; /* 0: none under way */
  int64_t begin_ns;
  int64_t limit_ns; /* it ends with a packet that needs no more than this */
  int64_t low_ns;   /* the smallest transit in it, and when */
  int64_t low_at_ns;
  int64_t lead_min_ns;
  bool is_outage;
  size_t count;
  uint8_t bins[PAW_PLAYOUT_TRAIN_MAX];
};

/* The last train that was taken for another path: should the base come back, it was none. */
struct paw_playout_moved {
  int64_t until_ns;
  int64_t below_ns;
  size_t count;
  uint8_t bins[PAW_PLAYOUT_TRAIN_MAX];
};

/* All times in here are relative to `epoch_ns`, all media times to `origin_rtp`. */
struct paw_playout_delay {
  uint64_t epoch_ns;
  uint64_t origin_rtp;
  struct paw_playout_base base;
  int64_t base_ns; /* its floor */
  struct paw_playout_histogram histogram;
  struct paw_playout_budget budget;
  struct paw_playout_delay_second seconds[PAW_PLAYOUT_DELAY_SECONDS];
  size_t second_count;
  int64_t lead_ns;       /* the longest of the last seconds */
  int64_t usual_lead_ns; /* what packets need is counted from here */
  bool knows_lead;
  struct paw_playout_train train;
  struct paw_playout_moved moved;
  uint64_t highest_rtp;
  int64_t packet_ns;   /* how much sound a packet holds */
  int64_t distance_ns; /* between the media times of the last two */
  double late_weight_ms;
  int64_t fixed_ns; /* 0: the target follows the network */
  int64_t start_ns;
  int64_t min_ns;
  int64_t cap_ns;
  int64_t max_ns;
  int64_t target_ns;
  uint64_t outages;
  bool start_was_outage; /* the packet that it all began with was held up */
  int64_t transit_ns;    /* of the packet before, for the jitter */
  int64_t jitter_ns;
};

/* Where config->cap_delay_ns is 0: as the profile says, but not above max_delay_ns. */
uint64_t paw_playout_delay_cap_ns(const struct paw_playout_config *config, uint64_t cap_ns);

void paw_playout_delay_init(struct paw_playout_delay *delay,
                            const struct paw_playout_config *config);

/* Not while the target is fixed. */
void paw_playout_delay_set_range(struct paw_playout_delay *delay, uint64_t min_ns, uint64_t cap_ns);

/* Are lost packets asked for, and how long does the answer take; 0 = not known. */
void paw_playout_delay_set_nack(struct paw_playout_delay *delay, bool on);
void paw_playout_delay_set_rtt(struct paw_playout_delay *delay, uint64_t rtt_ns);

/* Begin anew with a packet that stands for all that is known. The jitter stays. */
void paw_playout_delay_start(struct paw_playout_delay *delay, uint64_t media_rtp,
                             uint64_t arrival_ns);

/* Arrival less media time, without skew, on the scale of base_ns. */
int64_t paw_playout_delay_transit(const struct paw_playout_delay *delay, uint64_t media_rtp,
                                  uint64_t arrival_ns);

/* A packet came for the first time, when sound up to `rendered_until_ns` had been rendered; 0 = not
 * known. */
void paw_playout_delay_note(struct paw_playout_delay *delay, uint64_t media_rtp,
                            uint64_t arrival_ns, uint64_t rendered_until_ns);

/* For each sequence number in turn: did the packet fail to come when it was sent first? */
void paw_playout_delay_note_fate(struct paw_playout_delay *delay, bool first_was_lost,
                                 uint32_t duration_rtp);

/* Packets carry copies of what was sent so much before. */
void paw_playout_delay_note_copies(struct paw_playout_delay *delay, uint32_t distance_rtp);

/* The delay aimed at, the sound device's usual lead included. A fixed one is more than configured
 * only where the device asks so early that it could not be met. */
int64_t paw_playout_delay_target_ns(const struct paw_playout_delay *delay);

/* From `time_ns` until the sample is due; negative when it was due before. */
int64_t paw_playout_delay_until(const struct paw_playout_delay *delay, uint64_t media_rtp,
                                uint64_t time_ns);

/* The sample that is due at a time. */
uint64_t paw_playout_delay_due(const struct paw_playout_delay *delay, uint64_t time_ns);

/* ---- buffer: encoded frames in the order of media time ---- */

struct paw_playout_frame {
  uint64_t media_rtp;
  uint64_t arrival_ns;
  uint64_t sequence; /* extended */
  struct paw_opus_payload payload;
  bool is_copy;         /* from a RED block of a later packet */
  bool is_late;         /* came when its first samples had been concealed already */
  bool is_counted;      /* as played */
  bool copy_is_counted; /* the one in it of the frame before */
  size_t len;
  uint8_t data[PAW_DATAGRAM_MAX];
};

struct paw_playout_buffer {
  struct paw_playout_frame *frames;
  uint16_t *order; /* the first `count` by media time, then those that are free */
  size_t count;
  size_t kept; /* the first of them were played: kept to be decoded once more */
  size_t capacity;
};

/* PAW_OK; PAW_ERR_NO_MEMORY. */
int paw_playout_buffer_init(struct paw_playout_buffer *buffer,
                            const struct paw_allocator *allocator, size_t capacity);
void paw_playout_buffer_wipe(struct paw_playout_buffer *buffer,
                             const struct paw_allocator *allocator);

/* The frame that begins at this media time, or NULL. */
struct paw_playout_frame *paw_playout_buffer_find(struct paw_playout_buffer *buffer,
                                                  uint64_t media_rtp);

/* Make a place for a frame at this media time, for the caller to fill. There must be room. */
struct paw_playout_frame *paw_playout_buffer_insert(struct paw_playout_buffer *buffer,
                                                    uint64_t media_rtp);

/* The frame at this place, those that are kept at first; NULL past the last. */
struct paw_playout_frame *paw_playout_buffer_at(struct paw_playout_buffer *buffer, size_t place);

/* Of those to be played, the frames with the lowest and the highest media time, or NULL. */
struct paw_playout_frame *paw_playout_buffer_front(struct paw_playout_buffer *buffer);
struct paw_playout_frame *paw_playout_buffer_back(struct paw_playout_buffer *buffer);

/* Take out the front one. It may still be read until the next insertion. */
void paw_playout_buffer_pop(struct paw_playout_buffer *buffer);

/* Those that begin before this media time are the ones that were played, and are kept. */
void paw_playout_buffer_keep_before(struct paw_playout_buffer *buffer, uint64_t media_rtp);

/* Take out so many of the kept ones, the oldest first. */
void paw_playout_buffer_release(struct paw_playout_buffer *buffer, size_t count);

static inline bool paw_playout_buffer_is_full(const struct paw_playout_buffer *buffer) {
  return buffer->count == buffer->capacity;
}

static inline uint64_t paw_playout_frame_end(const struct paw_playout_frame *frame) {
  return frame->media_rtp + frame->payload.duration_rtp;
}

/* ---- ledger: which sequence numbers came ---- */

enum paw_playout_arrival {
  PAW_PLAYOUT_ARRIVAL_NONE,
  PAW_PLAYOUT_ARRIVAL_IN_TIME,
  PAW_PLAYOUT_ARRIVAL_LATE, /* of no use: counts as lost all the same */
};

struct paw_playout_entry {
  uint64_t sequence;
  uint64_t media_rtp;   /* guessed while nothing has come */
  uint64_t asked_ns;    /* the first request, once asks > 0 */
  uint64_t ask_ns;      /* the next one */
  uint64_t passed_ns;   /* when one with a higher number came, while it was missing; 0 = not yet */
  uint64_t came_ns;     /* 0 = not yet, or marked as a retransmission */
  uint64_t rendered_ns; /* sound up to here had been rendered then; 0 = not known */
  uint8_t asks;         /* requests made */
  bool is_answer;       /* as far as is known: it did not come before it could be one */
  enum paw_playout_arrival arrival;
};

struct paw_playout_ledger {
  struct paw_playout_entry entries[PAW_PLAYOUT_SEQUENCES_MAX];
  uint64_t highest;
  uint64_t highest_rtp;
  uint32_t duration_rtp; /* of the packet with the highest number */
  bool is_dtx;           /* that packet was empty: a pause follows it */
  uint64_t open;         /* all before it are settled: played, late or lost */
  uint64_t told;         /* of all before it the fate was told */
  uint64_t lost;
};

/* The first packet of a stream has this number; what was open is settled. */
void paw_playout_ledger_start(struct paw_playout_ledger *ledger, uint16_t sequence,
                              uint32_t timestamp_rtp, uint32_t duration_rtp);

/* The entry of a sequence number, made when it is new; past the highest it is a guess. Must lie
 * less than PAW_PLAYOUT_SEQUENCES_MAX before the highest. */
struct paw_playout_entry *paw_playout_ledger_get(struct paw_playout_ledger *ledger,
                                                 uint64_t sequence);

struct paw_playout_note {
  uint64_t sequence;
  uint64_t media_rtp; /* extended */
  uint32_t duration_rtp;
  uint64_t arrival_ns;
  uint64_t rendered_ns;
  bool is_answer;
  bool is_marked; /* as a retransmission */
  enum paw_playout_arrival arrival;
};

/* A packet came. */
void paw_playout_ledger_note(struct paw_playout_ledger *ledger,
                             const struct paw_playout_note *note);

enum paw_playout_fate {
  PAW_PLAYOUT_FATE_OPEN,
  PAW_PLAYOUT_FATE_CAME,     /* as it was sent first */
  PAW_PLAYOUT_FATE_REPAIRED, /* lost, and came again in time */
  PAW_PLAYOUT_FATE_LOST,
};

/* What became of the next packet, in the order of numbers. A missing one is given up, and one that
 * was asked for and came once is taken for lost at first, when its samples lie before this media
 * time. */
enum paw_playout_fate paw_playout_ledger_next_fate(struct paw_playout_ledger *ledger,
                                                   uint64_t given_up_rtp);

/* Past the highest number nothing is known any more: the sender has paused. */
void paw_playout_ledger_forget_guesses(struct paw_playout_ledger *ledger);

/* Settle all whose samples lie before this media time. */
void paw_playout_ledger_settle(struct paw_playout_ledger *ledger, uint64_t media_rtp);

/* ---- repair: what to ask for again ---- */

struct paw_playout_repair {
  bool enabled;
  uint64_t rtt_ns;    /* 0 = not known */
  uint64_t next_ns;   /* no request before */
  int64_t usual_ns;   /* later than this after the base delay come few packets, if they come */
  uint64_t guard_ns;  /* so much later than its successor a packet may come without being lost */
  int64_t credit_rtp; /* how much may be sent again */
  uint32_t copy_rtp;  /* so much later come RED copies; 0 = none do */
  uint16_t sequences[PAW_PLAYOUT_NACK_MAX];
};

void paw_playout_repair_init(struct paw_playout_repair *repair);

/* A packet was sent for the first time, whether it came or not. */
void paw_playout_repair_earn(struct paw_playout_repair *repair, uint64_t duration_rtp);

/* An answer came. */
void paw_playout_repair_spend(struct paw_playout_repair *repair, uint32_t duration_rtp);

/* Both the packet and the answer came: it was asked for too soon. */
void paw_playout_repair_note_vain(struct paw_playout_repair *repair);

/* A packet came that was sent for the first time, so long after the base delay, and so long after
 * its successor. */
void paw_playout_repair_note(struct paw_playout *player, int64_t late_ns, uint64_t after_ns);

/* The sequence numbers to ask for now, in repair->sequences; marks them as asked for. */
size_t paw_playout_repair_collect(struct paw_playout *player, uint64_t now_ns);

/* Is a packet with this entry, that came now, an answer to a request? */
bool paw_playout_repair_is_answer(const struct paw_playout *player,
                                  const struct paw_playout_entry *entry, uint64_t media_rtp,
                                  uint64_t arrival_ns);

/* When there will be something to ask for; PAW_TIME_NEVER. */
uint64_t paw_playout_repair_deadline(struct paw_playout *player, uint64_t now_ns);

/* ---- join: from one sound to another without a click ---- */

struct paw_playout_join {
  int16_t old[PAW_PLAYOUT_JOIN_FRAMES_MAX * PAW_PLAYOUT_CHANNELS_MAX];
  size_t at;
  size_t frames; /* at == frames: none is under way */
};

/* What follows is faded in over `frames`, while `old` is faded out; `old` NULL is silence, and what
 * was fading out still. */
void paw_playout_join_begin(struct paw_playout_join *join, const int16_t *old, size_t frames,
                            uint8_t channels);
void paw_playout_join_apply(struct paw_playout_join *join, int16_t *pcm, size_t frames,
                            uint8_t channels);

/* ---- sound: frames to PCM, and what is invented between them ---- */

enum paw_playout_kind {
  PAW_PLAYOUT_KIND_NOTHING,   /* silence where no stream is */
  PAW_PLAYOUT_KIND_FRAME,     /* from a packet, or from its FEC copy */
  PAW_PLAYOUT_KIND_COMFORT,   /* the sender is silent: Opus goes on */
  PAW_PLAYOUT_KIND_CONCEALED, /* something is missing */
};

/* After 200 ms of nothing a stream has stalled. */
#define PAW_PLAYOUT_STALL_FRAMES ((size_t)9600)

/* A piece of rendered PCM of one kind. */
struct paw_playout_span {
  size_t frames; /* 0: the stream has stalled */
  enum paw_playout_kind kind;
  bool is_silent;
};

/* How far a decoder has come. */
struct paw_playout_place {
  uint64_t position_rtp;  /* of the sample that comes out next */
  uint64_t last_sequence; /* of the frame before; 0 = none */
  bool is_dtx;            /* that frame was empty */
};

enum paw_playout_past_state {
  PAW_PLAYOUT_PAST_NONE,
  PAW_PLAYOUT_PAST_KEPT,
  PAW_PLAYOUT_PAST_WANTED, /* a frame came late: go back to it */
};

/* The decoder as it was before the oldest gap that may still be filled. */
struct paw_playout_past {
  enum paw_playout_past_state state;
  struct paw_opus_decoder decoder;
  struct paw_playout_place place;
  int16_t unheard[PAW_OPUS_DURATION_MAX_RTP * PAW_PLAYOUT_CHANNELS_MAX];
};

struct paw_playout_sound {
  struct paw_opus_decoder decoder;
  struct paw_playout_past past;
  int16_t pcm[PAW_OPUS_DURATION_MAX_RTP * PAW_PLAYOUT_CHANNELS_MAX]; /* decoded ahead */
  size_t at;
  size_t frames;
  enum paw_playout_kind kind;
  size_t concealed_frames; /* on end, since the frame that the decoder had last */
  size_t missing_frames;   /* on end, since a frame was heard */
  size_t comfort_frames;   /* on end, without a packet */
  struct paw_playout_join join;
  uint64_t position_rtp;  /* of the next sample that comes out */
  uint64_t last_sequence; /* of the frame before; 0 = none */
  bool is_dtx;            /* that frame was empty */
};

/* PAW_OK; PAW_ERR_NO_MEMORY; PAW_ERR_CODEC. */
int paw_playout_sound_init(struct paw_playout_sound *sound, const struct paw_allocator *allocator,
                           uint8_t channels);
void paw_playout_sound_wipe(struct paw_playout_sound *sound, const struct paw_allocator *allocator);

/* Forget the stream. */
void paw_playout_sound_reset(struct paw_playout *player);

/* Render at most `frames` from the position on. `play_ns` is when the first is heard, 0 = never. */
struct paw_playout_span paw_playout_sound_pull(struct paw_playout *player, int16_t *pcm,
                                               size_t frames, uint64_t play_ns);

/* Pull what fades out under something else. When the stream stalls, the rest stays as it was. */
void paw_playout_sound_pull_unheard(struct paw_playout *player, int16_t *pcm, size_t frames);

/* Fade out; afterwards there is silence, and the next frame is faded in. */
void paw_playout_sound_stop(struct paw_playout *player);

/* What lies ahead now, `frames` of which `at` are over, comes from a packet. */
void paw_playout_sound_set_decoded(struct paw_playout_sound *sound, size_t at, size_t frames);

/* What lies ahead now is invented, and was for so long already. */
void paw_playout_sound_set_invented(struct paw_playout *player, uint64_t gone_rtp);

/* This frame is heard, but for what was skipped of it; not when `play_ns` is 0. */
void paw_playout_sound_count(struct paw_playout *player, struct paw_playout_frame *frame,
                             size_t skipped, uint64_t play_ns);

static inline bool paw_playout_sound_is_invented(const struct paw_playout_sound *sound) {
  return sound->kind == PAW_PLAYOUT_KIND_COMFORT || sound->kind == PAW_PLAYOUT_KIND_CONCEALED;
}

/* For what lies before this it is too late: it was heard, or is decoded already. */
static inline uint64_t paw_playout_sound_decoded(const struct paw_playout_sound *sound) {
  bool is_decoded = sound->kind == PAW_PLAYOUT_KIND_FRAME;
  return sound->position_rtp + (is_decoded ? sound->frames - sound->at : 0);
}

/* ---- conceal: what is invented, and the way back from it ---- */

/* SILK invents in steps of 10 ms, whatever it is asked for. */
#define PAW_PLAYOUT_STEP_FRAMES ((size_t)480)

#define PAW_PLAYOUT_JOIN_LATE_FRAMES ((size_t)120) /* 2.5 ms: both sides are nearly the same */
#define PAW_PLAYOUT_JOIN_FADE_FRAMES ((size_t)240) /* 5 ms: in from silence, or out */

/* Until invented sound has faded to silence; 0 when it has. */
size_t paw_playout_conceal_left(const struct paw_playout_sound *sound);

/* Have at least `frames` of invented sound decoded ahead, at most a step: whole units of libopus.
 */
void paw_playout_conceal_invent(struct paw_playout_sound *sound, size_t frames);

/* Let a decoder invent what nobody hears; `unheard` has room for a step. */
void paw_playout_conceal_skip(struct paw_opus_decoder *decoder, int16_t *unheard, uint64_t frames);

/* Fade what comes out now as the time that is being concealed demands. */
void paw_playout_conceal_fade(const struct paw_playout_sound *sound, int16_t *pcm, size_t frames);

/* Let what would have gone on fade out under the frame that comes, of which `skipped` are left out.
 * libopus makes the join itself where it is at the border of its own frames and at full level. */
void paw_playout_conceal_bridge(struct paw_playout_sound *sound, size_t skipped);

/* ---- rewind: a frame that comes too late sets the decoder right ---- */

/* Something is about to be invented: put the decoder's state aside, unless one is kept. */
void paw_playout_rewind_note(struct paw_playout *player);

void paw_playout_rewind_forget(struct paw_playout *player);

/* Does it still help to decode a frame that begins here? */
bool paw_playout_rewind_reaches(const struct paw_playout *player, uint64_t media_rtp);

/* Is all of a frame decoded without it, and can the decoder not be set right any more? */
bool paw_playout_rewind_is_over(const struct paw_playout *player, uint64_t media_rtp,
                                uint64_t end_rtp);

/* A frame that helps was put into the buffer; all before `until_rtp` was decoded without it. */
void paw_playout_rewind_want(struct paw_playout *player, uint64_t until_rtp);

/* Go back, if that is wanted. */
void paw_playout_rewind_apply(struct paw_playout *player, uint64_t play_ns);

/* Too much is kept: the oldest gap stays as it was concealed. */
void paw_playout_rewind_trim(struct paw_playout *player);

/* ---- resample: the sound between the samples ---- */

#define PAW_PLAYOUT_RESAMPLE_TAPS 32
#define PAW_PLAYOUT_RESAMPLE_BEFORE 15 /* samples before the one at the position */
#define PAW_PLAYOUT_RESAMPLE_AFTER 17  /* that one, and those after it */
#define PAW_PLAYOUT_RESAMPLE_BLOCK 480 /* frames made at a time at most */

struct paw_playout_resample {
  float *table;      /* the taps of each phase */
  uint32_t fraction; /* of the position, in 2^-32 samples */
};

/* PAW_OK; PAW_ERR_NO_MEMORY. */
int paw_playout_resample_init(struct paw_playout_resample *resample,
                              const struct paw_allocator *allocator);
void paw_playout_resample_wipe(struct paw_playout_resample *resample,
                               const struct paw_allocator *allocator);

/* How many samples from the position on the next frames need. */
size_t paw_playout_resample_needs(const struct paw_playout_resample *resample, size_t frames,
                                  uint64_t step);

/* Make `frames`, each `step` (2^32 is one sample, within 2 %) after the other. `in` begins BEFORE
 * samples ahead of the position. Returns by how many whole samples the position moves. */
size_t paw_playout_resample_run(struct paw_playout_resample *resample, const int16_t *in,
                                int16_t *out, size_t frames, uint64_t step, uint8_t channels);

/* ---- stretch: a period more, or one less ---- */

#define PAW_PLAYOUT_PERIOD_MIN 120            /* 2.5 ms: a high voice */
#define PAW_PLAYOUT_PERIOD_MAX 576            /* 12 ms: a low one */
#define PAW_PLAYOUT_STRETCH_FADE_FRAMES 240   /* 5 ms, and never more than the period */
#define PAW_PLAYOUT_STRETCH_BEFORE_FRAMES 240 /* compared, besides */

struct paw_playout_period {
  size_t frames; /* 0: there is too little to compare */
  float correlation;
  bool is_silent; /* nearly: all is as good */
};

/* The period, `most` at most, by which the sound at `at` of pcm[0..frames) goes on best when it is
 * inserted there, or removed. */
struct paw_playout_period paw_playout_stretch_find(const int16_t *pcm, size_t at, size_t frames,
                                                   uint8_t channels, bool insertion, size_t most);

/* The last period before `at` is heard once more from there on. There is room for it. */
void paw_playout_stretch_insert(int16_t *pcm, size_t at, size_t frames, uint8_t channels,
                                size_t period);

/* A period from `at` on is left out. */
void paw_playout_stretch_remove(int16_t *pcm, size_t at, size_t frames, uint8_t channels,
                                size_t period);

/* ---- pace: from media time to play time ---- */

/*             off by 1 ms                 nearly right             at a whole sample
 *   EXACT -----------------> SLOW / FAST -------------> LANDING ----------------------> EXACT
 */
enum paw_playout_pace_state {
  PAW_PLAYOUT_PACE_EXACT,   /* samples pass through as they are */
  PAW_PLAYOUT_PACE_SLOW,    /* clocks drift: nobody hears a correction like this */
  PAW_PLAYOUT_PACE_FAST,    /* the delay is another one now */
  PAW_PLAYOUT_PACE_LANDING, /* to a whole sample */
};

/* What was heard last, and what is decoded but not heard yet. */
struct paw_playout_pace {
  enum paw_playout_pace_state state;
  struct paw_playout_resample resample;
  int16_t pcm[PAW_PLAYOUT_PACE_FRAMES_MAX * PAW_PLAYOUT_CHANNELS_MAX];
  size_t at;             /* frames in `pcm` that were heard */
  size_t end;            /* frames in `pcm` */
  int64_t rate;          /* what is heard grows by this, in 2^-32; negative: shrinks */
  size_t landing_frames; /* until the whole sample */
  uint64_t time_ns;      /* when the next sample is heard, without the noise of play times */
  size_t doubt_frames;   /* heard since play times do not fit `time_ns` */
  size_t heard_frames;   /* since the start */
  size_t tried_frames;   /* heard since a period was looked for */
  size_t done_frames;    /* heard since one was inserted or removed */
  uint64_t gap_rtp;      /* where the gap begins that is heard */
  bool is_gap;           /* what was decoded last is invented */
};

int paw_playout_pace_init(struct paw_playout_pace *pace, const struct paw_allocator *allocator);
void paw_playout_pace_wipe(struct paw_playout_pace *pace, const struct paw_allocator *allocator);

/* A stream begins to be heard at this time. */
void paw_playout_pace_start(struct paw_playout_pace *pace, uint64_t play_ns);

/* `frames` will be asked for, of which the first is heard at `play_ns`. */
void paw_playout_pace_note(struct paw_playout_pace *pace, uint64_t play_ns, size_t frames);

/* Further off than this the position is found anew, as at the start. */
#define PAW_PLAYOUT_FOLLOW_MAX_NS ((int64_t)(200 * PAW_NS_PER_MS))

/* From now until the sample that comes out next is due; negative: the delay is too long. */
int64_t paw_playout_pace_early_ns(const struct paw_playout *player);

/* Render at most `frames`; returns how many. */
size_t paw_playout_pace_run(struct paw_playout *player, int16_t *pcm, size_t frames,
                            uint64_t play_ns);

/* The media time of the sample that comes out next. */
uint64_t paw_playout_position_rtp(const struct paw_playout *player);

/* ---- player ---- */

/*            packet                      due                        200 ms of nothing
 *   IDLE ---------------> WAITING -----------------> PLAYING -------------------------> STALLED
 *                         | ^   ^                      |                               ^ |
 *                         | |   +----------------------+                               | |
 *                         | |     another stream, or far out of time                   | |
 *                         | +----------------------------------------------------------|-+
 *                         |                         packet                             |
 *                         +------------------------------------------------------------+
 *                                            200 ms of nothing
 */
enum paw_playout_state {
  PAW_PLAYOUT_IDLE,    /* nothing has ever come */
  PAW_PLAYOUT_WAITING, /* packets have come, the first sample is not due yet */
  PAW_PLAYOUT_PLAYING,
  PAW_PLAYOUT_STALLED, /* silence until something comes */
};

/* A packet that does not fit in: either a stray, or the first of a stream that begins anew. */
struct paw_playout_stray {
  uint16_t sequence;
  int64_t transit_ns;
  bool is_there;
};

struct paw_playout {
  struct paw_playout_config config;
  struct paw_clock clock;
  enum paw_playout_state state;
  enum paw_playout_state told; /* by events: IDLE, PLAYING or STALLED */
  uint32_t ssrc;
  uint32_t retired_ssrc; /* the one before, of which late packets may still come */
  uint64_t retired_until_ns;
  uint64_t start_rtp; /* the first packet after the position was anchored */
  struct paw_playout_stray stray;
  struct paw_playout_delay delay;
  struct paw_playout_buffer buffer;
  struct paw_playout_ledger ledger;
  struct paw_playout_repair repair;
  struct paw_playout_sound sound;
  struct paw_playout_pace pace;
  uint64_t play_until_ns;     /* where the last rendering ended */
  uint64_t rendered_until_ns; /* the same, as far as it is to be believed; 0 = unknown */
  size_t gap_frames;          /* concealed on end, as heard */
  struct paw_playout_stats stats;
};

/* The only writer of `state`. */
void paw_playout_set_state(struct paw_playout *player, enum paw_playout_state state);

/* The next sound in media time, at most `frames`, of which the first is heard at `play_ns`: that of
 * the stream, or silence where none is. */
struct paw_playout_span paw_playout_render_media(struct paw_playout *player, int16_t *pcm,
                                                 size_t frames, uint64_t play_ns);

#endif
