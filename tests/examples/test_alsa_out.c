/* SPDX-License-Identifier: MIT */
/* The output logic against a device that counts and fails on command. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "alsa_out.h"

#define BUFFER 1024
#define PERIOD 256

struct device {
  uint64_t now_ns;
  int fail_delay;
  long behind;  /* frames of delay besides those in its buffer, as it says */
  long queued;  /* frames in its buffer */
  long written; /* frames ever taken */
  int16_t last; /* the last sample taken */
  int opens, closes, prepares, resumes;
  int fail_open, fail_avail, fail_write, fail_prepare, fail_resume; /* given until set to 0 */
  bool takes_all;                                                   /* at once: it has no clock */
  int fail_count;    /* times that fail_avail and fail_write stand; 0 = always */
  long take_at_most; /* by one write; 0 = everything */
};

static int take_failure(struct device *device, int *failure) {
  int status = *failure;
  if (status != 0 && device->fail_count > 0 && --device->fail_count == 0) {
    *failure = 0;
  }
  return status;
}

static int device_open(void *user_data, const char *name, struct pcm_geometry *geometry) {
  struct device *device = user_data;
  assert_string_equal(name, "fake");
  assert_int_equal(geometry->buffer_frames, BUFFER);
  device->opens++;
  return device->fail_open;
}

static void device_close(void *user_data) {
  ((struct device *)user_data)->closes++;
}

static long device_avail(void *user_data) {
  struct device *device = user_data;
  int failure = take_failure(device, &device->fail_avail);
  return failure != 0 ? failure : BUFFER - device->queued;
}

static int device_delay(void *user_data, long *frames, uint64_t *now_ns) {
  struct device *device = user_data;
  *frames = device->queued + device->behind;
  *now_ns = device->now_ns;
  return device->fail_delay;
}

static long device_write(void *user_data, const int16_t *pcm, unsigned long frames) {
  struct device *device = user_data;
  int failure = take_failure(device, &device->fail_write);
  if (failure != 0) {
    return failure;
  }
  long taken = (long)frames;
  if (device->take_at_most != 0 && taken > device->take_at_most) {
    taken = device->take_at_most;
  }
  for (long i = 0; i < taken; i++) {
    assert_int_equal(pcm[2 * i], (int16_t)(device->last + 1));
    device->last = pcm[2 * i];
  }
  device->queued += device->takes_all ? 0 : taken;
  device->written += taken;
  return taken;
}

static int device_prepare(void *user_data) {
  struct device *device = user_data;
  device->prepares++;
  device->queued = 0;
  return device->fail_prepare;
}

static int device_resume(void *user_data) {
  struct device *device = user_data;
  device->resumes++;
  return device->fail_resume;
}

static struct alsa_out make_out(struct device *device) {
  static const struct pcm_geometry geometry = {BUFFER, PERIOD};
  const struct pcm_ops ops = {.open = device_open,
                              .close = device_close,
                              .avail = device_avail,
                              .delay = device_delay,
                              .write = device_write,
                              .prepare = device_prepare,
                              .resume = device_resume,
                              .user_data = device};
  struct alsa_out out;
  memset(device, 0, sizeof *device);
  alsa_out_init(&out, &ops, "fake", &geometry);
  return out;
}

/* Renders 1, 2, 3, …: the device asserts that none is left out or told twice. */
struct source {
  int16_t next;
  uint64_t first_play_ns, last_play_ns;
};

static void render(void *user_data, int16_t *pcm, size_t frames, uint64_t play_ns) {
  struct source *source = user_data;
  if (source->next == 0) {
    source->first_play_ns = play_ns;
  }
  source->last_play_ns = play_ns;
  for (size_t i = 0; i < frames; i++) {
    pcm[2 * i] = pcm[2 * i + 1] = ++source->next;
  }
}

static void fills_the_buffer_and_tells_when_each_block_sounds(void **state) {
  (void)state;
  struct device device;
  struct source source = {0};
  struct alsa_out out = make_out(&device);
  assert_int_equal(alsa_out_open(&out), 0);
  assert_int_equal(out.state, ALSA_OUT_FILLING);
  device.now_ns = 5000000;
  assert_int_equal(alsa_out_service(&out, 4000000, render, &source), BUFFER);
  assert_int_equal(out.state, ALSA_OUT_RUNNING);
  assert_int_equal(source.first_play_ns, 5000000);
  /* The last block lies behind 768 queued frames: 16 ms. */
  assert_int_equal(source.last_play_ns, 21000000);
  assert_int_equal(alsa_out_service(&out, 5000000, render, &source), 0);
}

static void without_a_delay_what_is_queued_counts(void **state) {
  (void)state;
  struct device device;
  struct source source = {0};
  struct alsa_out out = make_out(&device);
  assert_int_equal(alsa_out_open(&out), 0);
  device.queued = 480;
  device.fail_delay = -EIO;
  assert_int_equal(alsa_out_service(&out, 5000000, render, &source), BUFFER - 480);
  assert_int_equal(source.first_play_ns, 15000000);
}

static void a_block_taken_in_parts_is_whole(void **state) {
  (void)state;
  struct device device;
  struct source source = {0};
  struct alsa_out out = make_out(&device);
  assert_int_equal(alsa_out_open(&out), 0);
  device.take_at_most = 100;
  assert_int_equal(alsa_out_service(&out, 0, render, &source), BUFFER);
  assert_int_equal(device.written, source.next);
}

static void a_block_that_was_refused_is_offered_again(void **state) {
  (void)state;
  struct device device;
  struct source source = {0};
  struct alsa_out out = make_out(&device);
  assert_int_equal(alsa_out_open(&out), 0);
  device.fail_write = -EAGAIN;
  assert_int_equal(alsa_out_service(&out, 0, render, &source), 0);
  assert_int_equal(source.next, ALSA_OUT_CHUNK_FRAMES);
  device.fail_write = 0;
  assert_int_equal(alsa_out_service(&out, 0, render, &source), BUFFER);
  assert_int_equal(source.next, BUFFER);
}

static void an_under_run_is_counted_and_the_buffer_filled_again(void **state) {
  (void)state;
  struct device device;
  struct source source = {0};
  struct alsa_out out = make_out(&device);
  assert_int_equal(alsa_out_open(&out), 0);
  (void)alsa_out_service(&out, 0, render, &source);
  device.fail_avail = -EPIPE;
  device.fail_count = 1;
  assert_int_equal(alsa_out_service(&out, 0, render, &source), BUFFER);
  assert_int_equal(out.xruns, 1);
  assert_int_equal(device.prepares, 1);
  assert_int_equal(device.queued, BUFFER);
}

static void an_under_run_while_writing_loses_nothing(void **state) {
  (void)state;
  struct device device;
  struct source source = {0};
  struct alsa_out out = make_out(&device);
  assert_int_equal(alsa_out_open(&out), 0);
  device.fail_write = -EPIPE;
  device.fail_count = 1;
  assert_int_equal(alsa_out_service(&out, 0, render, &source), BUFFER);
  assert_int_equal(out.xruns, 1);
  assert_int_equal(source.next, BUFFER);
}

static void endless_under_runs_end_the_call(void **state) {
  (void)state;
  struct device device;
  struct source source = {0};
  struct alsa_out out = make_out(&device);
  assert_int_equal(alsa_out_open(&out), 0);
  device.fail_avail = -EPIPE;
  assert_int_equal(alsa_out_service(&out, 0, render, &source), 0);
  assert_in_range(device.prepares, 1, 10);
}

static void a_device_that_is_gone_is_told(void **state) {
  (void)state;
  static const int errors[] = {-ENODEV, -EIO, -EBADFD};
  for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
    struct device device;
    struct source source = {0};
    struct alsa_out out = make_out(&device);
    assert_int_equal(alsa_out_open(&out), 0);
    device.fail_avail = errors[i];
    assert_int_equal(alsa_out_service(&out, 0, render, &source), errors[i]);
    alsa_out_close(&out);
    alsa_out_close(&out);
    assert_int_equal(device.closes, 1);
  }
}

static void a_device_that_vanishes_in_an_under_run_is_told(void **state) {
  (void)state;
  struct device device;
  struct source source = {0};
  struct alsa_out out = make_out(&device);
  assert_int_equal(alsa_out_open(&out), 0);
  device.fail_avail = -EPIPE;
  device.fail_prepare = -ENODEV;
  assert_int_equal(alsa_out_service(&out, 0, render, &source), -ENODEV);
}

static void suspend_waits_and_then_goes_on(void **state) {
  (void)state;
  struct device device;
  struct source source = {0};
  struct alsa_out out = make_out(&device);
  assert_int_equal(alsa_out_open(&out), 0);
  device.fail_avail = -ESTRPIPE;
  device.fail_resume = -EAGAIN;
  assert_int_equal(alsa_out_service(&out, 0, render, &source), 0);
  assert_int_equal(device.prepares, 0);
  device.fail_resume = -ENOSYS;
  device.fail_count = 1;
  assert_int_equal(alsa_out_service(&out, 0, render, &source), BUFFER);
  assert_int_equal(device.prepares, 1);
  assert_int_equal(out.xruns, 0);
}

static void a_device_that_does_not_open_stays_closed(void **state) {
  (void)state;
  struct device device;
  struct alsa_out out = make_out(&device);
  device.fail_open = -EBUSY;
  assert_int_equal(alsa_out_open(&out), -EBUSY);
  assert_int_equal(out.state, ALSA_OUT_CLOSED);
  device.fail_open = 0;
  assert_int_equal(alsa_out_open(&out), 0);
}

/* A minute, asked again after each millisecond, or at once as long as it takes something. */
static void a_device_without_a_clock_is_paced_by_ours(void **state) {
  (void)state;
  struct device device;
  struct source source = {0};
  struct alsa_out out = make_out(&device);
  uint64_t asked = 0;
  device.takes_all = true;
  assert_int_equal(alsa_out_open(&out), 0);
  for (uint64_t now_ns = PAW_NS_PER_S; now_ns <= 61 * PAW_NS_PER_S; now_ns += PAW_NS_PER_MS) {
    device.now_ns = now_ns;
    while (alsa_out_service(&out, now_ns, render, &source) > 0) {
      asked++;
    }
  }
  assert_int_equal(out.state, ALSA_OUT_UNTIMED);
  assert_in_range(device.written, 60 * 48000 - 512, 60 * 48000 + 5 * BUFFER);
  assert_in_range(source.last_play_ns, UINT64_C(60950) * PAW_NS_PER_MS,
                  UINT64_C(61000) * PAW_NS_PER_MS);
  assert_true(asked < 60 * 200);
}

static void a_fast_device_with_a_clock_keeps_it(void **state) {
  (void)state;
  struct device device;
  struct source source = {0};
  struct alsa_out out = make_out(&device);
  assert_int_equal(alsa_out_open(&out), 0);
  for (uint64_t now_ns = PAW_NS_PER_S; now_ns <= 61 * PAW_NS_PER_S; now_ns += 5 * PAW_NS_PER_MS) {
    device.now_ns = now_ns;
    assert_true(alsa_out_service(&out, now_ns, render, &source) >= 0);
    assert_int_equal(out.state, ALSA_OUT_RUNNING);
    device.queued -= 241;
  }
}

/* What the device has said wrong: from the last play time to what its buffer says. */
static int64_t serve(struct alsa_out *out, struct device *device, struct source *source) {
  device->queued -= 480;
  device->now_ns += 10 * PAW_NS_PER_MS;
  uint64_t first_ns = device->now_ns + (uint64_t)device->queued * PAW_NS_PER_S / 48000;
  assert_int_equal(alsa_out_service(out, device->now_ns, render, source), 480);
  return (int64_t)(source->last_play_ns - first_ns - UINT64_C(256) * PAW_NS_PER_S / 48000);
}

static struct alsa_out make_settled(struct device *device, struct source *source) {
  struct alsa_out out = make_out(device);
  assert_int_equal(alsa_out_open(&out), 0);
  device->now_ns = PAW_NS_PER_S;
  assert_int_equal(alsa_out_service(&out, device->now_ns, render, source), BUFFER);
  for (int i = 0; i < 20; i++) {
    (void)serve(&out, device, source);
  }
  return out;
}

static void a_delay_that_is_wrong_for_a_while_moves_little(void **state) {
  (void)state;
  struct device device;
  struct source source = {0};
  struct alsa_out out = make_settled(&device, &source);
  assert_in_range(serve(&out, &device, &source) + 1000, 0, 2000);
  for (int i = 0; i < 500; i++) { /* 5 s */
    device.behind = 1700;         /* 35 ms */
    assert_in_range(serve(&out, &device, &source) + 1000, 0, 5001000);
  }
  for (int i = 0; i < 500; i++) {
    device.behind = -500;
    assert_in_range(serve(&out, &device, &source) + 1000, 0, 5001000);
  }
  device.behind = 0;
  assert_in_range(serve(&out, &device, &source) + 1000, 0, 2000);
}

static void a_delay_that_is_another_is_followed(void **state) {
  (void)state;
  struct device device;
  struct source source = {0};
  struct alsa_out out = make_settled(&device, &source);
  device.behind = 9600;
  assert_in_range(serve(&out, &device, &source), 199999000, 200001000);
  device.behind = 0;
  assert_in_range(serve(&out, &device, &source) + 1000, 0, 2000);
}

static void a_clock_that_drifts_is_followed(void **state) {
  (void)state;
  struct device device;
  struct source source = {0};
  struct alsa_out out = make_settled(&device, &source);
  for (int i = 0; i < 6000; i++) {
    device.now_ns += 5000; /* it is 500 ppm slow */
    assert_in_range(serve(&out, &device, &source) + 10000, 0, 20000);
  }
}

static void the_first_delays_are_believed_at_once(void **state) {
  (void)state;
  struct device device;
  struct source source = {0};
  struct alsa_out out = make_out(&device);
  assert_int_equal(alsa_out_open(&out), 0);
  device.now_ns = PAW_NS_PER_S;
  assert_int_equal(alsa_out_service(&out, device.now_ns, render, &source), BUFFER);
  device.behind = -400;
  (void)serve(&out, &device, &source);
  device.behind = 480;
  assert_in_range(serve(&out, &device, &source), 9999000, 10001000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(fills_the_buffer_and_tells_when_each_block_sounds),
      cmocka_unit_test(without_a_delay_what_is_queued_counts),
      cmocka_unit_test(a_block_taken_in_parts_is_whole),
      cmocka_unit_test(a_block_that_was_refused_is_offered_again),
      cmocka_unit_test(an_under_run_is_counted_and_the_buffer_filled_again),
      cmocka_unit_test(an_under_run_while_writing_loses_nothing),
      cmocka_unit_test(endless_under_runs_end_the_call),
      cmocka_unit_test(a_device_that_is_gone_is_told),
      cmocka_unit_test(a_device_that_vanishes_in_an_under_run_is_told),
      cmocka_unit_test(suspend_waits_and_then_goes_on),
      cmocka_unit_test(a_device_that_does_not_open_stays_closed),
      cmocka_unit_test(a_device_without_a_clock_is_paced_by_ours),
      cmocka_unit_test(a_fast_device_with_a_clock_keeps_it),
      cmocka_unit_test(a_delay_that_is_wrong_for_a_while_moves_little),
      cmocka_unit_test(a_delay_that_is_another_is_followed),
      cmocka_unit_test(a_clock_that_drifts_is_followed),
      cmocka_unit_test(the_first_delays_are_believed_at_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
