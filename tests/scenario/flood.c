/* SPDX-License-Identifier: MIT */
#include "scenario/flood.h"
#include "kit/hmac.h"

#include <stdio.h>
#include <string.h>

#include "kit/alloc.h"
#include "rtc/rtc_private.h"
#include "rtp/rtp.h"
#include "stun/stun.h"

#define RENDER_FRAMES 48 /* a millisecond */
#define RTP_HEADER_LEN 12

/* ---- the listeners ---- */

static void listen(void *user_data, struct kit_peer *peer, const struct paw_rtc_event *event) {
  struct flood_listener *listener = user_data;
  (void)peer;
  if (event->kind != PAW_RTC_EVENT_AUDIO) {
    return;
  }
  const struct paw_audio_packet *audio = &event->audio;
  assert_true(kit_sent_has(&listener->flood->crowd->sent, audio->data, audio->len));
  if (listener->packets > 0) {
    listener->lost += (uint16_t)(audio->sequence - listener->sequence - 1);
  }
  listener->sequence = audio->sequence;
  listener->packets++;
  assert_int_equal(
      paw_playout_handle_input(listener->playout, listener->flood->crowd->clock.now_ns, audio),
      PAW_OK);
}

static void play(struct flood_listener *listener) {
  int16_t pcm[2 * RENDER_FRAMES];
  struct kit_peer *peer = &listener->member->peer;
  uint64_t now_ns = listener->flood->crowd->clock.now_ns;
  paw_playout_render(listener->playout, pcm, RENDER_FRAMES, now_ns);
  (void)paw_rtc_serve_playout(peer->rtc, now_ns, listener->playout);
  kit_peer_drain(peer, now_ns);
}

static void init_listener(struct flood *flood, size_t index) {
  struct flood_listener *listener = &flood->listeners[index];
  struct paw_playout_config config;
  listener->flood = flood;
  listener->member = &flood->crowd->members[index + 1];
  listener->member->peer.watcher = listen;
  listener->member->peer.watcher_data = listener;
  paw_playout_config_init(&config);
  assert_int_equal(paw_playout_new(&config, &listener->playout), PAW_OK);
}

/* ---- what the hub sends ---- */

static bool is_media(const struct kit_datagram *datagram) {
  return datagram->len > 1 && datagram->data[0] >= 128 && datagram->data[0] <= 191 &&
         (datagram->data[1] < 192 || datagram->data[1] > 223);
}

static void digest(uint64_t *hash, const void *data, size_t len) {
  const uint8_t *bytes = data;
  for (size_t i = 0; i < len; i++) {
    *hash = (*hash ^ bytes[i]) * UINT64_C(0x100000001b3);
  }
}

static bool note(void *user_data, const struct kit_datagram *datagram, uint64_t now_ns) {
  struct flood *flood = user_data;
  if (!paw_address_equal(&datagram->from, &flood->crowd->hub_address)) {
    return true;
  }
  if (paw_address_equal(&datagram->to, &flood->address)) {
    flood->answers++;
    flood->answer_bytes += datagram->len;
    return true;
  }
  for (uint8_t i = 0; i < FLOOD_LISTENERS && is_media(datagram); i++) {
    if (kit_peer_owns(&flood->listeners[i].member->peer, &datagram->to)) {
      flood->media++;
      digest(&flood->digest, &now_ns, sizeof now_ns);
      digest(&flood->digest, &i, sizeof i);
      digest(&flood->digest, &datagram->len, sizeof datagram->len);
      digest(&flood->digest, datagram->data, RTP_HEADER_LEN); /* keys are new in each run */
    }
  }
  return true;
}

/* ---- the flooder ---- */

void flood_send(struct flood *flood, const uint8_t *data, size_t len) {
  struct kit_crowd *crowd = flood->crowd;
  flood->datagrams++;
  flood->datagram_bytes += len;
  kit_net_send(crowd->net, &flood->address, &crowd->hub_address, data, len, crowd->clock.now_ns);
}

void flood_send_check(struct flood *flood, const char *ufrag, const char *pwd, bool integrity) {
  char username[80];
  uint8_t data[200];
  snprintf(username, sizeof username, "%s:%s", ufrag, paw_rtc_get_ufrag(flood->flooder->peer.rtc));
  struct paw_stun_message message = {
      .class = PAW_STUN_REQUEST,
      .method = PAW_STUN_METHOD_BINDING,
      .has = PAW_STUN_HAS_USERNAME | PAW_STUN_HAS_PRIORITY | PAW_STUN_HAS_CONTROLLED |
             PAW_STUN_HAS_FINGERPRINT | (integrity ? PAW_STUN_HAS_INTEGRITY : 0),
      .username = {(const uint8_t *)username, strlen(username)},
      .priority = 0x6e7fffff,
      .controlled = 1,
  };
  memcpy(message.id, &flood->datagrams, sizeof flood->datagrams);
  struct paw_wr wr = paw_wr_init(data, sizeof data);
  assert_int_equal(paw_stun_write(&wr, &message, KIT_HMAC_KEY((const uint8_t *)pwd, strlen(pwd))),
                   PAW_OK);
  flood_send(flood, data, wr.len);
}

void flood_send_rtcp(struct flood *flood, const uint8_t *plain, size_t len) {
  uint8_t data[PAW_DATAGRAM_MAX];
  memcpy(data, plain, len);
  assert_int_equal(paw_srtp_protect_rtcp(flood->flooder->peer.rtc->srtp, data, &len, sizeof data),
                   PAW_OK);
  flood_send(flood, data, len);
}

void flood_send_rtp(struct flood *flood, uint32_t ssrc, uint16_t sequence) {
  uint8_t data[300];
  struct paw_srtp_keys keys;
  struct paw_srtp *srtp = NULL;
  struct paw_allocator heap = {0};
  const struct paw_rtp_header header = {.payload_type = flood->hub_rtc->local.opus_payload_type,
                                        .sequence = sequence,
                                        .timestamp_rtp = sequence * 480u,
                                        .ssrc = ssrc};
  struct paw_wr wr = paw_wr_init(data, sizeof data);
  paw_rtp_write_header(&wr, &header, false);
  paw_wr_u8(&wr, 0x08); /* one frame of silence */
  paw_wr_zeros(&wr, 100);
  assert_int_equal(paw_dtls_get_keys(flood->flooder->peer.rtc->dtls, &keys), PAW_OK);
  assert_int_equal(paw_srtp_new(&heap, &keys, ssrc, &srtp), PAW_OK);
  assert_int_equal(paw_srtp_protect_rtp(srtp, data, &wr.len, sizeof data), PAW_OK);
  paw_srtp_free(srtp, &heap);
  flood_send(flood, data, wr.len);
}

/* ---- a run ---- */

static void begin(struct flood *flood, bool both_ways) {
  struct kit_crowd_config config;
  kit_crowd_config_init(&config, 71, FLOOD_LISTENERS + 1);
  if (both_ways) {
    config.hub_rtc.audio.direction = PAW_DIRECTION_SENDRECV;
    config.peer_rtc.audio.direction = PAW_DIRECTION_SENDRECV;
  }
  flood->crowd = kit_crowd_new(&config);
  assert_true(kit_crowd_run_until(flood->crowd, kit_crowd_all_connected, 1000));
  flood->flooder = &flood->crowd->members[0];
  flood->address = flood->flooder->peer.addresses[0];
  flood->hub_rtc = paw_hub_get_rtc(flood->crowd->hub, flood->flooder->name);
  for (size_t i = 0; i < FLOOD_LISTENERS; i++) {
    init_listener(flood, i);
  }
  kit_crowd_run_ms(flood->crowd, 500);
  kit_crowd_talk(flood->crowd, 480);
}

static void step(struct flood *flood) {
  kit_crowd_run_ms(flood->crowd, 1);
  for (size_t i = 0; i < FLOOD_LISTENERS; i++) {
    play(&flood->listeners[i]);
  }
}

static void run(struct flood *flood, flood_burst *burst) {
  for (unsigned ms = 0; ms < 1000; ms++) {
    step(flood);
  }
  kit_net_set_filter(flood->crowd->net, note, flood);
  for (unsigned ms = 0; ms < FLOOD_MS; ms++) {
    if (ms == 1000) {
      kit_malloc_start();
    }
    if (burst != NULL) {
      burst(flood, ms);
    }
    step(flood);
  }
  flood->growth_bytes = kit_malloc_stop().outstanding_bytes;
  paw_rtc_get_stats(flood->hub_rtc, &flood->stats);
}

static void expect_unheard(const struct flood *flood) {
  for (size_t i = 0; i < FLOOD_LISTENERS; i++) {
    const struct flood_listener *listener = &flood->listeners[i];
    struct paw_playout_stats stats;
    paw_playout_get_stats(listener->playout, &stats);
    assert_in_range(listener->packets, (FLOOD_MS + 1000) / 10 - 2, (FLOOD_MS + 1000) / 10);
    assert_int_equal(listener->lost, 0);
    assert_int_equal(stats.packets_lost, 0);
    assert_int_equal(stats.concealed_samples, 0);
    assert_int_equal(stats.nacks_sent, 0);
    assert_int_equal(listener->member->peer.seen.closed_ns, 0);
    assert_int_equal(listener->member->hub.closed_ns, 0);
  }
}

static void end(struct flood *flood) {
  for (size_t i = 0; i < FLOOD_LISTENERS; i++) {
    paw_playout_free(flood->listeners[i].playout);
  }
  kit_crowd_free(flood->crowd);
}

static struct flood run_one(const struct flood_case *flood_case) {
  struct flood flood = {.digest = UINT64_C(0xcbf29ce484222325)};
  begin(&flood, flood_case->both_ways);
  run(&flood, flood_case->burst);
  expect_unheard(&flood);
  end(&flood);
  return flood;
}

/* What the listeners get of a hub that nobody floods. */
static struct flood get_calm(bool both_ways) {
  static struct flood calm[2];
  if (calm[both_ways].media == 0) {
    calm[both_ways] = run_one(&(struct flood_case){.both_ways = both_ways});
  }
  return calm[both_ways];
}

struct flood flood_run(const struct flood_case *flood_case) {
  struct flood calm = get_calm(flood_case->both_ways);
  struct flood flood = run_one(flood_case);
  printf("%-28s %6.0f in/s %8.0f B/s   %6.0f out/s %8.0f B/s   grows by %lld B\n", flood_case->name,
         (double)flood.datagrams * 1000 / FLOOD_MS, (double)flood.datagram_bytes * 1000 / FLOOD_MS,
         (double)flood.answers * 1000 / FLOOD_MS, (double)flood.answer_bytes * 1000 / FLOOD_MS,
         (long long)flood.growth_bytes);
  assert_int_equal(flood.media, FLOOD_LISTENERS * FLOOD_MS / 10);
  assert_int_equal(flood.media, calm.media);
  assert_true(flood.digest == calm.digest);
  assert_true(flood.growth_bytes <= flood_case->growth_max);
  assert_true(flood.answers <= flood_case->answers_max);
  return flood;
}
