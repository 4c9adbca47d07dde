/* SPDX-License-Identifier: MIT */
#include "craft.h"
#include "kit/hmac.h"

static uint8_t next_id;

struct paw_stun_message craft_request(struct paw_slice username) {
  struct paw_stun_message message = {
      .class = PAW_STUN_REQUEST,
      .method = PAW_STUN_METHOD_BINDING,
      .id = {0xc0, 0xff, 0xee, ++next_id},
      .has = PAW_STUN_HAS_USERNAME | PAW_STUN_HAS_PRIORITY | PAW_STUN_HAS_CONTROLLING |
             PAW_STUN_HAS_INTEGRITY | PAW_STUN_HAS_FINGERPRINT,
      .username = username,
      .priority = 0x6e7fffff,
      .controlling = 1,
  };
  return message;
}

struct paw_slice craft_username(const struct paw_ice *to, const char *from_ufrag) {
  static char text[2 * PAW_ICE_CREDENTIAL_MAX + 2];
  const char *ufrag = paw_ice_get_credentials(to)->ufrag;
  size_t to_len = strlen(ufrag);
  size_t from_len = strlen(from_ufrag);
  memcpy(text, ufrag, to_len);
  text[to_len] = ':';
  memcpy(text + to_len + 1, from_ufrag, from_len);
  return (struct paw_slice){(const uint8_t *)text, to_len + 1 + from_len};
}

struct craft craft_seal(const struct paw_stun_message *message, const char *pwd) {
  struct craft craft = {0};
  struct paw_wr wr = paw_wr_init(craft.data, sizeof craft.data);
  assert_int_equal(paw_stun_write(&wr, message, KIT_HMAC_KEY((const uint8_t *)pwd, strlen(pwd))),
                   PAW_OK);
  craft.len = wr.len;
  return craft;
}

struct craft craft_check(const struct paw_ice *to, bool nominates) {
  struct paw_stun_message message = craft_request(craft_username(to, "peer"));
  if (nominates) {
    message.has |= PAW_STUN_HAS_USE_CANDIDATE;
  }
  return craft_seal(&message, paw_ice_get_credentials(to)->pwd);
}

static struct paw_stun_message answer_to(const uint8_t *data, size_t len) {
  struct paw_stun_message request;
  assert_int_equal(paw_stun_read(data, len, &request), PAW_STUN_FAULT_NONE);
  struct paw_stun_message answer = {.method = PAW_STUN_METHOD_BINDING,
                                    .has = PAW_STUN_HAS_INTEGRITY | PAW_STUN_HAS_FINGERPRINT};
  memcpy(answer.id, request.id, sizeof answer.id);
  return answer;
}

struct craft craft_success(const struct paw_transmit *request, const uint8_t *data, size_t len,
                           const char *pwd) {
  struct paw_stun_message answer = answer_to(data, len);
  answer.class = PAW_STUN_SUCCESS;
  answer.has |= PAW_STUN_HAS_XOR_MAPPED;
  answer.xor_mapped = request->local;
  return craft_seal(&answer, pwd);
}

struct craft craft_error(const uint8_t *data, size_t len, uint16_t code, const char *pwd) {
  struct paw_stun_message answer = answer_to(data, len);
  answer.class = PAW_STUN_ERROR;
  answer.has |= PAW_STUN_HAS_ERROR;
  answer.error_code = code;
  return craft_seal(&answer, pwd);
}

struct paw_stun_message craft_read_last(const struct duo_side *side) {
  struct paw_stun_message message;
  assert_int_equal(paw_stun_read(side->last_data, side->last_len, &message), PAW_STUN_FAULT_NONE);
  return message;
}

struct craft craft_seal_with(const struct paw_stun_message *message, const uint8_t *attribute,
                             size_t attribute_len, const char *pwd) {
  struct paw_stun_message open = *message;
  open.has &= ~(uint32_t)(PAW_STUN_HAS_INTEGRITY | PAW_STUN_HAS_FINGERPRINT);
  struct craft craft = craft_seal(&open, pwd);
  struct paw_wr wr = {.data = craft.data, .len = craft.len, .room = sizeof craft.data};
  paw_wr_bytes(&wr, attribute, attribute_len);
  struct paw_slice covered = {craft.data, wr.len};
  paw_wr_u32(&wr, 0x00080014);
  uint8_t *mac = paw_wr_claim(&wr, PAW_HMAC_LEN);
  paw_wr_patch_u16(&wr, 2, (uint16_t)(wr.len - PAW_STUN_HEADER_LEN));
  assert_int_equal(kit_hmac((const uint8_t *)pwd, strlen(pwd), covered, mac), PAW_OK);
  size_t summed = wr.len;
  paw_wr_u32(&wr, 0x80280004);
  paw_wr_patch_u16(&wr, 2, (uint16_t)(wr.len + 4 - PAW_STUN_HEADER_LEN));
  paw_wr_u32(&wr, paw_stun_crc32(craft.data, summed) ^ UINT32_C(0x5354554e));
  craft.len = wr.len;
  return craft;
}
