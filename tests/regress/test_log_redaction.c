/* SPDX-License-Identifier: MIT */
/* What the library logs over whole sessions, at level debug: nobody's credentials, keys, names or
 * fingerprints, at no level; and nobody's address at any level above debug. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <string.h>

#include "base/mem.h"
#include "kit/pair.h"
#include "rtc/rtc_private.h"

#define SECRETS_MAX 128
#define SECRET_MIN 4 /* characters of a ufrag; and bytes of a key, as eight digits */

struct secrets {
  size_t count;
  char texts[SECRETS_MAX][PAW_ICE_CREDENTIAL_MAX + 1];
};

static struct secrets secrets;

static void add_secret(const char *text, size_t len) {
  assert_true(secrets.count < SECRETS_MAX && len <= PAW_ICE_CREDENTIAL_MAX);
  assert_true(len >= SECRET_MIN);
  memcpy(secrets.texts[secrets.count], text, len);
  secrets.texts[secrets.count++][len] = '\0';
}

/* Everything in a description or fragment that is nobody else's business. */
static void learn_secrets(const char *sdp) {
  static const char *const heads[] = {
      "a=ice-ufrag:", "a=ice-pwd:", " cname:", "a=fingerprint:sha-256 "};
  for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
    for (const char *at = strstr(sdp, heads[i]); at != NULL; at = strstr(at + 1, heads[i])) {
      const char *value = at + strlen(heads[i]);
      add_secret(value, strcspn(value, "\r\n"));
    }
  }
}

/* Each piece of four bytes, as hexadecimal digits of either case. */
static void learn_key(const uint8_t *key, size_t len) {
  for (size_t i = 0; i + SECRET_MIN <= len; i += SECRET_MIN) {
    char digits[9];
    (void)snprintf(digits, sizeof digits, "%02x%02x%02x%02x", key[i], key[i + 1], key[i + 2],
                   key[i + 3]);
    add_secret(digits, 8);
    (void)snprintf(digits, sizeof digits, "%02X%02X%02X%02X", key[i], key[i + 1], key[i + 2],
                   key[i + 3]);
    add_secret(digits, 8);
  }
}

static void learn_keys(const struct kit_pair *pair) {
  struct paw_srtp_keys keys;
  assert_int_equal(paw_dtls_get_keys(pair->peers[0].rtc->dtls, &keys), PAW_OK);
  learn_key(keys.local_key, sizeof keys.local_key);
  learn_key(keys.remote_key, sizeof keys.remote_key);
  learn_key(keys.local_salt, sizeof keys.local_salt);
  learn_key(keys.remote_salt, sizeof keys.remote_salt);
}

/* ---- the log ---- */

struct found {
  size_t told;      /* lines above debug */
  size_t addresses; /* debug lines that name an address: the search works */
};

static void check_line(const char *line, size_t len, struct found *found) {
  char text[1024];
  assert_true(len < sizeof text);
  memcpy(text, line, len);
  text[len] = '\0';
  for (size_t i = 0; i < secrets.count; i++) {
    if (strstr(text, secrets.texts[i]) != NULL) {
      fail_msg("'%s' stands in: %s", secrets.texts[i], text);
    }
  }
  bool debug = strncmp(text, "DEBUG ", 6) == 0;
  bool address = strstr(text, "192.0.2.") != NULL || strstr(text, "198.51.100.") != NULL ||
                 strstr(text, "fd00:") != NULL;
  if (address && !debug) {
    fail_msg("an address above debug: %s", text);
  }
  found->told += !debug;
  found->addresses += address;
}

static void check_log(const struct kit_log *log, struct found *found) {
  assert_int_equal(log->lines_left_out, 0);
  const char *line = log->text;
  while (*line != '\0') {
    size_t len = strcspn(line, "\n");
    check_line(line, len, found);
    line += len + 1;
  }
}

/* The end of a session: look at both logs. */
static void check_and_free(struct kit_pair *pair) {
  struct found found = {0};
  assert_true(secrets.count >= 8);
  check_log(&pair->peers[0].log, &found);
  check_log(&pair->peers[1].log, &found);
  assert_true(found.told > 0 && found.addresses > 0);
  kit_pair_free(pair);
}

/* ---- sessions ---- */

static const char *const addresses_a[] = {"192.0.2.1:10001", "[fd00::1]:10001", NULL};
static const char *const addresses_b[] = {"192.0.2.2:10002", "[fd00::2]:10002", NULL};

static struct kit_pair *new_pair(const struct kit_pair_config *config) {
  memset(&secrets, 0, sizeof secrets);
  struct kit_pair_config own = *config;
  own.addresses[0] = addresses_a;
  own.addresses[1] = addresses_b;
  struct kit_pair *pair = kit_pair_new(&own);
  kit_pair_negotiate(pair);
  learn_secrets(pair->offer);
  learn_secrets(pair->answer);
  return pair;
}

static void exchange_fragments(struct kit_pair *pair) {
  for (size_t i = 0; i < 2; i++) {
    char fragment[4096];
    size_t len = sizeof fragment;
    assert_int_equal(paw_rtc_write_ice_fragment(pair->peers[i].rtc, fragment, &len), PAW_OK);
    learn_secrets(fragment);
    assert_int_equal(paw_rtc_accept_ice_fragment(pair->peers[1 - i].rtc, pair->clock.now_ns,
                                                 fragment, len, NULL),
                     PAW_OK);
  }
  kit_peer_drain(&pair->peers[0], pair->clock.now_ns);
  kit_peer_drain(&pair->peers[1], pair->clock.now_ns);
}

/* Connects, talks, restarts both ways, goes through a NAT that changes its mind, and closes. */
static void a_session_with_everything(void **state) {
  (void)state;
  struct kit_pair_config config;
  kit_pair_config_init(&config, 401);
  config.link.loss = 0.1;
  struct kit_pair *pair = new_pair(&config);
  assert_true(kit_pair_run_until(pair, kit_pair_both_connected, 10000));
  learn_keys(pair);
  kit_peer_talk(&pair->peers[0], 480, pair->clock.now_ns);
  kit_pair_run_ms(pair, 3000);
  assert_int_equal(paw_rtc_ice_restart(pair->peers[0].rtc, pair->clock.now_ns), PAW_OK);
  kit_pair_renegotiate(pair, 0, 10);
  learn_secrets(pair->offer);
  learn_secrets(pair->answer);
  kit_pair_run_ms(pair, 3000);
  assert_int_equal(paw_rtc_ice_restart(pair->peers[1].rtc, pair->clock.now_ns), PAW_OK);
  exchange_fragments(pair);
  exchange_fragments(pair);
  kit_pair_run_ms(pair, 3000);
  struct paw_address outside;
  assert_int_equal(paw_address_parse("198.51.100.9:40000", &outside), PAW_OK);
  kit_net_rebind(pair->net, &pair->peers[0].addresses[0], &outside);
  kit_pair_run_ms(pair, 20000);
  kit_peer_talk(&pair->peers[0], 0, 0);
  kit_pair_close(pair, 0);
  kit_pair_run_ms(pair, 1000);
  assert_true(kit_pair_both_closed(pair));
  check_and_free(pair);
}

static bool lose_all_but_stun(void *user_data, const struct kit_datagram *datagram,
                              uint64_t now_ns) {
  (void)user_data;
  (void)now_ns;
  return datagram->data[0] < 20;
}

/* What goes wrong says why, and no more than that. */
static void sessions_that_fail(void **state) {
  (void)state;
  struct kit_pair_config config;
  kit_pair_config_init(&config, 402);
  config.alter_offer = kit_sdp_break_fingerprints;
  struct kit_pair *pair = new_pair(&config);
  kit_pair_run_ms(pair, 60000);
  assert_int_equal(pair->peers[1].seen.reason, PAW_CLOSE_FINGERPRINT);
  check_and_free(pair);

  kit_pair_config_init(&config, 403);
  pair = new_pair(&config);
  kit_net_set_filter(pair->net, lose_all_but_stun, NULL);
  kit_pair_run_ms(pair, 60000);
  assert_int_equal(pair->peers[1].seen.reason, PAW_CLOSE_DTLS_TIMEOUT);
  check_and_free(pair);

  kit_pair_config_init(&config, 404);
  pair = new_pair(&config);
  kit_net_configure(pair->net, &(struct kit_link_config){.loss = 1});
  kit_pair_run_ms(pair, 60000);
  assert_int_equal(pair->peers[1].seen.reason, PAW_CLOSE_ICE_FAILED);
  check_and_free(pair);

  kit_pair_config_init(&config, 405);
  pair = new_pair(&config);
  assert_true(kit_pair_run_until(pair, kit_pair_both_connected, 1000));
  learn_keys(pair);
  kit_net_configure(pair->net, &(struct kit_link_config){.loss = 1});
  kit_pair_run_ms(pair, 60000);
  assert_int_equal(pair->peers[1].seen.reason, PAW_CLOSE_CONSENT);
  check_and_free(pair);
}

static void wrong_password(char *sdp, size_t size) {
  (void)size;
  char *pwd = strstr(sdp, "a=ice-pwd:");
  assert_non_null(pwd);
  pwd[12] = pwd[12] == 'x' ? 'y' : 'x';
}

/* Checks that are refused, and whatever else strangers send. */
static void sessions_with_strangers(void **state) {
  (void)state;
  struct kit_pair_config config;
  kit_pair_config_init(&config, 406);
  config.alter_answer = wrong_password;
  struct kit_pair *pair = new_pair(&config);
  kit_pair_run_ms(pair, 60000);
  assert_int_not_equal(pair->peers[0].seen.closed_ns, 0);
  check_and_free(pair);

  kit_pair_config_init(&config, 407);
  pair = new_pair(&config);
  assert_true(kit_pair_run_until(pair, kit_pair_both_connected, 1000));
  learn_keys(pair);
  for (unsigned i = 0; i < 5000; i++) {
    uint8_t junk[64];
    kit_rng_bytes(&pair->peers[0].rng, junk, sizeof junk);
    junk[0] = (uint8_t)(i % 2 == 0 ? junk[0] : i % 192);
    kit_net_send(pair->net, &pair->peers[0].addresses[0], &pair->peers[1].addresses[0], junk,
                 1 + i % sizeof junk, pair->clock.now_ns);
    kit_pair_run_ms(pair, 1);
  }
  check_and_free(pair);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_session_with_everything),
      cmocka_unit_test(sessions_that_fail),
      cmocka_unit_test(sessions_with_strangers),
  };
  return cmocka_run_group_tests_name("log_redaction", tests, NULL, NULL);
}
