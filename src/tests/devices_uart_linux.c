// SPDX-License-Identifier: Apache-2.0
// What Linux's 8250 driver asks a UART before it believes in a 16550A with a
// FIFO of 16 bytes and no known defects, register access by register access.
#include "src/tests/devices_uart_fixture.h"

static struct uart_fixture f;

static void setup(void)
{
    fixture_init(&f);
}

static void teardown(void)
{
    uart_destroy(&f.uart);
}

TestSuite(devices_uart_linux, .init = setup, .fini = teardown);

#define LCR_MODE_A 0x80 // the divisor latch
#define LCR_MODE_B 0xbf // the enhanced registers of other chips
#define LCR_BANK_2 0xe0 // of a National SuperIO
#define FCR_64     0x20 // the TI16750's longer FIFO
#define IER_UUE    0x40 // an XScale's unit enable
#define EFR        2    // where other chips keep their enhanced features

static const char typed_early[] = "typed before the kernel looked\n";

static void check_interrupt_enable(void)
{
    uint8_t ier = in(&f, UART_IER);
    out(&f, UART_IER, 0);
    cr_assert_eq(in(&f, UART_IER) & 0x0f, 0);
    out(&f, UART_IER, 0x0f);
    cr_assert_eq(in(&f, UART_IER) & 0x0f, 0x0f);
    out(&f, UART_IER, ier);
}

static void check_loopback(void)
{
    uint8_t mcr = in(&f, UART_MCR);
    out(&f, UART_MCR, UART_MCR_LOOP | UART_MCR_OUT2 | UART_MCR_RTS);
    cr_assert_eq(in(&f, UART_MSR) & 0xf0, UART_MSR_DCD | UART_MSR_CTS);
    out(&f, UART_MCR, mcr);
}

static void check_fifo_bits(void)
{
    out(&f, UART_LCR, LCR_MODE_B);
    out(&f, EFR, 0);
    out(&f, UART_LCR, 0);
    out(&f, UART_FCR, UART_FCR_ENABLE);
    cr_assert_eq(in(&f, UART_IIR) >> 6, 3, "16550A");
}

static unsigned divisor(void)
{
    return in(&f, UART_RBR) | (unsigned)in(&f, UART_IER) << 8;
}

static void set_divisor(unsigned value)
{
    out(&f, UART_THR, value & 0xff);
    out(&f, UART_IER, value >> 8);
}

static unsigned fifo_size(void)
{
    uint8_t lcr = in(&f, UART_LCR), mcr, fcr;
    unsigned saved, count = 0;
    out(&f, UART_LCR, 0);
    fcr = in(&f, UART_FCR); // reads IIR; the driver writes it to FCR
    mcr = in(&f, UART_MCR);
    out(&f, UART_FCR, UART_FCR_ENABLE | UART_FCR_CLEAR_RX | UART_FCR_CLEAR_TX);
    out(&f, UART_MCR, UART_MCR_LOOP);
    out(&f, UART_LCR, LCR_MODE_A);
    saved = divisor();
    set_divisor(1);
    out(&f, UART_LCR, 3);
    for (unsigned i = 0; i < 256; i++)
        out(&f, UART_THR, i);
    while (in(&f, UART_LSR) & UART_LSR_DR && count < 256) {
        cr_assert_eq(in(&f, UART_RBR), count);
        count++;
    }
    out(&f, UART_FCR, fcr);
    out(&f, UART_MCR, mcr);
    out(&f, UART_LCR, LCR_MODE_A);
    set_divisor(saved);
    out(&f, UART_LCR, lcr);
    return count;
}

// None of the chips that build on the 16550A must be seen in it.
static void check_no_enhanced_features(void)
{
    out(&f, UART_LCR, LCR_MODE_A);
    cr_assert_neq(in(&f, EFR), 0, "ST16C650V1");
    out(&f, UART_LCR, LCR_MODE_B);
    cr_assert_neq(in(&f, EFR), 0, "ST16C650V2, Oxford, Exar");
    out(&f, UART_LCR, 0);
}

static void check_no_superio(void)
{
    uint8_t mcr = in(&f, UART_MCR), exer;
    out(&f, UART_LCR, LCR_BANK_2);
    exer = in(&f, 2);
    cr_assert_eq((exer ^ mcr) & UART_MCR_LOOP, 0, "takes the second look");
    out(&f, UART_LCR, 0);
    out(&f, UART_MCR, mcr ^ UART_MCR_LOOP);
    out(&f, UART_LCR, LCR_BANK_2);
    exer = in(&f, 2);
    out(&f, UART_LCR, 0);
    out(&f, UART_MCR, mcr);
    cr_assert_eq((exer ^ mcr) & UART_MCR_LOOP, 0, "NS16550A of a SuperIO");
}

static void check_no_long_fifo(void)
{
    uint8_t plain, latched;
    out(&f, UART_LCR, 0);
    out(&f, UART_FCR, UART_FCR_ENABLE | FCR_64);
    plain = in(&f, UART_IIR) >> 5;
    out(&f, UART_FCR, UART_FCR_ENABLE);
    out(&f, UART_LCR, LCR_MODE_A);
    out(&f, UART_FCR, UART_FCR_ENABLE | FCR_64);
    latched = in(&f, UART_IIR) >> 5;
    out(&f, UART_FCR, UART_FCR_ENABLE);
    out(&f, UART_LCR, 0);
    cr_assert_eq(plain, 6);
    cr_assert_eq(latched, 6, "7 is the TI16750");
}

static void check_no_unit_enable(void)
{
    uint8_t ier = in(&f, UART_IER);
    out(&f, UART_IER, ier | IER_UUE);
    cr_assert_eq(in(&f, UART_IER) & IER_UUE, 0, "XScale");
    out(&f, UART_IER, ier);
}

static void clear_fifos(void)
{
    out(&f, UART_FCR, UART_FCR_ENABLE);
    out(&f, UART_FCR, UART_FCR_ENABLE | UART_FCR_CLEAR_RX | UART_FCR_CLEAR_TX);
    out(&f, UART_FCR, 0);
}

static void probe(void)
{
    uint8_t mcr = in(&f, UART_MCR), lcr = in(&f, UART_LCR);
    check_interrupt_enable();
    check_loopback();
    check_fifo_bits();
    check_no_enhanced_features();
    check_no_superio();
    check_no_long_fifo();
    check_no_unit_enable();
    cr_assert_eq(fifo_size(), 16u);
    out(&f, UART_LCR, lcr);
    out(&f, UART_MCR, mcr);
    clear_fifos();
    in(&f, UART_RBR);
    out(&f, UART_IER, 0);
}

// What the driver does when the port is opened, with its two tests for chips
// that don't tell of an empty transmitter.
static void start_up(void)
{
    uint8_t first, second, lsr;
    clear_fifos();
    in(&f, UART_LSR);
    in(&f, UART_RBR);
    in(&f, UART_IIR);
    in(&f, UART_MSR);
    cr_assert_neq(in(&f, UART_LSR), 0xff, "something is there");

    out(&f, UART_IER, UART_IER_ETBEI);
    first = in(&f, UART_IIR);
    out(&f, UART_IER, 0);
    out(&f, UART_IER, UART_IER_ETBEI);
    second = in(&f, UART_IIR);
    out(&f, UART_IER, 0);
    cr_assert_eq(first & UART_IIR_NONE, 0);
    cr_assert_eq(second & UART_IIR_NONE, 0, "THRE is not asserted again");

    out(&f, UART_LCR, 3);
    out(&f, UART_MCR, UART_MCR_DTR | UART_MCR_RTS | UART_MCR_OUT2);
    out(&f, UART_IER, UART_IER_ETBEI);
    lsr = in(&f, UART_LSR);
    first = in(&f, UART_IIR);
    out(&f, UART_IER, 0);
    cr_assert(lsr & UART_LSR_TEMT);
    cr_assert_eq(first & UART_IIR_NONE, 0, "no interrupt on enabling THRI");

    in(&f, UART_LSR);
    in(&f, UART_RBR);
    in(&f, UART_IIR);
    in(&f, UART_MSR);
    out(&f, UART_IER, UART_IER_ELSI | UART_IER_ERBFI);
    out(&f, UART_LCR, UART_LCR_DLAB | 3);
    set_divisor(12);
    out(&f, UART_LCR, 3);
    out(&f, UART_FCR, UART_FCR_ENABLE);
    out(&f, UART_FCR, UART_FCR_ENABLE | 0x80);
}

Test(devices_uart_linux, is_a_16550a)
{
    probe();
    cr_assert_eq(f.nsent, 0u, "the probe sends nothing");
    cr_assert_eq(f.edges, 0u, "nor does it interrupt");
}

Test(devices_uart_linux, starts_without_bugs)
{
    probe();
    start_up();
    cr_assert_not(f.level);
    offer(&f, "root\n");
    cr_assert(f.level);
    read_text(&f, "root\n");
}

// The probe enables each interrupt and clears the FIFOs, opening the port turns
// its FIFOs on after its interrupts: neither may lose what was typed early.
Test(devices_uart_linux, early_input_survives)
{
    offer(&f, typed_early);
    probe();
    probe(); // as when the ACPI device is found after the legacy port
    cr_assert_eq(f.pulls, 0u);
    start_up();
    read_text(&f, typed_early);
    cr_assert_not(f.level);
}

// The transmit path of the driver: IIR, then up to 16 bytes, until done.
Test(devices_uart_linux, interrupt_driven_output)
{
    static char text[100];
    size_t at = 0;
    start_up();
    memset(text, 'x', sizeof(text));
    out(&f, UART_IER, UART_IER_ELSI | UART_IER_ERBFI | UART_IER_ETBEI);
    while (f.level) {
        cr_assert_eq(source(&f), UART_IIR_THRE);
        cr_assert(in(&f, UART_LSR) & UART_LSR_THRE);
        for (unsigned i = 0; i < 16 && at < sizeof(text); i++)
            out(&f, UART_THR, (uint8_t)text[at++]);
        if (at == sizeof(text))
            out(&f, UART_IER, UART_IER_ELSI | UART_IER_ERBFI);
    }
    cr_assert_eq(f.nsent, sizeof(text));
}
