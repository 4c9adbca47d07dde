/* SPDX-License-Identifier: MIT */
#include "settings.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "system.h"

static const char *const ice_names[] = {"auto", "lite", "full", NULL};

/* 30 entries at most: the table below. */
#define OPTIONS_MAX 30

static size_t make_options(struct settings *s, struct option *out) {
  const struct option options[] = {
      {"server", OPTION_TEXT, &s->server, "HOST[:PORT]",
       "pa-send, or https://HOST[:PORT]/PATH of any WHEP server", 0, 0, false, NULL},
      {"device", OPTION_TEXT, &s->device, "NAME", "ALSA device (default)", 0, 0, false, NULL},
      {"buffer-frames", OPTION_NUMBER, &s->buffer_frames, "N",
       "device buffer, 64 to 65536 frames (1024)", 64, 65536, false, NULL},
      {"period-frames", OPTION_NUMBER, &s->period_frames, "N",
       "device period, 16 to 16384 frames, at most half the buffer (256)", 16, 16384, false, NULL},
      {"list-devices", OPTION_FLAG_ON, &s->list_devices, NULL, "print the devices and exit", 0, 0,
       false, NULL},
      {"wav", OPTION_TEXT, &s->wav, "FILE", "write a WAV file instead of playing", 0, 0, false,
       NULL},
      {"name", OPTION_TEXT, &s->name, "TEXT", "name of this speaker, told to the server", 0, 0,
       false, NULL},
      {"id", OPTION_TEXT, &s->id, "ID", "lasting id of this speaker, told to the server", 0, 0,
       false, NULL},
      {"token-file", OPTION_TEXT, &s->token_file, "FILE", "file with the token on its first line",
       0, 0, false, NULL},
      {"pin", OPTION_TEXT, &s->pin_text, "PIN",
       "sha256//BASE64: the server's key; system: trust the system's authorities; without it the "
       "key is learnt at first use",
       0, 0, false, NULL},
      {"path", OPTION_TEXT, &s->path, "PATH", "of the WHEP endpoint (/whep)", 0, 0, false, NULL},
      {"ice", OPTION_CHOICE, &s->ice, NULL, "how to offer: auto is lite, then full (auto)", 0, 0,
       false, ice_names},
      {"latency-ms", OPTION_NUMBER, &s->latency_ms, "N",
       "from arrival to sound, 5 to 1000 (40); a device raises it to its buffer and 15 ms more", 5,
       1000, false, NULL},
      {"gain-db", OPTION_DECIMAL, &s->gain_db, "DB", "gain before the output, -90 to 12 (-12)", -90,
       12, false, NULL},
      {"stats", OPTION_NUMBER, &s->stats_s, "SECONDS",
       "tell how it goes every so often, 1 to 86400 (never)", 1, 86400, false, NULL},
      {"json", OPTION_FLAG_ON, &s->json, NULL, "print a JSON object every second", 0, 0, false,
       NULL},
      {"state-dir", OPTION_TEXT, &s->state_dir_text, "DIR",
       "where learnt keys are kept ($STATE_DIRECTORY, or $XDG_STATE_HOME/pa-recv, or "
       "~/.local/state/pa-recv)",
       0, 0, false, NULL},
      {"log", OPTION_CHOICE, &s->log_level, NULL, "what is told on standard error (info)", 0, 0,
       false, system_log_level_names},
      {"help", OPTION_HELP, NULL, NULL, "print this", 0, 0, false, NULL},
      {"version", OPTION_VERSION, NULL, NULL, "print the version", 0, 0, false, NULL},
  };
  _Static_assert(sizeof options / sizeof options[0] <= OPTIONS_MAX, "room for every option");
  memcpy(out, options, sizeof options);
  return sizeof options / sizeof options[0];
}

static struct option_table make_table(const struct option *options, size_t count) {
  return (struct option_table){
      .program = "pa-recv",
      .usage = "--server HOST[:PORT] [options]",
      .about =
          "A network loudspeaker: plays what a pa-send, or any other WHEP server, sends over "
          "WebRTC.",
      .epilogue =
          "The gain is low at first on purpose: nobody should be startled by a new "
          "speaker. --gain-db 0 plays as loud as it was sent, also into --wav.",
      .options = options,
      .option_count = count};
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
  struct option options[OPTIONS_MAX];
  struct option_rest rest = {.count = 0};
  *settings = (struct settings){.path = "/whep",
                                .device = "default",
                                .buffer_frames = 1024,
                                .period_frames = 256,
                                .latency_ms = 40,
                                .gain_db = -12,
                                .log_level = PAW_LOG_INFO};
  struct option_table table = make_table(options, make_options(settings, options));
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
  struct option options[OPTIONS_MAX];
  struct option_table table = make_table(options, make_options(&settings, options));
  options_write_help(&table, out);
}
