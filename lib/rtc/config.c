/* SPDX-License-Identifier: MIT */
#include "rtc/rtc_private.h"

#include "base/mem.h"
#include "base/rng.h"

void paw_rtc_config_init(struct paw_rtc_config *config) {
  *config = (struct paw_rtc_config){
      .struct_size = sizeof *config,
      .ice_mode = PAW_ICE_FULL,
      .audio =
          {
              .direction = PAW_DIRECTION_SENDRECV,
              .stereo = true,
              .inband_fec = true,
              .nack = true,
              .red = true,
              .red_distance = PAW_RED_AUTO,
          },
      .ice_initial_rto_ns = 50 * PAW_NS_PER_MS,
      .dtls_initial_rto_ns = 50 * PAW_NS_PER_MS,
      .degraded_ns = 200 * PAW_NS_PER_MS,
      .dscp = 46,
  };
}

int paw_rtc_make_ice(const struct paw_rtc *rtc, enum paw_ice_mode mode, struct paw_ice **out) {
  struct paw_ice_config ice;
  paw_ice_config_init(&ice);
  ice.mode = mode;
  ice.allocator = rtc->allocator;
  ice.rng = rtc->rng;
  ice.log = rtc->log;
  ice.initial_rto_ns = rtc->ice_initial_rto_ns;
  return paw_ice_new_lean(&ice, rtc->clock.now_ns, out);
}

static int make_ice(struct paw_rtc *rtc, enum paw_ice_mode mode) {
  struct paw_ice *made = NULL;
  int status = paw_rtc_make_ice(rtc, mode, &made);
  rtc->ice = made;
  return status;
}

static int make_dtls(struct paw_rtc *rtc, const struct paw_rtc_config *config) {
  struct paw_dtls_config dtls;
  paw_dtls_config_init(&dtls);
  dtls.certificate = config->certificate;
  dtls.allocator = config->allocator;
  dtls.rng = config->rng;
  dtls.log = config->log;
  dtls.initial_rto_ns = config->dtls_initial_rto_ns;
  struct paw_dtls *made = NULL;
  int status = paw_dtls_new(&dtls, &made);
  rtc->dtls = made;
  return status;
}

/* The CNAME is our msid too, which has no slash (RFC 8830 section 2, token-char). */
static int make_cname(struct paw_rtc *rtc) {
  int status = paw_rng_text(&rtc->rng, rtc->cname, sizeof rtc->cname - 1);
  for (char *at = rtc->cname; *at != '\0'; at++) {
    *at = *at == '/' ? '-' : *at;
  }
  return status;
}

static int make_identity(struct paw_rtc *rtc) {
  int status = paw_rng_u64(&rtc->rng, &rtc->session_id);
  rtc->session_id &= INT64_MAX; /* RFC 9429 section 5.2.1: 63 bits */
  if (status == PAW_OK) {
    status = paw_rng_u32(&rtc->rng, &rtc->local_ssrc);
  }
  if (status == PAW_OK) {
    status = make_cname(rtc);
  }
  if (status == PAW_OK) {
    status = paw_send_init(&rtc->send, &rtc->rng, rtc->local_ssrc, &rtc->wall);
  }
  return status;
}

int paw_rtc_new(const struct paw_rtc_config *given, uint64_t now_ns, struct paw_rtc **out) {
  struct paw_rtc_config config;
  paw_rtc_config_init(&config);
  int status = paw_config_take(&config, sizeof config, given);
  if (status != PAW_OK || config.certificate == NULL || config.rng.fill == NULL ||
      config.dscp > 63 || (unsigned)config.audio.direction > PAW_DIRECTION_SENDRECV ||
      (unsigned)config.ice_mode > PAW_ICE_LITE ||
      !paw_rtc_is_red_distance(config.audio.red_distance)) {
    return PAW_ERR_INVALID;
  }
  struct paw_rtc *rtc = paw_mem_alloc(&config.allocator, sizeof *rtc);
  if (rtc == NULL) {
    return PAW_ERR_NO_MEMORY;
  }
  rtc->allocator = config.allocator;
  rtc->rng = config.rng;
  rtc->log = config.log;
  rtc->wall = config.wall;
  rtc->wanted = config.audio;
  rtc->red_wanted = config.audio.red_distance;
  rtc->certificate = config.certificate;
  rtc->degraded_ns = config.degraded_ns;
  rtc->ice_initial_rto_ns = config.ice_initial_rto_ns;
  rtc->dscp = config.dscp;
  rtc->clock.now_ns = now_ns;
  rtc->ice_timeout.deadline_ns = PAW_TIME_NEVER;
  rtc->dtls_timeout.deadline_ns = PAW_TIME_NEVER;
  paw_ring_init(&rtc->queue, PAW_RTC_QUEUE_INITIAL_BYTES, PAW_RTC_QUEUE_MAX_BYTES);

  status = make_identity(rtc);
  if (status == PAW_OK) {
    status = make_ice(rtc, config.ice_mode);
  }
  if (status == PAW_OK) {
    status = make_dtls(rtc, &config);
  }
  if (status == PAW_OK) {
    status = paw_srtp_install();
  }
  if (status != PAW_OK) {
    paw_rtc_free(rtc);
    return status;
  }
  *out = rtc;
  return PAW_OK;
}

void paw_rtc_free(struct paw_rtc *rtc) {
  if (rtc == NULL) {
    return;
  }
  struct paw_allocator allocator = rtc->allocator;
  paw_srtp_free(rtc->srtp, &allocator);
  paw_dtls_free(paw_rtc_touch_dtls(rtc));
  paw_ice_free(paw_rtc_touch_ice(rtc));
  paw_mem_free(&allocator, rtc->own_history);
  paw_mem_free(&allocator, rtc->buffer);
  paw_ring_wipe(&rtc->queue, &allocator);
  paw_mem_free(&allocator, rtc);
}
