/* SPDX-License-Identifier: MIT */
#include "rtc_world.h"

#include "hub/hub_private.h"
#include "kit/peer.h"
#include "rtc/rtc_private.h"

/* No drain gives so much. */
#define DRAIN_MAX 20000
#define STEPS_MAX 20000

/* What an end and a hub hold at most, beside libsrtp2's and mbedTLS's own memory. */
#define END_BYTES_MAX ((size_t)256 * 1024)
#define HUB_BYTES_MAX ((size_t)512 * 1024)

#define HUB_PEERS_MAX 12

static const char *const hosts[WORLD_ENDS_MAX] = {"192.0.2.1:10001", "192.0.2.2:10002",
                                                  "192.0.2.1:10001", "192.0.2.3:10003"};

/* ---- life ---- */

/* Looks at what is logged, which is made only when somebody listens. */
static void read_log(void *user_data, enum paw_log_level level, const char *room,
                     const char *text) {
  (void)user_data;
  (void)level;
  FUZZ_CHECK(strlen(room) > 0 && strlen(text) > 0);
}

void world_config_init(struct world_config *config, bool hub, bool rtx) {
  *config = (struct world_config){.end_count = 2, .hub = hub};
  for (size_t i = 0; i < 2; i++) {
    paw_rtc_config_init(&config->rtc[i]);
    config->rtc[i].log = (struct paw_log){.write = read_log, .level = PAW_LOG_DEBUG};
    config->rtc[i].audio.rtx = rtx;
  }
}

static void make_end(struct world *world, size_t index, const struct paw_rtc_config *config) {
  struct world_end *end = &world->ends[index];
  struct paw_candidate candidate = {.type = PAW_CANDIDATE_HOST};
  struct paw_rtc_config own = *config;
  kit_rng_init(&end->rng, index + 1);
  own.rng = kit_rng_hook(&end->rng);
  own.allocator = kit_allocator_hook(&world->memory);
  own.certificate = kit_certificate((unsigned)index % 2);
  end->deadline_ns = PAW_TIME_NEVER;
  FUZZ_CHECK(paw_address_parse(hosts[index], &end->address) == PAW_OK);
  candidate.address = end->address;
  FUZZ_CHECK(paw_rtc_new(&own, world->clock.now_ns, &end->rtc) == PAW_OK);
  FUZZ_CHECK(paw_rtc_add_local_candidate(end->rtc, &candidate) == PAW_OK);
  if (world->hub != NULL && index % 2 == 0) {
    FUZZ_CHECK(paw_hub_add(world->hub, end->rtc, &end->peer) == PAW_OK);
    FUZZ_CHECK(paw_hub_subscribe(world->hub, end->peer, world->track) == PAW_OK);
    end->rtc = NULL;
  }
}

static void make_hub(struct world *world) {
  struct paw_hub_config config;
  paw_hub_config_init(&config);
  config.allocator = kit_allocator_hook(&world->memory);
  config.max_peers = HUB_PEERS_MAX;
  FUZZ_CHECK(paw_hub_new(&config, world->clock.now_ns, &world->hub) == PAW_OK);
  FUZZ_CHECK(paw_hub_track_new(world->hub, &world->track) == PAW_OK);
}

int world_add_idle(struct world *world) {
  struct paw_rtc_config config;
  struct paw_rtc *rtc = NULL;
  paw_hub_peer peer = 0;
  paw_rtc_config_init(&config);
  kit_rng_init(&world->idle_rng, 100 + world->idle_count);
  config.rng = kit_rng_hook(&world->idle_rng);
  config.allocator = kit_allocator_hook(&world->memory);
  config.certificate = kit_certificate(0);
  int status = paw_rtc_new(&config, world->clock.now_ns, &rtc);
  if (status == PAW_OK) {
    status = paw_hub_add(world->hub, rtc, &peer);
    if (status != PAW_OK) {
      paw_rtc_free(rtc);
    }
  }
  world->idle_count += status == PAW_OK ? 1 : 0;
  return status;
}

struct world *world_new(const struct world_config *config) {
  struct world *world = calloc(1, sizeof *world);
  FUZZ_CHECK(world != NULL && config->end_count <= WORLD_ENDS_MAX);
  kit_clock_init(&world->clock);
  world->steps_left = STEPS_MAX;
  world->end_count = config->end_count;
  world->hub_deadline_ns = PAW_TIME_NEVER;
  if (config->hub) {
    make_hub(world);
  }
  for (size_t i = 0; i < world->end_count; i++) {
    make_end(world, i, &config->rtc[i % 2]);
    if (i % 2 == 0) {
      world->talks[i / 2] = calloc(1, sizeof *world->talks[0]);
      FUZZ_CHECK(world->talks[i / 2] != NULL);
    }
  }
  world_drain(world);
  return world;
}

struct paw_rtc *world_rtc(struct world *world, size_t end) {
  const struct world_end *found = &world->ends[end];
  return found->peer != 0 ? paw_hub_get_rtc(world->hub, found->peer) : found->rtc;
}

void world_free(struct world *world) {
  world->memory.fail_nth = 0;
  for (size_t i = 0; i < world->end_count; i++) {
    world->ends[i].undrained = false;
  }
  world_drain(world);
  for (size_t i = 0; i < world->end_count; i++) {
    if (world_rtc(world, i) != NULL) {
      paw_rtc_close(world_rtc(world, i), world->clock.now_ns);
    }
  }
  world_drain(world);
  for (size_t i = 0; i < world->end_count; i++) {
    FUZZ_CHECK(world->ends[i].closed || world_rtc(world, i) == NULL);
    paw_rtc_free(world->ends[i].rtc);
  }
  paw_hub_free(world->hub);
  while (world->queue_count > 0) {
    free(world_take(world, 0));
  }
  for (size_t i = 0; i < world->end_count / 2; i++) {
    free(world->talks[i]);
  }
  FUZZ_CHECK(world->memory.outstanding_bytes == 0);
  FUZZ_CHECK(world->memory.allocations == world->memory.frees);
  free(world);
}

void world_toggle_drain(struct world *world, size_t end) {
  world->ends[end].undrained = !world->ends[end].undrained;
  world->ends[end].lags = true;
  if (world->hub != NULL && end == 0) {
    world->ends[2].lags = true;
  }
}

static bool some_rng_fails(const struct world *world) {
  bool any = false;
  for (size_t i = 0; i < world->end_count; i++) {
    any = any || world->ends[i].rng.failing;
  }
  return any;
}

void world_check_status(const struct world *world, int status, unsigned documented) {
  bool known = status <= 0 && status >= PAW_ERR_CODEC;
  FUZZ_CHECK(known);
  bool no_memory = status == PAW_ERR_NO_MEMORY && world->memory.failed > 0;
  bool no_randomness = status == PAW_ERR_RANDOM && some_rng_fails(world);
  FUZZ_CHECK(status == PAW_OK || no_memory || no_randomness || (documented & 1u << -status) != 0);
}

/* ---- the network ---- */

void world_put(struct world *world, const struct paw_address *from, const struct paw_address *to,
               const uint8_t *data, size_t len) {
  bool is_dtls = len > 0 && data[0] >= 20 && data[0] <= 63;
  if (world->queue_count == WORLD_QUEUE_MAX || (is_dtls && world->loses_dtls)) {
    return; /* lost */
  }
  struct world_datagram *datagram = malloc(sizeof *datagram + len);
  FUZZ_CHECK(datagram != NULL);
  *datagram = (struct world_datagram){.from = *from, .to = *to, .len = len};
  if (len > 0) {
    memcpy(datagram->data, data, len);
  }
  world->queue[world->queue_count++] = datagram;
}

struct world_datagram *world_take(struct world *world, size_t which) {
  if (world->queue_count == 0) {
    return NULL;
  }
  which %= world->queue_count;
  struct world_datagram *datagram = world->queue[which];
  world->queue_count--;
  memmove(&world->queue[which], &world->queue[which + 1],
          (world->queue_count - which) * sizeof world->queue[0]);
  return datagram;
}

/* ---- output ---- */

static void note_transmit(struct world *world, const struct paw_transmit *transmit) {
  FUZZ_CHECK(transmit->len > 0 && transmit->len <= PAW_DATAGRAM_MAX);
  FUZZ_CHECK(transmit->local.family != PAW_FAMILY_NONE && transmit->dscp < 64);
  FUZZ_CHECK(transmit->local.family == transmit->remote.family);
  world_put(world, &transmit->local, &transmit->remote, transmit->data, transmit->len);
}

/* What comes is what the other one sent, byte by byte. */
static void note_audio(struct world *world, size_t index, const struct paw_audio_packet *audio) {
  const struct world_end *other = &world->ends[index ^ 1];
  uint8_t *copy = fuzz_copy(audio->data, audio->len);
  bool forgotten = world->ends[index].lags && other->sent.count > KIT_SENT_MAX;
  FUZZ_CHECK(world->forged || audio->red || forgotten ||
             kit_sent_has(&other->sent, copy, audio->len));
  free(copy);
  world->ends[index].audio++;
  world->ends[index].last_sequence = audio->sequence;
}

/* Was the certificate of that end announced to this one? */
static bool knows_certificate(const struct paw_rtc *rtc, size_t other) {
  struct paw_fingerprint fingerprint;
  paw_certificate_get_fingerprint(kit_certificate((unsigned)other % 2), &fingerprint);
  return paw_dtls_has_remote_fingerprint(rtc->dtls, &fingerprint);
}

static void note_event(struct world *world, size_t index, const struct paw_rtc_event *event) {
  struct world_end *end = &world->ends[index];
  FUZZ_CHECK(!end->closed);
  switch (event->kind) {
  case PAW_RTC_EVENT_CONNECTED:
    FUZZ_CHECK(!end->connected);
    FUZZ_CHECK(knows_certificate(world_rtc(world, index), index ^ 1));
    end->connected = true;
    break;
  case PAW_RTC_EVENT_AUDIO:
    FUZZ_CHECK(end->connected);
    note_audio(world, index, &event->audio);
    break;
  case PAW_RTC_EVENT_CLOSED:
    FUZZ_CHECK(event->reason != PAW_CLOSE_NONE);
    end->closed = true;
    end->reason = event->reason;
    break;
  case PAW_RTC_EVENT_ICE_STATE:
  case PAW_RTC_EVENT_SELECTED_PAIR:
  case PAW_RTC_EVENT_MEDIA:
  case PAW_RTC_EVENT_SENDER_REPORT:
  case PAW_RTC_EVENT_RECEIVER_REPORT:
  case PAW_RTC_EVENT_BYE:
  case PAW_RTC_EVENT_DEGRADED:
  case PAW_RTC_EVENT_RECOVERED:
    break;
  }
}

static void drain_end(struct world *world, size_t index) {
  struct world_end *end = &world->ends[index];
  struct paw_rtc_output output = {.kind = PAW_OUTPUT_EVENT};
  for (size_t i = 0; output.kind != PAW_OUTPUT_TIMEOUT; i++) {
    FUZZ_CHECK(i < DRAIN_MAX);
    paw_rtc_poll_output(end->rtc, &output);
    if (output.kind == PAW_OUTPUT_TRANSMIT) {
      note_transmit(world, &output.transmit);
    } else if (output.kind == PAW_OUTPUT_EVENT) {
      note_event(world, index, &output.event);
    }
  }
  end->deadline_ns = output.timeout.deadline_ns;
  FUZZ_CHECK(end->deadline_ns > end->rtc->clock.now_ns); /* the time that it was told last */
}

static bool drain_hub_once(struct world *world) {
  struct paw_transmit batch[PAW_HUB_BATCH_MAX];
  struct paw_rtc_event event;
  paw_hub_peer peer = 0;
  size_t count = 0;
  bool any = false;
  do {
    paw_hub_poll_transmits(world->hub, batch, PAW_HUB_BATCH_MAX, &count);
    FUZZ_CHECK(count <= PAW_HUB_BATCH_MAX);
    for (size_t i = 0; i < count; i++) {
      note_transmit(world, &batch[i]);
    }
    any = any || count > 0;
  } while (count > 0);
  while (paw_hub_poll_event(world->hub, &peer, &event)) {
    for (size_t i = 0; i < world->end_count; i += 2) {
      if (world->ends[i].peer == peer) {
        note_event(world, i, &event);
      }
    }
    any = true;
  }
  return any;
}

static void drain_hub(struct world *world) {
  for (size_t i = 0; drain_hub_once(world); i++) {
    FUZZ_CHECK(i < DRAIN_MAX);
  }
  struct paw_hub_track *track = NULL;
  struct paw_encoder_advice advice;
  for (size_t i = 0; paw_hub_poll_advice(world->hub, &track, &advice); i++) {
    FUZZ_CHECK(i < PAW_HUB_TRACKS_MAX && advice.packet_loss_percent <= 100);
  }
  world->hub_deadline_ns = paw_hub_next_timeout(world->hub).deadline_ns;
  FUZZ_CHECK(world->hub_deadline_ns > world->hub->clock.now_ns);
}

void world_drain(struct world *world) {
  for (size_t i = 0; i < world->end_count; i++) {
    if (world->ends[i].rtc != NULL && !world->ends[i].undrained) {
      drain_end(world, i);
    }
  }
  if (world->hub != NULL && !world->ends[0].undrained) {
    drain_hub(world);
  }
}

/* ---- input ---- */

static void feed_end(struct world *world, size_t index, const struct paw_input *input) {
  struct world_end *end = &world->ends[index];
  (void)paw_rtc_accepts(end->rtc, input);
  bool over = paw_rtc_is_over(end->rtc);
  int status = paw_rtc_handle_input(end->rtc, input);
  FUZZ_CHECK(status == (over ? PAW_ERR_STATE : PAW_OK));
  world_drain(world);
}

static void feed_hub(struct world *world, const struct paw_input *input) {
  FUZZ_CHECK(paw_hub_handle_input(world->hub, input) == PAW_OK);
  world_drain(world);
}

void world_receive(struct world *world, const struct paw_address *from,
                   const struct paw_address *to, const uint8_t *data, size_t len) {
  uint8_t *copy = fuzz_copy(data, len);
  const struct paw_input input = {.kind = PAW_INPUT_RECEIVE,
                                  .now_ns = world->clock.now_ns,
                                  .local = *to,
                                  .remote = *from,
                                  .data = copy,
                                  .len = len};
  if (world->hub != NULL && to->port == world->ends[0].address.port) {
    feed_hub(world, &input);
    free(copy);
    return;
  }
  for (size_t i = 0; i < world->end_count; i++) {
    if (world->ends[i].rtc != NULL && to->port == world->ends[i].address.port) {
      feed_end(world, i, &input);
      break;
    }
  }
  free(copy);
}

/* ---- time ---- */

static void tick(struct world *world) {
  const struct paw_input time = {.kind = PAW_INPUT_TIMEOUT, .now_ns = world->clock.now_ns};
  for (size_t i = 0; i < world->end_count; i++) {
    if (world->ends[i].rtc != NULL && world->ends[i].deadline_ns <= world->clock.now_ns) {
      feed_end(world, i, &time);
    }
  }
  if (world->hub != NULL && world->hub_deadline_ns <= world->clock.now_ns) {
    feed_hub(world, &time);
  }
}

static uint64_t next_deadline_ns(const struct world *world) {
  uint64_t next_ns = world->hub_deadline_ns;
  for (size_t i = 0; i < world->end_count; i++) {
    const struct world_end *end = &world->ends[i];
    next_ns = end->rtc != NULL && end->deadline_ns < next_ns ? end->deadline_ns : next_ns;
  }
  return next_ns;
}

void world_pass(struct world *world, uint64_t ns) {
  kit_clock_advance_ns(&world->clock, ns);
  tick(world);
}

/* What is there now; what it brings about comes later. */
static void deliver_all(struct world *world) {
  size_t count = world->queue_count;
  for (size_t i = 0; i < count && world->queue_count > 0; i++) {
    struct world_datagram *datagram = world_take(world, 0);
    world_receive(world, &datagram->from, &datagram->to, datagram->data, datagram->len);
    free(datagram);
  }
}

void world_run(struct world *world, uint64_t ms) {
  uint64_t end_ns = world->clock.now_ns + ms * PAW_NS_PER_MS;
  while (world->clock.now_ns < end_ns && world->steps_left > 0) {
    world->steps_left--;
    uint64_t next_ns = next_deadline_ns(world);
    uint64_t arrival_ns = world->clock.now_ns + PAW_NS_PER_MS;
    if (world->queue_count > 0 && next_ns > arrival_ns) {
      next_ns = arrival_ns;
    }
    bool delivers = world->queue_count > 0;
    /* With outputs that nobody polls a deadline may have passed. */
    if (next_ns <= world->clock.now_ns) {
      next_ns = arrival_ns;
    }
    kit_clock_advance_to(&world->clock, next_ns < end_ns ? next_ns : end_ns);
    if (delivers && world->clock.now_ns >= arrival_ns) {
      deliver_all(world);
    }
    tick(world);
  }
}

/* ---- what the application does ---- */

static unsigned documented_of_negotiation(void) {
  return 1u << -PAW_ERR_STATE | 1u << -PAW_ERR_UNSUPPORTED | 1u << -PAW_ERR_MALFORMED;
}

static int negotiate_in_sdp(struct world *world, size_t offerer) {
  struct world_talk *talk = world->talks[offerer / 2];
  uint64_t now_ns = world->clock.now_ns;
  size_t len = sizeof talk->offer;
  int status = paw_rtc_create_offer(world_rtc(world, offerer), talk->offer, &len);
  if (status != PAW_OK) {
    return status;
  }
  talk->offer_len = len;
  len = sizeof talk->answer;
  status = paw_rtc_accept_offer(world_rtc(world, offerer ^ 1), now_ns, talk->offer, talk->offer_len,
                                talk->answer, &len);
  if (status != PAW_OK) {
    return status;
  }
  talk->answer_len = len;
  return paw_rtc_accept_answer(world_rtc(world, offerer), now_ns, talk->answer, len);
}

static int negotiate_directly(struct world *world, size_t offerer) {
  struct world_talk *talk = world->talks[offerer / 2];
  uint64_t now_ns = world->clock.now_ns;
  int status = paw_rtc_direct_offer(world_rtc(world, offerer), &talk->direct_offer);
  if (status == PAW_OK) {
    status = paw_rtc_direct_accept_offer(world_rtc(world, offerer ^ 1), now_ns, &talk->direct_offer,
                                         &talk->direct_answer);
  }
  return status != PAW_OK ? status
                          : paw_rtc_direct_accept_answer(world_rtc(world, offerer), now_ns,
                                                         &talk->direct_answer);
}

int world_negotiate(struct world *world, size_t offerer, bool direct) {
  if (world_rtc(world, offerer) == NULL || world_rtc(world, offerer ^ 1) == NULL) {
    return PAW_ERR_STATE;
  }
  int status = direct ? negotiate_directly(world, offerer) : negotiate_in_sdp(world, offerer);
  world_check_status(world, status, documented_of_negotiation());
  world_drain(world);
  return status;
}

void world_speak(struct world *world, size_t end, const uint8_t *data, size_t len) {
  struct world_end *speaker = &world->ends[end];
  struct paw_audio_frame frame = {.data = data,
                                  .len = len,
                                  .media_rtp = speaker->media_rtp,
                                  .capture_ns = world->clock.now_ns,
                                  .duration_rtp = 960,
                                  .level = (uint8_t)(len & 0x7f),
                                  .voice = len % 2 == 0,
                                  .talk_spurt = speaker->media_rtp == 0};
  bool on_track = world->hub != NULL && end % 2 == 0;
  bool fits = len > 0 && len <= PAW_OPUS_PACKET_MAX;
  if (on_track && world->track != NULL) {
    int status = paw_hub_track_send(world->hub, world->track, world->clock.now_ns, &frame);
    FUZZ_CHECK(status == (fits ? PAW_OK : PAW_ERR_INVALID));
  } else if (!on_track && speaker->rtc != NULL) {
    int status = paw_rtc_send_audio(speaker->rtc, world->clock.now_ns, &frame);
    world_check_status(world, status, 1u << -PAW_ERR_STATE | 1u << -PAW_ERR_INVALID);
    FUZZ_CHECK((status == PAW_ERR_INVALID) == !fits || status == PAW_ERR_STATE);
  }
  for (size_t i = 0; i < world->end_count; i++) {
    if (i == end || (on_track && i % 2 == 0)) {
      kit_sent_add(&world->ends[i].sent, data, len);
      world->ends[i].media_rtp += frame.duration_rtp;
    }
  }
  world_drain(world);
}

void world_ask_again(struct world *world, size_t end, uint8_t back, uint8_t count) {
  struct paw_rtc *rtc = world_rtc(world, end);
  uint16_t sequences[UINT8_MAX];
  for (size_t i = 0; i < count; i++) {
    sequences[i] = (uint16_t)(world->ends[end].last_sequence - back + i);
  }
  if (rtc == NULL) {
    return;
  }
  int status = paw_rtc_send_nack(rtc, world->clock.now_ns, sequences, count);
  bool out_of_range = count == 0 || count > 64;
  FUZZ_CHECK((status == PAW_ERR_INVALID) == out_of_range);
  world_check_status(world, status, 1u << -PAW_ERR_INVALID | 1u << -PAW_ERR_LIMIT);
}

bool world_act_in_time(struct world *world, struct fuzz_script *script, uint8_t operation) {
  if (operation == 0) {
    world_run(world, fuzz_take_u8(script) * UINT64_C(10));
  } else if (operation == 1) {
    world_pass(world, fuzz_take_u16(script) * PAW_NS_PER_MS);
  }
  return operation <= 1;
}

void world_check_limits(struct world *world) {
  size_t bound = world->idle_count * END_BYTES_MAX;
  bound += world->hub != NULL ? HUB_BYTES_MAX : 0;
  for (size_t i = 0; i < world->end_count; i++) {
    const struct paw_rtc *rtc = world_rtc(world, i);
    bound += END_BYTES_MAX;
    if (rtc != NULL) {
      FUZZ_CHECK(rtc->recv_count <= PAW_RTC_RECV_STREAMS_MAX);
      FUZZ_CHECK(rtc->nack_count <= PAW_RTC_NACKS_MAX);
      FUZZ_CHECK(rtc->queue.size <= PAW_RTC_QUEUE_MAX_BYTES);
    }
  }
  FUZZ_CHECK(world->memory.outstanding_bytes <= bound);
  world_drain(world);
}
