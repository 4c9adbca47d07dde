/* SPDX-License-Identifier: MIT */
/* What the programs take from files, command lines and clients, up to each bound and one past it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cut_short.h"
#include "files.h"
#include "options.h"
#include "peers.h"
#include "system.h"
#include "wifi.h"

static struct tokens tokens;
static struct fault fault;

static int parse_tokens(size_t token_len, size_t id_len) {
  char text[400] = "speaker ";
  memset(text + strlen(text), 't', token_len);
  strcat(text, id_len > 0 ? " " : "");
  memset(text + strlen(text), 'i', id_len);
  return tokens_parse(text, "tokens", &tokens, &fault);
}

static void tokens_and_their_names(void **state) {
  (void)state;
  assert_int_equal(parse_tokens(TOKEN_LEN_MIN - 1, 0), -1);
  assert_int_equal(parse_tokens(TOKEN_LEN_MIN, 0), 0);
  assert_int_equal(parse_tokens(TOKEN_LEN_MAX, TOKEN_ID_LEN_MAX), 0);
  assert_int_equal(strlen(tokens.list[0].text), TOKEN_LEN_MAX);
  assert_int_equal(strlen(tokens.list[0].id), TOKEN_ID_LEN_MAX);
  assert_int_equal(parse_tokens(TOKEN_LEN_MAX + 1, 0), -1);
  assert_int_equal(parse_tokens(TOKEN_LEN_MAX, TOKEN_ID_LEN_MAX + 1), -1);
}

/* A file of comments and one token, exactly so long. */
static int load_tokens(size_t len) {
  static char text[TOKENS_FILE_BYTES_MAX + 2];
  char folder[] = "/tmp/pawlimitsXXXXXX";
  char path[64];
  assert_non_null(mkdtemp(folder));
  (void)snprintf(path, sizeof path, "%s/tokens", folder);
  memset(text, '#', len);
  memcpy(text + len - 26, "\nlistener 0123456789abcdef", 26);
  assert_int_equal(file_write_private(path, text, len, &fault), 0);
  struct paw_rng none = {0};
  int status = tokens_load(path, &none, &tokens, &fault);
  assert_int_equal(unlink(path), 0);
  assert_int_equal(rmdir(folder), 0);
  return status;
}

static void bytes_of_a_tokens_file(void **state) {
  (void)state;
  assert_int_equal(load_tokens(TOKENS_FILE_BYTES_MAX), 0);
  assert_int_equal(tokens.count, 1);
  assert_int_equal(load_tokens(TOKENS_FILE_BYTES_MAX + 1), -1);
}

static void words_that_are_no_options(void **state) {
  (void)state;
  static const struct option options[] = {{0}};
  const struct option_table table = {.program = "prog", .options = options, .option_count = 0};
  char word[] = "word";
  char *words[2 + OPTION_POSITIONALS_MAX] = {word};
  for (size_t i = 1; i < 2 + OPTION_POSITIONALS_MAX; i++) {
    words[i] = word;
  }
  struct option_rest rest;
  assert_int_equal(options_parse(&table, 1 + OPTION_POSITIONALS_MAX, words, &rest, &fault),
                   OPTIONS_OK);
  assert_int_equal(rest.count, OPTION_POSITIONALS_MAX);
  assert_int_equal(options_parse(&table, 2 + OPTION_POSITIONALS_MAX, words, &rest, &fault),
                   OPTIONS_BAD);
}

/* A slip in a longer name is not looked for. */
static void names_of_options(void **state) {
  (void)state;
  static const struct option options[] = {
      {.name = "abcdefghijklmnopqrstuvwxyzabcdef", .kind = OPTION_FLAG_ON}};
  const struct option_table table = {.program = "prog", .options = options, .option_count = 1};
  struct option_rest rest;
  char program[] = "prog";
  char slip[] = "--abcdefghijklmnopqrstuvwxyzabcdeX";
  char longer[] = "--abcdefghijklmnopqrstuvwxyzabcdefX";
  char *words[] = {program, slip};
  assert_int_equal(options_parse(&table, 2, words, &rest, &fault), OPTIONS_BAD);
  assert_non_null(strstr(fault.text, "did you mean --abcdefghijklmnopqrstuvwxyzabcdef?"));
  words[1] = longer;
  assert_int_equal(options_parse(&table, 2, words, &rest, &fault), OPTIONS_BAD);
  assert_null(strstr(fault.text, "did you mean"));
}

/* A WAV whose data, which lacks a byte, is its chunk number `chunks`. */
static bool is_cut(size_t chunks) {
  static char wav[12 + 8 * 100] = "RIFF\x28\0\0\0WAVE";
  size_t len = 12;
  for (size_t i = 1; i < chunks; i++, len += 8) {
    memcpy(wav + len, "junk\0\0\0\0", 8);
  }
  memcpy(wav + len, "data\1\0\0\0", 8);
  char path[] = "/tmp/pawlimitsXXXXXX";
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, wav, len + 8), len + 8);
  assert_int_equal(close(fd), 0);
  bool cut = file_is_cut_short(path);
  assert_int_equal(unlink(path), 0);
  return cut;
}

static void chunks_before_the_data(void **state) {
  (void)state;
  assert_true(is_cut(64));
  assert_false(is_cut(65)); /* it is not looked for so far */
}

/* ---- interfaces one on another ---- */

static void make_folder(char *path, size_t size, const char *root, const char *rest) {
  (void)snprintf(path, size, "%s%s", root, rest);
  assert_int_equal(mkdir(path, 0700), 0);
}

/* Interface 0 is Wi-Fi, and each one stands on the one before. */
static void storeys_of_interfaces(void **state) {
  (void)state;
  char root[] = "/tmp/pawlimitsXXXXXX";
  char paths[16][80];
  size_t count = 0;
  assert_non_null(mkdtemp(root));
  make_folder(paths[count++], sizeof paths[0], root, "/class");
  make_folder(paths[count++], sizeof paths[0], root, "/class/net");
  make_folder(paths[count++], sizeof paths[0], root, "/class/net/i0");
  make_folder(paths[count++], sizeof paths[0], root, "/class/net/i0/wireless");
  for (int i = 1; i <= 4; i++) {
    char rest[48];
    (void)snprintf(rest, sizeof rest, "/class/net/i%d", i);
    make_folder(paths[count++], sizeof paths[0], root, rest);
    (void)snprintf(rest, sizeof rest, "/class/net/i%d/lower_i%d", i, i - 1);
    make_folder(paths[count++], sizeof paths[0], root, rest);
  }
  assert_true(wifi_has_name(root, "i0"));
  assert_true(wifi_has_name(root, "i3"));
  assert_false(wifi_has_name(root, "i4"));
  while (count > 0) {
    assert_int_equal(rmdir(paths[--count]), 0);
  }
  assert_int_equal(rmdir(root), 0);
}

/* ---- sessions ---- */

static uint64_t counter;
static uint64_t last_peer;

static int count_up(void *user_data, uint8_t *out, size_t len) {
  (void)user_data;
  memset(out, 0, len);
  counter++;
  memcpy(out, &counter, len < sizeof counter ? len : sizeof counter);
  return 0;
}

static int accept_peer(void *user_data, uint64_t now_ns, const char *offer, size_t offer_len,
                       char *answer, size_t *answer_len, uint64_t *peer) {
  (void)user_data;
  (void)now_ns;
  (void)offer;
  (void)offer_len;
  memcpy(answer, "answer", 6);
  *answer_len = 6;
  *peer = ++last_peer;
  return PAW_OK;
}

static int offer(struct whep_server *server, uint64_t now_ns) {
  struct http_response response = {0};
  struct http_request request = {.method = HTTP_POST,
                                 .path = "/whep",
                                 .authorization = "Bearer 0123456789abcdef",
                                 .content_type = "application/sdp",
                                 .body = "offer",
                                 .body_len = 5,
                                 .now_ns = now_ns};
  whep_server_handle(server, &request, &response);
  int status = response.status;
  http_response_wipe(&response);
  return status;
}

static void sessions(void **state) {
  (void)state;
  assert_int_equal(tokens_parse("listener 0123456789abcdef", "tokens", &tokens, &fault), 0);
  struct whep_config config = {.kind = WHEP_LISTEN,
                               .path = "/whep",
                               .tokens = &tokens,
                               .rng = {.fill = count_up},
                               .backend = {.accept = accept_peer},
                               .max_sessions = PEERS_MAX};
  struct whep_server *server = whep_server_new(&config);
  uint64_t now_ns = PAW_NS_PER_S;
  for (uint64_t i = 1; i <= PEERS_MAX; i++) {
    now_ns += 10 * PAW_NS_PER_S;
    assert_int_equal(offer(server, now_ns), 201);
    whep_server_note_connected(server, i);
  }
  assert_int_equal(whep_server_get_session_count(server), PEERS_MAX);
  for (int i = 0; i < 100; i++) {
    now_ns += 10 * PAW_NS_PER_S;
    assert_int_equal(offer(server, now_ns), 503);
  }
  assert_int_equal(last_peer, PEERS_MAX); /* none was made in vain */
  whep_server_note_closed(server, 77);
  now_ns += 10 * PAW_NS_PER_S;
  assert_int_equal(offer(server, now_ns), 201);
  assert_int_equal(whep_server_get_session_count(server), PEERS_MAX);
  whep_server_free(server);
}

/* ---- a line of the log ---- */

static size_t write_line(size_t len, char *out, size_t size) {
  char *line = malloc(len + 1);
  int ends[2];
  assert_non_null(line);
  memset(line, 'x', len);
  line[len] = '\0';
  assert_int_equal(pipe(ends), 0);
  int kept = dup(STDERR_FILENO);
  assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
  system_write_line(STDERR_FILENO, line);
  assert_true(dup2(kept, STDERR_FILENO) >= 0);
  (void)close(kept);
  (void)close(ends[1]);
  ssize_t got = read(ends[0], out, size);
  (void)close(ends[0]);
  free(line);
  return got > 0 ? (size_t)got : 0;
}

static void characters_of_a_line(void **state) {
  (void)state;
  static char out[10000];
  assert_int_equal(write_line(4095, out, sizeof out), 4096);
  assert_int_equal(out[4095], '\n');
  assert_int_equal(write_line(4096, out, sizeof out), 4096);
  assert_int_equal(out[4095], '\n');
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(tokens_and_their_names),
      cmocka_unit_test(bytes_of_a_tokens_file),
      cmocka_unit_test(words_that_are_no_options),
      cmocka_unit_test(names_of_options),
      cmocka_unit_test(chunks_before_the_data),
      cmocka_unit_test(storeys_of_interfaces),
      cmocka_unit_test(sessions),
      cmocka_unit_test(characters_of_a_line),
  };
  return cmocka_run_group_tests_name("examples_limits", tests, NULL, NULL);
}
