/* SPDX-License-Identifier: MIT */
/* Who may do what: bearer tokens (RFC 6750) with roles, one `ROLE TOKEN [ID]` a line. */
#ifndef COMMON_TOKENS_H
#define COMMON_TOKENS_H

#include <pawebrtc/base.h>

#include "fault.h"

enum token_role { TOKEN_LISTENER, TOKEN_SPEAKER, TOKEN_TALKER, TOKEN_ADMIN };
#define TOKEN_ROLE_COUNT 4

/* Shorter ones can be guessed; longer ones are a pasted mistake. */
#define TOKEN_LEN_MIN 16
#define TOKEN_LEN_MAX 128
#define TOKEN_ID_LEN_MAX 64

struct token {
  enum token_role role;
  char text[TOKEN_LEN_MAX + 1];
  char id[TOKEN_ID_LEN_MAX + 1]; /* empty: bound to no speaker */
};

/* One a speaker in a large house, and every look-up compares with all. */
#define TOKENS_MAX 256

struct tokens {
  struct token list[TOKENS_MAX];
  size_t count;
};

/* The bytes of a tokens file at most. */
#define TOKENS_FILE_BYTES_MAX 65536

const char *token_role_name(enum token_role role);

/* Read the text of a tokens file; empty lines and lines that begin with '#' are passed over. A
 * fault names `where` and the line. */
int tokens_parse(const char *text, const char *where, struct tokens *out, struct fault *fault);

/* One random token a role. -1 when there is no randomness. */
int tokens_generate(const struct paw_rng *rng, struct tokens *out);

/* The text of a tokens file; the length without the NUL, or 0 when `size` is too small. */
size_t tokens_write(const struct tokens *tokens, char *out, size_t size);

/* The token presented, or NULL. Takes as long whatever is presented and wherever it stands. */
const struct token *tokens_find(const struct tokens *tokens, const char *presented);

/* The first token of a role, or NULL. */
const struct token *tokens_first(const struct tokens *tokens, enum token_role role);

/* Read the file at `path` (mode 0600 is demanded), or make it when it is not there. */
int tokens_load(const char *path, const struct paw_rng *rng, struct tokens *out,
                struct fault *fault);

#endif
