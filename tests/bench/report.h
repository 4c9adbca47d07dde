/* SPDX-License-Identifier: MIT */
/* What a benchmark prints: a table for people, or one JSON object; and its bars. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <stdbool.h>
#include <stdio.h>

struct bench_report {
  bool json;
  bool missed; /* a bar */
};

/* `what` says in a sentence what was done. */
void bench_report_begin(struct bench_report *report, bool json, const char *program,
                        const char *what);

/* A figure; names are as in JSON, with the unit at the end: "protect_ns". */
void bench_report_add(struct bench_report *report, const char *name, double value);

/* A figure that must not be above, or not below, a bar. */
void bench_report_at_most(struct bench_report *report, const char *name, double value, double bar);
void bench_report_at_least(struct bench_report *report, const char *name, double value, double bar);

/* The exit status: 0, or 1 when a bar was missed. */
int bench_report_end(struct bench_report *report);

#endif
