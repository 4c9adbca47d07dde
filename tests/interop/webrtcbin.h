/* SPDX-License-Identifier: MIT */
/* A pipeline around GStreamer's webrtcbin on loopback, with its offer or answer in one piece. */
#ifndef INTEROP_WEBRTCBIN_H
#define INTEROP_WEBRTCBIN_H

/* GStreamer 1.22 still calls its WebRTC library unstable. */
#define GST_USE_UNSTABLE_API
#include <gst/gst.h>
#include <gst/sdp/sdp.h>
#include <gst/webrtc/webrtc.h>

struct webrtcbin {
  GstElement *pipeline;
  GstElement *element;
};

/* `description` is of gst_parse_launch and holds an element named "peer". Exits when it does not.
 */
void webrtcbin_open(struct webrtcbin *peer, const char *description);
void webrtcbin_close(struct webrtcbin *peer);

/* SDP with all candidates; freed with g_free. NULL when webrtcbin makes none. */
char *webrtcbin_create_offer(struct webrtcbin *peer);
char *webrtcbin_answer(struct webrtcbin *peer, const char *offer);
gboolean webrtcbin_accept_answer(struct webrtcbin *peer, const char *answer);

#endif
