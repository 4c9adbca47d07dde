/* SPDX-License-Identifier: MIT */
#include <pawebrtc/base.h>

const char *paw_strerror(int status) {
  switch (status) {
#define STATUS_CASE(name, value, text)                                                             \
  case (value):                                                                                    \
    return (text);
    PAW_STATUS_MAP(STATUS_CASE)
#undef STATUS_CASE
  }
  return "unknown status";
}

const char *paw_version(void) {
  return PAW_VERSION;
}

const char *paw_timeout_text(enum paw_timeout_reason reason) {
  switch (reason) {
#define REASON_CASE(name, text)                                                                    \
  case PAW_TIMEOUT_##name:                                                                         \
    return (text);
    PAW_TIMEOUT_MAP(REASON_CASE)
#undef REASON_CASE
  }
  return "unknown reason";
}
