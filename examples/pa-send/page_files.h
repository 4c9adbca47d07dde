/* SPDX-License-Identifier: MIT */
/* The files of page/, put into the program when it is built. */
#ifndef PA_SEND_PAGE_FILES_H
#define PA_SEND_PAGE_FILES_H

#include <stddef.h>

struct page_file {
  const char *path;
  const char *content_type;
  const unsigned char *bytes;
  size_t len;
};

extern const struct page_file page_files[];
extern const size_t page_file_count;

#endif
