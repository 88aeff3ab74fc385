// SPDX-License-Identifier: Apache-2.0
// Devices with a back end. See vhost.h; sections are those of virtio 1.2.
//
// The thread alone talks with the back end, without the lock. The driver's
// start only asks for it; its stop waits until the rings are taken back, which
// takes as long as an answer may, or the back end's end.
#include "src/virtio/vhost.h"

#include "src/base/clock.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>

// How long an answer may take; and when the machine ends, after which the back
// end is killed.
#define WAIT_NS      (10 * NS_PER_S)
#define LAST_WAIT_NS NS_PER_S

// Takes an event's count: whether there was one. The other end shares the
// descriptor and could make it one that blocks, so that is not relied upon.
static bool take(int fd)
{
    uint64_t count = 0;
    struct iovec iov = {&count, sizeof count};
    return preadv2(fd, &iov, 1, -1, RWF_NOWAIT) == sizeof count;
}

static void signal_event(int fd)
{
    const uint64_t one = 1;
    // A count that is full is a signal that waits already.
    (void)!write(fd, &one, sizeof one);
}

// ---- The thread: the lock is held, but for what may wait -------------------

// The back end is of no use any more. It may still hold the guest's memory, and
// so it must be ended.
static void lose(struct virtio_vhost *v, const struct error *why)
{
    struct virtio_device *dev = &v->device;
    char text[sizeof v->lost];
    pthread_mutex_unlock(&dev->lock);
    vhost_backend_explain(v->backend, why, text, sizeof text);
    vhost_backend_kill(v->backend);
    pthread_mutex_lock(&dev->lock);
    memcpy(v->lost, text, sizeof text);
    v->runs = false;
    // 2.1.2: the driver is told that the device waits for its reset.
    bool told = dev->status & VIRTIO_NEEDS_RESET;
    dev->status |= VIRTIO_NEEDS_RESET;
    if (!told && v->wanted && dev->interrupt.config)
        dev->interrupt.config(dev->interrupt.owner);
}

static void begin(struct virtio_vhost *v)
{
    struct virtio_device *dev = &v->device;
    struct vhost_ring rings[VHOST_QUEUES_MAX];
    struct error why = {""};
    for (unsigned i = 0; i < v->nqueues; i++) {
        const struct virtq *q = &dev->queues[i];
        // Its addresses were found good when the driver enabled it.
        rings[i] = (struct vhost_ring){
            .used = q->ready,
            .size = q->setup.size,
            .descriptors = q->descriptors,
            .driver = q->driver,
            .device = q->device,
            .kick = v->kicks[i],
            .call = v->calls[i],
        };
    }
    uint64_t features = v->features;
    pthread_mutex_unlock(&dev->lock);
    int code = vhost_front_start(&v->backend->front, features, dev->memory,
                                 rings, v->nqueues, &why);
    pthread_mutex_lock(&dev->lock);
    v->runs = true;
    if (code < 0)
        lose(v, &why);
}

static void end(struct virtio_vhost *v)
{
    struct virtio_device *dev = &v->device;
    struct error why = {""};
    pthread_mutex_unlock(&dev->lock);
    int code = vhost_front_stop(&v->backend->front, &why);
    // What it still had to say is said to nobody.
    for (unsigned i = 0; i < v->nqueues; i++) {
        take(v->calls[i]);
        take(v->kicks[i]);
    }
    pthread_mutex_lock(&dev->lock);
    v->runs = false;
    if (code < 0)
        lose(v, &why);
}

// Makes it as the driver wants it; false when it is so already.
static bool change(struct virtio_vhost *v)
{
    if (v->wanted == v->runs || (v->wanted && *v->lost))
        return false;
    v->changing = true;
    if (v->wanted)
        begin(v);
    else
        end(v);
    v->changing = false;
    pthread_cond_broadcast(&v->settled);
    return true;
}

static void interrupt(struct virtio_vhost *v, unsigned queue)
{
    struct virtio_device *dev = &v->device;
    if (v->runs && v->wanted && dev->interrupt.queue)
        dev->interrupt.queue(dev->interrupt.owner, queue);
}

enum { WAKE, SOCKET, LOG, CALLS };

// Waits for any of it, without the lock.
static void wait_for_events(struct virtio_vhost *v, struct pollfd *waits)
{
    struct vhost_backend *b = v->backend;
    bool lost = *v->lost;
    uint32_t direct = v->direct;
    pthread_mutex_unlock(&v->device.lock);
    waits[WAKE] = (struct pollfd){.fd = v->wake, .events = POLLIN};
    // One that is negative is not looked at.
    waits[SOCKET] = (struct pollfd){.fd = lost ? -1 : b->front.socket,
                                    .events = POLLIN | POLLRDHUP};
    waits[LOG] = (struct pollfd){.fd = b->log, .events = POLLIN};
    for (unsigned i = 0; i < v->nqueues; i++)
        waits[CALLS + i] = (struct pollfd){
            .fd = direct >> i & 1 ? -1 : v->calls[i],
            .events = POLLIN,
        };
    if (poll(waits, CALLS + v->nqueues, -1) < 0)
        for (unsigned i = 0; i < CALLS + v->nqueues; i++)
            waits[i].revents = 0;
    if (waits[WAKE].revents)
        take(v->wake);
    if (waits[LOG].revents)
        vhost_backend_listen(b);
    pthread_mutex_lock(&v->device.lock);
}

static void serve_events(struct virtio_vhost *v)
{
    struct pollfd waits[CALLS + VHOST_QUEUES_MAX];
    struct error why = {""};
    wait_for_events(v, waits);
    for (unsigned i = 0; i < v->nqueues; i++)
        if (waits[CALLS + i].revents && take(v->calls[i]))
            interrupt(v, i);
    if (waits[SOCKET].revents && !*v->lost &&
        vhost_front_look(&v->backend->front, &why) < 0) {
        lose(v, &why);
        pthread_cond_broadcast(&v->settled);
    }
}

static void *run(void *arg)
{
    struct virtio_vhost *v = arg;
    guard_enter(&v->seat);
    pthread_mutex_lock(&v->device.lock);
    while (!v->quit || v->runs) {
        if (v->quit) {
            v->wanted = false;
            v->backend->front.wait_ns = LAST_WAIT_NS;
        }
        if (!change(v))
            serve_events(v);
    }
    pthread_mutex_unlock(&v->device.lock);
    return NULL;
}

// ---- For the kinds ---------------------------------------------------------

void virtio_vhost_start(struct virtio_vhost *v, uint64_t features)
{
    v->features = features;
    v->wanted = true;
    if (*v->lost)
        v->device.status |= VIRTIO_NEEDS_RESET;
    signal_event(v->wake);
}

void virtio_vhost_kick(struct virtio_vhost *v, unsigned queue)
{
    // Before the back end has the ring it waits there.
    if (queue < v->nqueues)
        signal_event(v->kicks[queue]);
}

void virtio_vhost_stop(struct virtio_vhost *v)
{
    v->wanted = false;
    signal_event(v->wake);
    while (v->runs || v->changing)
        pthread_cond_wait(&v->settled, &v->device.lock);
}

void virtio_vhost_events(struct virtio_vhost *v, unsigned queue, int *kick,
                         int *call)
{
    *kick = v->kicks[queue];
    *call = v->calls[queue];
}

void virtio_vhost_direct(struct virtio_vhost *v, unsigned queue, bool direct)
{
    v->direct = (v->direct & ~(1U << queue)) | (uint32_t)direct << queue;
    signal_event(v->wake);
}

bool virtio_vhost_is_used(struct virtio_vhost *v)
{
    pthread_mutex_lock(&v->device.lock);
    bool used = virtio_runs(&v->device) && !*v->lost;
    pthread_mutex_unlock(&v->device.lock);
    return used;
}

bool virtio_vhost_lost(struct virtio_vhost *v, char *text, size_t size)
{
    pthread_mutex_lock(&v->device.lock);
    bool lost = *v->lost;
    snprintf(text, size, "%s", v->lost);
    pthread_mutex_unlock(&v->device.lock);
    return lost;
}

static int start_thread(struct virtio_vhost *v, struct error *err)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int code = pthread_create(&v->thread, NULL, run, v);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (code)
        return error_errno(err, code, "can't start the thread of a %s",
                           v->device.ops->name);
    v->has_thread = true;
    pthread_setname_np(v->thread, "vhost");
    return 0;
}

static int open_events(struct virtio_vhost *v, struct error *err)
{
    const int flags = EFD_CLOEXEC | EFD_NONBLOCK;
    bool good = (v->wake = eventfd(0, flags)) >= 0;
    for (unsigned i = 0; good && i < v->nqueues; i++) {
        good = (v->kicks[i] = eventfd(0, flags)) >= 0;
        good = good && (v->calls[i] = eventfd(0, flags)) >= 0;
    }
    return good ? 0 : error_errno(err, errno, "can't make an event");
}

int virtio_vhost_init(struct virtio_vhost *v, const struct virtio_ops *ops,
                      void *owner, struct vhost_backend *backend,
                      const struct guest_memory *memory, uint64_t features,
                      const struct guard_seat *seat, struct error *err)
{
    *v = (struct virtio_vhost){
        .backend = backend,
        .nqueues = ops->nqueues,
        .wake = -1,
    };
    if (seat)
        v->seat = *seat;
    backend->front.wait_ns = WAIT_NS;
    memset(v->kicks, -1, sizeof v->kicks);
    memset(v->calls, -1, sizeof v->calls);
    virtio_init(&v->device, ops, owner, memory, features);
    pthread_cond_init(&v->settled, NULL);
    // 2.2: the driver chooses from what both of us have.
    v->device.offered &= backend->front.features;
    if (memory->fd < 0)
        return error_set(err, -EINVAL,
                         "%s needs guest memory that is shared with %s",
                         ops->name, backend->name);
    int code = open_events(v, err);
    return code < 0 ? code : start_thread(v, err);
}

void virtio_vhost_destroy(struct virtio_vhost *v)
{
    if (v->has_thread) {
        pthread_mutex_lock(&v->device.lock);
        v->quit = true;
        pthread_mutex_unlock(&v->device.lock);
        signal_event(v->wake);
        pthread_join(v->thread, NULL);
    }
    for (unsigned i = 0; i < v->nqueues; i++) {
        if (v->kicks[i] >= 0)
            close(v->kicks[i]);
        if (v->calls[i] >= 0)
            close(v->calls[i]);
    }
    if (v->wake >= 0)
        close(v->wake);
    pthread_cond_destroy(&v->settled);
    virtio_destroy(&v->device);
}
