/* SPDX-License-Identifier: MIT */
/* webrtcbin_serve HZ: a WHEP server on a free port of 127.0.0.1 that answers a POST with the answer
 * of a GStreamer webrtcbin which plays a sine of -12 dBFS; one session at a time, a new one takes
 * the place of the last. Prints "port N", then a line for each request: its first two words, and
 * "lite" if its body says a=ice-lite. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "webrtcbin.h"

#define REQUEST_MAX 65536

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

static gboolean is_whole(const char *request) {
  const char *body = strstr(request, "\r\n\r\n");
  const char *length = strcasestr(request, "\r\ncontent-length:");
  return body != NULL && (length == NULL || strlen(body + 4) >= strtoul(length + 17, NULL, 10));
}

static void read_request(int fd, char request[REQUEST_MAX]) {
  size_t len = 0;
  ssize_t got = 1;
  request[0] = '\0';
  while (!is_whole(request) && len < REQUEST_MAX - 1 && got > 0) {
    got = read(fd, request + len, REQUEST_MAX - 1 - len);
    len += got > 0 ? (size_t)got : 0;
    request[len] = '\0';
  }
}

static void respond(int fd, const char *status_and_headers, const char *body) {
  char *text = g_strdup_printf("HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
                               status_and_headers, strlen(body), body);
  size_t len = strlen(text);
  if (write(fd, text, len) != (ssize_t)len) {
    (void)fprintf(stderr, "a response was cut off\n");
  }
  g_free(text);
}

static void open_speaker(struct webrtcbin *peer, const char *hz) {
  char *description = g_strdup_printf(
      "audiotestsrc is-live=true freq=%s volume=0.25119 ! audio/x-raw,rate=48000,channels=2 ! "
      "opusenc frame-size=10 ! rtpopuspay pt=111 ! "
      "application/x-rtp,media=audio,encoding-name=OPUS,payload=111 ! "
      "webrtcbin name=peer bundle-policy=max-bundle",
      hz);
  webrtcbin_open(peer, description);
  g_free(description);
  (void)gst_element_set_state(peer->pipeline, GST_STATE_PLAYING);
}

static void print_request(char *request) {
  const char *lite = strstr(request, "a=ice-lite") == NULL ? "" : " lite";
  char *line_end = strstr(request, " HTTP/");
  if (line_end != NULL) {
    (void)printf("%.*s%s\n", (int)(line_end - request), request, lite);
    (void)fflush(stdout);
  }
}

int main(int argc, char **argv) {
  static char request[REQUEST_MAX];
  struct webrtcbin peer = {0};
  if (argc != 2) {
    return 2;
  }
  gst_init(NULL, NULL);
  int listener = listen_somewhere();
  for (;;) {
    int fd = accept(listener, NULL, NULL);
    if (fd < 0) {
      return 1;
    }
    read_request(fd, request);
    print_request(request);
    const char *body = strstr(request, "\r\n\r\n");
    if (strncmp(request, "POST ", 5) == 0 && body != NULL) {
      if (peer.pipeline != NULL) {
        webrtcbin_close(&peer);
      }
      open_speaker(&peer, argv[1]);
      char *answer = webrtcbin_answer(&peer, body + 4);
      respond(fd,
              answer == NULL ? "500 No Answer"
                             : "201 Created\r\nContent-Type: application/sdp\r\nETag: \"one\"\r\n"
                               "Location: /whep/one",
              answer == NULL ? "" : answer);
      g_free(answer);
    } else {
      respond(fd, "200 OK", "");
    }
    (void)close(fd);
  }
}
