/* SPDX-License-Identifier: MIT */
#include "tokens.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "secret.h"

static const char *const role_names[TOKEN_ROLE_COUNT] = {"listener", "speaker", "talker", "admin"};

/* 24 bytes are 192 bits and 32 characters, without padding. */
#define RANDOM_BYTES 24

const char *token_role_name(enum token_role role) {
  return role_names[role];
}

/* ---- reading ---- */

/* RFC 6750 section 2.1, b64token. */
static bool is_token_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         (c != '\0' && strchr("-._~+/=", c) != NULL);
}

static bool is_id_char(char c) {
  return c > ' ' && c < 0x7f;
}

struct word {
  const char *start;
  size_t len;
};

static struct word next_word(const char **at, const char *end) {
  while (*at < end && (**at == ' ' || **at == '\t' || **at == '\r')) {
    (*at)++;
  }
  struct word word = {.start = *at};
  while (*at < end && **at != ' ' && **at != '\t' && **at != '\r') {
    (*at)++;
  }
  word.len = (size_t)(*at - word.start);
  return word;
}

static bool take_word(struct word word, size_t min, size_t max, bool (*allowed)(char c),
                      char *out) {
  if (word.len < min || word.len > max) {
    return false;
  }
  for (size_t i = 0; i < word.len; i++) {
    if (!allowed(word.start[i])) {
      return false;
    }
  }
  memcpy(out, word.start, word.len);
  out[word.len] = '\0';
  return true;
}

static bool take_role(struct word word, enum token_role *out) {
  for (int i = 0; i < TOKEN_ROLE_COUNT; i++) {
    if (strlen(role_names[i]) == word.len && memcmp(role_names[i], word.start, word.len) == 0) {
      *out = (enum token_role)i;
      return true;
    }
  }
  return false;
}

static int parse_line(const char *at, const char *end, const char *where, unsigned line,
                      struct token *out, struct fault *fault) {
  *out = (struct token){0};
  if (!take_role(next_word(&at, end), &out->role)) {
    return fault_set(fault, "%s, line %u: begins with no role: listener, speaker, talker or admin",
                     where, line);
  }
  if (!take_word(next_word(&at, end), TOKEN_LEN_MIN, TOKEN_LEN_MAX, is_token_char, out->text)) {
    return fault_set(
        fault, "%s, line %u: the token must have %d to %d characters of A-Z a-z 0-9 -._~+/=", where,
        line, TOKEN_LEN_MIN, TOKEN_LEN_MAX);
  }
  struct word id = next_word(&at, end);
  if ((id.len > 0 && !take_word(id, 1, TOKEN_ID_LEN_MAX, is_id_char, out->id)) ||
      next_word(&at, end).len > 0) {
    return fault_set(fault, "%s, line %u: after ROLE TOKEN comes one ID at most, of %d characters",
                     where, line, TOKEN_ID_LEN_MAX);
  }
  return 0;
}

static bool is_blank(const char *at, const char *end) {
  struct word word = next_word(&at, end);
  return word.len == 0 || word.start[0] == '#';
}

int tokens_parse(const char *text, const char *where, struct tokens *out, struct fault *fault) {
  unsigned line = 0;
  out->count = 0;
  while (*text != '\0') {
    const char *end = text + strcspn(text, "\n");
    line++;
    if (!is_blank(text, end)) {
      if (out->count == TOKENS_MAX) {
        return fault_set(fault, "%s, line %u: more than %d tokens", where, line, TOKENS_MAX);
      }
      if (parse_line(text, end, where, line, &out->list[out->count], fault) != 0) {
        return -1;
      }
      out->count++;
    }
    text = *end == '\n' ? end + 1 : end;
  }
  return out->count > 0 ? 0
                        : fault_set(fault, "%s: holds no token: remove it to get new ones", where);
}

/* ---- making ---- */

static void write_base64url(const uint8_t *bytes, size_t len, char *out) {
  static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  for (size_t i = 0; i + 2 < len; i += 3) {
    uint32_t bits = (uint32_t)bytes[i] << 16 | (uint32_t)bytes[i + 1] << 8 | bytes[i + 2];
    for (int shift = 18; shift >= 0; shift -= 6) {
      *out++ = alphabet[bits >> shift & 63];
    }
  }
  *out = '\0';
}

int tokens_generate(const struct paw_rng *rng, struct tokens *out) {
  out->count = 0;
  for (int i = 0; i < TOKEN_ROLE_COUNT; i++) {
    uint8_t bytes[RANDOM_BYTES];
    struct token *token = &out->list[out->count++];
    if (rng->fill(rng->user_data, bytes, sizeof bytes) != 0) {
      return -1;
    }
    *token = (struct token){.role = (enum token_role)i};
    write_base64url(bytes, sizeof bytes, token->text);
  }
  return 0;
}

size_t tokens_write(const struct tokens *tokens, char *out, size_t size) {
  size_t used = 0;
  for (size_t i = 0; i < tokens->count; i++) {
    const struct token *token = &tokens->list[i];
    int wrote = snprintf(out + used, size - used, "%s %s%s%s\n", token_role_name(token->role),
                         token->text, token->id[0] != '\0' ? " " : "", token->id);
    if (wrote < 0 || (size_t)wrote >= size - used) {
      return 0;
    }
    used += (size_t)wrote;
  }
  return used;
}

/* ---- asking ---- */

/* Whether the length can be right is looked at last: an odd one takes as long. */
const struct token *tokens_find(const struct tokens *tokens, const char *presented) {
  char padded[TOKEN_LEN_MAX + 1] = {0};
  size_t len = strlen(presented);
  const struct token *found = NULL;
  memcpy(padded, presented, len < sizeof padded ? len : sizeof padded);
  for (size_t i = 0; i < tokens->count; i++) {
    bool equal = secret_equal(tokens->list[i].text, padded, sizeof padded);
    found = equal ? &tokens->list[i] : found;
  }
  return len >= TOKEN_LEN_MIN && len <= TOKEN_LEN_MAX ? found : NULL;
}

const struct token *tokens_first(const struct tokens *tokens, enum token_role role) {
  for (size_t i = 0; i < tokens->count; i++) {
    if (tokens->list[i].role == role) {
      return &tokens->list[i];
    }
  }
  return NULL;
}

/* ---- the file ---- */

static int make_file(const char *path, const struct paw_rng *rng, struct tokens *out,
                     struct fault *fault) {
  char text[TOKEN_ROLE_COUNT * (TOKEN_LEN_MAX + 16)];
  if (tokens_generate(rng, out) != 0) {
    return fault_set(fault, "cannot make tokens: the system gives no random bytes");
  }
  size_t len = tokens_write(out, text, sizeof text);
  int status = file_write_private(path, text, len, fault);
  explicit_bzero(text, sizeof text);
  return status;
}

int tokens_load(const char *path, const struct paw_rng *rng, struct tokens *out,
                struct fault *fault) {
  char *text = NULL;
  size_t len = 0;
  enum file_verdict verdict =
      file_read(path, FILE_STATE_SECRET, TOKENS_FILE_BYTES_MAX, &text, &len, fault);
  if (verdict == FILE_MISSING) {
    return make_file(path, rng, out, fault);
  }
  if (verdict == FILE_BAD) {
    return -1;
  }
  int status = strlen(text) == len ? tokens_parse(text, path, out, fault)
                                   : fault_set(fault, "%s: is not text", path);
  explicit_bzero(text, len);
  free(text);
  return status;
}
