/* SPDX-License-Identifier: MIT */
/* From a packet to NetEQ's packet buffer; requests. */
#include <string.h>

#include "base/seq.h"
#include "bench/playout/neteq_private.h"
#include "opus/payload.h"
#include "rtp/rtp.h"

#define ASK_AGE_MAX_NS (1000 * INT64_C(1000000))

int64_t neteq_now_ms(const struct neteq *neteq) {
  return (int64_t)neteq->ticks * NETEQ_TICK_MS;
}

void neteq_remove_front(struct neteq *neteq) {
  neteq->packet_count--;
  memmove(&neteq->packets[0], &neteq->packets[1], neteq->packet_count * sizeof neteq->packets[0]);
}

/* A place for a packet; NULL where one as good is there. A buffer that is full is emptied. */
static struct neteq_packet *make_place(struct neteq *neteq, int64_t media,
                                       enum neteq_origin origin) {
  size_t at = neteq->packet_count;
  while (at > 0 && neteq->packets[at - 1].media >= media) {
    at--;
  }
  if (at < neteq->packet_count && neteq->packets[at].media == media) {
    return origin < neteq->packets[at].origin ? &neteq->packets[at] : NULL;
  }
  if (neteq->packet_count == NETEQ_PACKETS) {
    neteq->packet_count = 0;
    at = 0;
  }
  memmove(&neteq->packets[at + 1], &neteq->packets[at],
          (neteq->packet_count - at) * sizeof neteq->packets[0]);
  neteq->packet_count++;
  return &neteq->packets[at];
}

static void insert(struct neteq *neteq, const struct neteq_packet *what, struct paw_slice opus) {
  if (what->media < neteq->next_media) {
    return; /* too late: discarded */
  }
  struct neteq_packet *packet = make_place(neteq, what->media, what->origin);
  if (packet == NULL) {
    return;
  }
  packet->media = what->media;
  packet->frames = what->frames;
  packet->origin = what->origin;
  packet->is_again = what->is_again;
  packet->len = opus.len;
  memcpy(packet->data, opus.data, opus.len);
}

/* Ask for all that is missing and not a second old, with every packet that comes. */
static void ask(struct neteq *neteq) {
  uint64_t span = (uint64_t)(ASK_AGE_MAX_NS - (int64_t)neteq->config.rtt_ns) * 6 / 125000 /
                  neteq->config.frame_frames;
  span = span < NETEQ_SEQUENCES ? span : NETEQ_SEQUENCES - 1;
  neteq->asks.count = 0;
  for (uint64_t i = neteq->highest - span; i < neteq->highest; i++) {
    if (!neteq->has_come[i % NETEQ_SEQUENCES] && neteq->asks.count < RECEIVER_ASKS_MAX) {
      neteq->asks.sequences[neteq->asks.count++] = (uint16_t)i;
    }
  }
}

/* Returns false for a duplicate. */
static bool note_sequence(struct neteq *neteq, uint16_t sequence, bool *is_reordered) {
  if (!neteq->is_started) {
    neteq->highest = sequence + UINT64_C(65536);
    memset(neteq->has_come, true, sizeof neteq->has_come);
    neteq->has_come[neteq->highest % NETEQ_SEQUENCES] = false;
  }
  uint64_t number = paw_seq_extend(neteq->highest, sequence);
  *is_reordered = number < neteq->highest;
  while (neteq->highest < number) {
    neteq->highest++;
    neteq->has_come[neteq->highest % NETEQ_SEQUENCES] = false;
  }
  bool *has_come = &neteq->has_come[number % NETEQ_SEQUENCES];
  bool is_new = number + NETEQ_SEQUENCES > neteq->highest && !*has_come;
  *has_come = true;
  return is_new;
}

static void insert_all(struct neteq *neteq, const struct paw_audio_packet *packet, int64_t media) {
  struct paw_red_block blocks[PAW_RED_BLOCKS_MAX] = {
      {.data = {.data = packet->data, .len = packet->len}}};
  size_t count = 1;
  if (packet->red && paw_red_read(packet->data, packet->len, blocks, &count) != PAW_OK) {
    return;
  }
  for (size_t i = 0; i < count; i++) {
    struct paw_opus_payload payload;
    struct paw_slice opus = blocks[i].data;
    if (paw_opus_payload_read(opus.data, opus.len, &payload) != PAW_OK) {
      continue;
    }
    struct neteq_packet what = {
        .media = media - blocks[i].offset_rtp,
        .frames = payload.duration_rtp,
        .origin = i + 1 < count ? NETEQ_RED : NETEQ_PRIMARY,
        .is_again = packet->retransmission,
    };
    insert(neteq, &what, opus);
    if (payload.has_lbrr && what.origin == NETEQ_PRIMARY) {
      what.media -= payload.frame_rtp;
      what.frames = payload.frame_rtp;
      what.origin = NETEQ_LBRR;
      insert(neteq, &what, opus);
    }
  }
}

void neteq_take(struct neteq *neteq, const struct paw_audio_packet *packet) {
  int64_t media = (int32_t)(packet->timestamp_rtp - neteq->config.first_timestamp_rtp);
  bool is_reordered = false;
  if (!note_sequence(neteq, packet->sequence, &is_reordered)) {
    return;
  }
  if (!neteq->is_started) {
    neteq->is_started = true;
    neteq->next_media = media;
  }
  neteq_delay_note(&neteq->delay, media / (PAW_RTP_HZ / 1000), neteq_now_ms(neteq), is_reordered);
  insert_all(neteq, packet, media);
  if (neteq->config.nack) {
    ask(neteq);
  }
}
