/* SPDX-License-Identifier: MIT */
/* From a packet to the buffer: is it of this stream, does it fit in, what is in it. */
#include <string.h>

#include "base/seq.h"
#include "playout/playout.h"
#include "rtp/rtp.h"

/* How long packets of the stream before may straggle in. */
#define RETIRED_NS PAW_NS_PER_S

/* Later than this is no lateness but another time base. */
#define BEHIND_MAX_NS ((int64_t)PAW_NS_PER_S)

/* Two strays that fit each other like this make a stream. */
#define STRAY_DISTANCE_MAX 16
#define STRAY_TRANSIT_NS ((int64_t)(500 * PAW_NS_PER_MS))

/* Sequence numbers further from the highest than this are not of its series. */
#define DISTANCE_MAX (PAW_PLAYOUT_SEQUENCES_MAX - 2 * PAW_PLAYOUT_GUESSES_MAX)

struct arrived {
  const struct paw_audio_packet *packet;
  uint64_t arrival_ns;
  struct paw_slice opus; /* the primary block */
  struct paw_opus_payload payload;
  uint64_t sequence; /* extended */
  uint64_t media_rtp;
  struct paw_red_block blocks[PAW_RED_BLOCKS_MAX]; /* redundant ones, and the primary at last */
  size_t block_count;                              /* 0: not RED */
};

static int read_payload(struct arrived *arrived) {
  const struct paw_audio_packet *packet = arrived->packet;
  arrived->opus = (struct paw_slice){.data = packet->data, .len = packet->len};
  if (packet->red) {
    int status = paw_red_read(packet->data, packet->len, arrived->blocks, &arrived->block_count);
    if (status != PAW_OK) {
      return status;
    }
    arrived->opus = arrived->blocks[arrived->block_count - 1].data;
  }
  return paw_opus_payload_read(arrived->opus.data, arrived->opus.len, &arrived->payload);
}

/* ---- streams ---- */

static void clear_buffer(struct paw_playout *player) {
  while (paw_playout_buffer_front(&player->buffer) != NULL) {
    paw_playout_buffer_pop(&player->buffer);
    player->stats.packets_dropped++;
  }
}

/* The position is found anew from this packet on. */
static void anchor(struct paw_playout *player, const struct arrived *arrived) {
  clear_buffer(player);
  paw_playout_ledger_forget_guesses(&player->ledger);
  paw_playout_delay_start(&player->delay, arrived->media_rtp, arrived->arrival_ns);
  player->start_rtp = arrived->media_rtp;
  player->stray.is_there = false;
  if (player->state != PAW_PLAYOUT_WAITING) {
    paw_playout_set_state(player, PAW_PLAYOUT_WAITING);
  }
}

static void begin_stream(struct paw_playout *player, struct arrived *arrived) {
  if (player->state == PAW_PLAYOUT_PLAYING) {
    paw_playout_sound_stop(player);
  }
  paw_playout_sound_reset(player);
  player->ssrc = arrived->packet->ssrc;
  paw_playout_ledger_start(&player->ledger, arrived->packet->sequence,
                           arrived->packet->timestamp_rtp, arrived->payload.duration_rtp);
  arrived->sequence = player->ledger.highest;
  arrived->media_rtp = player->ledger.highest_rtp;
  anchor(player, arrived);
}

static bool is_straggler(const struct paw_playout *player, const struct arrived *arrived) {
  return arrived->packet->ssrc == player->retired_ssrc &&
         arrived->arrival_ns < player->retired_until_ns;
}

static void change_stream(struct paw_playout *player, struct arrived *arrived) {
  player->retired_ssrc = player->ssrc;
  player->retired_until_ns = paw_time_add(arrived->arrival_ns, RETIRED_NS);
  begin_stream(player, arrived);
}

static bool is_near_sequence(const struct paw_playout *player, const struct arrived *arrived) {
  int64_t distance = (int64_t)(arrived->sequence - player->ledger.highest);
  return distance > -DISTANCE_MAX && distance < DISTANCE_MAX;
}

static int64_t excess_ns(const struct paw_playout *player, const struct arrived *arrived) {
  return paw_playout_delay_transit(&player->delay, arrived->media_rtp, arrived->arrival_ns) -
         player->delay.base_ns;
}

static bool is_too_far_ahead(const struct paw_playout *player, const struct arrived *arrived) {
  return paw_playout_delay_target_ns(&player->delay) - excess_ns(player, arrived) >
         (int64_t)player->config.max_delay_ns;
}

static bool is_near_time(const struct paw_playout *player, const struct arrived *arrived) {
  return !is_too_far_ahead(player, arrived) && excess_ns(player, arrived) < BEHIND_MAX_NS;
}

/* One packet that does not fit in is left out; a second one that fits the first begins anew: then
 * true. */
static bool take_stray(struct paw_playout *player, struct arrived *arrived) {
  struct paw_playout_stray *stray = &player->stray;
  int64_t transit_ns =
      paw_playout_delay_transit(&player->delay, arrived->media_rtp, arrived->arrival_ns);
  int32_t distance = paw_seq_diff(arrived->packet->sequence, stray->sequence);
  int64_t apart_ns = transit_ns - stray->transit_ns;
  if (stray->is_there && distance > 0 && distance <= STRAY_DISTANCE_MAX &&
      apart_ns > -STRAY_TRANSIT_NS && apart_ns < STRAY_TRANSIT_NS) {
    begin_stream(player, arrived);
    player->stats.resyncs++;
    return true;
  }
  *stray = (struct paw_playout_stray){
      .sequence = arrived->packet->sequence, .transit_ns = transit_ns, .is_there = true};
  if (excess_ns(player, arrived) >= BEHIND_MAX_NS) {
    player->stats.packets_late++;
  } else {
    player->stats.packets_dropped++;
  }
  return false;
}

/* Find the packet's place in the stream. False: it was left out. */
static bool place(struct paw_playout *player, struct arrived *arrived) {
  if (player->state == PAW_PLAYOUT_IDLE) {
    begin_stream(player, arrived);
    return true;
  }
  if (arrived->packet->ssrc != player->ssrc) {
    if (is_straggler(player, arrived)) {
      player->stats.packets_dropped++;
      return false;
    }
    change_stream(player, arrived);
    return true;
  }
  arrived->sequence = paw_seq_extend(player->ledger.highest, arrived->packet->sequence);
  arrived->media_rtp = paw_rtp_extend(player->ledger.highest_rtp, arrived->packet->timestamp_rtp);
  bool near_sequence = is_near_sequence(player, arrived);
  bool near_time = is_near_time(player, arrived);
  if (player->state == PAW_PLAYOUT_STALLED) {
    /* After an outage the numbers have gone on, or after a pause the time has not. */
    if (near_sequence || (near_time && arrived->sequence > player->ledger.highest)) {
      return true;
    }
    if (arrived->sequence > player->ledger.highest) {
      begin_stream(player, arrived);
      return true;
    } /* an older one proves no new beginning: it may be the late answer to a request */
  }
  if (near_sequence && near_time) {
    player->stray.is_there = false;
    return true;
  }
  return take_stray(player, arrived);
}

/* ---- frames ---- */

static bool is_heard(const struct paw_playout *player, uint64_t rtp) {
  return player->state == PAW_PLAYOUT_PLAYING && rtp <= player->sound.position_rtp;
}

static struct paw_playout_frame *make_room(struct paw_playout *player, uint64_t media_rtp) {
  struct paw_playout_buffer *buffer = &player->buffer;
  if (paw_playout_buffer_is_full(buffer)) {
    paw_playout_rewind_forget(player);
  }
  if (paw_playout_buffer_is_full(buffer)) {
    player->stats.packets_dropped++;
    if (media_rtp < paw_playout_buffer_front(buffer)->media_rtp) {
      return NULL;
    }
    paw_playout_buffer_pop(buffer);
  }
  return paw_playout_buffer_insert(buffer, media_rtp);
}

/* One Opus packet, of the packet that arrived or of a RED block in it. */
struct piece {
  uint64_t media_rtp;
  uint64_t sequence;
  bool is_copy; /* a RED block */
  struct paw_opus_payload payload;
  struct paw_slice opus;
};

/* What was decoded already is decoded once more with this frame in it. */
static void rewind_to(struct paw_playout *player, const struct paw_playout_frame *frame) {
  uint64_t until_rtp = player->state == PAW_PLAYOUT_PLAYING
                           ? paw_playout_sound_decoded(&player->sound)
                           : player->start_rtp;
  if (frame->media_rtp < until_rtp && paw_playout_rewind_reaches(player, frame->media_rtp)) {
    paw_playout_rewind_want(player, until_rtp);
  }
}

static bool is_same(const struct paw_playout_frame *frame, const struct piece *piece) {
  return frame->len == piece->opus.len && memcmp(frame->data, piece->opus.data, frame->len) == 0;
}

static void insert(struct paw_playout *player, const struct piece *piece, uint64_t arrival_ns) {
  struct paw_playout_frame *frame = paw_playout_buffer_find(&player->buffer, piece->media_rtp);
  if (frame != NULL && frame->is_counted && is_same(frame, piece)) {
    return;
  }
  if (frame != NULL && !frame->is_copy) {
    player->stats.packets_dropped++;
    return;
  }
  if (frame == NULL) {
    frame = make_room(player, piece->media_rtp);
  }
  if (frame == NULL) {
    return;
  }
  frame->arrival_ns = arrival_ns;
  frame->sequence = piece->sequence;
  frame->payload = piece->payload;
  frame->is_copy = piece->is_copy;
  frame->is_late = is_heard(player, piece->media_rtp + 1);
  frame->is_counted = false;
  frame->copy_is_counted = false;
  frame->len = piece->opus.len;
  memcpy(frame->data, piece->opus.data, piece->opus.len);
  rewind_to(player, frame);
}

/* RFC 2198 section 3: the time of a block is told, its sequence number is not. */
static void insert_block(struct paw_playout *player, const struct arrived *arrived,
                         const struct paw_red_block *block) {
  struct piece piece = {
      .media_rtp = arrived->media_rtp - block->offset_rtp,
      .sequence = arrived->sequence - block->offset_rtp / arrived->payload.duration_rtp,
      .is_copy = true,
      .opus = block->data,
  };
  uint8_t opus_type = arrived->blocks[arrived->block_count - 1].payload_type;
  if (block->payload_type != opus_type || piece.media_rtp < player->start_rtp ||
      paw_opus_payload_read(block->data.data, block->data.len, &piece.payload) != PAW_OK ||
      paw_playout_rewind_is_over(player, piece.media_rtp,
                                 piece.media_rtp + piece.payload.duration_rtp) ||
      paw_playout_buffer_find(&player->buffer, piece.media_rtp) != NULL) {
    return;
  }
  insert(player, &piece, arrived->arrival_ns);
}

static bool is_duplicate(struct paw_playout *player, const struct arrived *arrived) {
  return arrived->sequence <= player->ledger.highest &&
         paw_playout_ledger_get(&player->ledger, arrived->sequence)->arrival !=
             PAW_PLAYOUT_ARRIVAL_NONE;
}

/* How far back the RED copies in this packet reach. */
static uint32_t red_rtp(const struct arrived *arrived) {
  uint32_t farthest_rtp = 0;
  for (size_t i = 0; i + 1 < arrived->block_count; i++) {
    uint32_t offset_rtp = arrived->blocks[i].offset_rtp;
    farthest_rtp = offset_rtp > farthest_rtp ? offset_rtp : farthest_rtp;
  }
  return farthest_rtp;
}

static void note_copies(struct paw_playout *player, const struct arrived *arrived) {
  uint32_t copy_rtp = red_rtp(arrived);
  player->repair.copy_rtp = copy_rtp;
  if (arrived->payload.has_lbrr && arrived->payload.frame_rtp > copy_rtp) {
    copy_rtp = arrived->payload.frame_rtp;
  }
  if (copy_rtp > 0) {
    paw_playout_delay_note_copies(&player->delay, copy_rtp);
  }
}

/* Of packets sent for the first time the delay and the requests learn. */
static void note_first(struct paw_playout *player, uint64_t media_rtp, uint64_t arrival_ns,
                       uint64_t rendered_ns, uint64_t passed_ns) {
  int64_t late_ns =
      paw_playout_delay_transit(&player->delay, media_rtp, arrival_ns) - player->delay.base_ns;
  paw_playout_delay_note(&player->delay, media_rtp, arrival_ns, rendered_ns);
  paw_playout_repair_note(player, late_ns,
                          passed_ns > 0 ? paw_time_elapsed(arrival_ns, passed_ns) : 0);
}

static void note_arrival(struct paw_playout *player, const struct arrived *arrived, bool again,
                         bool is_late) {
  struct paw_playout_note note = {
      .sequence = arrived->sequence,
      .media_rtp = arrived->media_rtp,
      .duration_rtp = arrived->payload.duration_rtp,
      .arrival_ns = arrived->arrival_ns,
      .rendered_ns = player->rendered_until_ns,
      .is_answer = again,
      .is_marked = arrived->packet->retransmission,
      .arrival = is_late ? PAW_PLAYOUT_ARRIVAL_LATE : PAW_PLAYOUT_ARRIVAL_IN_TIME,
  };
  uint64_t highest = player->ledger.highest;
  paw_playout_ledger_note(&player->ledger, &note);
  player->stats.packets_reordered += arrived->sequence < highest;
  if (arrived->sequence >= highest) {
    player->ledger.is_dtx = arrived->payload.is_dtx;
    paw_playout_repair_earn(&player->repair,
                            (arrived->sequence - highest) * arrived->payload.duration_rtp);
  }
  if (again) {
    paw_playout_repair_spend(&player->repair, arrived->payload.duration_rtp);
  }
}

/* A packet that has not come when a late one could not set the decoder right any more was lost. */
static void tell_fates(struct paw_playout *player) {
  uint64_t given_up_rtp = player->state == PAW_PLAYOUT_PLAYING
                              ? player->sound.position_rtp - PAW_PLAYOUT_REWIND_FRAMES_MAX
                              : 0;
  enum paw_playout_fate fate = paw_playout_ledger_next_fate(&player->ledger, given_up_rtp);
  while (fate != PAW_PLAYOUT_FATE_OPEN) {
    paw_playout_delay_note_fate(&player->delay, fate != PAW_PLAYOUT_FATE_CAME,
                                player->ledger.duration_rtp);
    player->stats.recovered_nack += fate == PAW_PLAYOUT_FATE_REPAIRED;
    fate = paw_playout_ledger_next_fate(&player->ledger, given_up_rtp);
  }
}

static void take_primary(struct paw_playout *player, const struct arrived *arrived) {
  uint64_t end_rtp = arrived->media_rtp + arrived->payload.duration_rtp;
  bool useless = paw_playout_rewind_is_over(player, arrived->media_rtp, end_rtp);
  bool is_late = useless || is_heard(player, end_rtp);
  const struct paw_playout_entry *entry =
      paw_playout_ledger_get(&player->ledger, arrived->sequence);
  bool again = arrived->packet->retransmission ||
               paw_playout_repair_is_answer(player, entry, arrived->media_rtp, arrived->arrival_ns);
  if (!again) {
    note_first(player, arrived->media_rtp, arrived->arrival_ns, player->rendered_until_ns,
               entry->passed_ns);
    note_copies(player, arrived);
  }
  note_arrival(player, arrived, again, is_late);
  tell_fates(player);
  player->stats.packets_late += is_late;
  if (useless) {
    return;
  }
  struct piece piece = {
      .media_rtp = arrived->media_rtp,
      .sequence = arrived->sequence,
      .payload = arrived->payload,
      .opus = arrived->opus,
  };
  insert(player, &piece, arrived->arrival_ns);
}

/* It came twice: one was the answer, and so the first one was not lost but held up. */
static void correct_fate(struct paw_playout *player, const struct arrived *arrived,
                         struct paw_playout_entry *entry) {
  uint64_t came_ns = entry->came_ns;
  if (came_ns == 0) {
    came_ns = arrived->arrival_ns;
    entry->rendered_ns = player->rendered_until_ns;
  }
  entry->is_answer = false;
  note_first(player, entry->media_rtp, came_ns, entry->rendered_ns, entry->passed_ns);
}

/* What was asked for in vain was sent twice all the same. */
static void take_duplicate(struct paw_playout *player, const struct arrived *arrived) {
  struct paw_playout_entry *entry = paw_playout_ledger_get(&player->ledger, arrived->sequence);
  bool was_spent = entry->is_answer;
  bool is_answer = entry->asks > 0 || arrived->packet->retransmission;
  player->stats.packets_duplicate++;
  if (entry->asks > 0) {
    paw_playout_repair_note_vain(&player->repair);
  }
  if (entry->is_answer && (entry->came_ns != 0 || !arrived->packet->retransmission)) {
    correct_fate(player, arrived, entry);
  }
  if (is_answer && !was_spent) {
    paw_playout_repair_spend(&player->repair, arrived->payload.duration_rtp);
  }
}

static void take(struct paw_playout *player, const struct arrived *arrived) {
  if (is_duplicate(player, arrived)) {
    take_duplicate(player, arrived);
    return;
  }
  if (player->state == PAW_PLAYOUT_STALLED) {
    anchor(player, arrived);
  }
  take_primary(player, arrived);
  for (size_t i = 0; i + 1 < arrived->block_count; i++) {
    insert_block(player, arrived, &arrived->blocks[i]);
  }
}

int paw_playout_handle_input(struct paw_playout *player, uint64_t now_ns,
                             const struct paw_audio_packet *packet) {
  if (packet->data == NULL && packet->len > 0) {
    return PAW_ERR_INVALID;
  }
  now_ns = paw_clock_advance(&player->clock, now_ns);
  struct arrived arrived = {
      .packet = packet,
      .arrival_ns = packet->arrival_ns < now_ns ? packet->arrival_ns : now_ns,
  };
  player->stats.packets_received++;
  if (read_payload(&arrived) != PAW_OK) {
    player->stats.packets_malformed++;
  } else if (place(player, &arrived)) {
    take(player, &arrived);
  }
  return PAW_OK;
}
