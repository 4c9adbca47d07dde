/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/seq.h"
#include "playout/playout.h"

static void settle_one(struct paw_playout_ledger *ledger) {
  if (paw_playout_ledger_get(ledger, ledger->open)->arrival != PAW_PLAYOUT_ARRIVAL_IN_TIME) {
    ledger->lost++;
  }
  ledger->open++;
}

/* Numbers begin high enough that what lies a window before the first one does not wrap. */
void paw_playout_ledger_start(struct paw_playout_ledger *ledger, uint16_t sequence,
                              uint32_t timestamp_rtp, uint32_t duration_rtp) {
  if (ledger->highest != 0) {
    while (ledger->open <= ledger->highest) {
      settle_one(ledger);
    }
  }
  memset(ledger->entries, 0, sizeof ledger->entries);
  ledger->highest = paw_seq_extend(UINT64_C(1) << 17, sequence);
  ledger->highest_rtp = paw_rtp_extend(UINT64_C(1) << 33, timestamp_rtp);
  ledger->duration_rtp = duration_rtp;
  ledger->open = ledger->highest;
  ledger->told = ledger->highest;
}

struct paw_playout_entry *paw_playout_ledger_get(struct paw_playout_ledger *ledger,
                                                 uint64_t sequence) {
  struct paw_playout_entry *entry = &ledger->entries[sequence % PAW_PLAYOUT_SEQUENCES_MAX];
  bool is_new = entry->sequence != sequence;
  if (is_new) {
    *entry = (struct paw_playout_entry){.sequence = sequence};
  }
  if (is_new || sequence > ledger->highest) {
    int64_t ahead = (int64_t)(sequence - ledger->highest);
    entry->media_rtp = ledger->highest_rtp + (uint64_t)(ahead * (int64_t)ledger->duration_rtp);
  }
  return entry;
}

/* All entries in use, the guesses too, have places of their own. */
#define OPEN_MAX (PAW_PLAYOUT_SEQUENCES_MAX - PAW_PLAYOUT_GUESSES_MAX - 1)

/* The packets between the highest and a new one: share out the media time that lies between. */
static void note_gap(struct paw_playout_ledger *ledger, const struct paw_playout_note *note) {
  uint64_t from_rtp = ledger->highest_rtp + ledger->duration_rtp;
  uint64_t missing = note->sequence - ledger->highest - 1;
  uint64_t between_rtp = note->media_rtp > from_rtp ? note->media_rtp - from_rtp : 0;
  while (ledger->open + OPEN_MAX <= note->sequence) {
    settle_one(ledger);
  }
  uint64_t first = ledger->highest + 1 > ledger->open ? ledger->highest + 1 : ledger->open;
  for (uint64_t i = first; i < note->sequence; i++) {
    struct paw_playout_entry *entry = paw_playout_ledger_get(ledger, i);
    entry->media_rtp = from_rtp + between_rtp * (i - ledger->highest - 1) / missing;
    entry->passed_ns = note->is_answer ? 0 : note->arrival_ns;
  }
}

void paw_playout_ledger_note(struct paw_playout_ledger *ledger,
                             const struct paw_playout_note *note) {
  if (note->sequence > ledger->highest) {
    note_gap(ledger, note);
    ledger->highest = note->sequence;
    ledger->highest_rtp = note->media_rtp;
    ledger->duration_rtp = note->duration_rtp;
  }
  struct paw_playout_entry *entry = paw_playout_ledger_get(ledger, note->sequence);
  entry->media_rtp = note->media_rtp;
  entry->is_answer = note->is_answer;
  entry->came_ns = note->is_marked ? 0 : note->arrival_ns;
  entry->rendered_ns = note->rendered_ns;
  entry->arrival = note->arrival;
}

enum paw_playout_fate paw_playout_ledger_next_fate(struct paw_playout_ledger *ledger,
                                                   uint64_t given_up_rtp) {
  if (ledger->told > ledger->highest) {
    return PAW_PLAYOUT_FATE_OPEN;
  }
  const struct paw_playout_entry *entry =
      &ledger->entries[ledger->told % PAW_PLAYOUT_SEQUENCES_MAX];
  bool is_known = entry->sequence == ledger->told; /* else it was given up long ago */
  bool has_come = is_known && entry->arrival != PAW_PLAYOUT_ARRIVAL_NONE;
  bool is_settled = !is_known || (has_come && !entry->is_answer);
  if (!is_settled && entry->media_rtp + ledger->duration_rtp > given_up_rtp) {
    return PAW_PLAYOUT_FATE_OPEN;
  }
  ledger->told++;
  if (!has_come) {
    return PAW_PLAYOUT_FATE_LOST;
  }
  if (!entry->is_answer) {
    return PAW_PLAYOUT_FATE_CAME;
  }
  return entry->arrival == PAW_PLAYOUT_ARRIVAL_IN_TIME ? PAW_PLAYOUT_FATE_REPAIRED
                                                       : PAW_PLAYOUT_FATE_LOST;
}

void paw_playout_ledger_forget_guesses(struct paw_playout_ledger *ledger) {
  for (uint64_t i = 1; i <= PAW_PLAYOUT_GUESSES_MAX; i++) {
    *paw_playout_ledger_get(ledger, ledger->highest + i) = (struct paw_playout_entry){0};
  }
}

void paw_playout_ledger_settle(struct paw_playout_ledger *ledger, uint64_t media_rtp) {
  while (ledger->open <= ledger->highest &&
         paw_playout_ledger_get(ledger, ledger->open)->media_rtp + ledger->duration_rtp <=
             media_rtp) {
    settle_one(ledger);
  }
}
