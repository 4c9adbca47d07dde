/* SPDX-License-Identifier: MIT */
/* Datagrams on their way to a socket whose send buffer may be full: what it does not take is kept,
 * and whoever makes more of it waits. So no frame to many receivers overflows the buffer. But not
 * for long: what a network that is too slow for all of it has not taken by then is dropped.
 *
 * And a burst is paced: one batch of it begins a step after the other, so that each datagram goes
 * out when the clock says, not when the processor gets to it. What is late does not wait, nor does
 * what is still there after the time of a burst. */
#ifndef COMMON_OUTBOX_H
#define COMMON_OUTBOX_H

#include <pawebrtc/base.h>

/* One batch of the hub is kept at most. */
#define OUTBOX_MAX 64
/* Longest datagram: an Ethernet frame's worth. */
#define OUTBOX_BYTES 1500
/* So long all that there is to send may take: longer, and what waits comes too late to be played.
 */
#define OUTBOX_HOLD_NS (60 * PAW_NS_PER_MS)
/* The longest step: a batch takes a processor less even when it runs slowly, and what could go out
 * sooner is not put off for longer. */
#define OUTBOX_STEP_MAX_NS PAW_NS_PER_MS

struct outbox {
  /* Returns how many of them, from the first on, are dealt with. */
  size_t (*send)(void *user_data, const struct paw_transmit *batch, size_t count);
  void *user_data;
  uint64_t behind_ns; /* since then not all was sent; PAW_TIME_NEVER: all was */
  uint64_t step_ns;   /* from one batch of a burst to the next */
  uint64_t end_ns;    /* of the burst: nothing waits beyond it */
  uint64_t next_ns;   /* when it goes on; 0: there is none */
  size_t first;       /* of those kept */
  size_t count;
  uint64_t held;    /* datagrams that had to wait, since the start */
  uint64_t dropped; /* that were not taken in time */
  struct paw_transmit kept[OUTBOX_MAX];
  uint8_t data[OUTBOX_MAX][OUTBOX_BYTES];
};

void outbox_init(struct outbox *outbox,
                 size_t (*send)(void *user_data, const struct paw_transmit *batch, size_t count),
                 void *user_data);

/* `count` datagrams are to be spread over at most so long; with them what is left of the burst
 * before. All else goes out at once. */
void outbox_begin_burst(struct outbox *outbox, uint64_t now_ns, size_t count, uint64_t within_ns);

/* Send a batch of OUTBOX_MAX at most, and keep what is not taken; or drop that, when it has been
 * behind for too long. Only when outbox_may_send. A batch that is not full ends the burst; one of
 * none says that there is no more. */
void outbox_send(struct outbox *outbox, uint64_t now_ns, const struct paw_transmit *batch,
                 size_t count);

/* The socket may take more, or time has passed. */
void outbox_flush(struct outbox *outbox, uint64_t now_ns);

/* Nothing is kept. Else flush it when the socket can be written to, or at the deadline. */
static inline bool outbox_is_free(const struct outbox *outbox) {
  return outbox->count == 0;
}

/* Is it time for more? Else wait for the deadline, or until it is free. */
static inline bool outbox_may_send(const struct outbox *outbox, uint64_t now_ns) {
  return outbox_is_free(outbox) && now_ns >= outbox->next_ns;
}

/* PAW_TIME_NEVER: nothing is kept, and no burst has to go on. */
uint64_t outbox_next_deadline(const struct outbox *outbox);

/* Where the first one that is kept goes to; only while not outbox_is_free. */
static inline enum paw_family outbox_get_family(const struct outbox *outbox) {
  return (enum paw_family)outbox->kept[outbox->first].remote.family;
}

#endif
