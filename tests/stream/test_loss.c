/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stream/loss.h"

static void reports_of_a_second_settle_within_five(void **state) {
  (void)state;
  struct paw_loss loss = {0};
  uint32_t sequence = 500;
  for (int i = 0; i < 5; i++) {
    paw_loss_report(&loss, 51, sequence += 100); /* 20 % */
  }
  assert_in_range(loss.share_16, PAW_LOSS_PERCENT(18), PAW_LOSS_PERCENT(20));
  for (int i = 0; i < 7; i++) {
    paw_loss_report(&loss, 0, sequence += 100);
  }
  assert_true(loss.share_16 < PAW_LOSS_PERCENT(1));
}

static void the_first_report_counts(void **state) {
  (void)state;
  struct paw_loss loss = {0};
  paw_loss_report(&loss, 26, 31000); /* 10 % */
  assert_in_range(loss.share_16, PAW_LOSS_PERCENT(4), PAW_LOSS_PERCENT(6));
}

/* One of two is lost in a pause, over the wrap of the sequence number. */
static void a_report_counts_by_its_packets(void **state) {
  (void)state;
  struct paw_loss loss = {.highest_sequence = UINT32_MAX};
  paw_loss_report(&loss, 128, 1);
  assert_true(loss.share_16 < PAW_LOSS_PERCENT(1));
  paw_loss_report(&loss, 255, 1); /* said again: no news */
  assert_true(loss.share_16 < PAW_LOSS_PERCENT(1));
}

static void what_goes_back_does_not_count(void **state) {
  (void)state;
  struct paw_loss loss = {0};
  paw_loss_report(&loss, 0, 70000);
  paw_loss_report(&loss, 255, 60000);
  assert_int_equal(loss.share_16, 0);
  paw_loss_report(&loss, 255, 60100);
  assert_true(loss.share_16 > PAW_LOSS_PERCENT(30));
}

static void it_never_leaves_its_range(void **state) {
  (void)state;
  struct paw_loss loss = {0};
  for (uint32_t i = 1; i < 1000; i++) {
    paw_loss_report(&loss, i % 3 == 0 ? 0 : 255, i * UINT32_C(0x31234567));
    assert_true(loss.share_16 <= 65536);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reports_of_a_second_settle_within_five),
      cmocka_unit_test(the_first_report_counts),
      cmocka_unit_test(a_report_counts_by_its_packets),
      cmocka_unit_test(what_goes_back_does_not_count),
      cmocka_unit_test(it_never_leaves_its_range),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
