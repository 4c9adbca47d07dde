/* SPDX-License-Identifier: MIT */
/* KIT_SANITIZED is defined in builds with the address sanitizer, by gcc or clang. Debian's gcc
 * brings no headers for the sanitizer's interface: what the kit uses of it is declared here. */
#ifndef KIT_SANITIZER_H
#define KIT_SANITIZER_H

#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#define KIT_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KIT_SANITIZED 1
#endif
#endif

#ifdef KIT_SANITIZED
int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *, size_t),
                                              void (*on_free)(const volatile void *));
size_t __sanitizer_get_allocated_size(const volatile void *memory);
void __sanitizer_set_death_callback(void (*callback)(void));
#endif

#endif
