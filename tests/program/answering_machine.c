/* SPDX-License-Identifier: MIT */
/* answering_machine FILE...: an HTTP server on a free port of 127.0.0.1 that answers the first
 * request with the bytes of the first file, the second with those of the second, and so on; the
 * last file serves all that follow. Prints "port N", then a line for each request: its first two
 * words, and "lite" if its body says a=ice-lite. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_MAX 16384

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

static void answer(int fd, const char *path) {
  char bytes[REQUEST_MAX];
  FILE *file = fopen(path, "rb");
  if (file == NULL) {
    exit(1);
  }
  size_t len = fread(bytes, 1, sizeof bytes, file);
  (void)fclose(file);
  if (write(fd, bytes, len) != (ssize_t)len) {
    exit(1);
  }
}

int main(int argc, char **argv) {
  int listener = argc > 1 ? listen_somewhere() : -1;
  for (int next = 1; listener >= 0; next += next < argc - 1) {
    char request[REQUEST_MAX];
    int fd = accept(listener, NULL, NULL);
    if (fd < 0) {
      return 1;
    }
    read_request(fd, request);
    int lite = strstr(request, "a=ice-lite") != NULL;
    char *line_end = strstr(request, " HTTP/");
    if (line_end != NULL) {
      *line_end = '\0';
      (void)printf("%s%s\n", request, lite ? " lite" : "");
      (void)fflush(stdout);
      answer(fd, argv[next]);
    }
    (void)close(fd);
  }
  return 2;
}
