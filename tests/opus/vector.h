/* SPDX-License-Identifier: MIT */
/* Reads and decodes the stored streams of tests/vectors/opus; its README.md tells of the format. */
#ifndef TEST_OPUS_VECTOR_H
#define TEST_OPUS_VECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VECTOR_MAGIC "OPUSPK1"
#define VECTOR_MAGIC_BYTES 7
#define VECTOR_COPY 0x8000u
#define VECTOR_LOST_FRAMES 480
#define VECTOR_BYTES_MAX 16384
#define VECTOR_FRAMES_MAX 48000

struct vector {
  uint8_t bytes[VECTOR_BYTES_MAX];
  size_t len;
  uint8_t channels;
  int16_t pcm[VECTOR_FRAMES_MAX * 2]; /* decoded */
  size_t pcm_frames;
  size_t packets; /* decoded from themselves */
  size_t copies;  /* from the copy in the next packet */
  size_t concealed;
};

/* Read FOLDER/NAME.opuspk. */
bool vector_load(struct vector *vector, const char *folder, const char *name);

bool vector_decode(struct vector *vector);

#endif
