/* SPDX-License-Identifier: MIT */
#include "nice_peer.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define COMPONENT 1

static void note_gathered(NiceAgent *agent, guint stream, gpointer user_data) {
  (void)agent;
  (void)stream;
  ((struct nice_peer *)user_data)->gathered = true;
}

static void note_data(NiceAgent *agent, guint stream, guint component, guint len, gchar *data,
                      gpointer user_data) {
  (void)agent;
  (void)stream;
  (void)component;
  struct nice_peer *peer = user_data;
  peer->received++;
  size_t kept = len < sizeof peer->last - 1 ? len : sizeof peer->last - 1;
  memcpy(peer->last, data, kept);
  peer->last[kept] = '\0';
}

void nice_peer_open(struct nice_peer *peer, GMainContext *context, const char *address,
                    bool controlling, NiceAgentOption options) {
  memset(peer, 0, sizeof *peer);
  peer->context = context;
  peer->agent = nice_agent_new_full(context, NICE_COMPATIBILITY_RFC5245, options);
  g_object_set(peer->agent, "controlling-mode", (gboolean)controlling, "ice-tcp", FALSE, "upnp",
               FALSE, NULL);
  NiceAddress own;
  nice_address_init(&own);
  (void)nice_address_set_from_string(&own, address);
  (void)nice_agent_add_local_address(peer->agent, &own);
  g_signal_connect(peer->agent, "candidate-gathering-done", G_CALLBACK(note_gathered), peer);
  peer->stream = nice_agent_add_stream(peer->agent, 1);
  nice_agent_attach_recv(peer->agent, peer->stream, COMPONENT, context, note_data, peer);
  (void)nice_agent_gather_candidates(peer->agent, peer->stream);
}

void nice_peer_close(struct nice_peer *peer) {
  nice_agent_remove_stream(peer->agent, peer->stream);
  g_object_unref(peer->agent);
}

void nice_peer_get_credentials(struct nice_peer *peer, struct paw_ice_credentials *out) {
  gchar *ufrag = NULL;
  gchar *pwd = NULL;
  memset(out, 0, sizeof *out);
  if (nice_agent_get_local_credentials(peer->agent, peer->stream, &ufrag, &pwd)) {
    (void)g_strlcpy(out->ufrag, ufrag, sizeof out->ufrag);
    (void)g_strlcpy(out->pwd, pwd, sizeof out->pwd);
  }
  g_free(ufrag);
  g_free(pwd);
}

void nice_peer_set_credentials(struct nice_peer *peer, const struct paw_ice_credentials *theirs) {
  (void)nice_agent_set_remote_credentials(peer->agent, peer->stream, theirs->ufrag, theirs->pwd);
}

static struct paw_address from_nice(const NiceAddress *address) {
  struct paw_address out = {.port = (uint16_t)nice_address_get_port(address)};
  if (nice_address_ip_version(address) == 4) {
    out.family = PAW_FAMILY_IPV4;
    memcpy(out.ip, &address->s.ip4.sin_addr, 4);
  } else {
    out.family = PAW_FAMILY_IPV6;
    memcpy(out.ip, &address->s.ip6.sin6_addr, 16);
  }
  return out;
}

static void to_nice(const struct paw_address *address, NiceAddress *out) {
  nice_address_init(out);
  if (address->family == PAW_FAMILY_IPV4) {
    struct in_addr ipv4;
    memcpy(&ipv4, address->ip, sizeof ipv4);
    nice_address_set_ipv4(out, ntohl(ipv4.s_addr));
  } else {
    nice_address_set_ipv6(out, address->ip);
  }
  nice_address_set_port(out, address->port);
}

static void free_candidate(gpointer candidate) {
  nice_candidate_free(candidate);
}

bool nice_peer_get_candidate(struct nice_peer *peer, struct paw_candidate *out) {
  GSList *all = nice_agent_get_local_candidates(peer->agent, peer->stream, COMPONENT);
  bool one = g_slist_length(all) == 1;
  if (one) {
    const NiceCandidate *candidate = all->data;
    *out = (struct paw_candidate){.type = PAW_CANDIDATE_HOST,
                                  .address = from_nice(&candidate->addr),
                                  .priority = candidate->priority};
    (void)g_strlcpy(out->foundation, candidate->foundation, sizeof out->foundation);
  }
  g_slist_free_full(all, free_candidate);
  return one;
}

void nice_peer_add_candidate(struct nice_peer *peer, const struct paw_candidate *theirs) {
  NiceCandidate *candidate = nice_candidate_new(NICE_CANDIDATE_TYPE_HOST);
  candidate->stream_id = peer->stream;
  candidate->component_id = COMPONENT;
  candidate->transport = NICE_CANDIDATE_TRANSPORT_UDP;
  candidate->priority = theirs->priority;
  to_nice(&theirs->address, &candidate->addr);
  (void)g_strlcpy(candidate->foundation, theirs->foundation, sizeof candidate->foundation);
  GSList *list = g_slist_append(NULL, candidate);
  (void)nice_agent_set_remote_candidates(peer->agent, peer->stream, COMPONENT, list);
  g_slist_free_full(list, free_candidate);
}

bool nice_peer_is_ready(struct nice_peer *peer) {
  return nice_agent_get_component_state(peer->agent, peer->stream, COMPONENT) ==
         NICE_COMPONENT_STATE_READY;
}

bool nice_peer_uses(struct nice_peer *peer, const struct paw_address *their_local,
                    const struct paw_address *their_remote) {
  NiceCandidate *local = NULL;
  NiceCandidate *remote = NULL;
  if (!nice_agent_get_selected_pair(peer->agent, peer->stream, COMPONENT, &local, &remote)) {
    return false;
  }
  struct paw_address here = from_nice(&local->addr);
  struct paw_address there = from_nice(&remote->addr);
  return paw_address_equal(&here, their_remote) && paw_address_equal(&there, their_local);
}

void nice_peer_send(struct nice_peer *peer, const char *data) {
  (void)nice_agent_send(peer->agent, peer->stream, COMPONENT, (guint)strlen(data), data);
}
