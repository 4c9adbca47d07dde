/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wifi.h"

/* A sysfs of our own. What is made first is taken away last. */
static const char *const folders[] = {
    "",
    "/class",
    "/class/net",
    "/class/net/eth0",
    "/class/net/wlan0",
    "/class/net/wlan0/wireless",
    "/class/net/wlp2s0",
    "/class/net/wlp2s0/phy80211",
    "/class/net/wlan0.10",
    "/class/net/wlan0.10/lower_wlan0",
    "/class/net/br0",
    "/class/net/br0/lower_eth0",
    "/class/net/br0/lower_wlan0.10",
    "/class/net/br1",
    "/class/net/br1/lower_eth0",
    "/class/net/ring",
    "/class/net/ring/lower_ring",
};
#define FOLDER_COUNT (sizeof folders / sizeof folders[0])

static char root[] = "/tmp/test_wifi.XXXXXX";

static const char *path_of(size_t folder) {
  static char path[128];
  (void)snprintf(path, sizeof path, "%s%s", root, folders[folder]);
  return path;
}

static int make_sysfs(void **state) {
  (void)state;
  bool made = mkdtemp(root) != NULL;
  for (size_t i = 1; made && i < FOLDER_COUNT; i++) {
    made = mkdir(path_of(i), 0700) == 0;
  }
  return made ? 0 : -1;
}

static int remove_sysfs(void **state) {
  (void)state;
  for (size_t i = FOLDER_COUNT; i > 0; i--) {
    (void)rmdir(path_of(i - 1));
  }
  return 0;
}

static void both_marks_are_known(void **state) {
  (void)state;
  assert_true(wifi_has_name(root, "wlan0"));
  assert_true(wifi_has_name(root, "wlp2s0"));
}

static void a_wire_is_none(void **state) {
  (void)state;
  assert_false(wifi_has_name(root, "eth0"));
  assert_false(wifi_has_name(root, "eth1"));
  assert_false(wifi_has_name(root, ""));
}

static void further_addresses_count_as_their_interface(void **state) {
  (void)state;
  assert_true(wifi_has_name(root, "wlan0:1"));
  assert_false(wifi_has_name(root, "wlan:0"));
  assert_false(wifi_has_name(root, ":wlan0"));
}

/* Bridges, bonds and VLANs, one on another. */
static void what_stands_on_wifi_is_wifi(void **state) {
  (void)state;
  assert_true(wifi_has_name(root, "wlan0.10"));
  assert_true(wifi_has_name(root, "br0"));
  assert_true(wifi_has_name(root, "br0:1"));
  assert_false(wifi_has_name(root, "br1"));
  assert_false(wifi_has_name(root, "ring"));
}

/* Names that the system has for no interface. */
static void names_lead_nowhere_else(void **state) {
  (void)state;
  assert_false(wifi_has_name(root, "../net/wlan0"));
  assert_false(wifi_has_name(root, "wlan0/"));
  assert_false(wifi_has_name(root, "."));
  assert_false(wifi_has_name(root, ".."));
}

static void what_fits_no_path_is_none(void **state) {
  static char name[8192];
  (void)state;
  memset(name, 'w', sizeof name - 1);
  assert_false(wifi_has_name(root, name));
  assert_false(wifi_has_name("/nowhere", "wlan0"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(both_marks_are_known),
      cmocka_unit_test(a_wire_is_none),
      cmocka_unit_test(further_addresses_count_as_their_interface),
      cmocka_unit_test(what_stands_on_wifi_is_wifi),
      cmocka_unit_test(names_lead_nowhere_else),
      cmocka_unit_test(what_fits_no_path_is_none),
  };
  return cmocka_run_group_tests(tests, make_sysfs, remove_sysfs);
}
