/* SPDX-License-Identifier: MIT */
/* A decrypted datagram as an RTP packet with its header extensions. What can be read can be
 * written, without CSRCs and padding, and reads as the same again. */
#include "fuzz.h"

#include "rtp/rtp.h"

#define ROOM 4096

static void check_same_elements(const struct paw_rtp_header *a, const struct paw_rtp_header *b) {
  struct paw_rtp_extension_reader a_reader;
  struct paw_rtp_extension_reader b_reader;
  struct paw_rtp_extension first;
  struct paw_rtp_extension second;
  paw_rtp_extension_reader_init(&a_reader, a);
  paw_rtp_extension_reader_init(&b_reader, b);
  while (paw_rtp_extension_next(&a_reader, &first)) {
    FUZZ_CHECK(paw_rtp_extension_next(&b_reader, &second));
    FUZZ_CHECK(first.id == second.id && first.value.len == second.value.len);
    FUZZ_CHECK(first.value.len == 0 ||
               memcmp(first.value.data, second.value.data, first.value.len) == 0);
  }
  FUZZ_CHECK(!paw_rtp_extension_next(&a_reader, &first)); /* the end stays the end */
  FUZZ_CHECK(!paw_rtp_extension_next(&b_reader, &second));
}

static void write_extension(struct paw_wr *wr, const struct paw_rtp_header *header) {
  struct paw_rtp_extension_reader reader;
  struct paw_rtp_extension_writer writer;
  struct paw_rtp_extension element;
  paw_rtp_extension_reader_init(&reader, header);
  paw_rtp_extension_begin(&writer, wr, reader.two_byte);
  while (paw_rtp_extension_next(&reader, &element)) {
    paw_rtp_extension_add(&writer, element.id, element.value.data, element.value.len);
  }
  paw_rtp_extension_end(&writer);
}

static void write_and_read(const struct paw_rtp_header *header, struct paw_slice payload) {
  uint8_t written[ROOM];
  struct paw_wr wr = paw_wr_init(written, sizeof written);
  bool extension = header->extension_profile != 0;
  paw_rtp_write_header(&wr, header, extension);
  if (extension) {
    write_extension(&wr, header);
  }
  paw_wr_bytes(&wr, payload.data, payload.len);
  FUZZ_CHECK(!wr.bad);

  uint8_t *exact = fuzz_copy(written, wr.len);
  struct paw_rtp_header again;
  struct paw_slice payload_again;
  FUZZ_CHECK(paw_rtp_read(exact, wr.len, &again, &payload_again) == PAW_OK);
  FUZZ_CHECK(again.marker == header->marker && again.payload_type == header->payload_type);
  FUZZ_CHECK(again.sequence == header->sequence && again.ssrc == header->ssrc);
  FUZZ_CHECK(again.timestamp_rtp == header->timestamp_rtp && again.csrc_count == 0);
  FUZZ_CHECK(payload_again.len == payload.len);
  FUZZ_CHECK(payload.len == 0 || memcmp(payload_again.data, payload.data, payload.len) == 0);
  check_same_elements(header, &again);
  free(exact);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct paw_rtp_header header;
  struct paw_slice payload;
  uint32_t ssrc = 0;
  uint8_t payload_type = 0;
  bool peeked = paw_rtp_peek(data, size, &ssrc, &payload_type);
  if (paw_rtp_read(data, size, &header, &payload) != PAW_OK) {
    return 0;
  }
  FUZZ_CHECK(peeked && ssrc == header.ssrc && payload_type == header.payload_type);
  FUZZ_CHECK(payload.len <= size && payload.data >= data && payload.data <= data + size);
  write_and_read(&header, payload);
  return 0;
}
