/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pawebrtc/encoder.h>
#include <stdlib.h>
#include <string.h>

#include "kit/alloc.h"
#include "opus/decoder.h"
#include "opus/payload.h"
#include "opus/signal.h"

#define PACKETS 50
#define FRAMES 960

struct packet {
  uint8_t data[PAW_OPUS_PACKET_MAX];
  size_t len;
};

static const struct paw_allocator no_allocator = {0};

static void encode(struct packet *packets, uint8_t channels, uint8_t loss_percent) {
  struct paw_encoder_config config;
  struct paw_encoder *encoder = NULL;
  struct signal signal = {0};
  paw_encoder_config_init(&config);
  config.frame_frames = FRAMES;
  config.channels = channels;
  config.packet_loss_percent = loss_percent;
  assert_int_equal(paw_encoder_new(&config, &encoder), PAW_OK);
  for (int i = 0; i < PACKETS; i++) {
    int16_t pcm[FRAMES * 2];
    signal_fill(&signal, pcm, FRAMES, channels);
    packets[i].len = sizeof packets[i].data;
    assert_int_equal(paw_encoder_encode(encoder, pcm, packets[i].data, &packets[i].len), PAW_OK);
  }
  paw_encoder_free(encoder);
}

static struct paw_opus_decoder decoder_init(uint8_t channels) {
  struct paw_opus_decoder decoder;
  assert_int_equal(paw_opus_decoder_init(&decoder, &no_allocator, channels), PAW_OK);
  return decoder;
}

static void decode(struct paw_opus_decoder *decoder, const struct packet *packet, int16_t *pcm) {
  size_t frames = 0;
  assert_int_equal(
      paw_opus_decoder_decode(decoder, packet->data, packet->len, pcm, FRAMES, &frames), PAW_OK);
  assert_int_equal(frames, FRAMES);
}

static void mono_and_stereo_packets_come_out_with_the_decoders_channels(void **state) {
  (void)state;
  static struct packet mono[PACKETS];
  static struct packet stereo[PACKETS];
  encode(mono, 1, 0);
  encode(stereo, 2, 0);
  struct paw_opus_decoder one = decoder_init(1);
  struct paw_opus_decoder two = decoder_init(2);
  int16_t pcm[FRAMES * 2];
  for (int i = 0; i < PACKETS; i++) {
    decode(&one, i % 10 < 5 ? &mono[i] : &stereo[i], pcm);
    decode(&two, &mono[i], pcm);
    for (size_t k = 0; k < FRAMES; k++) {
      assert_int_equal(pcm[2 * k], pcm[2 * k + 1]);
    }
  }
  paw_opus_decoder_wipe(&one, &no_allocator);
  paw_opus_decoder_wipe(&two, &no_allocator);
  assert_int_equal(paw_opus_decoder_init(&one, &no_allocator, 0), PAW_ERR_INVALID);
  assert_int_equal(paw_opus_decoder_init(&one, &no_allocator, 3), PAW_ERR_INVALID);
}

static void fec_brings_back_what_concealment_cannot(void **state) {
  (void)state;
  static struct packet packets[PACKETS];
  encode(packets, 1, 20);
  struct paw_opus_decoder whole = decoder_init(1);
  double fec_noise = 0;
  double plc_noise = 0;
  int tried = 0;
  for (int i = 0; i + 1 < PACKETS; i++) {
    int16_t wanted[FRAMES];
    int16_t pcm[FRAMES];
    struct paw_opus_payload payload;
    struct paw_opus_decoder side = decoder_init(1);
    assert_int_equal(paw_opus_payload_read(packets[i + 1].data, packets[i + 1].len, &payload),
                     PAW_OK);
    void *copy = malloc(whole.state_bytes);
    assert_non_null(copy);
    paw_opus_decoder_save(&whole, copy);
    decode(&whole, &packets[i], wanted);
    if (i > 5 && payload.has_lbrr) {
      tried++;
      paw_opus_decoder_restore(&side, copy);
      assert_int_equal(
          paw_opus_decoder_decode_fec(&side, packets[i + 1].data, packets[i + 1].len, pcm, FRAMES),
          PAW_OK);
      fec_noise += signal_energy(wanted, FRAMES) / exp(signal_snr_db(wanted, pcm, FRAMES) / 4.343);
      paw_opus_decoder_restore(&side, copy);
      assert_int_equal(paw_opus_decoder_conceal(&side, pcm, FRAMES), PAW_OK);
      plc_noise += signal_energy(wanted, FRAMES) / exp(signal_snr_db(wanted, pcm, FRAMES) / 4.343);
    }
    free(copy);
    paw_opus_decoder_wipe(&side, &no_allocator);
  }
  assert_true(tried > 20);
  assert_true(fec_noise < plc_noise / 2);
  paw_opus_decoder_wipe(&whole, &no_allocator);
}

static void a_saved_state_goes_on_exactly(void **state) {
  (void)state;
  static struct packet packets[PACKETS];
  encode(packets, 2, 10);
  struct paw_opus_decoder decoder = decoder_init(2);
  void *copy = malloc(decoder.state_bytes);
  assert_non_null(copy);
  int16_t first[FRAMES * 2];
  int16_t again[FRAMES * 2];
  for (int i = 0; i < PACKETS; i++) {
    paw_opus_decoder_save(&decoder, copy);
    decode(&decoder, &packets[i], first);
    assert_int_equal(paw_opus_decoder_conceal(&decoder, again, 480), PAW_OK);
    paw_opus_decoder_restore(&decoder, copy);
    decode(&decoder, &packets[i], again);
    assert_memory_equal(first, again, sizeof first);
  }
  free(copy);
  paw_opus_decoder_wipe(&decoder, &no_allocator);
}

static void a_reset_decoder_is_as_new(void **state) {
  (void)state;
  static struct packet packets[PACKETS];
  encode(packets, 1, 0);
  struct paw_opus_decoder fresh = decoder_init(1);
  struct paw_opus_decoder used = decoder_init(1);
  int16_t wanted[FRAMES];
  int16_t pcm[FRAMES];
  for (int i = 0; i < 20; i++) {
    decode(&used, &packets[i], pcm);
  }
  paw_opus_decoder_reset(&used);
  for (int i = 20; i < PACKETS; i++) {
    decode(&fresh, &packets[i], wanted);
    decode(&used, &packets[i], pcm);
    assert_memory_equal(wanted, pcm, sizeof pcm);
  }
  paw_opus_decoder_wipe(&fresh, &no_allocator);
  paw_opus_decoder_wipe(&used, &no_allocator);
}

static void what_cannot_be_decoded_is_an_error(void **state) {
  (void)state;
  struct paw_opus_decoder decoder = decoder_init(1);
  int16_t pcm[FRAMES];
  size_t frames = 1;
  const uint8_t short_of_frames[] = {0x03};  /* code 3 without its count */
  const uint8_t longer_than_room[] = {0x18}; /* 60 ms */
  assert_int_equal(paw_opus_decoder_decode(&decoder, short_of_frames, 0, pcm, FRAMES, &frames),
                   PAW_ERR_CODEC);
  assert_int_equal(frames, 0);
  assert_int_equal(paw_opus_decoder_decode(&decoder, short_of_frames, 1, pcm, FRAMES, &frames),
                   PAW_ERR_CODEC);
  assert_int_equal(paw_opus_decoder_decode(&decoder, longer_than_room, 1, pcm, 480, &frames),
                   PAW_ERR_CODEC);
  assert_int_equal(paw_opus_decoder_decode_fec(&decoder, short_of_frames, 0, pcm, 480),
                   PAW_ERR_CODEC);
  assert_int_equal(paw_opus_decoder_conceal(&decoder, pcm, 100), PAW_ERR_CODEC);
  paw_opus_decoder_wipe(&decoder, &no_allocator);
}

static void memory_comes_from_the_allocator(void **state) {
  (void)state;
  static struct packet packets[PACKETS];
  encode(packets, 1, 0);
  struct kit_allocator memory = {.fail_nth = 1};
  struct paw_allocator hook = kit_allocator_hook(&memory);
  struct paw_opus_decoder decoder;
  int16_t pcm[FRAMES];
  assert_int_equal(paw_opus_decoder_init(&decoder, &hook, 1), PAW_ERR_NO_MEMORY);
  memory = (struct kit_allocator){0};
  assert_int_equal(paw_opus_decoder_init(&decoder, &hook, 1), PAW_OK);
  kit_malloc_start();
  for (int i = 0; i < PACKETS; i++) {
    decode(&decoder, &packets[i], pcm);
    assert_int_equal(paw_opus_decoder_conceal(&decoder, pcm, 480), PAW_OK);
  }
  assert_int_equal(kit_malloc_stop().allocations, 0);
  assert_int_equal(memory.allocations, 1);
  paw_opus_decoder_wipe(&decoder, &hook);
  assert_int_equal(memory.outstanding_bytes, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(mono_and_stereo_packets_come_out_with_the_decoders_channels),
      cmocka_unit_test(fec_brings_back_what_concealment_cannot),
      cmocka_unit_test(a_saved_state_goes_on_exactly),
      cmocka_unit_test(a_reset_decoder_is_as_new),
      cmocka_unit_test(what_cannot_be_decoded_is_an_error),
      cmocka_unit_test(memory_comes_from_the_allocator),
  };
  return cmocka_run_group_tests_name("opus decoder", tests, NULL, NULL);
}
