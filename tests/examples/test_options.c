/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"

static const char *const colours[] = {"red", "green", NULL};

struct values {
  bool loud;
  int64_t port;
  int64_t latency;
  int64_t copies;
  int mood;
  double seconds;
  const char *name;
  int colour;
  struct option_list addresses;
};

static struct values values;
static struct option_rest rest;
static struct fault fault;

static const struct option options[] = {
    {.name = "loud", .kind = OPTION_FLAG_ON, .target = &values.loud, .help = "loud"},
    {.name = "no-loud", .kind = OPTION_FLAG_OFF, .target = &values.loud, .help = "not loud"},
    {.name = "port",
     .kind = OPTION_NUMBER,
     .target = &values.port,
     .value_name = "PORT",
     .maximum = 65535,
     .help = "the port"},
    {.name = "latency-ms",
     .kind = OPTION_NUMBER,
     .target = &values.latency,
     .value_name = "N",
     .minimum = 5,
     .maximum = 500,
     .automatic = true,
     .help = "latency"},
    {.name = "copies",
     .kind = OPTION_NUMBER,
     .target = &values.copies,
     .value_name = "N",
     .minimum = 1,
     .maximum = 6,
     .automatic = true,
     .may_be_off = true,
     .help = "the number of copies that go with each of the things that are sent to anybody who "
             "asks for them, a-word-that-is-far-too-long-for-the-room-that-is-there-for-it"},
    {.name = "merry", .kind = OPTION_FLAG_SET, .target = &values.mood, .value = 2, .help = "fun"},
    {.name = "seconds",
     .kind = OPTION_DECIMAL,
     .target = &values.seconds,
     .value_name = "S",
     .minimum = 0.1,
     .maximum = 10,
     .help = "seconds"},
    {.name = "name",
     .kind = OPTION_TEXT,
     .target = &values.name,
     .value_name = "TEXT",
     .help = "a name"},
    {.name = "colour",
     .kind = OPTION_CHOICE,
     .target = &values.colour,
     .choices = colours,
     .help = "a colour"},
    {.name = "address",
     .kind = OPTION_LIST,
     .target = &values.addresses,
     .value_name = "A",
     .help = "addresses"},
    {.name = "help", .kind = OPTION_HELP, .help = "this"},
    {.name = "version", .kind = OPTION_VERSION, .help = "that"},
};

static const struct option_table table = {.program = "prog",
                                          .usage = "[options] FILE",
                                          .options = options,
                                          .option_count = sizeof options / sizeof options[0]};

/* The words of a command line, after the program's name. */
#define PARSE(...)                                                                                 \
  parse((char *[]){"prog", __VA_ARGS__},                                                           \
        (int)(sizeof((char *[]){"prog", __VA_ARGS__}) / sizeof(char *)))

static enum options_verdict parse(char **words, int count) {
  values = (struct values){.port = 8443, .latency = 40, .seconds = 1};
  fault.text[0] = '\0';
  return options_parse(&table, count, words, &rest, &fault);
}

static void reads_every_kind(void **state) {
  (void)state;
  assert_int_equal(PARSE("--loud", "--port", "0", "--latency-ms=auto", "--seconds", "2.5",
                         "--name=a=b", "--colour", "green", "--address", "x", "--address=y", "f"),
                   OPTIONS_OK);
  assert_true(values.loud);
  assert_int_equal(values.port, 0);
  assert_true(values.latency == OPTION_AUTO);
  assert_true(values.seconds == 2.5);
  assert_string_equal(values.name, "a=b");
  assert_int_equal(values.colour, 1);
  assert_int_equal(values.addresses.count, 2);
  assert_string_equal(values.addresses.values[1], "y");
  assert_int_equal(rest.count, 1);
  assert_string_equal(rest.values[0], "f");
}

static void keeps_defaults_and_the_last_word_counts(void **state) {
  (void)state;
  assert_int_equal(PARSE("--loud", "--no-loud"), OPTIONS_OK);
  assert_false(values.loud);
  assert_int_equal(values.port, 8443);
  assert_int_equal(values.latency, 40);
}

static void a_dash_and_all_after_two_dashes_are_positional(void **state) {
  (void)state;
  assert_int_equal(PARSE("-", "--", "--loud"), OPTIONS_OK);
  assert_int_equal(rest.count, 2);
  assert_string_equal(rest.values[0], "-");
  assert_string_equal(rest.values[1], "--loud");
  assert_false(values.loud);
}

static void help_and_version_stop(void **state) {
  (void)state;
  assert_int_equal(PARSE("--help", "--nonsense"), OPTIONS_WANT_HELP);
  assert_int_equal(PARSE("--version"), OPTIONS_WANT_VERSION);
}

static void unknown_options_get_a_suggestion(void **state) {
  (void)state;
  assert_int_equal(PARSE("--prot", "1"), OPTIONS_BAD);
  assert_string_equal(fault.text, "unknown option --prot: did you mean --port?");
  assert_int_equal(PARSE("--pin"), OPTIONS_BAD);
  assert_string_equal(fault.text, "unknown option --pin: see prog --help");
  assert_int_equal(PARSE("--addr=1"), OPTIONS_BAD);
  assert_string_equal(fault.text, "unknown option --addr=1: did you mean --address?");
  assert_int_equal(PARSE("--quite-another-thing"), OPTIONS_BAD);
  assert_string_equal(fault.text, "unknown option --quite-another-thing: see prog --help");
  assert_int_equal(PARSE("-p"), OPTIONS_BAD);
  assert_non_null(strstr(fault.text, "two dashes"));
}

static void values_out_of_range_are_refused(void **state) {
  (void)state;
  assert_int_equal(PARSE("--port", "65536"), OPTIONS_BAD);
  assert_string_equal(fault.text, "--port 65536: give a whole number from 0 to 65535");
  assert_int_equal(PARSE("--port", "-1"), OPTIONS_BAD);
  assert_int_equal(PARSE("--port", "1x"), OPTIONS_BAD);
  assert_int_equal(PARSE("--port", "99999999999999999999"), OPTIONS_BAD);
  assert_int_equal(PARSE("--port", "auto"), OPTIONS_BAD);
  assert_int_equal(PARSE("--latency-ms", "4"), OPTIONS_BAD);
  assert_string_equal(fault.text, "--latency-ms 4: give a whole number from 5 to 500, or auto");
  assert_int_equal(PARSE("--seconds", "nan"), OPTIONS_BAD);
  assert_int_equal(PARSE("--seconds", "0.01"), OPTIONS_BAD);
  assert_int_equal(PARSE("--colour", "blue"), OPTIONS_BAD);
  assert_string_equal(fault.text, "--colour blue: give one of red, green");
}

static void a_number_may_be_a_word(void **state) {
  (void)state;
  assert_int_equal(PARSE("--copies", "3"), OPTIONS_OK);
  assert_int_equal(values.copies, 3);
  assert_int_equal(PARSE("--copies", "off"), OPTIONS_OK);
  assert_int_equal(values.copies, 0);
  assert_int_equal(PARSE("--copies", "auto"), OPTIONS_OK);
  assert_true(values.copies == OPTION_AUTO);
  assert_int_equal(PARSE("--copies", "0"), OPTIONS_BAD);
  assert_string_equal(fault.text, "--copies 0: give a whole number from 1 to 6, auto or off");
  assert_int_equal(PARSE("--latency-ms", "off"), OPTIONS_BAD);
}

static void a_flag_may_set_a_value(void **state) {
  (void)state;
  assert_int_equal(PARSE("--merry"), OPTIONS_OK);
  assert_int_equal(values.mood, 2);
  assert_int_equal(PARSE("--merry=1"), OPTIONS_BAD);
  assert_string_equal(fault.text, "--merry takes no value");
}

static void missing_and_superfluous_values_are_refused(void **state) {
  (void)state;
  assert_int_equal(PARSE("--port"), OPTIONS_BAD);
  assert_string_equal(fault.text, "--port needs a value: see prog --help");
  assert_int_equal(PARSE("--name="), OPTIONS_BAD);
  assert_string_equal(fault.text, "--name: its value is empty");
  assert_int_equal(PARSE("--loud=yes"), OPTIONS_BAD);
  assert_string_equal(fault.text, "--loud takes no value");
}

static void lists_are_bounded(void **state) {
  char *words[2 + 2 * (OPTION_LIST_MAX + 1)] = {"prog"};
  int count = 1;
  (void)state;
  for (int i = 0; i < OPTION_LIST_MAX; i++) {
    words[count++] = "--address";
    words[count++] = "a";
  }
  assert_int_equal(parse(words, count), OPTIONS_OK);
  words[count++] = "--address=b";
  assert_int_equal(parse(words, count), OPTIONS_BAD);
}

static void help_names_every_option(void **state) {
  char *text = NULL;
  size_t len = 0;
  (void)state;
  FILE *out = open_memstream(&text, &len);
  assert_non_null(out);
  options_write_help(&table, out);
  assert_int_equal(fclose(out), 0);
  assert_memory_equal(text, "usage: prog [options] FILE\n", 27);
  for (size_t i = 0; i < table.option_count; i++) {
    assert_non_null(strstr(text, options[i].name));
  }
  assert_non_null(strstr(text, "--colour red|green"));
  assert_non_null(strstr(text, "--latency-ms auto|N"));
  assert_non_null(strstr(text, "--merry  "));
  free(text);
}

static void help_is_wrapped_between_words(void **state) {
  char *text = NULL;
  size_t len = 0;
  (void)state;
  FILE *out = open_memstream(&text, &len);
  assert_non_null(out);
  options_write_help(&table, out);
  assert_int_equal(fclose(out), 0);
  assert_non_null(strstr(
      text,
      "  --copies auto|off|N        the number of copies that go with each of the\n"
      "                             things that are sent to anybody who asks for them,\n"
      "                             a-word-that-is-far-too-long-for-the-room-that-is-there-for-it\n"
      "  --merry                    fun\n"));
  free(text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_every_kind),
      cmocka_unit_test(keeps_defaults_and_the_last_word_counts),
      cmocka_unit_test(a_dash_and_all_after_two_dashes_are_positional),
      cmocka_unit_test(help_and_version_stop),
      cmocka_unit_test(unknown_options_get_a_suggestion),
      cmocka_unit_test(values_out_of_range_are_refused),
      cmocka_unit_test(a_number_may_be_a_word),
      cmocka_unit_test(a_flag_may_set_a_value),
      cmocka_unit_test(missing_and_superfluous_values_are_refused),
      cmocka_unit_test(lists_are_bounded),
      cmocka_unit_test(help_names_every_option),
      cmocka_unit_test(help_is_wrapped_between_words),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
