/* SPDX-License-Identifier: MIT */
/* What a connection needs of an agent beyond its public face. */
#ifndef PAW_ICE_ICE_H
#define PAW_ICE_ICE_H

#include <pawebrtc/ice.h>

/* Would paw_ice_set_remote take them? To be asked before a restart, which cannot be taken back. */
bool paw_ice_credentials_are_good(const struct paw_ice_credentials *credentials);

/* Data that proves nothing came on this pair, and cannot be answered before this side's own check
 * succeeds: the check is sent again at once. */
void paw_ice_note_waiting(struct paw_ice *ice, uint64_t now_ns, const struct paw_address *local,
                          const struct paw_address *remote);

/* When this side last sent data, 0: never. While it does, the path is checked as one that is in
 * use, though the peer may have little to say. Until the peer is heard after it began, silence is
 * that of an idle path. To be told before input. */
void paw_ice_note_sent(struct paw_ice *ice, uint64_t sent_ns);

/* The pair in use, while the agent is connected and has nothing to tell of its state; else false.
 * The addresses stay valid, and it stays so, until the agent is called with more than a look. */
bool paw_ice_get_usual_pair(const struct paw_ice *ice, const struct paw_address **local,
                            const struct paw_address **remote);

/* Authentic data came on the usual pair, last at `heard_ns`. It need not be told of each datagram,
 * for nothing but deadlines changes by it, and these lie later: before the agent is called for
 * anything else, and at least every two seconds. */
void paw_ice_note_usual(struct paw_ice *ice, uint64_t heard_ns);

/* As paw_ice_new, but without memory for a datagram of its own: poll it with paw_ice_poll_into. */
int paw_ice_new_lean(const struct paw_ice_config *config, uint64_t now_ns, struct paw_ice **out);

/* As paw_ice_poll_output. A TRANSMIT lies in `message`, which has PAW_ICE_MESSAGE_MAX bytes. */
void paw_ice_poll_into(struct paw_ice *ice, uint8_t *message, struct paw_ice_output *out);

/* How often it began anew, with other credentials of its own. */
uint32_t paw_ice_get_restart_count(const struct paw_ice *ice);

/* The remote ufrag that was set last: a restart forgets the password only. */
const char *paw_ice_get_last_remote_ufrag(const struct paw_ice *ice);

#endif
