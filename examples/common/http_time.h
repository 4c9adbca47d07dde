/* SPDX-License-Identifier: MIT */
/* Times that a server gives, against its own clock (its Date field): a speaker without a battery
 * may believe that it is 1970. */
#ifndef COMMON_HTTP_TIME_H
#define COMMON_HTTP_TIME_H

#include <stdint.h>

/* Asked-for pauses above this are not believed: a speaker has to come back some day. */
#define HTTP_RETRY_AFTER_MAX_NS UINT64_C(60000000000)

/* A counter-offer that says nothing else is good for so long (draft-ietf-wish-whep section 4.3.2);
 * longer than an hour nobody waits. */
#define HTTP_OFFER_VALID_NS UINT64_C(30000000000)
#define HTTP_OFFER_VALID_MAX_NS UINT64_C(3600000000000)

/* What a Retry-After says (RFC 9110 section 10.2.3), in seconds or as a date; 0 when it says
 * nothing that can be understood, or the time has passed. `date` may be empty. */
uint64_t http_retry_after_ns(const char *retry_after, const char *date);

/* For how long may the SDP offer of a 406 be answered? Its Content-Type may say `valid-until` with
 * a date. 0: no longer. */
uint64_t http_offer_valid_ns(const char *content_type, const char *date);

#endif
