/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "whep_server.h"

#define LISTENER "Bearer listenerlistener"
#define SPEAKER "Bearer speakerspeakerspeaker"
#define TALKER "Bearer talkertalkertalker"
#define ADMIN "bearer  adminadminadminadmin"
#define BOUND "Bearer boundboundboundbound"
#define FRAGMENT "application/trickle-ice-sdpfrag"
#define START_NS (1000 * PAW_NS_PER_S)

struct bench {
  struct tokens tokens;
  struct whep_server *server;
  struct http_response response;
  uint64_t now_ns;
  int accept_status;
  uint64_t last_peer;
  uint64_t ended_peer;
  int patch_status;
  bool patch_restarts;
  unsigned patches;
  unsigned ends;
  uint8_t random;
};

static int accept_peer(void *user_data, uint64_t now_ns, const char *offer, size_t offer_len,
                       char *answer, size_t *answer_len, uint64_t *peer) {
  struct bench *bench = user_data;
  assert_true(now_ns == bench->now_ns);
  assert_int_equal(offer_len, 5);
  assert_memory_equal(offer, "offer", 5);
  assert_true(*answer_len >= 4096);
  if (bench->accept_status != PAW_OK) {
    return bench->accept_status;
  }
  memcpy(answer, "answer", 6);
  *answer_len = 6;
  *peer = ++bench->last_peer;
  return PAW_OK;
}

static int patch_peer(void *user_data, uint64_t now_ns, uint64_t peer, const char *fragment,
                      size_t fragment_len, bool *restarted, char *answer, size_t *answer_len) {
  struct bench *bench = user_data;
  assert_true(now_ns == bench->now_ns);
  assert_true(peer == bench->last_peer);
  assert_int_equal(fragment_len, 8);
  assert_memory_equal(fragment, "fragment", 8);
  bench->patches++;
  if (bench->patch_status != PAW_OK) {
    return bench->patch_status;
  }
  *restarted = bench->patch_restarts;
  if (*restarted) {
    memcpy(answer, "ours", 4);
    *answer_len = 4;
  }
  return PAW_OK;
}

static void end_peer(void *user_data, uint64_t now_ns, uint64_t peer) {
  struct bench *bench = user_data;
  assert_true(now_ns == bench->now_ns);
  bench->ended_peer = peer;
  bench->ends++;
}

static int count_up(void *user_data, uint8_t *out, size_t len) {
  struct bench *bench = user_data;
  memset(out, ++bench->random, len);
  return 0;
}

static int set_up_kind(void **state, enum whep_kind kind) {
  static struct bench bench;
  struct fault fault;
  bench = (struct bench){.now_ns = START_NS};
  assert_int_equal(tokens_parse("listener listenerlistener\nspeaker speakerspeakerspeaker\n"
                                "talker talkertalkertalker\nadmin adminadminadminadmin\n"
                                "speaker boundboundboundbound hall\n",
                                "tokens", &bench.tokens, &fault),
                   0);
  struct whep_config config = {
      .kind = kind,
      .path = kind == WHEP_LISTEN ? "/whep" : "/whip",
      .tokens = &bench.tokens,
      .rng = {.fill = count_up, .user_data = &bench},
      .backend = {.accept = accept_peer, .patch = patch_peer, .end = end_peer, .user_data = &bench},
      .max_sessions = 2};
  bench.server = whep_server_new(&config);
  assert_non_null(bench.server);
  *state = &bench;
  return 0;
}

static int set_up(void **state) {
  return set_up_kind(state, WHEP_LISTEN);
}

static int set_up_talk(void **state) {
  return set_up_kind(state, WHEP_TALK);
}

static int tear_down(void **state) {
  struct bench *bench = *state;
  http_response_wipe(&bench->response);
  whep_server_free(bench->server);
  return 0;
}

static int ask(struct bench *bench, const struct http_request *request) {
  struct http_request now = *request;
  now.now_ns = bench->now_ns;
  http_response_wipe(&bench->response);
  whep_server_handle(bench->server, &now, &bench->response);
  assert_string_equal(http_response_get(&bench->response, "Access-Control-Allow-Origin"), "*");
  assert_string_equal(http_response_get(&bench->response, "Access-Control-Expose-Headers"),
                      "Location, ETag, Link, Accept-Post, Accept-Patch");
  return bench->response.status;
}

static int post(struct bench *bench, const char *authorization) {
  return ask(bench, &(struct http_request){.method = HTTP_POST,
                                           .path = "/whep",
                                           .authorization = authorization,
                                           .content_type = "application/sdp",
                                           .body = "offer",
                                           .body_len = 5});
}

static int patch(struct bench *bench, const char *path, const char *if_match) {
  return ask(bench, &(struct http_request){.method = HTTP_PATCH,
                                           .path = path,
                                           .authorization = LISTENER,
                                           .content_type = FRAGMENT,
                                           .if_match = if_match,
                                           .body = "fragment",
                                           .body_len = 8});
}

static int plain(struct bench *bench, enum http_method method, const char *path,
                 const char *authorization) {
  return ask(bench, &(struct http_request){
                        .method = method, .path = path, .authorization = authorization});
}

static const char *header(struct bench *bench, const char *name) {
  const char *value = http_response_get(&bench->response, name);
  return value != NULL ? value : "";
}

/* Post and keep the session's address. */
static void join(struct bench *bench, const char *authorization, char *location) {
  assert_int_equal(post(bench, authorization), 201);
  (void)snprintf(location, HTTP_HEADER_VALUE_SIZE, "%s", header(bench, "Location"));
}

/* ---- POST ---- */

static void an_offer_is_answered_with_201(void **state) {
  struct bench *bench = *state;
  assert_int_equal(post(bench, LISTENER), 201);
  assert_string_equal(bench->response.content_type, "application/sdp");
  assert_int_equal(bench->response.body_len, 6);
  assert_memory_equal(bench->response.body, "answer", 6);
  assert_string_equal(header(bench, "Location"), "/whep/01010101010101010101010101010101");
  assert_string_equal(header(bench, "ETag"), "\"0202020202020202\"");
  assert_int_equal(whep_server_get_session_count(bench->server), 1);
}

static void only_known_tokens_may_listen(void **state) {
  struct bench *bench = *state;
  assert_int_equal(post(bench, NULL), 401);
  assert_string_equal(header(bench, "WWW-Authenticate"), "Bearer realm=\"pa-send\"");
  assert_int_equal(post(bench, "Bearer nobodynobodynobody"), 401);
  assert_non_null(strstr(header(bench, "WWW-Authenticate"), "invalid_token"));
  assert_int_equal(post(bench, "Basic listenerlistener"), 401);
  assert_int_equal(post(bench, SPEAKER), 201);
  assert_int_equal(post(bench, ADMIN), 201);
}

static void what_is_not_an_offer_is_refused(void **state) {
  struct bench *bench = *state;
  struct http_request request = {
      .method = HTTP_POST, .path = "/whep", .authorization = LISTENER, .body = ""};
  assert_int_equal(ask(bench, &request), 415);
  assert_string_equal(header(bench, "Accept-Post"), "application/sdp");
  request.content_type = "application/sdpx";
  assert_int_equal(ask(bench, &request), 415);
  request.content_type = "Application/SDP ; charset=utf-8";
  assert_int_equal(ask(bench, &request), 400);
  request.body_too_long = true;
  assert_int_equal(ask(bench, &request), 413);
  request.authorization = NULL;
  assert_int_equal(ask(bench, &request), 401);
  assert_int_equal(whep_server_get_session_count(bench->server), 0);
}

static void what_the_library_says_becomes_a_status(void **state) {
  static const struct {
    int status, http;
  } cases[] = {{PAW_ERR_MALFORMED, 400}, {PAW_ERR_UNSUPPORTED, 422}, {PAW_ERR_INVALID, 422},
               {PAW_ERR_LIMIT, 503},     {PAW_ERR_NO_MEMORY, 503},   {PAW_ERR_CRYPTO, 500},
               {PAW_ERR_NO_BUFFER, 422}};
  struct bench *bench = *state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    bench->accept_status = cases[i].status;
    assert_int_equal(post(bench, LISTENER), cases[i].http);
    assert_true(cases[i].http != 503 || header(bench, "Retry-After")[0] != '\0');
  }
  assert_int_equal(whep_server_get_session_count(bench->server), 0);
}

static void a_full_server_says_when_to_come_back(void **state) {
  struct bench *bench = *state;
  char location[HTTP_HEADER_VALUE_SIZE];
  join(bench, LISTENER, location);
  assert_int_equal(post(bench, LISTENER), 201);
  assert_int_equal(post(bench, LISTENER), 503);
  assert_string_equal(header(bench, "Retry-After"), "5");
  assert_int_equal(plain(bench, HTTP_DELETE, location, LISTENER), 200);
  assert_int_equal(post(bench, LISTENER), 201);
}

static void an_ended_source_is_a_conflict(void **state) {
  struct bench *bench = *state;
  whep_server_set_ended(bench->server);
  assert_int_equal(post(bench, LISTENER), 409);
  assert_string_equal(header(bench, "Retry-After"), "5");
}

/* ---- the session ---- */

static void delete_ends_the_peer_once(void **state) {
  struct bench *bench = *state;
  char location[HTTP_HEADER_VALUE_SIZE];
  join(bench, LISTENER, location);
  assert_int_equal(plain(bench, HTTP_DELETE, location, NULL), 401);
  assert_int_equal(plain(bench, HTTP_DELETE, location, SPEAKER), 403);
  assert_int_equal(bench->ends, 0);
  assert_int_equal(plain(bench, HTTP_DELETE, location, LISTENER), 200);
  assert_int_equal(bench->ended_peer, 1);
  assert_int_equal(plain(bench, HTTP_DELETE, location, LISTENER), 404);
  assert_int_equal(bench->ends, 1);
  join(bench, LISTENER, location);
  assert_int_equal(plain(bench, HTTP_DELETE, location, ADMIN), 200);
}

static void looking_gives_2xx_without_content(void **state) {
  struct bench *bench = *state;
  char location[HTTP_HEADER_VALUE_SIZE];
  join(bench, LISTENER, location);
  assert_int_equal(plain(bench, HTTP_GET, location, LISTENER), 204);
  assert_int_equal(bench->response.body_len, 0);
  assert_int_equal(plain(bench, HTTP_GET, "/whep", LISTENER), 204);
  assert_int_equal(plain(bench, HTTP_HEAD, "/whep", LISTENER), 200);
  assert_string_equal(bench->response.content_type, "application/sdp");
  assert_int_equal(plain(bench, HTTP_GET, "/whep", NULL), 401);
  assert_int_equal(plain(bench, HTTP_GET, "/whep/00000000000000000000000000000000", LISTENER), 404);
}

static void preflights_need_no_token(void **state) {
  struct bench *bench = *state;
  assert_int_equal(plain(bench, HTTP_OPTIONS, "/whep", NULL), 204);
  assert_non_null(strstr(header(bench, "Access-Control-Allow-Methods"), "POST"));
  assert_non_null(strstr(header(bench, "Access-Control-Allow-Headers"), "Authorization"));
  assert_string_equal(header(bench, "Accept-Patch"), FRAGMENT);
  assert_string_equal(header(bench, "Accept-Post"), "application/sdp");
  assert_int_equal(plain(bench, HTTP_OPTIONS, "/whep/anything", NULL), 204);
  assert_non_null(strstr(header(bench, "Access-Control-Allow-Methods"), "DELETE"));
}

static void other_methods_and_addresses_are_refused(void **state) {
  struct bench *bench = *state;
  char location[HTTP_HEADER_VALUE_SIZE];
  join(bench, LISTENER, location);
  assert_int_equal(plain(bench, HTTP_POST, location, LISTENER), 405);
  assert_string_equal(header(bench, "Allow"), "GET, HEAD, PATCH, DELETE, OPTIONS");
  assert_int_equal(plain(bench, HTTP_DELETE, "/whep", LISTENER), 405);
  assert_int_equal(plain(bench, HTTP_PATCH, "/whep", LISTENER), 405);
  assert_string_equal(header(bench, "Allow"), "GET, HEAD, POST, OPTIONS");
  assert_int_equal(plain(bench, HTTP_OTHER, "/whep", LISTENER), 405);
  assert_int_equal(plain(bench, HTTP_GET, "/", LISTENER), 404);
  assert_int_equal(plain(bench, HTTP_GET, "/whepper", LISTENER), 404);
}

/* ---- PATCH ---- */

static void candidates_are_taken_without_an_answer(void **state) {
  struct bench *bench = *state;
  char location[HTTP_HEADER_VALUE_SIZE];
  join(bench, LISTENER, location);
  assert_int_equal(patch(bench, location, "\"0202020202020202\""), 204);
  assert_int_equal(bench->response.body_len, 0);
  assert_null(bench->response.body);
  assert_null(http_response_get(&bench->response, "ETag"));
  assert_int_equal(patch(bench, location, "\"other\", \"0202020202020202\""), 204);
  assert_int_equal(bench->patches, 2);
}

static void a_restart_is_answered_with_a_fragment_and_another_etag(void **state) {
  static const char *const any[] = {"*", "\"*\""};
  struct bench *bench = *state;
  char location[HTTP_HEADER_VALUE_SIZE];
  char before[HTTP_HEADER_VALUE_SIZE] = "\"0202020202020202\"";
  join(bench, LISTENER, location);
  bench->patch_restarts = true;
  for (size_t i = 0; i < 2; i++) {
    assert_int_equal(patch(bench, location, any[i]), 200);
    assert_string_equal(bench->response.content_type, FRAGMENT);
    assert_int_equal(bench->response.body_len, 4);
    assert_memory_equal(bench->response.body, "ours", 4);
    assert_string_not_equal(header(bench, "ETag"), before);
    assert_int_equal(strlen(header(bench, "ETag")), 18);
    (void)snprintf(before, sizeof before, "%s", header(bench, "ETag"));
  }
  assert_int_equal(patch(bench, location, "\"0202020202020202\""), 412);
  bench->patch_restarts = false;
  assert_int_equal(patch(bench, location, before), 204);
}

static void a_fragment_needs_its_conditions(void **state) {
  struct bench *bench = *state;
  struct http_request request = {
      .method = HTTP_PATCH, .authorization = LISTENER, .body = "", .if_match = "*"};
  char location[HTTP_HEADER_VALUE_SIZE];
  join(bench, LISTENER, location);
  request.path = location;
  assert_int_equal(ask(bench, &request), 415);
  assert_string_equal(header(bench, "Accept-Patch"), FRAGMENT);
  request.content_type = FRAGMENT;
  assert_int_equal(ask(bench, &request), 422);
  request.body_too_long = true;
  assert_int_equal(ask(bench, &request), 413);
  request.authorization = SPEAKER;
  assert_int_equal(ask(bench, &request), 403);
  request.authorization = NULL;
  assert_int_equal(ask(bench, &request), 401);
  assert_int_equal(patch(bench, location, NULL), 428);
  assert_int_equal(patch(bench, location, ""), 412);
  assert_int_equal(patch(bench, location, "W/\"0202020202020202\""), 412);
  assert_int_equal(patch(bench, location, "0202020202020202"), 412);
  assert_int_equal(patch(bench, "/whep/00000000000000000000000000000000", "*"), 404);
  assert_int_equal(bench->patches, 0);
}

static void a_fragment_that_fails_leaves_the_session(void **state) {
  static const struct {
    int status, http;
  } cases[] = {{PAW_ERR_MALFORMED, 422},
               {PAW_ERR_LIMIT, 422},
               {PAW_ERR_STATE, 404},
               {PAW_ERR_NO_MEMORY, 500}};
  struct bench *bench = *state;
  char location[HTTP_HEADER_VALUE_SIZE];
  join(bench, LISTENER, location);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    bench->patch_status = cases[i].status;
    assert_int_equal(patch(bench, location, "*"), cases[i].http);
  }
  bench->patch_status = PAW_OK;
  assert_int_equal(patch(bench, location, "\"0202020202020202\""), 204);
  assert_int_equal(bench->ends, 0);
}

/* ---- who ---- */

static void a_bound_token_has_one_session(void **state) {
  struct bench *bench = *state;
  char first[HTTP_HEADER_VALUE_SIZE];
  char second[HTTP_HEADER_VALUE_SIZE];
  join(bench, BOUND, first);
  assert_int_equal(post(bench, SPEAKER), 201);
  join(bench, BOUND, second);
  assert_int_equal(bench->ends, 1);
  assert_int_equal(bench->ended_peer, 1);
  assert_int_equal(whep_server_get_session_count(bench->server), 2);
  assert_int_equal(plain(bench, HTTP_GET, first, BOUND), 404);
  bench->accept_status = PAW_ERR_MALFORMED;
  assert_int_equal(post(bench, BOUND), 400);
  assert_int_equal(plain(bench, HTTP_GET, second, BOUND), 204);
}

static void talkers_have_an_endpoint_of_their_own(void **state) {
  struct bench *bench = *state;
  struct http_request request = {.method = HTTP_POST,
                                 .path = "/whip",
                                 .content_type = "application/sdp",
                                 .body = "offer",
                                 .body_len = 5};
  assert_int_equal(ask(bench, &request), 401);
  request.authorization = TALKER;
  assert_int_equal(ask(bench, &request), 201);
  request.authorization = ADMIN;
  assert_int_equal(ask(bench, &request), 201);
  assert_non_null(strstr(header(bench, "Location"), "/whip/"));
  assert_int_equal(ask(bench, &request), 503);
  assert_string_equal(header(bench, "Retry-After"), "5");
  request.path = "/whip/x";
  assert_int_equal(ask(bench, &request), 405);
  request.path = "/whep";
  assert_int_equal(ask(bench, &request), 404);
}

/* ---- time ---- */

static void what_does_not_connect_is_removed_after_30_s(void **state) {
  struct bench *bench = *state;
  char location[HTTP_HEADER_VALUE_SIZE];
  assert_true(whep_server_next_deadline(bench->server) == PAW_TIME_NEVER);
  join(bench, LISTENER, location);
  assert_int_equal(post(bench, SPEAKER), 201);
  whep_server_note_connected(bench->server, 2);
  assert_true(whep_server_next_deadline(bench->server) == START_NS + WHEP_CONNECT_NS);
  bench->now_ns = START_NS + WHEP_CONNECT_NS - 1;
  whep_server_expire(bench->server, bench->now_ns);
  assert_int_equal(bench->ends, 0);
  bench->now_ns++;
  whep_server_expire(bench->server, bench->now_ns);
  assert_int_equal(bench->ends, 1);
  assert_int_equal(bench->ended_peer, 1);
  assert_true(whep_server_next_deadline(bench->server) == PAW_TIME_NEVER);
  assert_int_equal(plain(bench, HTTP_DELETE, location, LISTENER), 404);
}

static void a_peer_that_closed_takes_its_session_along(void **state) {
  struct bench *bench = *state;
  char location[HTTP_HEADER_VALUE_SIZE];
  join(bench, LISTENER, location);
  whep_server_note_closed(bench->server, 1);
  whep_server_note_closed(bench->server, 1);
  assert_int_equal(whep_server_get_session_count(bench->server), 0);
  assert_int_equal(plain(bench, HTTP_DELETE, location, LISTENER), 404);
  assert_int_equal(bench->ends, 0);
}

/* ---- rates ---- */

static void a_token_that_offers_too_often_has_to_wait(void **state) {
  struct bench *bench = *state;
  bench->accept_status = PAW_ERR_UNSUPPORTED;
  for (int i = 0; i < 512; i++) {
    assert_int_equal(post(bench, LISTENER), 422);
  }
  assert_int_equal(post(bench, LISTENER), 429);
  assert_string_equal(header(bench, "Retry-After"), "1");
  bench->accept_status = PAW_OK;
  assert_int_equal(post(bench, SPEAKER), 201); /* others are not concerned */
  bench->now_ns += PAW_NS_PER_S / 16;
  assert_int_equal(post(bench, LISTENER), 201);
  assert_int_equal(post(bench, LISTENER), 429);
  bench->now_ns += PAW_NS_PER_S;
  for (int i = 0; i < 16; i++) {
    assert_int_equal(post(bench, LISTENER), 503); /* both places are taken */
  }
  assert_int_equal(post(bench, LISTENER), 429);
}

static void a_session_that_is_patched_too_often_has_to_wait(void **state) {
  struct bench *bench = *state;
  char location[HTTP_HEADER_VALUE_SIZE];
  join(bench, LISTENER, location);
  for (int i = 0; i < 16; i++) {
    assert_int_equal(patch(bench, location, "*"), 204);
  }
  assert_int_equal(patch(bench, location, "*"), 429);
  assert_string_equal(header(bench, "Retry-After"), "1");
  assert_int_equal(bench->patches, 16);
  bench->now_ns += PAW_NS_PER_S / 2;
  assert_int_equal(patch(bench, location, "*"), 204);
  assert_int_equal(plain(bench, HTTP_DELETE, location, LISTENER), 200);
}

#define WHEP_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      WHEP_TEST(an_offer_is_answered_with_201),
      WHEP_TEST(only_known_tokens_may_listen),
      WHEP_TEST(what_is_not_an_offer_is_refused),
      WHEP_TEST(what_the_library_says_becomes_a_status),
      WHEP_TEST(a_full_server_says_when_to_come_back),
      WHEP_TEST(an_ended_source_is_a_conflict),
      WHEP_TEST(delete_ends_the_peer_once),
      WHEP_TEST(looking_gives_2xx_without_content),
      WHEP_TEST(preflights_need_no_token),
      WHEP_TEST(other_methods_and_addresses_are_refused),
      WHEP_TEST(candidates_are_taken_without_an_answer),
      WHEP_TEST(a_restart_is_answered_with_a_fragment_and_another_etag),
      WHEP_TEST(a_fragment_needs_its_conditions),
      WHEP_TEST(a_fragment_that_fails_leaves_the_session),
      WHEP_TEST(a_bound_token_has_one_session),
      cmocka_unit_test_setup_teardown(talkers_have_an_endpoint_of_their_own, set_up_talk,
                                      tear_down),
      WHEP_TEST(what_does_not_connect_is_removed_after_30_s),
      WHEP_TEST(a_peer_that_closed_takes_its_session_along),
      WHEP_TEST(a_token_that_offers_too_often_has_to_wait),
      WHEP_TEST(a_session_that_is_patched_too_often_has_to_wait),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
