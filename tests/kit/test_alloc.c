/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L /* posix_memalign */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <mbedtls/ecp.h>
#include <opus/opus.h>
#include <srtp2/srtp.h>
#include <stdlib.h>
#include <string.h>

#include "kit/alloc.h"

/* Keeps the compiler from pairing malloc with free and dropping both. */
static void *volatile kept;

static void counts_the_tests_own(void **state) {
  (void)state;
  kit_malloc_start();
  kept = malloc(100);
  kept = realloc(kept, 100000);
  struct kit_malloc_counts counts = kit_malloc_get_counts();
  assert_int_equal(counts.allocations, 2);
  assert_int_equal(counts.frees, 1);
  assert_int_equal(counts.outstanding, 1);
  assert_in_range(counts.outstanding_bytes, 100000, 110000);
  free(kept);
  kept = malloc(50000);
  free(kept);
  counts = kit_malloc_get_counts();
  assert_in_range(counts.peak_bytes, 100000, 110000);
  kit_malloc_forget_peak();
  kept = malloc(50000);
  free(kept);
  assert_in_range(kit_malloc_get_counts().peak_bytes, 50000, 60000);
  counts = kit_malloc_stop();
  assert_int_equal(counts.outstanding, 0);
  assert_int_equal(counts.outstanding_bytes, 0);
}

static void counts_nothing_when_stopped(void **state) {
  (void)state;
  kit_malloc_start();
  kit_malloc_stop();
  kept = malloc(100);
  free(kept);
  assert_int_equal(kit_malloc_get_counts().allocations, 0);
}

static void counts_aligned_and_cleared(void **state) {
  (void)state;
  void *aligned = NULL;
  kit_malloc_start();
  assert_int_equal(posix_memalign(&aligned, 256, 100), 0);
  assert_int_equal((uintptr_t)aligned % 256, 0);
  free(aligned);
  aligned = aligned_alloc(512, 1024);
  assert_int_equal((uintptr_t)aligned % 512, 0);
  free(aligned);
  uint8_t *cleared = calloc(1000, 3);
  assert_non_null(cleared);
  kept = cleared;
  for (size_t i = 0; i < 3000; i++) {
    assert_int_equal(cleared[i], 0);
  }
  free(kept);
  struct kit_malloc_counts counts = kit_malloc_stop();
  assert_int_equal(counts.allocations, 3);
  assert_int_equal(counts.outstanding, 0);
}

static void counts_libopus(void **state) {
  (void)state;
  kit_malloc_start();
  int error = 0;
  OpusDecoder *decoder = opus_decoder_create(48000, 2, &error);
  assert_non_null(decoder);
  assert_true(kit_malloc_get_counts().allocations > 0);
  opus_decoder_destroy(decoder);
  assert_int_equal(kit_malloc_stop().outstanding, 0);
}

static void counts_mbedtls(void **state) {
  (void)state;
  kit_malloc_start();
  mbedtls_ecp_group group;
  mbedtls_ecp_group_init(&group);
  assert_int_equal(mbedtls_ecp_group_load(&group, MBEDTLS_ECP_DP_CURVE25519), 0);
  assert_true(kit_malloc_get_counts().allocations > 0);
  mbedtls_ecp_group_free(&group);
  assert_int_equal(kit_malloc_stop().outstanding, 0);
}

static void counts_libsrtp(void **state) {
  (void)state;
  assert_int_equal(srtp_init(), srtp_err_status_ok);
  srtp_t session = NULL;
  kit_malloc_start();
  assert_int_equal(srtp_create(&session, NULL), srtp_err_status_ok);
  assert_true(kit_malloc_get_counts().allocations > 0);
  srtp_dealloc(session);
  assert_int_equal(kit_malloc_stop().outstanding, 0);
  srtp_shutdown();
}

static void fails_the_nth(void **state) {
  (void)state;
  void *volatile blocks[4];
  kit_malloc_start();
  kit_malloc_fail(2, false);
  for (size_t i = 0; i < 4; i++) {
    blocks[i] = malloc(10);
  }
  struct kit_malloc_counts counts = kit_malloc_stop();
  if (kit_malloc_can_fail()) {
    assert_int_equal(counts.failed, 1);
    assert_int_equal(counts.allocations, 3);
    assert_null(blocks[1]);
  } else {
    assert_int_equal(counts.failed, 0);
    assert_int_equal(counts.allocations, 4);
  }
  for (size_t i = 0; i < 4; i++) {
    free(blocks[i]);
  }
}

static void fails_all_after_the_nth(void **state) {
  (void)state;
  kit_malloc_start();
  kit_malloc_fail(2, true);
  void *volatile first = malloc(10);
  void *volatile second = calloc(1, 10);
  void *volatile grown = realloc(first, 1000);
  int error = 0;
  OpusDecoder *decoder = opus_decoder_create(48000, 2, &error);
  struct kit_malloc_counts counts = kit_malloc_stop();
  if (kit_malloc_can_fail()) {
    assert_null(second);
    assert_null(grown);
    assert_null(decoder);
    assert_int_equal(error, OPUS_ALLOC_FAIL);
    assert_int_equal(counts.failed, 3);
    free(first);
    return;
  }
  assert_int_equal(counts.failed, 0);
  opus_decoder_destroy(decoder);
  free(second);
  free(grown);
}

static void spares_and_limits(void **state) {
  (void)state;
  void *volatile blocks[4];
  kit_malloc_start();
  kit_malloc_fail(1, false);
  kit_malloc_spare(true);
  blocks[0] = malloc(1000);
  kit_malloc_spare(false);
  blocks[1] = malloc(1000);
  kit_malloc_limit(1500);
  blocks[2] = malloc(1000);
  blocks[3] = malloc(100);
  struct kit_malloc_counts counts = kit_malloc_stop();
  for (size_t i = 0; i < 4; i++) {
    assert_true((blocks[i] == NULL) == (kit_malloc_can_fail() && (i == 1 || i == 2)));
    free(blocks[i]);
  }
  assert_int_equal(counts.failed, kit_malloc_can_fail() ? 2 : 0);
}

static void hook_counts_and_fails(void **state) {
  (void)state;
  struct kit_allocator allocator = {.fail_nth = 2};
  struct paw_allocator hook = kit_allocator_hook(&allocator);
  void *first = hook.alloc(hook.user_data, 100);
  assert_non_null(first);
  assert_int_equal((uintptr_t)first % _Alignof(max_align_t), 0);
  memset(first, 1, 100);
  assert_null(hook.alloc(hook.user_data, 10));
  void *third = hook.alloc(hook.user_data, 20);
  assert_non_null(third);
  assert_int_equal(allocator.allocations, 2);
  assert_int_equal(allocator.failed, 1);
  assert_int_equal(allocator.outstanding_bytes, 120);
  hook.free(hook.user_data, first);
  hook.free(hook.user_data, third);
  assert_int_equal(allocator.frees, 2);
  assert_int_equal(allocator.outstanding_bytes, 0);
}

static void hook_fails_all_after(void **state) {
  (void)state;
  struct kit_allocator allocator = {.fail_nth = 1, .fail_all_after = true};
  struct paw_allocator hook = kit_allocator_hook(&allocator);
  assert_null(hook.alloc(hook.user_data, 10));
  assert_null(hook.alloc(hook.user_data, 10));
  assert_int_equal(allocator.failed, 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(counts_the_tests_own),
      cmocka_unit_test(counts_nothing_when_stopped),
      cmocka_unit_test(counts_aligned_and_cleared),
      cmocka_unit_test(counts_libopus),
      cmocka_unit_test(counts_mbedtls),
      cmocka_unit_test(counts_libsrtp),
      cmocka_unit_test(fails_the_nth),
      cmocka_unit_test(fails_all_after_the_nth),
      cmocka_unit_test(spares_and_limits),
      cmocka_unit_test(hook_counts_and_fails),
      cmocka_unit_test(hook_fails_all_after),
  };
  return cmocka_run_group_tests_name("kit_alloc", tests, NULL, NULL);
}
