/* SPDX-License-Identifier: MIT */
/* The web page: its files, for requests that are for this host. */
#ifndef PA_SEND_PAGE_H
#define PA_SEND_PAGE_H

#include "host_check.h"
#include "http.h"

/* Answer a request for anything that is not an endpoint; `response` comes zeroed. */
void page_handle(const struct host_names *names, const struct http_request *request,
                 struct http_response *response);

#endif
