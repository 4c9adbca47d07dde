/* SPDX-License-Identifier: MIT */
/* HTTP or HTTPS by libmicrohttpd inside our own loop: whole requests in, whole responses out, no
 * thread. Every request has a total deadline, however slowly its bytes drip. One address
 * may have 64 connections, all together 256. */
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
  size_t body_bytes_max;
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
