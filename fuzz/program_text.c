/* SPDX-License-Identifier: MIT */
/* What the programs read besides audio and SDP: files, command lines, and a server's answers.
 *
 *   byte 0   which (enum what)
 *
 * The rest is taken apart at NULs into `texts`, or is a file's content. */
#include "fuzz.h"

#include <fcntl.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cut_short.h"
#include "host_check.h"
#include "http.h"
#include "http_time.h"
#include "interfaces_watch.h"
#include "pin.h"
#include "settings.h"
#include "token_file.h"
#include "tokens.h"
#include "wav.h"
#include "whep_status.h"
#include "whep_url.h"

#define TEXTS_MAX 24

enum what {
  WHAT_TOKENS,      /* the file of tokens */
  WHAT_TOKEN_FILE,  /* --token-file */
  WHAT_PIN,         /* --pin */
  WHAT_CERTIFICATE, /* the server's, in PEM */
  WHAT_PIN_STORE,   /* the authority, then the file */
  WHAT_SERVER,      /* --server, --path */
  WHAT_LOCATION,    /* the URL that was asked, the Location of the answer */
  WHAT_TIMES,       /* Retry-After or a Content-Type, Date */
  WHAT_STATUS,      /* 2 bytes: the status */
  WHAT_HOST,        /* Host, the own name, another name */
  WHAT_TYPE,        /* Content-Type, what it should be */
  WHAT_OPTIONS,     /* the arguments of pa-recv */
  WHAT_WAV,         /* a WAV file */
  WHAT_NETLINK,     /* a message of the kernel */
  WHAT_CUT_SHORT,   /* an audio file */
  WHAT_COUNT
};

struct input {
  const uint8_t *data;
  size_t size;
  char *texts[TEXTS_MAX];
  size_t text_count; /* of the input; those after it are empty */
};

static bool is_visible(const char *text) {
  for (const char *c = text; *c != '\0'; c++) {
    if (*c <= ' ' || *c > '~') {
      return false;
    }
  }
  return true;
}

/* A fault is one line that says something. */
static void check_fault(const struct fault *fault) {
  FUZZ_CHECK(memchr(fault->text, '\0', sizeof fault->text) != NULL && fault->text[0] != '\0');
}

static void split(struct input *input) {
  size_t at = 0;
  for (size_t i = 0; i < TEXTS_MAX; i++) {
    size_t len = 0;
    while (at + len < input->size && input->data[at + len] != 0) {
      len++;
    }
    input->texts[i] = malloc(len + 1);
    if (len > 0) {
      memcpy(input->texts[i], input->data + at, len);
    }
    input->texts[i][len] = '\0';
    if (at < input->size) {
      input->text_count = i + 1;
    }
    at = at + len < input->size ? at + len + 1 : input->size;
  }
}

/* ---- files ---- */

/* A file in memory with this content, and its path; mode 0600. */
static int make_file(const uint8_t *data, size_t len, char path[64]) {
  int fd = memfd_create("fuzz", 0);
  FUZZ_CHECK(fd >= 0 && fchmod(fd, 0600) == 0);
  FUZZ_CHECK(write(fd, data, len) == (ssize_t)len);
  (void)snprintf(path, 64, "/proc/self/fd/%d", fd);
  return fd;
}

/* What is read can be written, and reads as the same again. */
static void check_tokens(const struct tokens *tokens) {
  static char text[TOKENS_MAX * (sizeof(struct token) + 16)];
  static struct tokens again;
  struct fault fault;
  FUZZ_CHECK(tokens->count >= 1 && tokens->count <= TOKENS_MAX);
  FUZZ_CHECK(tokens_write(tokens, text, sizeof text) == strlen(text) && text[0] != '\0');
  FUZZ_CHECK(tokens_parse(text, "again", &again, &fault) == 0 && again.count == tokens->count);
  for (size_t i = 0; i < tokens->count; i++) {
    const struct token *token = &tokens->list[i];
    size_t len = strlen(token->text);
    FUZZ_CHECK(len >= TOKEN_LEN_MIN && len <= TOKEN_LEN_MAX && is_visible(token->text));
    FUZZ_CHECK(strcmp(again.list[i].text, token->text) == 0);
    FUZZ_CHECK(strcmp(again.list[i].id, token->id) == 0);
    FUZZ_CHECK(again.list[i].role == token->role && token->role < TOKEN_ROLE_COUNT);
    const struct token *found = tokens_find(tokens, token->text);
    FUZZ_CHECK(found != NULL && strcmp(found->text, token->text) == 0);
    FUZZ_CHECK(tokens_first(tokens, token->role) != NULL);
  }
  FUZZ_CHECK(tokens_find(tokens, "") == NULL);
}

static void read_tokens(const struct input *input) {
  static struct tokens tokens;
  struct fault fault;
  if (tokens_parse(input->texts[0], "tokens", &tokens, &fault) == 0) {
    check_tokens(&tokens);
  } else {
    check_fault(&fault);
  }
  char path[64];
  int fd = make_file(input->data, input->size, path);
  if (tokens_load(path, NULL, &tokens, &fault) == 0) {
    check_tokens(&tokens);
  } else {
    check_fault(&fault);
  }
  close(fd);
}

static void read_token_file(const struct input *input) {
  char token[TOKEN_FILE_TOKEN_SIZE];
  char path[64];
  struct fault fault;
  int fd = make_file(input->data, input->size, path);
  if (token_file_read(path, token, &fault) == 0) {
    FUZZ_CHECK(memchr(token, '\0', sizeof token) != NULL && token[0] != '\0' && is_visible(token));
  } else {
    check_fault(&fault);
  }
  close(fd);
}

static void read_wav(const struct input *input) {
  struct wav_audio audio;
  char path[64];
  struct fault fault;
  int fd = make_file(input->data, input->size, path);
  if (wav_audio_read(&audio, path, &fault) == 0) {
    FUZZ_CHECK(audio.channels > 0 && audio.rate_hz > 0);
    FUZZ_CHECK(audio.frames * audio.channels * 2 <= input->size);
    int32_t sum = 0;
    for (size_t i = 0; i < audio.frames * audio.channels; i++) {
      sum ^= audio.pcm[i];
    }
    FUZZ_CHECK(sum >= INT16_MIN && sum <= INT16_MAX);
    wav_audio_wipe(&audio);
  } else {
    check_fault(&fault);
  }
  close(fd);
}

static void look_whether_cut(const struct input *input) {
  char path[64];
  int fd = make_file(input->data, input->size, path);
  (void)file_is_cut_short(path);
  close(fd);
}

/* ---- keys ---- */

static bool is_pin(const char *text) {
  static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
  return strlen(text) == PIN_TEXT_SIZE - 1 && memcmp(text, "sha256//", 8) == 0 &&
         strspn(text + 8, letters) == 44;
}

static void read_pin(const struct input *input) {
  struct pin pin;
  struct fault fault;
  if (pin_parse(input->texts[0], &pin, &fault) != 0) {
    check_fault(&fault);
    return;
  }
  FUZZ_CHECK(pin.trust != PIN_TRUST_FIRST_USE);
  FUZZ_CHECK(pin.trust == PIN_TRUST_SYSTEM ? pin.key[0] == '\0' : is_pin(pin.key));
}

static void read_certificate(const struct input *input) {
  char pin[PIN_TEXT_SIZE];
  struct fault fault;
  if (pin_from_certificate(input->texts[0], pin, &fault) == 0) {
    FUZZ_CHECK(is_pin(pin));
  } else {
    check_fault(&fault);
  }
}

/* The folder is made once and goes with the process; a link in it leads to the file in memory. */
static char store_dir[] = "/tmp/pawebrtc-fuzz-XXXXXX";

static void remove_store(void) {
  char path[PIN_STORE_PATH_SIZE];
  pin_store_path(store_dir, path);
  (void)unlink(path);
  (void)rmdir(store_dir);
}

static void read_pin_store(const struct input *input) {
  static bool is_made;
  char path[PIN_STORE_PATH_SIZE];
  char target[64];
  char pin[PIN_TEXT_SIZE];
  struct fault fault;
  if (!is_made) {
    FUZZ_CHECK(mkdtemp(store_dir) != NULL && atexit(remove_store) == 0);
    is_made = true;
  }
  pin_store_path(store_dir, path);
  size_t used = strlen(input->texts[0]) + 1;
  used = used < input->size ? used : input->size;
  int fd = make_file(input->data + used, input->size - used, target);
  FUZZ_CHECK(symlink(target, path) == 0);
  if (pin_store_read(store_dir, input->texts[0], pin, &fault) == 0) {
    FUZZ_CHECK(pin[0] == '\0' || is_pin(pin));
  } else {
    check_fault(&fault);
  }
  FUZZ_CHECK(unlink(path) == 0);
  close(fd);
}

/* ---- addresses ---- */

static void check_url(const char *url) {
  char authority[WHEP_AUTHORITY_SIZE];
  FUZZ_CHECK(memchr(url, '\0', WHEP_URL_SIZE) != NULL);
  whep_url_authority(url, authority);
  FUZZ_CHECK(authority[0] == '\0' || strchr(authority, ':') != NULL);
  FUZZ_CHECK(authority[0] == '\0' || whep_url_same_origin(url, url));
}

static void read_server(const struct input *input) {
  char url[WHEP_URL_SIZE];
  struct fault fault;
  if (whep_url_from_server(input->texts[0], input->texts[1], url, &fault) == 0) {
    FUZZ_CHECK(whep_url_is_secure(url) || whep_url_is_loopback(url));
    check_url(url);
  } else {
    check_fault(&fault);
  }
  check_url(input->texts[0]);
}

/* Never from HTTPS to elsewhere. */
static void read_location(const struct input *input) {
  const char *base = input->texts[0];
  char url[WHEP_URL_SIZE];
  struct fault fault;
  if (strlen(base) >= WHEP_URL_SIZE) {
    return;
  }
  if (whep_url_resolve(base, input->texts[1], url, &fault) == 0) {
    FUZZ_CHECK(whep_url_is_secure(url) || !whep_url_is_secure(base));
    FUZZ_CHECK(whep_url_is_secure(url) || strncasecmp(url, "http://", 7) == 0);
    check_url(url);
    (void)whep_url_same_origin(base, url);
  } else {
    check_fault(&fault);
  }
}

/* ---- answers ---- */

static void read_times(const struct input *input) {
  FUZZ_CHECK(http_retry_after_ns(input->texts[0], input->texts[1]) <= HTTP_RETRY_AFTER_MAX_NS);
  FUZZ_CHECK(http_offer_valid_ns(input->texts[0], input->texts[1]) <= HTTP_OFFER_VALID_MAX_NS);
}

static void read_status(const struct input *input) {
  struct fuzz_script script = {.data = input->data, .left = input->size};
  long status = (int16_t)fuzz_take_u16(&script);
  const char *text = whep_status_text(status);
  FUZZ_CHECK(text != NULL && text[0] != '\0');
  FUZZ_CHECK((whep_status_verdict(status) == WHEP_CREATED) == (status == 201));
  FUZZ_CHECK((whep_status_patch_verdict(status) == WHEP_PATCH_DONE) ==
             (status >= 200 && status < 300));
}

static void read_host(const struct input *input) {
  const char *others[] = {input->texts[2]};
  struct host_names names = {.own = input->texts[1], .others = others, .other_count = 1};
  bool is_ours = host_is_ours(input->texts[0], &names);
  FUZZ_CHECK(!is_ours || input->texts[0][0] != '\0');
}

static void read_type(const struct input *input) {
  const char *type = input->texts[1];
  bool is_type = http_is_type(input->texts[0], type);
  FUZZ_CHECK(!is_type || strncasecmp(input->texts[0], type, strlen(type)) == 0);
}

static void check_settings(const struct settings *settings) {
  FUZZ_CHECK(settings->period_frames >= 16 && settings->period_frames <= 16384);
  FUZZ_CHECK(settings->buffer_frames >= 2 * settings->period_frames);
  FUZZ_CHECK(settings->gain_db >= -90 && settings->gain_db <= 12);
  FUZZ_CHECK(settings->latency_ms == OPTION_AUTO ||
             (settings->latency_ms >= 5 && settings->latency_ms <= 1000));
  FUZZ_CHECK(settings->stats_s >= 0 && settings->stats_s <= 86400);
  FUZZ_CHECK(whep_url_is_secure(settings->url) || whep_url_is_loopback(settings->url));
  check_url(settings->url);
}

static void read_options(struct input *input) {
  static char program[] = "pa-recv";
  static struct settings settings;
  char *arguments[TEXTS_MAX + 2] = {program};
  struct fault fault = {.text = ""};
  for (size_t i = 0; i < input->text_count; i++) {
    arguments[i + 1] = input->texts[i];
  }
  switch (settings_read(&settings, (int)input->text_count + 1, arguments, &fault)) {
  case OPTIONS_OK:
    if (!settings.list_devices) { /* which asks for nothing else */
      check_settings(&settings);
    }
    break;
  case OPTIONS_BAD:
    check_fault(&fault);
    break;
  case OPTIONS_WANT_HELP:
  case OPTIONS_WANT_VERSION:
    break;
  }
}

static void read_what(struct input *input, enum what what) {
  switch (what) {
  case WHAT_TOKENS:
    read_tokens(input);
    break;
  case WHAT_TOKEN_FILE:
    read_token_file(input);
    break;
  case WHAT_PIN:
    read_pin(input);
    break;
  case WHAT_CERTIFICATE:
    read_certificate(input);
    break;
  case WHAT_PIN_STORE:
    read_pin_store(input);
    break;
  case WHAT_SERVER:
    read_server(input);
    break;
  case WHAT_LOCATION:
    read_location(input);
    break;
  case WHAT_TIMES:
    read_times(input);
    break;
  case WHAT_STATUS:
    read_status(input);
    break;
  case WHAT_HOST:
    read_host(input);
    break;
  case WHAT_TYPE:
    read_type(input);
    break;
  case WHAT_OPTIONS:
    read_options(input);
    break;
  case WHAT_WAV:
    read_wav(input);
    break;
  case WHAT_NETLINK:
    (void)interfaces_watch_is_change(input->data, input->size);
    break;
  case WHAT_CUT_SHORT:
    look_whether_cut(input);
    break;
  case WHAT_COUNT:
    break;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct input input = {0};
  if (size == 0) {
    return 0;
  }
  uint8_t *rest = fuzz_copy(data + 1, size - 1);
  input.data = rest;
  input.size = size - 1;
  split(&input);
  read_what(&input, (enum what)(data[0] % WHAT_COUNT));
  for (size_t i = 0; i < TEXTS_MAX; i++) {
    free(input.texts[i]);
  }
  free(rest);
  return 0;
}
