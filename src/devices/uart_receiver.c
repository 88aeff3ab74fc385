// SPDX-License-Identifier: Apache-2.0
// The 16550A's receiver: what its FIFO shows of what the peer has and of what
// the loopback sends, and when the peer is asked. See uart_internal.h.
#include "src/devices/uart_internal.h"

#include <string.h>

bool uart_fifos_on(const struct uart_state *s)
{
    return s->fcr & UART_FCR_ENABLE;
}

static size_t fifo_capacity(const struct uart_state *s)
{
    return uart_fifos_on(s) ? UART_FIFO_SIZE : 1;
}

size_t uart_fifo_count(const struct uart_state *s)
{
    return (size_t)s->shown + s->loop.count;
}

// Takes the oldest n bytes away, n at most count.
static void drop(struct uart_bytes *queue, size_t n)
{
    queue->count = (uint8_t)(queue->count - n);
    memmove(queue->bytes, queue->bytes + n, queue->count);
}

void uart_fifo_clear(struct uart_state *s)
{
    drop(&s->pulled, s->shown);
    s->shown = 0;
    s->loop.count = 0;
}

void uart_fifo_take_back(struct uart_state *s)
{
    s->shown = 0;
    s->loop.count = 0;
}

uint8_t uart_fifo_pop(struct uart_state *s)
{
    struct uart_bytes *from = s->shown ? &s->pulled : &s->loop;
    uint8_t byte = from->bytes[0];
    drop(from, 1);
    if (s->shown)
        s->shown--;
    return byte;
}

void uart_loop_back(struct uart_state *s, uint8_t byte)
{
    if (uart_fifo_count(s) == fifo_capacity(s)) {
        s->lsr_errors |= UART_LSR_OE;
        if (uart_fifos_on(s))
            return;
        uart_fifo_take_back(s);
    }
    s->loop.bytes[s->loop.count++] = byte;
}

bool uart_polls(const struct uart_state *s)
{
    return !(s->ier & UART_IER_ERBFI) && s->idle_looks >= UART_IDLE_LOOKS;
}

// Fills an empty FIFO with up to max bytes of the peer's.
static void pull_input(struct uart *uart, size_t max)
{
    struct uart_state *s = &uart->state;
    if (uart_fifo_count(s) || (s->mcr & UART_MCR_LOOP) || !uart->peer.rx)
        return;
    if (!s->pulled.count) {
        size_t got = uart->peer.rx(uart->peer.owner, s->pulled.bytes, max);
        s->pulled_break = got == UART_RX_BREAK;
        if (s->pulled_break) {
            s->pulled.bytes[0] = 0;
            got = 1;
        }
        s->pulled.count = (uint8_t)(got < max ? got : max);
    }
    s->shown = s->pulled.count < max ? s->pulled.count : (uint8_t)max;
    if (s->shown && s->pulled_break)
        s->lsr_errors |= UART_LSR_BI;
}

void uart_take_input(struct uart *uart)
{
    struct uart_state *s = &uart->state;
    if ((s->mcr & UART_MCR_OUT2) && (s->ier & UART_IER_ERBFI))
        pull_input(uart, fifo_capacity(s));
}

// One byte at a time is for a guest that may stop looking: what it leaves in
// the FIFO is lost to the next driver, which clears it.
void uart_look_for_input(struct uart *uart)
{
    struct uart_state *s = &uart->state;
    if (s->ier & UART_IER_ERBFI) {
        if (!(s->mcr & UART_MCR_OUT2))
            pull_input(uart, fifo_capacity(s));
    } else if (uart_polls(s)) {
        pull_input(uart, 1);
    }
}

void uart_count_look(struct uart_state *s)
{
    if (uart_fifo_count(s) || (s->mcr & UART_MCR_LOOP))
        return;
    if (s->looks < 2)
        s->looks++;
    if (s->looks == 2 && s->idle_looks < UART_IDLE_LOOKS)
        s->idle_looks++;
}

void uart_forget_looks(struct uart_state *s)
{
    s->looks = 0;
    s->idle_looks = 0;
}
