/* SPDX-License-Identifier: MIT */
#include "loop.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "system.h"

struct watch {
  int fd;
  short events;
  uint64_t since_turn;
  loop_ready_fn *ready;
  void *user_data;
};

struct loop {
  struct watch watches[LOOP_WATCHES_MAX];
  size_t watch_count;
  size_t served; /* of them in the last turn, before a timer was due; 0: all */
  struct loop_timer *timers;
  uint64_t turn;
  loop_timer_fn *idle;
  void *idle_user_data;
  void (*signalled)(void *user_data, int signal);
  void *signalled_user_data;
  int signal_fd;
  bool stopping;
};

int loop_new(struct loop **out, struct fault *fault) {
  struct loop *loop = calloc(1, sizeof *loop);
  if (loop == NULL) {
    return fault_set(fault, "event loop: out of memory");
  }
  loop->signal_fd = -1;
  *out = loop;
  return 0;
}

void loop_free(struct loop *loop) {
  if (loop == NULL) {
    return;
  }
  if (loop->signal_fd >= 0) {
    close(loop->signal_fd);
  }
  free(loop);
}

/* ---- descriptors ---- */

static struct watch *find_watch(struct loop *loop, int fd) {
  for (size_t i = 0; i < loop->watch_count; i++) {
    if (loop->watches[i].fd == fd) {
      return &loop->watches[i];
    }
  }
  return NULL;
}

int loop_watch(struct loop *loop, int fd, short events, loop_ready_fn *ready, void *user_data) {
  struct watch *watch = find_watch(loop, fd);
  if (watch == NULL) {
    if (loop->watch_count == LOOP_WATCHES_MAX) {
      return -1;
    }
    watch = &loop->watches[loop->watch_count++];
    watch->fd = fd;
    watch->since_turn = loop->turn;
  }
  watch->events = events;
  watch->ready = ready;
  watch->user_data = user_data;
  return 0;
}

void loop_unwatch(struct loop *loop, int fd) {
  struct watch *watch = find_watch(loop, fd);
  if (watch != NULL) {
    *watch = loop->watches[--loop->watch_count];
  }
}

static size_t fill_poll(const struct loop *loop, struct pollfd *polled) {
  for (size_t i = 0; i < loop->watch_count; i++) {
    polled[i] = (struct pollfd){.fd = loop->watches[i].fd, .events = loop->watches[i].events};
  }
  return loop->watch_count;
}

/* ---- timers ---- */

void loop_timer_init(struct loop *loop, struct loop_timer *timer, loop_timer_fn *fire,
                     void *user_data) {
  *timer = (struct loop_timer){
      .fire = fire, .user_data = user_data, .deadline_ns = PAW_TIME_NEVER, .next = loop->timers};
  loop->timers = timer;
}

void loop_timer_set(struct loop_timer *timer, uint64_t deadline_ns) {
  timer->deadline_ns = deadline_ns;
}

void loop_timer_wipe(struct loop *loop, struct loop_timer *timer) {
  for (struct loop_timer **at = &loop->timers; *at != NULL; at = &(*at)->next) {
    if (*at == timer) {
      *at = timer->next;
      return;
    }
  }
}

static struct loop_timer *first_timer(const struct loop *loop) {
  struct loop_timer *first = NULL;
  for (struct loop_timer *timer = loop->timers; timer != NULL; timer = timer->next) {
    if (first == NULL || timer->deadline_ns < first->deadline_ns) {
      first = timer;
    }
  }
  return first;
}

/* A timer that sets itself to a time already past waits for the next turn, or descriptors would
 * starve: one pass fires at most as many as were due when it began. */
static void fire_timers(struct loop *loop, uint64_t now_ns) {
  size_t due = 0;
  for (struct loop_timer *timer = loop->timers; timer != NULL; timer = timer->next) {
    due += timer->deadline_ns <= now_ns;
  }
  while (due-- > 0 && !loop->stopping) {
    struct loop_timer *timer = first_timer(loop);
    if (timer == NULL || timer->deadline_ns > now_ns) {
      return;
    }
    timer->deadline_ns = PAW_TIME_NEVER;
    timer->fire(timer->user_data, now_ns);
  }
}

/* ---- descriptors that are ready ---- */

static bool has_due_timer(const struct loop *loop) {
  const struct loop_timer *first = first_timer(loop);
  return first != NULL && first->deadline_ns <= system_now_ns();
}

/* A callback may unwatch any descriptor and a new watch may reuse its number: what was watched only
 * in this turn has not been polled yet. A timer that becomes due meanwhile does not wait for the
 * descriptors that are left: the next turn begins with those. */
static void dispatch(struct loop *loop, const struct pollfd *polled, size_t count) {
  size_t begin = loop->served < count ? loop->served : 0;
  loop->served = 0;
  for (size_t i = 0; i < count && !loop->stopping; i++) {
    size_t at = (begin + i) % count;
    struct watch *watch = polled[at].revents != 0 ? find_watch(loop, polled[at].fd) : NULL;
    if (watch == NULL || watch->since_turn >= loop->turn) {
      continue;
    }
    watch->ready(watch->user_data, polled[at].fd, polled[at].revents);
    if (has_due_timer(loop)) {
      loop->served = at + 1;
      return;
    }
  }
}

void loop_set_idle(struct loop *loop, loop_timer_fn *idle, void *user_data) {
  loop->idle = idle;
  loop->idle_user_data = user_data;
}

/* ---- signals ---- */

static void read_signal(void *user_data, int fd, short ready) {
  struct loop *loop = user_data;
  struct signalfd_siginfo info;
  (void)ready;
  if (read(fd, &info, sizeof info) == (ssize_t)sizeof info) {
    loop->signalled(loop->signalled_user_data, (int)info.ssi_signo);
  }
}

int loop_catch_signals(struct loop *loop, void (*signalled)(void *user_data, int signal),
                       void *user_data, struct fault *fault) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  loop->signalled = signalled;
  loop->signalled_user_data = user_data;
  loop->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (loop->signal_fd < 0 || sigprocmask(SIG_BLOCK, &set, NULL) != 0 ||
      signal(SIGPIPE, SIG_IGN) == SIG_ERR) {
    return fault_set(fault, "cannot catch signals: %s", strerror(errno));
  }
  return loop_watch(loop, loop->signal_fd, POLLIN, read_signal, loop);
}

/* ---- running ---- */

static struct timespec time_left(uint64_t deadline_ns, uint64_t now_ns) {
  uint64_t left_ns = deadline_ns > now_ns ? deadline_ns - now_ns : 0;
  return (struct timespec){.tv_sec = (time_t)(left_ns / PAW_NS_PER_S),
                           .tv_nsec = (long)(left_ns % PAW_NS_PER_S)};
}

int loop_run(struct loop *loop, struct fault *fault) {
  struct pollfd polled[LOOP_WATCHES_MAX];
  loop->stopping = false;
  while (!loop->stopping) {
    if (loop->idle != NULL) {
      loop->idle(loop->idle_user_data, system_now_ns());
    }
    if (loop->stopping) {
      break;
    }
    const struct loop_timer *first = first_timer(loop);
    bool endless = first == NULL || first->deadline_ns == PAW_TIME_NEVER;
    struct timespec left = {0};
    if (!endless) {
      left = time_left(first->deadline_ns, system_now_ns());
    }
    size_t count = fill_poll(loop, polled);
    loop->turn++;
    int ready = ppoll(polled, (nfds_t)count, endless ? NULL : &left, NULL);
    if (ready < 0 && errno != EINTR) {
      return fault_set(fault, "event loop: poll: %s", strerror(errno));
    }
    if (ready > 0) {
      dispatch(loop, polled, count);
    }
    fire_timers(loop, system_now_ns());
  }
  return 0;
}

void loop_stop(struct loop *loop) {
  loop->stopping = true;
}
