/* SPDX-License-Identifier: MIT */
/* The payload of a RED packet and the Opus packets in its blocks. What can be read is written as
 * the same bytes; of an Opus packet libopus thinks what we think. */
#include "fuzz.h"

#include <opus.h>

#include "opus/payload.h"
#include "rtp/rtp.h"

static void try_opus(struct paw_slice data) {
  uint8_t *exact = fuzz_copy(data.data, data.len);
  struct paw_opus_payload opus;
  if (paw_opus_payload_read(exact, data.len, &opus) == PAW_OK) {
    opus_int32 len = (opus_int32)data.len;
    FUZZ_CHECK(opus.frame_count >= 1 && (opus.channels == 1 || opus.channels == 2));
    FUZZ_CHECK(opus.duration_rtp == opus.frame_count * opus.frame_rtp);
    FUZZ_CHECK(opus.duration_rtp <= PAW_OPUS_DURATION_MAX_RTP);
    FUZZ_CHECK(opus.duration_rtp % PAW_OPUS_DURATION_UNIT_RTP == 0);
    FUZZ_CHECK((int)opus.duration_rtp == opus_packet_get_nb_samples(exact, len, 48000));
    FUZZ_CHECK(opus.frame_count == opus_packet_get_nb_frames(exact, len));
    FUZZ_CHECK(opus.channels == opus_packet_get_nb_channels(exact));
    FUZZ_CHECK(!opus.has_lbrr || opus.mode != PAW_OPUS_MODE_CELT);
  }
  free(exact);
}

static void write_again(const struct paw_red_block *blocks, size_t count, const uint8_t *data,
                        size_t size) {
  uint8_t *again = malloc(size);
  struct paw_wr wr = paw_wr_init(again, size);
  FUZZ_CHECK(paw_red_write(&wr, blocks, count) == PAW_OK);
  FUZZ_CHECK(wr.len == size && memcmp(again, data, size) == 0);
  struct paw_wr narrow = paw_wr_init(again, size - 1);
  FUZZ_CHECK(paw_red_write(&narrow, blocks, count) == PAW_ERR_NO_BUFFER);
  free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct paw_red_block blocks[PAW_RED_BLOCKS_MAX];
  size_t count = 0;
  if (paw_red_read(data, size, blocks, &count) != PAW_OK) {
    FUZZ_CHECK(count == 0);
    return 0;
  }
  FUZZ_CHECK(count >= 1 && count <= PAW_RED_BLOCKS_MAX && blocks[count - 1].offset_rtp == 0);
  write_again(blocks, count, data, size);
  for (size_t i = 0; i < count; i++) {
    try_opus(blocks[i].data);
  }
  return 0;
}
