/* SPDX-License-Identifier: MIT */
/* Every allocation of the programs' logic fails in turn, from the tokens file over offer, ICE
 * restart, and farewell to the session that expires: each request is answered, nothing leaks, and
 * who asks once more gets it. The connections behind it are real ones, in a hub. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pawebrtc/hub.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kit/alloc.h"
#include "kit/clock.h"
#include "kit/peer.h"
#include "oom.h"
#include "tokens.h"
#include "wav.h"
#include "whep_server.h"

#define FRAGMENT_TYPE "application/trickle-ice-sdpfrag"

struct house {
  struct paw_hub *hub;
  struct paw_hub_track *track;
  struct whep_server *server;
  struct tokens tokens;
  struct kit_rng rng;
  uint64_t now_ns;
  uint64_t refused; /* requests that were not granted at first */
  bool again;       /* who is refused asks once more */
  char authorization[TOKEN_LEN_MAX + 16];
  char location[HTTP_HEADER_VALUE_SIZE];
  char etag[HTTP_HEADER_VALUE_SIZE];
  struct paw_rtc *listener; /* the other side's */
  struct kit_rng listener_rng;
};

/* ---- the connections, as pa-send makes them ---- */

static int accept_peer(void *user_data, uint64_t now_ns, const char *offer, size_t offer_len,
                       char *answer, size_t *answer_len, uint64_t *peer) {
  struct house *house = user_data;
  struct paw_rtc_config config;
  struct paw_rtc *rtc = NULL;
  struct paw_candidate candidate = {.type = PAW_CANDIDATE_HOST};
  assert_int_equal(paw_address_parse("192.0.2.1:8443", &candidate.address), PAW_OK);
  paw_rtc_config_init(&config);
  config.audio.direction = PAW_DIRECTION_SENDONLY;
  config.certificate = kit_certificate(0);
  config.rng = kit_rng_hook(&house->rng);
  int status = paw_rtc_new(&config, now_ns, &rtc);
  if (status == PAW_OK) {
    status = paw_rtc_add_local_candidate(rtc, &candidate);
  }
  if (status == PAW_OK) {
    status = paw_rtc_accept_offer(rtc, now_ns, offer, offer_len, answer, answer_len);
  }
  if (status == PAW_OK) {
    status = paw_hub_add(house->hub, rtc, peer);
  }
  if (status != PAW_OK) {
    paw_rtc_free(rtc);
    return status;
  }
  status = paw_hub_subscribe(house->hub, *peer, house->track);
  if (status != PAW_OK) {
    paw_hub_remove(house->hub, *peer);
  }
  return status;
}

static int patch_peer(void *user_data, uint64_t now_ns, uint64_t peer, const char *fragment,
                      size_t fragment_len, bool *restarted, char *answer, size_t *answer_len) {
  struct house *house = user_data;
  struct paw_rtc *rtc = paw_hub_get_rtc(house->hub, peer);
  assert_non_null(rtc);
  int status = paw_rtc_accept_ice_fragment(rtc, now_ns, fragment, fragment_len, restarted);
  return status == PAW_OK && *restarted ? paw_rtc_write_ice_fragment(rtc, answer, answer_len)
                                        : status;
}

static void end_peer(void *user_data, uint64_t now_ns, uint64_t peer) {
  struct house *house = user_data;
  paw_rtc_close(paw_hub_get_rtc(house->hub, peer), now_ns);
}

/* Nothing is sent anywhere: what matters is who is there. */
static void drain(struct house *house) {
  struct paw_transmit batch[8];
  struct paw_rtc_event event;
  paw_hub_peer peer = 0;
  size_t count = 1;
  while (count > 0) {
    paw_hub_poll_transmits(house->hub, batch, 8, &count);
    while (paw_hub_poll_event(house->hub, &peer, &event)) {
      count = 1;
      if (event.kind == PAW_RTC_EVENT_CLOSED) {
        whep_server_note_closed(house->server, peer);
        paw_hub_remove(house->hub, peer);
      }
    }
  }
}

/* ---- requests ---- */

/* Returns the status; what is needed of the answer is kept. */
static int ask(struct house *house, struct http_request *request) {
  struct http_response response = {0};
  request->authorization = house->authorization;
  request->now_ns = house->now_ns;
  whep_server_handle(house->server, request, &response);
  int status = response.status;
  const char *location = http_response_get(&response, "Location");
  const char *etag = http_response_get(&response, "ETag");
  if (location != NULL) {
    (void)snprintf(house->location, sizeof house->location, "%s", location);
  }
  if (etag != NULL) {
    (void)snprintf(house->etag, sizeof house->etag, "%s", etag);
  }
  http_response_wipe(&response);
  drain(house);
  return status;
}

/* Granted, now or at the second try; what is refused is refused as it should be. */
static bool grant(struct house *house, struct http_request *request, int granted, int refusal) {
  int status = ask(house, request);
  if (status != granted) {
    assert_int_equal(status, refusal);
    house->refused++;
    status = house->again ? ask(house, request) : status;
  }
  assert_true(status == granted || (!house->again && status == refusal));
  return status == granted;
}

static bool post(struct house *house) {
  static char offer[KIT_SDP_MAX];
  struct paw_rtc_config config;
  size_t len = sizeof offer;
  kit_malloc_spare(true);
  paw_rtc_free(house->listener);
  paw_rtc_config_init(&config);
  config.audio.direction = PAW_DIRECTION_RECVONLY;
  config.certificate = kit_certificate(1);
  config.rng = kit_rng_hook(&house->listener_rng);
  assert_int_equal(paw_rtc_new(&config, house->now_ns, &house->listener), PAW_OK);
  assert_int_equal(paw_rtc_create_offer(house->listener, offer, &len), PAW_OK);
  kit_malloc_spare(false);
  struct http_request request = {.method = HTTP_POST,
                                 .path = "/whep",
                                 .content_type = "application/sdp",
                                 .body = offer,
                                 .body_len = len};
  return grant(house, &request, 201, 503);
}

static bool patch(struct house *house, const char *ufrag) {
  char fragment[256];
  int len = snprintf(fragment, sizeof fragment,
                     "a=ice-ufrag:%s\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\n"
                     "m=audio 9 RTP/AVP 0\r\na=mid:0\r\n"
                     "a=candidate:1 1 udp 2130706431 192.0.2.7 5000 typ host\r\n",
                     ufrag);
  struct http_request request = {.method = HTTP_PATCH,
                                 .path = house->location,
                                 .content_type = FRAGMENT_TYPE,
                                 .if_match = house->etag,
                                 .body = fragment,
                                 .body_len = (size_t)len};
  return grant(house, &request, 200, 500);
}

static void end_session(struct house *house) {
  struct http_request request = {.method = HTTP_DELETE, .path = house->location};
  assert_int_equal(ask(house, &request), 200);
}

/* ---- a life ---- */

static void load_tokens(struct house *house) {
  char folder[] = "/tmp/oom-XXXXXX";
  char path[64];
  struct fault fault;
  struct paw_rng rng = kit_rng_hook(&house->rng);
  kit_malloc_spare(true);
  assert_non_null(mkdtemp(folder));
  (void)snprintf(path, sizeof path, "%s/tokens", folder);
  assert_int_equal(tokens_load(path, &rng, &house->tokens, &fault), 0);
  kit_malloc_spare(false);
  int status = tokens_load(path, &rng, &house->tokens, &fault);
  if (status != 0) {
    assert_non_null(strstr(fault.text, "out of memory"));
    house->refused++;
    kit_malloc_spare(true);
    assert_int_equal(tokens_load(path, &rng, &house->tokens, &fault), 0);
    kit_malloc_spare(false);
  }
  (void)snprintf(house->authorization, sizeof house->authorization, "Bearer %s",
                 tokens_first(&house->tokens, TOKEN_LISTENER)->text);
  assert_int_equal(unlink(path), 0);
  assert_int_equal(rmdir(folder), 0);
}

static struct whep_server *make_server(struct house *house) {
  struct whep_config config = {
      .kind = WHEP_LISTEN,
      .path = "/whep",
      .tokens = &house->tokens,
      .rng = kit_rng_hook(&house->rng),
      .backend = {.accept = accept_peer, .patch = patch_peer, .end = end_peer, .user_data = house},
      .max_sessions = 2};
  struct whep_server *server = whep_server_new(&config);
  if (server == NULL) {
    house->refused++;
    server = house->again ? whep_server_new(&config) : NULL;
  }
  return server;
}

static bool make_hub(struct house *house) {
  struct paw_hub_config config;
  paw_hub_config_init(&config);
  int status = paw_hub_new(&config, house->now_ns, &house->hub);
  if (status == PAW_OK) {
    status = paw_hub_track_new(house->hub, &house->track);
  }
  assert_true(status == PAW_OK || status == PAW_ERR_NO_MEMORY);
  house->refused += status != PAW_OK;
  return status == PAW_OK;
}

static void serve(struct house *house) {
  load_tokens(house);
  house->server = make_server(house);
  if (house->server == NULL || !make_hub(house)) {
    return;
  }
  if (post(house)) {
    (void)patch(house, "abcd");
    (void)patch(house, "efgh");
    end_session(house);
    assert_int_equal(whep_server_get_session_count(house->server), 0);
  }
  if (post(house)) {
    house->now_ns += WHEP_CONNECT_NS;
    whep_server_expire(house->server, house->now_ns);
    drain(house);
  }
  assert_int_equal(whep_server_get_session_count(house->server), 0);
  assert_int_equal(paw_hub_get_peer_count(house->hub), 0);
  /* The next session. */
  kit_malloc_fail(0, false);
  uint64_t refused = house->refused;
  assert_true(post(house) && patch(house, "ijkl"));
  assert_true(house->refused == refused);
  end_session(house);
}

static struct kit_malloc_counts count_life(uint64_t nth, bool all_after, uint64_t *refused) {
  static struct house house;
  memset(&house, 0, sizeof house);
  house.again = !all_after;
  house.now_ns = KIT_CLOCK_ORIGIN_NS;
  kit_rng_init(&house.rng, 6);
  kit_rng_init(&house.listener_rng, 7);
  kit_malloc_start();
  kit_malloc_fail(nth, all_after);
  serve(&house);
  whep_server_free(house.server);
  paw_hub_free(house.hub);
  paw_rtc_free(house.listener);
  struct kit_malloc_counts counts = kit_malloc_stop();
  *refused += house.refused;
  return counts;
}

static bool live(uint64_t nth, bool all_after, void *context) {
  struct kit_malloc_counts counts = count_life(nth, all_after, context);
  assert_int_equal(counts.outstanding, 0);
  return counts.failed > 0;
}

static void expect_next_session(void *context) {
  uint64_t before = *(uint64_t *)context;
  assert_false(live(0, false, context));
  assert_int_equal(*(uint64_t *)context, before);
}

static void requests(void **state) {
  (void)state;
  uint64_t refused = 0;
  /* What is made once for the process is no leak. */
  (void)count_life(0, false, &refused);
  expect_next_session(&refused);
  if (!kit_malloc_can_fail()) {
    skip();
  }
  oom_fail_each(live, expect_next_session, false, &refused, 1);
  oom_fail_each(live, expect_next_session, true, &refused, 1);
  assert_true(oom_tries_one() || refused > 20);
}

/* ---- a file of sound ---- */

static bool read_sound(uint64_t nth, bool all_after, void *context) {
  const char *path = context;
  struct wav_audio audio = {0};
  struct fault fault;
  kit_malloc_start();
  kit_malloc_fail(nth, all_after);
  int status = wav_audio_read(&audio, path, &fault);
  if (status == 0) {
    assert_int_equal(audio.frames, 100);
  }
  wav_audio_wipe(&audio);
  struct kit_malloc_counts counts = kit_malloc_stop();
  assert_int_equal(counts.outstanding, 0);
  assert_true(status == 0 || counts.failed > 0);
  return counts.failed > 0;
}

static void read_again(void *context) {
  assert_false(read_sound(0, false, context));
}

static void sound_files(void **state) {
  (void)state;
  if (!kit_malloc_can_fail()) {
    skip();
  }
  char path[] = "/tmp/oom-XXXXXX";
  static const int16_t pcm[200];
  struct wav_writer writer;
  struct fault fault;
  int file = mkstemp(path);
  assert_true(file >= 0);
  close(file);
  assert_int_equal(wav_writer_open(&writer, path, 48000, 2, &fault), 0);
  assert_int_equal(wav_writer_write(&writer, pcm, 100, &fault), 0);
  assert_int_equal(wav_writer_close(&writer, &fault), 0);
  oom_fail_each(read_sound, read_again, false, path, 1);
  oom_fail_each(read_sound, read_again, true, path, 1);
  unlink(path);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(requests),
      cmocka_unit_test(sound_files),
  };
  oom_read_arguments(argc, argv);
  return cmocka_run_group_tests_name("out_of_memory_server", tests, NULL, NULL);
}
