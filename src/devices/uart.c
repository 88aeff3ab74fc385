// SPDX-License-Identifier: Apache-2.0
// The 16550A as the machine sees it: its life, its locks, the device on the
// bus, and how what the guest sent is handed on. What its registers do is in
// uart_registers.c, how input gets in, in uart_receiver.c.
#include "src/devices/uart_internal.h"

#include <string.h>

// ---- Handing on ------------------------------------------------------------

// One that waits for handing finds what the other left, or nothing.
void uart_hand_on(struct uart *uart)
{
    struct uart_sent sent;
    pthread_mutex_lock(&uart->handing);
    pthread_mutex_lock(&uart->lock);
    sent.ns = uart->sent.ns;
    sent.count = uart->sent.count;
    memcpy(sent.bytes, uart->sent.bytes, sent.count);
    uart->sent.count = 0;
    pthread_mutex_unlock(&uart->lock);
    if (sent.count && uart->peer.tx)
        uart->peer.tx(uart->peer.owner, sent.bytes, sent.count, sent.ns);
    pthread_mutex_unlock(&uart->handing);
}

// Takes the lock, with room in the queue for a byte of this exit.
static void lock_for(struct uart *uart, const struct access *access)
{
    pthread_mutex_lock(&uart->lock);
    while (uart->sent.count == UART_QUEUE ||
           (uart->sent.count && uart->sent.ns != access->ns)) {
        pthread_mutex_unlock(&uart->lock);
        uart_hand_on(uart);
        pthread_mutex_lock(&uart->lock);
    }
    uart->sent.ns = access->ns;
}

// ---- Public functions ------------------------------------------------------

static uint64_t uart_read(void *owner, const struct access *access,
                          uint64_t offset, unsigned width)
{
    (void)access;
    (void)width;
    struct uart *uart = owner;
    pthread_mutex_lock(&uart->lock);
    uint8_t value = uart_register_read(uart, offset);
    uart_take_input(uart);
    pthread_mutex_unlock(&uart->lock);
    return value;
}

static void uart_write(void *owner, const struct access *access,
                       uint64_t offset, unsigned width, uint64_t value)
{
    (void)width;
    struct uart *uart = owner;
    lock_for(uart, access);
    uart_register_write(uart, offset, (uint8_t)value);
    uart_take_input(uart);
    pthread_mutex_unlock(&uart->lock);
}

void uart_write_thr(struct uart *uart, const struct access *access,
                    uint8_t value)
{
    uart_write(uart, access, UART_THR, 1, value);
}

void uart_settle(struct uart *uart)
{
    pthread_mutex_lock(&uart->lock);
    uart_update_irq(uart);
    bool sent = uart->sent.count > 0;
    pthread_mutex_unlock(&uart->lock);
    if (sent)
        uart_hand_on(uart);
}

static void settle_device(void *owner, const struct access *access)
{
    (void)access;
    uart_settle(owner);
}

void uart_init(struct uart *uart, const struct uart_peer *peer,
               const struct irq_line *irq)
{
    *uart = (struct uart){
        .peer = *peer,
        .irq = *irq,
        .state = {.dll = 1},
    };
    pthread_mutex_init(&uart->lock, NULL);
    pthread_mutex_init(&uart->handing, NULL);
}

void uart_destroy(struct uart *uart)
{
    pthread_mutex_destroy(&uart->handing);
    pthread_mutex_destroy(&uart->lock);
}

struct device uart_device(struct uart *uart, uint64_t base)
{
    return (struct device){
        .base = base,
        .len = UART_REGISTERS,
        .widths = BUS_BYTE,
        .name = "16550A UART",
        .owner = uart,
        .read = uart_read,
        .write = uart_write,
        .settle = settle_device,
    };
}

void uart_input_ready(struct uart *uart)
{
    pthread_mutex_lock(&uart->lock);
    uart_take_input(uart);
    uart_update_irq(uart);
    pthread_mutex_unlock(&uart->lock);
}

struct uart_view uart_look(struct uart *uart)
{
    pthread_mutex_lock(&uart->lock);
    const struct uart_state *s = &uart->state;
    const struct uart_view view = {
        .listens =
            (s->ier & UART_IER_ERBFI) != 0 && (s->mcr & UART_MCR_OUT2) != 0,
        .polls = uart_polls(s),
        .holds = s->pulled.count > 0 || s->loop.count > 0,
    };
    pthread_mutex_unlock(&uart->lock);
    return view;
}
