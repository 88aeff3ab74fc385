// SPDX-License-Identifier: Apache-2.0
// The console, driven as a guest's driver does it: output in pieces and at the
// peer's pace, input into the driver's buffers, ports with names, and a driver
// that is wrong.
#include "src/tests/virtio_console_card.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>

// ---- Output ----------------------------------------------------------------

static struct hvc_test f; // too large for a stack

Test(virtio_console, what_it_is)
{
    hvc_set_up(&f, MULTIPORT);
    struct virtio_device *dev = &f.con.device;
    cr_assert_eq(virtio_read_config(dev, 0, 4), 0U);
    cr_assert_eq(virtio_read_config(dev, 4, 4), 2U); // a console and a port
    hvc_tear_down(&f);
}

// Many bytes are one notification, and one call of the peer for each 4 KiB.
Test(virtio_console, output_comes_in_pieces)
{
    hvc_set_up(&f, 0);
    char *at = driver_at(&f.q[0], hvc_buffer(TX), 10000);
    for (unsigned i = 0; i < 10000; i++)
        at[i] = (char)(i * 7);
    hvc_offer(&f, TX, hvc_buffer(TX), 10000, 0);
    hvc_kick(&f, TX);
    cr_assert_eq(f.nout[0], 10000U);
    cr_assert_eq(f.calls, 3U);
    cr_assert_eq(memcmp(f.out[0], at, 10000), 0);
    cr_assert_eq(driver_used_index(&f.q[TX]), 1);
    cr_assert_eq(f.interrupts[TX], 1U);
    cr_assert_not(virtio_console_goes_on(&f.con), "nothing is left");
    hvc_tear_down(&f);
}

// A peer that has enough: the buffer stays the device's, nothing is lost, and
// what is offered meanwhile comes after it.
Test(virtio_console, output_waits_for_room)
{
    hvc_set_up(&f, 0);
    f.room = 4;
    char *at = driver_at(&f.q[0], hvc_buffer(TX), 10004);
    memset(at, 'a', 10000);
    hvc_offer(&f, TX, hvc_buffer(TX), 10000, 0);
    hvc_kick(&f, TX);
    cr_assert_eq(f.nout[0], VIRTIO_CONSOLE_PIECE);
    cr_assert_eq(driver_used_index(&f.q[TX]), 0);
    memcpy(at + 10000, "end", 4);
    hvc_offer(&f, TX, hvc_buffer(TX) + 10000, 3, 0);
    hvc_kick(&f, TX);
    cr_assert_eq(f.nout[0], VIRTIO_CONSOLE_PIECE);
    cr_assert(virtio_console_goes_on(&f.con));
    cr_assert_eq(f.nout[0], VIRTIO_CONSOLE_PIECE, "it is full still");
    f.room = SIZE_MAX / 2;
    cr_assert(virtio_console_goes_on(&f.con));
    cr_assert_not(virtio_console_goes_on(&f.con));
    cr_assert_eq(f.nout[0], 10003U);
    cr_assert_eq(memcmp(f.out[0] + 9999, "aend", 4), 0);
    cr_assert_eq(driver_used_index(&f.q[TX]), 2);
    hvc_tear_down(&f);
}

// A guest that offers a lot does not hold its vCPU there for long.
Test(virtio_console, a_lot_goes_on_in_rounds)
{
    hvc_set_up(&f, 0);
    for (unsigned i = 0; i < 3; i++)
        hvc_offer(&f, TX, DRIVER_BUFFERS, 100000, 0);
    hvc_kick(&f, TX);
    cr_assert_eq(f.nout[0], VIRTIO_CONSOLE_ROUND);
    unsigned rounds = 0;
    while (virtio_console_goes_on(&f.con))
        rounds++;
    cr_assert_eq(f.nout[0], 300000U);
    cr_assert_eq(rounds, 4U);
    hvc_tear_down(&f);
}

// What a driver that is gone had offered is nobody's.
Test(virtio_console, a_reset_forgets_output)
{
    hvc_set_up(&f, 0);
    f.room = 1;
    hvc_offer(&f, TX, DRIVER_BUFFERS, 10000, 0);
    hvc_kick(&f, TX);
    virtio_set_status(&f.con.device, 0);
    f.room = SIZE_MAX / 2;
    cr_assert_not(virtio_console_goes_on(&f.con));
    cr_assert_eq(f.nout[0], VIRTIO_CONSOLE_PIECE);
    hvc_tear_down(&f);
}

// ---- Input -----------------------------------------------------------------

Test(virtio_console, input_waits_for_buffers)
{
    uint32_t len;
    hvc_set_up(&f, 0);
    f.in[0] = "root and a line that is longer than sixteen bytes\r";
    virtio_console_input_ready(&f.con, 0);
    cr_assert_eq(*f.in[0], 'r', "there is no room, so nothing was taken");
    hvc_offer_input(&f, RX, 2);
    cr_assert_eq(driver_used_index(&f.q[RX]), 1);
    const char *at = hvc_received(&f, RX, 0, &len);
    cr_assert_eq(len, 50U);
    cr_assert_eq(memcmp(at, "root and a line that is longer than sixteen", 43),
                 0);
    cr_assert_eq(f.interrupts[RX], 1U);
    f.breaks = true;
    f.in[0] = "more";
    virtio_console_input_ready(&f.con, 0);
    at = hvc_received(&f, RX, 1, &len);
    cr_assert(len == 4 && !memcmp(at, "more", 4));
    hvc_tear_down(&f);
}

Test(virtio_console, long_input_keeps_its_order)
{
    static char text[200];
    uint32_t len;
    for (unsigned i = 0; i < sizeof text - 1; i++)
        text[i] = (char)('!' + i % 90);
    hvc_set_up(&f, 0);
    hvc_offer_input(&f, RX, 2);
    f.in[0] = text;
    virtio_console_input_ready(&f.con, 0);
    cr_assert_eq(f.in[0] - text, 128, "two buffers are full");
    hvc_offer_input(&f, RX, 2);
    for (unsigned i = 0; i < 3; i++)
        cr_assert_eq(
            memcmp(hvc_received(&f, RX, i, &len), text + (size_t)64 * i, 64),
            0);
    cr_assert_eq(memcmp(hvc_received(&f, RX, 3, &len), text + 192, 7), 0);
    cr_assert_eq(len, 7U);
    hvc_tear_down(&f);
}

// ---- Ports with names ------------------------------------------------------

Test(virtio_console, ports_are_told)
{
    hvc_set_up(&f, MULTIPORT);
    hvc_control(&f, UINT32_MAX, READY, 1);
    cr_assert_eq(driver_used_index(&f.q[CONTROL_RX]), 0);
    // Messages wait until there are buffers for them.
    hvc_offer_control(&f, 1);
    hvc_expect_told(&f, 0, 0, ADD, "");
    hvc_offer_control(&f, 8);
    hvc_expect_told(&f, 1, 1, ADD, "");
    hvc_control(&f, 0, PORT_IS_READY, 1);
    hvc_expect_told(&f, 2, 0, CONSOLE, "");
    hvc_expect_told(&f, 3, 0, OPEN, "");
    hvc_control(&f, 1, PORT_IS_READY, 1);
    hvc_expect_told(&f, 4, 1, NAME, "org.example.log");
    hvc_expect_told(&f, 5, 1, OPEN, "");
    cr_assert_eq(driver_used_index(&f.q[CONTROL_RX]), 6);
    hvc_tear_down(&f);
}

// Input comes when the guest has the port open, and not before.
Test(virtio_console, a_port_that_is_closed_gets_nothing)
{
    uint32_t len;
    hvc_set_up(&f, MULTIPORT);
    hvc_offer_input(&f, RX, 2);
    hvc_offer_input(&f, RX1, 2);
    f.in[0] = "console";
    f.in[1] = "port";
    virtio_console_input_ready(&f.con, 0);
    virtio_console_input_ready(&f.con, 1);
    cr_assert_not(virtio_console_is_open(&f.con, 1));
    cr_assert_eq(driver_used_index(&f.q[RX1]), 0);
    hvc_control(&f, 1, OPEN, 1);
    cr_assert(virtio_console_is_open(&f.con, 1));
    cr_assert_eq(memcmp(hvc_received(&f, RX1, 0, &len), "port", 4), 0);
    cr_assert_eq(len, 4U);
    cr_assert_eq(*f.in[0], 'c');
    hvc_control(&f, 1, OPEN, 0);
    f.in[1] = "later";
    virtio_console_input_ready(&f.con, 1);
    cr_assert_eq(*f.in[1], 'l');
    hvc_control(&f, 1, OPEN, 1);
    cr_assert_eq(memcmp(hvc_received(&f, RX1, 1, &len), "later", 5), 0);
    hvc_tear_down(&f);
}

Test(virtio_console, each_port_has_its_output)
{
    hvc_set_up(&f, MULTIPORT);
    hvc_print(&f, TX1, "a log");
    hvc_print(&f, TX, "a console");
    cr_assert(f.nout[1] == 5 && !memcmp(f.out[1], "a log", 5));
    cr_assert(f.nout[0] == 9 && !memcmp(f.out[0], "a console", 9));
    hvc_tear_down(&f);
}

// Without the feature the other queues are nobody's.
Test(virtio_console, a_driver_of_one_port)
{
    hvc_set_up(&f, 0);
    hvc_print(&f, TX1, "nobody");
    hvc_control(&f, 0, OPEN, 0);
    cr_assert_eq(f.nout[1], 0U);
    cr_assert(virtio_console_is_open(&f.con, 0));
    cr_assert_not(virtio_console_is_open(&f.con, 1));
    virtio_console_input_ready(&f.con, VIRTIO_CONSOLE_PORTS);
    hvc_tear_down(&f);
}

// ---- Threads ---------------------------------------------------------------

static void *type_again(void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < 500; i++) {
        virtio_console_input_ready(&f.con, i % 2);
        (void)virtio_console_is_open(&f.con, 0);
        (void)virtio_console_goes_on(&f.con);
    }
    return NULL;
}

// Somebody types while a vCPU prints and resets the console; under
// ThreadSanitizer this shows what is not locked.
Test(virtio_console, typing_while_the_guest_prints)
{
    pthread_t typist;
    hvc_set_up(&f, 0);
    f.in[0] = "some input";
    cr_assert_eq(pthread_create(&typist, NULL, type_again, NULL), 0);
    for (unsigned i = 0; i < 200; i++) {
        // The ring's memory is this driver's alone, which is no vCPU.
        pthread_mutex_lock(&f.con.device.lock);
        hvc_offer(&f, RX, hvc_buffer(RX), 64, D_WRITE);
        hvc_offer(&f, TX, hvc_buffer(TX), 100, 0);
        virtio_kick(&f.con.device, RX);
        virtio_kick(&f.con.device, TX);
        if (i % 20 == 0) {
            virtio_set_status(&f.con.device, 0);
            for (unsigned q = 0; q < QUEUES; q++)
                driver_set_index(&f.q[q], 0);
            hvc_start(&f, 0);
        }
        pthread_mutex_unlock(&f.con.device.lock);
    }
    pthread_join(typist, NULL);
    cr_assert_eq(f.con.device.refusals, 0U);
    cr_assert_eq(*f.in[0], '\0');
    hvc_tear_down(&f);
}

// ---- What is wrong ---------------------------------------------------------

static void expect_refusal(const char *why)
{
    cr_expect_eq(f.con.device.refusals, 1U);
    cr_expect_str_eq(f.con.device.refusal, why);
    cr_expect(f.con.device.status & VIRTIO_NEEDS_RESET);
    cr_expect_not(virtio_console_is_open(&f.con, 0));
    size_t before = f.nout[0];
    hvc_print(&f, TX, "no more");
    cr_expect_not(virtio_console_goes_on(&f.con));
    cr_expect_eq(f.nout[0], before);
    // A reset, and it works.
    virtio_set_status(&f.con.device, 0);
    for (unsigned i = 0; i < QUEUES; i++)
        driver_set_index(&f.q[i], 0);
    hvc_start(&f, 0);
    hvc_print(&f, TX, "again");
    cr_expect_eq(f.nout[0], before + 5);
    hvc_tear_down(&f);
}

Test(virtio_console, output_to_be_written)
{
    hvc_set_up(&f, 0);
    hvc_offer(&f, TX, hvc_buffer(TX), 10, D_WRITE);
    hvc_kick(&f, TX);
    expect_refusal("output of a console that is to be written to");
}

Test(virtio_console, input_to_be_read)
{
    hvc_set_up(&f, 0);
    f.in[0] = "x";
    hvc_offer(&f, RX, hvc_buffer(RX), 10, 0);
    hvc_kick(&f, RX);
    expect_refusal("a buffer for a console's input that can't be written to");
}

Test(virtio_console, output_outside_of_memory)
{
    hvc_set_up(&f, 0);
    hvc_offer(&f, TX, DRIVER_MEMORY - 8, 16, 0);
    hvc_kick(&f, TX);
    expect_refusal(virtq_fault_text(VIRTQ_BAD_BUFFER));
}

Test(virtio_console, a_message_that_is_too_short)
{
    hvc_set_up(&f, MULTIPORT);
    hvc_offer(&f, CONTROL_TX, hvc_buffer(CONTROL_TX), 7, 0);
    hvc_kick(&f, CONTROL_TX);
    expect_refusal("a control message to a console that is too short");
}

Test(virtio_console, a_message_about_no_port)
{
    hvc_set_up(&f, MULTIPORT);
    hvc_control(&f, 2, OPEN, 1);
    expect_refusal("a message about a console's port that isn't there");
}

Test(virtio_console, no_room_for_a_message)
{
    hvc_set_up(&f, MULTIPORT);
    hvc_offer(&f, CONTROL_RX, hvc_buffer(CONTROL_RX), 7, D_WRITE);
    hvc_control(&f, 0, READY, 1);
    expect_refusal(
        "a buffer for a console's control messages that is too small");
}
