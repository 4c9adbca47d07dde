/* SPDX-License-Identifier: MIT */
/* A member of a hub that floods it, with what strangers can send and with what only a member can:
 * the others get every packet at its time, memory does not grow, and what the flooder gets back is
 * bounded. */
#include "scenario/flood.h"

#include <stdio.h>
#include <string.h>

#include "rtc/rtc_private.h"
#include "rtcp/rtcp.h"

#define SECONDS (FLOOD_MS / 1000)
#define MEDIA (FLOOD_MS / 10)      /* to each member */
#define CONTROL_MAX (20 * SECONDS) /* reports and checks of a member that does not flood */

static const char *pwd_of(const struct flood *flood) {
  return paw_ice_get_credentials(flood->hub_rtc->ice)->pwd;
}

static uint32_t own_ssrc(const struct flood *flood) {
  return flood->flooder->peer.rtc->local_ssrc;
}

/* ---- STUN ---- */

static void good_checks(struct flood *flood, unsigned ms) {
  (void)ms;
  for (int i = 0; i < 5; i++) {
    flood_send_check(flood, paw_rtc_get_ufrag(flood->hub_rtc), pwd_of(flood), true);
  }
}

/* 100 more at first, 500 a second, and the checks of the hub that they trigger. */
static void checks(void **state) {
  (void)state;
  struct flood flood = flood_run(&(struct flood_case){
      .name = "good checks",
      .burst = good_checks,
      .answers_max = MEDIA + CONTROL_MAX + 128 + SECONDS * (500 + 50),
  });
  assert_true(flood.stats.ice.requests_received >= 5 * FLOOD_MS - 100);
  assert_true(flood.stats.ice.dropped_limit > 10000);
}

static void bad_checks(struct flood *flood, unsigned ms) {
  const char *own = paw_rtc_get_ufrag(flood->hub_rtc);
  const struct kit_crowd *crowd = flood->crowd;
  const char *other =
      paw_rtc_get_ufrag(paw_hub_get_rtc(crowd->hub, crowd->members[1 + ms % 3].name));
  flood_send_check(flood, own, "wrongwrongwrongwrongwr", true);
  flood_send_check(flood, own, "", false);
  flood_send_check(flood, other, pwd_of(flood), true);
  flood_send_check(flood, other, "", false);
  flood_send_check(flood, "unknown0", pwd_of(flood), true);
}

/* 20 errors a second of each of the four agents that are named. */
static void unauthenticated_checks(void **state) {
  (void)state;
  struct flood flood = flood_run(&(struct flood_case){
      .name = "unauthenticated checks",
      .burst = bad_checks,
      .answers_max = MEDIA + CONTROL_MAX + 4 * (20 * SECONDS + 1),
  });
  assert_true(flood.stats.ice.dropped_integrity >= 2 * FLOOD_MS - 10);
}

/* ---- bad SRTP ---- */

static void garbage_media(struct flood *flood, unsigned ms) {
  uint8_t data[172] = {0x80, flood->hub_rtc->local.opus_payload_type};
  for (unsigned i = 0; i < 8; i++) {
    memset(data + 2, (int)(ms * 8 + i), sizeof data - 2);
    memcpy(data + 8, &ms, sizeof ms); /* ever new SSRCs */
    data[1] = i % 4 == 3 ? 201 : data[1];
    flood_send(flood, data, sizeof data);
    data[1] = flood->hub_rtc->local.opus_payload_type;
  }
}

static void bad_srtp(void **state) {
  (void)state;
  struct flood flood = flood_run(&(struct flood_case){
      .name = "SRTP and SRTCP of nobody",
      .burst = garbage_media,
      .answers_max = MEDIA + CONTROL_MAX,
  });
  assert_true(flood.stats.drops[PAW_DROP_SRTP_AUTH] >= 6 * FLOOD_MS - 60);
  assert_true(flood.stats.drops[PAW_DROP_SRTCP_AUTH] + flood.stats.drops[PAW_DROP_RTCP_MALFORMED] >=
              2 * FLOOD_MS - 20);
}

/* ---- RTCP ---- */

static void write_all_numbers(struct flood *flood, struct paw_wr *wr) {
  uint16_t sequences[PAW_RTCP_NACK_SEQUENCES_MAX];
  uint16_t newest = (uint16_t)(flood->hub_rtc->send.base_sequence +
                               (flood->hub_rtc->send.next_index - flood->hub_rtc->send.base_index));
  for (uint16_t i = 0; i < PAW_RTCP_NACK_SEQUENCES_MAX; i++) {
    sequences[i] = (uint16_t)(newest - 1000 + i);
  }
  paw_rtcp_write_nack(wr, own_ssrc(flood), flood->hub_rtc->local_ssrc, sequences,
                      PAW_RTCP_NACK_SEQUENCES_MAX);
}

/* All that fit in a datagram: 5000 sequence numbers. */
static void ask_for_everything(struct flood *flood, unsigned ms) {
  uint8_t plain[PAW_DATAGRAM_MAX - PAW_SRTP_TRAILER_MAX];
  (void)ms;
  for (int i = 0; i < 2; i++) {
    struct paw_wr wr = paw_wr_init(plain, sizeof plain);
    for (int k = 0; k < 5; k++) {
      write_all_numbers(flood, &wr);
    }
    assert_false(wr.bad);
    flood_send_rtcp(flood, plain, wr.len);
  }
}

static void nack_storm(void **state) {
  (void)state;
  struct flood flood = flood_run(&(struct flood_case){
      .name = "NACK storm",
      .burst = ask_for_everything,
      .answers_max = 2 * MEDIA + PAW_SEND_RESENDS_MAX + CONTROL_MAX,
  });
  assert_true(flood.stats.packets_resent <= MEDIA + PAW_SEND_RESENDS_MAX);
  assert_true(flood.stats.packets_resent > 0);
  assert_true(flood.stats.nacks_received > 5000 * FLOOD_MS);
  assert_true(flood.stats.nacks_duplicate <= PAW_SEND_LOOKS_MAX + MEDIA * PAW_SEND_LOOKS_A_FRAME);
}

static void ask_for_the_time(struct flood *flood, unsigned ms) {
  uint8_t plain[100];
  for (uint64_t i = 0; i < 5; i++) {
    struct paw_wr wr = paw_wr_init(plain, sizeof plain);
    paw_rtcp_write_rrtr(&wr, own_ssrc(flood), ((uint64_t)ms << 32) + i + 1);
    flood_send_rtcp(flood, plain, wr.len);
  }
}

static void lone_reference_times(void **state) {
  (void)state;
  struct flood flood = flood_run(&(struct flood_case){
      .name = "lone reference times",
      .burst = ask_for_the_time,
      .answers_max = MEDIA + CONTROL_MAX + 50 * SECONDS,
  });
  assert_true(flood.stats.rtcp_received >= 5 * FLOOD_MS - 50);
}

static size_t write_reports(struct flood *flood, uint8_t *plain, size_t size) {
  struct paw_rtcp_report report = {.ssrc = own_ssrc(flood),
                                   .block_count = PAW_RTCP_REPORT_BLOCKS_MAX};
  for (size_t i = 0; i < report.block_count; i++) {
    report.blocks[i] = (struct paw_rtcp_report_block){
        .ssrc = flood->hub_rtc->local_ssrc, .fraction_lost = 255, .highest_sequence = 0xffffffff};
  }
  struct paw_wr wr = paw_wr_init(plain, size);
  paw_rtcp_write_receiver_report(&wr, &report);
  report.block_count = 25;
  paw_rtcp_write_sender_report(&wr, &report);
  assert_false(wr.bad);
  return wr.len;
}

static void every_rtcp(struct flood *flood, unsigned ms) {
  uint8_t plain[PAW_DATAGRAM_MAX - PAW_SRTP_TRAILER_MAX] = {0};
  flood_send_rtcp(flood, plain, write_reports(flood, plain, sizeof plain));
  struct paw_wr wr = paw_wr_init(plain, sizeof plain);
  paw_rtcp_write_dlrr(&wr, own_ssrc(flood), flood->hub_rtc->local_ssrc, ms, ms);
  paw_rtcp_write_bye(&wr, ms);
  paw_rtcp_write_sdes(&wr, ms, "somebody");
  flood_send_rtcp(flood, plain, wr.len);
  for (uint8_t type = 204; type < 210; type++) { /* APP, other feedback, what is not known */
    uint8_t odd[1000];
    struct paw_wr odd_wr = paw_wr_init(odd, sizeof odd);
    paw_wr_u8(&odd_wr, 0x8f);
    paw_wr_u8(&odd_wr, type);
    paw_wr_u16(&odd_wr, sizeof odd / 4 - 1);
    paw_wr_u32(&odd_wr, own_ssrc(flood));
    paw_wr_zeros(&odd_wr, sizeof odd - 8);
    flood_send_rtcp(flood, odd, sizeof odd);
  }
}

static void rtcp_of_all_kinds(void **state) {
  (void)state;
  struct flood flood = flood_run(&(struct flood_case){
      .name = "RTCP of all kinds",
      .burst = every_rtcp,
      .answers_max = MEDIA + CONTROL_MAX,
  });
  assert_true(flood.stats.rtcp_received >= 7 * FLOOD_MS);
}

/* ---- RTP ---- */

static void new_streams(struct flood *flood, unsigned ms) {
  for (uint32_t i = 0; i < 4; i++) {
    flood_send_rtp(flood, 0x10000000 + ms * 4 + i, 1);
  }
}

/* 12000 SSRCs, all authentic: the first 32 count, and of these four are followed. */
static void many_streams(void **state) {
  (void)state;
  for (int both_ways = 0; both_ways < 2; both_ways++) {
    struct flood flood = flood_run(&(struct flood_case){
        .name = both_ways ? "12000 SSRCs, to a hub" : "12000 SSRCs, unasked",
        .burst = new_streams,
        .both_ways = both_ways,
        .answers_max = MEDIA + CONTROL_MAX,
    });
    assert_true(flood.stats.drops[PAW_DROP_RTP_SSRC_LIMIT] >= 4 * FLOOD_MS - 50);
    assert_true(flood.stats.packets_received <= PAW_RTC_RECV_STREAMS_MAX);
  }
}

/* A stream that begins and says goodbye, again and again: each beginning would have a report go at
 * once. */
static void begin_and_end(struct flood *flood, unsigned ms) {
  uint8_t plain[100];
  struct paw_wr wr = paw_wr_init(plain, sizeof plain);
  flood_send_rtp(flood, 77, (uint16_t)ms);
  paw_rtcp_write_rrtr(&wr, own_ssrc(flood), ms + 1);
  paw_rtcp_write_bye(&wr, 77);
  flood_send_rtcp(flood, plain, wr.len);
}

static void stream_that_begins_again(void **state) {
  (void)state;
  struct flood flood = flood_run(&(struct flood_case){
      .name = "a stream begins and ends",
      .burst = begin_and_end,
      .both_ways = true,
      .answers_max = MEDIA + CONTROL_MAX + 50 * SECONDS,
  });
  assert_true(flood.stats.packets_received >= FLOOD_MS - 10);
}

static void send_media(struct flood *flood, unsigned ms) {
  for (unsigned i = 0; i < 4; i++) {
    flood_send_rtp(flood, 77, (uint16_t)(ms * 4 + i));
  }
}

static void good_media(void **state) {
  (void)state;
  struct flood flood = flood_run(&(struct flood_case){
      .name = "good media, 400 times",
      .burst = send_media,
      .both_ways = true,
      .answers_max = MEDIA + CONTROL_MAX,
  });
  assert_true(flood.stats.packets_received >= 4 * FLOOD_MS - 20);
}

/* ---- DTLS ---- */

static void handshake_records(struct flood *flood, unsigned ms) {
  uint8_t hello[300] = {22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 1, 1, 31, 1, 0, 1, 19, 0, 0};
  static const uint8_t alert[] = {21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40};
  uint8_t sealed[60] = {21, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 9, 0, 47};
  hello[10] = (uint8_t)ms;
  memset(sealed + 13, (int)ms, sizeof sealed - 13);
  flood_send(flood, hello, sizeof hello);
  flood_send(flood, alert, sizeof alert);
  flood_send(flood, sealed, sizeof sealed);
}

/* A server repeats its last flight to who repeats his: at most every 20 ms. */
static void dtls(void **state) {
  (void)state;
  struct flood flood = flood_run(&(struct flood_case){
      .name = "DTLS of all kinds",
      .burst = handshake_records,
      .answers_max = MEDIA + CONTROL_MAX + 50 * SECONDS,
  });
  assert_true(flood.stats.drops[PAW_DROP_DTLS] >= 2 * FLOOD_MS - 20);
}

/* ---- through the door: restarts and candidates ---- */

static void restart(struct flood *flood) {
  struct kit_crowd *crowd = flood->crowd;
  uint64_t now_ns = crowd->clock.now_ns;
  char offer[KIT_SDP_MAX];
  char answer[KIT_SDP_MAX];
  size_t len = sizeof offer;
  struct paw_rtc *own = flood->flooder->peer.rtc;
  assert_int_equal(paw_rtc_ice_restart(own, now_ns), PAW_OK);
  assert_int_equal(paw_rtc_create_offer(own, offer, &len), PAW_OK);
  struct paw_rtc *rtc = paw_hub_get_rtc(crowd->hub, flood->flooder->name);
  len = sizeof answer;
  assert_int_equal(paw_rtc_accept_offer(rtc, now_ns, offer, strlen(offer), answer, &len), PAW_OK);
  assert_int_equal(paw_rtc_accept_answer(own, now_ns, answer, strlen(answer)), PAW_OK);
  kit_peer_drain(&flood->flooder->peer, now_ns);
  kit_crowd_drain_hub(crowd);
}

/* Of strangers, and of the other members. */
static void add_candidates(struct flood *flood, unsigned ms) {
  struct kit_crowd *crowd = flood->crowd;
  struct paw_rtc *rtc = paw_hub_get_rtc(crowd->hub, flood->flooder->name);
  struct paw_candidate candidate = {.type = PAW_CANDIDATE_HOST, .priority = 0x7e000000 + ms};
  char text[PAW_ADDRESS_TEXT_SIZE];
  snprintf(text, sizeof text, "198.51.100.%u:%u", ms % 200 + 1, 1024 + ms);
  assert_int_equal(paw_address_parse(text, &candidate.address), PAW_OK);
  int status = paw_rtc_add_remote_candidate(rtc, &candidate);
  assert_true(status == PAW_OK || status == PAW_ERR_LIMIT);
  candidate.address = crowd->members[1 + ms % 3].peer.addresses[0];
  status = paw_rtc_add_remote_candidate(rtc, &candidate);
  assert_true(status == PAW_OK || status == PAW_ERR_LIMIT);
}

static void restart_and_add(struct flood *flood, unsigned ms) {
  if (ms % 10 == 0) {
    restart(flood);
  }
  add_candidates(flood, ms);
  kit_crowd_drain_hub(flood->crowd);
}

/* The tables of an agent grow to their bounds, no further. */
static void restarts_and_candidates(void **state) {
  (void)state;
  (void)flood_run(&(struct flood_case){
      .name = "restarts and candidates",
      .burst = restart_and_add,
      .growth_max = 20000,
      .answers_max = MEDIA + CONTROL_MAX + 200 * SECONDS,
  });
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(checks),
      cmocka_unit_test(unauthenticated_checks),
      cmocka_unit_test(bad_srtp),
      cmocka_unit_test(nack_storm),
      cmocka_unit_test(lone_reference_times),
      cmocka_unit_test(rtcp_of_all_kinds),
      cmocka_unit_test(many_streams),
      cmocka_unit_test(stream_that_begins_again),
      cmocka_unit_test(good_media),
      cmocka_unit_test(dtls),
      cmocka_unit_test(restarts_and_candidates),
  };
  return cmocka_run_group_tests_name("flood", tests, NULL, NULL);
}
