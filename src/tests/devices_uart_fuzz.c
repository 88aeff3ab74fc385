// SPDX-License-Identifier: Apache-2.0
// A hostile guest: a long random series of register accesses, each judged by a
// second, simpler model of the UART.
#include "src/devices/uart.h"

#include <criterion/criterion.h>
#include <string.h>

// The model: the input is a sequence of bytes, a function of their position;
// [taken, given) were pulled and not read, the first shown of them in the FIFO.
struct model {
    struct uart uart;
    struct device device;
    struct access access;
    uint64_t seed;
    size_t offered, given, taken, shown;
    uint8_t loop[16];
    size_t nloop;
    uint8_t ier, fcr, lcr, mcr, scr, dll, dlm, errors, deltas;
    bool thre, level;
    size_t sent, transmitted;
    unsigned looks, idle;
};

static uint8_t input_byte(size_t position)
{
    return (uint8_t)(position * 167 + position / 251);
}

static size_t capacity(const struct model *m)
{
    return m->fcr & 1 ? 16 : 1;
}

static bool pulls(const struct model *m)
{
    return m->shown + m->nloop == 0 && ((m->ier & 1) || m->idle >= 8) &&
           !(m->mcr & 0x10);
}

// How much is pulled: a guest that polls is given one byte at a time.
static size_t pulled(const struct model *m)
{
    return m->ier & 1 ? capacity(m) : 1;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void model_tx(void *owner, const uint8_t *bytes, size_t n, uint64_t ns)
{
    (void)bytes;
    struct model *m = owner;
    cr_assert_eq(ns, m->access.ns);
    m->transmitted += n;
}

static size_t model_rx(void *owner, uint8_t *bytes, size_t max)
{
    struct model *m = owner;
    size_t n = least(m->offered - m->given, max);
    cr_assert(pulls(m), "pulled though it may not");
    cr_assert_eq(m->given, m->taken, "pulled though some are left");
    cr_assert_eq(max, pulled(m));
    for (size_t i = 0; i < n; i++)
        bytes[i] = input_byte(m->given + i);
    m->given += n;
    return n;
}

static void model_level(void *owner, unsigned gsi, bool level)
{
    (void)gsi;
    struct model *m = owner;
    cr_assert_neq(level, m->level);
    m->level = level;
}

// Brings the model to where the device is after it has looked for input.
static void show(struct model *m)
{
    if (pulls(m))
        m->shown = least(m->given - m->taken, pulled(m));
}

static uint8_t expected_source(const struct model *m)
{
    static const uint8_t trigger[] = {1, 4, 8, 14};
    size_t level = m->fcr & 1 ? trigger[m->fcr >> 6] : 1;
    size_t count = m->shown + m->nloop;
    if ((m->ier & 4) && m->errors)
        return 6;
    if ((m->ier & 1) && count)
        return count >= level ? 4 : 12;
    if ((m->ier & 2) && m->thre)
        return 2;
    return (m->ier & 8) && m->deltas ? 0 : 1;
}

static uint8_t modem_inputs(uint8_t mcr)
{
    if (!(mcr & 0x10))
        return 0xb0;
    return (uint8_t)((mcr & 2 ? 0x10 : 0) | (mcr & 1 ? 0x20 : 0) |
                     (mcr & 4 ? 0x40 : 0) | (mcr & 8 ? 0x80 : 0));
}

static uint8_t model_pop(struct model *m)
{
    uint8_t byte = 0;
    if (m->shown) {
        m->shown--;
        byte = input_byte(m->taken++);
    } else if (m->nloop) {
        byte = m->loop[0];
        memmove(m->loop, m->loop + 1, --m->nloop);
    }
    return byte;
}

static void model_write_thr(struct model *m, uint8_t value)
{
    m->looks = 0;
    m->thre = true;
    if (!(m->mcr & 0x10)) {
        m->sent++;
        return;
    }
    if (m->shown + m->nloop == capacity(m)) {
        m->errors = 2;
        if (m->fcr & 1)
            return;
        m->shown = m->nloop = 0;
    }
    m->loop[m->nloop++] = value;
}

static void model_write(struct model *m, unsigned reg, uint8_t value)
{
    bool latch = m->lcr & 0x80;
    uint8_t changed;
    switch (reg) {
    case 0:
        if (latch)
            m->dll = value;
        else
            model_write_thr(m, value);
        break;
    case 1:
        if (latch) {
            m->dlm = value;
            break;
        }
        m->thre |= (value & 2) && !(m->ier & 2);
        m->ier = value & 0x0f;
        m->looks = m->idle = 0;
        break;
    case 2:
        if ((value & 3) == 3)
            m->taken += m->shown;
        if ((value & 3) == 3 || (value & 1) != (m->fcr & 1))
            m->shown = m->nloop = 0;
        m->fcr = value & 1 ? value : 0;
        m->looks = m->idle = 0;
        break;
    case 3:
        m->lcr = value;
        m->looks = m->idle = 0;
        break;
    case 4:
        changed = modem_inputs(m->mcr) ^ modem_inputs(value);
        m->deltas |=
            (changed >> 4) & (modem_inputs(value) & 0x40 ? 0x0b : 0x0f);
        m->mcr = value & 0x1f;
        break;
    case 7:
        m->scr = value;
        break;
    default:
        break;
    }
}

// What a register must read as, before it is read; the effects of the read on
// the model included. RBR's look for input is for the caller.
static uint8_t model_read(struct model *m, unsigned reg)
{
    bool latch = m->lcr & 0x80;
    uint8_t value = 0;
    switch (reg) {
    case 0:
        return latch ? m->dll : model_pop(m);
    case 1:
        return latch ? m->dlm : m->ier;
    case 2:
        value = expected_source(m);
        if (value == 2)
            m->thre = false;
        return value | (m->fcr & 1 ? 0xc0 : 0);
    case 3:
        return m->lcr;
    case 4:
        return m->mcr;
    case 5:
        value = 0x60 | m->errors | (m->shown + m->nloop ? 1 : 0);
        m->errors = 0;
        return value;
    case 6:
        value = modem_inputs(m->mcr) | m->deltas;
        m->deltas = 0;
        return value;
    default:
        return m->scr;
    }
}

static unsigned random_below(struct model *m, unsigned n)
{
    m->seed ^= m->seed << 13;
    m->seed ^= m->seed >> 7;
    m->seed ^= m->seed << 17;
    return (unsigned)((m->seed >> 33) % n);
}

// The pull that a look makes happens inside the read, so the model takes its
// part of it (the bytes are given by then) with the device's answer in hand.
static void read_one(struct model *m, unsigned reg)
{
    bool data = reg == 0 && !(m->lcr & 0x80);
    if ((reg == 5 || data) && m->shown + m->nloop == 0 && !(m->mcr & 0x10)) {
        m->looks = m->looks < 2 ? m->looks + 1 : 2;
        m->idle += m->looks == 2;
    }
    bool by_itself = (m->ier & 1) && (m->mcr & 8);
    bool looks = (reg == 2 || reg == 5 || data) && !by_itself && pulls(m);
    uint8_t expected = 0;
    if (!looks)
        expected = model_read(m, reg);
    uint8_t value =
        (uint8_t)m->device.read(m->device.owner, &m->access, reg, 1);
    if (looks) {
        show(m);
        expected = model_read(m, reg);
    }
    cr_assert_eq(value, expected, "register %u reads 0x%02x, not 0x%02x", reg,
                 value, expected);
}

static void write_one(struct model *m, unsigned reg, uint8_t value)
{
    model_write(m, reg, value);
    m->device.write(m->device.owner, &m->access, reg, 1, value);
}

// After an access, or input: what is pulled by itself.
static void settle(struct model *m)
{
    if ((m->ier & 1) && (m->mcr & 8))
        show(m);
}

static void one_step(struct model *m)
{
    static const uint8_t registers[] = {0, 0, 0, 1, 1, 2, 2, 3, 4, 5, 5, 6, 7};
    unsigned reg = registers[random_below(m, sizeof(registers))];
    unsigned what = random_below(m, 8);
    uint8_t value = (uint8_t)random_below(m, 256);
    // Few steps in loopback or with the divisor latch, or little else happens.
    if (reg == 3 && random_below(m, 4))
        value &= 0x7f;
    if (reg == 4 && random_below(m, 4))
        value &= 0x0f;

    if (what == 0) {
        m->offered += random_below(m, 40);
        uart_input_ready(&m->uart);
    } else if (what < 4) {
        write_one(m, reg, value);
    } else {
        read_one(m, reg);
    }
    settle(m);
    // Several accesses may make one exit.
    if (random_below(m, 4) == 0)
        return;
    m->device.settle(m->device.owner, &m->access);
    m->access.ns++;
    cr_assert_eq(m->level, (m->mcr & 8) && expected_source(m) != 1);
    cr_assert_eq(m->sent, m->transmitted);
}

static void model_init(struct model *m, uint64_t seed)
{
    *m = (struct model){.seed = seed, .dll = 1};
    uart_init(&m->uart,
              &(struct uart_peer){.owner = m, .tx = model_tx, .rx = model_rx},
              &(struct irq_line){.set_level = model_level, .owner = m});
    m->device = uart_device(&m->uart, 0);
}

// At the end, an orderly guest reads all that is left.
static void drain(struct model *m)
{
    static const uint8_t setup[][2] = {{3, 3}, {4, 0x0b}, {2, 1}, {1, 1}};
    for (size_t i = 0; i < 4; i++) {
        write_one(m, setup[i][0], setup[i][1]);
        settle(m);
    }
    while (m->shown + m->nloop) {
        read_one(m, 0);
        settle(m);
    }
    m->device.settle(m->device.owner, &m->access);
    cr_assert_eq(m->taken, m->offered, "all of the input was read");
    cr_assert_not(m->level);
}

Test(devices_uart_fuzz, random_accesses)
{
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct model m;

        model_init(&m, seed * 0x9e3779b97f4a7c15);
        for (unsigned step = 0; step < 3000; step++)
            one_step(&m);
        drain(&m);
        uart_destroy(&m.uart);
    }
}
