/* SPDX-License-Identifier: MIT */
#include "settings.h"

#include <assert.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "system.h"

static const char *const ice_names[] = {"auto", "lite", "full", NULL};
/* In the order of enum paw_playout_profile. */
static const char *const profile_names[] = {"live", "announcement", NULL};

/* Of the three groups below. */
#define OPTION_COUNT 22

/* Each group writes its options and returns the place behind them. */
static struct option *put(struct option *out, const struct option *group, size_t bytes) {
  memcpy(out, group, bytes);
  return out + bytes / sizeof group[0];
}

static struct option *put_connecting(struct settings *s, struct option *out) {
  const struct option group[] = {
      {.name = "server",
       .kind = OPTION_TEXT,
       .target = &s->server,
       .value_name = "HOST[:PORT]",
       .help = "pa-send, or https://HOST[:PORT]/PATH of any WHEP server"},
      {.name = "token-file",
       .kind = OPTION_TEXT,
       .target = &s->token_file,
       .value_name = "FILE",
       .help = "file with the token on its first line, which nobody else may read (mode 600)"},
      {.name = "pin",
       .kind = OPTION_TEXT,
       .target = &s->pin_text,
       .value_name = "PIN",
       .help = "sha256//BASE64: the server's key; system: trust the system's authorities; without "
               "it the "
               "key is learnt at first use"},
      {.name = "path",
       .kind = OPTION_TEXT,
       .target = &s->path,
       .value_name = "PATH",
       .help = "of the WHEP endpoint (/whep)"},
      {.name = "ice",
       .kind = OPTION_CHOICE,
       .target = &s->ice,
       .help = "how to offer: auto is lite, then full (auto)",
       .choices = ice_names},
      {.name = "name",
       .kind = OPTION_TEXT,
       .target = &s->name,
       .value_name = "TEXT",
       .help = "name of this speaker, told to the server"},
      {.name = "id",
       .kind = OPTION_TEXT,
       .target = &s->id,
       .value_name = "ID",
       .help = "lasting id of this speaker, told to the server"},
      {.name = "state-dir",
       .kind = OPTION_TEXT,
       .target = &s->state_dir_text,
       .value_name = "DIR",
       .help = "where learnt keys are kept ($STATE_DIRECTORY, or $XDG_STATE_HOME/pa-recv, or "
               "~/.local/state/pa-recv)"},
  };
  return put(out, group, sizeof group);
}

static struct option *put_playing(struct settings *s, struct option *out) {
  const struct option group[] = {
      {.name = "device",
       .kind = OPTION_TEXT,
       .target = &s->device,
       .value_name = "NAME",
       .help = "ALSA device (default)"},
      {.name = "buffer-frames",
       .kind = OPTION_NUMBER,
       .target = &s->buffer_frames,
       .value_name = "N",
       .help = "device buffer, 64 to 65536 frames (1024)",
       .minimum = 64,
       .maximum = 65536},
      {.name = "period-frames",
       .kind = OPTION_NUMBER,
       .target = &s->period_frames,
       .value_name = "N",
       .help = "device period, 16 to 16384 frames, at most half the buffer (256)",
       .minimum = 16,
       .maximum = 16384},
      {.name = "list-devices",
       .kind = OPTION_FLAG_ON,
       .target = &s->list_devices,
       .help = "print the devices and exit"},
      {.name = "wav",
       .kind = OPTION_TEXT,
       .target = &s->wav,
       .value_name = "FILE",
       .help = "write a WAV file instead of playing"},
      {.name = "latency-ms",
       .kind = OPTION_NUMBER,
       .target = &s->latency_ms,
       .value_name = "N",
       .help = "from arrival to sound: auto follows the network and the device; else 5 to 1000, "
               "which a "
               "device raises to its buffer and 15 ms more (auto)",
       .minimum = 5,
       .maximum = 1000,
       .automatic = true},
      {.name = "max-latency-ms",
       .kind = OPTION_NUMBER,
       .target = &s->max_latency_ms,
       .value_name = "N",
       .help = "more than this auto never waits for the network, 5 to 1000; what a device takes "
               "comes on "
               "top (60; announcement 200)",
       .minimum = 5,
       .maximum = 1000},
      {.name = "profile",
       .kind = OPTION_CHOICE,
       .target = &s->profile,
       .help = "what auto is for: live waits 20 ms rather than lose 1 %, announcement 60 ms (live)",
       .choices = profile_names},
      {.name = "gain-db",
       .kind = OPTION_DECIMAL,
       .target = &s->gain_db,
       .value_name = "DB",
       .help = "gain before the output, -90 to 12 (-12)",
       .minimum = -90,
       .maximum = 12},
  };
  return put(out, group, sizeof group);
}

static struct option *put_running(struct settings *s, struct option *out) {
  const struct option group[] = {
      {.name = "stats",
       .kind = OPTION_NUMBER,
       .target = &s->stats_s,
       .value_name = "SECONDS",
       .help = "tell how it goes every so often, 1 to 86400 (never)",
       .minimum = 1,
       .maximum = 86400},
      {.name = "json",
       .kind = OPTION_FLAG_ON,
       .target = &s->json,
       .help = "print a JSON object every second"},
      {.name = "log",
       .kind = OPTION_CHOICE,
       .target = &s->log_level,
       .help = "what is told on standard error (info)",
       .choices = system_log_level_names},
      {.name = "help", .kind = OPTION_HELP, .help = "print this"},
      {.name = "version", .kind = OPTION_VERSION, .help = "print the version"},
  };
  return put(out, group, sizeof group);
}

static void fill_options(struct settings *s, struct option *out) {
  const struct option *end = put_running(s, put_playing(s, put_connecting(s, out)));
  assert(end == out + OPTION_COUNT);
  (void)end;
}

static struct option_table make_table(const struct option *options) {
  return (struct option_table){
      .program = "pa-recv",
      .usage = "--server HOST[:PORT] [options]",
      .about =
          "A network loudspeaker: plays what a pa-send, or any other WHEP server, sends\n"
          "over WebRTC.",
      .epilogue =
          "The gain is low at first on purpose: nobody should be startled by a new speaker.\n"
          "--gain-db 0 plays as loud as it was sent, also into --wav.\n"
          "\n"
          "An object of --json; counts and sums since the start, null when not known:\n"
          "  t_s, state      seconds since the start; waiting, pairing, calling, connecting,\n"
          "                  connected, playing, silent (nothing comes any more), leaving\n"
          "  packets         received; lost: never came in time themselves; late: came after\n"
          "                  their sound; duplicates\n"
          "  jitter_ms       of the arrivals (RFC 3550); rtt_ms: to the server and back\n"
          "  target_ms       delay wanted from arrival to sound; delay_ms: the real one, of the\n"
          "                  last second\n"
          "  concealed_ms    sound that was made up; longest_gap_ms: in one go\n"
          "  recovered_nack  frames played from a packet asked for again; _red: from a copy in\n"
          "                  a later packet; _fec: from Opus's own redundancy; _late: of which\n"
          "                  the rest was played\n"
          "  drift_ppm, sync_error_ms  null so far\n"
          "  xruns           times that the device ran dry\n"
          "  level_dbfs      highest peak since the last object, after the gain\n"
          "  nacks           packets asked for again\n"
          "  stretched_ms    put in and left out to change the delay\n"
          "  rewinds         the decoder was set right after a repair that came late\n"
          "  outages         packets held up for longer than auto waits\n"
          "  resyncs         jumps of the sound to another place\n"
          "  jitter_buffer_delay_ms  mean since the last object, from a packet's arrival until\n"
          "                  its samples were taken",
      .options = options,
      .option_count = OPTION_COUNT};
}

/* Tell the server who this is: `?id=…&name=…` on the endpoint. */
static int add_query(char *url, const char *key, const char *value, struct fault *fault) {
  if (value == NULL) {
    return 0;
  }
  char *escaped = curl_easy_escape(NULL, value, 0);
  size_t len = strlen(url);
  char separator = strchr(url, '?') == NULL ? '?' : '&';
  int added = escaped == NULL
                  ? -1
                  : snprintf(url + len, WHEP_URL_SIZE - len, "%c%s=%s", separator, key, escaped);
  curl_free(escaped);
  if (added < 0 || (size_t)added >= WHEP_URL_SIZE - len) {
    return fault_set(fault, "--%s: too long", key);
  }
  return 0;
}

static int complete(struct settings *settings, struct fault *fault) {
  if (settings->server == NULL) {
    return fault_set(fault, "--server is missing: which server shall be played? See --help");
  }
  if (settings->period_frames * 2 > settings->buffer_frames) {
    return fault_set(fault, "--buffer-frames must hold two of --period-frames at least");
  }
  if (settings->max_latency_ms != OPTION_AUTO && settings->latency_ms > settings->max_latency_ms) {
    return fault_set(fault, "--latency-ms %lld is more than --max-latency-ms %lld",
                     (long long)settings->latency_ms, (long long)settings->max_latency_ms);
  }
  if (directory_choose("pa-recv", settings->state_dir_text, settings->state_dir,
                       sizeof settings->state_dir, fault) != 0 ||
      whep_url_from_server(settings->server, settings->path, settings->url, fault) != 0 ||
      pin_parse(settings->pin_text, &settings->pin, fault) != 0 ||
      add_query(settings->url, "id", settings->id, fault) != 0 ||
      add_query(settings->url, "name", settings->name, fault) != 0) {
    return -1;
  }
  return 0;
}

enum options_verdict settings_read(struct settings *settings, int argc, char **argv,
                                   struct fault *fault) {
  struct option options[OPTION_COUNT];
  struct option_rest rest = {.count = 0};
  *settings = (struct settings){.path = "/whep",
                                .device = "default",
                                .buffer_frames = 1024,
                                .period_frames = 256,
                                .latency_ms = OPTION_AUTO,
                                .max_latency_ms = OPTION_AUTO,
                                .gain_db = -12,
                                .log_level = PAW_LOG_INFO};
  fill_options(settings, options);
  struct option_table table = make_table(options);
  enum options_verdict verdict = options_parse(&table, argc, argv, &rest, fault);
  if (verdict != OPTIONS_OK || settings->list_devices) {
    return verdict;
  }
  if (rest.count > 0) {
    fault_set(fault, "%s: not an option; the server is given with --server", rest.values[0]);
    return OPTIONS_BAD;
  }
  return complete(settings, fault) == 0 ? OPTIONS_OK : OPTIONS_BAD;
}

void settings_write_help(FILE *out) {
  struct settings settings;
  struct option options[OPTION_COUNT];
  fill_options(&settings, options);
  struct option_table table = make_table(options);
  options_write_help(&table, out);
}
