/* SPDX-License-Identifier: MIT */
#include "bench/report.h"

#include <math.h>

void bench_report_begin(struct bench_report *report, bool json, const char *program,
                        const char *what) {
  *report = (struct bench_report){.json = json};
  if (json)
    printf("{\"program\": \"%s\", \"what\": \"%s\"", program, what);
  else
    printf("%s: %s\n", program, what);
}

/* JSON has no other word for what there is none of: a quantile of nothing. */
static void print_figure(const struct bench_report *report, const char *name, double value) {
  if (report->json && !isfinite(value))
    printf(", \"%s\": null", name);
  else if (report->json)
    printf(", \"%s\": %.6g", name, value);
  else
    printf("  %-36s %12.6g", name, value);
}

void bench_report_add(struct bench_report *report, const char *name, double value) {
  print_figure(report, name, value);
  if (!report->json)
    printf("\n");
}

/* In JSON a bar stands beside its figure, as "NAME_bar" and "NAME_met". */
static void print_bar(struct bench_report *report, const char *name, const char *kind, double bar,
                      bool met) {
  if (report->json)
    printf(", \"%s_bar\": \"%s %.6g\", \"%s_met\": %s", name, kind, bar, name,
           met ? "true" : "false");
  else
    printf("   %s %.6g%s\n", kind, bar, met ? "" : "   MISSED");
  report->missed |= !met;
}

void bench_report_at_most(struct bench_report *report, const char *name, double value, double bar) {
  print_figure(report, name, value);
  print_bar(report, name, "<=", bar, value <= bar);
}

void bench_report_at_least(struct bench_report *report, const char *name, double value,
                           double bar) {
  print_figure(report, name, value);
  print_bar(report, name, ">=", bar, value >= bar);
}

int bench_report_end(struct bench_report *report) {
  if (report->json)
    printf("}\n");
  fflush(stdout);
  return report->missed ? 1 : 0;
}
