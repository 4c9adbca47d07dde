/* SPDX-License-Identifier: MIT */
/* A request and its response as plain data: what decisions are made on, without a socket. */
#ifndef COMMON_HTTP_H
#define COMMON_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pawebrtc/base.h>

#include "rate.h"

enum http_method {
  HTTP_GET,
  HTTP_HEAD,
  HTTP_POST,
  HTTP_PATCH,
  HTTP_DELETE,
  HTTP_OPTIONS,
  HTTP_OTHER,
};

/* For sets of methods. */
#define HTTP_METHOD_BIT(method) (1u << (method))

/* "GET"; of HTTP_OTHER "another method": what a client writes there is not repeated. */
const char *http_method_name(enum http_method method);

struct http_request {
  enum http_method method;
  const char *path;          /* decoded, without the query */
  const char *authorization; /* header values; NULL when the header is not there */
  const char *content_type;
  const char *if_match;
  const char *host;
  const char *origin;
  struct rate_client client; /* where it comes from; family NONE: not known */
  const char *body;
  size_t body_len;
  bool body_too_long; /* more than the server takes; body holds nothing then */
  uint64_t now_ns;
};

/* Headers of a response besides Content-Type: what CORS and WHEP need at once, with room. */
#define HTTP_HEADERS_MAX 12
#define HTTP_HEADER_VALUE_SIZE 256

struct http_header {
  const char *name; /* static */
  char value[HTTP_HEADER_VALUE_SIZE];
};

struct http_response {
  int status;
  const char *content_type; /* static; NULL: no body */
  char *body;               /* owned, or NULL */
  size_t body_len;
  struct http_header headers[HTTP_HEADERS_MAX];
  size_t header_count;
};

/* Add a header; the value is copied, and cut when it is too long. */
void http_response_add(struct http_response *response, const char *name, const char *value);

/* Set status and a one-line text/plain body (a line end is added). */
void http_response_say(struct http_response *response, int status, const char *text);

/* The value of a header, or NULL. */
const char *http_response_get(const struct http_response *response, const char *name);

void http_response_wipe(struct http_response *response);

/* Is the media type of a Content-Type value `type`, whatever the case and parameters? */
bool http_is_type(const char *content_type, const char *type);

#endif
