/* SPDX-License-Identifier: MIT */
/* Memory through the caller's allocator, wiping of secrets, and sized config structs. */
#ifndef PAW_BASE_MEM_H
#define PAW_BASE_MEM_H

#include <pawebrtc/base.h>

/* Zeroed memory, or NULL. An allocator of all zero means malloc and free. */
void *paw_mem_alloc(const struct paw_allocator *allocator, size_t len);

/* NULL is allowed. */
void paw_mem_free(const struct paw_allocator *allocator, void *memory);

/* Overwrite a secret in a way that the compiler cannot drop. */
void paw_mem_wipe(void *secret, size_t len);

/* Equal? In a time that does not depend on where they differ. */
bool paw_mem_equal_secret(const uint8_t *a, const uint8_t *b, size_t len);

/* Lay the caller's config over `own`, which holds the defaults. Both begin with a size_t
 * struct_size; a shorter (older) one leaves the later members at their defaults.
 * PAW_OK; PAW_ERR_INVALID when `given` was not filled by its init function. */
int paw_config_take(void *own, size_t own_size, const void *given);

#endif
