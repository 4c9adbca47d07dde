/* SPDX-License-Identifier: MIT */
#include "http_server.h"

#include <assert.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rate.h"
#include "system.h"

/* Total time for a request, from the connection (with its TLS handshake) or from the request line
 * to the last byte of the response; and for the pause between two requests. */
#define REQUEST_NS (10 * PAW_NS_PER_S)
#define PAUSE_NS (30 * PAW_NS_PER_S)
/* Every speaker has one connection for a moment; browsers up to six. */
#define CONNECTIONS_MAX 256
/* Of these so many wait to be accepted, more would be kept waiting by their TCP for a second. */
#define BACKLOG 256
/* Of one client: a building of receivers behind one router, but not all that there are. */
#define CONNECTIONS_PER_CLIENT_MAX 64
/* For the fields of a request and of its response; more is refused by 431. */
#define CONNECTION_BYTES 32768
/* Of a body that is too long so much is read, four times of what is taken but this at least, that
 * its sender gets the answer; more would keep the loop from the audio. */
#define DISCARDED_FACTOR 4
#define DISCARDED_BYTES_MIN 65536
/* What has no forward secrecy, no authenticated encryption or a broken hash is not spoken. */
#define TLS_PRIORITIES                                                                             \
  "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:-CIPHER-ALL:"        \
  "+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:-MAC-ALL:+AEAD:-SIGN-RSA-SHA1:-SIGN-ECDSA-SHA1:"   \
  "%SERVER_PRECEDENCE"
/* Below that nothing was done that counts. */
#define BUSY_NS (PAW_NS_PER_MS / 4)
/* While a TLS handshake waits for its client libmicrohttpd wants to be run again at once, for as
 * long as that takes; what comes makes its descriptor ready anyway. */
#define RUN_EVERY_NS PAW_NS_PER_MS
/* So long accepting pauses at most, whatever is busy; and when no descriptor is left, for then the
 * listener stays readable. */
#define ACCEPT_PAUSE_NS (100 * PAW_NS_PER_MS)

struct connection {
  int fd;
  struct rate_client client;
  uint64_t deadline_ns;
  bool paused; /* between two requests */
  struct connection *next;
};

struct exchange {
  char *body;
  size_t body_len;
  size_t body_max;
  size_t discarded; /* of a body that is too long */
  bool body_too_long;
};

struct http_server {
  struct http_server_config config;
  struct loop *loop;
  struct MHD_Daemon *daemon;
  int listener;
  int epoll_fd;
  uint16_t port;
  struct loop_timer timer;
  struct loop_timer accept_timer; /* set while the listener is left alone */
  uint64_t accept_paused_ns;      /* since then; PAW_TIME_NEVER: not since the last one accepted */
  unsigned accept_failures;       /* in a row: the first is told */
  struct connection *connections;
  struct fault last_message; /* of libmicrohttpd, for the line that says why it does not start */
};

/* ---- listening ---- */

static int bind_and_listen(int fd, const struct sockaddr *address, socklen_t len) {
  int on = 1;
  if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      bind(fd, address, len) != 0 || listen(fd, BACKLOG) != 0) {
    int reason = errno;
    close(fd);
    errno = reason;
    return -1;
  }
  return fd;
}

static int listen_ipv4(const struct paw_address *listen_to) {
  struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(listen_to->port)};
  memcpy(&in.sin_addr, listen_to->ip, 4);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  return fd < 0 ? -1 : bind_and_listen(fd, (const struct sockaddr *)&in, sizeof in);
}

static int listen_ipv6(const struct paw_address *listen_to) {
  struct sockaddr_in6 in6 = {.sin6_family = AF_INET6,
                             .sin6_port = htons(listen_to->port),
                             .sin6_scope_id = listen_to->scope_id};
  int v6_only = listen_to->family == PAW_FAMILY_IPV6;
  memcpy(&in6.sin6_addr, listen_to->ip, 16);
  int fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    return -1;
  }
  (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof v6_only);
  return bind_and_listen(fd, (const struct sockaddr *)&in6, sizeof in6);
}

static int refuse_listener(const struct paw_address *listen_to, int reason, struct fault *fault) {
  char where[PAW_ADDRESS_TEXT_SIZE] = "all addresses";
  if (listen_to->family != PAW_FAMILY_NONE) {
    paw_address_format(listen_to, where);
  }
  return reason == EADDRINUSE
             ? fault_set(fault, "TCP port %u (%s) is in use: choose another with --listen",
                         listen_to->port, where)
             : fault_set(fault, "cannot listen on TCP port %u (%s): %s", listen_to->port, where,
                         strerror(reason));
}

static int open_listener(const struct paw_address *listen_to, struct fault *fault) {
  int fd = -1;
  if (listen_to->family != PAW_FAMILY_IPV4) {
    fd = listen_ipv6(listen_to);
  }
  bool no_ipv6 = fd < 0 && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL);
  if (listen_to->family == PAW_FAMILY_IPV4 || (listen_to->family == PAW_FAMILY_NONE && no_ipv6)) {
    fd = listen_ipv4(listen_to);
  }
  return fd >= 0 ? fd : refuse_listener(listen_to, errno, fault);
}

static uint16_t bound_port(int fd) {
  struct sockaddr_storage address = {0};
  socklen_t len = sizeof address;
  struct sockaddr_in in;
  (void)getsockname(fd, (struct sockaddr *)&address, &len);
  /* sin_port and sin6_port stand in the same place. */
  memcpy(&in, &address, sizeof in);
  return ntohs(in.sin_port);
}

/* ---- clients ---- */

static const union MHD_ConnectionInfo *info_of(const struct MHD_Connection *mhd,
                                               enum MHD_ConnectionInfoType type) {
  return MHD_get_connection_info((struct MHD_Connection *)(uintptr_t)mhd, type);
}

/* A listener for both families tells IPv4 clients as ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2). */
static struct paw_address read_address(const struct sockaddr *system) {
  struct paw_address address = {.family = PAW_FAMILY_NONE};
  struct sockaddr_in in;
  struct sockaddr_in6 in6;
  if (system->sa_family == AF_INET) {
    memcpy(&in, system, sizeof in);
    address.family = PAW_FAMILY_IPV4;
    memcpy(address.ip, &in.sin_addr, 4);
  } else if (system->sa_family == AF_INET6) {
    memcpy(&in6, system, sizeof in6);
    bool mapped = IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr);
    address.family = mapped ? PAW_FAMILY_IPV4 : PAW_FAMILY_IPV6;
    memcpy(address.ip, in6.sin6_addr.s6_addr + (mapped ? 12 : 0), mapped ? 4 : 16);
  }
  return address;
}

static struct rate_client client_of(int fd, const struct sockaddr *remote) {
  struct sockaddr_storage local = {0};
  socklen_t len = sizeof local;
  (void)getsockname(fd, (struct sockaddr *)&local, &len);
  struct paw_address address = read_address(remote);
  struct paw_address own = read_address((const struct sockaddr *)&local);
  return rate_client_of(&address, &own);
}

/* ---- deadlines ---- */

static uint64_t request_deadline_ns(const struct http_server *server) {
  return system_now_ns() + server->config.request_ns;
}

static struct connection *begin_connection(struct http_server *server,
                                           const struct MHD_Connection *mhd) {
  struct connection *connection = calloc(1, sizeof *connection);
  const union MHD_ConnectionInfo *fd = info_of(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
  const union MHD_ConnectionInfo *address = info_of(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
  if (connection == NULL) {
    (void)shutdown(fd->connect_fd, SHUT_RDWR); /* it would have no deadline */
    return NULL;
  }
  connection->fd = fd->connect_fd;
  connection->client = client_of(connection->fd, address->client_addr);
  connection->deadline_ns = request_deadline_ns(server);
  connection->next = server->connections;
  server->connections = connection;
  return connection;
}

static void end_connection(struct http_server *server, struct connection *connection) {
  for (struct connection **at = &server->connections; *at != NULL; at = &(*at)->next) {
    if (*at == connection) {
      *at = connection->next;
      free(connection);
      return;
    }
  }
}

static void note_connection(void *user_data, struct MHD_Connection *mhd, void **socket_context,
                            enum MHD_ConnectionNotificationCode code) {
  struct http_server *server = user_data;
  if (code == MHD_CONNECTION_NOTIFY_STARTED) {
    *socket_context = begin_connection(server, mhd);
  } else {
    end_connection(server, *socket_context);
    *socket_context = NULL;
  }
}

static struct connection *find_connection(struct MHD_Connection *mhd) {
  const union MHD_ConnectionInfo *info = info_of(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  return info != NULL ? info->socket_context : NULL;
}

/* Called with the request line, before the headers. */
static void *note_request(void *user_data, const char *uri, struct MHD_Connection *mhd) {
  struct http_server *server = user_data;
  struct connection *connection = find_connection(mhd);
  (void)uri;
  if (connection != NULL) {
    connection->paused = false;
  }
  if (connection != NULL && connection->deadline_ns > request_deadline_ns(server)) {
    connection->deadline_ns = request_deadline_ns(server);
  }
  return NULL;
}

static void note_completed(void *user_data, struct MHD_Connection *mhd, void **context,
                           enum MHD_RequestTerminationCode code) {
  struct http_server *server = user_data;
  struct exchange *exchange = *context;
  struct connection *connection = find_connection(mhd);
  (void)code;
  if (connection != NULL && connection->deadline_ns != PAW_TIME_NEVER) {
    connection->deadline_ns = system_now_ns() + server->config.pause_ns;
    connection->paused = true;
  }
  if (exchange != NULL) {
    free(exchange->body);
    free(exchange);
    *context = NULL;
  }
}

/* libmicrohttpd's own time-out knows inactivity only. A shut down socket reads as its end. */
static uint64_t cut_overdue(struct http_server *server, uint64_t now_ns) {
  uint64_t next_ns = PAW_TIME_NEVER;
  for (struct connection *at = server->connections; at != NULL; at = at->next) {
    if (at->deadline_ns <= now_ns) {
      (void)shutdown(at->fd, SHUT_RDWR);
      at->deadline_ns = PAW_TIME_NEVER;
    } else if (at->deadline_ns < next_ns) {
      next_ns = at->deadline_ns;
    }
  }
  return next_ns;
}

/* ---- room ---- */

static size_t count_connections(const struct http_server *server,
                                const struct rate_client *client) {
  size_t count = 0;
  for (const struct connection *at = server->connections; at != NULL; at = at->next) {
    count += client == NULL || rate_client_equal(client, &at->client);
  }
  return count;
}

/* Of all, or of a client, the connection that has paused for longest gives way. */
static bool cut_paused(struct http_server *server, const struct rate_client *client) {
  struct connection *found = NULL;
  for (struct connection *at = server->connections; at != NULL; at = at->next) {
    if (at->paused && at->deadline_ns != PAW_TIME_NEVER &&
        (client == NULL || rate_client_equal(client, &at->client)) &&
        (found == NULL || at->deadline_ns < found->deadline_ns)) {
      found = at;
    }
  }
  if (found != NULL) {
    found->deadline_ns = PAW_TIME_NEVER;
    (void)shutdown(found->fd, SHUT_RDWR);
    (void)MHD_run(server->daemon); /* it ends here */
  }
  return found != NULL;
}

static bool may_connect(struct http_server *server, int fd, const struct sockaddr *remote) {
  struct rate_client client = client_of(fd, remote);
  return (count_connections(server, &client) < CONNECTIONS_PER_CLIENT_MAX ||
          cut_paused(server, &client)) &&
         (count_connections(server, NULL) < CONNECTIONS_MAX || cut_paused(server, NULL));
}

/* ---- a request ---- */

static enum http_method read_method(const char *text) {
  int method = HTTP_GET;
  while (method < HTTP_OTHER && strcmp(http_method_name((enum http_method)method), text) != 0) {
    method++;
  }
  return (enum http_method)method;
}

static void add_body(struct exchange *exchange, const char *data, size_t len) {
  exchange->discarded += exchange->body_too_long ? len : 0;
  if (exchange->body_too_long || len > exchange->body_max - exchange->body_len) {
    free(exchange->body);
    exchange->body = NULL;
    exchange->body_len = 0;
    exchange->body_too_long = true;
    return;
  }
  char *body = realloc(exchange->body, exchange->body_len + len);
  if (body == NULL) {
    exchange->body_too_long = true;
    return;
  }
  memcpy(body + exchange->body_len, data, len);
  exchange->body = body;
  exchange->body_len += len;
}

static enum MHD_Result queue(struct MHD_Connection *mhd, struct http_response *response) {
  struct MHD_Response *out =
      MHD_create_response_from_buffer(response->body_len, response->body, MHD_RESPMEM_MUST_COPY);
  if (out == NULL) {
    return MHD_NO;
  }
  if (response->content_type != NULL) {
    (void)MHD_add_response_header(out, "Content-Type", response->content_type);
  }
  (void)MHD_add_response_header(out, "Cache-Control", "no-store");
  for (size_t i = 0; i < response->header_count; i++) {
    (void)MHD_add_response_header(out, response->headers[i].name, response->headers[i].value);
  }
  enum MHD_Result result = MHD_queue_response(mhd, (unsigned)response->status, out);
  MHD_destroy_response(out);
  return result;
}

static const char *header_of(struct MHD_Connection *mhd, const char *name) {
  return MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, name);
}

static enum MHD_Result answer(struct http_server *server, struct MHD_Connection *mhd,
                              const char *path, const char *method, struct exchange *exchange) {
  const struct connection *connection = find_connection(mhd);
  struct http_request request = {.method = read_method(method),
                                 .path = path,
                                 .authorization = header_of(mhd, "Authorization"),
                                 .content_type = header_of(mhd, "Content-Type"),
                                 .if_match = header_of(mhd, "If-Match"),
                                 .host = header_of(mhd, "Host"),
                                 .origin = header_of(mhd, "Origin"),
                                 .body = exchange->body != NULL ? exchange->body : "",
                                 .body_len = exchange->body_len,
                                 .body_too_long = exchange->body_too_long,
                                 .now_ns = system_now_ns()};
  if (connection != NULL) {
    request.client = connection->client;
  }
  struct http_response response = {0};
  server->config.handle(server->config.user_data, &request, &response);
  enum MHD_Result result = queue(mhd, &response);
  http_response_wipe(&response);
  return result;
}

/* ---- framing ---- */

struct framing {
  unsigned lengths;
  unsigned encodings;
  unsigned hosts;
  unsigned authorizations;
  unsigned origins;
  bool chunked;
};

static enum MHD_Result count_field(void *user_data, enum MHD_ValueKind kind, const char *name,
                                   const char *value) {
  struct framing *framing = user_data;
  (void)kind;
  framing->lengths += strcasecmp(name, "Content-Length") == 0;
  framing->hosts += strcasecmp(name, "Host") == 0;
  framing->authorizations += strcasecmp(name, "Authorization") == 0;
  framing->origins += strcasecmp(name, "Origin") == 0;
  if (strcasecmp(name, "Transfer-Encoding") == 0) {
    framing->encodings++;
    framing->chunked = value != NULL && strcasecmp(value, "chunked") == 0;
  }
  return MHD_YES;
}

/* RFC 9112 sections 3.2 and 6.3: a request that two readers may cut or route in two ways is
 * refused, and its connection closed. libmicrohttpd would take one of the ways. */
static bool is_ambiguous(struct MHD_Connection *mhd, const char *version) {
  struct framing framing = {0};
  (void)MHD_get_connection_values(mhd, MHD_HEADER_KIND, count_field, &framing);
  bool needs_host = strcmp(version, "HTTP/1.0") != 0;
  return framing.lengths + framing.encodings > 1 || (framing.encodings > 0 && !framing.chunked) ||
         framing.hosts > 1 || (needs_host && framing.hosts == 0) || framing.authorizations > 1 ||
         framing.origins > 1;
}

static enum MHD_Result refuse_ambiguous(struct MHD_Connection *mhd) {
  struct http_response response = {0};
  http_response_say(&response, 400, "The request can be understood in more than one way.");
  http_response_add(&response, "Connection", "close");
  enum MHD_Result result = queue(mhd, &response);
  http_response_wipe(&response);
  return result;
}

static size_t discarded_max(size_t body_max) {
  size_t most = body_max * DISCARDED_FACTOR;
  return most > DISCARDED_BYTES_MIN ? most : DISCARDED_BYTES_MIN;
}

static bool announces_flood(struct MHD_Connection *mhd, size_t max) {
  const char *length = header_of(mhd, "Content-Length");
  return length != NULL && strtoull(length, NULL, 10) > discarded_max(max);
}

/* libmicrohttpd calls this first: a NUL would end the path before its end. */
static size_t unescape(void *user_data, struct MHD_Connection *mhd, char *text) {
  (void)user_data;
  (void)mhd;
  return strstr(text, "%00") == NULL ? MHD_http_unescape(text) : strlen(text);
}

/* An answer before the body has been read ends the connection. */
static enum MHD_Result begin_exchange(struct http_server *server, struct MHD_Connection *mhd,
                                      const char *path, const char *method,
                                      struct exchange *exchange) {
  exchange->body_max = server->config.body_max(server->config.user_data, path);
  if (announces_flood(mhd, exchange->body_max)) {
    exchange->body_too_long = true;
    return answer(server, mhd, path, method, exchange);
  }
  return MHD_YES;
}

/* libmicrohttpd calls this once with the headers, then for every piece of body, then with none. */
static enum MHD_Result handle_access(void *user_data, struct MHD_Connection *mhd, const char *path,
                                     const char *method, const char *version, const char *data,
                                     size_t *len, void **context) {
  struct http_server *server = user_data;
  struct exchange *exchange = *context;
  if (exchange == NULL) {
    exchange = calloc(1, sizeof *exchange);
    *context = exchange;
    if (exchange == NULL) {
      return MHD_NO;
    }
    return is_ambiguous(mhd, version) ? refuse_ambiguous(mhd)
                                      : begin_exchange(server, mhd, path, method, exchange);
  }
  if (*len > 0) {
    add_body(exchange, data, *len);
    *len = 0;
    return exchange->discarded > discarded_max(exchange->body_max) ? MHD_NO : MHD_YES;
  }
  return answer(server, mhd, path, method, exchange);
}

/* ---- the daemon in the loop ---- */

/* Only the format is logged: what it is filled with may be what a client sent. */
__attribute__((format(printf, 2, 0))) static void take_message(void *user_data, const char *format,
                                                               va_list arguments) {
  struct http_server *server = user_data;
  char *text = server->last_message.text;
  assert(format != NULL);
  (void)vsnprintf(text, sizeof server->last_message.text, format, arguments);
  text[strcspn(text, "\n")] = '\0';
  system_tell(&server->config.log, PAW_LOG_DEBUG, "http", "libmicrohttpd: %.*s",
              (int)strcspn(format, "\n"), format);
}

/* The next pause begins once somebody was accepted: a row of them lasts no longer than one. */
static void leave_listener(struct http_server *server, uint64_t pause_ns) {
  uint64_t now_ns = system_now_ns();
  struct loop_timer *timer = &server->accept_timer;
  if (server->accept_paused_ns == PAW_TIME_NEVER) {
    server->accept_paused_ns = now_ns;
  }
  uint64_t latest_ns = server->accept_paused_ns + ACCEPT_PAUSE_NS;
  uint64_t until_ns = now_ns + pause_ns < latest_ns ? now_ns + pause_ns : latest_ns;
  if (until_ns > now_ns &&
      (timer->deadline_ns == PAW_TIME_NEVER || timer->deadline_ns < until_ns)) {
    loop_unwatch(server->loop, server->listener);
    loop_timer_set(timer, until_ns);
  }
}

/* A TLS handshake costs milliseconds, and libmicrohttpd does all that is ready in one go: before
 * another connection is taken, as much time is left to the audio as this has taken. So a crowd's
 * handshakes do not come due together. */
static void run(struct http_server *server) {
  uint64_t begin_ns = system_now_ns();
  (void)MHD_run(server->daemon);
  uint64_t took_ns = system_now_ns() - begin_ns;
  if (took_ns >= BUSY_NS) {
    leave_listener(server, took_ns);
  }
}

static void on_ready(void *user_data, int fd, short ready) {
  (void)fd;
  (void)ready;
  run(user_data);
}

static void on_connect(void *user_data, int fd, short ready) {
  struct http_server *server = user_data;
  struct sockaddr_storage address = {0};
  socklen_t len = sizeof address;
  (void)ready;
  server->accept_paused_ns = PAW_TIME_NEVER;
  int connection = accept4(fd, (struct sockaddr *)&address, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (connection >= 0 && !may_connect(server, connection, (const struct sockaddr *)&address)) {
    close(connection);
  } else if (connection >= 0) {
    server->accept_failures = 0;
    (void)MHD_add_connection(server->daemon, connection, (struct sockaddr *)&address, len);
    run(server);
  } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
    system_tell(&server->config.log,
                server->accept_failures++ == 0 ? PAW_LOG_WARNING : PAW_LOG_DEBUG, "http",
                "a connection has to wait: %s", strerror(errno));
    leave_listener(server, ACCEPT_PAUSE_NS);
  }
}

static void on_accept_timer(void *user_data, uint64_t now_ns) {
  struct http_server *server = user_data;
  (void)now_ns;
  (void)loop_watch(server->loop, server->listener, POLLIN, on_connect, server);
}

static void on_timer(void *user_data, uint64_t now_ns) {
  struct http_server *server = user_data;
  (void)cut_overdue(server, now_ns);
  run(server);
}

void http_server_idle(struct http_server *server, uint64_t now_ns) {
  uint64_t deadline_ns = cut_overdue(server, now_ns);
  MHD_UNSIGNED_LONG_LONG wait_ms = 0;
  if (MHD_get_timeout(server->daemon, &wait_ms) == MHD_YES) {
    uint64_t wait_ns = wait_ms * PAW_NS_PER_MS;
    uint64_t run_ns = now_ns + (wait_ns > RUN_EVERY_NS ? wait_ns : RUN_EVERY_NS);
    /* A turn of the loop in between does not put it off. */
    uint64_t set_ns = server->timer.deadline_ns;
    run_ns = set_ns > now_ns && set_ns < run_ns ? set_ns : run_ns;
    deadline_ns = run_ns < deadline_ns ? run_ns : deadline_ns;
  }
  loop_timer_set(&server->timer, deadline_ns);
}

static struct MHD_Daemon *start_daemon(struct http_server *server) {
  const struct tls_identity *identity = server->config.identity;
  union {
    const char *in;
    void *out;
  } certificate = {.in = identity != NULL ? identity->certificate_pem : NULL},
    key = {.in = identity != NULL ? identity->key_pem : NULL},
    priorities = {.in = TLS_PRIORITIES}; /* MHD_OptionItem has no const */
  struct MHD_OptionItem tls[] = {{MHD_OPTION_HTTPS_MEM_CERT, 0, certificate.out},
                                 {MHD_OPTION_HTTPS_MEM_KEY, 0, key.out},
                                 {MHD_OPTION_HTTPS_PRIORITIES, 0, priorities.out},
                                 {MHD_OPTION_END, 0, NULL}};
  struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};
  unsigned flags = MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG |
                   (identity != NULL ? MHD_USE_TLS : 0);
  return MHD_start_daemon(
      flags, 0, NULL, NULL, handle_access, server, MHD_OPTION_EXTERNAL_LOGGER, take_message, server,
      MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
      (size_t)CONNECTION_BYTES, MHD_OPTION_NOTIFY_CONNECTION, note_connection, server,
      MHD_OPTION_URI_LOG_CALLBACK, note_request, server, MHD_OPTION_UNESCAPE_CALLBACK, unescape,
      server, MHD_OPTION_NOTIFY_COMPLETED, note_completed, server, MHD_OPTION_ARRAY,
      identity != NULL ? tls : none, MHD_OPTION_END);
}

static int watch_daemon(struct http_server *server, struct fault *fault) {
  const union MHD_DaemonInfo *info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
  if (info == NULL) {
    return fault_set(fault, "libmicrohttpd was built without epoll");
  }
  server->epoll_fd = info->listen_fd;
  if (loop_watch(server->loop, server->epoll_fd, POLLIN, on_ready, server) != 0 ||
      loop_watch(server->loop, server->listener, POLLIN, on_connect, server) != 0) {
    return fault_set(fault, "HTTP: too many descriptors are watched");
  }
  loop_timer_init(server->loop, &server->timer, on_timer, server);
  loop_timer_init(server->loop, &server->accept_timer, on_accept_timer, server);
  return 0;
}

int http_server_open(const struct http_server_config *config, struct loop *loop,
                     struct http_server **out, struct fault *fault) {
  struct http_server *server = calloc(1, sizeof *server);
  if (server == NULL) {
    return fault_set(fault, "HTTP: out of memory");
  }
  server->config = *config;
  server->config.request_ns = config->request_ns > 0 ? config->request_ns : REQUEST_NS;
  server->config.pause_ns = config->pause_ns > 0 ? config->pause_ns : PAUSE_NS;
  server->loop = loop;
  server->accept_paused_ns = PAW_TIME_NEVER;
  server->listener = open_listener(&config->listen, fault);
  if (server->listener < 0) {
    free(server);
    return -1;
  }
  server->port = bound_port(server->listener);
  server->daemon = start_daemon(server);
  if (server->daemon == NULL) {
    close(server->listener);
    (void)fault_set(fault, "cannot start HTTP%s: %.400s", config->identity != NULL ? "S" : "",
                    server->last_message.text);
    free(server);
    return -1;
  }
  if (watch_daemon(server, fault) != 0) {
    MHD_stop_daemon(server->daemon);
    close(server->listener);
    free(server);
    return -1;
  }
  *out = server;
  return 0;
}

void http_server_close(struct http_server *server) {
  if (server == NULL) {
    return;
  }
  loop_unwatch(server->loop, server->listener);
  loop_unwatch(server->loop, server->epoll_fd);
  close(server->listener);
  loop_timer_wipe(server->loop, &server->timer);
  loop_timer_wipe(server->loop, &server->accept_timer);
  MHD_stop_daemon(server->daemon);
  free(server);
}

uint16_t http_server_get_port(const struct http_server *server) {
  return server->port;
}
