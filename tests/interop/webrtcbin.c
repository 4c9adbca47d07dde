/* SPDX-License-Identifier: MIT */
#include "webrtcbin.h"

#include <stdio.h>
#include <stdlib.h>

#define GATHER_BUDGET_US (5 * G_USEC_PER_SEC)

static GMutex lock;
static GCond gathered;

static void note_gathering(GstElement *element, GParamSpec *property, gpointer user_data) {
  (void)element;
  (void)property;
  (void)user_data;
  g_mutex_lock(&lock);
  g_cond_signal(&gathered);
  g_mutex_unlock(&lock);
}

static gboolean is_gathered(GstElement *element) {
  GstWebRTCICEGatheringState state = GST_WEBRTC_ICE_GATHERING_STATE_NEW;
  g_object_get(element, "ice-gathering-state", &state, NULL);
  return state == GST_WEBRTC_ICE_GATHERING_STATE_COMPLETE;
}

static gboolean wait_gathered(struct webrtcbin *peer) {
  gint64 deadline_us = g_get_monotonic_time() + GATHER_BUDGET_US;
  gboolean in_time = TRUE;
  g_mutex_lock(&lock);
  while (in_time && !is_gathered(peer->element)) {
    in_time = g_cond_wait_until(&gathered, &lock, deadline_us);
  }
  g_mutex_unlock(&lock);
  return in_time;
}

/* Of a single element gst_parse_launch makes no pipeline. */
static GstElement *parse(const char *description) {
  GError *error = NULL;
  GstElement *parsed = gst_parse_launch(description, &error);
  if (error != NULL) {
    (void)fprintf(stderr, "no pipeline: %s\n", error->message);
    exit(2);
  }
  if (GST_IS_PIPELINE(parsed)) {
    return parsed;
  }
  GstElement *pipeline = gst_pipeline_new(NULL);
  (void)gst_bin_add(GST_BIN(pipeline), parsed);
  return pipeline;
}

void webrtcbin_open(struct webrtcbin *peer, const char *description) {
  GObject *ice = NULL;
  gboolean added = FALSE;
  peer->pipeline = parse(description);
  peer->element = gst_bin_get_by_name(GST_BIN(peer->pipeline), "peer");
  if (peer->element == NULL) {
    exit(2);
  }
  /* libnice leaves loopback out unless it is told. */
  g_object_get(peer->element, "ice-agent", &ice, NULL);
  g_signal_emit_by_name(ice, "add-local-ip-address", "127.0.0.1", &added);
  g_object_unref(ice);
  g_signal_connect(peer->element, "notify::ice-gathering-state", G_CALLBACK(note_gathering), NULL);
}

void webrtcbin_close(struct webrtcbin *peer) {
  (void)gst_element_set_state(peer->pipeline, GST_STATE_NULL);
  gst_object_unref(peer->element);
  gst_object_unref(peer->pipeline);
}

static GstWebRTCSessionDescription *create(struct webrtcbin *peer, const char *kind) {
  GstWebRTCSessionDescription *description = NULL;
  char signal[16];
  (void)g_snprintf(signal, sizeof signal, "create-%s", kind);
  GstPromise *promise = gst_promise_new();
  g_signal_emit_by_name(peer->element, signal, NULL, promise);
  if (gst_promise_wait(promise) == GST_PROMISE_RESULT_REPLIED) {
    (void)gst_structure_get(gst_promise_get_reply(promise), kind,
                            GST_TYPE_WEBRTC_SESSION_DESCRIPTION, &description, NULL);
  }
  gst_promise_unref(promise);
  return description;
}

/* True unless webrtcbin says why not. */
static gboolean set(struct webrtcbin *peer, const char *signal,
                    GstWebRTCSessionDescription *description) {
  GstPromise *promise = gst_promise_new();
  g_signal_emit_by_name(peer->element, signal, description, promise);
  (void)gst_promise_wait(promise);
  const GstStructure *reply = gst_promise_get_reply(promise);
  gboolean good = reply == NULL || !gst_structure_has_field(reply, "error");
  gst_promise_unref(promise);
  return good;
}

/* What webrtcbin creates becomes its local description, and is complete when it has gathered. */
static char *describe(struct webrtcbin *peer, const char *kind) {
  GstWebRTCSessionDescription *description = create(peer, kind);
  gboolean good =
      description != NULL && set(peer, "set-local-description", description) && wait_gathered(peer);
  if (description != NULL) {
    gst_webrtc_session_description_free(description);
  }
  if (!good) {
    return NULL;
  }
  GstWebRTCSessionDescription *whole = NULL;
  g_object_get(peer->element, "local-description", &whole, NULL);
  char *text = gst_sdp_message_as_text(whole->sdp);
  gst_webrtc_session_description_free(whole);
  return text;
}

static gboolean set_remote(struct webrtcbin *peer, GstWebRTCSDPType type, const char *text) {
  GstSDPMessage *sdp = NULL;
  if (gst_sdp_message_new_from_text(text, &sdp) != GST_SDP_OK) {
    return FALSE;
  }
  GstWebRTCSessionDescription *remote = gst_webrtc_session_description_new(type, sdp);
  gboolean good = set(peer, "set-remote-description", remote);
  gst_webrtc_session_description_free(remote);
  return good;
}

char *webrtcbin_create_offer(struct webrtcbin *peer) {
  return describe(peer, "offer");
}

char *webrtcbin_answer(struct webrtcbin *peer, const char *offer) {
  return set_remote(peer, GST_WEBRTC_SDP_TYPE_OFFER, offer) ? describe(peer, "answer") : NULL;
}

gboolean webrtcbin_accept_answer(struct webrtcbin *peer, const char *answer) {
  return set_remote(peer, GST_WEBRTC_SDP_TYPE_ANSWER, answer);
}
