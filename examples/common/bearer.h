/* SPDX-License-Identifier: MIT */
/* Bearer tokens in requests (RFC 6750). */
#ifndef COMMON_BEARER_H
#define COMMON_BEARER_H

#include "http.h"
#include "tokens.h"

/* The token that a request presents, or NULL when it presents none that is known. */
const struct token *bearer_find(const struct tokens *tokens, const struct http_request *request);

/* Answer a request whose token is missing or not known. */
void bearer_refuse_unknown(const struct http_request *request, struct http_response *response);

/* Answer a request whose token is for other things. */
void bearer_refuse_role(struct http_response *response, const char *text);

#endif
