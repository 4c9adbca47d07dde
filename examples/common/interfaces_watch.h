/* SPDX-License-Identifier: MIT */
/* When this host's addresses have changed, told by the kernel (rtnetlink(7)). */
#ifndef COMMON_INTERFACES_WATCH_H
#define COMMON_INTERFACES_WATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "fault.h"
#include "loop.h"

struct interfaces_watch;

/* `changed` is called once things are quiet for a tenth of a second, or after a second at the
 * latest: a lease and a router bring several changes at a time. It need not be a change that
 * matters. */
int interfaces_watch_open(struct loop *loop, void (*changed)(void *user_data, uint64_t now_ns),
                          void *user_data, struct interfaces_watch **out, struct fault *fault);

/* NULL is allowed. */
void interfaces_watch_close(struct interfaces_watch *watch);

/* Does a datagram of the kernel tell of addresses or interfaces that came, went or changed? */
bool interfaces_watch_is_change(const void *datagram, size_t len);

#endif
