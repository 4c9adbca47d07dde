/* SPDX-License-Identifier: MIT */
#include "cut_short.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Chunks before the data: format, lists, a picture; more is no WAV that anybody writes. */
#define CHUNKS_MAX 64
/* Sizes from here on stand for "not known": ffmpeg writes 0xffffffff, sox 0x7ffff000 and above. */
#define SIZE_UNKNOWN_MIN UINT32_C(0x7ffff000)
/* An Ogg page is at most 27 + 255 + 255 * 255 bytes, so this holds the last one whole. */
#define TAIL_BYTES 66000
#define PAGE_HEADER_BYTES 27
#define PAGE_END_OF_STREAM 0x04

static uint32_t get_le32(const uint8_t *bytes) {
  return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
         (uint32_t)bytes[3] << 24;
}

static long size_of(FILE *file) {
  return fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
}

static bool read_at(FILE *file, long at, uint8_t *out, size_t len) {
  return fseek(file, at, SEEK_SET) == 0 && fread(out, 1, len, file) == len;
}

/* ---- WAV ---- */

static bool wav_is_cut_short(FILE *file, long file_bytes) {
  uint8_t chunk[8];
  long at = 12;
  for (unsigned i = 0; i < CHUNKS_MAX && read_at(file, at, chunk, sizeof chunk); i++) {
    uint32_t size = get_le32(chunk + 4);
    if (size >= SIZE_UNKNOWN_MIN) {
      return false;
    }
    at += (long)sizeof chunk;
    if (memcmp(chunk, "data", 4) == 0) {
      return (long)size > file_bytes - at;
    }
    /* Chunks are padded to an even length. */
    at += (long)(size + (size & 1));
  }
  return false;
}

/* ---- Ogg ---- */

/* Bytes of the page, 0 when its header is torn. */
static size_t page_bytes(const uint8_t *page, size_t there) {
  if (there < PAGE_HEADER_BYTES || there < PAGE_HEADER_BYTES + (size_t)page[26]) {
    return 0;
  }
  size_t len = PAGE_HEADER_BYTES + (size_t)page[26];
  for (size_t i = 0; i < page[26]; i++) {
    len += page[PAGE_HEADER_BYTES + i];
  }
  return len;
}

/* Walk from the first page in the tail, over each whole page, to what stands last. */
static bool ogg_tail_is_cut_short(const uint8_t *tail, size_t len) {
  uint8_t flags = PAGE_END_OF_STREAM;
  size_t at = 0;
  while (at + 4 <= len) {
    bool is_page = memcmp(tail + at, "OggS", 4) == 0;
    size_t page = is_page ? page_bytes(tail + at, len - at) : 1;
    if (page == 0 || page > len - at) {
      return true;
    }
    flags = is_page ? tail[at + 5] : flags;
    at += page;
  }
  return (flags & PAGE_END_OF_STREAM) == 0;
}

static bool ogg_is_cut_short(FILE *file, long file_bytes) {
  uint8_t tail[TAIL_BYTES];
  size_t len = file_bytes < TAIL_BYTES ? (size_t)file_bytes : TAIL_BYTES;
  return read_at(file, file_bytes - (long)len, tail, len) && ogg_tail_is_cut_short(tail, len);
}

bool file_is_cut_short(const char *path) {
  uint8_t head[12];
  bool cut = false;
  FILE *file = fopen(path, "rbe");
  if (file == NULL) {
    return false;
  }
  long file_bytes = size_of(file);
  if (file_bytes > 0 && read_at(file, 0, head, sizeof head)) {
    if (memcmp(head, "RIFF", 4) == 0 && memcmp(head + 8, "WAVE", 4) == 0) {
      cut = wav_is_cut_short(file, file_bytes);
    } else if (memcmp(head, "OggS", 4) == 0) {
      cut = ogg_is_cut_short(file, file_bytes);
    }
  }
  (void)fclose(file);
  return cut;
}
