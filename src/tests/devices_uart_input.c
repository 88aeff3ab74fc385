// SPDX-License-Identifier: Apache-2.0
// The UART's receiver: flow control, trigger levels, what clears it, and input
// that meets kernel messages.
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

TestSuite(devices_uart_input, .init = setup, .fini = teardown);

// ---- Receiver --------------------------------------------------------------

Test(devices_uart_input, input_is_pulled_sixteen_at_a_time)
{
    static const char text[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    open_port(&f, UART_IER_ERBFI);
    offer(&f, text);
    cr_assert_eq(f.last_max, 16u);
    cr_assert_eq(f.ninput, strlen(text) - 16);
    for (unsigned i = 0; i < 15; i++)
        in(&f, UART_RBR);
    cr_assert_eq(f.ninput, strlen(text) - 16, "only when it is empty");
    in(&f, UART_RBR);
    cr_assert_eq(f.ninput, strlen(text) - 32, "and at once then");
    read_text(&f, text + 16);
    cr_assert_eq(in(&f, UART_LSR) & UART_LSR_DR, 0);
    cr_assert_not(f.level);
}

Test(devices_uart_input, one_at_a_time_without_fifos)
{
    out(&f, UART_MCR, UART_MCR_OUT2);
    out(&f, UART_IER, UART_IER_ERBFI);
    offer(&f, "abc");
    cr_assert_eq(f.last_max, 1u);
    cr_assert_eq(in(&f, UART_IIR), UART_IIR_RDA, "no FIFO bits, no CTI");
    cr_assert_eq(f.ninput, 2u);
    read_text(&f, "abc");
    cr_assert_not(f.level);
}

Test(devices_uart_input, trigger_levels)
{
    static const struct {
        uint8_t fcr;
        const char *below, *reached;
    } cases[] = {
        {0x01, "", "1"},
        {0x41, "123", "1234"},
        {0x81, "1234567", "12345678"},
        {0xc1, "1234567890123", "12345678901234"},
    };

    open_port(&f, UART_IER_ERBFI);
    for (size_t i = 0; i < 4; i++) {
        out(&f, UART_FCR, cases[i].fcr);
        offer(&f, cases[i].below);
        if (cases[i].below[0])
            cr_assert_eq(source(&f), UART_IIR_CTI, "told below the trigger");
        read_text(&f, cases[i].below);
        cr_assert_not(f.level);

        offer(&f, cases[i].reached);
        cr_assert(f.level);
        cr_assert_eq(source(&f), UART_IIR_RDA);
        in(&f, UART_RBR);
        cr_assert_eq(source(&f),
                     cases[i].below[0] ? UART_IIR_CTI : UART_IIR_NONE);
        read_text(&f, cases[i].reached + 1);
    }
}

Test(devices_uart_input, masked_input_is_told_when_unmasked)
{
    open_port(&f, UART_IER_ERBFI);
    offer(&f, "ls\n");
    cr_assert(f.level);
    // A kernel message: IER masked, the bytes polled out, IER restored.
    out(&f, UART_IER, 0);
    cr_assert_not(f.level);
    for (const char *c = "[  1.0] noise\n"; *c; c++) {
        cr_assert(in(&f, UART_LSR) & UART_LSR_THRE);
        out(&f, UART_THR, (uint8_t)*c);
    }
    out(&f, UART_IER, UART_IER_ERBFI);
    cr_assert(f.level);
    read_text(&f, "ls\n");
    cr_assert_not(f.level);
}

Test(devices_uart_input, input_during_a_kernel_message_arrives_after_it)
{
    open_port(&f, UART_IER_ERBFI);
    out(&f, UART_IER, 0);
    offer(&f, "x");
    cr_assert_eq(f.ninput, 1u, "stays in its queue");
    cr_assert_eq(in(&f, UART_LSR) & UART_LSR_DR, 0);
    out(&f, UART_IER, UART_IER_ERBFI);
    cr_assert(f.level);
    read_text(&f, "x");
}

// Without OUT2 no interrupt reaches the guest: it is fed when it looks.
Test(devices_uart_input, a_polling_guest_is_fed_when_it_looks)
{
    static const enum uart_register looks[] = {UART_LSR, UART_IIR, UART_RBR};
    for (size_t i = 0; i < 3; i++) {
        out(&f, UART_IER, UART_IER_ERBFI);
        offer(&f, "x");
        cr_assert_eq(f.ninput, 1u);
        in(&f, looks[i]);
        cr_assert_eq(f.ninput, 0u);
        if (looks[i] != UART_RBR)
            read_text(&f, "x");
        out(&f, UART_IER, 0);
    }
    cr_assert_eq(f.edges, 0u);
}

// A guest without interrupts is known by its looking again and again.
Test(devices_uart_input, a_guest_that_only_polls_is_fed)
{
    static const enum uart_register looks[] = {UART_LSR, UART_RBR};
    for (size_t i = 0; i < 2; i++) {
        out(&f, UART_IER, 0);
        offer(&f, "ok\n");
        for (unsigned n = 0; n < UART_IDLE_LOOKS; n++)
            in(&f, looks[i]);
        cr_assert_eq(f.pulls, 0u, "too early");
        cr_assert_not(uart_look(&f.uart).polls);
        if (looks[i] == UART_RBR)
            cr_assert_eq(in(&f, UART_RBR), 'o');
        else
            read_text(&f, "o");
        cr_assert_eq(f.last_max, 1u, "no more than it reads");
        cr_assert(uart_look(&f.uart).polls);
        read_text(&f, "k\n");
        cr_assert_eq(in(&f, UART_LSR) & UART_LSR_DR, 0);
        f.pulls = 0;
    }
    cr_assert_eq(f.edges, 0u);
}

// One that prints while it polls looks twice for each byte that it sends.
Test(devices_uart_input, a_polling_guest_may_print)
{
    offer(&f, "y");
    for (unsigned n = 0; n < 2 * UART_IDLE_LOOKS && f.ninput; n++) {
        in(&f, UART_LSR); // is there input?
        in(&f, UART_LSR); // is the transmitter empty?
        out(&f, UART_THR, '.');
    }
    read_text(&f, "y");
}

// Linux prints with its interrupts masked, whatever was typed meanwhile.
Test(devices_uart_input, printing_is_not_polling)
{
    offer(&f, "typed");
    for (unsigned message = 0; message < 100; message++) {
        uint8_t ier = in(&f, UART_IER);
        out(&f, UART_IER, 0);
        for (unsigned i = 0; i < 40; i++) {
            in(&f, UART_LSR);
            out(&f, UART_THR, 'x');
        }
        in(&f, UART_LSR);
        out(&f, UART_IER, ier);
    }
    cr_assert_eq(f.pulls, 0u);
}

Test(devices_uart_input, a_driver_that_sets_up_is_no_poller)
{
    static const uint8_t writes[][2] = {
        {UART_IER, 0}, {UART_FCR, UART_FCR_ENABLE}, {UART_LCR, 3}};
    for (unsigned n = 0; n < 2 * UART_IDLE_LOOKS; n++)
        in(&f, UART_LSR);
    for (size_t i = 0; i < 3; i++) {
        out(&f, writes[i][0], writes[i][1]);
        cr_assert_not(uart_look(&f.uart).polls);
        offer(&f, "x");
        for (unsigned n = 0; n < UART_IDLE_LOOKS; n++)
            in(&f, UART_LSR);
        cr_assert_eq(f.ninput, 1u);
        read_text(&f, "x");
    }
}

// ---- Breaks ----------------------------------------------------------------

Test(devices_uart_input, a_break_comes_in_its_place)
{
    open_port(&f, UART_IER_ERBFI | UART_IER_ELSI);
    offer(&f, "a");
    read_text(&f, "a");
    f.breaks = true;
    offer(&f, "h");
    cr_assert(f.level);
    cr_assert_eq(source(&f), UART_IIR_RLS);
    uint8_t lsr = in(&f, UART_LSR);
    cr_assert_eq(lsr & (UART_LSR_BI | UART_LSR_DR), UART_LSR_BI | UART_LSR_DR);
    cr_assert_eq(in(&f, UART_LSR) & UART_LSR_BI, 0, "told once");
    cr_assert_eq(in(&f, UART_RBR), 0u);
    read_text(&f, "h");
    cr_assert_not(f.level);
}

Test(devices_uart_input, a_careless_rx_cannot_overrun)
{
    open_port(&f, UART_IER_ERBFI);
    f.excess = 100;
    offer(&f, "0123456789abcdef");
    f.excess = 0;
    read_text(&f, "0123456789abcdef");
    cr_assert_eq(in(&f, UART_LSR) & (UART_LSR_OE | UART_LSR_DR), 0);
}

// ---- FIFO control ----------------------------------------------------------

Test(devices_uart_input, fcr_clears_pending_bytes)
{
    static const struct {
        unsigned fcr;
        bool clears;
    } cases[] = {
        {UART_FCR_ENABLE, false},
        {UART_FCR_ENABLE | UART_FCR_CLEAR_TX, false},
        {UART_FCR_ENABLE | UART_FCR_CLEAR_RX, true},
    };

    for (size_t i = 0; i < 3; i++) {
        open_port(&f, UART_IER_ERBFI);
        offer(&f, "pending");
        out(&f, UART_FCR, cases[i].fcr);
        cr_assert_eq(f.level, !cases[i].clears);
        cr_assert_eq(in(&f, UART_LSR) & UART_LSR_DR, !cases[i].clears);
        if (!cases[i].clears)
            read_text(&f, "pending");
    }
}

// Turning FIFOs on or off empties them, and the peer sends again.
Test(devices_uart_input, a_change_of_mode_loses_nothing)
{
    open_port(&f, UART_IER_ERBFI);
    offer(&f, "0123456789abcdefNEXT");
    read_text(&f, "01");
    out(&f, UART_IER, 0);
    out(&f, UART_FCR, 0);
    cr_assert_eq(in(&f, UART_LSR) & UART_LSR_DR, 0, "it did empty");
    out(&f, UART_IER, UART_IER_ERBFI);
    cr_assert_eq(in(&f, UART_IIR), UART_IIR_RDA);
    read_text(&f, "234");
    out(&f, UART_FCR, UART_FCR_ENABLE | 0xc0);
    cr_assert_eq(source(&f), UART_IIR_CTI, "11 bytes, below 14");
    read_text(&f, "56789abcdefNEXT");
    cr_assert_not(f.level);
}

Test(devices_uart_input, a_change_of_mode_ends_looped_bytes)
{
    open_port(&f, UART_IER_ERBFI);
    offer(&f, "peer");
    out(&f, UART_MCR, UART_MCR_LOOP | UART_MCR_OUT2);
    out(&f, UART_THR, 'L');
    out(&f, UART_FCR, 0);
    cr_assert_eq(in(&f, UART_LSR) & UART_LSR_DR, 0);
    out(&f, UART_MCR, UART_MCR_OUT2);
    read_text(&f, "peer");
    cr_assert_not(f.level);
}

Test(devices_uart_input, without_enable_the_clear_bit_counts_for_nothing)
{
    out(&f, UART_MCR, UART_MCR_OUT2);
    out(&f, UART_IER, UART_IER_ERBFI);
    offer(&f, "x");
    out(&f, UART_FCR, UART_FCR_CLEAR_RX);
    read_text(&f, "x");
}

Test(devices_uart_input, a_clear_makes_room_for_waiting_input)
{
    open_port(&f, UART_IER_ERBFI);
    offer(&f, "0123456789abcdefNEXT");
    out(&f, UART_FCR, UART_FCR_ENABLE | UART_FCR_CLEAR_RX);
    cr_assert(f.level);
    read_text(&f, "NEXT");
}
