// SPDX-License-Identifier: Apache-2.0
// A tap interface, in a network namespace of the test's own.
#include "src/net/tap.h"
#include "src/net/wire.h"
#include "src/tests/guard_fixture.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TAP     "toyvmm-test"
#define ETHTYPE 0x88b5 // for experiments: nobody else speaks it

Test(net_tap, what_isnt_there)
{
    struct error err = {""};
    cr_assert_eq(net_tap_check("no-such-tap", &err), -ENODEV);
    cr_assert_str_eq(err.text,
                     "there is no tap interface no-such-tap here: `sudo ip "
                     "tuntap add no-such-tap mode tap user $USER && sudo ip "
                     "link set no-such-tap up' makes it");
    cr_assert_eq(net_tap_check("a-name-that-is-too-long", &err), -ENODEV);
    // What is there, and no tap.
    cr_assert_lt(net_tap_check("lo", &err), 0);
}

// The interface, set up as its owner does it; false: not permitted here.
static bool make_tap(void)
{
    struct ifreq request = {.ifr_name = TAP, .ifr_flags = IFF_TAP | IFF_NO_PI};
    if (unshare(CLONE_NEWNET) < 0)
        return false;
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    if (fd < 0 || ioctl(fd, TUNSETIFF, &request) < 0 ||
        ioctl(fd, TUNSETPERSIST, 1) < 0) {
        close(fd);
        return false;
    }
    close(fd);
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    request.ifr_flags = IFF_UP;
    cr_assert_eq(ioctl(fd, SIOCSIFFLAGS, &request), 0);
    close(fd);
    return true;
}

// The other side of it.
static int open_host_side(void)
{
    struct sockaddr_ll at = {
        .sll_family = AF_PACKET,
        .sll_protocol = htons(ETHTYPE),
        .sll_ifindex = (int)if_nametoindex(TAP),
    };
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETHTYPE));
    cr_assert(fd >= 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    return fd;
}

struct card {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint8_t frame[NET_FRAME_MAX];
    size_t len; // of the last frame of our kind; under lock
};

static void on_deliver(void *owner, const uint8_t *frame, size_t len)
{
    struct card *card = owner;
    // The host greets its new interface with frames of its own.
    if (frame[12] != ETHTYPE >> 8 || frame[13] != (ETHTYPE & 0xff))
        return;
    pthread_mutex_lock(&card->lock);
    memcpy(card->frame, frame, len);
    card->len = len;
    pthread_cond_broadcast(&card->changed);
    pthread_mutex_unlock(&card->lock);
}

// The kernel drops what is sent to an interface until it has noticed, at some
// time of its own, that somebody has opened its other side.
static void send_until_heard(int host, const uint8_t *frame, size_t len,
                             struct card *card)
{
    pthread_mutex_lock(&card->lock);
    while (!card->len) {
        struct timespec then;
        cr_assert_eq(send(host, frame, len, 0), (ssize_t)len);
        clock_gettime(CLOCK_REALTIME, &then);
        then.tv_nsec += 10000000;
        then.tv_sec += then.tv_nsec / 1000000000;
        then.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&card->changed, &card->lock, &then);
    }
    pthread_mutex_unlock(&card->lock);
}

Test(net_tap, frames_both_ways, .timeout = 900)
{
    struct card card = {.len = 0};
    struct net_wire wire = {.card = {.owner = &card, .deliver = on_deliver}};
    struct error err = {""};
    uint8_t frame[100] = {
        0xff, 0xff, 0xff, 0xff, 0xff,         0xff,           2,   0,
        0,    0,    0,    1,    ETHTYPE >> 8, ETHTYPE & 0xff, 'h', 'i'};
    uint8_t seen[200];
    int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (!make_tap())
        cr_skip_test("no network namespace, or no tap interface, here");
    pthread_mutex_init(&card.lock, NULL);
    pthread_cond_init(&card.changed, NULL);
    struct guard_log guard;
    guard_log_begin(&guard, NULL);
    const struct guard_seat seat =
        guard_log_seat(&guard, SANDBOX_LOOP, "the network");
    struct loop *loop = loop_new(&seat, &err);
    cr_assert_not_null(loop);
    cr_assert_eq(net_tap_check(TAP, &err), 0, "%s", err.text);
    cr_assert_eq(net_tap_open(&wire, loop, TAP, &err), 0, "%s", err.text);
    // One machine has it.
    cr_assert_eq(net_tap_check(TAP, &err), -EBUSY, "%s", err.text);
    int host = open_host_side();
    net_wire_send(&wire, frame, sizeof frame);
    cr_assert_eq(recv(host, seen, sizeof seen, 0), sizeof frame);
    cr_assert_eq(memcmp(seen, frame, sizeof frame), 0);
    frame[14] = 'H';
    send_until_heard(host, frame, sizeof frame, &card);
    pthread_mutex_lock(&card.lock);
    cr_assert_eq(card.len, sizeof frame);
    cr_assert_eq(memcmp(card.frame, frame, sizeof frame), 0);
    pthread_mutex_unlock(&card.lock);
    close(host);
    net_wire_close(&wire);
    loop_free(loop);
    guard_log_end_well(&guard);
    // Other tests may run on this thread.
    cr_assert_eq(setns(home, CLONE_NEWNET), 0);
    close(home);
}
