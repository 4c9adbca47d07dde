/* SPDX-License-Identifier: MIT */
/* A decrypted datagram as RTCP, compound or of reduced size. What a packet says can be written, and
 * reads as the same again; a reader refuses packets of other types. */
#include "fuzz.h"

#include "rtcp/rtcp.h"

#define ROOM 8192

/* A packet of its own on the heap, taken from what was just written; its bytes to be freed. */
static uint8_t *read_written(const struct paw_wr *wr, struct paw_rtcp_packet *packet) {
  FUZZ_CHECK(!wr->bad && wr->len % 4 == 0);
  uint8_t *exact = fuzz_copy(wr->data, wr->len);
  struct paw_rd rd = paw_rd_init(exact, wr->len);
  FUZZ_CHECK(paw_rtcp_next(&rd, packet) && paw_rd_end(&rd));
  return exact;
}

static bool try_report(const struct paw_rtcp_packet *packet) {
  struct paw_rtcp_report report;
  int status = paw_rtcp_read_report(packet, &report);
  if (status != PAW_OK) {
    return status == PAW_ERR_MALFORMED;
  }
  uint8_t written[ROOM];
  struct paw_wr wr = paw_wr_init(written, sizeof written);
  if (packet->type == PAW_RTCP_SR) {
    paw_rtcp_write_sender_report(&wr, &report);
  } else {
    paw_rtcp_write_receiver_report(&wr, &report);
  }
  struct paw_rtcp_packet second;
  struct paw_rtcp_report again;
  uint8_t *bytes = read_written(&wr, &second);
  FUZZ_CHECK(second.type == packet->type && paw_rtcp_read_report(&second, &again) == PAW_OK);
  FUZZ_CHECK(again.ssrc == report.ssrc && again.block_count == report.block_count);
  FUZZ_CHECK(again.sender.ntp == report.sender.ntp);
  FUZZ_CHECK(again.sender.timestamp_rtp == report.sender.timestamp_rtp);
  FUZZ_CHECK(again.sender.packets == report.sender.packets);
  FUZZ_CHECK(again.sender.octets == report.sender.octets);
  for (size_t i = 0; i < report.block_count; i++) {
    const struct paw_rtcp_report_block *a = &report.blocks[i];
    const struct paw_rtcp_report_block *b = &again.blocks[i];
    FUZZ_CHECK(a->ssrc == b->ssrc && a->fraction_lost == b->fraction_lost);
    FUZZ_CHECK(a->cumulative_lost == b->cumulative_lost);
    FUZZ_CHECK(a->highest_sequence == b->highest_sequence && a->jitter_rtp == b->jitter_rtp);
    FUZZ_CHECK(a->last_sr == b->last_sr && a->delay_since_last_sr == b->delay_since_last_sr);
  }
  free(bytes);
  return true;
}

static bool try_sdes(const struct paw_rtcp_packet *packet) {
  uint32_t ssrc = 0;
  struct paw_slice cname;
  int status = paw_rtcp_read_sdes(packet, &ssrc, &cname);
  if (status != PAW_OK) {
    return status == PAW_ERR_MALFORMED;
  }
  if (cname.len > 0 && memchr(cname.data, 0, cname.len) == NULL) {
    char name[256] = {0};
    FUZZ_CHECK(cname.len < sizeof name);
    memcpy(name, cname.data, cname.len);
    uint8_t written[ROOM];
    struct paw_wr wr = paw_wr_init(written, sizeof written);
    paw_rtcp_write_sdes(&wr, ssrc, name);
    struct paw_rtcp_packet second;
    uint32_t ssrc_again = 0;
    struct paw_slice again;
    uint8_t *bytes = read_written(&wr, &second);
    FUZZ_CHECK(paw_rtcp_read_sdes(&second, &ssrc_again, &again) == PAW_OK);
    FUZZ_CHECK(ssrc_again == ssrc && again.len == cname.len);
    FUZZ_CHECK(memcmp(again.data, cname.data, cname.len) == 0);
    free(bytes);
  }
  return true;
}

static bool try_bye(const struct paw_rtcp_packet *packet) {
  uint32_t ssrcs[31];
  size_t count = 0;
  int status = paw_rtcp_read_bye(packet, ssrcs, &count);
  FUZZ_CHECK(status == PAW_OK || count == 0);
  if (status == PAW_OK && count > 0) {
    uint8_t written[ROOM];
    struct paw_wr wr = paw_wr_init(written, sizeof written);
    paw_rtcp_write_bye(&wr, ssrcs[count - 1]);
    struct paw_rtcp_packet second;
    uint32_t again[31];
    uint8_t *bytes = read_written(&wr, &second);
    size_t again_count = 0;
    FUZZ_CHECK(paw_rtcp_read_bye(&second, again, &again_count) == PAW_OK);
    FUZZ_CHECK(again_count == 1 && again[0] == ssrcs[count - 1]);
    free(bytes);
  }
  return status != PAW_ERR_INVALID;
}

/* ---- feedback ---- */

/* Both name the same numbers; a number named twice may be left out. */
static void check_same_set(const uint16_t *a, size_t a_count, const uint16_t *b, size_t b_count) {
  static uint8_t seen[65536];
  for (size_t i = 0; i < a_count; i++) {
    seen[a[i]] = 1;
  }
  for (size_t i = 0; i < b_count; i++) {
    FUZZ_CHECK(seen[b[i]] != 0);
    seen[b[i]] = 2;
  }
  for (size_t i = 0; i < a_count; i++) {
    FUZZ_CHECK(seen[a[i]] == 2);
  }
  for (size_t i = 0; i < a_count; i++) {
    seen[a[i]] = 0;
  }
}

static bool try_nack(const struct paw_rtcp_packet *packet) {
  uint32_t sender = 0;
  uint32_t media = 0;
  uint16_t sequences[PAW_RTCP_NACK_SEQUENCES_MAX];
  size_t count = 0;
  int status =
      paw_rtcp_read_nack(packet, &sender, &media, sequences, PAW_RTCP_NACK_SEQUENCES_MAX, &count);
  if (status != PAW_OK) {
    FUZZ_CHECK(count == 0);
    return status != PAW_ERR_INVALID;
  }
  uint16_t few[3];
  size_t few_count = 0;
  FUZZ_CHECK(paw_rtcp_read_nack(packet, &sender, &media, few, 3, &few_count) == PAW_OK);
  FUZZ_CHECK(few_count == (count < 3 ? count : 3));
  FUZZ_CHECK(memcmp(few, sequences, few_count * sizeof few[0]) == 0);

  uint8_t written[ROOM];
  struct paw_wr wr = paw_wr_init(written, sizeof written);
  paw_rtcp_write_nack(&wr, sender, media, sequences, count);
  struct paw_rtcp_packet second;
  uint16_t again[PAW_RTCP_NACK_SEQUENCES_MAX];
  size_t again_count = 0;
  uint32_t sender_again = 0;
  uint32_t media_again = 0;
  uint8_t *bytes = read_written(&wr, &second);
  FUZZ_CHECK(paw_rtcp_read_nack(&second, &sender_again, &media_again, again,
                                PAW_RTCP_NACK_SEQUENCES_MAX, &again_count) == PAW_OK);
  FUZZ_CHECK(sender_again == sender && media_again == media);
  check_same_set(sequences, count, again, again_count);
  free(bytes);
  return true;
}

/* ---- extended reports ---- */

static void write_xr(const struct paw_rtcp_xr *xr, uint32_t own_ssrc) {
  uint8_t written[ROOM];
  struct paw_rtcp_packet second;
  struct paw_rtcp_xr again;
  if (xr->has_reference_time) {
    struct paw_wr wr = paw_wr_init(written, sizeof written);
    paw_rtcp_write_rrtr(&wr, xr->ssrc, xr->reference_ntp);
    uint8_t *bytes = read_written(&wr, &second);
    FUZZ_CHECK(paw_rtcp_read_xr(&second, own_ssrc, &again) == PAW_OK);
    FUZZ_CHECK(again.has_reference_time && !again.has_dlrr && again.ssrc == xr->ssrc);
    FUZZ_CHECK(again.reference_ntp == xr->reference_ntp);
    free(bytes);
  }
  if (xr->has_dlrr) {
    struct paw_wr wr = paw_wr_init(written, sizeof written);
    paw_rtcp_write_dlrr(&wr, xr->ssrc, own_ssrc, xr->last_rr, xr->delay_since_last_rr);
    uint8_t *bytes = read_written(&wr, &second);
    FUZZ_CHECK(paw_rtcp_read_xr(&second, own_ssrc, &again) == PAW_OK);
    FUZZ_CHECK(again.has_dlrr && !again.has_reference_time && again.last_rr == xr->last_rr);
    FUZZ_CHECK(again.delay_since_last_rr == xr->delay_since_last_rr);
    free(bytes);
  }
}

/* Ours is the SSRC where a first block of DLRR has one. */
static bool try_xr(const struct paw_rtcp_packet *packet) {
  struct paw_rd rd = packet->body;
  paw_rd_skip(&rd, 8);
  uint32_t own_ssrc = paw_rd_u32(&rd);
  struct paw_rtcp_xr xr;
  int status = paw_rtcp_read_xr(packet, own_ssrc, &xr);
  if (status == PAW_OK) {
    write_xr(&xr, own_ssrc);
  }
  return status != PAW_ERR_INVALID;
}

/* ---- the datagram ---- */

/* Whether the reader of each type took it for one of its own. */
static void try_packet(const struct paw_rtcp_packet *packet) {
  bool is_report = packet->type == PAW_RTCP_SR || packet->type == PAW_RTCP_RR;
  FUZZ_CHECK(try_report(packet) == is_report);
  FUZZ_CHECK(try_sdes(packet) == (packet->type == PAW_RTCP_SDES));
  FUZZ_CHECK(try_bye(packet) == (packet->type == PAW_RTCP_BYE));
  FUZZ_CHECK(try_nack(packet) == (packet->type == PAW_RTCP_RTPFB));
  FUZZ_CHECK(try_xr(packet) == (packet->type == PAW_RTCP_XR));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct paw_rd compound = paw_rd_init(data, size);
  struct paw_rtcp_packet packet;
  while (paw_rtcp_next(&compound, &packet)) {
    try_packet(&packet);
  }
  FUZZ_CHECK(compound.bad || compound.left == 0);
  return 0;
}
