/* SPDX-License-Identifier: MIT */
#include "interfaces.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

/* Addresses looked at: hosts with hundreds (containers) exist, but the first ones will do. */
#define FOUND_MAX 256

static bool is_link_local(const struct paw_address *address) {
  return address->family == PAW_FAMILY_IPV6 && address->ip[0] == 0xfe &&
         (address->ip[1] & 0xc0) == 0x80;
}

static size_t select_scope(const struct interface_address *found, size_t count, bool loopback,
                           bool link_local, struct paw_address *out) {
  size_t chosen = 0;
  for (size_t i = 0; i < count && chosen < INTERFACES_MAX; i++) {
    if (found[i].up && found[i].loopback == loopback &&
        is_link_local(&found[i].address) == link_local) {
      out[chosen++] = found[i].address;
    }
  }
  return chosen;
}

size_t interfaces_select(const struct interface_address *found, size_t count, bool loopback,
                         struct paw_address *out) {
  size_t chosen = select_scope(found, count, loopback, false, out);
  return chosen > 0 ? chosen : select_scope(found, count, loopback, true, out);
}

static bool read_address(const struct sockaddr *system, struct paw_address *out) {
  *out = (struct paw_address){0};
  if (system != NULL && system->sa_family == AF_INET) {
    struct sockaddr_in in;
    memcpy(&in, system, sizeof in);
    out->family = PAW_FAMILY_IPV4;
    memcpy(out->ip, &in.sin_addr, 4);
    return true;
  }
  if (system != NULL && system->sa_family == AF_INET6) {
    struct sockaddr_in6 in6;
    memcpy(&in6, system, sizeof in6);
    out->family = PAW_FAMILY_IPV6;
    memcpy(out->ip, &in6.sin6_addr, 16);
    out->scope_id = is_link_local(out) ? in6.sin6_scope_id : 0;
    return true;
  }
  return false;
}

int interfaces_list(bool loopback, uint16_t port, struct paw_address *out, size_t *count,
                    struct fault *fault) {
  struct interface_address found[FOUND_MAX];
  size_t found_count = 0;
  struct ifaddrs *list = NULL;
  if (getifaddrs(&list) != 0) {
    return fault_set(fault, "cannot list the network interfaces: %s", strerror(errno));
  }
  for (const struct ifaddrs *at = list; at != NULL && found_count < FOUND_MAX; at = at->ifa_next) {
    struct interface_address *entry = &found[found_count];
    if (read_address(at->ifa_addr, &entry->address)) {
      entry->up = (at->ifa_flags & IFF_UP) != 0 && (at->ifa_flags & IFF_RUNNING) != 0;
      entry->loopback = (at->ifa_flags & IFF_LOOPBACK) != 0;
      found_count++;
    }
  }
  freeifaddrs(list);
  *count = interfaces_select(found, found_count, loopback, out);
  for (size_t i = 0; i < *count; i++) {
    out[i].port = port;
  }
  return 0;
}

bool interfaces_find_name(const struct paw_address *address, char out[INTERFACE_NAME_SIZE]) {
  struct ifaddrs *list = NULL;
  out[0] = '\0';
  if (getifaddrs(&list) != 0) {
    return false;
  }
  for (const struct ifaddrs *at = list; at != NULL && out[0] == '\0'; at = at->ifa_next) {
    struct paw_address one;
    bool readable = read_address(at->ifa_addr, &one);
    one.port = address->port;
    if (readable && paw_address_equal(&one, address)) {
      (void)snprintf(out, INTERFACE_NAME_SIZE, "%s", at->ifa_name);
    }
  }
  freeifaddrs(list);
  return out[0] != '\0';
}

bool interfaces_have(const struct interfaces *interfaces, const struct paw_address *address) {
  for (size_t i = 0; i < interfaces->count; i++) {
    if (paw_address_equal(&interfaces->addresses[i], address)) {
      return true;
    }
  }
  return false;
}

bool interfaces_are_same(const struct interfaces *a, const struct interfaces *b) {
  bool same = a->count == b->count;
  for (size_t i = 0; same && i < a->count; i++) {
    same = interfaces_have(b, &a->addresses[i]);
  }
  return same;
}

/* Those that are gone first: they make room. */
int interfaces_update(struct paw_rtc *rtc, const struct interfaces *before,
                      const struct interfaces *now) {
  for (size_t i = 0; i < before->count; i++) {
    if (!interfaces_have(now, &before->addresses[i])) {
      (void)paw_rtc_remove_local_candidate(rtc, &before->addresses[i]);
    }
  }
  for (size_t i = 0; i < now->count; i++) {
    const struct paw_candidate candidate = {.type = PAW_CANDIDATE_HOST,
                                            .address = now->addresses[i]};
    int status = paw_rtc_add_local_candidate(rtc, &candidate);
    if (status != PAW_OK && status != PAW_ERR_LIMIT) {
      return status;
    }
  }
  return PAW_OK;
}
