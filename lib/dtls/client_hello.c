/* SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "base/wr.h"
#include "dtls/private.h"

#define HEADERS_LEN (PAW_DTLS_RECORD_HEADER_LEN + PAW_DTLS_HANDSHAKE_HEADER_LEN)

bool paw_dtls_client_hello_is_fragment(const uint8_t *data, size_t len) {
  struct paw_rd rd = paw_rd_init(data, len);
  struct paw_dtls_record record;
  if (!paw_dtls_record_read(&rd, &record) || record.epoch != 0 ||
      record.content != PAW_DTLS_CONTENT_HANDSHAKE) {
    return false;
  }
  struct paw_rd body = paw_rd_init(record.body.data, record.body.len);
  struct paw_dtls_fragment fragment;
  return paw_dtls_fragment_read(&body, &fragment) && fragment.type == PAW_DTLS_CLIENT_HELLO &&
         fragment.body.len < fragment.message_len;
}

void paw_dtls_client_hello_wipe(struct paw_dtls_client_hello *hello,
                                const struct paw_allocator *allocator) {
  paw_mem_free(allocator, hello->block);
  *hello = (struct paw_dtls_client_hello){0};
}

/* Begin, or begin anew: a client that restarts sends another message, and its last word counts. */
static int begin(struct paw_dtls_client_hello *hello, const struct paw_allocator *allocator,
                 const struct paw_dtls_fragment *fragment) {
  paw_dtls_client_hello_wipe(hello, allocator);
  if (fragment->message_len > PAW_DTLS_CLIENT_HELLO_MAX) {
    return PAW_ERR_LIMIT;
  }
  size_t bitmap_len = (fragment->message_len + 7) / 8;
  hello->block = paw_mem_alloc(allocator, HEADERS_LEN + fragment->message_len + bitmap_len);
  if (hello->block == NULL) {
    return PAW_ERR_NO_MEMORY;
  }
  hello->message_len = fragment->message_len;
  hello->message_sequence = fragment->message_sequence;
  hello->missing = fragment->message_len;
  return PAW_OK;
}

/* Fragments may overlap (RFC 6347 section 4.2.3): each byte counts once, as it came first. */
static void lay_in(struct paw_dtls_client_hello *hello, const struct paw_dtls_fragment *fragment) {
  uint8_t *message = hello->block + HEADERS_LEN;
  uint8_t *bitmap = message + hello->message_len;
  for (size_t i = 0; i < fragment->body.len; i++) {
    size_t at = fragment->offset + i;
    uint8_t bit = (uint8_t)(1u << (at % 8));
    if ((bitmap[at / 8] & bit) == 0) {
      bitmap[at / 8] |= bit;
      message[at] = fragment->body.data[i];
      hello->missing--;
    }
  }
}

static int add_record(struct paw_dtls_client_hello *hello, const struct paw_allocator *allocator,
                      const struct paw_dtls_record *record) {
  struct paw_rd rd = paw_rd_init(record->body.data, record->body.len);
  while (rd.left > 0) {
    struct paw_dtls_fragment fragment;
    if (!paw_dtls_fragment_read(&rd, &fragment) || fragment.type != PAW_DTLS_CLIENT_HELLO) {
      return PAW_ERR_MALFORMED;
    }
    if (hello->block == NULL || hello->missing == 0 || fragment.message_len != hello->message_len ||
        fragment.message_sequence != hello->message_sequence) {
      int status = begin(hello, allocator, &fragment);
      if (status != PAW_OK) {
        return status;
      }
    }
    lay_in(hello, &fragment);
  }
  return PAW_OK;
}

/* The headers as if it had come in one record, with the newest number: older ones are replays. */
static struct paw_slice write_headers(struct paw_dtls_client_hello *hello,
                                      const struct paw_dtls_record *record) {
  size_t len = HEADERS_LEN + hello->message_len;
  struct paw_wr wr = paw_wr_init(hello->block, HEADERS_LEN);
  paw_wr_u8(&wr, PAW_DTLS_CONTENT_HANDSHAKE);
  paw_wr_u16(&wr, record->version);
  paw_wr_u64(&wr, record->sequence); /* of epoch 0 */
  paw_wr_u16(&wr, (uint16_t)(len - PAW_DTLS_RECORD_HEADER_LEN));
  paw_wr_u8(&wr, PAW_DTLS_CLIENT_HELLO);
  paw_wr_u24(&wr, hello->message_len);
  paw_wr_u16(&wr, hello->message_sequence);
  paw_wr_u24(&wr, 0);
  paw_wr_u24(&wr, hello->message_len);
  return (struct paw_slice){.data = hello->block, .len = len};
}

int paw_dtls_client_hello_add(struct paw_dtls_client_hello *hello,
                              const struct paw_allocator *allocator, const uint8_t *data,
                              size_t len, struct paw_slice *whole) {
  struct paw_rd rd = paw_rd_init(data, len);
  struct paw_dtls_record record = {0};
  *whole = (struct paw_slice){0};
  while (rd.left > 0) {
    if (!paw_dtls_record_read(&rd, &record) || record.epoch != 0 ||
        record.content != PAW_DTLS_CONTENT_HANDSHAKE) {
      return PAW_ERR_MALFORMED;
    }
    int status = add_record(hello, allocator, &record);
    if (status != PAW_OK) {
      return status;
    }
  }
  if (hello->block != NULL && hello->missing == 0) {
    *whole = write_headers(hello, &record);
  }
  return PAW_OK;
}
