/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Longest option name that is compared for a suggestion; longer ones are nobody's slip. */
#define NAME_MAX_LEN 32

static size_t smallest(size_t a, size_t b, size_t c) {
  size_t least = a < b ? a : b;
  return least < c ? least : c;
}

/* Levenshtein distance, two letters swapped counting as one slip. */
static size_t distance(const char *a, const char *b) {
  size_t rows[3][NAME_MAX_LEN + 1] = {{0}};
  size_t a_len = strlen(a);
  size_t b_len = strlen(b);
  if (a_len > NAME_MAX_LEN || b_len > NAME_MAX_LEN) {
    return NAME_MAX_LEN;
  }
  for (size_t j = 0; j <= b_len; j++) {
    rows[0][j] = j;
  }
  for (size_t i = 1; i <= a_len; i++) {
    size_t *row = rows[i % 3];
    const size_t *above = rows[(i - 1) % 3];
    row[0] = i;
    for (size_t j = 1; j <= b_len; j++) {
      row[j] = smallest(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = smallest(row[j], rows[(i - 2) % 3][j - 2] + 1, row[j]);
      }
    }
  }
  return rows[a_len % 3][b_len];
}

/* How many slips still look like one in a name: in a short one nearly every word is near. */
static size_t slips_allowed(const char *known) {
  size_t len = strlen(known);
  return len < 6 ? 1 : len / 3 + 1;
}

/* The nearest name if it is near: a third of it may be wrong, or it is a beginning. */
static const char *suggest(const struct option_table *table, const char *name) {
  const char *best = NULL;
  size_t best_distance = NAME_MAX_LEN;
  for (size_t i = 0; i < table->option_count; i++) {
    const char *known = table->options[i].name;
    size_t len = strlen(name);
    size_t away = len >= 3 && strncmp(known, name, len) == 0 ? 1 : distance(known, name);
    if (away < best_distance && away <= slips_allowed(known)) {
      best = known;
      best_distance = away;
    }
  }
  return best;
}

static const struct option *find_option(const struct option_table *table, const char *name,
                                        size_t len) {
  for (size_t i = 0; i < table->option_count; i++) {
    const char *known = table->options[i].name;
    if (strlen(known) == len && memcmp(known, name, len) == 0) {
      return &table->options[i];
    }
  }
  return NULL;
}

/* ---- values ---- */

static bool takes_value(const struct option *option) {
  switch (option->kind) {
  case OPTION_FLAG_ON:
  case OPTION_FLAG_OFF:
  case OPTION_FLAG_SET:
  case OPTION_HELP:
  case OPTION_VERSION:
    return false;
  case OPTION_NUMBER:
  case OPTION_DECIMAL:
  case OPTION_TEXT:
  case OPTION_CHOICE:
  case OPTION_LIST:
    return true;
  }
  return false;
}

static int refuse_range(const struct option *option, const char *value, struct fault *fault) {
  const char *off = option->automatic ? " or off" : ", or off";
  return fault_set(fault, "--%s %s: give a %s from %.15g to %.15g%s%s", option->name, value,
                   option->kind == OPTION_DECIMAL ? "number" : "whole number", option->minimum,
                   option->maximum,
                   !option->automatic   ? ""
                   : option->may_be_off ? ", auto"
                                        : ", or auto",
                   option->may_be_off ? off : "");
}

static int set_number(const struct option *option, const char *value, struct fault *fault) {
  char *end = NULL;
  if (option->automatic && strcmp(value, "auto") == 0) {
    *(int64_t *)option->target = OPTION_AUTO;
    return 0;
  }
  if (option->may_be_off && strcmp(value, "off") == 0) {
    *(int64_t *)option->target = 0;
    return 0;
  }
  errno = 0;
  long long number = strtoll(value, &end, 10);
  if (errno != 0 || end == value || *end != '\0' || (double)number < option->minimum ||
      (double)number > option->maximum) {
    return refuse_range(option, value, fault);
  }
  *(int64_t *)option->target = number;
  return 0;
}

static int set_decimal(const struct option *option, const char *value, struct fault *fault) {
  char *end = NULL;
  double number = strtod(value, &end);
  if (end == value || *end != '\0' || !isfinite(number) || number < option->minimum ||
      number > option->maximum) {
    return refuse_range(option, value, fault);
  }
  *(double *)option->target = number;
  return 0;
}

static void join_choices(const struct option *option, const char *separator, char *out,
                         size_t size) {
  size_t used = 0;
  out[0] = '\0';
  for (size_t i = 0; option->choices[i] != NULL && used < size; i++) {
    int wrote =
        snprintf(out + used, size - used, "%s%s", i > 0 ? separator : "", option->choices[i]);
    used += wrote > 0 ? (size_t)wrote : 0;
  }
}

static int set_choice(const struct option *option, const char *value, struct fault *fault) {
  char all[128];
  for (int i = 0; option->choices[i] != NULL; i++) {
    if (strcmp(option->choices[i], value) == 0) {
      *(int *)option->target = i;
      return 0;
    }
  }
  join_choices(option, ", ", all, sizeof all);
  return fault_set(fault, "--%s %s: give one of %s", option->name, value, all);
}

static int set_list(const struct option *option, const char *value, struct fault *fault) {
  struct option_list *list = option->target;
  if (list->count == OPTION_LIST_MAX) {
    return fault_set(fault, "--%s %s: at most %d times, please", option->name, value,
                     OPTION_LIST_MAX);
  }
  list->values[list->count++] = value;
  return 0;
}

static int set_value(const struct option *option, const char *value, struct fault *fault) {
  if (value[0] == '\0') {
    return fault_set(fault, "--%s: its value is empty", option->name);
  }
  switch (option->kind) {
  case OPTION_NUMBER:
    return set_number(option, value, fault);
  case OPTION_DECIMAL:
    return set_decimal(option, value, fault);
  case OPTION_CHOICE:
    return set_choice(option, value, fault);
  case OPTION_LIST:
    return set_list(option, value, fault);
  case OPTION_TEXT:
    *(const char **)option->target = value;
    return 0;
  case OPTION_FLAG_ON:
  case OPTION_FLAG_OFF:
  case OPTION_FLAG_SET:
  case OPTION_HELP:
  case OPTION_VERSION:
    break;
  }
  return fault_set(fault, "--%s takes no value", option->name);
}

static enum options_verdict set_plain(const struct option *option) {
  switch (option->kind) {
  case OPTION_HELP:
    return OPTIONS_WANT_HELP;
  case OPTION_VERSION:
    return OPTIONS_WANT_VERSION;
  case OPTION_FLAG_ON:
    *(bool *)option->target = true;
    return OPTIONS_OK;
  case OPTION_FLAG_OFF:
    *(bool *)option->target = false;
    return OPTIONS_OK;
  case OPTION_FLAG_SET:
    *(int *)option->target = option->value;
    return OPTIONS_OK;
  case OPTION_NUMBER:
  case OPTION_DECIMAL:
  case OPTION_TEXT:
  case OPTION_CHOICE:
  case OPTION_LIST:
    break;
  }
  return OPTIONS_BAD;
}

/* ---- the line ---- */

static enum options_verdict refuse_unknown(const struct option_table *table, const char *argument,
                                           size_t name_len, struct fault *fault) {
  char name[NAME_MAX_LEN + 1] = "";
  const char *near = NULL;
  if (name_len <= NAME_MAX_LEN) {
    memcpy(name, argument + 2, name_len);
    name[name_len] = '\0';
    near = suggest(table, name);
  }
  if (near != NULL) {
    (void)fault_set(fault, "unknown option %s: did you mean --%s?", argument, near);
  } else {
    (void)fault_set(fault, "unknown option %s: see %s --help", argument, table->program);
  }
  return OPTIONS_BAD;
}

/* One option at argv[*at], which is moved over a value of its own. */
static enum options_verdict take_option(const struct option_table *table, int argc, char **argv,
                                        int *at, struct fault *fault) {
  const char *argument = argv[*at];
  size_t name_len = strcspn(argument + 2, "=");
  const char *inline_value = argument[2 + name_len] == '=' ? argument + 3 + name_len : NULL;
  const struct option *option = find_option(table, argument + 2, name_len);
  if (option == NULL) {
    return refuse_unknown(table, argument, name_len, fault);
  }
  if (!takes_value(option)) {
    if (inline_value != NULL) {
      (void)fault_set(fault, "--%s takes no value", option->name);
      return OPTIONS_BAD;
    }
    return set_plain(option);
  }
  if (inline_value == NULL && *at + 1 == argc) {
    (void)fault_set(fault, "--%s needs a value: see %s --help", option->name, table->program);
    return OPTIONS_BAD;
  }
  const char *value = inline_value != NULL ? inline_value : argv[++*at];
  return set_value(option, value, fault) == 0 ? OPTIONS_OK : OPTIONS_BAD;
}

static enum options_verdict take_positional(const char *argument, struct option_rest *rest,
                                            struct fault *fault) {
  if (rest->count == OPTION_POSITIONALS_MAX) {
    (void)fault_set(fault, "too many arguments: %s", argument);
    return OPTIONS_BAD;
  }
  rest->values[rest->count++] = argument;
  return OPTIONS_OK;
}

static enum options_verdict refuse_short(const struct option_table *table, const char *argument,
                                         struct fault *fault) {
  (void)fault_set(fault, "unknown option %s: options begin with two dashes, see %s --help",
                  argument, table->program);
  return OPTIONS_BAD;
}

enum options_verdict options_parse(const struct option_table *table, int argc, char **argv,
                                   struct option_rest *rest, struct fault *fault) {
  enum options_verdict verdict = OPTIONS_OK;
  bool only_positionals = false;
  *rest = (struct option_rest){0};
  for (int at = 1; at < argc && verdict == OPTIONS_OK; at++) {
    const char *argument = argv[at];
    if (only_positionals || argument[0] != '-' || argument[1] == '\0') {
      verdict = take_positional(argument, rest, fault);
    } else if (strcmp(argument, "--") == 0) {
      only_positionals = true;
    } else if (argument[1] != '-') {
      verdict = refuse_short(table, argument, fault);
    } else {
      verdict = take_option(table, argc, argv, &at, fault);
    }
  }
  return verdict;
}

/* ---- help ---- */

/* Where the options' texts begin and end. */
#define HELP_COLUMN 29
#define HELP_WIDTH 80

/* Words from HELP_COLUMN on, which the line has reached. */
static void write_wrapped(const char *text, FILE *out) {
  size_t column = HELP_COLUMN;
  while (*text != '\0') {
    size_t len = strcspn(text, " ");
    if (column > HELP_COLUMN && column + 1 + len > HELP_WIDTH) {
      (void)fprintf(out, "\n%*s", HELP_COLUMN, "");
      column = HELP_COLUMN;
    } else if (column > HELP_COLUMN) {
      (void)fputc(' ', out);
      column++;
    }
    (void)fprintf(out, "%.*s", (int)len, text);
    column += len;
    text += len + strspn(text + len, " ");
  }
  (void)fputc('\n', out);
}

static void write_option(const struct option *option, FILE *out) {
  char value[128] = "";
  char head[192];
  if (option->kind == OPTION_CHOICE) {
    join_choices(option, "|", value, sizeof value);
  } else if (takes_value(option)) {
    (void)snprintf(value, sizeof value, "%s%s%s", option->automatic ? "auto|" : "",
                   option->may_be_off ? "off|" : "", option->value_name);
  }
  (void)snprintf(head, sizeof head, "  --%s%s%s", option->name, value[0] != '\0' ? " " : "", value);
  if (strlen(head) + 2 <= HELP_COLUMN) {
    (void)fprintf(out, "%-*s", HELP_COLUMN, head);
  } else {
    (void)fprintf(out, "%s\n%*s", head, HELP_COLUMN, "");
  }
  write_wrapped(option->help, out);
}

void options_write_help(const struct option_table *table, FILE *out) {
  (void)fprintf(out, "usage: %s %s\n", table->program, table->usage);
  if (table->about != NULL) {
    (void)fprintf(out, "\n%s\n", table->about);
  }
  (void)fputs("\n", out);
  for (size_t i = 0; i < table->option_count; i++) {
    write_option(&table->options[i], out);
  }
  if (table->epilogue != NULL) {
    (void)fprintf(out, "\n%s\n", table->epilogue);
  }
}
