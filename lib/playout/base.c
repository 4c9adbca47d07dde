/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "playout/playout.h"

#define SECOND_NS ((int64_t)PAW_NS_PER_S)

/* Crystals are off by 100 ppm at most, each. */
#define SKEW_MAX 200e-6

/* Fewer seconds tell jitter from skew too badly; a third of them must survive a stray. */
#define SKEW_SECONDS_MIN 12

/* Seconds whose lowest transit lies further off the line were busy, or on another path. */
#define STRAY_MAX_MS 1.0

/* Past this, what is not known of the skew adds up to more than a millisecond. */
#define TREND_MAX_NS ((int64_t)(60 * PAW_NS_PER_S))

void paw_playout_base_start(struct paw_playout_base *base) {
  base->count = 0;
  base->floor_ns = 0;
  base->reference_ns = 0;
}

int64_t paw_playout_base_trend(const struct paw_playout_base *base, int64_t time_ns) {
  int64_t since_ns = time_ns - base->reference_ns;
  since_ns = since_ns < TREND_MAX_NS ? since_ns : TREND_MAX_NS;
  since_ns = since_ns > -TREND_MAX_NS ? since_ns : -TREND_MAX_NS;
  return (int64_t)(base->skew * (double)since_ns);
}

static struct paw_playout_low *get_low(struct paw_playout_base *base, size_t number) {
  return &base->lows[number % PAW_PLAYOUT_SKEW_SECONDS];
}

/* ---- skew ---- */

/* The lows in s and ms, from the first one on. */
struct points {
  double x[PAW_PLAYOUT_SKEW_SECONDS];
  double y[PAW_PLAYOUT_SKEW_SECONDS];
  size_t count;
};

struct line {
  double slope;
  double offset;
};

/* Greater than a quarter of them: busy seconds are only ever too high, strays below are rare. */
static double low_quartile(const double *values, size_t count) {
  double sorted[PAW_PLAYOUT_SKEW_SECONDS];
  assert(count > 0 && count <= PAW_PLAYOUT_SKEW_SECONDS);
  memcpy(sorted, values, count * sizeof sorted[0]);
  for (size_t i = 1; i < count; i++) {
    double value = sorted[i];
    size_t at = i;
    for (; at > 0 && sorted[at - 1] > value; at--) {
      sorted[at] = sorted[at - 1];
    }
    sorted[at] = value;
  }
  return sorted[count / 4];
}

static double residual(const struct points *points, size_t i, const struct line *line) {
  return points->y[i] - line->offset - line->slope * points->x[i];
}

/* From the low ones of the first third to those of the last. */
static struct line guess_line(const struct points *points) {
  assert(points->count >= SKEW_SECONDS_MIN);
  size_t third = points->count / 3;
  size_t last = points->count - third;
  double run = points->x[last + third / 2] - points->x[third / 2];
  double rise = low_quartile(&points->y[last], third) - low_quartile(points->y, third);
  struct line line = {.slope = run > 0 ? rise / run : 0};
  double residuals[PAW_PLAYOUT_SKEW_SECONDS] = {0};
  for (size_t i = 0; i < points->count; i++) {
    residuals[i] = residual(points, i, &line);
  }
  line.offset = low_quartile(residuals, points->count);
  return line;
}

/* Least squares of the points near the line. False: too few are. */
static bool improve_line(const struct points *points, struct line *line) {
  double count = 0;
  double x = 0;
  double y = 0;
  double xx = 0;
  double xy = 0;
  for (size_t i = 0; i < points->count; i++) {
    if (fabs(residual(points, i, line)) <= STRAY_MAX_MS) {
      count += 1;
      x += points->x[i];
      y += points->y[i];
      xx += points->x[i] * points->x[i];
      xy += points->x[i] * points->y[i];
    }
  }
  double spread = count * xx - x * x;
  if (3 * count < (double)points->count || spread <= 0) {
    return false;
  }
  line->slope = (count * xy - x * y) / spread;
  line->offset = (y - line->slope * x) / count;
  return true;
}

static void update_skew(struct paw_playout_base *base) {
  struct points points = {
      .count = base->count < PAW_PLAYOUT_SKEW_SECONDS ? base->count : PAW_PLAYOUT_SKEW_SECONDS};
  if (points.count < SKEW_SECONDS_MIN) {
    return;
  }
  const struct paw_playout_low *first = get_low(base, base->count - points.count);
  for (size_t i = 0; i < points.count; i++) {
    const struct paw_playout_low *low = get_low(base, base->count - points.count + i);
    points.x[i] = (double)(low->at_ns - first->at_ns) / (double)PAW_NS_PER_S;
    points.y[i] = (double)(low->transit_ns - first->transit_ns) / (double)PAW_NS_PER_MS;
  }
  struct line line = guess_line(&points);
  if (improve_line(&points, &line) && improve_line(&points, &line)) {
    base->skew = fmax(-SKEW_MAX, fmin(SKEW_MAX, line.slope * 1e-3));
  }
}

/* ---- floor ---- */

static int64_t level(const struct paw_playout_base *base, const struct paw_playout_low *low) {
  return low->transit_ns - paw_playout_base_trend(base, low->at_ns);
}

static void update_floor(struct paw_playout_base *base) {
  size_t count = base->count < PAW_PLAYOUT_BASE_SECONDS ? base->count : PAW_PLAYOUT_BASE_SECONDS;
  base->floor_ns = INT64_MAX;
  for (size_t i = 1; i <= count; i++) {
    int64_t level_ns = level(base, get_low(base, base->count - i));
    base->floor_ns = level_ns < base->floor_ns ? level_ns : base->floor_ns;
  }
}

/* Seconds without packets do not exist: a pause does not wipe out what is known. */
void paw_playout_base_note(struct paw_playout_base *base, int64_t now_ns, int64_t transit_ns) {
  struct paw_playout_low low = {.begin_ns = now_ns, .at_ns = now_ns, .transit_ns = transit_ns};
  struct paw_playout_low *newest = base->count > 0 ? get_low(base, base->count - 1) : NULL;
  int64_t age_ns = newest != NULL ? now_ns - newest->begin_ns : SECOND_NS;
  if (newest == NULL || age_ns >= SECOND_NS || age_ns <= -SECOND_NS) {
    update_skew(base);
    base->reference_ns = now_ns;
    *get_low(base, base->count++) = low;
    update_floor(base);
  } else if (level(base, &low) < level(base, newest)) {
    newest->at_ns = now_ns;
    newest->transit_ns = transit_ns;
    update_floor(base);
  }
}
