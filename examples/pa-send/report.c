/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <string.h>
#include <unistd.h>

#include "interfaces.h"
#include "system.h"

static bool is_any(const struct paw_address *address) {
  static const uint8_t zeros[sizeof address->ip];
  return address->family == PAW_FAMILY_NONE ||
         memcmp(address->ip, zeros, address->family == PAW_FAMILY_IPV4 ? 4 : 16) == 0;
}

/* The first of the addresses offered that is of the family listened on. */
static struct paw_address choose_host(const struct greeting *greeting) {
  struct paw_address offered[INTERFACES_MAX];
  struct paw_address ours = {.ip = {127, 0, 0, 1}, .family = PAW_FAMILY_IPV4};
  enum paw_family family = greeting->settings->listen.family;
  if (family == PAW_FAMILY_IPV6) {
    ours = (struct paw_address){.ip = {[15] = 1}, .family = PAW_FAMILY_IPV6};
  }
  size_t count = peers_get_addresses(greeting->peers, offered);
  for (size_t i = 0; i < count; i++) {
    if (family == PAW_FAMILY_NONE || offered[i].family == family) {
      return offered[i];
    }
  }
  return ours;
}

/* An address that a speaker can connect to: the one listened on, or one of this host. */
static void write_host(const struct greeting *greeting, char *out) {
  struct paw_address host = greeting->settings->listen;
  if (is_any(&host)) {
    host = choose_host(greeting);
  }
  host.port = greeting->http_port;
  paw_address_format(&host, out);
}

static void write_tokens(const struct state *state) {
  if (isatty(STDERR_FILENO) == 0) {
    system_print_line(STDERR_FILENO, "tokens: %s", state->tokens_path);
    return;
  }
  system_print_line(STDERR_FILENO, "tokens (kept in %s):", state->tokens_path);
  for (size_t i = 0; i < state->tokens.count; i++) {
    const struct token *token = &state->tokens.list[i];
    system_print_line(STDERR_FILENO, "  %-8s %s %s", token_role_name(token->role), token->text,
                      token->id);
  }
}

void report_greet(const struct greeting *greeting) {
  char host[PAW_ADDRESS_TEXT_SIZE];
  bool plain = greeting->settings->insecure_http;
  write_host(greeting, host);
  system_print_line(STDERR_FILENO, "serving %s on http%s://%s/whep, media on UDP port %u",
                    greeting->settings->source, plain ? "" : "s", host,
                    peers_get_port(greeting->peers));
  system_print_line(STDERR_FILENO, "web page to listen and talk: http%s://%s/", plain ? "" : "s",
                    host);
  system_print_line(STDERR_FILENO, "pair a speaker: pa-recv --server %s%s%s%s --token-file FILE",
                    plain ? "http://" : "", host, plain ? "" : " --pin ",
                    greeting->state->identity.pin);
  system_write_line(STDERR_FILENO,
                    "  FILE holds the token of role speaker alone on its first line, mode 600");
  write_tokens(greeting->state);
}

static unsigned long long wide(uint64_t value) {
  return (unsigned long long)value;
}

static void write_json(const struct report *report) {
  const struct peers_stats *l = &report->peers;
  const struct programme *p = report->programme;
  system_print_line(
      STDOUT_FILENO,
      "{\"t_s\":%.3f,\"state\":\"%s\",\"peers\":%zu,\"connected\":%zu,\"talkers\":%zu,"
      "\"frames\":%llu,"
      "\"skipped\":%llu,\"silent\":%llu,\"late_ms\":%.1f,\"level_dbfs\":%.1f,\"sent\":%llu,"
      "\"resent\":%llu,\"nacks\":%llu,\"lost\":%llu,\"datagrams\":%llu,\"dropped\":%llu,"
      "\"dropped_full\":%llu,\"held\":%llu,\"unclaimed\":%llu,\"worst_loss_pct\":%.1f,\"fec\":%s,"
      "\"red\":%zu}",
      report->t_s, report->state, l->peers, l->connected, report->talkers, wide(p->frames),
      wide(p->pacer.skipped), wide(p->short_frames), (double)p->late_ns / 1e6, p->level_dbfs,
      wide(l->sent), wide(l->resent), wide(l->nacks), wide(l->lost), wide(l->datagrams),
      wide(l->dropped), wide(l->dropped_full), wide(l->held), wide(l->unclaimed),
      l->worst_loss_percent, p->fec_on ? "true" : "false", l->redundant);
}

void report_write(const struct report *report, bool json) {
  const struct peers_stats *l = &report->peers;
  const struct programme *p = report->programme;
  if (json) {
    write_json(report);
    return;
  }
  system_print_line(
      STDERR_FILENO,
      "%8.1f s  %s  %zu of %zu connected  %zu talking  %.1f dBFS  frames %llu  late %.1f ms  "
      "sent %llu  resent %llu  lost %llu  dropped %llu  worst loss %.1f %%  fec %s  red %zu",
      report->t_s, report->state, l->connected, l->peers, report->talkers, p->level_dbfs,
      wide(p->frames), (double)p->late_ns / 1e6, wide(l->sent), wide(l->resent), wide(l->lost),
      wide(l->dropped), l->worst_loss_percent, p->fec_on ? "on" : "off", l->redundant);
}
