// SPDX-License-Identifier: Apache-2.0
// A guest and a typist on two threads: no byte and no interrupt is lost,
// whenever the one becomes ready and the other masks its interrupt.
#include "src/devices/uart.h"

#include <criterion/criterion.h>
#include <pthread.h>

#define TYPED 100000

// lock guards all but uart: the callbacks take it under the UART's own lock,
// the threads never hold it when they call the UART.
struct dialogue {
    struct uart uart;
    struct device device;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t typed, given;
    bool level;
};

static const struct access guest;

static uint8_t typed_byte(size_t position)
{
    return (uint8_t)(position * 167 + position / 251);
}

static size_t dialogue_rx(void *owner, uint8_t *bytes, size_t max)
{
    struct dialogue *d = owner;
    pthread_mutex_lock(&d->lock);
    size_t n = d->typed - d->given < max ? d->typed - d->given : max;
    for (size_t i = 0; i < n; i++)
        bytes[i] = typed_byte(d->given++);
    pthread_mutex_unlock(&d->lock);
    return n;
}

// Sent by the guest alone, so it needs no lock.
static void dialogue_tx(void *owner, const uint8_t *bytes, size_t n,
                        uint64_t ns)
{
    (void)owner;
    (void)bytes;
    (void)n;
    (void)ns;
}

static void dialogue_level(void *owner, unsigned gsi, bool level)
{
    (void)gsi;
    struct dialogue *d = owner;
    pthread_mutex_lock(&d->lock);
    d->level = level;
    pthread_cond_signal(&d->changed);
    pthread_mutex_unlock(&d->lock);
}

static void *typist(void *arg)
{
    struct dialogue *d = arg;
    for (size_t i = 0; i < TYPED; i++) {
        pthread_mutex_lock(&d->lock);
        d->typed++;
        pthread_mutex_unlock(&d->lock);
        uart_input_ready(&d->uart);
    }
    return NULL;
}

static void write_register(struct dialogue *d, unsigned reg, unsigned value)
{
    d->device.write(d->device.owner, &guest, reg, 1, value);
    d->device.settle(d->device.owner, &guest);
}

static uint64_t read_register(struct dialogue *d, unsigned reg)
{
    uint64_t value = d->device.read(d->device.owner, &guest, reg, 1);
    d->device.settle(d->device.owner, &guest);
    return value;
}

static void wait_for_interrupt(struct dialogue *d)
{
    pthread_mutex_lock(&d->lock);
    while (!d->level)
        pthread_cond_wait(&d->changed, &d->lock);
    pthread_mutex_unlock(&d->lock);
}

// The guest sleeps until it is interrupted, reads what is there, and prints a
// kernel message with IER masked now and then. A lost interrupt is a hang.
Test(devices_uart_threads, typist_and_guest, .timeout = 900)
{
    static struct dialogue d = {.lock = PTHREAD_MUTEX_INITIALIZER,
                                .changed = PTHREAD_COND_INITIALIZER};
    size_t got = 0;
    pthread_t thread;
    uart_init(
        &d.uart,
        &(struct uart_peer){.owner = &d, .tx = dialogue_tx, .rx = dialogue_rx},
        &(struct irq_line){.set_level = dialogue_level, .owner = &d});
    d.device = uart_device(&d.uart, 0);
    write_register(&d, UART_FCR, UART_FCR_ENABLE | 0x80);
    write_register(&d, UART_MCR, UART_MCR_OUT2);
    write_register(&d, UART_IER, UART_IER_ERBFI);
    cr_assert_eq(pthread_create(&thread, NULL, typist, &d), 0);

    while (got < TYPED) {
        wait_for_interrupt(&d);
        while (read_register(&d, UART_LSR) & UART_LSR_DR) {
            cr_assert_eq(read_register(&d, UART_RBR), typed_byte(got));
            got++;
        }
        write_register(&d, UART_IER, 0);
        for (unsigned i = 0; i < 3; i++)
            write_register(&d, UART_THR, 'k');
        write_register(&d, UART_IER, UART_IER_ERBFI);
    }
    pthread_join(thread, NULL);
    cr_assert_eq(got, TYPED);
    cr_assert_not(d.level);
    uart_destroy(&d.uart);
}
