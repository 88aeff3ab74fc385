// SPDX-License-Identifier: Apache-2.0
// What the two files of a connection share: connection.c talks with the guest,
// connection_host.c with the host's program. For these alone.
#pragma once

#include "src/vsock/connection.h"

// Packets that are due to the guest (struct vsock_connection).
enum {
    DUE_RESET = 1,
    DUE_REQUEST = 2,
    DUE_RESPONSE = 4,
    DUE_CREDIT = 8,
};

// ---- connection_host.c: on the loop's thread --------------------------------

// Asks the loop for what is of use now.
void vsock_host_watch(struct vsock_connection *c);

// Whether what the program sends is of use.
bool vsock_host_is_heard(const struct vsock_connection *c);

// Sends what the socket takes; how much that was.
uint32_t vsock_host_send(struct vsock_connection *c, const uint8_t *bytes,
                         uint32_t len);

// Takes the guest's bytes: sends them, or keeps them. NULL, or why not.
const char *vsock_host_take(struct vsock_connection *c, const uint8_t *bytes,
                            uint32_t len);

// What the guest has ended is ended for the program, too, once it has all.
void vsock_host_end(struct vsock_connection *c);

// Reads up to room bytes; how many there were. Without room it still finds out
// whether there are none, or the end.
uint32_t vsock_host_receive(struct vsock_connection *c, uint8_t *to,
                            uint32_t room);
