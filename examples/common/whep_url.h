/* SPDX-License-Identifier: MIT */
/* The addresses of WHEP: what --server means, where a Location points, who may see the token. */
#ifndef COMMON_WHEP_URL_H
#define COMMON_WHEP_URL_H

#include <stdbool.h>
#include <stddef.h>

#include "fault.h"

#define WHEP_URL_SIZE 2048
#define WHEP_DEFAULT_PORT 8443

/* Make the endpoint's URL from "HOST", "HOST:PORT", an IPv6 literal with or without brackets,
 * "https://host[:port][/path]", or "http://…" on loopback. `path` serves all that bring none of
 * their own. `out` has WHEP_URL_SIZE bytes. */
int whep_url_from_server(const char *server, const char *path, char *out, struct fault *fault);

/* Resolve a Location against the URL it came from (RFC 3986 section 5). What leaves HTTPS, or is no
 * HTTP at all, is a fault. `out` has WHEP_URL_SIZE bytes. */
int whep_url_resolve(const char *base, const char *location, char *out, struct fault *fault);

/* Same scheme, host and port. */
bool whep_url_same_origin(const char *a, const char *b);

/* Is the host a loopback literal or "localhost"? */
bool whep_url_is_loopback(const char *url);

bool whep_url_is_secure(const char *url);

/* "host:port": the name under which a key is remembered. Empty when it is no URL. */
#define WHEP_AUTHORITY_SIZE 300
void whep_url_authority(const char *url, char out[WHEP_AUTHORITY_SIZE]);

#endif
