/* SPDX-License-Identifier: MIT */
/* What is seldom done stays apart from what each packet goes through, whose function then has less
 * to save and to restore: of a packet that comes in, 50 instructions. */
#ifndef PAW_BASE_SELDOM_H
#define PAW_BASE_SELDOM_H

#if defined(__GNUC__)
#define PAW_SELDOM __attribute__((noinline, cold))
#else
#define PAW_SELDOM
#endif

#endif
