/* SPDX-License-Identifier: MIT */
#include "settings.h"

#include <assert.h>
#include <pawebrtc/rtc.h>
#include <stdlib.h>
#include <string.h>

#include "source.h"
#include "system.h"

#define DEFAULT_PORT 8443

const uint32_t settings_frame_frames[] = {120, 240, 480, 960};

/* In the order of enum paw_opus_application, of settings_frame_frames and of enum ice_choice. */
static const char *const mode_names[] = {"voip", "audio", "lowdelay", NULL};
static const char *const frame_names[] = {"2.5", "5", "10", "20", NULL};
static const char *const ice_names[] = {"auto", "lite", "full", NULL};

/* What needs a second look after the table has been read. */
struct raw {
  const char *listen;
  struct option_list addresses;
};

#define OPTION_COUNT 23 /* of the three groups below */

/* Each group writes its options and returns the place behind them. */
static struct option *put(struct option *out, const struct option *group, size_t bytes) {
  memcpy(out, group, bytes);
  return out + bytes / sizeof group[0];
}

static struct option *put_serving(struct settings *s, struct raw *raw, struct option *out) {
  const struct option group[] = {
      {.name = "listen",
       .kind = OPTION_TEXT,
       .target = &raw->listen,
       .value_name = "[ADDR:]PORT",
       .help = "TCP address of web page, WHEP and WHIP; port 0 = any free (8443, all addresses)"},
      {.name = "udp-port",
       .kind = OPTION_NUMBER,
       .target = &s->udp_port,
       .value_name = "PORT",
       .maximum = 65535,
       .help = "UDP port of all media; 0 = any free (8443)"},
      {.name = "address",
       .kind = OPTION_LIST,
       .target = &raw->addresses,
       .value_name = "ADDR",
       .help = "address to offer to receivers, repeatable (every usable interface)"},
      {.name = "state-dir",
       .kind = OPTION_TEXT,
       .target = &s->state_dir,
       .value_name = "DIR",
       .help = "folder of tokens and TLS key ($STATE_DIRECTORY, $XDG_STATE_HOME/pa-send, "
               "~/.local/state/pa-send, /var/lib/pa-send)"},
      {.name = "tls-cert",
       .kind = OPTION_TEXT,
       .target = &s->tls_cert,
       .value_name = "FILE",
       .help = "certificate chain in PEM (self-signed, in the state folder)"},
      {.name = "tls-key",
       .kind = OPTION_TEXT,
       .target = &s->tls_key,
       .value_name = "FILE",
       .help = "its private key in PEM"},
      {.name = "insecure-http",
       .kind = OPTION_FLAG_ON,
       .target = &s->insecure_http,
       .help = "plain HTTP; on loopback addresses only"},
      {.name = "host-name",
       .kind = OPTION_LIST,
       .target = &s->host_names,
       .value_name = "NAME",
       .help = "name that the web page may be opened by, repeatable (addresses, localhost, "
               "this host's name, the same in .local)"},
  };
  return put(out, group, sizeof group);
}

static struct option *put_encoding(struct settings *s, struct option *out) {
  const struct option group[] = {
      {.name = "mode",
       .kind = OPTION_CHOICE,
       .target = &s->mode,
       .choices = mode_names,
       .help = "what Opus is tuned for (voip)"},
      {.name = "bitrate",
       .kind = OPTION_NUMBER,
       .target = &s->bitrate_bps,
       .value_name = "BPS",
       .minimum = 6000,
       .maximum = 510000,
       .automatic = true,
       .help = "bits per second (voip 48000 mono, 64000 stereo; else 64000, 128000)"},
      {.name = "frame-ms",
       .kind = OPTION_CHOICE,
       .target = &s->frame,
       .choices = frame_names,
       .help = "length of a packet (20; lowdelay 10)"},
      {.name = "complexity",
       .kind = OPTION_NUMBER,
       .target = &s->complexity,
       .value_name = "N",
       .maximum = 10,
       .help = "work of the encoder, 0 to 10 (5)"},
      {.name = "fec",
       .kind = OPTION_FLAG_SET,
       .target = &s->fec,
       .value = FEC_CHOICE_ON,
       .help = "Opus's redundancy for lost packets, always (while a receiver loses more than 2 %; "
               "lowdelay has none)"},
      {.name = "no-fec",
       .kind = OPTION_FLAG_SET,
       .target = &s->fec,
       .value = FEC_CHOICE_OFF,
       .help = "never"},
      {.name = "red",
       .kind = OPTION_NUMBER,
       .target = &s->red,
       .value_name = "N",
       .minimum = 1,
       .maximum = PAW_RED_DISTANCE_MAX,
       .automatic = true,
       .may_be_off = true,
       .help = "each packet repeats the frame N before, 1 to 6, where the receiver can take it; "
               "auto: for receivers whose losses cannot be sent again in time (auto)"},
      {.name = "dtx",
       .kind = OPTION_FLAG_ON,
       .target = &s->dtx,
       .help = "send a packet every 400 ms in silence"},
  };
  return put(out, group, sizeof group);
}

static struct option *put_running(struct settings *s, struct option *out) {
  const struct option group[] = {
      {.name = "loop",
       .kind = OPTION_FLAG_ON,
       .target = &s->loop,
       .help = "begin again when the source has ended"},
      {.name = "ice",
       .kind = OPTION_CHOICE,
       .target = &s->ice,
       .choices = ice_names,
       .help = "our kind of ICE towards peers that are full; lite peers get full (auto = full)"},
      {.name = "stats",
       .kind = OPTION_DECIMAL,
       .target = &s->stats_s,
       .value_name = "SECONDS",
       .minimum = 0.1,
       .maximum = 86400,
       .help = "a line of statistics on stderr so often"},
      {.name = "json",
       .kind = OPTION_FLAG_ON,
       .target = &s->json,
       .help = "statistics as JSON objects, one a line, on stdout (every second)"},
      {.name = "log",
       .kind = OPTION_CHOICE,
       .target = &s->log_level,
       .choices = system_log_level_names,
       .help = "what is told on stderr (warning)"},
      {.name = "help", .kind = OPTION_HELP, .help = "this text"},
      {.name = "version", .kind = OPTION_VERSION, .help = "the version"},
  };
  return put(out, group, sizeof group);
}

static void fill_options(struct settings *s, struct raw *raw, struct option *out) {
  const struct option *end = put_running(s, put_encoding(s, put_serving(s, raw, out)));
  assert(end == out + OPTION_COUNT);
  (void)end;
}

static struct option_table make_table(const struct option *options) {
  return (struct option_table){
      .program = "pa-send",
      .usage = "[options] SOURCE",
      .about =
          "Serves SOURCE as Opus over WebRTC (WHEP) to any number of receivers and browsers;\n"
          "who talks to it (WHIP) is added to SOURCE.\n"
          "\n"
          "SOURCE is one of\n"
          "  FILE           audio file: MP3, FLAC, WAV, AAC, M4A, Ogg Vorbis, Opus, ...\n"
          "  alsa:DEVICE    capture from an ALSA device, as alsa:default or alsa:plughw:1\n"
          "                 (hw:1 itself must give signed 16 bit samples)\n"
          "  -              raw PCM on stdin: signed 16 bit little-endian, 48 kHz, stereo\n"
          "  chime:         a two-tone gong\n"
          "  tone:HZ        a sine, 20 to 20000 Hz\n"
          "It plays in real time from the start. At its end without --loop pa-send says\n"
          "farewell to its receivers and exits.",
      .epilogue =
          "An object of --json:\n"
          "  t_s         seconds since the start\n"
          "  state       serving, tail (the source has ended) or closing\n"
          "  peers       connections; connected: those that media flows to\n"
          "  talkers     of these, those that came by WHIP\n"
          "  frames      encoded\n"
          "  skipped     frames left out because the program was held up\n"
          "  silent      frames with silence because the source had nothing\n"
          "  late_ms     greatest lateness of a frame since the last object\n"
          "  level_dbfs  of the last frame\n"
          "  sent        RTP packets; resent: for NACKs; nacks: numbers asked for; lost: by the\n"
          "              receivers' last reports. Sums over the peers that are there\n"
          "  worst_loss_pct  loss of the receiver that loses most\n"
          "  fec         whether Opus's redundancy is on\n"
          "  red         receivers whose packets repeat an earlier frame\n"
          "  datagrams   sent; held: of these, kept until the send buffer had room again;\n"
          "              dropped: not taken by the kernel; dropped_full: of these, for want of "
          "room;\n"
          "              unclaimed: received, nobody's",
      .options = options,
      .option_count = OPTION_COUNT,
  };
}

/* ---- second look ---- */

static bool all_digits(const char *text) {
  return text[0] != '\0' && text[strspn(text, "0123456789")] == '\0';
}

/* "[::1]:80" and "192.0.2.1:80" have one, "::0001" has none. */
static bool has_port(const char *text) {
  const char *colon = strchr(text, ':');
  return text[0] == '[' ? strstr(text, "]:") != NULL
                        : colon != NULL && strchr(colon + 1, ':') == NULL;
}

static int parse_listen(const char *text, struct paw_address *out, struct fault *fault) {
  struct paw_address address = {.port = DEFAULT_PORT};
  if (text == NULL) {
    *out = address;
    return 0;
  }
  if (all_digits(text)) {
    long port = strtol(text, NULL, 10);
    if (strlen(text) > 5 || port > 65535) {
      return fault_set(fault, "--listen %s: a port is at most 65535", text);
    }
    address.port = (uint16_t)port;
  } else if (paw_address_parse(text, &address) != PAW_OK) {
    return fault_set(
        fault, "--listen %s: give PORT, ADDR:PORT or [ADDR6]:PORT with a numeric address", text);
  } else if (!has_port(text)) {
    address.port = DEFAULT_PORT;
  }
  *out = address;
  return 0;
}

static int parse_addresses(const struct option_list *list, struct settings *out,
                           struct fault *fault) {
  for (size_t i = 0; i < list->count; i++) {
    struct paw_address *address = &out->addresses[i];
    if (paw_address_parse(list->values[i], address) != PAW_OK || address->port != 0) {
      return fault_set(fault, "--address %s: give a numeric IPv4 or IPv6 address without a port",
                       list->values[i]);
    }
  }
  out->address_count = list->count;
  return 0;
}

static int check_http(struct settings *s, struct fault *fault) {
  static const struct paw_address loopback = {.ip = {127, 0, 0, 1}, .family = PAW_FAMILY_IPV4};
  if ((s->tls_cert == NULL) != (s->tls_key == NULL)) {
    return fault_set(fault, "--tls-cert and --tls-key go together: one of them is missing");
  }
  if (!s->insecure_http) {
    return 0;
  }
  if (s->listen.family == PAW_FAMILY_NONE) {
    uint16_t port = s->listen.port;
    s->listen = loopback;
    s->listen.port = port;
  }
  return paw_address_is_loopback(&s->listen)
             ? 0
             : fault_set(fault, "--insecure-http is for loopback only: --listen 127.0.0.1:PORT");
}

static int check(const struct option_rest *rest, const struct raw *raw, struct settings *s,
                 struct fault *fault) {
  if (rest->count != 1) {
    return fault_set(fault,
                     rest->count == 0
                         ? "SOURCE is missing: a file, alsa:DEVICE, -, chime: or tone:HZ"
                         : "more than one SOURCE: \"%s\" comes after \"%s\"",
                     rest->values[1], rest->values[0]);
  }
  s->source = rest->values[0];
  if (source_check(s->source, s->loop, fault) != 0 ||
      parse_listen(raw->listen, &s->listen, fault) != 0 ||
      parse_addresses(&raw->addresses, s, fault) != 0) {
    return -1;
  }
  if (s->json && s->stats_s == 0) {
    s->stats_s = 1;
  }
  bool lowdelay = s->mode == PAW_OPUS_RESTRICTED_LOWDELAY;
  if (lowdelay && s->fec == FEC_CHOICE_ON) {
    return fault_set(fault, "--fec: --mode lowdelay has none");
  }
  if (s->frame < 0) {
    s->frame = lowdelay ? 2 : 3;
  }
  return check_http(s, fault);
}

enum options_verdict settings_parse(int argc, char **argv, struct settings *out,
                                    struct fault *fault) {
  struct raw raw = {0};
  struct option options[OPTION_COUNT];
  struct option_rest rest;
  *out = (struct settings){.udp_port = DEFAULT_PORT,
                           .mode = PAW_OPUS_VOIP,
                           .bitrate_bps = OPTION_AUTO,
                           .frame = -1,
                           .complexity = 5,
                           .fec = FEC_CHOICE_AUTO,
                           .red = OPTION_AUTO,
                           .log_level = PAW_LOG_WARNING};
  fill_options(out, &raw, options);
  struct option_table table = make_table(options);
  enum options_verdict verdict = options_parse(&table, argc, argv, &rest, fault);
  if (verdict == OPTIONS_OK && check(&rest, &raw, out, fault) != 0) {
    verdict = OPTIONS_BAD;
  }
  return verdict;
}

void settings_write_help(FILE *out) {
  struct settings unused = {0};
  struct raw raw = {0};
  struct option options[OPTION_COUNT];
  fill_options(&unused, &raw, options);
  struct option_table table = make_table(options);
  options_write_help(&table, out);
}
