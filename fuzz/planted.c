/* SPDX-License-Identifier: MIT */
/* Not of the library: faults to be found, one for each kind that a run can find. selfcheck.sh and
 * `fuzz/run.sh 10 planted` prove by it that a fault in a target is not passed over. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  uint8_t *copy = fuzz_copy(data, size);
  uint8_t first = size > 0 ? copy[0] : 0;
  FUZZ_CHECK(first != 'c');
  if (first == 'o') {
    volatile size_t past = size;
    first = copy[past];
    FUZZ_CHECK(first == copy[past]);
  }
  if (first != 'l') {
    free(copy);
  }
  return 0;
}
