/* SPDX-License-Identifier: MIT */
/* Has the way to a server come back? While nothing is heard of it, its TCP port is tried again and
 * again: that costs two packets, and tells sooner than a request with its long time-outs. */
#ifndef COMMON_KNOCK_H
#define COMMON_KNOCK_H

#include <pawebrtc/base.h>

#include "loop.h"

/* From one try to the next, which ends the last; up to a fifth less, so that many speakers do not
 * come back together. Below the second after which the kernel repeats a lost SYN. */
#define KNOCK_EVERY_NS (500 * PAW_NS_PER_MS)

/*   OFF --start--> UNSURE --a try fails--> LOST --a try connects: `back` is called--> UNSURE
 *    ^------------ stop --------------------+                                              */
enum knock_state { KNOCK_OFF, KNOCK_UNSURE, KNOCK_LOST };

struct knock {
  enum knock_state state;
  struct loop *loop;
  struct loop_timer timer;
  struct paw_address address;
  int fd; /* of the try under way, or -1 */
  void (*back)(void *user_data, uint64_t now_ns);
  void *user_data;
};

void knock_init(struct knock *knock, struct loop *loop,
                void (*back)(void *user_data, uint64_t now_ns), void *user_data);
void knock_wipe(struct knock *knock);

/* Try from now on; no change when that is under way at this address. */
void knock_start(struct knock *knock, const struct paw_address *address);
void knock_stop(struct knock *knock);

#endif
