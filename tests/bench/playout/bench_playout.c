/* SPDX-License-Identifier: MIT */
/* How well and how late speech is heard over a bad network. See README.md. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "bench/playout/options.h"
#include "bench/playout/quality.h"
#include "wav.h"

struct result {
  double concealed_percent;
  double longest_gap_ms;
  double stoi;
  double segsnr_db;
};

static double to_ms(uint64_t samples) {
  return (double)samples * 1000 / PAW_RTP_HZ;
}

/* The last second may not have been heard. */
static size_t comparable_frames(const struct run *run) {
  size_t frames = run->heard.media_frames;
  return frames > PAW_RTP_HZ ? frames - PAW_RTP_HZ : 0;
}

static struct result evaluate(const struct run *run, const int16_t *wanted) {
  const struct receiver_counts *counts = &run->counts;
  double total = counts->total_samples > 0 ? (double)counts->total_samples : 1;
  struct result result = {
      .concealed_percent = 100 * (double)counts->concealed_samples / total,
      .longest_gap_ms = to_ms(counts->longest_gap_samples),
  };
  if (wanted != NULL) {
    size_t frames = comparable_frames(run);
    result.stoi = quality_stoi(wanted, run->heard.by_media, frames);
    result.segsnr_db = quality_segmental_snr_db(wanted, run->heard.by_media, frames);
  }
  return result;
}

static bool is_timed(const struct bench_options *options) {
  return options->run.receiver.is_timed && options->run.receiver_new == receiver_paw_new;
}

static void print_json(const struct bench_options *options, const struct run *run,
                       const struct result *result) {
  const struct receiver_counts *counts = &run->counts;
  char stoi[32] = "null";
  char segsnr[32] = "null";
  if (options->quality) {
    (void)snprintf(stoi, sizeof stoi, "%.4f", result->stoi);
    (void)snprintf(segsnr, sizeof segsnr, "%.2f", result->segsnr_db);
  }
  (void)printf(
      "{\"policy\":\"%s\",\"trace\":\"%s\",\"loss_pct\":%g,\"burst_ms\":%g,"
      "\"frame_ms\":%g,\"minutes\":%g,\"seed\":%llu,\"delay_mean_ms\":%.2f,"
      "\"delay_p95_ms\":%.1f,\"concealed_pct\":%.4f,\"longest_gap_ms\":%.1f,"
      "\"stoi\":%s,\"segsnr_db\":%s,\"overhead_pct\":%.2f,\"recovered\":{\"nack\":%llu,"
      "\"red\":%llu,\"lbrr\":%llu,\"late\":%llu}",
      options->policy, air_trace_name(options->run.air.trace), options->run.air.loss * 100,
      options->run.air.burst_ms, options->frame_ms, options->run.minutes,
      (unsigned long long)options->run.seed, heard_mean_ms(&run->heard),
      heard_quantile_ms(&run->heard, 0.95), result->concealed_percent, result->longest_gap_ms, stoi,
      segsnr, sender_overhead_percent(&run->sender), (unsigned long long)counts->nack,
      (unsigned long long)counts->red, (unsigned long long)counts->lbrr,
      (unsigned long long)counts->late);
  if (is_timed(options)) {
    struct receiver_cost cost = receiver_paw_cost(&run->receiver, run->sender.next);
    (void)printf(",\"without_opus_us\":%.2f,\"opus_us\":%.2f,\"allocations\":%llu",
                 cost.player_us - cost.opus_us, cost.opus_us, (unsigned long long)cost.allocations);
  }
  (void)printf("}\n");
}

static void print_text(const struct bench_options *options, const struct run *run,
                       const struct result *result) {
  const struct receiver_counts *counts = &run->counts;
  const struct sender *sender = &run->sender;
  (void)printf("%s, %s, %g %% more loss, burst %g ms, frames of %g ms, %g min, seed %llu\n",
               options->policy, air_trace_name(options->run.air.trace), options->run.air.loss * 100,
               options->run.air.burst_ms, options->frame_ms, options->run.minutes,
               (unsigned long long)options->run.seed);
  char more[512];
  run->receiver.kind->describe(run->receiver.self, more, sizeof more);
  (void)printf("delay       mean %.2f ms, p95 %.1f ms, one second after the start %.1f ms\n",
               heard_mean_ms(&run->heard), heard_quantile_ms(&run->heard, 0.95),
               run->heard.start_ms);
  (void)printf("concealed   %.4f %%, %llu times, longest %.1f ms\n", result->concealed_percent,
               (unsigned long long)counts->concealment_events, result->longest_gap_ms);
  if (options->quality) {
    (void)printf("quality     STOI %.4f, segmental SNR %.2f dB\n", result->stoi, result->segsnr_db);
  }
  (void)printf("recovered   %llu NACK, %llu RED, %llu LBRR, %llu late\n",
               (unsigned long long)counts->nack, (unsigned long long)counts->red,
               (unsigned long long)counts->lbrr, (unsigned long long)counts->late);
  (void)printf("receiver    %s\n", more);
  (void)printf(
      "overhead    %.2f %%: %llu retransmissions; %llu asked for, the requests another %.2f %%\n",
      sender_overhead_percent(sender), (unsigned long long)sender->again,
      (unsigned long long)sender->asked,
      100 * (double)sender->ask_bytes / (double)sender->media_bytes);
}

static void print_cost(const struct run *run) {
  struct receiver_cost cost = receiver_paw_cost(&run->receiver, run->sender.next);
  (void)printf(
      "cost        %.2f us a frame, of this %.2f in libopus, %.2f without; "
      "%llu allocations\n",
      cost.player_us, cost.opus_us, cost.player_us - cost.opus_us,
      (unsigned long long)cost.allocations);
}

static int compare(const void *a, const void *b) {
  double left = *(const double *)a;
  double right = *(const double *)b;
  return (left > right) - (left < right);
}

/* How exact the packets after those that were held back are. */
static void print_after_gaps(const struct run *run, const int16_t *wanted) {
  size_t frame = run->sender.programme->frame_frames;
  size_t packets = comparable_frames(run) / frame;
  double *ratios_db = calloc(packets + 1, sizeof *ratios_db);
  for (size_t ahead = 0; ahead < 4; ahead++) {
    size_t count = 0;
    for (size_t i = 1; i + ahead < packets; i++) {
      const int16_t *from = &wanted[(i + ahead) * frame];
      bool is_first = run_is_held(&run->config, run->sender.frame_ns, i - 1) &&
                      !run_is_held(&run->config, run->sender.frame_ns, i);
      /* -46 dBFS: speech. */
      if (is_first && quality_mean_square(from, frame) > 160.0 * 160.0) {
        ratios_db[count++] = quality_snr_db(from, &run->heard.by_media[(i + ahead) * frame], frame);
      }
    }
    qsort(ratios_db, count, sizeof *ratios_db, compare);
    if (count > 0) {
      (void)printf("after gap   packet %zu: least %.1f dB, 10 %% below %.1f, median %.1f (%zu)\n",
                   ahead + 1, ratios_db[0], ratios_db[count / 10], ratios_db[count / 2], count);
    }
  }
  free(ratios_db);
}

/* The mean delay of the trace that comes then, had there been no other. */
static double other_mean_ms(const struct bench_options *options,
                            const struct programme *programme) {
  struct run_config config = options->run;
  struct run run;
  config.air.trace = config.air.then_trace;
  config.air.then_ns = PAW_TIME_NEVER;
  config.keeps_sound = false;
  config.wav = NULL;
  config.receiver.is_timed = false;
  double mean_ms = 0;
  if (run_start(&run, &config, programme)) {
    run_finish(&run);
    mean_ms = heard_mean_ms(&run.heard);
  }
  run_wipe(&run);
  return mean_ms;
}

static void print_return(const struct bench_options *options, const struct run *run,
                         const struct programme *programme) {
  double wanted_ms = other_mean_ms(options, programme);
  size_t change = (size_t)(options->run.air.then_ns / PAW_NS_PER_S);
  size_t second = change;
  while (second < run->heard.seconds && (heard_second_ms(&run->heard, second) < 0 ||
                                         heard_second_ms(&run->heard, second) > wanted_ms + 2)) {
    second++;
  }
  double last_ms = 0;
  size_t count = 0;
  for (size_t i = run->heard.seconds > 62 ? run->heard.seconds - 62 : 0; i < run->heard.seconds;
       i++) {
    double mean_ms = heard_second_ms(&run->heard, i);
    last_ms += mean_ms >= 0 ? mean_ms : 0;
    count += mean_ms >= 0;
  }
  (void)printf("return      ");
  if (second < run->heard.seconds) {
    (void)printf("%zu s until within 2 ms of %.2f ms", second - change, wanted_ms);
  } else {
    (void)printf("never within 2 ms of %.2f ms", wanted_ms);
  }
  (void)printf("; in the last minute %.2f ms\n", count > 0 ? last_ms / (double)count : -1);
}

static bool play(struct bench_options *options, const struct programme *programme) {
  struct run run;
  bool ok = run_start(&run, &options->run, programme);
  if (ok) {
    run_finish(&run);
    size_t frames = comparable_frames(&run);
    int16_t *wanted = frames > 0 ? programme_decode(programme, frames) : NULL;
    struct result result = evaluate(&run, options->quality ? wanted : NULL);
    if (options->json) {
      print_json(options, &run, &result);
    } else {
      print_text(options, &run, &result);
    }
    if (is_timed(options) && !options->json) {
      print_cost(&run);
    }
    if (options->run.gap_packets > 0) {
      print_after_gaps(&run, wanted);
    }
    if (options->run.air.then_ns != PAW_TIME_NEVER) {
      print_return(options, &run, programme);
    }
    free(wanted);
  } else {
    (void)fprintf(stderr, "bench_playout: the player refuses this configuration\n");
  }
  run_wipe(&run);
  return ok;
}

/* The same, into a WAV file. */
static bool record(struct bench_options *options, const struct programme *programme) {
  struct wav_writer wav = {0};
  struct fault fault = {0};
  bool ok = wav_writer_open(&wav, options->wav_path, PAW_RTP_HZ, 1, &fault) == 0;
  options->run.wav = &wav;
  ok = ok && play(options, programme);
  ok = wav_writer_close(&wav, &fault) == 0 && ok;
  if (fault.text[0] != '\0') {
    (void)fprintf(stderr, "bench_playout: %s\n", fault.text);
  }
  return ok;
}

int main(int argc, char **argv) {
  struct bench_options options;
  int status = bench_options_read(&options, argc, argv);
  if (status != 0) {
    return status - 1;
  }
  struct programme programme;
  struct programme_config config = {
      .speech_dir = options.speech_dir,
      .frame_frames = (size_t)(options.frame_ms * PAW_RTP_HZ / 1000),
      .bitrate_bps = options.bitrate_bps,
      .lbrr = options.lbrr,
  };
  struct fault fault = {0};
  if (!programme_init(&programme, &config, &fault)) {
    (void)fprintf(stderr, "bench_playout: %s\n", fault.text);
    programme_wipe(&programme);
    return 2;
  }
  bool ok = options.wav_path != NULL ? record(&options, &programme) : play(&options, &programme);
  programme_wipe(&programme);
  return ok ? 0 : 1;
}
