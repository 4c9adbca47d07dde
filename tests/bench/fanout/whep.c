/* SPDX-License-Identifier: MIT */
#include "bench/fanout/whep.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEADLINE_MS 10000L
#define BODY_MAX 65536
#define CONNECTIONS_MAX 10000L

struct post {
  struct whep *whep;
  size_t index;
  CURL *easy;
  char *offer;
  size_t len;
  char body[BODY_MAX];
};

struct whep {
  struct whep_client_config config;
  CURLM *multi;
  struct curl_slist *fields;
  size_t count;
};

static void check(bool good, const char *what) {
  if (!good) {
    (void)fprintf(stderr, "%s failed\n", what);
    exit(1);
  }
}

struct whep *whep_new(const struct whep_client_config *config) {
  struct whep *whep = calloc(1, sizeof *whep);
  char bearer[256];
  check(whep != NULL && curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK, "libcurl");
  whep->config = *config;
  whep->multi = curl_multi_init();
  (void)snprintf(bearer, sizeof bearer, "Authorization: Bearer %s", config->token);
  whep->fields = curl_slist_append(NULL, "Content-Type: application/sdp");
  whep->fields = curl_slist_append(whep->fields, "Expect:");
  whep->fields = curl_slist_append(whep->fields, bearer);
  check(whep->multi != NULL && whep->fields != NULL &&
            curl_multi_setopt(whep->multi, CURLMOPT_MAXCONNECTS, CONNECTIONS_MAX) == CURLM_OK,
        "libcurl");
  return whep;
}

static void end_post(struct post *post) {
  curl_multi_remove_handle(post->whep->multi, post->easy);
  curl_easy_cleanup(post->easy);
  post->whep->count--;
  free(post->offer);
  free(post);
}

void whep_free(struct whep *whep) {
  curl_multi_cleanup(whep->multi);
  curl_slist_free_all(whep->fields);
  curl_global_cleanup();
  free(whep);
}

static size_t keep(char *data, size_t size, size_t count, void *user_data) {
  struct post *post = user_data;
  size_t len = size * count;
  if (len > sizeof post->body - post->len) {
    return 0;
  }
  memcpy(post->body + post->len, data, len);
  post->len += len;
  return len;
}

void whep_post(struct whep *whep, size_t index, const struct paw_address *from, const char *offer) {
  struct post *post = calloc(1, sizeof *post);
  char source[64];
  check(post != NULL, "memory");
  *post =
      (struct post){.whep = whep, .index = index, .easy = curl_easy_init(), .offer = strdup(offer)};
  check(post->easy != NULL && post->offer != NULL, "libcurl");
  (void)snprintf(source, sizeof source, "host!%u.%u.%u.%u", from->ip[0], from->ip[1], from->ip[2],
                 from->ip[3]);
  curl_easy_setopt(post->easy, CURLOPT_URL, whep->config.url);
  curl_easy_setopt(post->easy, CURLOPT_INTERFACE, source);
  curl_easy_setopt(post->easy, CURLOPT_PROXY, "");
  curl_easy_setopt(post->easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(post->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
  /* A receiver is a machine of its own: nothing of the others' is used again. As pa-recv does, it
   * keeps its connection. */
  curl_easy_setopt(post->easy, CURLOPT_FRESH_CONNECT, 1L);
  curl_easy_setopt(post->easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
  curl_easy_setopt(post->easy, CURLOPT_SSL_VERIFYPEER, 0L);
  curl_easy_setopt(post->easy, CURLOPT_SSL_VERIFYHOST, 0L);
  if (whep->config.pin != NULL) {
    curl_easy_setopt(post->easy, CURLOPT_PINNEDPUBLICKEY, whep->config.pin);
  }
  curl_easy_setopt(post->easy, CURLOPT_TIMEOUT_MS, DEADLINE_MS);
  curl_easy_setopt(post->easy, CURLOPT_HTTPHEADER, whep->fields);
  curl_easy_setopt(post->easy, CURLOPT_POSTFIELDS, post->offer);
  curl_easy_setopt(post->easy, CURLOPT_WRITEFUNCTION, keep);
  curl_easy_setopt(post->easy, CURLOPT_WRITEDATA, post);
  curl_easy_setopt(post->easy, CURLOPT_PRIVATE, post);
  check(curl_multi_add_handle(whep->multi, post->easy) == CURLM_OK, "libcurl");
  whep->count++;
}

static void finish(struct whep *whep, const CURLMsg *message) {
  struct post *post = NULL;
  curl_off_t retry_after_s = 0;
  curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&post);
  struct whep_answer answer = {
      .problem = curl_easy_strerror(message->data.result), .body = post->body, .len = post->len};
  if (message->data.result == CURLE_OK) {
    curl_easy_getinfo(post->easy, CURLINFO_RESPONSE_CODE, &answer.status);
    curl_easy_getinfo(post->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
    answer.retry_after_ns = (uint64_t)retry_after_s * PAW_NS_PER_S;
  }
  whep->config.answered(whep->config.user_data, post->index, &answer);
  end_post(post);
}

size_t whep_serve(struct whep *whep) {
  int running = 0;
  int left = 0;
  if (whep->count == 0) {
    return 0;
  }
  (void)curl_multi_perform(whep->multi, &running);
  const CURLMsg *message = curl_multi_info_read(whep->multi, &left);
  while (message != NULL) {
    if (message->msg == CURLMSG_DONE) {
      finish(whep, message);
    }
    message = curl_multi_info_read(whep->multi, &left);
  }
  return whep->count;
}
