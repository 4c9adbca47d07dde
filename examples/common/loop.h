/* SPDX-License-Identifier: MIT */
/* One thread's event loop: file descriptors, one-shot timers, signals. It uses poll(2), so that a
 * regular file may be watched too (always ready) and libmicrohttpd's epoll descriptor, libcurl's
 * sockets and ALSA's poll descriptors fit alike. */
#ifndef COMMON_LOOP_H
#define COMMON_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "fault.h"

/* Descriptors watched at once: two UDP sockets, a signal descriptor, HTTP, ALSA (a handful),
 * libcurl (two connections), with room to spare. */
#define LOOP_WATCHES_MAX 64

struct loop;

/* What is waited for, and what came; the bits are those of poll(2): POLLIN, POLLOUT and, in what
 * came, POLLERR, POLLHUP, POLLNVAL. */
typedef void loop_ready_fn(void *user_data, int fd, short ready);

/* @param now_ns  the time of this turn of the loop; never before the deadline */
typedef void loop_timer_fn(void *user_data, uint64_t now_ns);

/* A one-shot timer in the caller's memory. Zero it, then loop_timer_init. */
struct loop_timer {
  loop_timer_fn *fire;
  void *user_data;
  uint64_t deadline_ns; /* PAW_TIME_NEVER: not set */
  struct loop_timer *next;
};

int loop_new(struct loop **out, struct fault *fault);

/* Timers and watches may still be there; NULL is allowed. */
void loop_free(struct loop *loop);

/* Watch `fd`, or change what it is watched for. `events` 0 waits for errors only. At most one watch
 * a descriptor. Returns 0, or -1 when LOOP_WATCHES_MAX are there. */
int loop_watch(struct loop *loop, int fd, short events, loop_ready_fn *ready, void *user_data);

/* Allowed at any time, also in any callback; an fd that is not watched is ignored. Call it before
 * the descriptor is closed. */
void loop_unwatch(struct loop *loop, int fd);

/* Put a timer into the loop; it must stay until loop_timer_wipe. It is not set yet. */
void loop_timer_init(struct loop *loop, struct loop_timer *timer, loop_timer_fn *fire,
                     void *user_data);

/* Fire once when the clock has reached `deadline_ns`; PAW_TIME_NEVER stops it. A deadline that has
 * passed fires in the next turn of the loop. */
void loop_timer_set(struct loop_timer *timer, uint64_t deadline_ns);

/* Take it out of the loop. Allowed in any callback, its own too. */
void loop_timer_wipe(struct loop *loop, struct loop_timer *timer);

/* Called once a turn, after all callbacks and before the loop waits: the place to drain a library
 * and to set its timer. One hook a loop. */
void loop_set_idle(struct loop *loop, loop_timer_fn *idle, void *user_data);

/* Block SIGINT and SIGTERM and call `signalled` when one comes; SIGPIPE is ignored. */
int loop_catch_signals(struct loop *loop, void (*signalled)(void *user_data, int signal),
                       void *user_data, struct fault *fault);

/* Run until loop_stop. */
int loop_run(struct loop *loop, struct fault *fault);

/* Leave loop_run when the present callback has returned. */
void loop_stop(struct loop *loop);

#endif
