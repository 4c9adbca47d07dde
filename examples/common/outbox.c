/* SPDX-License-Identifier: MIT */
#include "outbox.h"

#include <assert.h>
#include <string.h>

void outbox_init(struct outbox *outbox,
                 size_t (*send)(void *user_data, const struct paw_transmit *batch, size_t count),
                 void *user_data) {
  outbox->send = send;
  outbox->user_data = user_data;
  outbox->behind_ns = PAW_TIME_NEVER;
  outbox->step_ns = outbox->end_ns = outbox->next_ns = 0;
  outbox->first = outbox->count = 0;
  outbox->held = outbox->dropped = 0;
}

void outbox_begin_burst(struct outbox *outbox, uint64_t now_ns, size_t count, uint64_t within_ns) {
  uint64_t step_ns = within_ns / (count / OUTBOX_MAX + 1);
  outbox->step_ns = step_ns < OUTBOX_STEP_MAX_NS ? step_ns : OUTBOX_STEP_MAX_NS;
  outbox->end_ns = now_ns + within_ns;
  outbox->next_ns = now_ns;
}

static bool is_late(const struct outbox *outbox, uint64_t now_ns) {
  return now_ns >= outbox->behind_ns && now_ns - outbox->behind_ns >= OUTBOX_HOLD_NS;
}

/* Without a burst its end is 0: nothing waits. */
static void pace(struct outbox *outbox, size_t count) {
  uint64_t next_ns = outbox->next_ns + outbox->step_ns;
  if (count < OUTBOX_MAX) {
    outbox->end_ns = 0;
  }
  outbox->next_ns = next_ns < outbox->end_ns ? next_ns : outbox->end_ns;
}

/* What the hub lends lasts until the next call on it. */
static void keep(struct outbox *outbox, const struct paw_transmit *batch, size_t count) {
  outbox->first = 0;
  outbox->count = count;
  outbox->held += count;
  for (size_t i = 0; i < count; i++) {
    assert(batch[i].len <= OUTBOX_BYTES);
    memcpy(outbox->data[i], batch[i].data, batch[i].len);
    outbox->kept[i] = batch[i];
    outbox->kept[i].data = outbox->data[i];
  }
}

void outbox_send(struct outbox *outbox, uint64_t now_ns, const struct paw_transmit *batch,
                 size_t count) {
  assert(outbox_may_send(outbox, now_ns) && count <= OUTBOX_MAX);
  pace(outbox, count);
  if (count == 0) {
    outbox->behind_ns = PAW_TIME_NEVER;
    return;
  }
  size_t sent = outbox->send(outbox->user_data, batch, count);
  if (sent == count) {
    return;
  }
  if (outbox->behind_ns == PAW_TIME_NEVER) {
    outbox->behind_ns = now_ns;
  }
  if (is_late(outbox, now_ns)) {
    outbox->dropped += count - sent;
  } else {
    keep(outbox, batch + sent, count - sent);
  }
}

void outbox_flush(struct outbox *outbox, uint64_t now_ns) {
  if (outbox->count == 0) {
    return;
  }
  size_t sent = outbox->send(outbox->user_data, outbox->kept + outbox->first, outbox->count);
  outbox->first += sent;
  outbox->count -= sent;
  if (is_late(outbox, now_ns)) {
    outbox->dropped += outbox->count;
    outbox->count = 0;
  }
}

uint64_t outbox_next_deadline(const struct outbox *outbox) {
  if (outbox->count > 0) {
    return outbox->behind_ns + OUTBOX_HOLD_NS;
  }
  return outbox->next_ns > 0 ? outbox->next_ns : PAW_TIME_NEVER;
}
