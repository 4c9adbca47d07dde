/* SPDX-License-Identifier: MIT */
/* Which of this host's interfaces are Wi-Fi: packets by the air want more delay at first. */
#ifndef COMMON_WIFI_H
#define COMMON_WIFI_H

#include <stdbool.h>

/* Is the interface of this name a Wi-Fi one? "wlan0:1", another address of wlan0, counts as wlan0,
 * and so does what stands on one: a VLAN, a bond, a bridge.
 *
 * @param sysfs  where sysfs is mounted: "/sys" */
bool wifi_has_name(const char *sysfs, const char *name);

#endif
