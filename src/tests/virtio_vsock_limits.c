// SPDX-License-Identifier: Apache-2.0
// The socket device at its limits: more connections than there may be, answers
// that nobody takes; and at its end: resets and the machine's, also under load.
#include "src/tests/virtio_vsock_guest.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct guest_test f;

static void set_up(void)
{
    guest_set_up(&f);
}

static void tear_down(void)
{
    guest_tear_down(&f);
}

TestSuite(virtio_vsock_limits, .init = set_up, .fini = tear_down);

// ---- Limits -----------------------------------------------------------------

static void remove_listener(int listener, uint32_t port)
{
    char path[128];
    snprintf(path, sizeof path, "%s_%u", f.path, port);
    unlink(path);
    close(listener);
}

Test(virtio_vsock_limits, connections_without_end)
{
    int fds[VSOCK_CONNECTIONS];
    int listener = host_listen(&f, 5000);
    for (uint32_t i = 0; i < VSOCK_CONNECTIONS; i++) {
        guest_say(&f, VSOCK_REQUEST, GUEST_PORT + i, 5000);
        guest_expect(&f, VSOCK_RESPONSE);
        fds[i] = host_accept(listener);
    }
    guest_say(&f, VSOCK_REQUEST, 1, 5000);
    guest_expect(&f, VSOCK_RST);
    cr_assert_eq(f.h.dst_port, 1U);
    cr_assert_eq(virtio_vsock_turned_away(&f.vs), 1U);
    // Of whichever side.
    int fd = host_connect(&f, "");
    host_expect_end(fd);
    close(fd);
    cr_assert_eq(virtio_vsock_turned_away(&f.vs), 2U);
    // One that goes makes room for another one.
    guest_say(&f, VSOCK_RST, GUEST_PORT, 5000);
    host_expect_end(fds[0]);
    close(fds[0]);
    guest_say(&f, VSOCK_REQUEST, 1, 5000);
    guest_expect(&f, VSOCK_RESPONSE);
    fds[0] = host_accept(listener);
    for (unsigned i = 0; i < VSOCK_CONNECTIONS; i++)
        close(fds[i]);
    remove_listener(listener, 5000);
}

// A guest that takes no answers gets no further than they go.
Test(virtio_vsock_limits, answers_that_nobody_takes)
{
    enum { PACKETS = 120 };
    guest_reset(&f);
    guest_start(&f);
    for (uint32_t i = 0; i < PACKETS; i++) {
        const struct vsock_header h = guest_header(&f, VSOCK_RW, 100 + i, 9);
        guest_put(&f, &h, NULL, 0);
    }
    guest_kick(&f, 1);
    // With buffers it goes on where it stood, and nothing was lost.
    guest_offer(&f, GUEST_RX / 2);
    guest_kick(&f, 0);
    for (uint32_t i = 0; i < PACKETS; i++) {
        guest_expect(&f, VSOCK_RST);
        cr_assert_eq(f.h.dst_port, 100 + i);
    }
    cr_assert_eq(driver_used_index(&f.tx), PACKETS);
}

Test(virtio_vsock_limits, answers_are_bounded)
{
    guest_lock(&f);
    const struct vsock_header h = guest_header(&f, VSOCK_RW, 1, 9);
    for (unsigned i = 0; i < VSOCK_ANSWERS; i++) {
        cr_assert(vsock_hub_has_room(&f.vs.hub));
        cr_assert_null(vsock_hub_take(&f.vs.hub, &h, NULL, 0));
    }
    cr_assert_not(vsock_hub_has_room(&f.vs.hub));
    // Even if it were given one.
    cr_assert_null(vsock_hub_take(&f.vs.hub, &h, NULL, 0));
    cr_assert_eq(f.vs.hub.nanswers, VSOCK_ANSWERS);
    guest_unlock(&f);
}

// ---- Resets -----------------------------------------------------------------

Test(virtio_vsock_limits, a_reset_ends_connections)
{
    uint32_t port;
    int listener = host_listen(&f, 5000);
    guest_say(&f, VSOCK_REQUEST, GUEST_PORT, 5000);
    guest_expect(&f, VSOCK_RESPONSE);
    int guest_s = host_accept(listener), host_s = host_connects(&f, &port);
    guest_reset(&f);
    host_expect_end(guest_s);
    host_expect_end(host_s);
    close(guest_s);
    close(host_s);
    // Without a driver nobody is accepted, and nobody is sent away either.
    int early = host_connect(&f, "CONNECT 7\n");
    guest_offer(&f, GUEST_RX);
    guest_start(&f);
    guest_expect(&f, VSOCK_REQUEST);
    cr_assert_eq(guest_connections(&f), 1U);
    close(early);
    remove_listener(listener, 5000);
}

// The loop finds a device that runs, and connections of a driver before.
Test(virtio_vsock_limits, a_reset_that_is_over_at_once)
{
    int fd = guest_connects(&f, GUEST_PORT, 5000);
    guest_restart(&f);
    host_expect_end(fd);
    close(fd);
    guest_write(&f, GUEST_PORT, 5000, "x", 1);
    guest_offer(&f, GUEST_RX);
    guest_kick(&f, 0);
    guest_expect(&f, VSOCK_RST);
    cr_assert_eq(guest_connections(&f), 0U);
    guest_expect_refusal(&f, 0, "");
}

Test(virtio_vsock_limits, a_transport_reset)
{
    uint32_t event = 7, id, len;
    int fd = guest_connects(&f, GUEST_PORT, 5000);
    virtio_vsock_lose(&f.vs);
    host_expect_end(fd);
    close(fd);
    // It is told when there is a buffer for it.
    uint64_t at = GUEST_OUT + 0x100000;
    guest_lock(&f);
    memcpy(driver_at(&f.event, at, 4), &event, 4);
    driver_desc(&f.event, 0, at, 8, D_WRITE, 0);
    driver_offer(&f.event, 0);
    guest_unlock(&f);
    guest_kick(&f, 2);
    guest_expect_nothing(&f);
    cr_assert_eq(driver_used_index(&f.event), 1);
    driver_used(&f.event, 0, &id, &len);
    cr_assert_eq(len, 4U);
    memcpy(&event, driver_at(&f.event, at, 4), 4);
    cr_assert_eq(event, 0U);
    cr_assert_eq(f.interrupts[2], 1U);
    // Once.
    guest_lock(&f);
    driver_offer(&f.event, 0);
    guest_unlock(&f);
    guest_kick(&f, 2);
    guest_expect_nothing(&f);
    cr_assert_eq(driver_used_index(&f.event), 1);
}

static void *reset_again(void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < 100; i++) {
        guest_lock(&f);
        virtio_set_status(&f.vs.device, 0);
        guest_unlock(&f);
        guest_start(&f);
        guest_kick(&f, 1);
        guest_kick(&f, 0);
    }
    return NULL;
}

// A vCPU resets the device while programs come and go; under ThreadSanitizer
// this shows what is not locked.
Test(virtio_vsock_limits, resets_under_load)
{
    pthread_t other;
    cr_assert_eq(pthread_create(&other, NULL, reset_again, NULL), 0);
    for (unsigned i = 0; i < 100; i++) {
        int fd = host_connect(&f, "");
        guest_kick(&f, 1);
        // A reset may just have ended it.
        (void)!send(fd, "CONNECT 7\n", 10, MSG_NOSIGNAL);
        close(fd);
    }
    pthread_join(other, NULL);
    cr_assert_eq(f.vs.device.refusals, 0U);
}

// The machine ends while programs come and go.
Test(virtio_vsock_limits, an_end_under_load)
{
    int fds[20];
    for (unsigned i = 0; i < 20; i++)
        fds[i] = host_connect(&f, "CONNECT 7\n");
    guest_expect(&f, VSOCK_REQUEST);
    cr_assert_eq(access(f.path, F_OK), 0);
    virtio_vsock_destroy(&f.vs);
    cr_assert_neq(access(f.path, F_OK), 0, "the socket was left");
    for (unsigned i = 0; i < 20; i++) {
        host_expect_end(fds[i]);
        close(fds[i]);
    }
    struct error err = {""};
    cr_assert_eq(
        virtio_vsock_init(&f.vs, f.path, 99, f.loop, &f.rx.memory, &err), 0,
        "%s", err.text);
    cr_assert_eq(virtio_read_config(&f.vs.device, 0, 8), 99U);
}
