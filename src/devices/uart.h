// SPDX-License-Identifier: Apache-2.0
// A 16550A UART (National Semiconductor PC16550D data sheet), as Linux's 8250
// driver detects and drives it. Any number can exist; the machine wires up to
// four. It knows nothing of who is behind it: bytes go out and come in through
// two callbacks, the interrupt through an irq_line.
#pragma once

#include "src/devices/bus.h"
#include "src/devices/irq.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UART_FIFO_SIZE 16
#define UART_REGISTERS 8

// Registers by offset; the first three have two meanings or more.
enum uart_register {
    UART_RBR = 0, // read: receive buffer; with DLAB the divisor's low byte
    UART_THR = 0, // write: transmit holding; with DLAB the same
    UART_IER = 1, // interrupt enable; with DLAB the divisor's high byte
    UART_IIR = 2, // read: interrupt identification
    UART_FCR = 2, // write: FIFO control
    UART_LCR = 3,
    UART_MCR = 4,
    UART_LSR = 5,
    UART_MSR = 6,
    UART_SCR = 7,
};

enum {
    UART_IER_ERBFI = 0x01, // received data available
    UART_IER_ETBEI = 0x02, // transmit holding register empty
    UART_IER_ELSI = 0x04,  // receiver line status
    UART_IER_EDSSI = 0x08, // modem status

    UART_IIR_NONE = 0x01,
    UART_IIR_MODEM = 0x00,
    UART_IIR_THRE = 0x02,
    UART_IIR_RDA = 0x04,
    UART_IIR_RLS = 0x06,
    UART_IIR_CTI = 0x0c, // data below the trigger level, time-out
    UART_IIR_FIFOS = 0xc0,

    UART_FCR_ENABLE = 0x01,
    UART_FCR_CLEAR_RX = 0x02,
    UART_FCR_CLEAR_TX = 0x04,
    UART_FCR_TRIGGER = 0xc0, // 1, 4, 8 or 14 bytes

    UART_LCR_DLAB = 0x80,

    UART_MCR_DTR = 0x01,
    UART_MCR_RTS = 0x02,
    UART_MCR_OUT1 = 0x04,
    UART_MCR_OUT2 = 0x08, // a PC's interrupt driver
    UART_MCR_LOOP = 0x10,

    UART_LSR_DR = 0x01,
    UART_LSR_OE = 0x02,
    UART_LSR_BI = 0x10, // break
    UART_LSR_THRE = 0x20,
    UART_LSR_TEMT = 0x40,

    UART_MSR_DCTS = 0x01,
    UART_MSR_DDSR = 0x02,
    UART_MSR_TERI = 0x04,
    UART_MSR_DDCD = 0x08,
    UART_MSR_CTS = 0x10,
    UART_MSR_DSR = 0x20,
    UART_MSR_RI = 0x40,
    UART_MSR_DCD = 0x80,
};

// What uart_peer.rx says in place of a count.
#define UART_RX_BREAK SIZE_MAX

// What the port is connected to. Plain value, copied in. The callbacks must be
// quick and must not call into this UART.
struct uart_peer {
    void *owner;
    // The guest transmitted n bytes (1..UART_QUEUE) in the exit of time ns.
    // Called in the guest's order, without the UART's lock.
    void (*tx)(void *owner, const uint8_t *bytes, size_t n, uint64_t ns);
    // Give up to max (1..16) bytes of waiting input, oldest first; returns how
    // many, or UART_RX_BREAK when it sends a break before the next of them.
    // They count as delivered: the UART never gives them back. Under the
    // UART's lock, on the thread that made the register access or called
    // uart_input_ready.
    size_t (*rx)(void *owner, uint8_t *bytes, size_t max);
};

// Up to a FIFO's fill of bytes, the oldest first.
struct uart_bytes {
    uint8_t bytes[UART_FIFO_SIZE];
    uint8_t count;
};

// The registers: a plain value without pointers, so that it can be copied. The
// receive FIFO holds the first shown bytes of pulled, then those of loop, 16 of
// them or, with FIFOs off, one at most. The transmitter is always empty between
// accesses.
struct uart_state {
    uint8_t ier, fcr, lcr, mcr, scr;
    uint8_t dll, dlm;
    uint8_t lsr_errors;       // LSR.OE and BI, until LSR is read
    uint8_t msr_deltas;       // MSR bits 0..3, until MSR is read
    bool thre_pending;        // the THRE interrupt condition, whatever IER says
    bool irq_level;           // what the interrupt line was told last
    bool renewed;             // THRE arose while it was told already
    struct uart_bytes pulled; // from the peer, not read yet
    struct uart_bytes loop;   // from the loopback, all in the FIFO
    uint8_t shown;            // at most pulled.count
    bool pulled_break;        // pulled is a break: one zero byte
    uint8_t looks;            // for input, since the guest last sent something
    uint8_t idle_looks;       // those that no sending explains
};

// Bytes that an exit may send before they are handed on.
#define UART_QUEUE 256

// What was sent in the exit of time ns and is not handed on yet.
struct uart_sent {
    uint64_t ns;
    size_t count;
    uint8_t bytes[UART_QUEUE];
};

// Owned by who wires it. Any thread may call the functions below; lock guards
// state and sent, and with them the order of rx and set_level calls. Who holds
// handing hands on what is in sent, so that tx calls keep the order; it is
// taken before lock and never waited for while lock is held.
struct uart {
    pthread_mutex_t lock, handing;
    struct uart_peer peer;
    struct irq_line irq;
    struct uart_state state;
    struct uart_sent sent;
};

// The state after power-on: interrupts off, FIFOs off, divisor 1 (115200 baud;
// Linux's earlycon divides by it). A peer is there: CTS, DSR and DCD are on.
void uart_init(struct uart *uart, const struct uart_peer *peer,
               const struct irq_line *irq);
void uart_destroy(struct uart *uart);

// The device of eight byte registers at base; wider accesses are split by the
// bus. uart outlives the bus.
//
// The contract (data sheet sections 8.1 to 8.11):
//  - When an exit settles, and when input arrives, the interrupt condition is
//    computed anew, and the interrupt line told if its level changed: RLS, RDA
//    or CTI, THRE, modem status, each gated by its IER bit, all by MCR.OUT2. So
//    an IER write that unmasks a condition raises it.
//  - What is sent is queued and handed on when the exit settles (or the queue
//    is full): no byte is dropped here.
//  - THRE arises when the transmitter becomes empty (at once after each THR
//    write) and when ETBEI goes from 0 to 1; reading IIR while it is the
//    source ends it. A guest that answers it with a THR write alone is shown
//    an edge for its next one.
//  - There is no character clock: data below the trigger level is reported as
//    CTI at once.
//  - Receive is flow-controlled by the guest: when the FIFO is empty, IER.ERBFI
//    set and the loopback off, it is filled by pulling from peer->rx, 16 bytes
//    at most (1 with FIFOs off). With MCR.OUT2 that happens at once. Without
//    it no interrupt can reach the guest, so it happens when the guest looks
//    (reads RBR, IIR or LSR): Linux's port detection sets all of IER for an
//    instant without OUT2 and clears the FIFOs after it, and must not take
//    input that was typed early with it.
//  - A guest that polls, with ERBFI off, is known by what it does: it reads LSR
//    or RBR again and again with nothing to send between. UART_IDLE_LOOKS such
//    reads (the second one since a THR write and all after it count) without a
//    write to IER, FCR or LCR make it one, until the next such write; then a
//    look at an empty receiver pulls one byte. Linux never gets there: its
//    console reads LSR once for each byte that it prints, with IER masked and
//    written back at the end, and its driver looks three times at most when it
//    opens a port.
//  - A break from the peer is a zero byte that comes alone, with LSR.BI.
//  - FCR's clear bit drops the FIFO. A change of its enable bit empties it as
//    well, but what came from the peer counts as not sent yet and comes again:
//    Linux opens a port with IER first and turns its FIFOs on after that, and
//    must not lose the byte in between.
//  - The peer never overruns the receiver: LSR.OE, hence RLS, comes from the
//    loopback only.
struct device uart_device(struct uart *uart, uint64_t base);

#define UART_IDLE_LOOKS 8

// A write to register 0 (THR, or the divisor) that was put off: KVM coalesced
// it. It comes before any other access to this UART. uart_hand_on gives what
// was sent so far to the peer: before what another UART sent after it. Then,
// once for all of an exit, uart_settle: the interrupt, and what is left.
void uart_write_thr(struct uart *uart, const struct access *access,
                    uint8_t value);
void uart_hand_on(struct uart *uart);
void uart_settle(struct uart *uart);

// Input is waiting behind peer->rx: pulls it now if the guest will have it;
// otherwise the guest's next access that makes room does. Call it after the
// bytes can be had from rx. Any thread, but not from the callbacks.
void uart_input_ready(struct uart *uart);

// What who explains a failure wants to know, as Linux drives the port.
struct uart_view {
    bool listens; // the receive interrupt is enabled: a program has it open
    bool polls;   // it is not, but the guest looks for input by itself
    bool holds;   // input was delivered that the guest has not read yet
};

// Any thread, but not from the callbacks.
struct uart_view uart_look(struct uart *uart);
