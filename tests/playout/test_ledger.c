/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "playout/playout.h"

#define FRAME_RTP 960

static struct paw_playout_ledger ledger;
static uint64_t first;
static uint64_t first_rtp;

static void begin(uint16_t sequence) {
  ledger = (struct paw_playout_ledger){0};
  paw_playout_ledger_start(&ledger, sequence, UINT32_MAX - 5000, FRAME_RTP);
  first = ledger.highest;
  first_rtp = ledger.highest_rtp;
}

static void note(uint64_t number, enum paw_playout_arrival arrival) {
  struct paw_playout_note note = {
      .sequence = first + number,
      .media_rtp = first_rtp + number * FRAME_RTP,
      .duration_rtp = FRAME_RTP,
      .arrival_ns = 1 + number,
      .arrival = arrival,
  };
  paw_playout_ledger_note(&ledger, &note);
}

static uint64_t lost_before(uint64_t number) {
  paw_playout_ledger_settle(&ledger, first_rtp + number * FRAME_RTP);
  return ledger.lost;
}

static void what_does_not_come_is_lost_once_its_time_is_over(void **state) {
  (void)state;
  static const uint16_t sequences[] = {0, 1000, 65533};
  for (size_t i = 0; i < 3; i++) {
    begin(sequences[i]);
    note(0, PAW_PLAYOUT_ARRIVAL_IN_TIME);
    note(4, PAW_PLAYOUT_ARRIVAL_IN_TIME);
    note(2, PAW_PLAYOUT_ARRIVAL_IN_TIME);
    note(5, PAW_PLAYOUT_ARRIVAL_LATE);
    assert_int_equal(lost_before(1), 0);
    assert_int_equal(lost_before(2), 1);
    assert_int_equal(lost_before(4), 2);
    assert_int_equal(lost_before(5), 2);
    assert_int_equal(lost_before(20), 3); /* what is past the highest is not known to be lost */
    assert_int_equal((uint16_t)ledger.open, (uint16_t)(sequences[i] + 6));
  }
}

static void missing_packets_share_the_time_between(void **state) {
  (void)state;
  begin(7);
  note(0, PAW_PLAYOUT_ARRIVAL_IN_TIME);
  note(5, PAW_PLAYOUT_ARRIVAL_IN_TIME);
  for (uint64_t i = 1; i < 5; i++) {
    const struct paw_playout_entry *entry = paw_playout_ledger_get(&ledger, first + i);
    assert_int_equal(entry->media_rtp, first_rtp + i * FRAME_RTP);
    assert_int_equal(entry->arrival, PAW_PLAYOUT_ARRIVAL_NONE);
  }
  const struct paw_playout_entry *guess = paw_playout_ledger_get(&ledger, first + 8);
  assert_int_equal(guess->media_rtp, first_rtp + 8 * FRAME_RTP);
}

static void guesses_move_with_the_highest(void **state) {
  (void)state;
  begin(7);
  note(0, PAW_PLAYOUT_ARRIVAL_IN_TIME);
  paw_playout_ledger_get(&ledger, first + 2)->asks = 3;
  struct paw_playout_note short_one = {
      .sequence = first + 1,
      .media_rtp = first_rtp + 50000,
      .duration_rtp = 480,
      .arrival = PAW_PLAYOUT_ARRIVAL_IN_TIME,
  };
  paw_playout_ledger_note(&ledger, &short_one);
  struct paw_playout_entry *guess = paw_playout_ledger_get(&ledger, first + 2);
  assert_int_equal(guess->media_rtp, first_rtp + 50480);
  assert_int_equal(guess->asks, 3);
  paw_playout_ledger_forget_guesses(&ledger);
  assert_int_equal(paw_playout_ledger_get(&ledger, first + 2)->asks, 0);
}

/* An outage longer than the window: every number still counts. */
static void long_gaps_count_in_full(void **state) {
  (void)state;
  static const uint64_t gaps[] = {1, 400, 511, 512, 600, 3000, 32000};
  for (size_t i = 0; i < sizeof gaps / sizeof gaps[0]; i++) {
    begin(60000);
    note(0, PAW_PLAYOUT_ARRIVAL_IN_TIME);
    note(gaps[i] + 1, PAW_PLAYOUT_ARRIVAL_IN_TIME);
    note(gaps[i] + 2, PAW_PLAYOUT_ARRIVAL_IN_TIME);
    assert_int_equal(lost_before(gaps[i] + 3), gaps[i]);
  }
}

static void another_stream_settles_the_one_before(void **state) {
  (void)state;
  begin(1);
  note(0, PAW_PLAYOUT_ARRIVAL_IN_TIME);
  note(3, PAW_PLAYOUT_ARRIVAL_IN_TIME);
  paw_playout_ledger_start(&ledger, 1, 0, FRAME_RTP);
  assert_int_equal(ledger.lost, 2);
  first = ledger.highest;
  first_rtp = ledger.highest_rtp;
  for (uint64_t i = 1; i < 10; i++) {
    assert_int_equal(paw_playout_ledger_get(&ledger, first + i)->arrival, PAW_PLAYOUT_ARRIVAL_NONE);
  }
}

/* "" is what is not settled yet, 'c' came at first, 'r' was repaired, 'l' was lost for good. */
static const char *fates(uint64_t given_up) {
  static char told[32];
  size_t count = 0;
  static const char letters[] = {[PAW_PLAYOUT_FATE_CAME] = 'c',
                                 [PAW_PLAYOUT_FATE_REPAIRED] = 'r',
                                 [PAW_PLAYOUT_FATE_LOST] = 'l'};
  uint64_t given_up_rtp = first_rtp + given_up * FRAME_RTP;
  enum paw_playout_fate fate = paw_playout_ledger_next_fate(&ledger, given_up_rtp);
  while (fate != PAW_PLAYOUT_FATE_OPEN) {
    told[count++] = letters[fate];
    assert_true(count < sizeof told);
    fate = paw_playout_ledger_next_fate(&ledger, given_up_rtp);
  }
  told[count] = '\0';
  return told;
}

static void answer(uint64_t number) {
  struct paw_playout_note note = {
      .sequence = first + number,
      .media_rtp = first_rtp + number * FRAME_RTP,
      .duration_rtp = FRAME_RTP,
      .is_answer = true,
      .arrival = PAW_PLAYOUT_ARRIVAL_IN_TIME,
  };
  paw_playout_ledger_note(&ledger, &note);
}

static void fates_are_told_in_order_once_they_are_settled(void **state) {
  (void)state;
  begin(65530);
  note(0, PAW_PLAYOUT_ARRIVAL_IN_TIME);
  note(3, PAW_PLAYOUT_ARRIVAL_IN_TIME);
  assert_string_equal(fates(0), "c");
  answer(1);
  assert_string_equal(fates(1), ""); /* the first one may still come */
  assert_string_equal(fates(2), "r");
  assert_string_equal(fates(2), "");
  note(2, PAW_PLAYOUT_ARRIVAL_LATE);
  assert_string_equal(fates(2), "cc");
  note(8, PAW_PLAYOUT_ARRIVAL_IN_TIME);
  assert_string_equal(fates(6), "ll");
  assert_string_equal(fates(20), "llc");
}

static void a_packet_is_passed_by_a_higher_number_that_was_not_asked_for(void **state) {
  (void)state;
  begin(7);
  note(0, PAW_PLAYOUT_ARRIVAL_IN_TIME);
  answer(3);
  assert_int_equal(paw_playout_ledger_get(&ledger, first + 2)->passed_ns, 0);
  note(6, PAW_PLAYOUT_ARRIVAL_IN_TIME);
  assert_int_equal(paw_playout_ledger_get(&ledger, first + 5)->passed_ns, 7);
  note(9, PAW_PLAYOUT_ARRIVAL_IN_TIME);
  assert_int_equal(paw_playout_ledger_get(&ledger, first + 5)->passed_ns, 7);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_does_not_come_is_lost_once_its_time_is_over),
      cmocka_unit_test(missing_packets_share_the_time_between),
      cmocka_unit_test(guesses_move_with_the_highest),
      cmocka_unit_test(long_gaps_count_in_full),
      cmocka_unit_test(fates_are_told_in_order_once_they_are_settled),
      cmocka_unit_test(a_packet_is_passed_by_a_higher_number_that_was_not_asked_for),
      cmocka_unit_test(another_stream_settles_the_one_before),
  };
  return cmocka_run_group_tests_name("playout ledger", tests, NULL, NULL);
}
