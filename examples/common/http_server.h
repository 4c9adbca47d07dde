/* SPDX-License-Identifier: MIT */
/* HTTP or HTTPS (TLS 1.2 and 1.3) by libmicrohttpd inside our own loop: whole requests in, whole
 * responses out, no thread. Every request has a total deadline, however slowly its bytes drip. One
 * client (rate.h) may have 64 connections, all together 256; then one that pauses between two
 * requests gives way to a new one. Accepting yields to what is under way, for 100 ms at most. */
#ifndef COMMON_HTTP_SERVER_H
#define COMMON_HTTP_SERVER_H

#include <pawebrtc/base.h>

#include "http.h"
#include "loop.h"
#include "tls_identity.h"

struct http_server;

struct http_server_config {
  struct paw_address listen;           /* family NONE: all addresses, IPv6 and IPv4; port 0: free */
  const struct tls_identity *identity; /* NULL: plain HTTP; must outlive the server */
  struct paw_log log;
  uint64_t request_ns; /* total time from the connection or the request line; 0: 10 s */
  uint64_t pause_ns;   /* between two requests of a connection; 0: 30 s */
  /* The longest body that is kept of a request for a path. */
  size_t (*body_max)(void *user_data, const char *path);
  /* Answers a request; `response` comes zeroed and is wiped by the server. */
  void (*handle)(void *user_data, const struct http_request *request,
                 struct http_response *response);
  void *user_data;
};

int http_server_open(const struct http_server_config *config, struct loop *loop,
                     struct http_server **out, struct fault *fault);

/* NULL is allowed. Open connections are cut. */
void http_server_close(struct http_server *server);

/* The TCP port that is listened on. */
uint16_t http_server_get_port(const struct http_server *server);

/* Call from the loop's idle hook: sets the server's timer. */
void http_server_idle(struct http_server *server, uint64_t now_ns);

#endif
