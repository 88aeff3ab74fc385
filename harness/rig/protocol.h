// SPDX-License-Identifier: Apache-2.0
// The framed protocol between the launcher on the host and the rig's init,
// spoken over one virtio serial port. Both ends use this one encoder, decoder
// and set of limits; either treats the other as untrusted.
//
//   host                                   rig
//    |  <------------------------- HELLO    |   the port is open
//    |  TIME, WINSIZE ------------------->  |   clock and window are set
//    |  <----------------------- STARTED    |   the command runs
//    |  DATA, EOF (stdin, terminal) ----->  |
//    |  <- DATA, EOF (stdout, stderr, tty)  |
//    |  <---- CREDIT, CLOSED, either way -> |
//    |  SIGNAL, WINSIZE ----------------->  |   at any time
//    |  TICK --------------------------->   |   again and again
//    |  <-------------------------- EXIT    |   always the last frame
//
// FAILED instead of STARTED or EXIT: the rig can't do its work, and why.
//
// Flow control is by credit, for each stream and direction: whoever receives
// a stream owns a buffer of STREAM_WINDOW bytes, the sender starts with that
// much credit, spends it with DATA and gets it back with CREDIT once bytes
// have left the buffer. So a stream that nobody reads never stops a signal,
// another stream, or the exit status, and no end ever buffers more.
#pragma once

#include "src/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_PAYLOAD_MAX 32768u  // bytes after a frame's header
#define STREAM_WINDOW     262144u // bytes in flight for one stream
#define RIG_PORT_NAME     "toyvmm.rig"

// The terminal carries keys to the rig and a pty's output back; the others
// go one way.
enum stream_id {
    STREAM_STDIN,
    STREAM_STDOUT,
    STREAM_STDERR,
    STREAM_TTY,
    STREAM_COUNT,
};

enum frame_type {
    FRAME_HELLO = 1, // to host: uint32_t protocol version
    FRAME_TIME,      // to rig: struct frame_time
    FRAME_WINSIZE,   // to rig: struct frame_winsize
    FRAME_STARTED,   // to host: struct frame_started
    FRAME_DATA,      // both: 1..FRAME_PAYLOAD_MAX bytes of a stream
    FRAME_EOF,       // both: the sender's stream ended
    FRAME_CREDIT,    // both: uint32_t bytes that left the receiver's buffer
    FRAME_CLOSED,    // both: the receiver takes no more of this stream
    FRAME_SIGNAL,    // to rig: uint32_t signal number for the command's group
    FRAME_ACK,       // to host: a signal was passed on
    FRAME_NOTE,      // to host: a sentence for the user
    FRAME_FAILED,    // to host: a sentence, and the rig is over
    FRAME_EXIT,      // to host: uint32_t wait status of the command
    FRAME_TICK,      // to rig: nothing but the interrupt that it raises
    FRAME_TYPE_END,
};

#define PROTOCOL_VERSION 2u

// On the wire, little-endian, before each payload.
struct frame_header {
    uint16_t magic; // FRAME_MAGIC: a lost byte is noticed at once
    uint8_t type;   // enum frame_type
    uint8_t stream; // enum stream_id, 0 where a frame has no stream
    uint32_t len;   // bytes of payload that follow
};
#define FRAME_MAGIC 0x5a9cu

struct frame_time {
    int64_t sec; // CLOCK_REALTIME of the host
    int64_t nsec;
};

struct frame_winsize {
    uint16_t rows, cols, xpixel, ypixel;
};

// CLOCK_BOOTTIME of the rig, in nanoseconds, when each step was done.
struct frame_started {
    uint64_t init, port, kvm, mounts, command;
};

// A decoded frame; payload points into the link's buffer and is valid until
// the next link_* call.
struct frame {
    enum frame_type type;
    enum stream_id stream;
    const uint8_t *payload;
    uint32_t len;
};

enum link_side {
    LINK_HOST, // we are the launcher
    LINK_RIG,  // we are init
};

// Control frames may use this much of the output buffer beyond what DATA may
// fill; they are few because each answers something bounded.
#define LINK_CONTROL_ROOM 16384u
#define LINK_IN_SIZE      (2 * (sizeof(struct frame_header) + FRAME_PAYLOAD_MAX))
#define LINK_OUT_SIZE     (131072u + LINK_CONTROL_ROOM)

// One end of the connection. Owned by its process's only thread; in[from,
// from+in_len) has arrived and isn't decoded, out[0, out_len) isn't sent.
struct link {
    int fd; // non-blocking, not owned; -1 after link_close
    enum link_side side;
    bool eof;
    size_t in_from, in_len, out_len;
    uint8_t in[LINK_IN_SIZE];
    uint8_t out[LINK_OUT_SIZE];
};

void link_init(struct link *link, int fd, enum link_side side);

// Forgets the descriptor: nothing more is received, and what is sent is lost.
void link_close(struct link *link);

// Reads what is there, once. Returns 0 (nothing new counts), or the negative
// errno of a broken connection. Sets link->eof when the other end is gone.
int link_fill(struct link *link, struct error *err);

// Takes the next whole frame: 1 and *frame, 0 when more bytes are needed, or
// -EPROTO for anything this side must not receive.
int link_next(struct link *link, struct frame *frame, struct error *err);

// The payload bytes that a DATA frame may have now, 0..FRAME_PAYLOAD_MAX.
size_t link_room(const struct link *link);

// Queues a frame. -ENOBUFS when it doesn't fit, which after link_room for
// DATA means that the other end has stopped reading.
int link_send(struct link *link, enum frame_type type, enum stream_id stream,
              const void *payload, size_t len);

// Writes what the other end takes now. 0, or a negative errno.
int link_flush(struct link *link, struct error *err);
