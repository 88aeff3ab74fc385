// SPDX-License-Identifier: Apache-2.0
// What guest.c, guest_net.c and guest_share.c share. Private to harness/guests.
#pragma once

#include "harness/guests/guest.h"
#include "harness/scenario/variables.h"

// Sets *field, which is owned, to a text of the scenario's header when it is
// given: a path, beside the file that names it.
int guest_take_path(char **field, const struct scenario *s,
                    const struct variables *v, const struct text *t,
                    struct error *err);

// Takes the scenario's network, and frees it.
int guest_take_net(struct toyvmm_net *net, const struct scenario *s,
                   const struct variables *v, struct error *err);
void guest_free_net(struct toyvmm_net *net);

// Takes the scenario's sockets, and frees them.
int guest_take_vsock(struct toyvmm_vsock *vsock, const struct scenario *s,
                     const struct variables *v, struct error *err);
void guest_free_vsock(struct toyvmm_vsock *vsock);
// Why they can't be had here: 0, or a negative errno as toyvmm_check_vsock; who
// uses the path now may be done with it when the test runs.
int guest_check_vsock(const struct scenario *s, const struct variables *v,
                      struct error *err);

// Takes the scenario's shares, and frees them.
int guest_take_shares(struct guest *guest, const struct scenario *s,
                      const struct variables *v, struct error *err);
void guest_free_shares(struct guest *guest);

// Frees a text that is owned here, though a machine may not change it.
void guest_free_text(const char *text);
