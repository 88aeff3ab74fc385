// SPDX-License-Identifier: Apache-2.0
// The 16550A: registers, FIFO, loopback and its interrupt. Everything below
// the public functions runs under the UART's lock.
#include "src/devices/uart.h"

#include <string.h>

#define IER_BITS   0x0f
#define MCR_BITS   0x1f
#define MSR_LINES  0xf0
#define FCR_STORED (UART_FCR_ENABLE | UART_FCR_TRIGGER)

static bool fifos_on(const struct uart_state *s)
{
    return s->fcr & UART_FCR_ENABLE;
}

static size_t fifo_capacity(const struct uart_state *s)
{
    return fifos_on(s) ? UART_FIFO_SIZE : 1;
}

static size_t fifo_count(const struct uart_state *s)
{
    return (size_t)s->shown + s->loop.count;
}

static size_t trigger_level(const struct uart_state *s)
{
    static const uint8_t levels[] = {1, 4, 8, 14};

    return fifos_on(s) ? levels[s->fcr >> 6] : 1;
}

// ---- Interrupt -------------------------------------------------------------

// The source of the highest priority that is enabled and pending, as IIR's
// low four bits.
static uint8_t interrupt_source(const struct uart_state *s)
{
    if ((s->ier & UART_IER_ELSI) && s->lsr_errors)
        return UART_IIR_RLS;
    if ((s->ier & UART_IER_ERBFI) && fifo_count(s))
        return fifo_count(s) >= trigger_level(s) ? UART_IIR_RDA : UART_IIR_CTI;
    if ((s->ier & UART_IER_ETBEI) && s->thre_pending)
        return UART_IIR_THRE;
    if ((s->ier & UART_IER_EDSSI) && s->msr_deltas)
        return UART_IIR_MODEM;
    return UART_IIR_NONE;
}

static void update_irq(struct uart *uart)
{
    struct uart_state *s = &uart->state;
    bool level =
        (s->mcr & UART_MCR_OUT2) && interrupt_source(s) != UART_IIR_NONE;

    if (level == s->level)
        return;
    s->level = level;
    irq_line_set(&uart->irq, level);
}

// ---- Receiver --------------------------------------------------------------

// Takes the oldest n bytes away, n at most count.
static void drop(struct uart_bytes *queue, size_t n)
{
    queue->count = (uint8_t)(queue->count - n);
    memmove(queue->bytes, queue->bytes + n, queue->count);
}

static void fifo_clear(struct uart_state *s)
{
    drop(&s->line, s->shown);
    s->shown = 0;
    s->loop.count = 0;
}

// What the FIFO held of the line is on the line again.
static void fifo_take_back(struct uart_state *s)
{
    s->shown = 0;
    s->loop.count = 0;
}

// What the loopback sends into a full receiver makes LSR.OE: with FIFOs on, the
// newest byte is lost, without them the byte that was there.
static void loop_back(struct uart_state *s, uint8_t byte)
{
    if (fifo_count(s) == fifo_capacity(s)) {
        s->lsr_errors |= UART_LSR_OE;
        if (fifos_on(s))
            return;
        fifo_take_back(s);
    }
    s->loop.bytes[s->loop.count++] = byte;
}

static void pull_input(struct uart *uart)
{
    struct uart_state *s = &uart->state;
    size_t max = fifo_capacity(s), got;

    if (fifo_count(s) || !(s->ier & UART_IER_ERBFI) ||
        (s->mcr & UART_MCR_LOOP) || !uart->line.rx)
        return;
    if (!s->line.count) {
        got = uart->line.rx(uart->line.owner, s->line.bytes, max);
        s->line.count = (uint8_t)(got < max ? got : max);
    }
    s->shown = s->line.count < max ? s->line.count : (uint8_t)max;
}

// What follows every access and every arrival of input.
static void settle(struct uart *uart)
{
    if (uart->state.mcr & UART_MCR_OUT2)
        pull_input(uart);
    update_irq(uart);
}

// The guest looks whether there is input: for one that polls.
static void look_for_input(struct uart *uart)
{
    if (!(uart->state.mcr & UART_MCR_OUT2))
        pull_input(uart);
}

// ---- Registers -------------------------------------------------------------

static bool dlab(const struct uart_state *s)
{
    return s->lcr & UART_LCR_DLAB;
}

static uint8_t read_rbr(struct uart *uart)
{
    struct uart_state *s = &uart->state;
    struct uart_bytes *from;
    uint8_t byte;

    if (dlab(s))
        return s->dll;
    look_for_input(uart);
    if (!fifo_count(s))
        return 0;
    from = s->shown ? &s->line : &s->loop;
    byte = from->bytes[0];
    drop(from, 1);
    if (s->shown)
        s->shown--;
    return byte;
}

static void write_thr(struct uart *uart, uint8_t value)
{
    struct uart_state *s = &uart->state;

    if (dlab(s)) {
        s->dll = value;
        return;
    }
    // The register is full for an instant: a guest whose interrupt controller
    // takes edges is shown the one that a slower transmitter would make.
    s->thre_pending = false;
    update_irq(uart);
    if (s->mcr & UART_MCR_LOOP)
        loop_back(s, value);
    else if (uart->line.tx)
        uart->line.tx(uart->line.owner, value);
    s->thre_pending = true;
}

static uint8_t read_ier(struct uart *uart)
{
    return dlab(&uart->state) ? uart->state.dlm : uart->state.ier;
}

static void write_ier(struct uart *uart, uint8_t value)
{
    struct uart_state *s = &uart->state;

    if (dlab(s)) {
        s->dlm = value;
        return;
    }
    // The transmitter is empty: enabling its interrupt makes it due, even if
    // an IIR read ended it before. Linux tests for exactly that.
    if (value & ~s->ier & UART_IER_ETBEI)
        s->thre_pending = true;
    s->ier = value & IER_BITS;
}

static uint8_t read_iir(struct uart *uart)
{
    struct uart_state *s = &uart->state;
    uint8_t source;

    look_for_input(uart);
    source = interrupt_source(s);
    if (source == UART_IIR_THRE)
        s->thre_pending = false;
    return (uint8_t)(source | (fifos_on(s) ? UART_IIR_FIFOS : 0));
}

// Without the enable bit, the other bits of the write count for nothing. The
// transmit FIFO has nothing to clear.
static void write_fcr(struct uart *uart, uint8_t value)
{
    struct uart_state *s = &uart->state;
    bool enable = value & UART_FCR_ENABLE;

    if (enable && (value & UART_FCR_CLEAR_RX))
        fifo_clear(s);
    else if (enable != fifos_on(s))
        fifo_take_back(s);
    s->fcr = enable ? (value & FCR_STORED) : 0;
}

static uint8_t read_lcr(struct uart *uart)
{
    return uart->state.lcr;
}

static void write_lcr(struct uart *uart, uint8_t value)
{
    uart->state.lcr = value;
}

static uint8_t read_mcr(struct uart *uart)
{
    return uart->state.mcr;
}

// The modem lines as MSR shows them: those of a peer that is always there or,
// in loopback, our own outputs.
static uint8_t modem_lines(uint8_t mcr)
{
    uint8_t lines = 0;

    if (!(mcr & UART_MCR_LOOP))
        return UART_MSR_CTS | UART_MSR_DSR | UART_MSR_DCD;
    if (mcr & UART_MCR_RTS)
        lines |= UART_MSR_CTS;
    if (mcr & UART_MCR_DTR)
        lines |= UART_MSR_DSR;
    if (mcr & UART_MCR_OUT1)
        lines |= UART_MSR_RI;
    if (mcr & UART_MCR_OUT2)
        lines |= UART_MSR_DCD;
    return lines;
}

static void write_mcr(struct uart *uart, uint8_t value)
{
    struct uart_state *s = &uart->state;
    uint8_t before = modem_lines(s->mcr);
    uint8_t after = modem_lines(value);
    uint8_t changed = before ^ after;

    // Of the ring indicator, only its end is told.
    if (after & UART_MSR_RI)
        changed &= (uint8_t)~UART_MSR_RI;
    s->msr_deltas |= changed >> 4;
    s->mcr = value & MCR_BITS;
}

static uint8_t read_lsr(struct uart *uart)
{
    struct uart_state *s = &uart->state;
    uint8_t lsr = UART_LSR_THRE | UART_LSR_TEMT;

    look_for_input(uart);
    lsr |= s->lsr_errors;
    if (fifo_count(s))
        lsr |= UART_LSR_DR;
    s->lsr_errors = 0;
    return lsr;
}

static uint8_t read_msr(struct uart *uart)
{
    struct uart_state *s = &uart->state;
    uint8_t msr = modem_lines(s->mcr) | s->msr_deltas;

    s->msr_deltas = 0;
    return msr;
}

static uint8_t read_scr(struct uart *uart)
{
    return uart->state.scr;
}

static void write_scr(struct uart *uart, uint8_t value)
{
    uart->state.scr = value;
}

// LSR and MSR: writes are for the factory's tests.
static void write_nothing(struct uart *uart, uint8_t value)
{
    (void)uart;
    (void)value;
}

static const struct {
    uint8_t (*read)(struct uart *uart);
    void (*write)(struct uart *uart, uint8_t value);
} registers[UART_REGISTERS] = {
    {read_rbr, write_thr},     {read_ier, write_ier}, {read_iir, write_fcr},
    {read_lcr, write_lcr},     {read_mcr, write_mcr}, {read_lsr, write_nothing},
    {read_msr, write_nothing}, {read_scr, write_scr},
};

// ---- Public functions ------------------------------------------------------

static uint64_t uart_read(void *owner, uint64_t offset, unsigned width)
{
    struct uart *uart = owner;
    uint8_t value;

    (void)width;
    pthread_mutex_lock(&uart->lock);
    value = registers[offset % UART_REGISTERS].read(uart);
    settle(uart);
    pthread_mutex_unlock(&uart->lock);
    return value;
}

static void uart_write(void *owner, uint64_t offset, unsigned width,
                       uint64_t value)
{
    struct uart *uart = owner;

    (void)width;
    pthread_mutex_lock(&uart->lock);
    registers[offset % UART_REGISTERS].write(uart, (uint8_t)value);
    settle(uart);
    pthread_mutex_unlock(&uart->lock);
}

void uart_init(struct uart *uart, const struct uart_line *line,
               const struct irq_line *irq)
{
    *uart = (struct uart){
        .line = *line,
        .irq = *irq,
        .state = {.dll = 1},
    };
    pthread_mutex_init(&uart->lock, NULL);
}

void uart_destroy(struct uart *uart)
{
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
    };
}

void uart_input_ready(struct uart *uart)
{
    pthread_mutex_lock(&uart->lock);
    settle(uart);
    pthread_mutex_unlock(&uart->lock);
}

struct uart_view uart_look(struct uart *uart)
{
    pthread_mutex_lock(&uart->lock);
    const struct uart_state *s = &uart->state;
    const struct uart_view view = {
        .listens =
            (s->ier & UART_IER_ERBFI) != 0 && (s->mcr & UART_MCR_OUT2) != 0,
        .holds = s->line.count > 0 || s->loop.count > 0,
    };
    pthread_mutex_unlock(&uart->lock);
    return view;
}
