/* SPDX-License-Identifier: MIT */
/**
 * @file base.h
 * What every other header speaks in: status codes, time, addresses, inputs and outputs, and the
 * hooks (memory, randomness, log) that the caller lends to the library.
 */
#ifndef PAWEBRTC_BASE_H
#define PAWEBRTC_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define PAW_API __attribute__((visibility("default")))
#else
#define PAW_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- status ------------------------------------------------------------------------------- */

/** One table makes the codes, their texts and their test. Numbers never change. */
#define PAW_STATUS_MAP(X)                                                                          \
  X(OK, 0, "success")                                                                              \
  X(ERR_INVALID, -1, "invalid argument")                                                           \
  X(ERR_STATE, -2, "call not allowed in this state")                                               \
  X(ERR_NO_MEMORY, -3, "out of memory")                                                            \
  X(ERR_NO_BUFFER, -4, "buffer too small")                                                         \
  X(ERR_LIMIT, -5, "limit reached")                                                                \
  X(ERR_MALFORMED, -6, "malformed input")                                                          \
  X(ERR_UNSUPPORTED, -7, "not supported")                                                          \
  X(ERR_AUTH, -8, "authentication failed")                                                         \
  X(ERR_REPLAY, -9, "replayed or too old")                                                         \
  X(ERR_RANDOM, -10, "random source failed")                                                       \
  X(ERR_CRYPTO, -11, "cryptographic library failed")                                               \
  X(ERR_CODEC, -12, "audio codec failed")

enum paw_status {
#define PAW_STATUS_ENUM(name, value, text) PAW_##name = (value),
  PAW_STATUS_MAP(PAW_STATUS_ENUM)
#undef PAW_STATUS_ENUM
};

/**
 * The text of a status code.
 *
 * @param status  any value
 * @return a static English phrase, never NULL; "unknown status" for a value not in the table
 */
PAW_API const char *paw_strerror(int status);

/** The library's version, "major.minor.patch". */
PAW_API const char *paw_version(void);

/* ---- time --------------------------------------------------------------------------------- */

/**
 * Time is `uint64_t` nanoseconds of a monotonic clock of the caller's choice, with any origin; only
 * differences matter. It is passed to every call that acts. A time earlier than the last one is
 * taken as the last one. PAW_TIME_NEVER stands for "no deadline".
 */
#define PAW_TIME_NEVER UINT64_MAX

/** Nanoseconds in a millisecond and in a second. */
#define PAW_NS_PER_MS UINT64_C(1000000)
#define PAW_NS_PER_S UINT64_C(1000000000)

/** The clock of RTP time stamps for Opus, whatever rate the signal has (RFC 7587 section 4.1). */
#define PAW_RTP_HZ 48000

/**
 * Ties the monotonic clock to the wall clock, once: at monotonic `now_ns` the wall clock read
 * `unix_ns`. All zero means that no wall clock is known; nothing but RTCP's NTP fields uses it.
 */
struct paw_wall_anchor {
  uint64_t now_ns;
  uint64_t unix_ns; /**< nanoseconds since 1970-01-01T00:00:00Z */
};

/* ---- addresses ---------------------------------------------------------------------------- */

enum paw_family { PAW_FAMILY_NONE = 0, PAW_FAMILY_IPV4 = 4, PAW_FAMILY_IPV6 = 6 };

/** A transport address (UDP). All zero is "none". Unused bytes of `ip` are zero. */
struct paw_address {
  uint8_t ip[16];    /**< network byte order; IPv4 in the first four bytes */
  uint32_t scope_id; /**< IPv6 link-local only, else 0; ignored when addresses are compared */
  uint16_t port;     /**< host byte order */
  uint8_t family;    /**< enum paw_family */
};

/** Room for the longest text form, "[v6%scope]:port", and its NUL. */
#define PAW_ADDRESS_TEXT_SIZE 64

/**
 * Read "192.0.2.1", "192.0.2.1:8443", "fd00::2", or "[fd00::2]:8443" (a scope as "%3" may follow a
 * v6 address). Without a port, port is 0.
 *
 * @param text  NUL-terminated
 * @param out   set on success only
 * @return PAW_OK; PAW_ERR_MALFORMED
 * Source: RFC 4291 section 2.2, RFC 5952 section 6.
 */
PAW_API int paw_address_parse(const char *text, struct paw_address *out);

/**
 * Write the canonical text; with the port when it is not 0.
 *
 * @param out   at least PAW_ADDRESS_TEXT_SIZE bytes
 * Source: RFC 5952 section 4.
 */
PAW_API void paw_address_format(const struct paw_address *address, char *out);

/** Same family, address and port. */
PAW_API bool paw_address_equal(const struct paw_address *a, const struct paw_address *b);

/** 127.0.0.0/8 or ::1. */
PAW_API bool paw_address_is_loopback(const struct paw_address *address);

/* ---- hooks -------------------------------------------------------------------------------- */

/**
 * Memory. All zero means malloc and free. libsrtp2, mbedTLS and libopus allocate for themselves.
 * Must stay valid as long as any object made with it.
 */
struct paw_allocator {
  void *(*alloc)(void *user_data, size_t len); /**< NULL when there is no memory */
  void (*free)(void *user_data, void *memory); /**< never called with NULL */
  void *user_data;
};

/** Cryptographically secure random bytes, from the caller. */
struct paw_rng {
  /** Fill `out` with `len` bytes; 0 on success. A failure ends the call that needed them. */
  int (*fill)(void *user_data, uint8_t *out, size_t len);
  void *user_data;
};

enum paw_log_level {
  PAW_LOG_ERROR,
  PAW_LOG_WARNING,
  PAW_LOG_INFO,
  PAW_LOG_DEBUG,
};

/** Where to tell what happened. All zero means silence. Keys and passwords are never told. */
struct paw_log {
  /** @param room  which part speaks: "ice", "dtls", …;  @param text  one line without newline */
  void (*write)(void *user_data, enum paw_log_level level, const char *room, const char *text);
  void *user_data;
  enum paw_log_level level; /**< the least urgent level that is told */
};

/* ---- in and out --------------------------------------------------------------------------- */

enum paw_input_kind {
  PAW_INPUT_TIMEOUT, /**< time passed; only now_ns counts */
  PAW_INPUT_RECEIVE, /**< a datagram came */
};

/** What goes into every engine by its `handle_input`. */
struct paw_input {
  enum paw_input_kind kind;
  uint64_t now_ns;
  uint64_t arrival_ns; /**< when the kernel received it, on the same clock, <= now_ns; 0 = now_ns */
  struct paw_address local;  /**< where it arrived: a true address, never "any" */
  struct paw_address remote; /**< where it came from */
  const uint8_t *data;       /**< borrowed for the call */
  size_t len;
};

enum paw_output_kind {
  PAW_OUTPUT_TRANSMIT, /**< send this datagram */
  PAW_OUTPUT_EVENT,    /**< something happened */
  PAW_OUTPUT_TIMEOUT,  /**< nothing more to do before this deadline */
};

/** A datagram to send. Network errors on sending are the caller's to ignore: they are losses. */
struct paw_transmit {
  struct paw_address local;
  struct paw_address remote;
  const uint8_t *data; /**< valid until the next non-const call on the object polled */
  size_t len;
  uint8_t dscp; /**< differentiated services code point (RFC 8837), 0..63 */
};

/** Why the next deadline is what it is. */
#define PAW_TIMEOUT_MAP(X)                                                                         \
  X(NONE, "nothing is due")                                                                        \
  X(ICE_CHECK, "connectivity check")                                                               \
  X(ICE_CONSENT, "consent check or expiry")                                                        \
  X(ICE_KEEPALIVE, "ICE keep-alive")                                                               \
  X(DTLS, "DTLS retransmission")                                                                   \
  X(RTCP, "RTCP report")                                                                           \
  X(MEDIA, "media watchdog")                                                                       \
  X(NACK, "retransmission request")

enum paw_timeout_reason {
#define PAW_TIMEOUT_ENUM(name, text) PAW_TIMEOUT_##name,
  PAW_TIMEOUT_MAP(PAW_TIMEOUT_ENUM)
#undef PAW_TIMEOUT_ENUM
};

/** When to call `handle_input` with PAW_INPUT_TIMEOUT at the latest. */
struct paw_timeout {
  uint64_t deadline_ns; /**< PAW_TIME_NEVER when there is none */
  enum paw_timeout_reason reason;
};

/** The text of a timeout reason; static, never NULL. */
PAW_API const char *paw_timeout_text(enum paw_timeout_reason reason);

#ifdef __cplusplus
}
#endif
#endif
