/* SPDX-License-Identifier: MIT */
/* WAV files of 16-bit PCM. The writer keeps the file playable all the time; the reader takes a
 * whole file, for tests and tools. */
#ifndef COMMON_WAV_H
#define COMMON_WAV_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "fault.h"

struct wav_writer {
  FILE *file; /* NULL: not open */
  const char *path;
  unsigned channels;
  unsigned rate_hz;
  uint64_t frames; /* written so far */
};

/* `path` stays the caller's and must outlive the writer. */
int wav_writer_open(struct wav_writer *writer, const char *path, unsigned rate_hz,
                    unsigned channels, struct fault *fault);

/* Shape of pcm: int16 interleaved, frames * channels values. */
int wav_writer_write(struct wav_writer *writer, const int16_t *pcm, size_t frames,
                     struct fault *fault);

/* Bring the sizes in the header up to date and hand everything to the system: from then on the file
 * is whole even if the program is killed. */
int wav_writer_sync(struct wav_writer *writer, struct fault *fault);

/* Sync and close; does nothing to a writer that is not open. */
int wav_writer_close(struct wav_writer *writer, struct fault *fault);

struct wav_audio {
  int16_t *pcm; /* int16 interleaved, frames * channels values; freed by wav_audio_wipe */
  size_t frames;
  unsigned channels;
  unsigned rate_hz;
};

/* A file that was cut off gives what is there; anything but 16-bit PCM is a fault. */
int wav_audio_read(struct wav_audio *audio, const char *path, struct fault *fault);
void wav_audio_wipe(struct wav_audio *audio);

#endif
