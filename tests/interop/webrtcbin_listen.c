/* SPDX-License-Identifier: MIT */
/* webrtcbin_listen URL PIN TOKEN FILE SECONDS [rtx]: GStreamer's webrtcbin listens at a WHEP
 * server, and writes so many seconds of what it decodes to a WAV file. With "rtx" it offers
 * retransmissions (RFC 4588), loses every tenth packet, and must get some of them back so. */
#include <curl/curl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wav.h"
#include "webrtcbin.h"

#define RATE_HZ 48000
#define CHANNELS 2
#define HTTP_BUDGET_S 10
#define CONNECT_BUDGET_S 10
#define SDP_MAX 65536

static struct wav_writer writer;
static guint64 frames_wanted;
static GMutex lock;
static GCond heard;
static gboolean heard_all;

/* ---- HTTP ---- */

struct text {
  char data[SDP_MAX];
  size_t len;
};

static size_t take_body(char *data, size_t size, size_t count, void *user_data) {
  struct text *body = user_data;
  size_t len = size * count;
  if (len >= sizeof body->data - body->len) {
    return 0;
  }
  memcpy(body->data + body->len, data, len);
  body->len += len;
  body->data[body->len] = '\0';
  return len;
}

static CURL *make_request(const char *pin, const char *token, struct curl_slist **headers) {
  CURL *curl = curl_easy_init();
  char authorization[256];
  (void)snprintf(authorization, sizeof authorization, "Authorization: Bearer %s", token);
  *headers = curl_slist_append(NULL, authorization);
  *headers = curl_slist_append(*headers, "Content-Type: application/sdp");
  (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, *headers);
  (void)curl_easy_setopt(curl, CURLOPT_PINNEDPUBLICKEY, pin);
  (void)curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
  (void)curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
  (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)HTTP_BUDGET_S);
  return curl;
}

static void expect_status(CURL *curl, const char *what, long wanted) {
  long status = 0;
  CURLcode code = curl_easy_perform(curl);
  (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  if (code != CURLE_OK || status != wanted) {
    (void)fprintf(stderr, "%s: %s, status %ld\n", what, curl_easy_strerror(code), status);
    exit(1);
  }
}

/* pa-send gives an absolute path. NULL when there is none. */
static char *find_session(CURL *curl, const char *url) {
  struct curl_header *location = NULL;
  const char *path = strchr(strstr(url, "://") + 3, '/');
  if (path == NULL || curl_easy_header(curl, "Location", 0, CURLH_HEADER, -1, &location) != 0) {
    return NULL;
  }
  return g_strdup_printf("%.*s%s", (int)(path - url), url, location->value);
}

/* ---- what is heard ---- */

static void take_sound(GstElement *sink, GstBuffer *buffer, GstPad *pad, gpointer user_data) {
  (void)sink;
  (void)pad;
  (void)user_data;
  GstMapInfo map;
  struct fault fault;
  if (writer.frames < frames_wanted && gst_buffer_map(buffer, &map, GST_MAP_READ)) {
    (void)wav_writer_write(&writer, (const int16_t *)(const void *)map.data,
                           map.size / (CHANNELS * sizeof(int16_t)), &fault);
    gst_buffer_unmap(buffer, &map);
  }
  if (writer.frames >= frames_wanted) {
    g_mutex_lock(&lock);
    heard_all = TRUE;
    g_cond_signal(&heard);
    g_mutex_unlock(&lock);
  }
}

static void take_pad(GstElement *element, GstPad *pad, gpointer user_data) {
  (void)element;
  if (GST_PAD_DIRECTION(pad) != GST_PAD_SRC) {
    return;
  }
  GstElement *chain = gst_parse_bin_from_description(
      "rtpopusdepay ! opusdec ! audioconvert ! audio/x-raw,format=S16LE,channels=2,rate=48000 ! "
      "fakesink name=ear sync=false async=false signal-handoffs=true",
      TRUE, NULL);
  GstElement *ear = gst_bin_get_by_name(GST_BIN(chain), "ear");
  g_signal_connect(ear, "handoff", G_CALLBACK(take_sound), NULL);
  gst_object_unref(ear);
  (void)gst_bin_add(GST_BIN(user_data), chain);
  (void)gst_element_sync_state_with_parent(chain);
  GstPad *sink = gst_element_get_static_pad(chain, "sink");
  (void)gst_pad_link(pad, sink);
  gst_object_unref(sink);
}

static gboolean wait_heard(guint64 seconds) {
  gint64 budget_us = (gint64)(seconds + CONNECT_BUDGET_S) * G_USEC_PER_SEC;
  gint64 deadline_us = g_get_monotonic_time() + budget_us;
  gboolean in_time = TRUE;
  g_mutex_lock(&lock);
  while (in_time && !heard_all) {
    in_time = g_cond_wait_until(&heard, &lock, deadline_us);
  }
  g_mutex_unlock(&lock);
  return in_time;
}

/* ---- retransmissions ---- */

#define PAYLOAD_TYPE 96

static GstPadProbeReturn lose_every_tenth(GstPad *pad, GstPadProbeInfo *info, gpointer user_data) {
  static unsigned count;
  (void)pad;
  (void)user_data;
  guint8 type = 0;
  gsize got = gst_buffer_extract(GST_PAD_PROBE_INFO_BUFFER(info), 1, &type, 1);
  bool media = got == 1 && (type & 0x7f) == PAYLOAD_TYPE;
  return media && ++count % 10 == 0 ? GST_PAD_PROBE_DROP : GST_PAD_PROBE_OK;
}

/* The elements inside of it do not have names of ours. */
static void lose_packets(struct webrtcbin *peer) {
  GstElement *rtpbin = gst_bin_get_by_name(GST_BIN(peer->element), "rtpbin");
  GstPad *sink = gst_element_get_static_pad(rtpbin, "recv_rtp_sink_0");
  (void)gst_pad_add_probe(sink, GST_PAD_PROBE_TYPE_BUFFER, lose_every_tenth, NULL, NULL);
  gst_object_unref(sink);
  gst_object_unref(rtpbin);
}

static void add_retransmissions(const GValue *item, gpointer user_data) {
  GstElement *element = GST_ELEMENT(g_value_get_object(item));
  guint packets = 0;
  if (g_str_has_prefix(GST_ELEMENT_NAME(element), "rtprtxreceive")) {
    g_object_get(element, "num-rtx-packets", &packets, NULL);
    *(guint *)user_data += packets;
  }
}

static guint count_retransmissions(struct webrtcbin *peer) {
  guint count = 0;
  GstIterator *elements = gst_bin_iterate_recurse(GST_BIN(peer->element));
  (void)gst_iterator_foreach(elements, add_retransmissions, &count);
  gst_iterator_free(elements);
  return count;
}

static void open_listener(struct webrtcbin *peer, gboolean rtx) {
  GstWebRTCRTPTransceiver *transceiver = NULL;
  webrtcbin_open(peer, "webrtcbin name=peer bundle-policy=max-bundle");
  g_signal_connect(peer->element, "pad-added", G_CALLBACK(take_pad), peer->pipeline);
  GstCaps *caps = gst_caps_from_string(
      "application/x-rtp,media=audio,encoding-name=OPUS,"
      "payload=96,clock-rate=48000,encoding-params=(string)2");
  (void)gst_element_set_state(peer->pipeline, GST_STATE_PLAYING);
  g_signal_emit_by_name(peer->element, "add-transceiver",
                        GST_WEBRTC_RTP_TRANSCEIVER_DIRECTION_RECVONLY, caps, &transceiver);
  gst_caps_unref(caps);
  g_object_set(transceiver, "do-nack", rtx, NULL);
  gst_object_unref(transceiver);
}

int main(int argc, char **argv) {
  static struct text answer;
  struct webrtcbin peer;
  struct fault fault;
  gboolean rtx = argc == 7 && strcmp(argv[6], "rtx") == 0;
  if (argc != 6 && !rtx) {
    return 2;
  }
  guint64 seconds = strtoul(argv[5], NULL, 10);
  frames_wanted = seconds * RATE_HZ;
  gst_init(NULL, NULL);
  (void)curl_global_init(CURL_GLOBAL_DEFAULT);
  if (wav_writer_open(&writer, argv[4], RATE_HZ, CHANNELS, &fault) != 0) {
    return 1;
  }
  open_listener(&peer, rtx);
  char *offer = webrtcbin_create_offer(&peer);
  if (offer == NULL) {
    (void)fprintf(stderr, "no offer\n");
    return 1;
  }
  struct curl_slist *headers = NULL;
  CURL *curl = make_request(argv[2], argv[3], &headers);
  (void)curl_easy_setopt(curl, CURLOPT_URL, argv[1]);
  (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, offer);
  (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
  (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
  expect_status(curl, "POST", 201);
  char *session = find_session(curl, argv[1]);
  if (session == NULL || !webrtcbin_accept_answer(&peer, answer.data)) {
    (void)fprintf(stderr, "the answer was not accepted:\n%s\n", answer.data);
    return 1;
  }
  if (rtx) {
    lose_packets(&peer);
  }
  gboolean good = wait_heard(seconds);
  if (rtx) {
    guint repaired = count_retransmissions(&peer);
    (void)fprintf(stderr, "%u retransmissions\n", repaired);
    good = good && repaired > 0;
  }
  (void)fprintf(stderr, "heard %llu frames\n", (unsigned long long)writer.frames);
  good = wav_writer_close(&writer, &fault) == 0 && good;

  (void)curl_easy_setopt(curl, CURLOPT_URL, session);
  (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, NULL);
  (void)curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
  (void)curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, "DELETE");
  expect_status(curl, "DELETE", 200);
  webrtcbin_close(&peer);
  curl_easy_cleanup(curl);
  curl_slist_free_all(headers);
  g_free(session);
  g_free(offer);
  return good ? 0 : 1;
}
