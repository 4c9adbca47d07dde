/* SPDX-License-Identifier: MIT */
#include "statistics_json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

enum field_kind { FIELD_COUNT, FIELD_VALUE };

struct field {
  const char *name;
  enum field_kind kind;
  int digits; /* behind the point */
  uint64_t count;
  double value;
};

#define COUNT_FIELD(name)                                                                          \
  { #name, FIELD_COUNT, 0, statistics->name, 0 }
#define VALUE_FIELD(name, digits)                                                                  \
  { #name, FIELD_VALUE, digits, 0, statistics->name }

static size_t write_field(const struct field *field, char *out, size_t room) {
  int len;
  if (field->kind == FIELD_COUNT) {
    len = snprintf(out, room, ",\"%s\":%" PRIu64, field->name, field->count);
  } else if (!isfinite(field->value)) {
    len = snprintf(out, room, ",\"%s\":null", field->name);
  } else {
    len = snprintf(out, room, ",\"%s\":%.*f", field->name, field->digits, field->value);
  }
  return len < 0 || (size_t)len >= room ? 0 : (size_t)len;
}

void statistics_json_write(const struct speaker_statistics *statistics,
                           char out[STATISTICS_JSON_SIZE]) {
  const struct field fields[] = {
      COUNT_FIELD(packets),
      COUNT_FIELD(lost),
      COUNT_FIELD(late),
      COUNT_FIELD(duplicates),
      VALUE_FIELD(jitter_ms, 2),
      VALUE_FIELD(target_ms, 1),
      VALUE_FIELD(delay_ms, 1),
      VALUE_FIELD(concealed_ms, 1),
      COUNT_FIELD(recovered_nack),
      COUNT_FIELD(recovered_red),
      COUNT_FIELD(recovered_fec),
      COUNT_FIELD(recovered_late),
      VALUE_FIELD(rtt_ms, 2),
      VALUE_FIELD(drift_ppm, 1),
      VALUE_FIELD(sync_error_ms, 3),
      COUNT_FIELD(xruns),
      VALUE_FIELD(level_dbfs, 1),
      VALUE_FIELD(longest_gap_ms, 1),
      COUNT_FIELD(nacks),
      VALUE_FIELD(stretched_ms, 1),
      COUNT_FIELD(rewinds),
      COUNT_FIELD(outages),
      COUNT_FIELD(resyncs),
      VALUE_FIELD(jitter_buffer_delay_ms, 1),
  };
  size_t room = STATISTICS_JSON_SIZE - 1;
  size_t len = (size_t)snprintf(out, room, "{\"t_s\":%.3f,\"state\":\"%s\"", statistics->t_s,
                                statistics->state);
  for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
    len += write_field(&fields[i], out + len, room - len);
  }
  out[len] = '}';
  out[len + 1] = '\0';
}

/* "12.3" or "-". */
static const char *value_text(double value, char *out, size_t size) {
  if (isfinite(value)) {
    (void)snprintf(out, size, "%.1f", value);
  } else {
    (void)snprintf(out, size, "-");
  }
  return out;
}

void statistics_text_write(const struct speaker_statistics *statistics,
                           char out[STATISTICS_JSON_SIZE]) {
  char delay[32], target[32], level[32], rtt[32];
  (void)snprintf(out, STATISTICS_JSON_SIZE,
                 "%s: %" PRIu64 " packets, %" PRIu64 " lost, %" PRIu64 " late, %" PRIu64
                 " outages; recovered %" PRIu64 " nack, %" PRIu64 " red, %" PRIu64 " fec, %" PRIu64
                 " late; %.0f ms concealed, longest %.0f; delay %s of %s ms, rtt %s ms, %" PRIu64
                 " xruns, level %s dBFS",
                 statistics->state, statistics->packets, statistics->lost, statistics->late,
                 statistics->outages, statistics->recovered_nack, statistics->recovered_red,
                 statistics->recovered_fec, statistics->recovered_late, statistics->concealed_ms,
                 statistics->longest_gap_ms, value_text(statistics->delay_ms, delay, sizeof delay),
                 value_text(statistics->target_ms, target, sizeof target),
                 value_text(statistics->rtt_ms, rtt, sizeof rtt), statistics->xruns,
                 value_text(statistics->level_dbfs, level, sizeof level));
}
