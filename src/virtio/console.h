// SPDX-License-Identifier: Apache-2.0
// virtio-console (virtio 1.2, section 5.3): a console, and ports with names
// besides (multiport). What the guest writes goes to the peer on the vCPU's
// thread, a buffer at a time and not a byte; what the peer has for the guest
// goes into its buffers on the thread that tells of it.
#pragma once

#include "src/base/ports.h"
#include "src/virtio/device.h"

#include <stdatomic.h>

// Port 0 is the console.
#define VIRTIO_CONSOLE_PORTS (1 + PORT_NAMES)

// The peer gets at most so many bytes in one call.
#define VIRTIO_CONSOLE_PIECE 4096U
// What one notification hands on at most, before whoever made it is asked for
// other things.
#define VIRTIO_CONSOLE_ROUND (64U << 10)

// What the ports are connected to. Plain value, copied in. All are called with
// the device's lock held, must not block and not call into the device.
struct virtio_console_peer {
    void *owner;
    // The guest wrote n bytes, 1 to VIRTIO_CONSOLE_PIECE, at CLOCK_MONOTONIC
    // ns.
    void (*tx)(void *owner, unsigned port, const uint8_t *bytes, size_t n,
               uint64_t ns);
    // Has enough: nothing more is handed on until it has not.
    bool (*is_full)(void *owner);
    // Gives up to max (1..16) bytes of waiting input, returns how many;
    // UART_RX_BREAK (SIZE_MAX), which this device has no word for, counts as a
    // break that nobody hears.
    size_t (*rx)(void *owner, unsigned port, uint8_t *bytes, size_t max);
};

struct virtio_console_config { // 5.3.4, little-endian
    uint16_t cols, rows;
    uint32_t max_nr_ports, emerg_wr;
};

// Owned by who wires it, never moved. The device's lock guards what follows it.
struct virtio_console {
    struct virtio_device device;
    struct virtio_console_peer peer;
    struct virtio_console_config config;
    bool multiport;   // the driver agreed on it
    atomic_bool more; // a port's output was not handed on to its end
    struct virtio_console_port {
        const char *name;     // NULL: the console
        bool open;            // the guest has it open
        uint8_t untold;       // control messages that are due (enum told)
        bool sends, receives; // out, in: a buffer is at work
        uint32_t sent;        // of out
        struct virtq_chain out, in;
    } ports[VIRTIO_CONSOLE_PORTS];
    struct virtq_chain control;
};

// A console and a port for each of the names (1 to PORT_NAME_MAX bytes, which
// outlive it), to PORT_NAMES of them.
void virtio_console_init(struct virtio_console *con, const char *const *names,
                         size_t nnames, const struct virtio_console_peer *peer,
                         const struct guest_memory *memory);
void virtio_console_destroy(struct virtio_console *con);

// The peer has input for a port; nothing for one that isn't there. Any thread,
// but not from the peer's callbacks.
void virtio_console_input_ready(struct virtio_console *con, unsigned port);

// Hands on a round of output that was left. False: there was none. To be called
// until then before the guest runs on, while the peer is not full. Any thread,
// cheap when there is none.
bool virtio_console_goes_on(struct virtio_console *con);

// Whether the guest has that port open, so that input for it may interrupt it
// at any time. Any thread.
bool virtio_console_is_open(struct virtio_console *con, unsigned port);
