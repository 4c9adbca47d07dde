/* SPDX-License-Identifier: MIT */
#include "bench/playout/sender.h"

#include <string.h>

#include "base/seq.h"
#include "base/time.h"
#include "rtp/rtp.h"

/* IPv4, UDP, RTP, two extensions, SRTP's tag: 20 + 8 + 12 + 8 + 10. */
#define HEADERS_BYTES 58

/* RFC 4588 section 4: the number of the packet that comes again. */
#define RTX_BYTES 2

/* IPv4, UDP, a reduced-size NACK without its items, SRTCP's index and tag: 20 + 8 + 12 + 14. */
#define ASK_HEADERS_BYTES 54
#define ASK_ITEM_BYTES 4 /* names a packet and any of the 16 that follow it */

#define HISTORY_NS (500 * PAW_NS_PER_MS)

#define OPUS_TYPE 111
#define RED_TYPE 63

/* Returns the bytes of redundancy. */
static size_t write_payload(const struct sender *sender, uint64_t index,
                            struct sender_packet *out) {
  struct paw_slice opus = programme_packet(sender->programme, index);
  struct paw_wr wr = paw_wr_init(out->data, sizeof out->data);
  out->packet.red = sender->red_distance > 0 && index >= sender->red_distance;
  out->packet.payload_type = out->packet.red ? RED_TYPE : OPUS_TYPE;
  if (out->packet.red) {
    size_t offset_rtp = sender->red_distance * sender->programme->frame_frames;
    struct paw_red_block blocks[] = {
        {.payload_type = OPUS_TYPE,
         .offset_rtp = (uint16_t)offset_rtp,
         .data = programme_packet(sender->programme, index - sender->red_distance)},
        {.payload_type = OPUS_TYPE, .data = opus},
    };
    (void)paw_red_write(&wr, blocks, 2);
  } else {
    paw_wr_bytes(&wr, opus.data, opus.len);
  }
  out->packet.data = out->data;
  out->packet.len = wr.len;
  return wr.len - opus.len;
}

static size_t make(const struct sender *sender, uint64_t index, struct sender_packet *out) {
  size_t frame_frames = sender->programme->frame_frames;
  out->packet = (struct paw_audio_packet){
      .ssrc = 1,
      .sequence = (uint16_t)(sender->first_sequence + index),
      .timestamp_rtp = sender->first_timestamp_rtp + (uint32_t)(index * frame_frames),
      .level = PAW_AUDIO_LEVEL_NONE,
  };
  return write_payload(sender, index, out);
}

void sender_send(struct sender *sender, struct sender_packet *out) {
  size_t red_bytes = make(sender, sender->next, out);
  sender->again_ns[sender->next % SENDER_KEPT] = 0;
  sender->media_bytes += HEADERS_BYTES + out->packet.len - red_bytes;
  sender->red_bytes += red_bytes;
  sender->next++;
}

bool sender_repeat(struct sender *sender, uint16_t sequence, uint64_t now_ns,
                   struct sender_packet *out) {
  uint64_t index =
      paw_seq_extend(sender->next + 65536, (uint16_t)(sequence - sender->first_sequence));
  index -= 65536;
  if (index >= sender->next) {
    return false;
  }
  uint64_t *again_ns = &sender->again_ns[index % SENDER_KEPT];
  uint64_t sent_ns = sender->begin_ns + index * sender->frame_ns;
  if (now_ns - sent_ns > HISTORY_NS || (*again_ns > 0 && now_ns - *again_ns < sender->rtt_ns / 2)) {
    return false;
  }
  *again_ns = now_ns;
  (void)make(sender, index, out);
  out->packet.retransmission = true;
  sender->again_bytes += HEADERS_BYTES + RTX_BYTES + out->packet.len;
  sender->again++;
  return true;
}

void sender_count_asks(struct sender *sender, const struct receiver_asks *asks) {
  sender->asked += asks->count;
  sender->ask_bytes += ASK_HEADERS_BYTES;
  for (size_t i = 0; i < asks->count;) {
    uint16_t first = asks->sequences[i];
    while (i < asks->count && (uint16_t)(asks->sequences[i] - first) <= 16) {
      i++;
    }
    sender->ask_bytes += ASK_ITEM_BYTES;
  }
}

double sender_overhead_percent(const struct sender *sender) {
  double extra = (double)(sender->red_bytes + sender->again_bytes);
  return sender->media_bytes > 0 ? 100 * extra / (double)sender->media_bytes : 0;
}
