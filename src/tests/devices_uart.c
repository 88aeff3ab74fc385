// SPDX-License-Identifier: Apache-2.0
// The UART's registers, transmitter, loopback and interrupt, one rule of the
// data sheet at a time.
#include "src/tests/devices_uart_fixture.h"

static struct uart_fixture f;
static const struct access now;

static void setup(void)
{
    fixture_init(&f);
}

static void teardown(void)
{
    uart_destroy(&f.uart);
}

TestSuite(devices_uart, .init = setup, .fini = teardown);

// ---- Registers -------------------------------------------------------------

Test(devices_uart, power_on_state)
{
    cr_assert_eq(in(&f, UART_IER), 0);
    cr_assert_eq(in(&f, UART_IIR), UART_IIR_NONE);
    cr_assert_eq(in(&f, UART_LSR), UART_LSR_THRE | UART_LSR_TEMT);
    cr_assert_eq(in(&f, UART_MSR), UART_MSR_CTS | UART_MSR_DSR | UART_MSR_DCD);
    cr_assert_eq(in(&f, UART_MCR), 0);
    out(&f, UART_LCR, UART_LCR_DLAB);
    cr_assert_eq(in(&f, UART_RBR) | in(&f, UART_IER) << 8, 1,
                 "a guest divides by the divisor");
    cr_assert_not(f.level);
}

Test(devices_uart, reserved_bits_read_as_zero)
{
    out(&f, UART_IER, 0xff);
    out(&f, UART_MCR, 0xff);
    out(&f, UART_SCR, 0xa5);
    out(&f, UART_LCR, 0x7f);
    cr_assert_eq(in(&f, UART_IER), 0x0f);
    cr_assert_eq(in(&f, UART_MCR), 0x1f);
    cr_assert_eq(in(&f, UART_SCR), 0xa5);
    cr_assert_eq(in(&f, UART_LCR), 0x7f);
}

Test(devices_uart, divisor_latches_hide_data_and_ier)
{
    open_port(&f, UART_IER_ERBFI);
    offer(&f, "x");
    out(&f, UART_LCR, UART_LCR_DLAB | 3);
    out(&f, UART_THR, 0x34);
    out(&f, UART_IER, 0x12);
    cr_assert_eq(in(&f, UART_RBR), 0x34);
    cr_assert_eq(in(&f, UART_IER), 0x12);
    cr_assert_eq(f.nsent, 0u, "a divisor is not data");
    out(&f, UART_LCR, 3);
    cr_assert_eq(in(&f, UART_IER), UART_IER_ERBFI);
    read_text(&f, "x");
}

Test(devices_uart, writes_to_status_registers_are_dropped)
{
    out(&f, UART_LSR, 0xff);
    out(&f, UART_MSR, 0xff);
    cr_assert_eq(in(&f, UART_LSR), UART_LSR_THRE | UART_LSR_TEMT);
    cr_assert_eq(in(&f, UART_MSR) & 0x0f, 0);
}

// ---- Transmitter -----------------------------------------------------------

Test(devices_uart, bytes_go_out_at_once_and_in_order)
{
    static const char text[] = "Linux version\n";
    for (size_t i = 0; text[i]; i++) {
        out(&f, UART_THR, (uint8_t)text[i]);
        cr_assert_eq(f.nsent, i + 1);
        cr_assert_eq(in(&f, UART_LSR), UART_LSR_THRE | UART_LSR_TEMT);
    }
    cr_assert_arr_eq(f.sent, text, sizeof(text) - 1);
}

Test(devices_uart, string_output_of_each_width)
{
    static const uint8_t bytes[] = "abcd";
    uint32_t dword = 0x0a005a41; // THR 'A', IER 0x5a, FCR 0, LCR 0x0a

    bus_write_string(&f.bus, &now, COM, 1, 4, bytes);
    cr_assert_eq(f.nsent, 4u);
    cr_assert_arr_eq(f.sent, bytes, 4);

    // A wide access is that many byte accesses to neighbouring registers.
    bus_write_string(&f.bus, &now, COM, 4, 1, &dword);
    cr_assert_eq(f.sent[4], 'A');
    cr_assert_eq(in(&f, UART_IER), 0x0a);
    cr_assert_eq(in(&f, UART_LCR), 0x0a);
    cr_assert_eq(bus_read(&f.bus, &now, COM + UART_LCR, 2), 0x000au);
}

Test(devices_uart, string_input_of_each_width)
{
    uint8_t bytes[4];
    uint16_t words[3];
    open_port(&f, UART_IER_ERBFI);
    offer(&f, "abcdefghij");
    bus_read_string(&f.bus, &now, COM, 1, 4, bytes);
    cr_assert_arr_eq(bytes, "abcd", 4);
    bus_read_string(&f.bus, &now, COM, 2, 3, words);
    for (unsigned i = 0; i < 3; i++)
        cr_assert_eq(words[i], 'e' + i + (UART_IER_ERBFI << 8));
    cr_assert_eq(bus_read(&f.bus, &now, COM, 8) & 0xff, 'h');
    cr_assert_eq(bus_read(&f.bus, &now, COM + UART_SCR, 2), 0xffffu,
                 "over the end of the device");
}

// ---- THRE ------------------------------------------------------------------

Test(devices_uart, thre_is_ended_by_iir_and_comes_back_with_thr)
{
    open_port(&f, UART_IER_ETBEI);
    cr_assert(f.level);
    cr_assert_eq(in(&f, UART_IIR), UART_IIR_THRE | UART_IIR_FIFOS);
    cr_assert_not(f.level);
    cr_assert_eq(source(&f), UART_IIR_NONE);
    out(&f, UART_THR, 'x');
    cr_assert(f.level);
    cr_assert_eq(source(&f), UART_IIR_THRE);
}

Test(devices_uart, thr_write_makes_an_edge)
{
    open_port(&f, UART_IER_ETBEI);
    cr_assert_eq(f.edges, 1u);
    out(&f, UART_THR, 'x');
    cr_assert(f.level);
    cr_assert_eq(f.edges, 3u, "full for an instant, then empty again");
}

Test(devices_uart, ier_write_raises_a_pending_thre)
{
    open_port(&f, UART_IER_ETBEI);
    source(&f);
    cr_assert_not(f.level);
    out(&f, UART_IER, 0); // as around a kernel message
    cr_assert_not(f.level);
    out(&f, UART_IER, UART_IER_ETBEI);
    cr_assert(f.level);
    out(&f, UART_IER, 0);
    cr_assert_not(f.level);
}

Test(devices_uart, thre_waits_behind_received_data)
{
    open_port(&f, UART_IER_ETBEI | UART_IER_ERBFI);
    offer(&f, "x");
    cr_assert_eq(source(&f), UART_IIR_CTI);
    cr_assert_eq(source(&f), UART_IIR_CTI, "THRE is not ended by it");
    read_text(&f, "x");
    cr_assert(f.level);
    cr_assert_eq(source(&f), UART_IIR_THRE);
    cr_assert_not(f.level);
}

Test(devices_uart, out2_gates_the_interrupt)
{
    out(&f, UART_IER, UART_IER_ETBEI);
    cr_assert_not(f.level);
    out(&f, UART_MCR, UART_MCR_OUT2);
    cr_assert(f.level);
    out(&f, UART_MCR, 0);
    cr_assert_not(f.level);
    cr_assert_eq(source(&f), UART_IIR_THRE, "IIR tells it all the same");
}

// ---- Loopback, line and modem status ---------------------------------------

Test(devices_uart, loopback_keeps_bytes_inside)
{
    open_port(&f, UART_IER_ERBFI);
    out(&f, UART_MCR, UART_MCR_LOOP | UART_MCR_OUT2);
    out(&f, UART_THR, 'L');
    cr_assert_eq(f.nsent, 0u);
    cr_assert(f.level);
    read_text(&f, "L");

    offer(&f, "typed");
    cr_assert_eq(f.ninput, 5u, "input waits for the loopback's end");
    cr_assert_eq(in(&f, UART_LSR) & UART_LSR_DR, 0);
    out(&f, UART_MCR, UART_MCR_OUT2);
    cr_assert(f.level);
    read_text(&f, "typed");
}

Test(devices_uart, loopback_overrun_with_fifos_loses_the_newest)
{
    open_port(&f, UART_IER_ERBFI | UART_IER_ELSI);
    out(&f, UART_MCR, UART_MCR_LOOP | UART_MCR_OUT2);
    for (unsigned i = 0; i < 17; i++)
        out(&f, UART_THR, 'a' + i);
    cr_assert_eq(source(&f), UART_IIR_RLS, "above received data");
    cr_assert(in(&f, UART_LSR) & UART_LSR_OE);
    cr_assert_eq(in(&f, UART_LSR) & UART_LSR_OE, 0, "ended by reading LSR");
    cr_assert_eq(source(&f), UART_IIR_RDA);
    read_text(&f, "abcdefghijklmnop");
}

Test(devices_uart, loopback_overrun_without_fifos_keeps_the_newest)
{
    out(&f, UART_MCR, UART_MCR_LOOP);
    out(&f, UART_THR, 'a');
    out(&f, UART_THR, 'b');
    cr_assert(in(&f, UART_LSR) & UART_LSR_OE);
    read_text(&f, "b");
}

Test(devices_uart, loopback_shows_the_outputs_in_msr)
{
    static const struct {
        uint8_t mcr, msr;
    } cases[] = {
        {UART_MCR_RTS, UART_MSR_CTS},
        {UART_MCR_DTR, UART_MSR_DSR},
        {UART_MCR_OUT1, UART_MSR_RI},
        {UART_MCR_OUT2, UART_MSR_DCD},
    };

    for (size_t i = 0; i < 4; i++) {
        out(&f, UART_MCR, UART_MCR_LOOP | cases[i].mcr);
        cr_assert_eq(in(&f, UART_MSR) & 0xf0, cases[i].msr);
    }
}

Test(devices_uart, modem_deltas)
{
    out(&f, UART_MCR, UART_MCR_LOOP);
    cr_assert_eq(in(&f, UART_MSR),
                 UART_MSR_DCTS | UART_MSR_DDSR | UART_MSR_DDCD);
    cr_assert_eq(in(&f, UART_MSR), 0, "ended by reading MSR");

    out(&f, UART_IER, UART_IER_EDSSI);
    out(&f, UART_MCR, UART_MCR_LOOP | UART_MCR_OUT1);
    cr_assert_eq(source(&f), UART_IIR_NONE, "a ring's begin is not told");
    out(&f, UART_MCR, UART_MCR_LOOP | UART_MCR_OUT2);
    cr_assert(f.level);
    cr_assert_eq(source(&f), UART_IIR_MODEM);
    cr_assert_eq(in(&f, UART_MSR),
                 UART_MSR_DCD | UART_MSR_TERI | UART_MSR_DDCD);
    cr_assert_not(f.level);
}

Test(devices_uart, priorities)
{
    static const uint8_t order[] = {UART_IIR_RLS, UART_IIR_RDA, UART_IIR_THRE,
                                    UART_IIR_MODEM};
    out(&f, UART_MCR, UART_MCR_LOOP | UART_MCR_OUT2); // deltas
    out(&f, UART_IER, 0x0f);                          // THRE
    out(&f, UART_THR, 'a');                           // data
    out(&f, UART_THR, 'b');                           // overrun
    cr_assert_eq(source(&f), order[0]);
    in(&f, UART_LSR);
    cr_assert_eq(source(&f), order[1]);
    in(&f, UART_RBR);
    cr_assert_eq(source(&f), order[2]);
    cr_assert_eq(source(&f), order[3]);
    cr_assert(f.level);
    in(&f, UART_MSR);
    cr_assert_eq(source(&f), UART_IIR_NONE);
    cr_assert_not(f.level);
}

Test(devices_uart, two_uarts_share_nothing)
{
    static struct uart_fixture other;
    fixture_init(&other);
    open_port(&f, UART_IER_ERBFI);
    out(&other, UART_FCR, UART_FCR_ENABLE);
    offer(&f, "mine");
    cr_assert_not(other.level);
    cr_assert_eq(in(&other, UART_LSR) & UART_LSR_DR, 0);
    out(&other, UART_THR, 'o');
    cr_assert_eq(f.nsent, 0u);
    read_text(&f, "mine");
    uart_destroy(&other.uart);
}

// ---- Exits -----------------------------------------------------------------

// Many bytes of one exit are one call, with the time of their exit.
Test(devices_uart, an_exit_is_handed_on_in_one_call)
{
    const struct access exit = {.ns = 77};
    bus_write_string(&f.bus, &exit, COM, 1, 100, f.sent);
    cr_assert_eq(f.calls, 1u);
    cr_assert_eq(f.nsent, 100u);
    cr_assert_eq(f.last_ns, 77u);
    static const uint8_t many[UART_QUEUE + 1];
    bus_write_string(&f.bus, &exit, COM, 1, sizeof many, many);
    cr_assert_eq(f.calls, 3u, "more than the queue holds");
    cr_assert_eq(f.nsent, 100u + sizeof many);
}

// What KVM kept back is sent with the exit after it, and the interrupt is one
// for both: a handler that then reads IIR finds it and leaves no edge behind.
Test(devices_uart, late_writes_settle_with_the_exit)
{
    const struct access exit = {.ns = 5};
    open_port(&f, UART_IER_ETBEI);
    cr_assert_eq(source(&f), UART_IIR_THRE);
    unsigned edges = f.edges;
    f.now = 5;
    for (unsigned i = 0; i < 16; i++)
        uart_write_thr(&f.uart, &exit, (uint8_t)('a' + i));
    cr_assert_eq(f.calls, 0u);
    cr_assert_eq(f.edges, edges);
    cr_assert_eq(source(&f), UART_IIR_THRE);
    cr_assert_eq(f.calls, 1u);
    cr_assert_eq(f.edges, edges, "it rose and fell within the exit");
    uart_write_thr(&f.uart, &exit, '!');
    uart_settle(&f.uart);
    cr_assert(f.level);
    cr_assert_eq(f.nsent, 17u);
}

// A handler that does not read IIR is shown an edge for each answer.
Test(devices_uart, an_answer_without_iir_makes_an_edge)
{
    open_port(&f, UART_IER_ETBEI);
    cr_assert(f.level);
    unsigned edges = f.edges;
    out(&f, UART_THR, 'x');
    cr_assert(f.level);
    cr_assert_eq(f.edges, edges + 2);
}
