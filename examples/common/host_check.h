/* SPDX-License-Identifier: MIT */
/* Is a request for this server? A page elsewhere can give its own name our address (DNS rebinding);
 * the browser then takes us for that page's origin. Its Host header tells. */
#ifndef COMMON_HOST_CHECK_H
#define COMMON_HOST_CHECK_H

#include <stdbool.h>
#include <stddef.h>

struct host_names {
  const char *own;           /* this host's name, also without its domain; may be empty */
  const char *const *others; /* names besides */
  size_t other_count;
};

/* True for numeric addresses, localhost, this host's name, the same in `.local`, and the others;
 * whatever the case and with any port. NULL, no Host header, is refused. */
bool host_is_ours(const char *host, const struct host_names *names);

/* Is it of a form that a Host field may have (RFC 9112 section 3.2): a name, an IPv4 address or an
 * IPv6 address in brackets, and a port or none? NULL is not. */
bool host_is_valid(const char *host);

/* Is an Origin field (RFC 6454 section 7) of the very place that a request is for? */
bool origin_is_same(const char *origin, const char *scheme, const char *host);

#endif
