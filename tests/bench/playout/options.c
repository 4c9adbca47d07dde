/* SPDX-License-Identifier: MIT */
#include "bench/playout/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"

static const char help[] =
    "usage: bench_playout [OPTION]...\n"
    "\n"
    "Plays speech through a simulated network, in virtual time, and says how it was heard.\n"
    "tests/bench/playout/README.md says how all of it is meant.\n"
    "\n"
    "  --policy P       paw, fixed:MS (paw with a fixed delay), neteq or neteq-nack (paw)\n"
    "  --trace T        quiet, bunched, busy, spikes or still (quiet)\n"
    "  --loss PERCENT   packets lost beside the trace's own (0)\n"
    "  --burst MS       mean time for which the air is bad; 0 = independent losses (0)\n"
    "  --rtt MS         shortest round trip (4)\n"
    "  --frame-ms MS    2.5, 5, 10 or 20 (10)\n"
    "  --bitrate BPS    of Opus (48000)\n"
    "  --minutes N      of virtual time (20)\n"
    "  --seed N         (1)\n"
    "  --profile P      live or announcement (live)\n"
    "  --weight MS      delay that 1 % of late sound is worth (the profile's)\n"
    "  --cap MS         greatest delay (the profile's)\n"
    "  --start MS       delay to begin with (the library's)\n"
    "  --chunk N        samples that paw's sound device asks for at a time (120)\n"
    "  --no-nack        paw asks for nothing\n"
    "  --red N          a copy of the packet N before in each packet (0 = none)\n"
    "  --lbrr           in-band copies, as for 10 % loss\n"
    "  --then T         another trace,\n"
    "  --after MIN      from this minute on: how long until the delay is that of the other\n"
    "  --late-gap N     hold back N packets every half second until just after they were due;\n"
    "                   only with fixed:MS: how good is the sound that follows\n"
    "  --cost           how long the calls of paw take, and what they allocate\n"
    "  --no-quality     leave out STOI and segmental SNR\n"
    "  --json           one JSON object\n"
    "  --wav FILE       write what was heard\n"
    "  --speech DIR     with the WAV files of alsa-utils ($PAW_BENCH_SPEECH, or\n"
    "                   /usr/share/sounds/alsa)\n";

enum what {
  OPTION_POLICY = 256,
  OPTION_TRACE,
  OPTION_LOSS,
  OPTION_BURST,
  OPTION_RTT,
  OPTION_FRAME_MS,
  OPTION_BITRATE,
  OPTION_MINUTES,
  OPTION_SEED,
  OPTION_PROFILE,
  OPTION_WEIGHT,
  OPTION_CAP,
  OPTION_START,
  OPTION_CHUNK,
  OPTION_NO_NACK,
  OPTION_RED,
  OPTION_LBRR,
  OPTION_THEN,
  OPTION_AFTER,
  OPTION_LATE_GAP,
  OPTION_COST,
  OPTION_NO_QUALITY,
  OPTION_JSON,
  OPTION_WAV,
  OPTION_SPEECH,
  OPTION_HELP,
};

static const struct option known[] = {
    {"policy", required_argument, NULL, OPTION_POLICY},
    {"trace", required_argument, NULL, OPTION_TRACE},
    {"loss", required_argument, NULL, OPTION_LOSS},
    {"burst", required_argument, NULL, OPTION_BURST},
    {"rtt", required_argument, NULL, OPTION_RTT},
    {"frame-ms", required_argument, NULL, OPTION_FRAME_MS},
    {"bitrate", required_argument, NULL, OPTION_BITRATE},
    {"minutes", required_argument, NULL, OPTION_MINUTES},
    {"seed", required_argument, NULL, OPTION_SEED},
    {"profile", required_argument, NULL, OPTION_PROFILE},
    {"weight", required_argument, NULL, OPTION_WEIGHT},
    {"cap", required_argument, NULL, OPTION_CAP},
    {"start", required_argument, NULL, OPTION_START},
    {"chunk", required_argument, NULL, OPTION_CHUNK},
    {"no-nack", no_argument, NULL, OPTION_NO_NACK},
    {"red", required_argument, NULL, OPTION_RED},
    {"lbrr", no_argument, NULL, OPTION_LBRR},
    {"then", required_argument, NULL, OPTION_THEN},
    {"after", required_argument, NULL, OPTION_AFTER},
    {"late-gap", required_argument, NULL, OPTION_LATE_GAP},
    {"cost", no_argument, NULL, OPTION_COST},
    {"no-quality", no_argument, NULL, OPTION_NO_QUALITY},
    {"json", no_argument, NULL, OPTION_JSON},
    {"wav", required_argument, NULL, OPTION_WAV},
    {"speech", required_argument, NULL, OPTION_SPEECH},
    {"help", no_argument, NULL, OPTION_HELP},
    {0},
};

static bool read_number(const char *text, double min, double max, double *out) {
  char *end = NULL;
  *out = strtod(text, &end);
  return end != text && *end == '\0' && *out >= min && *out <= max;
}

static bool read_policy(struct bench_options *options, const char *text) {
  struct run_config *run = &options->run;
  options->policy = text;
  run->receiver_new = strncmp(text, "neteq", 5) == 0 ? receiver_neteq_new : receiver_paw_new;
  run->receiver.nack = strcmp(text, "neteq") != 0 && run->receiver.nack;
  if (strncmp(text, "fixed:", 6) == 0) {
    return read_number(text + 6, 1, 1000, &run->receiver.fixed_ms);
  }
  return strcmp(text, "paw") == 0 || strcmp(text, "neteq") == 0 || strcmp(text, "neteq-nack") == 0;
}

static bool read_trace(const char *text, enum air_trace *out) {
  *out = air_trace_find(text);
  return *out != AIR_TRACES;
}

static bool read_profile(struct bench_options *options, const char *text) {
  options->run.receiver.announcement = strcmp(text, "announcement") == 0;
  return options->run.receiver.announcement || strcmp(text, "live") == 0;
}

static bool read_whole(const char *text, double max, size_t *out) {
  double value = 0;
  bool ok = read_number(text, 0, max, &value) && value == (double)(size_t)value;
  *out = ok ? (size_t)value : 0;
  return ok;
}

/* Where the wave and its luck come from. */
static bool read_network(struct bench_options *options, int which, const char *text) {
  struct air_config *air = &options->run.air;
  double number = 0;
  bool ok = true;
  switch (which) {
  case OPTION_TRACE:
    return read_trace(text, &air->trace);
  case OPTION_THEN:
    return read_trace(text, &air->then_trace);
  case OPTION_AFTER:
    ok = read_number(text, 0, 1000, &number);
    air->then_ns = (uint64_t)(number * 60e9);
    return ok;
  case OPTION_LOSS:
    ok = read_number(text, 0, 89, &number);
    air->loss = number / 100;
    return ok;
  case OPTION_BURST:
    return read_number(text, 0, 10000, &air->burst_ms);
  case OPTION_RTT:
    ok = read_number(text, 0, 2000, &number);
    air->rtt_ns = (uint64_t)(number * 1e6);
    return ok;
  default:
    return false;
  }
}

static bool read_sender(struct bench_options *options, int which, const char *text) {
  double number = 0;
  bool ok = true;
  switch (which) {
  case OPTION_FRAME_MS:
    ok = read_number(text, 2.5, 20, &options->frame_ms);
    return ok && (options->frame_ms == 2.5 || options->frame_ms == 5 || options->frame_ms == 10 ||
                  options->frame_ms == 20);
  case OPTION_BITRATE:
    ok = read_number(text, 6000, 510000, &number);
    options->bitrate_bps = (uint32_t)number;
    return ok;
  case OPTION_RED:
    return read_whole(text, 17, &options->run.red_distance);
  case OPTION_LBRR:
    options->lbrr = true;
    return true;
  case OPTION_LATE_GAP:
    return read_whole(text, 10, &options->run.gap_packets);
  case OPTION_SPEECH:
    options->speech_dir = text;
    return true;
  default:
    return false;
  }
}

static bool read_player(struct bench_options *options, int which, const char *text) {
  struct receiver_config *receiver = &options->run.receiver;
  switch (which) {
  case OPTION_POLICY:
    return read_policy(options, text);
  case OPTION_PROFILE:
    return read_profile(options, text);
  case OPTION_WEIGHT:
    return read_number(text, 0, 10000, &receiver->weight_ms);
  case OPTION_CAP:
    return read_number(text, 0, 1000, &receiver->cap_ms);
  case OPTION_START:
    return read_number(text, 0, 1000, &receiver->start_ms);
  case OPTION_CHUNK:
    return read_whole(text, 4800, &receiver->chunk_frames) && receiver->chunk_frames > 0;
  case OPTION_NO_NACK:
    receiver->nack = false;
    return true;
  case OPTION_COST:
    receiver->is_timed = true;
    return true;
  default:
    return false;
  }
}

static bool read_rest(struct bench_options *options, int which, const char *text) {
  size_t whole = 0;
  bool ok = true;
  switch (which) {
  case OPTION_MINUTES:
    return read_number(text, 0.05, 600, &options->run.minutes);
  case OPTION_SEED:
    ok = read_whole(text, 1e15, &whole);
    options->run.seed = whole;
    return ok;
  case OPTION_NO_QUALITY:
    options->quality = false;
    return true;
  case OPTION_JSON:
    options->json = true;
    return true;
  case OPTION_WAV:
    options->wav_path = text;
    return true;
  default:
    return false;
  }
}

static void set_defaults(struct bench_options *options) {
  const char *speech = getenv("PAW_BENCH_SPEECH");
  *options = (struct bench_options){
      .policy = "paw",
      .frame_ms = 10,
      .bitrate_bps = 48000,
      .quality = true,
      .speech_dir = speech != NULL ? speech : "/usr/share/sounds/alsa",
      .run =
          {
              .air = {.trace = AIR_QUIET,
                      .then_trace = AIR_TRACES,
                      .then_ns = PAW_TIME_NEVER,
                      .rtt_ns = 4 * PAW_NS_PER_MS},
              .receiver = {.nack = true, .chunk_frames = 120},
              .receiver_new = receiver_paw_new,
              .minutes = 20,
              .seed = 1,
          },
  };
}

/* What is wrong with options that are right one by one; NULL: nothing. */
static const char *find_fault(const struct bench_options *options) {
  const struct run_config *run = &options->run;
  bool then = run->air.then_trace != AIR_TRACES;
  if (run->gap_packets > 0 && run->receiver.fixed_ms <= 0) {
    return "--late-gap needs --policy fixed:MS";
  }
  if (then != (run->air.then_ns != PAW_TIME_NEVER)) {
    return "--then and --after need each other";
  }
  if (run->receiver.is_timed && run->receiver_new != receiver_paw_new) {
    return "--cost is of paw";
  }
  if (options->json && (then || run->gap_packets > 0)) {
    return "--then and --late-gap are told as text, not with --json";
  }
  return NULL;
}

int bench_options_read(struct bench_options *options, int argc, char **argv) {
  set_defaults(options);
  opterr = 0;
  int which = getopt_long(argc, argv, "h", known, NULL);
  for (; which != -1; which = getopt_long(argc, argv, "h", known, NULL)) {
    if (which == OPTION_HELP || which == 'h') {
      (void)fputs(help, stdout);
      return 1;
    }
    bool ok = which != '?' &&
              (read_network(options, which, optarg) || read_sender(options, which, optarg) ||
               read_player(options, which, optarg) || read_rest(options, which, optarg));
    if (!ok) {
      (void)fprintf(stderr, "bench_playout: %s: not understood; --help says what is\n",
                    argv[optind - 1]);
      return 3;
    }
  }
  const char *wrong = optind < argc ? "there are only options" : find_fault(options);
  if (wrong != NULL) {
    (void)fprintf(stderr, "bench_playout: %s\n", wrong);
    return 3;
  }
  if (options->run.gap_packets > 0) {
    options->run.receiver.nack = false; /* else they would come in time */
  }
  options->run.keeps_sound = options->quality || options->run.gap_packets > 0;
  return 0;
}
