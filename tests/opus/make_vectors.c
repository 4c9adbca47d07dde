/* SPDX-License-Identifier: MIT */
/* usage: make_vectors FOLDER
 * Writes the streams that tests/vectors/opus/README.md tells of. Not a test: run once. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pawebrtc/encoder.h>

#include "opus/signal.h"
#include "opus/vector.h"

struct maker {
  struct paw_encoder_config config;
  struct paw_encoder *encoder;
  struct signal signal;
  FILE *file;
};

static void check(bool good, const char *what) {
  if (!good) {
    (void)fprintf(stderr, "make_vectors: %s\n", what);
    exit(1);
  }
}

static FILE *create(const char *folder, const char *name, const char *ending) {
  char path[512];
  int len = snprintf(path, sizeof path, "%s/%s.%s", folder, name, ending);
  check(len > 0 && (size_t)len < sizeof path, "path too long");
  FILE *file = fopen(path, "wb");
  check(file != NULL, path);
  return file;
}

static void put_length(FILE *file, unsigned length) {
  uint8_t bytes[2] = {(uint8_t)(length >> 8), (uint8_t)length};
  check(fwrite(bytes, 1, 2, file) == 2, "write");
}

static void change_encoder(struct maker *maker) {
  paw_encoder_free(maker->encoder);
  check(paw_encoder_new(&maker->config, &maker->encoder) == PAW_OK, "encoder");
}

/* Encode a frame, and write it unless `lost`, which is then its length field. */
static void put_frame(struct maker *maker, bool silent, int lost) {
  int16_t pcm[960 * 2] = {0};
  uint8_t packet[PAW_OPUS_PACKET_MAX];
  size_t len = sizeof packet;
  if (!silent) {
    signal_fill(&maker->signal, pcm, maker->config.frame_frames, maker->config.channels);
  }
  check(paw_encoder_encode(maker->encoder, pcm, packet, &len) == PAW_OK, "encode");
  if (lost >= 0) {
    put_length(maker->file, (unsigned)lost);
  } else if (len > 0) {
    put_length(maker->file, (unsigned)len);
    check(fwrite(packet, 1, len, maker->file) == len, "write");
  }
}

static struct maker begin(const char *folder, const char *name, uint8_t decoded_channels) {
  struct maker maker = {.signal = {.at = 6000}};
  paw_encoder_config_init(&maker.config);
  maker.config.frame_frames = 960;
  maker.file = create(folder, name, "opuspk");
  check(fwrite(VECTOR_MAGIC, 1, VECTOR_MAGIC_BYTES, maker.file) == VECTOR_MAGIC_BYTES, "write");
  check(fputc(decoded_channels, maker.file) != EOF, "write");
  return maker;
}

static void end(struct maker *maker, const char *folder, const char *name) {
  static struct vector vector;
  paw_encoder_free(maker->encoder);
  check(fclose(maker->file) == 0, "write");
  check(vector_load(&vector, folder, name) && vector_decode(&vector), "decode");
  FILE *file = create(folder, name, "pcm");
  for (size_t i = 0; i < vector.pcm_frames * vector.channels; i++) {
    uint8_t bytes[2] = {(uint8_t)vector.pcm[i], (uint8_t)((uint16_t)vector.pcm[i] >> 8)};
    check(fwrite(bytes, 1, 2, file) == 2, "write");
  }
  check(fclose(file) == 0, "write");
}

static void make_voip(const char *folder) {
  struct maker maker = begin(folder, "voip", 1);
  maker.config.bitrate_bps = 32000;
  maker.config.packet_loss_percent = 20;
  change_encoder(&maker);
  for (int i = 0; i < 10; i++) {
    put_frame(&maker, false, i == 4 ? (int)(VECTOR_COPY | 960) : -1);
  }
  end(&maker, folder, "voip");
}

static void make_audio(const char *folder) {
  struct maker maker = begin(folder, "audio", 2);
  maker.config.application = PAW_OPUS_AUDIO;
  maker.config.channels = 2;
  maker.config.frame_frames = 480;
  maker.config.bitrate_bps = 96000;
  change_encoder(&maker);
  for (int i = 0; i < 15; i++) {
    put_frame(&maker, false, i == 7 ? 0 : -1);
  }
  end(&maker, folder, "audio");
}

static void make_lowdelay(const char *folder) {
  struct maker maker = begin(folder, "lowdelay", 2);
  maker.config.application = PAW_OPUS_RESTRICTED_LOWDELAY;
  maker.config.bitrate_bps = 64000;
  for (uint32_t frames = 960; frames >= 120; frames /= 2) {
    maker.config.frame_frames = frames;
    change_encoder(&maker);
    for (int i = 0; i < 3; i++) {
      put_frame(&maker, false, -1);
    }
  }
  end(&maker, folder, "lowdelay");
}

static void make_dtx(const char *folder) {
  struct maker maker = begin(folder, "dtx", 1);
  maker.config.bitrate_bps = 24000;
  maker.config.dtx = true;
  change_encoder(&maker);
  for (int i = 0; i < 23; i++) {
    put_frame(&maker, i >= 4 && i < 20, -1);
  }
  end(&maker, folder, "dtx");
}

int main(int argc, char **argv) {
  check(argc == 2, "usage: make_vectors FOLDER");
  make_voip(argv[1]);
  make_audio(argv[1]);
  make_lowdelay(argv[1]);
  make_dtx(argv[1]);
  return 0;
}
