/* SPDX-License-Identifier: MIT */
/* What the answer to a WHEP POST means for a speaker (RFC 9725, draft-ietf-wish-whep). */
#ifndef COMMON_WHEP_STATUS_H
#define COMMON_WHEP_STATUS_H

enum whep_verdict {
  WHEP_CREATED,  /* the session is there, its answer is in the body */
  WHEP_REDIRECT, /* post again to Location */
  WHEP_RETRY,    /* passes by itself: try again later */
  WHEP_REFUSED,  /* somebody has to change something here */
};

enum whep_verdict whep_status_verdict(long status);

/* A phrase for people, without the number; static, never NULL. */
const char *whep_status_text(long status);

#endif
