/* SPDX-License-Identifier: MIT */
/* Command lines: a table of long options in, values and one clear line of complaint out. */
#ifndef COMMON_OPTIONS_H
#define COMMON_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "fault.h"

enum option_kind {
  OPTION_FLAG_ON,  /* --name: *(bool *)target = true */
  OPTION_FLAG_OFF, /* --no-name: *(bool *)target = false */
  OPTION_FLAG_SET, /* --name: *(int *)target = value */
  OPTION_NUMBER,   /* *(int64_t *)target, minimum..maximum */
  OPTION_DECIMAL,  /* *(double *)target, minimum..maximum */
  OPTION_TEXT,     /* *(const char **)target: points into argv; must not be empty */
  OPTION_CHOICE,   /* *(int *)target: index into choices */
  OPTION_LIST,     /* *(struct option_list *)target: may be given several times */
  OPTION_HELP,     /* no target */
  OPTION_VERSION,  /* no target */
};

/* Times that a repeatable option may be given: more addresses than a description may hold make no
 * sense. */
#define OPTION_LIST_MAX 16

struct option_list {
  const char *values[OPTION_LIST_MAX];
  size_t count;
};

/* What an OPTION_NUMBER with `automatic` holds after "--name auto". */
#define OPTION_AUTO INT64_MIN

struct option {
  const char *name; /* without the dashes, as typed: "no-fec" */
  enum option_kind kind;
  void *target;
  const char *value_name; /* "PORT" for the help; NULL for choices, which name themselves */
  const char *help;
  double minimum, maximum;
  bool automatic;             /* OPTION_NUMBER: "auto" is a value too */
  bool may_be_off;            /* OPTION_NUMBER: "off" is a value too, and stands for 0 */
  int value;                  /* OPTION_FLAG_SET */
  const char *const *choices; /* NULL at the end */
};

struct option_table {
  const char *program;  /* "pa-send" */
  const char *usage;    /* "[options] SOURCE" */
  const char *about;    /* paragraph(s) under the usage line; may be NULL */
  const char *epilogue; /* after the options; may be NULL */
  const struct option *options;
  size_t option_count;
};

/* What is not an option, in order; "-" counts as such, and everything after "--". */
#define OPTION_POSITIONALS_MAX 8

struct option_rest {
  const char *values[OPTION_POSITIONALS_MAX];
  size_t count;
};

enum options_verdict { OPTIONS_OK, OPTIONS_WANT_HELP, OPTIONS_WANT_VERSION, OPTIONS_BAD };

/* Reads "--name value" and "--name=value"; targets keep their value when the option is not given,
 * so defaults are set before. OPTIONS_BAD: the fault names the option, what is wrong with it and
 * what would be right (the nearest name for an unknown one). */
enum options_verdict options_parse(const struct option_table *table, int argc, char **argv,
                                   struct option_rest *rest, struct fault *fault);

/* The text of --help: 80 columns wide as far as the options' own texts go. */
void options_write_help(const struct option_table *table, FILE *out);

#endif
