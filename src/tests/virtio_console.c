// SPDX-License-Identifier: Apache-2.0
// The console, driven as a guest's driver does it: output in pieces and at the
// peer's pace, input into the driver's buffers, ports with names, and a driver
// that is wrong.
#include "src/tests/virtio_driver.h"
#include "src/virtio/console.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>

#define MULTIPORT UINT32_C(2)
#define QUEUES    6                // the console, control, one port
#define RINGS     UINT64_C(0x1000) // of each queue, behind those before it
#define BUFFERS   UINT64_C(0x20000)

enum { RX, TX, CONTROL_RX, CONTROL_TX, RX1, TX1 };
enum { READY, ADD, PORT_IS_READY = 3, CONSOLE, OPEN = 6, NAME };

struct fixture {
    struct driver q[QUEUES]; // of one memory
    struct virtio_console con;
    unsigned interrupts[QUEUES];
    uint8_t out[2][1 << 20];
    size_t nout[2], calls;
    size_t room; // of the peer, in bytes
    const char *in[2];
    bool breaks; // a break comes before what is in
};

// ---- The peer and the transport --------------------------------------------

static void on_tx(void *owner, unsigned port, const uint8_t *bytes, size_t n,
                  uint64_t ns)
{
    struct fixture *f = owner;
    cr_assert(n > 0 && n <= VIRTIO_CONSOLE_PIECE && ns > 0);
    cr_assert(f->nout[port] + n <= sizeof f->out[port]);
    memcpy(f->out[port] + f->nout[port], bytes, n);
    f->nout[port] += n;
    f->calls++;
    f->room -= f->room < n ? f->room : n;
}

static bool is_full(void *owner)
{
    const struct fixture *f = owner;
    return f->room == 0;
}

static size_t on_rx(void *owner, unsigned port, uint8_t *bytes, size_t max)
{
    struct fixture *f = owner;
    cr_assert(max > 0 && max <= 16);
    if (f->breaks) {
        f->breaks = false;
        return SIZE_MAX;
    }
    size_t n = f->in[port] ? strlen(f->in[port]) : 0;
    n = n < max ? n : max;
    if (n)
        memcpy(bytes, f->in[port], n);
    f->in[port] += n;
    return n;
}

static void on_interrupt(void *owner, unsigned queue)
{
    ((struct fixture *)owner)->interrupts[queue]++;
}

static void on_config(void *owner)
{
    (void)owner;
}

// ---- The driver ------------------------------------------------------------

static void start(struct fixture *f, uint32_t features)
{
    struct virtio_device *dev = &f->con.device;
    virtio_set_status(dev, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
    virtio_set_features(dev, 0, features);
    virtio_set_features(dev, 1, VIRTIO_F_VERSION_1 >> 32);
    virtio_set_status(dev, VIRTIO_FEATURES_OK);
    cr_assert(dev->status & VIRTIO_FEATURES_OK);
    for (unsigned i = 0; i < QUEUES; i++) {
        dev->setups[i] = f->q[i].setup;
        virtio_enable_queue(dev, i);
    }
    virtio_set_status(dev, VIRTIO_DRIVER_OK);
}

static void set_up(struct fixture *f, uint32_t features)
{
    static const char *const names[] = {"org.example.log"};
    const struct virtio_console_peer peer = {
        .owner = f,
        .tx = on_tx,
        .is_full = is_full,
        .rx = on_rx,
    };
    memset(f, 0, sizeof *f);
    f->room = SIZE_MAX / 2;
    f->in[0] = f->in[1] = "";
    driver_init(&f->q[0], 64, false);
    for (unsigned i = 1; i < QUEUES; i++) {
        f->q[i] = f->q[0];
        f->q[i].setup.descriptors += i * RINGS;
        f->q[i].setup.driver += i * RINGS;
        f->q[i].setup.device += i * RINGS;
    }
    virtio_console_init(&f->con, names, 1, &peer, &f->q[0].memory);
    f->con.device.interrupt =
        (struct virtio_interrupt){on_interrupt, on_config, f};
    start(f, features);
}

static void tear_down(struct fixture *f)
{
    virtio_console_destroy(&f->con);
    driver_free(&f->q[0]);
}

static void kick(struct fixture *f, unsigned queue)
{
    pthread_mutex_lock(&f->con.device.lock);
    virtio_kick(&f->con.device, queue);
    pthread_mutex_unlock(&f->con.device.lock);
}

static uint64_t buffer(unsigned queue)
{
    return DRIVER_BUFFERS + queue * BUFFERS;
}

// Offers the next descriptor of a queue as a buffer there.
static void offer(struct fixture *f, unsigned queue, uint64_t gpa, uint32_t len,
                  uint16_t flags)
{
    uint16_t i = driver_index(&f->q[queue]) % 64;
    driver_desc(&f->q[queue], i, gpa, len, flags, 0);
    driver_offer(&f->q[queue], i);
}

// The guest writes; the bytes are the same all the time a buffer is used.
static void print(struct fixture *f, unsigned queue, const char *text)
{
    uint32_t len = (uint32_t)strlen(text);
    memcpy(driver_at(&f->q[0], buffer(queue), len), text, len);
    offer(f, queue, buffer(queue), len, 0);
    kick(f, queue);
}

static void control(struct fixture *f, uint32_t id, uint16_t event,
                    uint16_t value)
{
    uint8_t *at = driver_at(&f->q[0], buffer(CONTROL_TX), 8);
    memcpy(at, &id, 4);
    memcpy(at + 4, &event, 2);
    memcpy(at + 6, &value, 2);
    offer(f, CONTROL_TX, buffer(CONTROL_TX), 8, 0);
    kick(f, CONTROL_TX);
}

// The device's n-th control message: its port and event, and what follows it.
static const char *told(struct fixture *f, unsigned n, uint32_t *id,
                        uint16_t *event)
{
    uint32_t used, len;
    driver_used(&f->q[CONTROL_RX], n, &used, &len);
    uint64_t gpa = buffer(CONTROL_RX) + 128 * (uint64_t)n;
    char *at = driver_at(&f->q[0], gpa, 128);
    memcpy(id, at, 4);
    memcpy(event, at + 4, 2);
    at[len] = '\0';
    return at + 8;
}

static void offer_control(struct fixture *f, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        offer(f, CONTROL_RX,
              buffer(CONTROL_RX) +
                  UINT64_C(128) * (driver_index(&f->q[CONTROL_RX]) % 64),
              127, D_WRITE);
    kick(f, CONTROL_RX);
}

static void expect_told(struct fixture *f, unsigned n, uint32_t id,
                        uint16_t event, const char *text)
{
    uint32_t got_id;
    uint16_t got_event;
    const char *got = told(f, n, &got_id, &got_event);
    cr_expect_eq(got_id, id, "message %u", n);
    cr_expect_eq(got_event, event, "message %u: %u", n, got_event);
    cr_expect_str_eq(got, text, "message %u", n);
}

static const char *received(struct fixture *f, unsigned queue, unsigned n,
                            uint32_t *len)
{
    uint32_t id;
    driver_used(&f->q[queue], n, &id, len);
    return driver_at(&f->q[0], buffer(queue) + 64 * (uint64_t)n, 64);
}

static void offer_input(struct fixture *f, unsigned queue, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        offer(f, queue,
              buffer(queue) + UINT64_C(64) * (driver_index(&f->q[queue]) % 64),
              64, D_WRITE);
    kick(f, queue);
}

// ---- Output ----------------------------------------------------------------

static struct fixture f; // too large for a stack

Test(virtio_console, what_it_is)
{
    set_up(&f, MULTIPORT);
    struct virtio_device *dev = &f.con.device;
    cr_assert_eq(virtio_read_config(dev, 0, 4), 0U);
    cr_assert_eq(virtio_read_config(dev, 4, 4), 2U); // a console and a port
    tear_down(&f);
}

// Many bytes are one notification, and one call of the peer for each 4 KiB.
Test(virtio_console, output_comes_in_pieces)
{
    set_up(&f, 0);
    char *at = driver_at(&f.q[0], buffer(TX), 10000);
    for (unsigned i = 0; i < 10000; i++)
        at[i] = (char)(i * 7);
    offer(&f, TX, buffer(TX), 10000, 0);
    kick(&f, TX);
    cr_assert_eq(f.nout[0], 10000U);
    cr_assert_eq(f.calls, 3U);
    cr_assert_eq(memcmp(f.out[0], at, 10000), 0);
    cr_assert_eq(driver_used_index(&f.q[TX]), 1);
    cr_assert_eq(f.interrupts[TX], 1U);
    cr_assert_not(virtio_console_goes_on(&f.con), "nothing is left");
    tear_down(&f);
}

// A peer that has enough: the buffer stays the device's, nothing is lost, and
// what is offered meanwhile comes after it.
Test(virtio_console, output_waits_for_room)
{
    set_up(&f, 0);
    f.room = 4;
    char *at = driver_at(&f.q[0], buffer(TX), 10004);
    memset(at, 'a', 10000);
    offer(&f, TX, buffer(TX), 10000, 0);
    kick(&f, TX);
    cr_assert_eq(f.nout[0], VIRTIO_CONSOLE_PIECE);
    cr_assert_eq(driver_used_index(&f.q[TX]), 0);
    memcpy(at + 10000, "end", 4);
    offer(&f, TX, buffer(TX) + 10000, 3, 0);
    kick(&f, TX);
    cr_assert_eq(f.nout[0], VIRTIO_CONSOLE_PIECE);
    cr_assert(virtio_console_goes_on(&f.con));
    cr_assert_eq(f.nout[0], VIRTIO_CONSOLE_PIECE, "it is full still");
    f.room = SIZE_MAX / 2;
    cr_assert(virtio_console_goes_on(&f.con));
    cr_assert_not(virtio_console_goes_on(&f.con));
    cr_assert_eq(f.nout[0], 10003U);
    cr_assert_eq(memcmp(f.out[0] + 9999, "aend", 4), 0);
    cr_assert_eq(driver_used_index(&f.q[TX]), 2);
    tear_down(&f);
}

// A guest that offers a lot does not hold its vCPU there for long.
Test(virtio_console, a_lot_goes_on_in_rounds)
{
    set_up(&f, 0);
    for (unsigned i = 0; i < 3; i++)
        offer(&f, TX, DRIVER_BUFFERS, 100000, 0);
    kick(&f, TX);
    cr_assert_eq(f.nout[0], VIRTIO_CONSOLE_ROUND);
    unsigned rounds = 0;
    while (virtio_console_goes_on(&f.con))
        rounds++;
    cr_assert_eq(f.nout[0], 300000U);
    cr_assert_eq(rounds, 4U);
    tear_down(&f);
}

// What a driver that is gone had offered is nobody's.
Test(virtio_console, a_reset_forgets_output)
{
    set_up(&f, 0);
    f.room = 1;
    offer(&f, TX, DRIVER_BUFFERS, 10000, 0);
    kick(&f, TX);
    virtio_set_status(&f.con.device, 0);
    f.room = SIZE_MAX / 2;
    cr_assert_not(virtio_console_goes_on(&f.con));
    cr_assert_eq(f.nout[0], VIRTIO_CONSOLE_PIECE);
    tear_down(&f);
}

// ---- Input -----------------------------------------------------------------

Test(virtio_console, input_waits_for_buffers)
{
    uint32_t len;
    set_up(&f, 0);
    f.in[0] = "root and a line that is longer than sixteen bytes\r";
    virtio_console_input_ready(&f.con, 0);
    cr_assert_eq(*f.in[0], 'r', "there is no room, so nothing was taken");
    offer_input(&f, RX, 2);
    cr_assert_eq(driver_used_index(&f.q[RX]), 1);
    const char *at = received(&f, RX, 0, &len);
    cr_assert_eq(len, 50U);
    cr_assert_eq(memcmp(at, "root and a line that is longer than sixteen", 43),
                 0);
    cr_assert_eq(f.interrupts[RX], 1U);
    f.breaks = true;
    f.in[0] = "more";
    virtio_console_input_ready(&f.con, 0);
    at = received(&f, RX, 1, &len);
    cr_assert(len == 4 && !memcmp(at, "more", 4));
    tear_down(&f);
}

Test(virtio_console, long_input_keeps_its_order)
{
    static char text[200];
    uint32_t len;
    for (unsigned i = 0; i < sizeof text - 1; i++)
        text[i] = (char)('!' + i % 90);
    set_up(&f, 0);
    offer_input(&f, RX, 2);
    f.in[0] = text;
    virtio_console_input_ready(&f.con, 0);
    cr_assert_eq(f.in[0] - text, 128, "two buffers are full");
    offer_input(&f, RX, 2);
    for (unsigned i = 0; i < 3; i++)
        cr_assert_eq(
            memcmp(received(&f, RX, i, &len), text + (size_t)64 * i, 64), 0);
    cr_assert_eq(memcmp(received(&f, RX, 3, &len), text + 192, 7), 0);
    cr_assert_eq(len, 7U);
    tear_down(&f);
}

// ---- Ports with names ------------------------------------------------------

Test(virtio_console, ports_are_told)
{
    set_up(&f, MULTIPORT);
    control(&f, UINT32_MAX, READY, 1);
    cr_assert_eq(driver_used_index(&f.q[CONTROL_RX]), 0);
    // Messages wait until there are buffers for them.
    offer_control(&f, 1);
    expect_told(&f, 0, 0, ADD, "");
    offer_control(&f, 8);
    expect_told(&f, 1, 1, ADD, "");
    control(&f, 0, PORT_IS_READY, 1);
    expect_told(&f, 2, 0, CONSOLE, "");
    expect_told(&f, 3, 0, OPEN, "");
    control(&f, 1, PORT_IS_READY, 1);
    expect_told(&f, 4, 1, NAME, "org.example.log");
    expect_told(&f, 5, 1, OPEN, "");
    cr_assert_eq(driver_used_index(&f.q[CONTROL_RX]), 6);
    tear_down(&f);
}

// Input comes when the guest has the port open, and not before.
Test(virtio_console, a_port_that_is_closed_gets_nothing)
{
    uint32_t len;
    set_up(&f, MULTIPORT);
    offer_input(&f, RX, 2);
    offer_input(&f, RX1, 2);
    f.in[0] = "console";
    f.in[1] = "port";
    virtio_console_input_ready(&f.con, 0);
    virtio_console_input_ready(&f.con, 1);
    cr_assert_not(virtio_console_is_open(&f.con, 1));
    cr_assert_eq(driver_used_index(&f.q[RX1]), 0);
    control(&f, 1, OPEN, 1);
    cr_assert(virtio_console_is_open(&f.con, 1));
    cr_assert_eq(memcmp(received(&f, RX1, 0, &len), "port", 4), 0);
    cr_assert_eq(len, 4U);
    cr_assert_eq(*f.in[0], 'c');
    control(&f, 1, OPEN, 0);
    f.in[1] = "later";
    virtio_console_input_ready(&f.con, 1);
    cr_assert_eq(*f.in[1], 'l');
    control(&f, 1, OPEN, 1);
    cr_assert_eq(memcmp(received(&f, RX1, 1, &len), "later", 5), 0);
    tear_down(&f);
}

Test(virtio_console, each_port_has_its_output)
{
    set_up(&f, MULTIPORT);
    print(&f, TX1, "a log");
    print(&f, TX, "a console");
    cr_assert(f.nout[1] == 5 && !memcmp(f.out[1], "a log", 5));
    cr_assert(f.nout[0] == 9 && !memcmp(f.out[0], "a console", 9));
    tear_down(&f);
}

// Without the feature the other queues are nobody's.
Test(virtio_console, a_driver_of_one_port)
{
    set_up(&f, 0);
    print(&f, TX1, "nobody");
    control(&f, 0, OPEN, 0);
    cr_assert_eq(f.nout[1], 0U);
    cr_assert(virtio_console_is_open(&f.con, 0));
    cr_assert_not(virtio_console_is_open(&f.con, 1));
    virtio_console_input_ready(&f.con, VIRTIO_CONSOLE_PORTS);
    tear_down(&f);
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
    set_up(&f, 0);
    f.in[0] = "some input";
    cr_assert_eq(pthread_create(&typist, NULL, type_again, NULL), 0);
    for (unsigned i = 0; i < 200; i++) {
        // The ring's memory is this driver's alone, which is no vCPU.
        pthread_mutex_lock(&f.con.device.lock);
        offer(&f, RX, buffer(RX), 64, D_WRITE);
        offer(&f, TX, buffer(TX), 100, 0);
        virtio_kick(&f.con.device, RX);
        virtio_kick(&f.con.device, TX);
        if (i % 20 == 0) {
            virtio_set_status(&f.con.device, 0);
            for (unsigned q = 0; q < QUEUES; q++)
                driver_set_index(&f.q[q], 0);
            start(&f, 0);
        }
        pthread_mutex_unlock(&f.con.device.lock);
    }
    pthread_join(typist, NULL);
    cr_assert_eq(f.con.device.refusals, 0U);
    cr_assert_eq(*f.in[0], '\0');
    tear_down(&f);
}

// ---- What is wrong ---------------------------------------------------------

static void expect_refusal(const char *why)
{
    cr_expect_eq(f.con.device.refusals, 1U);
    cr_expect_str_eq(f.con.device.refusal, why);
    cr_expect(f.con.device.status & VIRTIO_NEEDS_RESET);
    cr_expect_not(virtio_console_is_open(&f.con, 0));
    size_t before = f.nout[0];
    print(&f, TX, "no more");
    cr_expect_not(virtio_console_goes_on(&f.con));
    cr_expect_eq(f.nout[0], before);
    // A reset, and it works.
    virtio_set_status(&f.con.device, 0);
    for (unsigned i = 0; i < QUEUES; i++)
        driver_set_index(&f.q[i], 0);
    start(&f, 0);
    print(&f, TX, "again");
    cr_expect_eq(f.nout[0], before + 5);
    tear_down(&f);
}

Test(virtio_console, output_to_be_written)
{
    set_up(&f, 0);
    offer(&f, TX, buffer(TX), 10, D_WRITE);
    kick(&f, TX);
    expect_refusal("output of a console that is to be written to");
}

Test(virtio_console, input_to_be_read)
{
    set_up(&f, 0);
    f.in[0] = "x";
    offer(&f, RX, buffer(RX), 10, 0);
    kick(&f, RX);
    expect_refusal("a buffer for a console's input that can't be written to");
}

Test(virtio_console, output_outside_of_memory)
{
    set_up(&f, 0);
    offer(&f, TX, DRIVER_MEMORY - 8, 16, 0);
    kick(&f, TX);
    expect_refusal(virtq_fault_text(VIRTQ_BAD_BUFFER));
}

Test(virtio_console, a_message_that_is_too_short)
{
    set_up(&f, MULTIPORT);
    offer(&f, CONTROL_TX, buffer(CONTROL_TX), 7, 0);
    kick(&f, CONTROL_TX);
    expect_refusal("a control message to a console that is too short");
}

Test(virtio_console, a_message_about_no_port)
{
    set_up(&f, MULTIPORT);
    control(&f, 2, OPEN, 1);
    expect_refusal("a message about a console's port that isn't there");
}

Test(virtio_console, no_room_for_a_message)
{
    set_up(&f, MULTIPORT);
    offer(&f, CONTROL_RX, buffer(CONTROL_RX), 7, D_WRITE);
    control(&f, 0, READY, 1);
    expect_refusal(
        "a buffer for a console's control messages that is too small");
}
