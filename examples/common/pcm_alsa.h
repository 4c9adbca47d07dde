/* SPDX-License-Identifier: MIT */
/* libasound behind the seam of pcm_ops.h. */
#ifndef COMMON_PCM_ALSA_H
#define COMMON_PCM_ALSA_H

#include "pcm_ops.h"

struct pcm_alsa {
  void *handle; /* snd_pcm_t, NULL when closed */
};

/* The operations on `pcm`, which must stay. Also silences libasound's own messages on standard
 * error: what matters comes back as an errno. */
struct pcm_ops pcm_alsa_ops(struct pcm_alsa *pcm);

/* The text of an errno from ALSA; static. */
const char *pcm_alsa_error_text(int error);

#endif
