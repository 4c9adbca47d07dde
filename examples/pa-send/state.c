/* SPDX-License-Identifier: MIT */
#include "state.h"

#include <errno.h>
#include <fcntl.h>
#include <mbedtls/platform_util.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "files.h"

static int load_identity(const struct settings *settings, const struct paw_rng *rng,
                         struct state *state, struct fault *fault) {
  char certificate_path[544];
  char key_path[544];
  if (settings->insecure_http) {
    return 0;
  }
  if (settings->tls_cert != NULL) {
    return tls_identity_load(settings->tls_cert, settings->tls_key, false, rng, &state->identity,
                             fault);
  }
  (void)snprintf(certificate_path, sizeof certificate_path, "%s/tls-cert.pem", state->directory);
  (void)snprintf(key_path, sizeof key_path, "%s/tls-key.pem", state->directory);
  return tls_identity_load(certificate_path, key_path, true, rng, &state->identity, fault);
}

static int load(const struct settings *settings, const struct paw_rng *rng, struct state *out,
                struct fault *fault) {
  (void)snprintf(out->tokens_path, sizeof out->tokens_path, "%s/tokens", out->directory);
  if (tokens_load(out->tokens_path, rng, &out->tokens, fault) != 0) {
    return -1;
  }
  return load_identity(settings, rng, out, fault);
}

/* Two that start at once in one folder must not both make a key and a certificate. */
int state_open(const struct settings *settings, const struct paw_rng *rng, struct state *out,
               struct fault *fault) {
  if (directory_choose("pa-send", settings->state_dir, out->directory, sizeof out->directory,
                       fault) != 0 ||
      directory_make(out->directory, fault) != 0) {
    return -1;
  }
  int folder = open(out->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0 || flock(folder, LOCK_EX) != 0) {
    (void)fault_set(fault, "cannot open the folder %s: %s", out->directory, strerror(errno));
    if (folder >= 0) {
      close(folder);
    }
    return -1;
  }
  int status = load(settings, rng, out, fault);
  close(folder);
  return status;
}

void state_wipe(struct state *state) {
  tls_identity_wipe(&state->identity);
  mbedtls_platform_zeroize(&state->tokens, sizeof state->tokens);
}
