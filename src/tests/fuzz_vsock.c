// SPDX-License-Identifier: Apache-2.0
// libFuzzer target: a guest with any bytes in its rings, and with packets of
// any kind for connections that are there, on a socket device whose programs
// come, write, read and go at any time.
#include "src/virtio/vsock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define MEMORY   (UINT64_C(1) << 20)
#define SIZE     8 // of a queue
#define PACKET   UINT64_C(0x8000)
#define BUFFERS  UINT64_C(0x20000)
#define PROGRAMS 8
#define PORTS    4 // 0 to 3 are listened on

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct machine {
    struct guest_memory memory;
    struct virtio_vsock vs;
    uint16_t next[3]; // of each queue's available ring
    int programs[PROGRAMS], listeners[PORTS];
};

static struct loop *loop;
static struct loop_event fence;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t passed = PTHREAD_COND_INITIALIZER;
static unsigned passes;
static char folder[] = "/tmp/fuzz-vsock-XXXXXX";

static void on_fence(void *owner)
{
    (void)owner;
    pthread_mutex_lock(&lock);
    passes++;
    pthread_cond_signal(&passed);
    pthread_mutex_unlock(&lock);
}

// The loop has done what there was to do. What is ready together it takes in
// any order; what that made ready comes later.
static void settle(void)
{
    pthread_mutex_lock(&lock);
    for (unsigned i = 0; i < 3; i++) {
        unsigned before = passes;
        loop_event_signal(&fence);
        while (passes == before)
            pthread_cond_wait(&passed, &lock);
    }
    pthread_mutex_unlock(&lock);
}

static void on_interrupt(void *owner, unsigned queue)
{
    (void)owner, (void)queue;
}

static void on_config(void *owner)
{
    (void)owner;
}

static struct sockaddr_un address_of(unsigned port)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    if (port < PORTS)
        snprintf(a.sun_path, sizeof a.sun_path, "%s/v_%u", folder, port);
    else
        snprintf(a.sun_path, sizeof a.sun_path, "%s/v", folder);
    return a;
}

static int new_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

// ---- The guest --------------------------------------------------------------

static uint64_t ring_at(unsigned queue)
{
    return 0x1000 * (queue + UINT64_C(1));
}

static void start(struct machine *m, uint8_t how)
{
    struct virtio_device *dev = &m->vs.device;
    pthread_mutex_lock(&dev->lock);
    virtio_set_status(dev, 0);
    virtio_set_status(dev, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
    virtio_set_features(dev, 0, how & 1 ? (uint32_t)dev->offered : 0);
    virtio_set_features(dev, 1, how & 2 ? 5 : 1);
    virtio_set_status(dev, VIRTIO_FEATURES_OK);
    for (unsigned q = 0; q < 3; q++) {
        m->next[q] = 0;
        dev->setups[q].size = SIZE;
        dev->setups[q].descriptors = ring_at(q);
        dev->setups[q].driver = ring_at(q) + 0x100;
        dev->setups[q].device = ring_at(q) + 0x200;
        virtio_enable_queue(dev, q);
    }
    virtio_set_status(dev, VIRTIO_DRIVER_OK);
    pthread_mutex_unlock(&dev->lock);
}

static void kick(struct machine *m, unsigned queue)
{
    pthread_mutex_lock(&m->vs.device.lock);
    virtio_kick(&m->vs.device, queue);
    pthread_mutex_unlock(&m->vs.device.lock);
    settle();
}

// Offers a buffer of a split ring, as a driver does that knows how: not more
// than there is room for.
static void offer(struct machine *m, unsigned queue, uint64_t gpa, uint32_t len,
                  uint16_t flags)
{
    uint16_t used = 0;
    memcpy(&used, guest_memory_at(&m->memory, ring_at(queue) + 0x202, 2), 2);
    if ((uint16_t)(m->next[queue] - used) >= SIZE)
        return;
    uint16_t slot = m->next[queue]++ % SIZE;
    const struct {
        uint64_t gpa;
        uint32_t len;
        uint16_t flags, next;
    } desc = {gpa, len, flags, 0};
    uint64_t avail = ring_at(queue) + 0x100;
    guest_memory_write(&m->memory, ring_at(queue) + 16U * slot, &desc,
                       sizeof desc);
    guest_memory_write(&m->memory, avail + 4 + 2U * slot, &slot, 2);
    guest_memory_write(&m->memory, avail + 2, &m->next[queue], 2);
}

static bool is_odd(uint8_t byte)
{
    return (byte & 0xf0) == 0xf0;
}

// A packet, as a driver makes it, or nearly so.
static void send_packet(struct machine *m, const uint8_t *d)
{
    struct vsock_header h = {
        .src_cid = is_odd(d[1]) ? d[1] : 3,
        .dst_cid = is_odd(d[2]) ? d[2] : VSOCK_HOST_CID,
        .src_port = d[2] & 1,
        .dst_port = d[3] & 8 ? UINT32_C(0x40000000) | (d[3] & 7) : d[3] & 1U,
        .type = is_odd(d[3]) ? 2 : VSOCK_STREAM,
        .op = d[1] & 15,
        .flags = d[4] & 7,
        .buf_alloc = d[5] & 1 ? UINT32_C(1) << (d[5] >> 3) : d[5],
        .fwd_cnt = d[6] & 0x80 ? d[6] & 0x7f : 0,
    };
    uint32_t len = h.op == VSOCK_RW ? UINT32_C(1) << (d[7] & 15) : 0;
    h.len = is_odd(d[7]) ? d[4] : len;
    guest_memory_write(&m->memory, PACKET, &h, sizeof h);
    offer(m, 1, PACKET, (uint32_t)sizeof h + len, 0);
    kick(m, 1);
}

// ---- The host's programs ----------------------------------------------------

static void program(struct machine *m, const uint8_t *d)
{
    static uint8_t bytes[1 << 16];
    int *fd = &m->programs[d[1] % PROGRAMS];
    const struct sockaddr_un a = address_of(PORTS);
    char line[16];
    switch (d[2] & 7) {
    case 0: // connects, and says where to
    case 1:
        if (*fd >= 0)
            close(*fd);
        *fd = new_socket();
        if (connect(*fd, (const struct sockaddr *)&a, sizeof a) < 0)
            break;
        snprintf(line, sizeof line, "CONNECT %u\n", d[3] & 7U);
        (void)!send(*fd, d[2] & 1 ? (const void *)(d + 3) : line,
                    d[2] & 1 ? 5 : strlen(line), MSG_NOSIGNAL);
        break;
    case 2: // is connected to
        if (*fd >= 0)
            close(*fd);
        *fd = accept4(m->listeners[d[3] % PORTS], NULL, NULL,
                      SOCK_CLOEXEC | SOCK_NONBLOCK);
        break;
    case 3:
    case 4:
        (void)!send(*fd, bytes, (size_t)1 << (d[3] & 15),
                    MSG_NOSIGNAL | MSG_DONTWAIT);
        break;
    case 5:
        (void)!recv(*fd, bytes, (size_t)1 << (d[3] & 15), MSG_DONTWAIT);
        break;
    case 6:
        (void)shutdown(*fd, d[3] % 3);
        break;
    default:
        if (*fd >= 0)
            close(*fd);
        *fd = -1;
        break;
    }
    settle();
}

// ---- All of it --------------------------------------------------------------

// Eight bytes are a step: what, and where.
static void step(struct machine *m, const uint8_t *d)
{
    uint64_t place = (d[1] | (uint64_t)d[2] << 8) % 0x4000;
    switch (d[0] & 15) {
    case 0:
        start(m, d[1]);
        break;
    case 1:
        kick(m, d[1] % 3);
        break;
    case 2:
        virtio_vsock_lose(&m->vs);
        break;
    case 3:
        // Which ends nothing yet, but looks at all of them.
        loop_timer_set(&m->vs.hub.timer, 1);
        settle();
        break;
    case 4:
    case 5:
        for (unsigned i = 0; i <= d[1] % SIZE; i++)
            offer(m, d[2] & 8 ? 2 : 0, BUFFERS + 0x1000 * i, 45U + d[3], 2);
        kick(m, 0);
        break;
    case 6:
    case 7:
    case 8:
        program(m, d);
        break;
    case 9:
        guest_memory_write(&m->memory, place, d + 3, 5);
        break;
    default:
        send_packet(m, d);
        break;
    }
}

// A connection of either side, with which the rest may do what it likes.
static void begin(struct machine *m)
{
    static const uint8_t steps[][8] = {
        {4, SIZE - 1, 0, 255},              // buffers
        {10, VSOCK_REQUEST, 0, 0, 0, 0x81}, // port 0 of the guest's to ours
        {6, 0, 2, 0},                       // is accepted by program 0
        {6, 1, 0, 1},                       // program 1 connects to port 1
        {10, VSOCK_RESPONSE, 1, 9, 0, 0x81},
    };
    for (unsigned i = 0; i < sizeof steps / sizeof *steps; i++)
        step(m, steps[i]);
}

static void leave(void)
{
    rmdir(folder);
}

static void prepare(struct machine *m)
{
    struct error err = {""};
    if (!loop) {
        loop = loop_new(NULL, &err);
        if (!loop || loop_event_add(loop, &fence, on_fence, NULL, &err) ||
            !mkdtemp(folder) || atexit(leave))
            abort();
    }
    for (unsigned i = 0; i < PORTS; i++) {
        const struct sockaddr_un a = address_of(i);
        m->listeners[i] = new_socket();
        if (bind(m->listeners[i], (const struct sockaddr *)&a, sizeof a) ||
            listen(m->listeners[i], 4))
            abort();
    }
    for (unsigned i = 0; i < PROGRAMS; i++)
        m->programs[i] = -1;
    const struct sockaddr_un path = address_of(PORTS);
    if (guest_memory_map(&m->memory, MEMORY, &err) ||
        virtio_vsock_init(&m->vs, path.sun_path, 3, loop, &m->memory, &err))
        abort();
    m->vs.device.interrupt =
        (struct virtio_interrupt){on_interrupt, on_config, m};
}

static void clean_up(struct machine *m)
{
    virtio_vsock_destroy(&m->vs);
    for (unsigned i = 0; i < PROGRAMS; i++)
        if (m->programs[i] >= 0)
            close(m->programs[i]);
    for (unsigned i = 0; i < PORTS; i++) {
        unlink(address_of(i).sun_path);
        close(m->listeners[i]);
    }
    guest_memory_unmap(&m->memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct machine m;
    prepare(&m);
    start(&m, size ? data[0] : 0);
    if (size && data[0] & 4)
        begin(&m);
    for (size_t at = 1; at + 8 <= size; at += 8)
        step(&m, data + at);
    clean_up(&m);
    return 0;
}
