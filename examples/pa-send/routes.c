/* SPDX-License-Identifier: MIT */
#include "routes.h"

#include "page.h"

#define WHEP_ROLES                                                                                 \
  (ROUTE_ROLE(TOKEN_LISTENER) | ROUTE_ROLE(TOKEN_SPEAKER) | ROUTE_ROLE(TOKEN_ADMIN))
#define WHIP_ROLES (ROUTE_ROLE(TOKEN_TALKER) | ROUTE_ROLE(TOKEN_ADMIN))

#define LOOK (HTTP_METHOD_BIT(HTTP_GET) | HTTP_METHOD_BIT(HTTP_HEAD))
#define ENDPOINT (LOOK | HTTP_METHOD_BIT(HTTP_POST) | HTTP_METHOD_BIT(HTTP_OPTIONS))
#define SESSION                                                                                    \
  (LOOK | HTTP_METHOD_BIT(HTTP_PATCH) | HTTP_METHOD_BIT(HTTP_DELETE) |                             \
   HTTP_METHOD_BIT(HTTP_OPTIONS))

/* A house of speakers behind one address may come back together; nobody needs more. */
#define RATE                                                                                       \
  { .at_once = 1024, .every_ns = PAW_NS_PER_S / 128 }

static void answer_whep(void *user_data, const struct http_request *request,
                        struct http_response *response) {
  const struct routes_context *context = user_data;
  whep_server_handle(context->whep, request, response);
}

static void answer_whip(void *user_data, const struct http_request *request,
                        struct http_response *response) {
  const struct routes_context *context = user_data;
  whep_server_handle(context->whip, request, response);
}

static void answer_page(void *user_data, const struct http_request *request,
                        struct http_response *response) {
  (void)user_data;
  page_handle(request, response);
}

/* Any page may listen and talk that has a token: players and studios of other people. */
#define MEDIA_ROUTE(where, which, who, answer)                                                     \
  {                                                                                                \
    .path = (where), .methods = (which), .auth = ROUTE_BEARER, .roles = (who),                     \
    .origin = ROUTE_ANY_ORIGIN, .host = ROUTE_ANY_HOST, .body_bytes_max = WHEP_BODY_BYTES_MAX,     \
    .rate = RATE, .handle = (answer)                                                               \
  }

#define PAGE_ROUTE(where)                                                                          \
  {                                                                                                \
    .path = (where), .methods = LOOK, .auth = ROUTE_PUBLIC, .origin = ROUTE_SAME_ORIGIN,           \
    .host = ROUTE_OUR_HOST, .body_bytes_max = 0, .rate = RATE, .handle = answer_page               \
  }

const struct route routes[] = {
    MEDIA_ROUTE("/whep", ENDPOINT, WHEP_ROLES, answer_whep),
    MEDIA_ROUTE("/whep/*", SESSION, WHEP_ROLES, answer_whep),
    MEDIA_ROUTE("/whip", ENDPOINT, WHIP_ROLES, answer_whip),
    MEDIA_ROUTE("/whip/*", SESSION, WHIP_ROLES, answer_whip),
    PAGE_ROUTE("/"),
    PAGE_ROUTE("/index.html"),
    PAGE_ROUTE("/page.css"),
    PAGE_ROUTE("/page.js"),
    PAGE_ROUTE("/session.js"),
    PAGE_ROUTE("/icon.svg"),
};

const size_t route_count = sizeof routes / sizeof routes[0];
