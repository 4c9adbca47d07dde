/* SPDX-License-Identifier: MIT */
#include "router.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bearer.h"

static const struct rate guesses_of_one = {.at_once = 20, .every_ns = 3 * PAW_NS_PER_S};
static const struct rate guesses_of_all = {.at_once = 2000, .every_ns = PAW_NS_PER_S / 100};

/* Clients that have shown a right token; the one that was not seen for longest makes room. */
#define KNOWN_MAX 512

struct known {
  struct rate_client client;
  uint64_t seen_ns;
};

struct router {
  struct router_config config;
  struct rate_table requests; /* kind: index of the route */
  struct rate_table guesses;
  uint64_t all_guesses_ns;
  struct known known[KNOWN_MAX];
  size_t known_count;
};

struct router *router_new(const struct router_config *config) {
  struct router *router = calloc(1, sizeof *router);
  if (router != NULL) {
    router->config = *config;
  }
  return router;
}

void router_free(struct router *router) {
  free(router);
}

/* ---- paths ---- */

static bool path_matches(const char *pattern, const char *path) {
  size_t len = strlen(pattern);
  if (len < 2 || strcmp(pattern + len - 2, "/*") != 0) {
    return strcmp(pattern, path) == 0;
  }
  return strncmp(pattern, path, len - 1) == 0 && path[len - 1] != '\0' &&
         strchr(path + len - 1, '/') == NULL;
}

const struct route *router_find(const struct router *router, const char *path) {
  for (size_t i = 0; i < router->config.route_count; i++) {
    if (path_matches(router->config.routes[i].path, path)) {
      return &router->config.routes[i];
    }
  }
  return NULL;
}

/* ---- refusals ---- */

#define TEXT_SIZE 160

/* "GET, HEAD" in the order of enum http_method. */
static void refuse_method(const struct route *route, struct http_response *response) {
  char allowed[TEXT_SIZE] = "";
  size_t len = 0;
  for (int method = HTTP_GET; method < HTTP_OTHER; method++) {
    if ((route->methods & HTTP_METHOD_BIT(method)) != 0) {
      len += (size_t)snprintf(allowed + len, sizeof allowed - len, "%s%s", len > 0 ? ", " : "",
                              http_method_name((enum http_method)method));
    }
  }
  http_response_add(response, "Allow", allowed);
  http_response_say(response, 405, "This method is not for this address.");
}

static void refuse_role(const struct route *route, struct http_response *response) {
  char text[TEXT_SIZE];
  int len = snprintf(text, sizeof text,
                     "This token is for other things; here one of these roles "
                     "is needed:");
  for (int role = 0; role < TOKEN_ROLE_COUNT; role++) {
    if ((route->roles & ROUTE_ROLE(role)) != 0) {
      len += snprintf(text + len, sizeof text - (size_t)len, " %s",
                      token_role_name((enum token_role)role));
    }
  }
  bearer_refuse_role(response, text);
}

static void refuse_for(uint64_t wait_ns, const char *text, struct http_response *response) {
  char seconds[24];
  (void)snprintf(seconds, sizeof seconds, "%llu",
                 (unsigned long long)((wait_ns + PAW_NS_PER_S - 1) / PAW_NS_PER_S));
  http_response_add(response, "Retry-After", seconds);
  http_response_say(response, 429, text);
}

/* ---- tokens ---- */

static bool is_known(const struct router *router, const struct rate_client *client) {
  for (size_t i = 0; i < router->known_count; i++) {
    if (rate_client_equal(&router->known[i].client, client)) {
      return true;
    }
  }
  return false;
}

static void note_known(struct router *router, const struct rate_client *client, uint64_t now_ns) {
  struct known *oldest = &router->known[0];
  for (size_t i = 0; i < router->known_count; i++) {
    struct known *known = &router->known[i];
    if (rate_client_equal(&known->client, client)) {
      known->seen_ns = now_ns;
      return;
    }
    oldest = known->seen_ns < oldest->seen_ns ? known : oldest;
  }
  if (router->known_count < KNOWN_MAX) {
    oldest = &router->known[router->known_count++];
  }
  *oldest = (struct known){.client = *client, .seen_ns = now_ns};
}

/* How long a client has to wait before its token is looked at. */
static uint64_t guess_wait_ns(struct router *router, const struct rate_client *client,
                              uint64_t now_ns) {
  uint64_t one_ns =
      rate_wait_ns(&guesses_of_one, *rate_table_find(&router->guesses, client, 0), now_ns);
  uint64_t all_ns = rate_wait_ns(&guesses_of_all, router->all_guesses_ns, now_ns);
  return one_ns > 0 || is_known(router, client) ? one_ns : all_ns;
}

/* A missing token is no guess. */
static bool check_token(struct router *router, const struct route *route,
                        const struct http_request *request, struct http_response *response) {
  const struct rate_client *client = &request->client;
  uint64_t wait_ns =
      request->authorization != NULL ? guess_wait_ns(router, client, request->now_ns) : 0;
  if (wait_ns > 0) {
    refuse_for(wait_ns, "Too many tokens that are not known here came from this address.",
               response);
    return false;
  }
  const struct token *token = bearer_find(router->config.tokens, request);
  if (token == NULL && request->authorization != NULL) {
    (void)rate_spend(&guesses_of_one, rate_table_find(&router->guesses, client, 0),
                     request->now_ns);
    (void)rate_spend(&guesses_of_all, &router->all_guesses_ns, request->now_ns);
  }
  if (token == NULL) {
    bearer_refuse_unknown(request, response);
    return false;
  }
  note_known(router, client, request->now_ns);
  if ((route->roles & ROUTE_ROLE(token->role)) == 0) {
    refuse_role(route, response);
    return false;
  }
  return true;
}

/* ---- a request ---- */

static bool check_place(const struct router *router, const struct route *route,
                        const struct http_request *request, struct http_response *response) {
  const struct router_config *config = &router->config;
  if (route->host == ROUTE_OUR_HOST && !host_is_ours(request->host, &config->names)) {
    http_response_say(response, 421, "This is another host: see --host-name of pa-send.");
    return false;
  }
  if (route->origin == ROUTE_SAME_ORIGIN && request->origin != NULL &&
      !origin_is_same(request->origin, config->scheme, request->host)) {
    http_response_say(response, 403, "Pages from elsewhere may not use this address.");
    return false;
  }
  return true;
}

static bool check_rate(struct router *router, const struct route *route,
                       const struct http_request *request, struct http_response *response) {
  unsigned kind = (unsigned)(route - router->config.routes);
  uint64_t *full_ns = rate_table_find(&router->requests, &request->client, kind);
  uint64_t wait_ns = rate_wait_ns(&route->rate, *full_ns, request->now_ns);
  if (wait_ns > 0) {
    refuse_for(wait_ns, "Too many requests in a short time.", response);
    return false;
  }
  return rate_spend(&route->rate, full_ns, request->now_ns);
}

static void handle_route(struct router *router, const struct route *route,
                         const struct http_request *request, struct http_response *response) {
  bool preflight = request->method == HTTP_OPTIONS && route->origin == ROUTE_ANY_ORIGIN;
  if (!check_place(router, route, request, response)) {
    return;
  }
  if ((route->methods & HTTP_METHOD_BIT(request->method)) == 0) {
    refuse_method(route, response);
    return;
  }
  if (!check_rate(router, route, request, response) ||
      (route->auth == ROUTE_BEARER && !preflight &&
       !check_token(router, route, request, response))) {
    return;
  }
  if (request->body_too_long || request->body_len > route->body_bytes_max) {
    http_response_say(response, 413, "The body is longer than this address takes.");
    return;
  }
  route->handle(router->config.user_data, request, response);
}

static void add_once(struct http_response *response, const char *name, const char *value) {
  if (http_response_get(response, name) == NULL) {
    http_response_add(response, name, value);
  }
}

void router_handle(struct router *router, const struct http_request *request,
                   struct http_response *response) {
  const struct route *route = router_find(router, request->path);
  /* HTTP/1.0 knows requests without a host; other rules see to them. */
  if (request->host != NULL && !host_is_valid(request->host)) {
    http_response_say(response, 400, "The Host field is not a host.");
  } else if (route == NULL) {
    http_response_say(response, 404, "There is nothing at this address.");
  } else {
    handle_route(router, route, request, response);
  }
  if (route != NULL && route->origin == ROUTE_ANY_ORIGIN) {
    add_once(response, "Access-Control-Allow-Origin", "*");
  }
  add_once(response, "X-Content-Type-Options", "nosniff");
}
