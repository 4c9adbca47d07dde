/* SPDX-License-Identifier: MIT */
#include "http_client.h"

#include <curl/curl.h>
#include <pawebrtc/base.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http_time.h"
#include "system.h"

/* An address that does not answer SYN must not use up the whole deadline. */
#define CONNECT_TIMEOUT_MS 5000L
#define HTTP_CLIENT_SHORT_FIELD_SIZE 64 /* dates and numbers */

struct http_client_transfer {
  struct http_client *client;
  struct http_client_transfer *next;
  CURL *easy;
  struct curl_slist *fields;
  http_client_done_fn *done;
  void *user_data;
  char *request_body;
  char *body;
  size_t body_len;
  size_t fields_len;
  bool too_long;
  char location[HTTP_CLIENT_FIELD_SIZE];
  char etag[HTTP_CLIENT_FIELD_SIZE];
  char date[HTTP_CLIENT_SHORT_FIELD_SIZE];
  char retry_after[HTTP_CLIENT_SHORT_FIELD_SIZE];
  char error[CURL_ERROR_SIZE];
};

struct http_client {
  struct loop *loop;
  CURLM *multi;
  struct loop_timer timer;
  struct http_client_transfer *transfers;
};

static void forget(struct http_client_transfer *transfer) {
  struct http_client_transfer **link = &transfer->client->transfers;
  while (*link != NULL && *link != transfer) {
    link = &(*link)->next;
  }
  if (*link != NULL) {
    *link = transfer->next;
  }
}

static void transfer_free(struct http_client_transfer *transfer) {
  forget(transfer);
  curl_multi_remove_handle(transfer->client->multi, transfer->easy);
  curl_easy_cleanup(transfer->easy);
  curl_slist_free_all(transfer->fields);
  free(transfer->request_body);
  free(transfer->body);
  free(transfer);
}

/* ---- results ---- */

/* The key is in the first certificate of the chain, as a field "Cert:PEM". */
static void read_server_pin(CURL *easy, char out[PIN_TEXT_SIZE]) {
  struct curl_certinfo *chain = NULL;
  struct fault ignored;
  out[0] = '\0';
  if (curl_easy_getinfo(easy, CURLINFO_CERTINFO, &chain) != CURLE_OK || chain == NULL ||
      chain->num_of_certs < 1) {
    return;
  }
  for (struct curl_slist *field = chain->certinfo[0]; field != NULL; field = field->next) {
    if (strncmp(field->data, "Cert:", 5) == 0 &&
        pin_from_certificate(field->data + 5, out, &ignored) != 0) {
      out[0] = '\0';
    }
  }
}

static enum http_client_outcome outcome_of(const struct http_client_transfer *transfer,
                                           CURLcode result) {
  if (result == CURLE_OK) {
    return HTTP_CLIENT_ANSWERED;
  }
  if (result == CURLE_SSL_PINNEDPUBKEYNOTMATCH) {
    return HTTP_CLIENT_WRONG_KEY;
  }
  if (result == CURLE_PEER_FAILED_VERIFICATION) {
    return HTTP_CLIENT_UNTRUSTED;
  }
  if (result == CURLE_OPERATION_TIMEDOUT) {
    return HTTP_CLIENT_TIMED_OUT;
  }
  /* libcurl takes no field line above 100 kB, and calls that a lack of memory. */
  return transfer->too_long || result == CURLE_OUT_OF_MEMORY ? HTTP_CLIENT_TOO_LONG
                                                             : HTTP_CLIENT_UNREACHABLE;
}

static void read_server_address(CURL *easy, struct paw_address *out) {
  char *ip = NULL;
  long port = 0;
  *out = (struct paw_address){.family = PAW_FAMILY_NONE};
  if (curl_easy_getinfo(easy, CURLINFO_PRIMARY_IP, &ip) == CURLE_OK &&
      curl_easy_getinfo(easy, CURLINFO_PRIMARY_PORT, &port) == CURLE_OK && ip != NULL &&
      paw_address_parse(ip, out) == PAW_OK) {
    out->port = (uint16_t)port;
  } else {
    out->family = PAW_FAMILY_NONE;
  }
}

static void finish(struct http_client_transfer *transfer, CURLcode result) {
  char pin[PIN_TEXT_SIZE];
  char *content_type = NULL;
  struct http_client_response response = {
      .outcome = outcome_of(transfer, result),
      .problem = transfer->error[0] != '\0' ? transfer->error : curl_easy_strerror(result),
      .body = transfer->body != NULL ? transfer->body : "",
      .body_len = transfer->body_len,
      .location = transfer->location,
      .etag = transfer->etag,
      .date = transfer->date,
      .retry_after_ns = http_retry_after_ns(transfer->retry_after, transfer->date),
      .server_pin = pin,
  };
  read_server_pin(transfer->easy, pin);
  read_server_address(transfer->easy, &response.server_address);
  curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &response.status);
  curl_easy_getinfo(transfer->easy, CURLINFO_CONTENT_TYPE, &content_type);
  response.content_type = content_type != NULL ? content_type : "";
  /* Out of the list first: the callback may cancel others or send anew. */
  forget(transfer);
  transfer->done(transfer->user_data, &response);
  transfer_free(transfer);
}

static void collect(struct http_client *client) {
  int left;
  CURLMsg *message = curl_multi_info_read(client->multi, &left);
  while (message != NULL) {
    struct http_client_transfer *transfer = NULL;
    CURLcode result = message->data.result;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
    if (message->msg == CURLMSG_DONE) {
      finish(transfer, result);
    }
    message = curl_multi_info_read(client->multi, &left);
  }
}

/* ---- libcurl's callbacks ---- */

static void socket_ready(void *user_data, int fd, short ready) {
  struct http_client *client = user_data;
  int bits = 0;
  int running;
  if ((ready & POLLIN) != 0) {
    bits |= CURL_CSELECT_IN;
  }
  if ((ready & POLLOUT) != 0) {
    bits |= CURL_CSELECT_OUT;
  }
  if ((ready & (POLLERR | POLLHUP | POLLNVAL)) != 0) {
    bits |= CURL_CSELECT_ERR;
  }
  curl_multi_socket_action(client->multi, fd, bits, &running);
  collect(client);
}

static void time_came(void *user_data, uint64_t now_ns) {
  struct http_client *client = user_data;
  int running;
  (void)now_ns;
  curl_multi_socket_action(client->multi, CURL_SOCKET_TIMEOUT, 0, &running);
  collect(client);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *user_data, void *socket_data) {
  struct http_client *client = user_data;
  (void)easy, (void)socket_data;
  if (what == CURL_POLL_REMOVE) {
    loop_unwatch(client->loop, fd);
    return 0;
  }
  int events =
      ((what & CURL_POLL_IN) != 0 ? POLLIN : 0) | ((what & CURL_POLL_OUT) != 0 ? POLLOUT : 0);
  return loop_watch(client->loop, fd, (short)events, socket_ready, client);
}

static int on_timer(CURLM *multi, long timeout_ms, void *user_data) {
  struct http_client *client = user_data;
  (void)multi;
  loop_timer_set(&client->timer, timeout_ms < 0
                                     ? PAW_TIME_NEVER
                                     : system_now_ns() + (uint64_t)timeout_ms * PAW_NS_PER_MS);
  return 0;
}

static size_t on_body(char *data, size_t size, size_t count, void *user_data) {
  struct http_client_transfer *transfer = user_data;
  size_t len = size * count;
  if (transfer->body == NULL) {
    transfer->body = malloc(HTTP_CLIENT_BODY_MAX + 1);
  }
  transfer->too_long = len > HTTP_CLIENT_BODY_MAX - transfer->body_len;
  if (transfer->body == NULL || transfer->too_long) {
    return 0;
  }
  memcpy(transfer->body + transfer->body_len, data, len);
  transfer->body_len += len;
  transfer->body[transfer->body_len] = '\0';
  return len;
}

/* RFC 9110 section 5.5: control characters in a value are an error. Such a value is not kept: it
 * might go into a request of ours. */
static bool is_clean(const char *value, size_t len) {
  for (size_t i = 0; i < len; i++) {
    unsigned char byte = (unsigned char)value[i];
    if ((byte < ' ' && byte != '\t') || byte == 0x7f) {
      return false;
    }
  }
  return true;
}

/* Keep the value of a field line "Name: value\r\n" when it is the one that is looked for. */
static void keep_field(const char *line, size_t len, const char *name, char *out, size_t size) {
  size_t name_len = strlen(name);
  if (len <= name_len || strncasecmp(line, name, name_len) != 0 || line[name_len] != ':') {
    return;
  }
  const char *value = line + name_len + 1;
  const char *end = line + len;
  while (value < end && (*value == ' ' || *value == '\t')) {
    value++;
  }
  while (end > value && (end[-1] == '\r' || end[-1] == '\n' || end[-1] == ' ' || end[-1] == '\t')) {
    end--;
  }
  size_t value_len = (size_t)(end - value);
  if (value_len < size && is_clean(value, value_len)) {
    memcpy(out, value, value_len);
    out[value_len] = '\0';
  }
}

static size_t on_field(char *data, size_t size, size_t count, void *user_data) {
  struct http_client_transfer *transfer = user_data;
  size_t len = size * count;
  transfer->fields_len += len;
  if (transfer->fields_len > HTTP_CLIENT_BODY_MAX) {
    transfer->too_long = true;
    return 0;
  }
  if (len >= 5 && memcmp(data, "HTTP/", 5) == 0) { /* what came before was an interim response */
    transfer->location[0] = transfer->etag[0] = '\0';
    transfer->date[0] = transfer->retry_after[0] = '\0';
  }
  keep_field(data, len, "Location", transfer->location, sizeof transfer->location);
  keep_field(data, len, "ETag", transfer->etag, sizeof transfer->etag);
  keep_field(data, len, "Date", transfer->date, sizeof transfer->date);
  keep_field(data, len, "Retry-After", transfer->retry_after, sizeof transfer->retry_after);
  return len;
}

/* ---- requests ---- */

static bool add_field(struct http_client_transfer *transfer, const char *name, const char *value) {
  char line[HTTP_CLIENT_FIELD_SIZE];
  if ((size_t)snprintf(line, sizeof line, "%s: %s", name, value) >= sizeof line) {
    return false;
  }
  struct curl_slist *longer = curl_slist_append(transfer->fields, line);
  if (longer == NULL) {
    return false;
  }
  transfer->fields = longer;
  return true;
}

static void set_trust(CURL *easy, const struct pin *pin) {
  bool system = pin->trust == PIN_TRUST_SYSTEM;
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, system ? 1L : 0L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, system ? 2L : 0L);
  curl_easy_setopt(easy, CURLOPT_CERTINFO, 1L);
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
  if (pin->trust == PIN_TRUST_KEY) {
    curl_easy_setopt(easy, CURLOPT_PINNEDPUBLICKEY, pin->key);
  }
  /* A connection made while any key was accepted must not serve a later request. */
  if (pin->trust == PIN_TRUST_FIRST_USE) {
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
  }
}

static bool set_content(struct http_client_transfer *transfer,
                        const struct http_client_request *request) {
  bool good = add_field(transfer, "Expect", "");
  if (request->token != NULL) {
    char bearer[HTTP_CLIENT_FIELD_SIZE];
    (void)snprintf(bearer, sizeof bearer, "Bearer %s", request->token);
    good = good && add_field(transfer, "Authorization", bearer);
    explicit_bzero(bearer, sizeof bearer);
  }
  if (request->content_type != NULL) {
    good = good && add_field(transfer, "Content-Type", request->content_type);
  }
  if (request->if_match != NULL) {
    good = good && add_field(transfer, "If-Match", request->if_match);
  }
  if (request->body != NULL) {
    transfer->request_body = malloc(request->body_len + 1);
    if (transfer->request_body == NULL) {
      return false;
    }
    memcpy(transfer->request_body, request->body, request->body_len);
    curl_easy_setopt(transfer->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len);
    curl_easy_setopt(transfer->easy, CURLOPT_POSTFIELDS, transfer->request_body);
  }
  return good;
}

static void set_basics(struct http_client_transfer *transfer,
                       const struct http_client_request *request) {
  CURL *easy = transfer->easy;
  curl_easy_setopt(easy, CURLOPT_URL, request->url);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
  /* A name server that does not answer must not hold up the loop when the request is given up. */
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, request->fresh ? 1L : 0L);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "pawebrtc");
  /* Names are looked up afresh each time: a server that moved is found at once. */
  curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(request->deadline_ns / PAW_NS_PER_MS));
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->error);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_field);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
  curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
  if (strcmp(request->method, "HEAD") == 0) {
    curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
  } else {
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
  }
}

struct http_client_transfer *http_client_send(struct http_client *client,
                                              const struct http_client_request *request,
                                              http_client_done_fn *done, void *user_data) {
  struct http_client_transfer *transfer = calloc(1, sizeof *transfer);
  if (transfer == NULL) {
    return NULL;
  }
  transfer->client = client;
  transfer->done = done;
  transfer->user_data = user_data;
  transfer->easy = curl_easy_init();
  bool good = transfer->easy != NULL;
  if (good) {
    set_basics(transfer, request);
    set_trust(transfer->easy, &request->pin);
    good = set_content(transfer, request);
    curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->fields);
  }
  if (!good || curl_multi_add_handle(client->multi, transfer->easy) != CURLM_OK) {
    transfer_free(transfer);
    return NULL;
  }
  transfer->next = client->transfers;
  client->transfers = transfer;
  return transfer;
}

bool http_client_has_connected(const struct http_client_transfer *transfer) {
  curl_off_t took_us = 0;
  return curl_easy_getinfo(transfer->easy, CURLINFO_CONNECT_TIME_T, &took_us) == CURLE_OK &&
         took_us > 0;
}

void http_client_cancel(struct http_client_transfer *transfer) {
  transfer_free(transfer);
}

int http_client_new(struct loop *loop, struct http_client **out, struct fault *fault) {
  struct http_client *client = calloc(1, sizeof *client);
  if (client == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
    free(client);
    return fault_set(fault, "libcurl cannot be set up");
  }
  client->loop = loop;
  client->multi = curl_multi_init();
  if (client->multi == NULL) {
    free(client);
    return fault_set(fault, "libcurl cannot be set up");
  }
  loop_timer_init(loop, &client->timer, time_came, client);
  curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
  curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
  curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, on_timer);
  curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
  *out = client;
  return 0;
}

void http_client_free(struct http_client *client) {
  struct http_client_transfer *transfer = client->transfers;
  while (transfer != NULL) {
    struct http_client_transfer *next = transfer->next;
    transfer_free(transfer);
    transfer = next;
  }
  curl_multi_cleanup(client->multi);
  loop_timer_wipe(client->loop, &client->timer);
  free(client);
}
