/* SPDX-License-Identifier: MIT */
/* HTTP requests in the program's own loop: libcurl's multi interface, one small request at a time
 * or several. Redirects are told, not followed; the key of a server is checked before anything is
 * sent; TLS is 1.2 or later. What a server may answer has a bound in time and in bytes. */
#ifndef COMMON_HTTP_CLIENT_H
#define COMMON_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pawebrtc/base.h>

#include "fault.h"
#include "loop.h"
#include "pin.h"

/* Longest body that is taken: an SDP answer of a few kB with room for an SFU's many lines. All
 * field lines together, with those of interim responses, may be as long. */
#define HTTP_CLIENT_BODY_MAX 65536
/* Longest value of a header field that is kept. */
#define HTTP_CLIENT_FIELD_SIZE 2048

struct http_client;
struct http_client_transfer;

struct http_client_request {
  const char *method;
  const char *url;
  const char *token;        /* bearer token, or NULL */
  const char *content_type; /* of the body, or NULL */
  const char *if_match;     /* or NULL */
  bool fresh; /* by a connection of its own: one of before may hang at an address that is gone */
  const char *body; /* NULL: none. All texts are copied */
  size_t body_len;
  struct pin pin; /* how to know the server; FIRST_USE accepts any key, so send no token then */
  uint64_t deadline_ns; /* of the whole request, as a duration */
};

enum http_client_outcome {
  HTTP_CLIENT_ANSWERED,    /* status and the rest are set */
  HTTP_CLIENT_UNREACHABLE, /* no connection, or it broke */
  HTTP_CLIENT_TIMED_OUT,
  HTTP_CLIENT_WRONG_KEY, /* the server's key is not the pinned one; nothing was sent */
  HTTP_CLIENT_UNTRUSTED, /* no certificate authority of this system vouches for the server */
  HTTP_CLIENT_TOO_LONG,  /* a body or field lines above HTTP_CLIENT_BODY_MAX */
};

/* Valid during the callback. */
struct http_client_response {
  enum http_client_outcome outcome;
  const char *problem; /* why there is no answer, for people */
  long status;
  const char *body; /* NUL-terminated */
  size_t body_len;
  const char *content_type; /* empty when there is none, as those below */
  const char *location;
  const char *etag; /* verbatim */
  const char *date;
  uint64_t retry_after_ns;           /* 0: not said */
  const char *server_pin;            /* of the key that the server showed; empty when not known */
  struct paw_address server_address; /* where the answer came from; none when not known */
};

typedef void http_client_done_fn(void *user_data, const struct http_client_response *response);

int http_client_new(struct loop *loop, struct http_client **out, struct fault *fault);

/* Transfers under way are dropped without a call. */
void http_client_free(struct http_client *client);

/* Begin a request; `done` is called once from the loop, never from here, unless it is cancelled.
 * NULL when there is no memory. */
struct http_client_transfer *http_client_send(struct http_client *client,
                                              const struct http_client_request *request,
                                              http_client_done_fn *done, void *user_data);

/* Is there a connection to the server already, of which the request may make use? */
bool http_client_has_connected(const struct http_client_transfer *transfer);

/* Forget a request that is not done. */
void http_client_cancel(struct http_client_transfer *transfer);

#endif
