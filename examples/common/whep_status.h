/* SPDX-License-Identifier: MIT */
/* What the answer to a WHEP POST means for a speaker (RFC 9725, draft-ietf-wish-whep). */
#ifndef COMMON_WHEP_STATUS_H
#define COMMON_WHEP_STATUS_H

enum whep_verdict {
  WHEP_CREATED,       /* the session is there, its answer is in the body */
  WHEP_COUNTER_OFFER, /* with an SDP in it, the server's offer: answer it by PATCH; else refused */
  WHEP_REDIRECT,      /* post again to Location */
  WHEP_RETRY,         /* passes by itself: try again later */
  WHEP_REFUSED,       /* somebody has to change something here */
};

enum whep_verdict whep_status_verdict(long status);

/* What the answer to a PATCH means: candidates or an ICE restart (RFC 9725 section 4.3), or the
 * answer to a counter-offer. */
enum whep_patch_verdict {
  WHEP_PATCH_DONE,
  WHEP_PATCH_GONE,        /* the server does not know the session */
  WHEP_PATCH_UNSUPPORTED, /* it takes no such fragments: the session goes on without */
  WHEP_PATCH_LATER,       /* passes by itself */
  WHEP_PATCH_REFUSED,
};

enum whep_patch_verdict whep_status_patch_verdict(long status);

/* A phrase for people, without the number; static, never NULL. */
const char *whep_status_text(long status);

#endif
