/* SPDX-License-Identifier: MIT */
/* Whose is this datagram? STUN requests by the ufrag they ask for, everything else by its pair of
 * addresses. Both in constant time. */
#include "hub/hub_private.h"

#include <string.h>

#include "base/addr.h"
#include "base/mem.h"
#include "stun/stun.h"

/* Places for paths a peer; most have one or two, and the table grows for those with many. */
#define PATHS_AT_FIRST 4

/* FNV-1a, seeded. */
static uint64_t hash_text(const uint8_t *text, size_t len, uint64_t seed) {
  uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ seed;
  for (size_t i = 0; i < len; i++) {
    hash = (hash ^ text[i]) * UINT64_C(0x100000001b3);
  }
  return hash ^ (hash >> 32);
}

static uint64_t hash_own_ufrag(const struct paw_hub *hub, uint32_t slot) {
  const char *ufrag = paw_rtc_get_ufrag(hub->slots[slot].rtc);
  return hash_text((const uint8_t *)ufrag, strlen(ufrag), hub->seed);
}

static uint32_t bucket_of(const struct paw_hub *hub, uint64_t hash) {
  return (uint32_t)hash & (hub->bucket_count - 1);
}

static uint32_t path_bucket(const struct paw_hub *hub, const struct paw_address *local,
                            const struct paw_address *remote) {
  uint64_t hash = paw_address_hash(remote, paw_address_hash(local, hub->seed));
  return bucket_of(hub, hash);
}

/* ---- growing ---- */

static void clear(uint32_t *buckets, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    buckets[i] = PAW_HUB_NONE;
  }
}

static void link_ufrag(struct paw_hub *hub, uint32_t slot) {
  struct paw_hub_slot *s = &hub->slots[slot];
  s->ufrag_bucket = bucket_of(hub, s->ufrag_hash);
  s->next_of_ufrag = hub->ufrag_buckets[s->ufrag_bucket];
  hub->ufrag_buckets[s->ufrag_bucket] = slot;
}

static void link_path(struct paw_hub *hub, uint32_t path) {
  uint32_t bucket = path_bucket(hub, &hub->paths[path].local, &hub->paths[path].remote);
  hub->paths[path].next_in_bucket = hub->path_buckets[bucket];
  hub->path_buckets[bucket] = path;
}

static void append_path(struct paw_hub *hub, uint32_t path) {
  const struct paw_hub_path *p = &hub->paths[path];
  uint32_t *at = &hub->path_buckets[path_bucket(hub, &p->local, &p->remote)];
  while (*at != PAW_HUB_NONE) {
    at = &hub->paths[*at].next_in_bucket;
  }
  hub->paths[path].next_in_bucket = PAW_HUB_NONE;
  *at = path;
}

/* Those of one pair of addresses come out of one bucket and into one, in their order: the newest
 * stays first. */
static void relink_paths(struct paw_hub *hub, const uint32_t *old_buckets, uint32_t old_count) {
  for (uint32_t i = 0; i < old_count; i++) {
    uint32_t path = old_buckets[i];
    while (path != PAW_HUB_NONE) {
      uint32_t next = hub->paths[path].next_in_bucket;
      append_path(hub, path);
      path = next;
    }
  }
}

static void relink_ufrags(struct paw_hub *hub) {
  for (uint32_t slot = 0; slot < hub->slot_count; slot++) {
    if (hub->slots[slot].rtc != NULL) {
      link_ufrag(hub, slot);
    }
  }
}

static void free_path(struct paw_hub *hub, uint32_t path) {
  hub->paths[path].next_of_peer = hub->free_path;
  hub->free_path = path;
}

int paw_hub_index_grow(struct paw_hub *hub, uint32_t slot_room) {
  uint32_t bucket_count = slot_room * 4; /* a power of two, as slot_room is; loads stay low */
  uint32_t path_room = slot_room * PATHS_AT_FIRST;
  path_room = path_room > hub->path_room ? path_room : hub->path_room;
  uint32_t *ufrags = paw_mem_alloc(&hub->allocator, bucket_count * sizeof *ufrags);
  uint32_t *buckets = paw_mem_alloc(&hub->allocator, bucket_count * sizeof *buckets);
  struct paw_hub_path *paths = paw_mem_alloc(&hub->allocator, path_room * sizeof *paths);
  if (ufrags == NULL || buckets == NULL || paths == NULL) {
    paw_mem_free(&hub->allocator, ufrags);
    paw_mem_free(&hub->allocator, buckets);
    paw_mem_free(&hub->allocator, paths);
    return PAW_ERR_NO_MEMORY;
  }
  if (hub->path_room > 0) {
    memcpy(paths, hub->paths, hub->path_room * sizeof *paths);
  }
  uint32_t *old_buckets = hub->path_buckets;
  uint32_t old_count = hub->bucket_count;
  paw_mem_free(&hub->allocator, hub->ufrag_buckets);
  paw_mem_free(&hub->allocator, hub->paths);
  hub->ufrag_buckets = ufrags;
  hub->path_buckets = buckets;
  hub->paths = paths;
  hub->bucket_count = bucket_count;
  for (uint32_t path = hub->path_room; path < path_room; path++) {
    free_path(hub, path);
  }
  hub->path_room = path_room;
  clear(ufrags, bucket_count);
  clear(buckets, bucket_count);
  relink_ufrags(hub);
  relink_paths(hub, old_buckets, old_count);
  paw_mem_free(&hub->allocator, old_buckets);
  return PAW_OK;
}

/* ---- ufrags ---- */

static void unlink_ufrag(struct paw_hub *hub, uint32_t slot) {
  struct paw_hub_slot *s = &hub->slots[slot];
  if (s->ufrag_bucket == PAW_HUB_NONE) {
    return;
  }
  uint32_t *at = &hub->ufrag_buckets[s->ufrag_bucket];
  while (*at != slot) {
    at = &hub->slots[*at].next_of_ufrag;
  }
  *at = s->next_of_ufrag;
  s->ufrag_bucket = PAW_HUB_NONE;
}

void paw_hub_index_ufrag(struct paw_hub *hub, uint32_t slot) {
  struct paw_hub_slot *s = &hub->slots[slot];
  uint32_t generation = paw_rtc_get_ufrag_generation(s->rtc);
  if (s->ufrag_bucket != PAW_HUB_NONE && s->ufrag_generation == generation) {
    return;
  }
  unlink_ufrag(hub, slot);
  s->ufrag_generation = generation;
  s->ufrag_hash = hash_own_ufrag(hub, slot);
  link_ufrag(hub, slot);
}

static uint32_t find_ufrag(const struct paw_hub *hub, struct paw_slice ufrag) {
  uint64_t hash = hash_text(ufrag.data, ufrag.len, hub->seed);
  uint32_t slot = hub->ufrag_buckets[bucket_of(hub, hash)];
  while (slot != PAW_HUB_NONE) {
    const char *own = paw_rtc_get_ufrag(hub->slots[slot].rtc);
    if (strlen(own) == ufrag.len && memcmp(own, ufrag.data, ufrag.len) == 0) {
      return slot;
    }
    slot = hub->slots[slot].next_of_ufrag;
  }
  return PAW_HUB_NONE;
}

/* ---- paths ---- */

static bool is_path(const struct paw_hub_path *path, const struct paw_address *local,
                    const struct paw_address *remote) {
  return paw_address_equal(&path->remote, remote) && paw_address_equal(&path->local, local);
}

static void unlink_from_bucket(struct paw_hub *hub, uint32_t path) {
  uint32_t *at =
      &hub->path_buckets[path_bucket(hub, &hub->paths[path].local, &hub->paths[path].remote)];
  while (*at != path) {
    at = &hub->paths[*at].next_in_bucket;
  }
  *at = hub->paths[path].next_in_bucket;
}

/* A peer's list begins with its newest path; the oldest gives way. */
static void drop_oldest_path(struct paw_hub *hub, struct paw_hub_slot *slot) {
  uint32_t *at = &slot->first_path;
  while (hub->paths[*at].next_of_peer != PAW_HUB_NONE) {
    at = &hub->paths[*at].next_of_peer;
  }
  uint32_t path = *at;
  *at = PAW_HUB_NONE;
  unlink_from_bucket(hub, path);
  free_path(hub, path);
  slot->path_count--;
}

/* Twice as many paths, or false. */
static bool grow_paths(struct paw_hub *hub) {
  uint32_t room = hub->path_room * 2;
  struct paw_hub_path *paths = paw_mem_alloc(&hub->allocator, room * sizeof *paths);
  if (paths == NULL) {
    return false;
  }
  memcpy(paths, hub->paths, hub->path_room * sizeof *paths);
  paw_mem_free(&hub->allocator, hub->paths);
  hub->paths = paths;
  for (uint32_t path = hub->path_room; path < room; path++) {
    free_path(hub, path);
  }
  hub->path_room = room;
  return true;
}

/* Move the peer's path to the front of its list, where the newest and the used ones are. */
static bool touch_path(struct paw_hub *hub, struct paw_hub_slot *slot,
                       const struct paw_address *local, const struct paw_address *remote) {
  for (uint32_t *at = &slot->first_path; *at != PAW_HUB_NONE; at = &hub->paths[*at].next_of_peer) {
    uint32_t path = *at;
    if (is_path(&hub->paths[path], local, remote)) {
      *at = hub->paths[path].next_of_peer;
      hub->paths[path].next_of_peer = slot->first_path;
      slot->first_path = path;
      return true;
    }
  }
  return false;
}

void paw_hub_index_path(struct paw_hub *hub, uint32_t slot, const struct paw_address *local,
                        const struct paw_address *remote) {
  struct paw_hub_slot *s = &hub->slots[slot];
  if (touch_path(hub, s, local, remote)) {
    return;
  }
  if (s->path_count == PAW_HUB_PATHS_MAX ||
      (hub->free_path == PAW_HUB_NONE && !grow_paths(hub) && s->path_count > 0)) {
    drop_oldest_path(hub, s);
  }
  uint32_t path = hub->free_path;
  if (path == PAW_HUB_NONE) {
    return; /* no memory, and none of its own to give up: its datagrams are nobody's for now */
  }
  hub->free_path = hub->paths[path].next_of_peer;
  hub->paths[path] = (struct paw_hub_path){
      .local = *local, .remote = *remote, .slot = slot, .next_of_peer = s->first_path};
  s->first_path = path;
  s->path_count++;
  link_path(hub, path);
}

void paw_hub_index_remove(struct paw_hub *hub, uint32_t slot) {
  struct paw_hub_slot *s = &hub->slots[slot];
  unlink_ufrag(hub, slot);
  while (s->path_count > 0) {
    drop_oldest_path(hub, s);
  }
}

/* Several peers may have used one pair of addresses, one after the other from the same socket: all
 * that take the datagram, the newest first. */
static size_t find_path(const struct paw_hub *hub, const struct paw_input *input, uint32_t *slots) {
  size_t count = 0;
  uint32_t path = hub->path_buckets[path_bucket(hub, &input->local, &input->remote)];
  while (path != PAW_HUB_NONE && count < PAW_HUB_TRIES_MAX) {
    const struct paw_hub_path *p = &hub->paths[path];
    if (is_path(p, &input->local, &input->remote) &&
        paw_rtc_accepts(hub->slots[p->slot].rtc, input)) {
      slots[count++] = p->slot;
    }
    path = p->next_in_bucket;
  }
  return count;
}

void paw_hub_index_put_last(struct paw_hub *hub, uint32_t slot, const struct paw_address *local,
                            const struct paw_address *remote) {
  uint32_t path = hub->path_buckets[path_bucket(hub, local, remote)];
  while (path != PAW_HUB_NONE &&
         (hub->paths[path].slot != slot || !is_path(&hub->paths[path], local, remote))) {
    path = hub->paths[path].next_in_bucket;
  }
  if (path != PAW_HUB_NONE) {
    unlink_from_bucket(hub, path);
    append_path(hub, path);
  }
}

size_t paw_hub_index_find(const struct paw_hub *hub, const struct paw_input *input,
                          uint32_t slots[PAW_HUB_TRIES_MAX]) {
  struct paw_slice username;
  if (hub->bucket_count == 0) {
    return 0;
  }
  bool may_be_stun = input->len > 0 && input->data[0] <= 3; /* RFC 7983 */
  if (may_be_stun && paw_stun_peek_username(input->data, input->len, &username)) {
    slots[0] = find_ufrag(hub, paw_stun_username_ufrag(username));
    if (slots[0] != PAW_HUB_NONE) {
      return 1;
    } /* else perhaps one of before an ICE restart, on a path that is still in use */
  }
  return find_path(hub, input, slots);
}
