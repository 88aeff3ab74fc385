// SPDX-License-Identifier: Apache-2.0
// See tap.h.
#include "src/net/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define TUN_PATH "/dev/net/tun"

// Frames taken at a time, so that the loop's others come to their turn.
#define FRAMES_MAX 64

struct net_tap {
    struct net_wire *wire;
    struct loop *loop;
    struct loop_source source;
};

static void ready(void *owner, uint32_t events)
{
    struct net_tap *tap = owner;
    uint8_t frame[NET_FRAME_MAX + 1];
    (void)events;
    for (int i = 0; i < FRAMES_MAX; i++) {
        ssize_t n = read(tap->source.fd, frame, sizeof frame);
        if (n < 0) {
            // An interface that was taken away would be told for ever.
            if (errno != EAGAIN && errno != EINTR)
                loop_remove(tap->loop, &tap->source);
            break;
        }
        net_wire_deliver(tap->wire, frame, (size_t)n);
    }
    net_wire_delivered(tap->wire);
}

// A queue that is full loses frames, as a network does.
static void send_frame(void *owner, const uint8_t *frame, size_t len)
{
    const struct net_tap *tap = owner;
    (void)!write(tap->source.fd, frame, len);
}

static void settle(void *owner)
{
    (void)owner;
}

static void close_network(void *owner)
{
    struct net_tap *tap = owner;
    loop_remove(tap->loop, &tap->source);
    close(tap->source.fd);
    free(tap);
}

static int attach(int fd, const char *name, struct error *err)
{
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    memcpy(request.ifr_name, name, strlen(name));
    if (ioctl(fd, TUNSETIFF, &request) == 0)
        return 0;
    switch (errno) {
    case EPERM:
        return error_set(err, -EPERM,
                         "the tap interface %s is not yours: `sudo ip tuntap "
                         "add %s mode tap user $USER' makes one that is",
                         name, name);
    case EBUSY:
        return error_set(err, -EBUSY,
                         "the tap interface %s is in use: each machine needs "
                         "one of its own",
                         name);
    default:
        return error_errno(err, errno, "can't use %s as a tap interface", name);
    }
}

// The descriptor, or a negative errno.
static int open_tap(const char *name, struct error *err)
{
    // The kernel would make it, and nobody would have set it up.
    if (strlen(name) >= IFNAMSIZ || !if_nametoindex(name))
        return error_set(
            err, -ENODEV,
            "there is no tap interface %s here: `sudo ip tuntap "
            "add %s mode tap user $USER && sudo ip link set %s up' "
            "makes it",
            name, name, name);
    int fd = open(TUN_PATH, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return error_errno(err, errno,
                           "a tap interface needs " TUN_PATH
                           " (`sudo modprobe tun' loads its driver)");
    int code = attach(fd, name, err);
    if (code < 0) {
        close(fd);
        return code;
    }
    return fd;
}

int net_tap_open(struct net_wire *wire, struct loop *loop, const char *name,
                 struct error *err)
{
    struct net_tap *tap = calloc(1, sizeof *tap);
    if (!tap)
        return error_set(err, -ENOMEM, "out of memory");
    int fd = open_tap(name, err);
    if (fd < 0) {
        free(tap);
        return fd;
    }
    tap->wire = wire;
    tap->loop = loop;
    tap->source = (struct loop_source){.fd = fd, .ready = ready, .owner = tap};
    wire->network = (struct net_network){
        .owner = tap,
        .send = send_frame,
        .settle = settle,
        .close = close_network,
    };
    return loop_add(loop, &tap->source, EPOLLIN, err);
}

int net_tap_check(const char *name, struct error *err)
{
    int fd = open_tap(name, err);
    if (fd < 0)
        return fd;
    close(fd);
    return 0;
}
