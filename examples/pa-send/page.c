/* SPDX-License-Identifier: MIT */
#include "page.h"

#include <stdlib.h>
#include <string.h>

#include "page_files.h"

/* Only what stands here: no inline script, no frame around it, no form, nothing from elsewhere. */
#define POLICY                                                                                     \
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "  \
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

static const struct page_file *find(const char *path) {
  const char *wanted = strcmp(path, "/") == 0 ? "/index.html" : path;
  for (size_t i = 0; i < page_file_count; i++) {
    if (strcmp(page_files[i].path, wanted) == 0) {
      return &page_files[i];
    }
  }
  return NULL;
}

static void give(const struct page_file *file, struct http_response *response) {
  response->body = malloc(file->len);
  if (response->body == NULL) {
    http_response_say(response, 503, "Out of memory.");
    return;
  }
  memcpy(response->body, file->bytes, file->len);
  response->body_len = file->len;
  response->content_type = file->content_type;
  response->status = 200;
}

void page_handle(const struct http_request *request, struct http_response *response) {
  const struct page_file *file = find(request->path);
  http_response_add(response, "Content-Security-Policy", POLICY);
  http_response_add(response, "Cross-Origin-Opener-Policy", "same-origin");
  http_response_add(response, "Cross-Origin-Resource-Policy", "same-origin");
  http_response_add(response, "Permissions-Policy", "microphone=(self)");
  http_response_add(response, "Referrer-Policy", "no-referrer");
  if (file == NULL) {
    http_response_say(response, 404, "There is nothing at this address.");
  } else {
    give(file, response);
  }
}
