/* SPDX-License-Identifier: MIT */
/* The web page: its files. */
#ifndef PA_SEND_PAGE_H
#define PA_SEND_PAGE_H

#include "http.h"

/* Answer GET or HEAD of one of the page's files; `response` comes zeroed. */
void page_handle(const struct http_request *request, struct http_response *response);

#endif
