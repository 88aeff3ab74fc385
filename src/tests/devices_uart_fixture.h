// SPDX-License-Identifier: Apache-2.0
// A UART on a bus with a recorder behind it: what it sent, what it may still
// receive, what its interrupt line does. For the devices_uart_*.c tests.
#pragma once

#include "src/devices/bus.h"
#include "src/devices/uart.h"

#include <criterion/criterion.h>
#include <string.h>

#define COM 0x3f8

// Owned by one test, one thread.
struct uart_fixture {
    struct bus bus;
    struct uart uart;
    uint8_t sent[1024];
    size_t nsent;
    size_t calls;         // of tx
    uint64_t last_ns;     // that it was told
    uint64_t now;         // of the next access
    bool breaks;          // sent before the input
    const uint8_t *input; // not yet pulled
    size_t ninput;
    size_t pulls, last_max; // rx calls, and the max of the last
    size_t excess;          // by how much rx claims to have given more
    bool level;
    unsigned edges; // set_level calls
};

static void fixture_tx(void *owner, const uint8_t *bytes, size_t n, uint64_t ns)
{
    struct uart_fixture *f = owner;
    f->calls++;
    f->last_ns = ns;
    for (size_t i = 0; i < n; i++)
        if (f->nsent < sizeof f->sent)
            f->sent[f->nsent++] = bytes[i];
}

static size_t fixture_rx(void *owner, uint8_t *bytes, size_t max)
{
    struct uart_fixture *f = owner;
    size_t n = f->ninput < max ? f->ninput : max;
    f->pulls++;
    f->last_max = max;
    if (f->breaks) {
        f->breaks = false;
        return UART_RX_BREAK;
    }
    memcpy(bytes, f->input, n);
    f->input += n;
    f->ninput -= n;
    return n + f->excess;
}

static void fixture_level(void *owner, unsigned gsi, bool level)
{
    struct uart_fixture *f = owner;
    cr_assert_eq(gsi, 4u);
    cr_assert_neq(level, f->level, "the interrupt line is told changes only");
    f->level = level;
    f->edges++;
}

static inline void fixture_init(struct uart_fixture *f)
{
    struct error err;
    *f = (struct uart_fixture){.input = (const uint8_t *)""};
    uart_init(
        &f->uart,
        &(struct uart_peer){.owner = f, .tx = fixture_tx, .rx = fixture_rx},
        &(struct irq_line){.set_level = fixture_level, .owner = f, .gsi = 4});
    bus_init(&f->bus);
    struct device device = uart_device(&f->uart, COM);
    cr_assert_eq(bus_add(&f->bus, &device, &err), 0);
}

static inline uint8_t in(struct uart_fixture *f, enum uart_register reg)
{
    const struct access access = {.ns = f->now};
    return (uint8_t)bus_read(&f->bus, &access, COM + (uint64_t)reg, 1);
}

static inline void out(struct uart_fixture *f, enum uart_register reg,
                       unsigned value)
{
    const struct access access = {.ns = f->now};
    bus_write(&f->bus, &access, COM + (uint64_t)reg, 1, value);
}

// The peer has more input. text outlives the fixture.
static inline void offer(struct uart_fixture *f, const char *text)
{
    f->input = (const uint8_t *)text;
    f->ninput = strlen(text);
    uart_input_ready(&f->uart);
}

// The interrupt source without IIR's FIFO bits.
static inline uint8_t source(struct uart_fixture *f)
{
    return in(f, UART_IIR) & 0x0f;
}

// As Linux drives an open port: FIFOs with trigger level 8, and OUT2.
static inline void open_port(struct uart_fixture *f, unsigned ier)
{
    out(f, UART_FCR, UART_FCR_ENABLE | 0x80);
    out(f, UART_MCR, UART_MCR_DTR | UART_MCR_RTS | UART_MCR_OUT2);
    out(f, UART_IER, ier);
}

// The guest reads exactly these bytes next.
static inline void read_text(struct uart_fixture *f, const char *text)
{
    for (; *text; text++) {
        cr_assert(in(f, UART_LSR) & UART_LSR_DR);
        cr_assert_eq(in(f, UART_RBR), *text);
    }
}
