/* SPDX-License-Identifier: MIT */
/* HTTP requests in the program's own loop: libcurl's multi interface, one small request at a time
 * or several. Redirects are told, not followed; the key of a server is checked before anything is
 * sent. */
#ifndef COMMON_HTTP_H
#define COMMON_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fault.h"
#include "loop.h"
#include "pin.h"

/* Longest body that is taken: an SDP answer of a few kB with room for an SFU's many lines. */
#define HTTP_BODY_MAX 65536
/* Longest value of a header field that is kept. */
#define HTTP_FIELD_SIZE 2048

struct http;
struct http_transfer;

struct http_request {
  const char *method;
  const char *url;
  const char *token;        /* bearer token, or NULL */
  const char *content_type; /* of the body, or NULL */
  const char *body;         /* NULL: none. All texts are copied */
  size_t body_len;
  struct pin pin; /* how to know the server; FIRST_USE accepts any key, so send no token then */
  uint64_t deadline_ns; /* of the whole request, as a duration */
};

enum http_outcome {
  HTTP_ANSWERED,    /* status and the rest are set */
  HTTP_UNREACHABLE, /* no connection, or it broke */
  HTTP_TIMED_OUT,
  HTTP_WRONG_KEY, /* the server's key is not the pinned one; nothing was sent */
  HTTP_UNTRUSTED, /* no certificate authority of this system vouches for the server */
  HTTP_TOO_LONG,  /* a body above HTTP_BODY_MAX */
};

/* Valid during the callback. */
struct http_response {
  enum http_outcome outcome;
  const char *problem; /* why there is no answer, for people */
  long status;
  const char *body; /* NUL-terminated */
  size_t body_len;
  const char *content_type; /* empty when there is none, as those below */
  const char *location;
  const char *etag;
  uint64_t retry_after_ns; /* 0 when not said, or said as a date */
  const char *server_pin;  /* of the key that the server showed; empty when not known */
};

typedef void http_done_fn(void *user_data, const struct http_response *response);

int http_new(struct loop *loop, struct http **out, struct fault *fault);

/* Transfers under way are dropped without a call. NULL is allowed. */
void http_free(struct http *http);

/* Begin a request; `done` is called once from the loop, never from here, unless it is cancelled.
 * NULL when there is no memory. */
struct http_transfer *http_send(struct http *http, const struct http_request *request,
                                http_done_fn *done, void *user_data);

/* Forget a request that is not done. */
void http_cancel(struct http_transfer *transfer);

#endif
