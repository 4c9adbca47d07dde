/* SPDX-License-Identifier: MIT */
#include "sdp/text.h"

/* "o=<user> <id> <version> IN IP4 <address>" (RFC 8866 section 5.2); only the numbers count. */
static int read_origin(struct paw_text line, struct paw_sdp *sdp) {
  (void)paw_sdp_take_word(&line);
  bool good = paw_sdp_read_number(paw_sdp_take_word(&line), UINT64_MAX, &sdp->session_id);
  good = paw_sdp_read_number(paw_sdp_take_word(&line), UINT64_MAX, &sdp->session_version) && good;
  return good ? PAW_OK : PAW_ERR_MALFORMED;
}

static int read_session(struct paw_sdp *sdp) {
  struct paw_text rest = sdp->session;
  struct paw_text line;
  if (!paw_sdp_take_line(&rest, &line) || !paw_sdp_is(line, "v=0")) {
    return PAW_ERR_MALFORMED;
  }
  while (paw_sdp_take_line(&rest, &line)) {
    if (paw_sdp_take_prefix(&line, "o=")) {
      return read_origin(line, sdp);
    }
  }
  return PAW_ERR_MALFORMED;
}

/* "m=<kind> <port>[/<count>] <protocol> <format> …" (RFC 8866 section 5.14). */
static int read_media_line(struct paw_text line, struct paw_sdp_media *media) {
  if (!paw_sdp_take_prefix(&line, "m=")) {
    return PAW_ERR_MALFORMED;
  }
  media->kind = paw_sdp_take_word(&line);
  struct paw_text ports = paw_sdp_take_word(&line);
  uint64_t port = 0;
  bool good = paw_sdp_read_number(paw_sdp_take_until(&ports, '/'), UINT16_MAX, &port);
  media->port = (uint16_t)port;
  media->protocol = paw_sdp_take_word(&line);
  media->formats = paw_sdp_take_until(&line, '\n');
  return good && media->formats.len > 0 ? PAW_OK : PAW_ERR_MALFORMED;
}

static int read_media(struct paw_text section, struct paw_sdp_media *media) {
  struct paw_text line;
  struct paw_text name;
  struct paw_text value;
  *media = (struct paw_sdp_media){0};
  (void)paw_sdp_take_line(&section, &line);
  media->lines = section;
  while (paw_sdp_take_line(&section, &name)) {
    if (!paw_sdp_read_attribute(name, &name, &value)) {
      continue;
    }
    if (paw_sdp_is(name, "mid")) {
      media->mid = value;
    }
    media->bundle_only = media->bundle_only || paw_sdp_is(name, "bundle-only");
  }
  return read_media_line(line, media);
}

static void mark_bundled(struct paw_sdp *sdp, struct paw_text mids) {
  for (struct paw_text mid = paw_sdp_take_word(&mids); mid.len > 0;
       mid = paw_sdp_take_word(&mids)) {
    for (size_t i = 0; i < sdp->media_count; i++) {
      sdp->media[i].bundled = sdp->media[i].bundled || paw_sdp_is_text(sdp->media[i].mid, mid);
    }
  }
}

/* RFC 9143 section 7: "a=group:BUNDLE <mid> …" */
static void read_groups(struct paw_sdp *sdp) {
  struct paw_text rest = sdp->session;
  struct paw_text line;
  struct paw_text name;
  struct paw_text value;
  while (paw_sdp_take_line(&rest, &line)) {
    if (paw_sdp_read_attribute(line, &name, &value) && paw_sdp_is(name, "group") &&
        paw_sdp_is(paw_sdp_take_word(&value), "BUNDLE")) {
      mark_bundled(sdp, value);
    }
  }
}

/* RFC 8866 section 9, byte-string: no NUL, which would end an answer that repeats it early, and no
 * CR, which to some parsers ends the line. Before the end of a line, though, any number of them. */
static bool is_lines(struct paw_text text) {
  bool ends = false;
  for (size_t i = 0; i < text.len; i++) {
    char c = text.data[i];
    if (c == '\0' || (ends && c != '\r' && c != '\n')) {
      return false;
    }
    ends = c == '\r';
  }
  return true;
}

int paw_sdp_parse(const char *text, size_t len, struct paw_sdp *sdp) {
  *sdp = (struct paw_sdp){.media = sdp->media};
  if (len > PAW_SDP_BYTES_MAX) {
    return PAW_ERR_LIMIT;
  }
  struct paw_text rest = {.data = text, .len = len};
  if (!is_lines(rest) || !paw_sdp_take_section(&rest, &sdp->session)) {
    return PAW_ERR_MALFORMED;
  }
  int status = read_session(sdp);
  struct paw_text section;
  while (status == PAW_OK && paw_sdp_take_section(&rest, &section)) {
    if (sdp->media_count == PAW_SDP_MEDIA_MAX) {
      return PAW_ERR_LIMIT;
    }
    status = read_media(section, &sdp->media[sdp->media_count++]);
  }
  read_groups(sdp);
  return status;
}
