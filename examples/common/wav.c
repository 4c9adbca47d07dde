/* SPDX-License-Identifier: MIT */
#include "wav.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_BYTES 44
#define FORMAT_PCM 1
#define FORMAT_EXTENSIBLE 0xfffe
#define SAMPLE_BYTES 2

static void put_le16(uint8_t *out, unsigned value) {
  out[0] = (uint8_t)value;
  out[1] = (uint8_t)(value >> 8);
}

static void put_le32(uint8_t *out, uint32_t value) {
  put_le16(out, value & 0xffff);
  put_le16(out + 2, value >> 16);
}

static unsigned get_le16(const uint8_t *in) {
  return (unsigned)in[0] | (unsigned)in[1] << 8;
}

static uint32_t get_le32(const uint8_t *in) {
  return (uint32_t)get_le16(in) | (uint32_t)get_le16(in + 2) << 16;
}

static int system_fault(struct fault *fault, const char *what, const char *path) {
  return fault_set(fault, "cannot %s %s: %s", what, path, strerror(errno));
}

static bool write_header(const struct wav_writer *writer) {
  uint64_t data = writer->frames * writer->channels * SAMPLE_BYTES;
  /* RIFF counts in 32 bits: a longer file says "the most there is", and readers go on to its end.
   */
  uint32_t longest = UINT32_MAX - HEADER_BYTES;
  uint32_t data_bytes = data > longest ? longest : (uint32_t)data;
  unsigned block = writer->channels * SAMPLE_BYTES;
  uint8_t header[HEADER_BYTES];
  memcpy(header, "RIFF....WAVEfmt ", 16);
  put_le32(header + 4, data_bytes + HEADER_BYTES - 8);
  put_le32(header + 16, 16);
  put_le16(header + 20, FORMAT_PCM);
  put_le16(header + 22, writer->channels);
  put_le32(header + 24, writer->rate_hz);
  put_le32(header + 28, writer->rate_hz * block);
  put_le16(header + 32, block);
  put_le16(header + 34, 8 * SAMPLE_BYTES);
  memcpy(header + 36, "data", 4);
  put_le32(header + 40, data_bytes);
  return fwrite(header, sizeof header, 1, writer->file) == 1;
}

int wav_writer_open(struct wav_writer *writer, const char *path, unsigned rate_hz,
                    unsigned channels, struct fault *fault) {
  *writer = (struct wav_writer){.path = path, .channels = channels, .rate_hz = rate_hz};
  writer->file = fopen(path, "wb");
  if (writer->file == NULL) {
    return system_fault(fault, "write", path);
  }
  return wav_writer_sync(writer, fault);
}

int wav_writer_write(struct wav_writer *writer, const int16_t *pcm, size_t frames,
                     struct fault *fault) {
  for (size_t i = 0; i < frames * writer->channels; i++) {
    uint8_t bytes[SAMPLE_BYTES];
    put_le16(bytes, (uint16_t)pcm[i]);
    if (fwrite(bytes, sizeof bytes, 1, writer->file) != 1) {
      return system_fault(fault, "write", writer->path);
    }
  }
  writer->frames += frames;
  return 0;
}

int wav_writer_sync(struct wav_writer *writer, struct fault *fault) {
  if (fseek(writer->file, 0, SEEK_SET) != 0 || !write_header(writer) ||
      fseek(writer->file, 0, SEEK_END) != 0 || fflush(writer->file) != 0) {
    return system_fault(fault, "write", writer->path);
  }
  return 0;
}

int wav_writer_close(struct wav_writer *writer, struct fault *fault) {
  if (writer->file == NULL) {
    return 0;
  }
  int status = wav_writer_sync(writer, fault);
  if (fclose(writer->file) != 0 && status == 0) {
    status = system_fault(fault, "write", writer->path);
  }
  writer->file = NULL;
  return status;
}

/* The whole file in memory, NULL with errno set on failure. */
static uint8_t *read_whole(const char *path, size_t *len) {
  FILE *file = fopen(path, "rb");
  if (file == NULL) {
    return NULL;
  }
  uint8_t *bytes = NULL;
  long size = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
  if (size >= 0 && fseek(file, 0, SEEK_SET) == 0) {
    bytes = malloc((size_t)size + 1);
  }
  if (bytes != NULL) {
    *len = fread(bytes, 1, (size_t)size, file);
  }
  (void)fclose(file);
  return bytes;
}

static bool read_format(struct wav_audio *audio, const uint8_t *chunk, size_t len) {
  if (len < 16) {
    return false;
  }
  unsigned format = get_le16(chunk);
  audio->channels = get_le16(chunk + 2);
  audio->rate_hz = get_le32(chunk + 4);
  return (format == FORMAT_PCM || format == FORMAT_EXTENSIBLE) &&
         get_le16(chunk + 14) == 8 * SAMPLE_BYTES && audio->channels > 0 && audio->rate_hz > 0;
}

static bool read_samples(struct wav_audio *audio, const uint8_t *chunk, size_t len) {
  audio->frames = len / ((size_t)audio->channels * SAMPLE_BYTES);
  size_t count = audio->frames * audio->channels;
  audio->pcm = malloc((count + 1) * sizeof *audio->pcm);
  if (audio->pcm == NULL) {
    return false;
  }
  for (size_t i = 0; i < count; i++) {
    audio->pcm[i] = (int16_t)get_le16(chunk + i * SAMPLE_BYTES);
  }
  return true;
}

static bool read_chunks(struct wav_audio *audio, const uint8_t *bytes, size_t len) {
  if (len < 12 || memcmp(bytes, "RIFF", 4) != 0 || memcmp(bytes + 8, "WAVE", 4) != 0) {
    return false;
  }
  size_t at = 12;
  while (len - at >= 8) {
    const uint8_t *chunk = bytes + at;
    size_t there = len - at - 8;
    size_t size = get_le32(chunk + 4);
    size_t usable = size < there ? size : there;
    if (memcmp(chunk, "data", 4) == 0) {
      return audio->channels > 0 && read_samples(audio, chunk + 8, usable);
    }
    if (memcmp(chunk, "fmt ", 4) == 0 && !read_format(audio, chunk + 8, usable)) {
      return false;
    }
    /* Chunks are padded to an even length. */
    size_t step = size + (size & 1);
    if (step > there) {
      return false;
    }
    at += 8 + step;
  }
  return false;
}

int wav_audio_read(struct wav_audio *audio, const char *path, struct fault *fault) {
  *audio = (struct wav_audio){0};
  size_t len = 0;
  uint8_t *bytes = read_whole(path, &len);
  if (bytes == NULL) {
    return system_fault(fault, "read", path);
  }
  bool good = read_chunks(audio, bytes, len);
  free(bytes);
  return good ? 0 : fault_set(fault, "%s is not a WAV file of 16-bit PCM", path);
}

void wav_audio_wipe(struct wav_audio *audio) {
  free(audio->pcm);
  *audio = (struct wav_audio){0};
}
