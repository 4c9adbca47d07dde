/* SPDX-License-Identifier: MIT */
/* STUN messages put together byte by byte: the wrong ones too, which no writer would make. */
#ifndef INTEROP_RAW_STUN_H
#define INTEROP_RAW_STUN_H

#include "stun/stun.h"

#define RAW_ROOM 1400
#define RAW_USERNAME "here:there"
#define RAW_PASSWORD "0123456789abcdefghijkl"

struct raw {
  uint8_t data[RAW_ROOM];
  size_t len;
};

/* A header of Binding with an id that is always the same; `type` holds method and class. */
void raw_begin(struct raw *raw, uint16_t type);

/* Each of these brings the length in the header up to date. */
void raw_attribute(struct raw *raw, uint16_t type, const void *value, size_t len);
void raw_text(struct raw *raw, uint16_t type, const char *text);
void raw_integrity(struct raw *raw, const char *password);
void raw_fingerprint(struct raw *raw);

/* The length in the header, whatever the datagram's is. */
void raw_set_length(struct raw *raw, size_t len);

/* The last eight bytes are a FINGERPRINT: make it right again. */
void raw_mend_fingerprint(struct raw *raw);

#endif
