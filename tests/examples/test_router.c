/* SPDX-License-Identifier: MIT */
/* What the router does with tokens that are guessed, in virtual time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "router.h"

#define START_NS (1000 * PAW_NS_PER_S)
#define RIGHT "Bearer listenerlistener"
#define WRONG "Bearer wrongwrongwrongwrong"
#define ONE "192.0.2.1"
#define OTHER "192.0.2.2"

static void handle(void *user_data, const struct http_request *request,
                   struct http_response *response) {
  unsigned *calls = user_data;
  (void)request;
  (*calls)++;
  response->status = 200;
}

static const struct route only[] = {
    {.path = "/thing",
     .methods = HTTP_METHOD_BIT(HTTP_GET) | HTTP_METHOD_BIT(HTTP_OPTIONS),
     .auth = ROUTE_BEARER,
     .roles = ROUTE_ROLE(TOKEN_LISTENER),
     .origin = ROUTE_ANY_ORIGIN,
     .host = ROUTE_ANY_HOST,
     .rate = {.at_once = 1000000, .every_ns = 1},
     .handle = handle},
};

struct bench {
  struct tokens tokens;
  struct router *router;
  struct http_response response;
  unsigned calls;
  uint64_t now_ns;
};

static int set_up(void **state) {
  static struct bench bench;
  struct fault fault;
  bench = (struct bench){.now_ns = START_NS};
  assert_int_equal(tokens_parse("listener listenerlistener\ntalker talkertalkertalker\n", "tokens",
                                &bench.tokens, &fault),
                   0);
  struct router_config config = {.routes = only,
                                 .route_count = 1,
                                 .tokens = &bench.tokens,
                                 .names = {.own = "stage"},
                                 .scheme = "https",
                                 .user_data = &bench.calls};
  bench.router = router_new(&config);
  assert_non_null(bench.router);
  *state = &bench;
  return 0;
}

static int tear_down(void **state) {
  struct bench *bench = *state;
  http_response_wipe(&bench->response);
  router_free(bench->router);
  return 0;
}

static int ask_from(struct bench *bench, const struct paw_address *client,
                    const char *authorization) {
  const struct paw_address own = {.family = PAW_FAMILY_NONE};
  struct http_request request = {.method = HTTP_GET,
                                 .path = "/thing",
                                 .host = "192.0.2.9",
                                 .authorization = authorization,
                                 .client = rate_client_of(client, &own),
                                 .body = "",
                                 .now_ns = bench->now_ns};
  http_response_wipe(&bench->response);
  router_handle(bench->router, &request, &bench->response);
  return bench->response.status;
}

static int ask(struct bench *bench, const char *client, const char *authorization) {
  struct paw_address address;
  assert_int_equal(paw_address_parse(client, &address), PAW_OK);
  return ask_from(bench, &address, authorization);
}

static void guess(struct bench *bench, const char *client, unsigned count) {
  for (unsigned i = 0; i < count; i++) {
    assert_int_equal(ask(bench, client, WRONG), 401);
  }
}

static unsigned retry_after_s(const struct bench *bench) {
  const char *text = http_response_get(&bench->response, "Retry-After");
  assert_non_null(text);
  return (unsigned)strtoul(text, NULL, 10);
}

static void who_guesses_has_to_wait(void **state) {
  struct bench *bench = *state;
  guess(bench, ONE, 20);
  assert_int_equal(ask(bench, ONE, WRONG), 429);
  assert_int_equal(retry_after_s(bench), 3);
  assert_null(http_response_get(&bench->response, "WWW-Authenticate"));
  /* The answer must not tell whether the guess was right. */
  assert_int_equal(ask(bench, ONE, RIGHT), 429);
  assert_int_equal(bench->calls, 0);
  bench->now_ns += 3 * PAW_NS_PER_S;
  assert_int_equal(ask(bench, ONE, WRONG), 401);
  assert_int_equal(ask(bench, ONE, WRONG), 429);
}

static void a_flood_ends_with_itself(void **state) {
  struct bench *bench = *state;
  guess(bench, ONE, 20);
  for (int i = 0; i < 100000; i++) {
    assert_int_equal(ask(bench, ONE, WRONG), 429);
  }
  bench->now_ns += retry_after_s(bench) * PAW_NS_PER_S;
  assert_int_equal(ask(bench, ONE, RIGHT), 200);
}

static void a_flood_of_one_is_nothing_to_another(void **state) {
  struct bench *bench = *state;
  guess(bench, ONE, 20);
  for (int i = 0; i < 100000; i++) {
    assert_int_equal(ask(bench, ONE, WRONG), 429);
    if (i % 1000 == 0) {
      assert_int_equal(ask(bench, OTHER, RIGHT), 200);
      assert_int_equal(ask(bench, "2001:db8::1", RIGHT), 200);
    }
  }
  assert_int_equal(ask(bench, OTHER, WRONG), 401);
}

static void a_network_of_addresses_is_one_client(void **state) {
  struct bench *bench = *state;
  struct paw_address address;
  assert_int_equal(paw_address_parse("2001:db8::", &address), PAW_OK);
  for (uint8_t i = 0; i < 20; i++) {
    address.ip[15] = i;
    assert_int_equal(ask_from(bench, &address, WRONG), 401);
  }
  address.ip[15]++;
  assert_int_equal(ask_from(bench, &address, WRONG), 429);
}

/* Fresh addresses without end: so many guesses are looked at, then 100 a second; whoever has shown
 * a right token before is served all the time. */
static void guesses_of_all_together_are_bounded(void **state) {
  struct bench *bench = *state;
  struct paw_address address = {.family = PAW_FAMILY_IPV4, .ip = {10}};
  unsigned looked_at = 0;
  assert_int_equal(ask(bench, OTHER, RIGHT), 200);
  for (unsigned i = 0; i < 20000; i++) {
    address.ip[2] = (uint8_t)(i >> 8);
    address.ip[3] = (uint8_t)i;
    looked_at += ask_from(bench, &address, WRONG) == 401;
    if (i % 100 == 0) {
      assert_int_equal(ask(bench, OTHER, RIGHT), 200);
    }
  }
  assert_int_equal(looked_at, 2000);
  assert_int_equal(ask(bench, "192.0.2.77", RIGHT), 429);
  assert_int_equal(retry_after_s(bench), 1);
  bench->now_ns += PAW_NS_PER_S;
  looked_at = 0;
  for (unsigned i = 0; i < 1000; i++) {
    address.ip[1] = 1;
    address.ip[2] = (uint8_t)(i >> 8);
    address.ip[3] = (uint8_t)i;
    looked_at += ask_from(bench, &address, WRONG) == 401;
  }
  assert_int_equal(looked_at, 100);
}

static unsigned ask_from_number(struct bench *bench, unsigned number, const char *authorization) {
  const struct paw_address address = {.family = PAW_FAMILY_IPV4,
                                      .ip = {10, 0, (uint8_t)(number >> 8), (uint8_t)number}};
  return (unsigned)ask_from(bench, &address, authorization);
}

/* While others guess without end, 512 that have shown a right token are served; with one more, the
 * one that was not seen for longest has to wait. */
static void so_many_known_clients_are_remembered(void **state) {
  struct bench *bench = *state;
  for (unsigned i = 0; i < 512; i++) {
    assert_int_equal(ask_from_number(bench, i, RIGHT), 200);
    bench->now_ns++;
  }
  assert_int_equal(ask_from_number(bench, 0, RIGHT), 200);
  for (unsigned i = 0; i < 2000; i++) {
    assert_int_equal(ask_from_number(bench, 1000 + i, WRONG), 401);
  }
  for (unsigned i = 0; i < 512; i++) {
    assert_int_equal(ask_from_number(bench, i, RIGHT), 200);
    bench->now_ns++;
  }
  assert_int_equal(ask_from_number(bench, 600, RIGHT), 429);
  bench->now_ns += PAW_NS_PER_S / 100;
  assert_int_equal(ask_from_number(bench, 600, RIGHT), 200);
  assert_int_equal(ask_from_number(bench, 5000, WRONG), 401);
  assert_int_equal(ask_from_number(bench, 0, RIGHT), 429);
  assert_int_equal(ask_from_number(bench, 1, RIGHT), 200);
}

static void what_is_no_guess_is_not_counted(void **state) {
  struct bench *bench = *state;
  for (int i = 0; i < 1000; i++) {
    assert_int_equal(ask(bench, ONE, NULL), 401);
    assert_int_equal(ask(bench, ONE, RIGHT), 200);
    assert_int_equal(ask(bench, ONE, "Bearer talkertalkertalker"), 403);
  }
  assert_int_equal(bench->calls, 1000);
}

static void what_is_malformed_is_a_guess(void **state) {
  static const char *const wrong[] = {
      "", "Bearer", "Bearer ", "Basic bGlzdGVuZXI6", "Bearer x y", "listenerlistener"};
  struct bench *bench = *state;
  for (unsigned i = 0; i < 20; i++) {
    assert_int_equal(ask(bench, ONE, wrong[i % (sizeof wrong / sizeof wrong[0])]), 401);
  }
  assert_int_equal(ask(bench, ONE, wrong[0]), 429);
}

#define ROUTER_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      ROUTER_TEST(who_guesses_has_to_wait),
      ROUTER_TEST(a_flood_ends_with_itself),
      ROUTER_TEST(a_flood_of_one_is_nothing_to_another),
      ROUTER_TEST(a_network_of_addresses_is_one_client),
      ROUTER_TEST(guesses_of_all_together_are_bounded),
      ROUTER_TEST(so_many_known_clients_are_remembered),
      ROUTER_TEST(what_is_no_guess_is_not_counted),
      ROUTER_TEST(what_is_malformed_is_a_guess),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
