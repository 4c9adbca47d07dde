/* SPDX-License-Identifier: MIT */
/* The client of WHEP for many receivers at once: offers posted by libcurl. */
#ifndef BENCH_FANOUT_WHEP_H
#define BENCH_FANOUT_WHEP_H

#include <pawebrtc/base.h>

struct whep;

struct whep_answer {
  long status;         /* 0: none came */
  const char *problem; /* then why, for people */
  const char *body;
  size_t len;
  uint64_t retry_after_ns; /* 0: not said */
};

struct whep_client_config {
  const char *url;
  const char *token;
  const char *pin; /* sha256//…; NULL: any key */
  void (*answered)(void *user_data, size_t index, const struct whep_answer *answer);
  void *user_data;
};

/* What fails ends the program. The texts must outlive it. */
struct whep *whep_new(const struct whep_client_config *config);
void whep_free(struct whep *whep);

/* Post the offer of receiver `index`, from its own address. The text is copied. */
void whep_post(struct whep *whep, size_t index, const struct paw_address *from, const char *offer);

/* Do what can be done now; the callback comes from here. How many are under way? */
size_t whep_serve(struct whep *whep);

#endif
