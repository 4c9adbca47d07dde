/* SPDX-License-Identifier: MIT */
/* Each route of pa-send through a table of attacks. What is expected of a route is written down
 * here once more: a route without a row here fails, and so does one whose rules are not those of
 * its row. The attacks run against the dispatcher of the program with the program's own table, in
 * which only the handlers are replaced by one that counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "page_files.h"
#include "routes.h"

#define START_NS (1000 * PAW_NS_PER_S)
#define SERVED 299 /* no status of the router's own */
#define ROUTES_MAX 64

#define L ROUTE_ROLE(TOKEN_LISTENER)
#define S ROUTE_ROLE(TOKEN_SPEAKER)
#define T ROUTE_ROLE(TOKEN_TALKER)
#define A ROUTE_ROLE(TOKEN_ADMIN)

static const struct expectation {
  const char *path;    /* of the route */
  const char *example; /* a path that belongs to it */
  const char *allow;
  unsigned roles; /* 0: public */
  bool foreign;   /* pages from elsewhere and other host names are served */
  size_t body_bytes_max;
  unsigned at_once; /* requests of one client */
  unsigned per_s;   /* and then */
} expectations[] = {
    {"/whep", "/whep", "GET, HEAD, POST, OPTIONS", L | S | A, true, 65536, 1024, 128},
    {"/whep/*", "/whep/00", "GET, HEAD, PATCH, DELETE, OPTIONS", L | S | A, true, 65536, 1024, 128},
    {"/whip", "/whip", "GET, HEAD, POST, OPTIONS", T | A, true, 65536, 1024, 128},
    {"/whip/*", "/whip/00", "GET, HEAD, PATCH, DELETE, OPTIONS", T | A, true, 65536, 1024, 128},
    {"/", "/", "GET, HEAD", 0, false, 0, 1024, 128},
    {"/index.html", "/index.html", "GET, HEAD", 0, false, 0, 1024, 128},
    {"/page.css", "/page.css", "GET, HEAD", 0, false, 0, 1024, 128},
    {"/page.js", "/page.js", "GET, HEAD", 0, false, 0, 1024, 128},
    {"/session.js", "/session.js", "GET, HEAD", 0, false, 0, 1024, 128},
    {"/icon.svg", "/icon.svg", "GET, HEAD", 0, false, 0, 1024, 128},
};
#define EXPECTATION_COUNT (sizeof expectations / sizeof expectations[0])

static const char *const bearers[TOKEN_ROLE_COUNT] = {
    [TOKEN_LISTENER] = "Bearer listenerlistener",
    [TOKEN_SPEAKER] = "Bearer speakerspeakerspeaker",
    [TOKEN_TALKER] = "Bearer talkertalkertalker",
    [TOKEN_ADMIN] = "Bearer adminadminadminadmin"};

struct bench {
  struct tokens tokens;
  struct route table[ROUTES_MAX];
  struct router *router;
  struct http_response response;
  uint64_t now_ns;
  unsigned served;
};

static void serve(void *user_data, const struct http_request *request,
                  struct http_response *response) {
  struct bench *bench = user_data;
  (void)request;
  bench->served++;
  response->status = SERVED;
}

static struct bench *start(void) {
  static struct bench bench;
  struct fault fault;
  bench = (struct bench){.now_ns = START_NS};
  assert_int_equal(tokens_parse("listener listenerlistener\nspeaker speakerspeakerspeaker\n"
                                "talker talkertalkertalker\nadmin adminadminadminadmin\n",
                                "tokens", &bench.tokens, &fault),
                   0);
  assert_true(route_count <= ROUTES_MAX);
  for (size_t i = 0; i < route_count; i++) {
    assert_non_null(routes[i].handle);
    bench.table[i] = routes[i];
    bench.table[i].handle = serve;
  }
  struct router_config config = {.routes = bench.table,
                                 .route_count = route_count,
                                 .tokens = &bench.tokens,
                                 .names = {.own = "stage"},
                                 .scheme = "https",
                                 .user_data = &bench};
  bench.router = router_new(&config);
  assert_non_null(bench.router);
  return &bench;
}

static void finish(struct bench *bench) {
  http_response_wipe(&bench->response);
  router_free(bench->router);
}

/* A request that the route serves: its first method, a role that may, our host. */
static struct http_request good_request(const struct expectation *expected) {
  struct http_request request = {.method = HTTP_GET,
                                 .path = expected->example,
                                 .host = "stage:8443",
                                 .client = {.family = PAW_FAMILY_IPV4, .ip = {192, 0, 2, 1}},
                                 .body = ""};
  for (int role = 0; role < TOKEN_ROLE_COUNT; role++) {
    if ((expected->roles & ROUTE_ROLE(role)) != 0) {
      request.authorization = bearers[role];
    }
  }
  return request;
}

static const char *header(const struct bench *bench, const char *name) {
  const char *value = http_response_get(&bench->response, name);
  return value != NULL ? value : "";
}

/* Ask, and look at what every answer of a route has to have. */
static int ask(struct bench *bench, const struct expectation *expected,
               const struct http_request *request) {
  struct http_request now = *request;
  unsigned before = bench->served;
  now.now_ns = bench->now_ns;
  http_response_wipe(&bench->response);
  router_handle(bench->router, &now, &bench->response);
  assert_int_equal(bench->served, before + (bench->response.status == SERVED));
  assert_string_equal(header(bench, "Access-Control-Allow-Origin"), expected->foreign ? "*" : "");
  assert_string_equal(header(bench, "Access-Control-Allow-Credentials"), "");
  assert_string_equal(header(bench, "X-Content-Type-Options"), "nosniff");
  return bench->response.status;
}

/* ---- the attacks ---- */

static void plain_requests_are_served(struct bench *bench, const struct expectation *expected) {
  struct http_request request = good_request(expected);
  assert_int_equal(ask(bench, expected, &request), SERVED);
  request.host = "192.0.2.9";
  assert_int_equal(ask(bench, expected, &request), SERVED);
}

static void other_methods(struct bench *bench, const struct expectation *expected) {
  struct http_request request = good_request(expected);
  for (int method = HTTP_GET; method <= HTTP_OTHER; method++) {
    request.method = (enum http_method)method;
    char listed[160];
    char wanted[64];
    (void)snprintf(listed, sizeof listed, ", %s,", expected->allow);
    (void)snprintf(wanted, sizeof wanted, ", %s,", http_method_name(request.method));
    bool allowed = strstr(listed, wanted) != NULL;
    assert_int_equal(ask(bench, expected, &request), allowed ? SERVED : 405);
    assert_string_equal(header(bench, "Allow"), allowed ? "" : expected->allow);
  }
}

static void names_of_other_hosts(struct bench *bench, const struct expectation *expected) {
  static const char *const foreign[] = {"evil.example", "stage.evil.example", "evil.example:8443",
                                        "stagex", "192.0.2.9.evil.example"};
  static const char *const garbage[] = {
      "",    "stage:80x", "stage:65536", "user@stage", "evil.example/@st", "stage stage",
      "::1", "[::1"};
  struct http_request request = good_request(expected);
  for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
    request.host = foreign[i];
    assert_int_equal(ask(bench, expected, &request), expected->foreign ? SERVED : 421);
  }
  for (size_t i = 0; i < sizeof garbage / sizeof garbage[0]; i++) {
    request.host = garbage[i];
    assert_int_equal(ask(bench, expected, &request), 400);
  }
  request.host = NULL;
  assert_int_equal(ask(bench, expected, &request), expected->foreign ? SERVED : 421);
}

static void pages_from_elsewhere(struct bench *bench, const struct expectation *expected) {
  static const char *const foreign[] = {"https://evil.example",
                                        "null",
                                        "",
                                        "http://stage:8443",
                                        "https://stage",
                                        "https://stage:8444",
                                        "https://stage:8443.evil.example",
                                        "https://evil.example?stage:8443"};
  struct http_request request = good_request(expected);
  request.origin = "https://stage:8443";
  assert_int_equal(ask(bench, expected, &request), SERVED);
  for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
    request.origin = foreign[i];
    assert_int_equal(ask(bench, expected, &request), expected->foreign ? SERVED : 403);
  }
  /* Rebinding: host and origin agree with each other, but not with us. */
  request.host = "evil.example:8443";
  request.origin = "https://evil.example:8443";
  assert_int_equal(ask(bench, expected, &request), expected->foreign ? SERVED : 421);
}

static void tokens_of_others(struct bench *bench, const struct expectation *expected) {
  static const char *const unknown[] = {"Bearer nobodynobodynobody", "Bearer ", "",
                                        "Bearer listenerlistene", "Basic listenerlistener"};
  struct http_request request = good_request(expected);
  for (int role = 0; role < TOKEN_ROLE_COUNT; role++) {
    bool may = expected->roles == 0 || (expected->roles & ROUTE_ROLE(role)) != 0;
    request.authorization = bearers[role];
    assert_int_equal(ask(bench, expected, &request), may ? SERVED : 403);
    assert_true(may || strstr(header(bench, "WWW-Authenticate"), "insufficient_scope") != NULL);
  }
  request.authorization = NULL;
  assert_int_equal(ask(bench, expected, &request), expected->roles == 0 ? SERVED : 401);
  for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
    request.authorization = unknown[i];
    assert_int_equal(ask(bench, expected, &request), expected->roles == 0 ? SERVED : 401);
    assert_true(expected->roles == 0 || header(bench, "WWW-Authenticate")[0] != '\0');
  }
}

/* Only a pre-flight is answered without a token. */
static void methods_without_a_token(struct bench *bench, const struct expectation *expected) {
  struct http_request request = good_request(expected);
  request.authorization = NULL;
  for (int method = HTTP_GET; method < HTTP_OTHER && expected->roles != 0; method++) {
    request.method = (enum http_method)method;
    int status = ask(bench, expected, &request);
    assert_true(status == 401 || status == 405 ||
                (status == SERVED && method == HTTP_OPTIONS && expected->foreign));
  }
}

static void long_bodies(struct bench *bench, const struct expectation *expected) {
  struct http_request request = good_request(expected);
  request.body_len = expected->body_bytes_max;
  assert_int_equal(ask(bench, expected, &request), SERVED);
  request.body_len++;
  assert_int_equal(ask(bench, expected, &request), 413);
  request.body_len = 0;
  request.body_too_long = true;
  assert_int_equal(ask(bench, expected, &request), 413);
  /* Who has no right to the route does not learn how much it takes. */
  request.authorization = NULL;
  assert_int_equal(ask(bench, expected, &request), expected->roles == 0 ? 413 : 401);
}

static void floods_of_requests(struct bench *bench, const struct expectation *expected) {
  struct http_request request = good_request(expected);
  for (unsigned i = 0; i < expected->at_once; i++) {
    assert_int_equal(ask(bench, expected, &request), SERVED);
  }
  assert_int_equal(ask(bench, expected, &request), 429);
  assert_string_equal(header(bench, "Retry-After"), "1");
  struct http_request other = request;
  other.client.ip[3]++;
  assert_int_equal(ask(bench, expected, &other), SERVED);
  bench->now_ns += PAW_NS_PER_S;
  for (unsigned i = 0; i < expected->per_s; i++) {
    assert_int_equal(ask(bench, expected, &request), SERVED);
  }
  assert_int_equal(ask(bench, expected, &request), 429);
}

static void floods_of_guesses(struct bench *bench, const struct expectation *expected) {
  struct http_request request = good_request(expected);
  const char *right = request.authorization;
  int last = 0;
  request.authorization = "Bearer wrongwrongwrong";
  for (int i = 0; i < 21; i++) {
    last = ask(bench, expected, &request);
    assert_int_equal(last, expected->roles == 0 ? SERVED : i < 20 ? 401 : 429);
  }
  assert_true(last != 429 || header(bench, "Retry-After")[0] != '\0');
  request.authorization = right;
  request.client.ip[3]++;
  assert_int_equal(ask(bench, expected, &request), SERVED);
}

typedef void attack_fn(struct bench *bench, const struct expectation *expected);

static attack_fn *const attacks[] = {
    plain_requests_are_served, other_methods,           names_of_other_hosts, pages_from_elsewhere,
    tokens_of_others,          methods_without_a_token, long_bodies,          floods_of_requests,
    floods_of_guesses,
};

static void every_route_withstands_every_attack(void **state) {
  (void)state;
  for (size_t i = 0; i < EXPECTATION_COUNT; i++) {
    print_message("%s\n", expectations[i].path);
    for (size_t j = 0; j < sizeof attacks / sizeof attacks[0]; j++) {
      struct bench *bench = start();
      attacks[j](bench, &expectations[i]);
      finish(bench);
    }
  }
}

/* ---- the table ---- */

static const struct expectation *find_expectation(const char *path) {
  for (size_t i = 0; i < EXPECTATION_COUNT; i++) {
    if (strcmp(expectations[i].path, path) == 0) {
      return &expectations[i];
    }
  }
  return NULL;
}

static void every_route_has_a_row_and_its_rules(void **state) {
  (void)state;
  assert_int_equal(route_count, EXPECTATION_COUNT);
  for (size_t i = 0; i < route_count; i++) {
    const struct expectation *expected = find_expectation(routes[i].path);
    print_message("%s\n", routes[i].path);
    assert_non_null(expected);
    assert_true((routes[i].auth == ROUTE_PUBLIC) == (expected->roles == 0));
    assert_int_equal(routes[i].roles, expected->roles);
    assert_true((routes[i].origin == ROUTE_ANY_ORIGIN) == expected->foreign);
    assert_true((routes[i].host == ROUTE_ANY_HOST) == expected->foreign);
    assert_int_equal(routes[i].body_bytes_max, expected->body_bytes_max);
    assert_int_equal(routes[i].rate.at_once, expected->at_once);
    assert_int_equal(routes[i].rate.every_ns, PAW_NS_PER_S / expected->per_s);
  }
}

static void every_example_finds_its_route(void **state) {
  struct bench *bench = start();
  (void)state;
  for (size_t i = 0; i < EXPECTATION_COUNT; i++) {
    const struct route *route = router_find(bench->router, expectations[i].example);
    assert_non_null(route);
    assert_string_equal(route->path, expectations[i].path);
  }
  finish(bench);
}

/* Near a path is not at it, and what is nowhere is told to nobody from elsewhere. */
static void other_paths_are_nowhere(void **state) {
  static const char *const elsewhere[] = {
      "",        "whep",      "//whep",       "/WHEP",          "/whep/",         "/whep//",
      "/whepx",  "/whep/a/b", "/whep/../x",   "/whip/",         "/whip%2f00",     "/./whep",
      "/page.h", "/page",     "/index.html/", "/../index.html", "/page.js%00.js", "*",
      "/*",      "/whep%00"};
  struct bench *bench = start();
  (void)state;
  for (size_t i = 0; i < sizeof elsewhere / sizeof elsewhere[0]; i++) {
    struct http_request request = {.path = elsewhere[i],
                                   .host = "stage",
                                   .authorization = bearers[TOKEN_ADMIN],
                                   .origin = "https://evil.example",
                                   .body = "",
                                   .now_ns = bench->now_ns};
    http_response_wipe(&bench->response);
    router_handle(bench->router, &request, &bench->response);
    assert_int_equal(bench->response.status, 404);
    assert_string_equal(header(bench, "Access-Control-Allow-Origin"), "");
  }
  finish(bench);
}

/* ---- the program's own handlers ---- */

static void every_file_of_the_page_has_a_route(void **state) {
  static struct tokens none;
  struct routes_context context = {0};
  struct router_config config = {.routes = routes,
                                 .route_count = route_count,
                                 .tokens = &none,
                                 .names = {.own = "stage"},
                                 .scheme = "https",
                                 .user_data = &context};
  struct router *router = router_new(&config);
  (void)state;
  assert_non_null(router);
  for (size_t i = 0; i < page_file_count; i++) {
    struct http_response response = {0};
    struct http_request request = {
        .method = HTTP_GET, .path = page_files[i].path, .host = "stage", .body = ""};
    router_handle(router, &request, &response);
    assert_int_equal(response.status, 200);
    assert_int_equal(response.body_len, page_files[i].len);
    assert_non_null(http_response_get(&response, "Content-Security-Policy"));
    http_response_wipe(&response);
  }
  router_free(router);
}

static int fill_zero(void *user_data, uint8_t *out, size_t len) {
  (void)user_data;
  memset(out, 0, len);
  return 0;
}

static void the_endpoints_answer_behind_their_routes(void **state) {
  static const char *const paths[] = {"/whep", "/whip"};
  struct bench *bench = start();
  struct routes_context context = {0};
  struct whep_server **servers[] = {&context.whep, &context.whip};
  (void)state;
  for (size_t i = 0; i < 2; i++) {
    struct whep_config config = {.kind = i == 0 ? WHEP_LISTEN : WHEP_TALK,
                                 .path = paths[i],
                                 .tokens = &bench->tokens,
                                 .rng = {.fill = fill_zero},
                                 .max_sessions = 1};
    *servers[i] = whep_server_new(&config);
    assert_non_null(*servers[i]);
  }
  struct router_config config = {.routes = routes,
                                 .route_count = route_count,
                                 .tokens = &bench->tokens,
                                 .names = {.own = "stage"},
                                 .scheme = "https",
                                 .user_data = &context};
  struct router *router = router_new(&config);
  assert_non_null(router);
  for (size_t i = 0; i < 2; i++) {
    struct http_response response = {0};
    struct http_request request = {
        .method = HTTP_OPTIONS, .path = paths[i], .host = "evil.example", .body = ""};
    router_handle(router, &request, &response);
    assert_int_equal(response.status, 204);
    assert_string_equal(http_response_get(&response, "Access-Control-Allow-Origin"), "*");
    assert_string_equal(http_response_get(&response, "Access-Control-Allow-Methods"),
                        "GET, HEAD, POST, OPTIONS");
    http_response_wipe(&response);
    request.method = HTTP_POST; /* gets as far as the endpoint's own rules */
    request.authorization = bearers[TOKEN_ADMIN];
    router_handle(router, &request, &response);
    assert_int_equal(response.status, 415);
    http_response_wipe(&response);
  }
  router_free(router);
  whep_server_free(context.whep);
  whep_server_free(context.whip);
  finish(bench);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_route_has_a_row_and_its_rules),
      cmocka_unit_test(every_example_finds_its_route),
      cmocka_unit_test(every_route_withstands_every_attack),
      cmocka_unit_test(other_paths_are_nowhere),
      cmocka_unit_test(every_file_of_the_page_has_a_route),
      cmocka_unit_test(the_endpoints_answer_behind_their_routes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
