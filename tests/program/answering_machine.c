/* SPDX-License-Identifier: MIT */
/* answering_machine [-b BODIES | -o OFFERS | -d] FILE...: an HTTP server on a free port of
 * 127.0.0.1 that answers the first request with the bytes of the first file, the second with those
 * of the second, and so on; the last file serves all that follow. Prints "port N", then a line for
 * each request: its first two words, and "lite" if its body says a=ice-lite. With -b, also the
 * values of Content-Type, If-Match and Authorization; and the bodies of PATCH requests go to the
 * file (or pipe) BODIES, each with an empty line behind it. With -o, the bodies of POST requests go
 * to OFFERS. With -d, answers drip: a byte every 50 ms. Who connects and asks nothing gets no
 * answer, and uses none up. */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_MAX 16384
#define ANSWER_MAX 131072

static int listen_somewhere(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof address;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) != 0 || listen(fd, 8) != 0 ||
      getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
    exit(1);
  }
  (void)printf("port %d\n", ntohs(address.sin_port));
  (void)fflush(stdout);
  return fd;
}

static int is_whole(const char *request) {
  const char *body = strstr(request, "\r\n\r\n");
  const char *length = strcasestr(request, "\r\ncontent-length:");
  if (body == NULL) {
    return 0;
  }
  return length == NULL || strlen(body + 4) >= strtoul(length + 17, NULL, 10);
}

static void read_request(int fd, char request[REQUEST_MAX]) {
  size_t len = 0;
  request[0] = '\0';
  while (!is_whole(request) && len < REQUEST_MAX - 1) {
    ssize_t got = read(fd, request + len, REQUEST_MAX - 1 - len);
    if (got <= 0) {
      return;
    }
    len += (size_t)got;
    request[len] = '\0';
  }
}

/* Until all is said or the other end has closed. */
static void drip(int fd, const char *bytes, size_t len) {
  struct pollfd polled = {.fd = fd, .events = POLLRDHUP};
  for (size_t i = 0; i < len && poll(&polled, 1, 50) == 0; i++) {
    if (send(fd, bytes + i, 1, MSG_NOSIGNAL) < 0) {
      return;
    }
  }
}

static void answer(int fd, const char *path, int slowly) {
  char bytes[ANSWER_MAX];
  FILE *file = fopen(path, "rb");
  if (file == NULL) {
    exit(1);
  }
  size_t len = fread(bytes, 1, sizeof bytes, file);
  (void)fclose(file);
  if (slowly) {
    drip(fd, bytes, len);
  } else if (send(fd, bytes, len, MSG_NOSIGNAL) < 0) {
    return; /* who has heard enough closes */
  }
}

static void tell_field(const char *request, const char *name) {
  char line[64];
  (void)snprintf(line, sizeof line, "\r\n%s: ", name);
  const char *found = strcasestr(request, line);
  const char *body = strstr(request, "\r\n\r\n");
  if (found != NULL && found < body) {
    const char *value = found + strlen(line);
    (void)printf(" [%.*s]", (int)strcspn(value, "\r"), value);
  }
}

static void keep_body(const char *request, const char *method, const char *path) {
  const char *body = strstr(request, "\r\n\r\n");
  FILE *file =
      path != NULL && strncmp(request, method, strlen(method)) == 0 ? fopen(path, "a") : NULL;
  if (file != NULL && body != NULL) {
    (void)fprintf(file, "%s\n", body + 4);
  }
  if (file != NULL) {
    (void)fclose(file);
  }
}

static void tell(const char *request, const char *bodies) {
  (void)printf("%.*s%s", (int)(strstr(request, " HTTP/") - request), request,
               strstr(request, "a=ice-lite") != NULL ? " lite" : "");
  if (bodies != NULL) {
    tell_field(request, "Content-Type");
    tell_field(request, "If-Match");
    tell_field(request, "Authorization");
  }
  (void)printf("\n");
  (void)fflush(stdout);
}

int main(int argc, char **argv) {
  int slowly = argc > 1 && strcmp(argv[1], "-d") == 0;
  const char *bodies = argc > 2 && strcmp(argv[1], "-b") == 0 ? argv[2] : NULL;
  const char *offers = argc > 2 && strcmp(argv[1], "-o") == 0 ? argv[2] : NULL;
  int first = bodies != NULL || offers != NULL ? 3 : 1 + slowly;
  int listener = argc > first ? listen_somewhere() : -1;
  for (int next = first; listener >= 0;) {
    char request[REQUEST_MAX];
    int fd = accept(listener, NULL, NULL);
    if (fd < 0) {
      return 1;
    }
    read_request(fd, request);
    if (strstr(request, " HTTP/") != NULL) {
      tell(request, bodies);
      keep_body(request, "PATCH ", bodies);
      keep_body(request, "POST ", offers);
      answer(fd, argv[next], slowly);
      next += next < argc - 1;
    }
    (void)close(fd);
  }
  return 2;
}
