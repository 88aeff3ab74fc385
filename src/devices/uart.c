// SPDX-License-Identifier: Apache-2.0
// The 16550A: registers, FIFO, loopback and its interrupt. What is static runs
// under the UART's lock, up to where bytes are handed on.
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
    uint8_t source = interrupt_source(s);
    bool level = (s->mcr & UART_MCR_OUT2) && source != UART_IIR_NONE;
    // A guest whose interrupt controller takes edges is shown the one that a
    // slower transmitter would make.
    if (level && s->level && s->renewed && source == UART_IIR_THRE)
        irq_line_set(&uart->irq, s->level = false);
    s->renewed = false;
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

// Does the guest, as it is set up, poll for its input?
static bool polls(const struct uart_state *s)
{
    return !(s->ier & UART_IER_ERBFI) && s->idle_looks >= UART_IDLE_LOOKS;
}

// Fills an empty FIFO with up to max bytes of the line.
static void pull_input(struct uart *uart, size_t max)
{
    struct uart_state *s = &uart->state;
    if (fifo_count(s) || (s->mcr & UART_MCR_LOOP) || !uart->line.rx)
        return;
    if (!s->line.count) {
        size_t got = uart->line.rx(uart->line.owner, s->line.bytes, max);
        s->line_broke = got == UART_RX_BREAK;
        if (s->line_broke) {
            s->line.bytes[0] = 0;
            got = 1;
        }
        s->line.count = (uint8_t)(got < max ? got : max);
    }
    s->shown = s->line.count < max ? s->line.count : (uint8_t)max;
    if (s->shown && s->line_broke)
        s->lsr_errors |= UART_LSR_BI;
}

// What follows every access and every arrival of input.
static void take_input(struct uart *uart)
{
    struct uart_state *s = &uart->state;
    if ((s->mcr & UART_MCR_OUT2) && (s->ier & UART_IER_ERBFI))
        pull_input(uart, fifo_capacity(s));
}

// The guest looks whether there is input. One byte at a time is for a guest
// that may stop looking: what it leaves in the FIFO is lost to the next driver,
// which clears it.
static void look_for_input(struct uart *uart)
{
    struct uart_state *s = &uart->state;
    if (s->ier & UART_IER_ERBFI) {
        if (!(s->mcr & UART_MCR_OUT2))
            pull_input(uart, fifo_capacity(s));
    } else if (polls(s)) {
        pull_input(uart, 1);
    }
}

// A look at LSR or RBR. One for each byte sent is how a guest waits for the
// transmitter.
static void count_look(struct uart_state *s)
{
    if (fifo_count(s) || (s->mcr & UART_MCR_LOOP))
        return;
    if (s->looks < 2)
        s->looks++;
    if (s->looks == 2 && s->idle_looks < UART_IDLE_LOOKS)
        s->idle_looks++;
}

// A driver sets the port up: whether it polls is to be seen.
static void forget_looks(struct uart_state *s)
{
    s->looks = 0;
    s->idle_looks = 0;
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
    count_look(s);
    look_for_input(uart);
    if (!fifo_count(s))
        return 0;
    struct uart_bytes *from = s->shown ? &s->line : &s->loop;
    uint8_t byte = from->bytes[0];
    drop(from, 1);
    if (s->shown)
        s->shown--;
    return byte;
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
        loop_back(s, value);
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
    forget_looks(s);
}

static uint8_t read_iir(struct uart *uart)
{
    struct uart_state *s = &uart->state;

    look_for_input(uart);
    uint8_t source = interrupt_source(s);
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
    forget_looks(s);
}

static uint8_t read_lcr(struct uart *uart)
{
    return uart->state.lcr;
}

static void write_lcr(struct uart *uart, uint8_t value)
{
    uart->state.lcr = value;
    forget_looks(&uart->state);
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
    count_look(s);
    look_for_input(uart);
    uint8_t lsr = UART_LSR_THRE | UART_LSR_TEMT | s->lsr_errors;
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
    if (sent.count && uart->line.tx)
        uart->line.tx(uart->line.owner, sent.bytes, sent.count, sent.ns);
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
    uint8_t value = registers[offset % UART_REGISTERS].read(uart);
    take_input(uart);
    pthread_mutex_unlock(&uart->lock);
    return value;
}

static void uart_write(void *owner, const struct access *access,
                       uint64_t offset, unsigned width, uint64_t value)
{
    (void)width;
    struct uart *uart = owner;
    lock_for(uart, access);
    registers[offset % UART_REGISTERS].write(uart, (uint8_t)value);
    take_input(uart);
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
    update_irq(uart);
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

void uart_init(struct uart *uart, const struct uart_line *line,
               const struct irq_line *irq)
{
    *uart = (struct uart){
        .line = *line,
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
    take_input(uart);
    update_irq(uart);
    pthread_mutex_unlock(&uart->lock);
}

struct uart_view uart_look(struct uart *uart)
{
    pthread_mutex_lock(&uart->lock);
    const struct uart_state *s = &uart->state;
    const struct uart_view view = {
        .listens =
            (s->ier & UART_IER_ERBFI) != 0 && (s->mcr & UART_MCR_OUT2) != 0,
        .polls = polls(s),
        .holds = s->line.count > 0 || s->loop.count > 0,
    };
    pthread_mutex_unlock(&uart->lock);
    return view;
}
