// SPDX-License-Identifier: Apache-2.0
// The 16550A's registers and the interrupt that follows from them. See
// uart_internal.h.
#include "src/devices/uart_internal.h"

#define IER_BITS   0x0f
#define MCR_BITS   0x1f
#define FCR_STORED (UART_FCR_ENABLE | UART_FCR_TRIGGER)

static size_t trigger_level(const struct uart_state *s)
{
    static const uint8_t levels[] = {1, 4, 8, 14};
    return uart_fifos_on(s) ? levels[s->fcr >> 6] : 1;
}

// The source of the highest priority that is enabled and pending, as IIR's
// low four bits.
static uint8_t interrupt_source(const struct uart_state *s)
{
    if ((s->ier & UART_IER_ELSI) && s->lsr_errors)
        return UART_IIR_RLS;
    if ((s->ier & UART_IER_ERBFI) && uart_fifo_count(s))
        return uart_fifo_count(s) >= trigger_level(s) ? UART_IIR_RDA
                                                      : UART_IIR_CTI;
    if ((s->ier & UART_IER_ETBEI) && s->thre_pending)
        return UART_IIR_THRE;
    if ((s->ier & UART_IER_EDSSI) && s->msr_deltas)
        return UART_IIR_MODEM;
    return UART_IIR_NONE;
}

void uart_update_irq(struct uart *uart)
{
    struct uart_state *s = &uart->state;
    uint8_t source = interrupt_source(s);
    bool level = (s->mcr & UART_MCR_OUT2) && source != UART_IIR_NONE;
    // A guest whose interrupt controller takes edges is shown the one that a
    // slower transmitter would make.
    if (level && s->irq_level && s->renewed && source == UART_IIR_THRE)
        irq_line_set(&uart->irq, s->irq_level = false);
    s->renewed = false;
    if (level == s->irq_level)
        return;
    s->irq_level = level;
    irq_line_set(&uart->irq, level);
}

// ---- Registers -------------------------------------------------------------

static bool dlab(const struct uart_state *s)
{
    return s->lcr & UART_LCR_DLAB;
}

static uint8_t read_rbr(struct uart *uart)
{
    struct uart_state *s = &uart->state;
    if (dlab(s))
        return s->dll;
    uart_count_look(s);
    uart_look_for_input(uart);
    return uart_fifo_count(s) ? uart_fifo_pop(s) : 0;
}

// There is room: lock_for saw to that.
static void write_thr(struct uart *uart, uint8_t value)
{
    struct uart_state *s = &uart->state;
    if (dlab(s)) {
        s->dll = value;
        return;
    }
    s->looks = 0;
    if (s->mcr & UART_MCR_LOOP)
        uart_loop_back(s, value);
    else
        uart->sent.bytes[uart->sent.count++] = value;
    s->renewed = s->thre_pending;
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
    uart_forget_looks(s);
}

static uint8_t read_iir(struct uart *uart)
{
    struct uart_state *s = &uart->state;
    uart_look_for_input(uart);
    uint8_t source = interrupt_source(s);
    if (source == UART_IIR_THRE)
        s->thre_pending = false;
    return (uint8_t)(source | (uart_fifos_on(s) ? UART_IIR_FIFOS : 0));
}

// Without the enable bit, the other bits of the write count for nothing. The
// transmit FIFO has nothing to clear.
static void write_fcr(struct uart *uart, uint8_t value)
{
    struct uart_state *s = &uart->state;
    bool enable = value & UART_FCR_ENABLE;
    if (enable && (value & UART_FCR_CLEAR_RX))
        uart_fifo_clear(s);
    else if (enable != uart_fifos_on(s))
        uart_fifo_take_back(s);
    s->fcr = enable ? (value & FCR_STORED) : 0;
    uart_forget_looks(s);
}

static uint8_t read_lcr(struct uart *uart)
{
    return uart->state.lcr;
}

static void write_lcr(struct uart *uart, uint8_t value)
{
    uart->state.lcr = value;
    uart_forget_looks(&uart->state);
}

static uint8_t read_mcr(struct uart *uart)
{
    return uart->state.mcr;
}

// The modem's signals as MSR shows them: those of a peer that is always there
// or, in loopback, our own outputs.
static uint8_t modem_inputs(uint8_t mcr)
{
    uint8_t inputs = 0;
    if (!(mcr & UART_MCR_LOOP))
        return UART_MSR_CTS | UART_MSR_DSR | UART_MSR_DCD;
    if (mcr & UART_MCR_RTS)
        inputs |= UART_MSR_CTS;
    if (mcr & UART_MCR_DTR)
        inputs |= UART_MSR_DSR;
    if (mcr & UART_MCR_OUT1)
        inputs |= UART_MSR_RI;
    if (mcr & UART_MCR_OUT2)
        inputs |= UART_MSR_DCD;
    return inputs;
}

static void write_mcr(struct uart *uart, uint8_t value)
{
    struct uart_state *s = &uart->state;
    uint8_t before = modem_inputs(s->mcr);
    uint8_t after = modem_inputs(value);
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
    uart_count_look(s);
    uart_look_for_input(uart);
    uint8_t lsr = UART_LSR_THRE | UART_LSR_TEMT | s->lsr_errors;
    if (uart_fifo_count(s))
        lsr |= UART_LSR_DR;
    s->lsr_errors = 0;
    return lsr;
}

static uint8_t read_msr(struct uart *uart)
{
    struct uart_state *s = &uart->state;
    uint8_t msr = modem_inputs(s->mcr) | s->msr_deltas;
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

uint8_t uart_register_read(struct uart *uart, uint64_t offset)
{
    return registers[offset % UART_REGISTERS].read(uart);
}

void uart_register_write(struct uart *uart, uint64_t offset, uint8_t value)
{
    registers[offset % UART_REGISTERS].write(uart, value);
}
