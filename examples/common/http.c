/* SPDX-License-Identifier: MIT */
#include "http.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *http_method_name(enum http_method method) {
  static const char *const names[] = {"GET",    "HEAD",    "POST",          "PATCH",
                                      "DELETE", "OPTIONS", "another method"};
  return names[method];
}

void http_response_add(struct http_response *response, const char *name, const char *value) {
  assert(response->header_count < HTTP_HEADERS_MAX);
  struct http_header *header = &response->headers[response->header_count++];
  header->name = name;
  (void)snprintf(header->value, sizeof header->value, "%s", value);
}

void http_response_say(struct http_response *response, int status, const char *text) {
  size_t len = strlen(text);
  char *body = malloc(len + 2);
  response->status = status;
  free(response->body);
  response->body = body;
  response->body_len = 0;
  if (body != NULL) {
    memcpy(body, text, len);
    memcpy(body + len, "\n", 2);
    response->body_len = len + 1;
    response->content_type = "text/plain; charset=utf-8";
  }
}

const char *http_response_get(const struct http_response *response, const char *name) {
  for (size_t i = 0; i < response->header_count; i++) {
    if (strcasecmp(response->headers[i].name, name) == 0) {
      return response->headers[i].value;
    }
  }
  return NULL;
}

void http_response_wipe(struct http_response *response) {
  free(response->body);
  *response = (struct http_response){0};
}

/* RFC 9110 section 8.3.1. */
bool http_is_type(const char *content_type, const char *type) {
  size_t len = strlen(type);
  if (content_type == NULL || strncasecmp(content_type, type, len) != 0) {
    return false;
  }
  const char *rest = content_type + len + strspn(content_type + len, " \t");
  return *rest == '\0' || *rest == ';';
}
