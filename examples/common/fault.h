/* SPDX-License-Identifier: MIT */
/* Why something did not work, in one line for a person: what, where, what to do. The functions of
 * the programs return 0 or -1 and, where there is something to tell, fill a fault. */
#ifndef COMMON_FAULT_H
#define COMMON_FAULT_H

struct fault {
  char text[512];
};

/* Write the text. Always -1, so that `return fault_set(fault, …)` reads well. */
__attribute__((format(printf, 2, 3))) int fault_set(struct fault *fault, const char *format, ...);

#endif
