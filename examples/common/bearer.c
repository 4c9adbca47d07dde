/* SPDX-License-Identifier: MIT */
#include "bearer.h"

#include <string.h>
#include <strings.h>

/* RFC 6750 section 2.1; the scheme's case does not matter (RFC 9110 section 11.1). */
const struct token *bearer_find(const struct tokens *tokens, const struct http_request *request) {
  const char *value = request->authorization;
  if (value == NULL || strncasecmp(value, "Bearer ", 7) != 0) {
    return NULL;
  }
  return tokens_find(tokens, value + 7 + strspn(value + 7, " "));
}

void bearer_refuse_unknown(const struct http_request *request, struct http_response *response) {
  if (request->authorization == NULL) {
    http_response_add(response, "WWW-Authenticate", "Bearer realm=\"pa-send\"");
    http_response_say(response, 401, "A bearer token is needed.");
  } else {
    http_response_add(response, "WWW-Authenticate",
                      "Bearer realm=\"pa-send\", error=\"invalid_token\"");
    http_response_say(response, 401, "This bearer token is not known here.");
  }
}

void bearer_refuse_role(struct http_response *response, const char *text) {
  http_response_add(response, "WWW-Authenticate",
                    "Bearer realm=\"pa-send\", error=\"insufficient_scope\"");
  http_response_say(response, 403, text);
}
