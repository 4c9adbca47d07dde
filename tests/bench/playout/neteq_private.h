/* SPDX-License-Identifier: MIT */
/* What the files of the model share. */
#ifndef BENCH_NETEQ_PRIVATE_H
#define BENCH_NETEQ_PRIVATE_H

#include "bench/playout/neteq.h"

/* Its clock, which stands still between two ticks. */
int64_t neteq_now_ms(const struct neteq *neteq);

void neteq_remove_front(struct neteq *neteq);
void neteq_take(struct neteq *neteq, const struct paw_audio_packet *packet);

#endif
