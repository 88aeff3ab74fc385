// SPDX-License-Identifier: Apache-2.0
// Carries byte streams over a link, with the credit rules of protocol.h.
// A source turns a descriptor into DATA frames, a sink turns DATA frames into
// writes; the launcher and init use the same code in opposite directions.
#pragma once

#include "harness/rig/protocol.h"

#include <poll.h>

// How a sink may write without ever blocking the relay.
enum sink_mode {
    SINK_NONBLOCK, // the descriptor is O_NONBLOCK
    SINK_SOCKET,   // send() with MSG_DONTWAIT
    SINK_PIECES,   // blocking: small writes, each after poll() said so
    SINK_FILE,     // a regular file: never blocks for long
};

// A stream that arrives. ring[head, head+len) waits to be written; the other
// end can't have more than STREAM_WINDOW - len bytes in flight.
struct sink {
    int fd; // owned; -1 when closed
    enum sink_mode mode;
    bool eof;      // close fd once the ring is empty
    int failure;   // errno of the write that closed it, 0 when none
    uint32_t owed; // credit to give back
    size_t head, len;
    uint8_t *ring; // STREAM_WINDOW bytes, owned; NULL: takes no stream
};

// A stream that leaves.
struct source {
    int fd;          // owned; -1 when closed
    uint32_t credit; // bytes that may still be sent
    bool draining;   // ends at the first read that finds nothing
    size_t left;     // and after so many bytes
};

// Both directions of every stream over one link. One thread only.
struct relay {
    struct link link;
    struct sink sinks[STREAM_COUNT];
    struct source sources[STREAM_COUNT];
};

// poll() entries of a relay: the link, the sources, the sinks.
#define RELAY_POLL_COUNT (1 + 2 * STREAM_COUNT)

// A relay over fd (non-blocking, not owned) without streams, or NULL.
struct relay *relay_new(int fd, enum link_side side);
void relay_free(struct relay *relay);

// Adds a stream that is read from fd; the relay owns fd from here on.
void relay_add_source(struct relay *relay, enum stream_id stream, int fd);

// Adds a stream that is written to fd; the relay owns fd from here on.
// -ENOMEM leaves the relay as it was.
int relay_add_sink(struct relay *relay, enum stream_id stream, int fd,
                   enum sink_mode mode);

// Fills fds[RELAY_POLL_COUNT]; an entry that waits for nothing has fd -1.
void relay_prepare(const struct relay *relay, struct pollfd *fds);

// Called for each frame that isn't a stream's; a negative result ends
// relay_step with it.
typedef int relay_control(void *arg, const struct frame *frame,
                          struct error *err);

// Does all that poll() found ready. 0, or a negative errno when the link or
// the protocol is broken; a stream's own end is no error.
int relay_step(struct relay *relay, const struct pollfd *fds,
               relay_control *control, void *arg, struct error *err);

// The sources send what is in their descriptors now and then end.
void relay_drain_sources(struct relay *relay);

// True when no source can send any more.
bool relay_sources_done(const struct relay *relay);

// True when all that arrived has been written.
bool relay_sinks_idle(const struct relay *relay);
