/* SPDX-License-Identifier: MIT */
/* What the fuzz targets playout, whep_body and program_text have found. The inputs themselves are
 * in fuzz/crashes and are replayed by the suite fuzz-replay. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "../../fuzz/opus_frames.h"
#include "kit/pair.h"
#include "playout/playout.h"
#include "sdp/text_file.h"
#include "whep_server.h"

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

static void hand_in(struct paw_playout *player, uint64_t now_ns, unsigned number,
                    const struct opus_frame *frame) {
  struct paw_audio_packet packet = {.data = frame->data,
                                    .len = frame->len,
                                    .arrival_ns = now_ns,
                                    .ssrc = 1,
                                    .timestamp_rtp = number * 960,
                                    .sequence = (uint16_t)number,
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
  hand_in(player, now_ns, 0, &opus_frames[1]);
  hand_in(player, now_ns, 1, &opus_frames[4]); /* empty: DTX */
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

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_answer_that_would_be_too_long),
      cmocka_unit_test(a_play_time_out_of_the_world_in_a_pause),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
