/* SPDX-License-Identifier: MIT */
/* Requests to WHEP or WHIP as pa-send answers them: its server of sessions and its peers, on a
 * clock and sockets of the script (still_world.h).
 *
 *   byte 0   bit 0: WHIP; bits 1-2: --ice; 3: two sessions at most instead of eight; 4: RED
 *
 * Then steps: the low half of a byte says what (enum step), the high half how. A text is its length
 * (1 byte; of bodies 2) and its bytes. */
#include "fuzz.h"

#include <pawebrtc/hub.h>

#include "base/limits.h"
#include "peers.h"
#include "sdp/sdp.h"
#include "sdp/text_file.h"
#include "still_world.h"
#include "system.h"
#include "whep_server.h"

#define BEGIN_NS (1000 * PAW_NS_PER_S)
#define SESSIONS_MAX 8
#define STEPS_MAX 48
#define FRAGMENT_TYPE "application/trickle-ice-sdpfrag"

enum step {
  STEP_OFFER,   /* POST an offer of `offers`; a byte: the token */
  STEP_BODY,    /* POST the script's offer; a byte: the token; the body */
  STEP_TRICKLE, /* PATCH a session with a fragment of `fragments`; bytes: the token, If-Match */
  STEP_PATCH,   /* PATCH a session with the script's; bytes: the token, If-Match; the body */
  STEP_DELETE,  /* a session; a byte: the token */
  STEP_LOOK,    /* how: a method, with the script's path; a byte: the token; the path */
  STEP_RAW,     /* how: a method; texts: path, Authorization, Content-Type, If-Match; the body */
  STEP_TIME,    /* 1 ms << how, or of 60 s pass */
  STEP_CONNECT, /* a session connects */
  STEP_RECEIVE, /* a datagram comes, of so many bytes (1 byte) */
  STEP_END,     /* how, only 15: the source ends */
  STEP_RANDOM,  /* how & 1: there are no random numbers from now on */
  STEP_LONG,    /* how: a method; what is sent is longer than 64 KiB. Path and token as STEP_LOOK */
  STEP_COUNT
};

static const char tokens_text[] =
    "listener listenerlistener\nspeaker speakerspeakerspeaker\n"
    "talker talkertalkertalker\nadmin adminadminadminadmin\n"
    "speaker boundboundboundbound hall\n"
    "talker othertalkerothertalker desk\n";

/* By the lower four bits of a byte. */
static const char *const authorizations[16] = {"Bearer listenerlistener",
                                               "Bearer speakerspeakerspeaker",
                                               "Bearer talkertalkertalker",
                                               "bearer  adminadminadminadmin",
                                               "Bearer boundboundboundbound",
                                               "Bearer othertalkerothertalker",
                                               NULL,
                                               "",
                                               "Bearer ",
                                               "Bearer listenerlistene",
                                               "Bearer listenerlistenerr",
                                               "Basic listenerlistener",
                                               "Bearer\tlistenerlistener",
                                               "Bearer listener listenerlistener",
                                               "listenerlistener",
                                               "Bearer LISTENERLISTENER"};
#define TOKENS_GOOD 6 /* the first ones */
#define ADMIN_TOKEN " adminadminadminadmin"

static const char *const offers[] = {
    SDP_SESSION SDP_MEDIA "a=mid:0\r\na=setup:actpass\r\na=recvonly\r\n",
    SDP_SESSION SDP_MEDIA "a=mid:0\r\na=setup:actpass\r\na=sendonly\r\n",
    SDP_SESSION "a=ice-lite\r\n" SDP_MEDIA "a=mid:0\r\na=setup:actpass\r\na=sendrecv\r\n",
    SDP_SESSION "a=group:BUNDLE 0 1\r\n" SDP_MEDIA
                "a=mid:0\r\na=setup:active\r\na=sendrecv\r\n"
                "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n" SDP_TRANSPORT
                "a=mid:1\r\na=rtpmap:96 VP8/90000\r\na=recvonly\r\n",
};
#define OFFER_COUNT (sizeof offers / sizeof offers[0])

#define FRAGMENT_SECTION "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n"
#define FRAGMENT_CANDIDATE "a=candidate:1 1 UDP 2130706431 192.0.2.1 5000 typ host\r\n"

static const char *const fragments[] = {
    SDP_CREDENTIALS FRAGMENT_SECTION FRAGMENT_CANDIDATE "a=end-of-candidates\r\n",
    FRAGMENT_SECTION FRAGMENT_CANDIDATE,
    "a=ice-ufrag:wxyz\r\na=ice-pwd:zyxwvutsrqponmlkjihgfe\r\n" FRAGMENT_SECTION,
    "a=ice-ufrag:four\r\na=ice-pwd:0987654321abcdefghijkl\r\n" FRAGMENT_SECTION FRAGMENT_CANDIDATE,
};
#define FRAGMENT_COUNT (sizeof fragments / sizeof fragments[0])

const uint32_t settings_frame_frames[] = {120, 240, 480, 960};

struct house {
  struct fuzz_script script;
  struct settings settings;
  struct tokens tokens;
  struct loop *loop;
  struct peers *peers;
  struct whep_server *server;
  enum whep_kind kind;
  const char *path;
  uint64_t live[SESSIONS_MAX + 1]; /* peers that have a session; 0: free */
  size_t live_count;
  char locations[SESSIONS_MAX][HTTP_HEADER_VALUE_SIZE]; /* of the last sessions made */
  char etags[SESSIONS_MAX][HTTP_HEADER_VALUE_SIZE];
  char owners[SESSIONS_MAX][TOKEN_LEN_MAX + 2]; /* a space and the token that made it */
  size_t made;
};

/* ---- sessions and peers, as the server should have them ---- */

static uint64_t *find_live(struct house *house, uint64_t peer) {
  for (size_t i = 0; i <= SESSIONS_MAX; i++) {
    if (house->live[i] == peer) {
      return &house->live[i];
    }
  }
  return NULL;
}

static void on_connected(void *user_data, uint64_t peer) {
  (void)user_data;
  (void)peer;
  abort(); /* nobody knows the passwords */
}

static void on_audio(void *user_data, uint64_t now_ns, uint64_t peer,
                     const struct paw_audio_packet *packet) {
  (void)packet;
  (void)now_ns;
  on_connected(user_data, peer);
}

static void on_advised(void *user_data, const struct paw_encoder_advice *advice) {
  (void)user_data;
  (void)advice;
}

static void on_closed(void *user_data, uint64_t peer) {
  struct house *house = user_data;
  uint64_t *live = find_live(house, peer);
  if (live != NULL) {
    *live = 0;
    house->live_count--;
    whep_server_note_closed(house->server, peer);
  }
}

static int accept_peer(void *user_data, uint64_t now_ns, const char *sdp, size_t len, char *answer,
                       size_t *answer_len, uint64_t *peer) {
  struct house *house = user_data;
  struct peers_offer offer = {.now_ns = now_ns, .sdp = sdp, .len = len};
  int status = peers_accept(house->peers, house->kind, &offer, answer, answer_len, peer);
  if (status == PAW_OK) {
    FUZZ_CHECK(*peer != 0 && find_live(house, *peer) == NULL);
    uint64_t *place = find_live(house, 0);
    FUZZ_CHECK(place != NULL);
    *place = *peer;
    house->live_count++;
  }
  return status;
}

static int patch_peer(void *user_data, uint64_t now_ns, uint64_t peer, const char *sdp, size_t len,
                      bool *restarted, char *answer, size_t *answer_len) {
  struct house *house = user_data;
  struct peers_offer fragment = {.now_ns = now_ns, .sdp = sdp, .len = len};
  FUZZ_CHECK(find_live(house, peer) != NULL);
  return peers_patch(house->peers, peer, &fragment, restarted, answer, answer_len);
}

static void end_peer(void *user_data, uint64_t now_ns, uint64_t peer) {
  struct house *house = user_data;
  uint64_t *live = find_live(house, peer);
  FUZZ_CHECK(live != NULL);
  *live = 0;
  house->live_count--;
  peers_end(house->peers, now_ns, peer);
}

/* ---- what an answer must be ---- */

static bool is_one_of(int status, const int *list) {
  while (*list != 0 && *list != status) {
    list++;
  }
  return *list == status;
}

#define AMONG(status, ...) is_one_of((status), (const int[]){__VA_ARGS__, 0})

static bool is_status_of_endpoint(enum http_method method, int status) {
  switch (method) {
  case HTTP_POST:
    return AMONG(status, 201, 400, 401, 409, 413, 415, 422, 429, 503);
  case HTTP_OPTIONS:
    return status == 204;
  case HTTP_GET:
    return AMONG(status, 204, 401);
  case HTTP_HEAD:
    return AMONG(status, 200, 401);
  case HTTP_PATCH:
  case HTTP_DELETE:
  case HTTP_OTHER:
    break;
  }
  return status == 405;
}

static bool is_status_of_session(enum http_method method, int status) {
  switch (method) {
  case HTTP_PATCH:
    return AMONG(status, 200, 204, 401, 403, 404, 412, 413, 415, 422, 428, 429);
  case HTTP_DELETE:
  case HTTP_HEAD:
    return AMONG(status, 200, 401, 403, 404);
  case HTTP_OPTIONS:
    return status == 204;
  case HTTP_GET:
    return AMONG(status, 204, 401, 403, 404);
  case HTTP_POST:
  case HTTP_OTHER:
    break;
  }
  return status == 405;
}

static void check_status(const struct house *house, const struct http_request *request,
                         int status) {
  bool is_random_lost = still_world.rng.failing && status == 500;
  size_t len = strlen(house->path);
  if (strncmp(request->path, house->path, len) != 0 || strcspn(request->path + len, "/") > 0) {
    FUZZ_CHECK(status == 404);
  } else if (request->path[len] == '\0') {
    FUZZ_CHECK(is_status_of_endpoint(request->method, status) || is_random_lost);
  } else {
    FUZZ_CHECK(is_status_of_session(request->method, status) || is_random_lost);
  }
}

static bool has(const struct http_response *response, const char *name) {
  const char *value = http_response_get(response, name);
  return value != NULL && value[0] != '\0';
}

static void check_headers(const struct http_response *response) {
  int status = response->status;
  FUZZ_CHECK(response->header_count <= HTTP_HEADERS_MAX);
  for (size_t i = 0; i < response->header_count; i++) {
    const char *value = response->headers[i].value;
    for (size_t at = 0; value[at] != '\0'; at++) {
      FUZZ_CHECK((unsigned char)value[at] >= 0x20 && (unsigned char)value[at] < 0x7f);
    }
  }
  FUZZ_CHECK(strcmp(http_response_get(response, "Access-Control-Allow-Origin"), "*") == 0);
  FUZZ_CHECK((status == 401 || status == 403) == has(response, "WWW-Authenticate"));
  FUZZ_CHECK(status != 405 || has(response, "Allow"));
  FUZZ_CHECK(status != 415 || has(response, "Accept-Post") || has(response, "Accept-Patch"));
  FUZZ_CHECK((status == 409 || status == 429 || status == 503) == has(response, "Retry-After"));
  FUZZ_CHECK(has(response, "Location") == (status == 201));
}

static void check_body(const struct http_response *response) {
  FUZZ_CHECK(response->body_len <= WHEP_ANSWER_BYTES_MAX);
  FUZZ_CHECK(response->body_len == 0 || response->body != NULL);
  FUZZ_CHECK(response->status != 204 || response->body_len == 0);
  FUZZ_CHECK(response->status < 400 || response->body_len > 0);
  FUZZ_CHECK(response->body_len == 0 || response->content_type != NULL);
}

/* RFC 9725 section 4.2: an answer, an address, a strong entity tag. */
static void check_created(struct house *house, const struct http_request *request,
                          const struct http_response *response) {
  static struct paw_sdp_media media[PAW_SDP_MEDIA_MAX];
  struct paw_sdp sdp = {.media = media};
  const char *location = http_response_get(response, "Location");
  const char *etag = http_response_get(response, "ETag");
  size_t path_len = strlen(house->path);
  FUZZ_CHECK(strncmp(location, house->path, path_len) == 0 && location[path_len] == '/');
  FUZZ_CHECK(strspn(location + path_len + 1, "0123456789abcdef") == 32);
  FUZZ_CHECK(strlen(location) == path_len + 33);
  FUZZ_CHECK(etag != NULL && etag[0] == '"' && strspn(etag + 1, "0123456789abcdef") == 16);
  FUZZ_CHECK(strcmp(etag + 17, "\"") == 0);
  FUZZ_CHECK(http_is_type(response->content_type, "application/sdp"));
  char *text = (char *)fuzz_copy((const uint8_t *)response->body, response->body_len);
  FUZZ_CHECK(paw_sdp_parse(text, response->body_len, &sdp) == PAW_OK && sdp.media_count >= 1);
  size_t audio = 0;
  for (size_t i = 0; i < sdp.media_count; i++) {
    static struct paw_description description;
    audio += paw_sdp_read_audio(&sdp, i, &description) == PAW_OK;
  }
  FUZZ_CHECK(audio == 1);
  FUZZ_CHECK(house->kind == WHEP_LISTEN || sdp.media_count == 1);
  free(text);
  size_t place = house->made++ % SESSIONS_MAX;
  (void)snprintf(house->locations[place], sizeof house->locations[place], "%s", location);
  (void)snprintf(house->etags[place], sizeof house->etags[place], "%s", etag);
  (void)snprintf(house->owners[place], sizeof house->owners[place], "%s",
                 strrchr(request->authorization, ' '));
}

/* A session is its maker's, and an administrator's. */
static void check_owner(const struct house *house, const struct http_request *request) {
  const char *token = strrchr(request->authorization, ' ');
  for (size_t i = 0; i < SESSIONS_MAX; i++) {
    if (strcmp(house->locations[i], request->path) == 0) {
      FUZZ_CHECK(strcmp(house->owners[i], token) == 0 || strcmp(token, ADMIN_TOKEN) == 0);
    }
  }
}

/* RFC 9725 section 4.3.3: a restart is answered with own credentials and another entity tag. */
static void check_restarted(struct house *house, const struct http_request *request,
                            const struct http_response *response) {
  static struct paw_sdp_fragment fragment;
  const char *etag = http_response_get(response, "ETag");
  FUZZ_CHECK(etag != NULL && http_is_type(response->content_type, FRAGMENT_TYPE));
  FUZZ_CHECK(paw_sdp_read_fragment(response->body, response->body_len, &fragment) == PAW_OK);
  FUZZ_CHECK(fragment.ice.ufrag[0] != '\0' && fragment.ice.pwd[0] != '\0');
  for (size_t i = 0; i < SESSIONS_MAX; i++) {
    if (strcmp(house->locations[i], request->path) == 0) {
      FUZZ_CHECK(strcmp(house->etags[i], etag) != 0);
      (void)snprintf(house->etags[i], sizeof house->etags[i], "%s", etag);
    }
  }
}

/* ---- asking ---- */

static bool is_good_token(const char *authorization) {
  for (size_t i = 0; authorization != NULL && i < TOKENS_GOOD; i++) {
    const char *token = strrchr(authorizations[i], ' ');
    const char *given = strrchr(authorization, ' ');
    if (given != NULL && strcmp(token, given) == 0) {
      return true;
    }
  }
  return false;
}

static void check_counts(const struct house *house) {
  FUZZ_CHECK(whep_server_get_session_count(house->server) == house->live_count);
  FUZZ_CHECK(peers_get_count(house->peers) >= house->live_count);
  bool has_deadline = whep_server_next_deadline(house->server) != PAW_TIME_NEVER;
  FUZZ_CHECK(!has_deadline || house->live_count > 0);
}

static void ask(struct house *house, struct http_request *request) {
  struct http_response response = {0};
  size_t live_before = house->live_count;
  uint8_t *body = NULL;
  request->now_ns = still_world.now_ns;
  if (request->body_len > 0) {
    body = fuzz_copy((const uint8_t *)request->body, request->body_len);
    request->body = (const char *)body;
  }
  if (request->body_len > WHEP_BODY_BYTES_MAX) {
    request->body_too_long = true;
    request->body_len = 0;
  }
  whep_server_handle(house->server, request, &response);
  check_status(house, request, response.status);
  check_headers(&response);
  check_body(&response);
  bool is_open = request->method == HTTP_OPTIONS || response.status >= 400;
  FUZZ_CHECK(is_open || is_good_token(request->authorization));
  if (!is_open) {
    check_owner(house, request);
  }
  if (response.status == 201) {
    check_created(house, request, &response);
  } else if (response.status == 200 && request->method == HTTP_PATCH) {
    check_restarted(house, request, &response);
  } else {
    bool ends_one = response.status == 200 && request->method == HTTP_DELETE;
    FUZZ_CHECK(house->live_count + ends_one == live_before);
  }
  http_response_wipe(&response);
  free(body);
  check_counts(house);
}

static const char *take_token(struct house *house) {
  return authorizations[fuzz_take_u8(&house->script) & 15];
}

/* A header has no NUL in it. To be freed. */
static char *take_text(struct house *house) {
  size_t len = 0;
  uint8_t *bytes = fuzz_take_bytes(&house->script, fuzz_take_u8(&house->script), &len);
  size_t text_len = 0;
  while (text_len < len && bytes[text_len] != 0) {
    text_len++;
  }
  char *text = malloc(text_len + 1);
  if (text_len > 0) {
    memcpy(text, bytes, text_len);
  }
  text[text_len] = '\0';
  free(bytes);
  return text;
}

static void post(struct house *house, const char *authorization, const char *offer, size_t len) {
  struct http_request request = {.method = HTTP_POST,
                                 .path = house->path,
                                 .authorization = authorization,
                                 .content_type = "application/sdp",
                                 .body = offer,
                                 .body_len = len};
  ask(house, &request);
}

static void patch(struct house *house, size_t session, const char *authorization,
                  const char *fragment, size_t len) {
  static const char *const matches[] = {
      NULL, "*", "\"*\"", "\"0123456789abcdef\"", "W/\"0123456789abcdef\"", ""};
  size_t number = fuzz_take_u8(&house->script);
  const char *etag = house->etags[session % SESSIONS_MAX];
  struct http_request request = {
      .method = HTTP_PATCH,
      .path = house->locations[session % SESSIONS_MAX],
      .authorization = authorization,
      .content_type = FRAGMENT_TYPE,
      .if_match = number < sizeof matches / sizeof matches[0] ? matches[number] : etag,
      .body = fragment,
      .body_len = len};
  ask(house, &request);
}

static void step_body(struct house *house, enum step step, size_t how) {
  const char *authorization = take_token(house);
  size_t len = 0;
  uint8_t *body = fuzz_take_bytes(&house->script, fuzz_take_u16(&house->script), &len);
  if (step == STEP_BODY) {
    post(house, authorization, (const char *)body, len);
  } else {
    patch(house, how, authorization, (const char *)body, len);
  }
  free(body);
}

static void step_look(struct house *house, size_t how, size_t body_len) {
  struct http_request request = {.method = (enum http_method)(how % (HTTP_OTHER + 1)),
                                 .authorization = take_token(house),
                                 .content_type = "application/sdp",
                                 .body_len = body_len};
  char *path = take_text(house);
  char *body = calloc(1, body_len + 1);
  size_t session = (size_t)(unsigned char)path[0];
  request.body = body;
  request.path = session < SESSIONS_MAX ? house->locations[session]
                 : session == 'e'       ? house->path
                                        : path;
  ask(house, &request);
  free(path);
  free(body);
}

static void step_raw(struct house *house, size_t how) {
  char *texts[4];
  for (size_t i = 0; i < 4; i++) {
    texts[i] = take_text(house);
  }
  size_t len = 0;
  uint8_t *body = fuzz_take_bytes(&house->script, fuzz_take_u16(&house->script), &len);
  struct http_request request = {.method = (enum http_method)(how % (HTTP_OTHER + 1)),
                                 .path = texts[0],
                                 .authorization = texts[1],
                                 .content_type = texts[2],
                                 .if_match = texts[3],
                                 .body = (const char *)body,
                                 .body_len = len};
  ask(house, &request);
  for (size_t i = 0; i < 4; i++) {
    free(texts[i]);
  }
  free(body);
}

/* ---- time ---- */

static void pass(struct house *house, uint64_t duration_ns) {
  still_world.now_ns += duration_ns;
  whep_server_expire(house->server, still_world.now_ns);
  uint64_t deadline_ns = whep_server_next_deadline(house->server);
  FUZZ_CHECK(deadline_ns > still_world.now_ns);
  FUZZ_CHECK(deadline_ns == PAW_TIME_NEVER || deadline_ns <= still_world.now_ns + WHEP_CONNECT_NS);
  peers_fetch(house->peers);
  check_counts(house);
}

static void receive(struct house *house, size_t how) {
  size_t len = 0;
  uint8_t *data = fuzz_take_bytes(&house->script, fuzz_take_u8(&house->script), &len);
  still_world.datagram = (struct paw_input){
      .kind = PAW_INPUT_RECEIVE,
      .local = still_world_address(),
      .remote = {.ip = {192, 0, 2, (uint8_t)how}, .port = 5000, .family = PAW_FAMILY_IPV4},
      .data = data,
      .len = len};
  pass(house, 0);
  free(data);
}

static void take_step(struct house *house, enum step step, size_t how) {
  switch (step) {
  case STEP_OFFER:
    post(house, take_token(house), offers[how % OFFER_COUNT], strlen(offers[how % OFFER_COUNT]));
    break;
  case STEP_TRICKLE: {
    const char *fragment = fragments[how / SESSIONS_MAX % 2 + 2 * (how % 2)];
    patch(house, how, take_token(house), fragment, strlen(fragment));
    break;
  }
  case STEP_BODY:
  case STEP_PATCH:
    step_body(house, step, how);
    break;
  case STEP_DELETE: {
    struct http_request request = {.method = HTTP_DELETE,
                                   .path = house->locations[how % SESSIONS_MAX],
                                   .authorization = take_token(house)};
    ask(house, &request);
    break;
  }
  case STEP_LOOK:
    step_look(house, how, 0);
    break;
  case STEP_LONG:
    step_look(house, how, WHEP_BODY_BYTES_MAX + 1);
    break;
  case STEP_RAW:
    step_raw(house, how);
    break;
  case STEP_TIME:
    pass(house, how == 15 ? 60 * PAW_NS_PER_S : PAW_NS_PER_MS << how);
    break;
  case STEP_CONNECT:
    whep_server_note_connected(house->server, house->live[how % SESSIONS_MAX]);
    break;
  case STEP_RECEIVE:
    receive(house, how);
    break;
  case STEP_END:
    if (how == 15) {
      whep_server_set_ended(house->server);
    }
    break;
  case STEP_RANDOM:
    still_world.rng.failing = (how & 1) != 0;
    break;
  case STEP_COUNT:
    break;
  }
}

/* ---- one input ---- */

/* Once: the certificate takes longer than all the rest. */
static void open_peers(struct house *house) {
  struct fault fault;
  struct peers_config config = {.settings = &house->settings,
                                .channels = 2,
                                .connected = on_connected,
                                .audio = on_audio,
                                .advised = on_advised,
                                .closed = on_closed,
                                .user_data = house};
  house->settings = (struct settings){.addresses = {still_world_address()}, .address_count = 1};
  still_world_reset(BEGIN_NS);
  FUZZ_CHECK(loop_new(&house->loop, &fault) == 0);
  FUZZ_CHECK(peers_open(&config, house->loop, &house->peers, &fault) == 0);
  FUZZ_CHECK(tokens_parse(tokens_text, "tokens", &house->tokens, &fault) == 0);
}

static void open_server(struct house *house, uint8_t bits) {
  house->kind = (bits & 1) != 0 ? WHEP_TALK : WHEP_LISTEN;
  house->path = house->kind == WHEP_TALK ? "/whip" : "/whep";
  house->settings.frame = 3;
  house->settings.ice = (bits >> 1 & 3) % 3;
  house->settings.red = (bits & 16) != 0 ? 2 : OPTION_AUTO;
  struct whep_config config = {
      .kind = house->kind,
      .path = house->path,
      .tokens = &house->tokens,
      .rng = system_rng(),
      .backend = {.accept = accept_peer, .patch = patch_peer, .end = end_peer, .user_data = house},
      .max_sessions = (bits & 8) != 0 ? 2 : SESSIONS_MAX};
  house->server = whep_server_new(&config);
  FUZZ_CHECK(house->server != NULL);
}

/* Whoever has not connected is gone after a while, and so is whoever was told farewell. */
static void close_server(struct house *house) {
  for (size_t i = 0; i <= SESSIONS_MAX; i++) {
    if (house->live[i] != 0) {
      end_peer(house, still_world.now_ns, house->live[i]);
    }
  }
  for (size_t i = 0; i < 60 && peers_get_count(house->peers) > 0; i++) {
    still_world.now_ns += PAW_NS_PER_S;
    peers_fetch(house->peers);
  }
  FUZZ_CHECK(peers_get_count(house->peers) == 0);
  whep_server_free(house->server);
  memset(house->locations, 0, sizeof house->locations);
  memset(house->etags, 0, sizeof house->etags);
  house->made = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct house house;
  if (house.peers == NULL) {
    open_peers(&house);
  }
  still_world_reset(still_world.now_ns);
  house.script = (struct fuzz_script){.data = data, .left = size};
  open_server(&house, fuzz_take_u8(&house.script));
  for (size_t i = 0; i < STEPS_MAX && !fuzz_script_ended(&house.script); i++) {
    uint8_t step = fuzz_take_u8(&house.script);
    take_step(&house, (enum step)((step & 15) % STEP_COUNT), step >> 4);
  }
  close_server(&house);
  return 0;
}
