/* SPDX-License-Identifier: MIT */
/* What made a fuzz target fail, each as a case that tells what it was; the inputs themselves are in
 * fuzz/crashes/. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../fuzz/opus_frames.h"
#include "kit/crowd.h"
#include "kit/pair.h"
#include "playout/playout.h"
#include "sdp/text_file.h"
#include "whep_server.h"

#define OFFER(video)                                                                               \
  "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"                                            \
  "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:abcdefgh\r\n"                \
  "a=ice-pwd:0123456789abcdefghijklmn\r\n"                                                         \
  "a=fingerprint:sha-256 01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:"                         \
  "11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F:20\r\n"                                            \
  "a=setup:actpass\r\na=mid:0\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n" video

static int accept_by_rtc(void *user_data, uint64_t now_ns, const char *offer, size_t offer_len,
                         char *answer, size_t *answer_len, uint64_t *peer) {
  struct kit_rng rng;
  struct paw_rtc_config config;
  struct paw_rtc *rtc = NULL;
  int *status = user_data;
  kit_rng_init(&rng, 1);
  paw_rtc_config_init(&config);
  config.certificate = kit_certificate(0);
  config.rng = kit_rng_hook(&rng);
  assert_int_equal(paw_rtc_new(&config, now_ns, &rtc), PAW_OK);
  *status = paw_rtc_accept_offer(rtc, now_ns, offer, offer_len, answer, answer_len);
  *peer = 1;
  paw_rtc_free(rtc);
  return *status;
}

/* sdp_offer: an answer repeats mid and formats of the sections that it rejects. A carriage return
 * in them was a line of its own to parsers that take one alone for an end. */
static void no_carriage_return_within_a_line(void **state) {
  (void)state;
  static const char *const offers[] = {
      OFFER("m=video 9 UDP/TLS/RTP/SAVPF 96\ra=ice-lite\r\na=mid:1\r\n"),
      OFFER("m=video 9 UDP/TLS/RTP/SAVPF 96\r \r\na=mid:1\r\n"),
      OFFER("m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r \r\n"),
      OFFER("m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r "),
  };
  static const char harmless[] = OFFER("m=video 9 RTP/SAVPF 96\r\r\na=mid:1\r");
  char answer[4096];
  int status = PAW_OK;
  uint64_t peer = 0;
  for (size_t i = 0; i < sizeof offers / sizeof offers[0]; i++) {
    size_t len = sizeof answer;
    (void)accept_by_rtc(&status, KIT_CLOCK_ORIGIN_NS, offers[i], strlen(offers[i]), answer, &len,
                        &peer);
    assert_int_equal(status, PAW_ERR_MALFORMED);
  }
  /* At the end of a line they are harmless, however many. */
  size_t len = sizeof answer;
  (void)accept_by_rtc(&status, KIT_CLOCK_ORIGIN_NS, harmless, sizeof harmless - 1, answer, &len,
                      &peer);
  assert_int_equal(status, PAW_OK);
  for (const char *at = strchr(answer, '\r'); at != NULL; at = strchr(at + 1, '\r')) {
    assert_int_equal(at[1], '\n');
  }
}

/* Frames move the connection's clock on, not ICE's. A candidate that comes then sets a deadline by
 * the latter: it must not lie behind (rtc_script/candidate_behind_the_clock). */
static void a_candidate_behind_the_clock(void **state) {
  (void)state;
  struct kit_pair_config config;
  kit_pair_config_init(&config, 1);
  config.link.loss = 1;
  struct kit_pair *pair = kit_pair_new(&config);
  kit_pair_negotiate(pair);
  struct kit_peer *peer = &pair->peers[0];
  assert_true(peer->seen.datagrams_out > 0);
  kit_clock_advance_ms(&pair->clock, 10);
  const uint8_t data[] = {0xf8, 0xff, 0xfe};
  const struct paw_audio_frame frame = {
      .data = data, .len = sizeof data, .duration_rtp = 960, .level = PAW_AUDIO_LEVEL_NONE};
  assert_int_equal(paw_rtc_send_audio(peer->rtc, pair->clock.now_ns, &frame), PAW_OK);
  struct paw_candidate candidate = {.type = PAW_CANDIDATE_HOST, .priority = 1};
  assert_int_equal(paw_address_parse("192.0.2.9:9", &candidate.address), PAW_OK);
  assert_int_equal(paw_rtc_add_remote_candidate(peer->rtc, &candidate), PAW_OK);
  uint64_t before = peer->seen.datagrams_out;
  kit_peer_drain(peer, pair->clock.now_ns); /* asserts that the deadline lies ahead */
  assert_int_equal(peer->seen.datagrams_out, before + 1);
  kit_pair_free(pair);
}

/* A report is due sooner while media flows. Media that was made, but found no way out, brought it
 * forward to a time that had passed, when nothing had been sent for long; and no poll came after
 * it (rtc_input/media_that_never_went_out). */
static void media_without_a_path(void **state) {
  (void)state;
  struct kit_pair_config config;
  kit_pair_config_init(&config, 1);
  struct kit_pair *pair = kit_pair_connect(&config, 1000);
  struct kit_peer *peer = &pair->peers[0];
  kit_pair_run_ms(pair, 2000); /* an idle report comes after 2.5 s, another after 1.5 s at most */
  assert_int_equal(paw_rtc_remove_local_candidate(peer->rtc, &peer->addresses[0]), PAW_OK);
  kit_peer_drain(peer, pair->clock.now_ns);
  uint64_t before = peer->seen.datagrams_out;
  const uint8_t data[] = {0xf8, 0xff, 0xfe};
  const struct paw_audio_frame frame = {
      .data = data, .len = sizeof data, .duration_rtp = 960, .level = PAW_AUDIO_LEVEL_NONE};
  assert_int_equal(paw_rtc_send_audio(peer->rtc, pair->clock.now_ns, &frame), PAW_OK);
  kit_peer_drain(peer, pair->clock.now_ns); /* asserts that the deadline lies ahead */
  assert_int_equal(peer->seen.datagrams_out, before);
  kit_pair_free(pair);
}

/* Frames into a track move the hub's clock on, not that of a member that does not hear it. A
 * candidate that comes then is asked by the member's clock, and to be asked again before the hub's
 * time: the hub looks at it once more (rtc_script/hub_ahead_of_its_member). */
static void a_member_behind_the_hub(void **state) {
  (void)state;
  struct kit_crowd_config config;
  kit_crowd_config_init(&config, 1, 1);
  config.link.loss = 1;
  struct kit_crowd *crowd = kit_crowd_new(&config);
  assert_int_equal(paw_hub_subscribe(crowd->hub, crowd->members[0].name, NULL), PAW_OK);
  kit_crowd_drain_hub(crowd);
  kit_crowd_run_ms(crowd, 1760); /* checks are 200 ms apart now, the last was 10 ms ago */
  const uint8_t data[] = {0xf8, 0xff, 0xfe};
  const struct paw_audio_frame frame = {
      .data = data, .len = sizeof data, .duration_rtp = 960, .level = PAW_AUDIO_LEVEL_NONE};
  kit_clock_advance_ms(&crowd->clock, 100);
  assert_true(crowd->hub_deadline_ns > crowd->clock.now_ns);
  assert_int_equal(paw_hub_track_send(crowd->hub, crowd->track, crowd->clock.now_ns, &frame),
                   PAW_OK);
  kit_crowd_drain_hub(crowd);
  struct paw_candidate candidate = {.type = PAW_CANDIDATE_HOST, .priority = 1};
  assert_int_equal(paw_address_parse("192.0.2.9:9", &candidate.address), PAW_OK);
  struct paw_rtc *rtc = paw_hub_get_rtc(crowd->hub, crowd->members[0].name);
  assert_int_equal(paw_rtc_add_remote_candidate(rtc, &candidate), PAW_OK);
  kit_crowd_drain_hub(crowd); /* asserts that the deadline lies ahead */
  kit_crowd_free(crowd);
}

/* whep_body/answer_too_long: a section's formats are mirrored in the answer, which then did not fit
 * and was called the server's own fault (500). */
static void an_answer_that_would_be_too_long(void **state) {
  static const char head[] =
      SDP_SESSION SDP_MEDIA "a=mid:0\r\na=recvonly\r\nm=video 9 UDP/TLS/RTP/SAVPF";
  static struct tokens tokens = {.list = {{.role = TOKEN_LISTENER, .text = "listenerlistener"}},
                                 .count = 1};
  char offer[30000];
  struct http_response response = {0};
  struct kit_rng rng;
  int accepted = PAW_OK;
  (void)state;
  kit_rng_init(&rng, 2);
  memset(offer, ' ', sizeof offer);
  memcpy(offer, head, sizeof head - 1);
  for (size_t at = sizeof head; at + 4 < sizeof offer; at += 3) {
    memcpy(offer + at, "96", 2);
  }
  memcpy(offer + sizeof offer - 2, "\r\n", 2);
  struct whep_config config = {.kind = WHEP_LISTEN,
                               .path = "/whep",
                               .tokens = &tokens,
                               .rng = kit_rng_hook(&rng),
                               .backend = {.accept = accept_by_rtc, .user_data = &accepted},
                               .max_sessions = 1};
  struct whep_server *server = whep_server_new(&config);
  struct http_request request = {.method = HTTP_POST,
                                 .path = "/whep",
                                 .authorization = "Bearer listenerlistener",
                                 .content_type = "application/sdp",
                                 .body = offer,
                                 .body_len = sizeof offer,
                                 .now_ns = PAW_NS_PER_S};
  whep_server_handle(server, &request, &response);
  assert_int_equal(accepted, PAW_ERR_NO_BUFFER);
  assert_int_equal(response.status, 422);
  assert_int_equal(whep_server_get_session_count(server), 0);
  http_response_wipe(&response);
  whep_server_free(server);
}

static void hand_in(struct paw_playout *player, uint64_t now_ns, unsigned sequence, unsigned place,
                    const struct opus_frame *frame) {
  struct paw_audio_packet packet = {.data = frame->data,
                                    .len = frame->len,
                                    .arrival_ns = now_ns,
                                    .ssrc = 1,
                                    .timestamp_rtp = place * 960,
                                    .sequence = (uint16_t)sequence,
                                    .level = PAW_AUDIO_LEVEL_NONE};
  assert_int_equal(paw_playout_handle_input(player, now_ns, &packet), PAW_OK);
}

/* playout/pause_of_years: in a pause of the sender, one play time years ahead moved the position by
 * as much, and all of it was counted as removed. Too far is too far in a pause too: a resync. */
static void a_play_time_out_of_the_world_in_a_pause(void **state) {
  static int16_t pcm[5760];
  struct paw_playout_config config;
  struct paw_playout *player = NULL;
  struct paw_playout_stats stats;
  uint64_t now_ns = 10 * PAW_NS_PER_S;
  (void)state;
  paw_playout_config_init(&config);
  config.channels = 1;
  assert_int_equal(paw_playout_new(&config, &player), PAW_OK);
  hand_in(player, now_ns, 0, 0, &opus_frames[1]);
  hand_in(player, now_ns, 1, 1, &opus_frames[4]); /* empty: DTX */
  paw_playout_render(player, pcm, 5760, UINT64_C(0x01ffffffffffffff));
  assert_int_equal(player->sound.kind, PAW_PLAYOUT_KIND_COMFORT);
  paw_playout_get_stats(player, &stats);
  assert_in_range(stats.removed_samples, 0, 9600);
  paw_playout_render(player, pcm, 480, UINT64_C(0x01ffffffffffffff) + 120 * PAW_NS_PER_MS);
  paw_playout_get_stats(player, &stats);
  assert_int_equal(stats.resyncs, 1);
  assert_in_range(stats.removed_samples, 0, 9600);
  paw_playout_free(player);
}

/* playout/gap_filled_beyond_the_position: the sender's time went back after an outage. The next gap
 * then seemed to begin where the outage had, ahead of the position: when the delay grew, less than
 * nothing of it was heard, and as much was counted as put in and moved the position on. */
static void a_gap_before_that_of_an_outage(void **state) {
  static int16_t pcm[960];
  struct paw_playout_config config;
  struct paw_playout *player = NULL;
  struct paw_playout_stats stats;
  uint64_t now_ns = 10 * PAW_NS_PER_S;
  unsigned sequence = 0;
  (void)state;
  paw_playout_config_init(&config);
  config.channels = 1;
  assert_int_equal(paw_playout_new(&config, &player), PAW_OK);
  for (size_t i = 0; i < 100; i++, now_ns += 20 * PAW_NS_PER_MS) {
    if (i < 50) {
      hand_in(player, now_ns, sequence, sequence, &opus_frames[0]);
      sequence++;
    }
    paw_playout_render(player, pcm, 960, now_ns);
  }
  assert_int_equal(player->state, PAW_PLAYOUT_STALLED);
  hand_in(player, now_ns, sequence, sequence - 20, &opus_frames[0]);
  for (size_t i = 0; player->state != PAW_PLAYOUT_PLAYING || !player->pace.is_gap; i++) {
    assert_in_range(i, 0, 20);
    paw_playout_render(player, pcm, 480, now_ns);
    now_ns += 10 * PAW_NS_PER_MS;
  }
  assert_int_equal(paw_playout_set_delay_range(player, 200 * PAW_NS_PER_MS, 500 * PAW_NS_PER_MS),
                   PAW_OK);
  uint64_t position_rtp = player->sound.position_rtp;
  paw_playout_render(player, pcm, 480, now_ns);
  assert_in_range(player->sound.position_rtp, position_rtp, position_rtp + 960);
  paw_playout_get_stats(player, &stats);
  assert_in_range(stats.inserted_samples, 0, 960);
  paw_playout_free(player);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(no_carriage_return_within_a_line),
      cmocka_unit_test(a_candidate_behind_the_clock),
      cmocka_unit_test(media_without_a_path),
      cmocka_unit_test(a_member_behind_the_hub),
      cmocka_unit_test(an_answer_that_would_be_too_long),
      cmocka_unit_test(a_play_time_out_of_the_world_in_a_pause),
      cmocka_unit_test(a_gap_before_that_of_an_outage),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
