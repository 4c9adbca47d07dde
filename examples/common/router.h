/* SPDX-License-Identifier: MIT */
/* Which handler answers a request, and what is asked of the request before: the rules stand in a
 * table of routes, so that a new route is a new row and nothing else. In this order:
 *
 *   400  the Host field is no host            404  no route has this path
 *   421  the host is not this one             403  the page that asks is from elsewhere
 *   405  not a method of the route            429  the client asks too often, or guesses tokens
 *   401  no token, or one that is not known   403  the token's role is not one of the route
 *   413  the body is too long
 *
 * Guessing. Of one client (rate.h) 20 wrong tokens are looked at, then one every 3 s; what it sends
 * in between is answered by 429 unseen, right or wrong: else it could go on guessing. Who shares
 * its address waits with it, until it has been quiet for as long as Retry-After says. Of all
 * clients together 2000 wrong tokens are looked at, then 100 a second; beyond that clients wait
 * that have not shown a right token before. Nothing else is concerned: what plays goes on. */
#ifndef COMMON_ROUTER_H
#define COMMON_ROUTER_H

#include "host_check.h"
#include "http.h"
#include "rate.h"
#include "tokens.h"

enum route_auth {
  ROUTE_PUBLIC, /* no token is looked at */
  ROUTE_BEARER, /* a bearer token with one of the roles; a pre-flight (OPTIONS) carries none */
};

/* Who may use it from a web page. */
enum route_origin {
  ROUTE_SAME_ORIGIN, /* pages of this host: another Origin, also "null", is refused */
  ROUTE_ANY_ORIGIN,  /* all pages, without credentials (CORS "*") */
};

enum route_host {
  ROUTE_OUR_HOST, /* requests for a name or address of this host: no DNS rebinding */
  ROUTE_ANY_HOST,
};

#define ROUTE_ROLE(role) (1u << (role))

struct route {
  const char *path; /* a last segment "*" stands for any one that is not empty */
  unsigned methods; /* of HTTP_METHOD_BIT */
  enum route_auth auth;
  unsigned roles; /* of ROUTE_ROLE; none for ROUTE_PUBLIC */
  enum route_origin origin;
  enum route_host host;
  size_t body_bytes_max; /* 0: no body */
  struct rate rate;      /* requests of one client */
  void (*handle)(void *user_data, const struct http_request *request,
                 struct http_response *response);
};

struct router_config {
  const struct route *routes; /* this and what follows must outlive the router */
  size_t route_count;
  const struct tokens *tokens;
  struct host_names names;
  const char *scheme; /* "https" or "http": how this host is reached */
  void *user_data;    /* of the handlers */
};

struct router;

/* NULL when there is no memory. */
struct router *router_new(const struct router_config *config);

/* NULL is allowed. */
void router_free(struct router *router);

/* The route of a path, or NULL. */
const struct route *router_find(const struct router *router, const char *path);

/* Answer a request; `response` comes zeroed and is wiped by the caller. */
void router_handle(struct router *router, const struct http_request *request,
                   struct http_response *response);

#endif
