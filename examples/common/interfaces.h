/* SPDX-License-Identifier: MIT */
/* The addresses of this host that peers can reach: what goes into host candidates. */
#ifndef COMMON_INTERFACES_H
#define COMMON_INTERFACES_H

#include <pawebrtc/rtc.h>

#include "fault.h"

/* Host candidates offered at most; PAW_DESCRIPTION_CANDIDATES_MAX leaves room for more kinds. */
#define INTERFACES_MAX 16

struct interface_address {
  struct paw_address address; /* port 0 */
  bool up;
  bool loopback;
};

/* Choose among `found`: addresses of interfaces that are up; of loopback only when `loopback`, and
 * then nothing else; IPv6 link-local (fe80::/10) only when there is nothing else. Returns how many
 * were written to `out` (INTERFACES_MAX at most), in the order found. */
size_t interfaces_select(const struct interface_address *found, size_t count, bool loopback,
                         struct paw_address *out);

/* Ask the system (getifaddrs) and select. `port` is put into each. An empty list is no error. */
int interfaces_list(bool loopback, uint16_t port, struct paw_address *out, size_t *count,
                    struct fault *fault);

/* The longest name of an interface, and of an address of it, with its NUL. */
#define INTERFACE_NAME_SIZE 32

/* Ask the system which interface has the address; whatever its port. False, and an empty name: none
 * has. The name may be that of the address, "wlan0:1". */
bool interfaces_find_name(const struct paw_address *address, char out[INTERFACE_NAME_SIZE]);

/* The addresses that are offered, as they were last listed. */
struct interfaces {
  struct paw_address addresses[INTERFACES_MAX];
  size_t count;
};

bool interfaces_have(const struct interfaces *interfaces, const struct paw_address *address);

/* The same addresses, in whatever order? */
bool interfaces_are_same(const struct interfaces *a, const struct interfaces *b);

/* Bring the local candidates of a connection from `before` up to `now`. PAW_OK, or what
 * paw_rtc_add_local_candidate says but for its limit: some addresses are enough. */
int interfaces_update(struct paw_rtc *rtc, const struct interfaces *before,
                      const struct interfaces *now);

#endif
