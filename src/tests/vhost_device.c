// SPDX-License-Identifier: Apache-2.0
// A folder's device as a guest's driver uses it, with a pretended back end:
// requests, resets, back ends that die, fall silent or lie while it runs.
#include "src/base/clock.h"
#include "src/tests/guard_fixture.h"
#include "src/tests/vhost_end.h"
#include "src/virtio/fs.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define MEMORY   (UINT64_C(4) << 20)
#define PATIENCE (60 * NS_PER_S)
#define DESC     UINT64_C(0x10000)
#define AVAIL    UINT64_C(0x20000)
#define USED     UINT64_C(0x30000)
#define BUFFER   UINT64_C(0x100000)
#define SIZE     16

struct fixture {
    struct guard_log guard;
    struct guest_memory memory;
    struct end end;
    int socket; // the front end's
    struct vhost_backend backend;
    struct virtio_fs fs;
    uint16_t offered;
    // Under the device's lock.
    unsigned interrupts, config_interrupts;
    pthread_cond_t interrupted;
};

static void on_queue(void *owner, unsigned queue)
{
    struct fixture *f = owner;
    (void)queue;
    f->interrupts++;
    pthread_cond_broadcast(&f->interrupted);
}

static void on_config(void *owner)
{
    struct fixture *f = owner;
    f->config_interrupts++;
    pthread_cond_broadcast(&f->interrupted);
}

static void *at(struct fixture *f, uint64_t gpa)
{
    return guest_memory_at(&f->memory, gpa, 1);
}

// With what the back end prints, and its process.
static void set_up_with(struct fixture *f, enum lie lie,
                        enum vhost_request request, int log, pid_t pid)
{
    struct error err = {""};
    memset(f, 0, sizeof *f);
    f->memory.fd = -1;
    cr_assert_eq(
        guest_memory_map_as(&f->memory, MEMORY, GUEST_BACKING_SHARED, &err), 0);
    end_start(&f->end, lie, request, &f->socket);
    f->backend = (struct vhost_backend){.name = "the end", .log = log};
    if (pid)
        vhost_backend_own(&f->backend, pid);
    cr_assert_eq(vhost_front_open(&f->backend.front, f->socket,
                                  VIRTIO_FS_QUEUES, PATIENCE, &err),
                 0, "%s", err.text);
    pthread_cond_init(&f->interrupted, NULL);
    guard_log_begin(&f->guard, NULL);
    const struct guard_seat seat =
        guard_log_seat(&f->guard, SANDBOX_SHARE, "share a tag");
    cr_assert_eq(
        virtio_fs_init(&f->fs, "a tag", &f->backend, &f->memory, &seat, &err),
        0, "%s", err.text);
    f->fs.vhost.device.interrupt =
        (struct virtio_interrupt){on_queue, on_config, f};
    f->backend.front.wait_ns = PATIENCE;
}

static void set_up(struct fixture *f, enum lie lie, enum vhost_request request)
{
    set_up_with(f, lie, request, -1, 0);
}

static void tear_down(struct fixture *f)
{
    virtio_fs_destroy(&f->fs);
    guard_log_end_well(&f->guard);
    vhost_backend_end(&f->backend);
    end_join(&f->end);
    guest_memory_unmap(&f->memory);
    pthread_cond_destroy(&f->interrupted);
}

// The driver sets both queues up.
static void start(struct fixture *f)
{
    struct virtio_device *dev = &f->fs.vhost.device;
    memset(at(f, DESC), 0, MEMORY - DESC);
    f->offered = 0;
    pthread_mutex_lock(&dev->lock);
    virtio_set_status(dev, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
    virtio_set_features(dev, 0, (uint32_t)dev->offered);
    virtio_set_features(dev, 1, (uint32_t)(dev->offered >> 32));
    virtio_set_status(dev, VIRTIO_FEATURES_OK);
    for (unsigned i = 0; i < 2; i++) {
        dev->setups[i] = (struct virtq_setup){
            .size = SIZE,
            .descriptors = DESC + 0x1000 * i,
            .driver = AVAIL + 0x1000 * i,
            .device = USED + 0x1000 * i,
        };
        virtio_enable_queue(dev, i);
    }
    virtio_set_status(dev, VIRTIO_DRIVER_OK);
    cr_assert(virtio_runs(dev) || *f->fs.vhost.lost);
    pthread_mutex_unlock(&dev->lock);
}

static void reset(struct fixture *f)
{
    pthread_mutex_lock(&f->fs.vhost.device.lock);
    virtio_set_status(&f->fs.vhost.device, 0);
    pthread_mutex_unlock(&f->fs.vhost.device.lock);
}

// Offers one buffer of queue 1, and waits until it comes back.
static void request(struct fixture *f)
{
    struct virtio_device *dev = &f->fs.vhost.device;
    const uint64_t gpa = BUFFER;
    const uint32_t len = 64;
    memset(at(f, BUFFER), 0, len);
    memcpy(at(f, DESC + 0x1000), &gpa, 8);
    memcpy(at(f, DESC + 0x1008), &len, 4);
    f->offered++;
    __atomic_store_n((uint16_t *)at(f, AVAIL + 0x1002), f->offered,
                     __ATOMIC_RELEASE);
    pthread_mutex_lock(&dev->lock);
    virtio_kick(dev, 1);
    uint16_t used = 0;
    while (used != f->offered) {
        used =
            __atomic_load_n((uint16_t *)at(f, USED + 0x1002), __ATOMIC_ACQUIRE);
        if (used != f->offered)
            pthread_cond_wait(&f->interrupted, &dev->lock);
    }
    pthread_mutex_unlock(&dev->lock);
    cr_expect_str_eq((char *)at(f, BUFFER), "served");
}

static void expect_lost(struct fixture *f, const char *text)
{
    struct virtio_vhost *v = &f->fs.vhost;
    char lost[256];
    pthread_mutex_lock(&v->device.lock);
    while (!f->config_interrupts)
        pthread_cond_wait(&f->interrupted, &v->device.lock);
    cr_expect(v->device.status & VIRTIO_NEEDS_RESET);
    pthread_mutex_unlock(&v->device.lock);
    cr_assert(virtio_vhost_lost(v, lost, sizeof lost));
    cr_expect(strstr(lost, text), "%s", lost);
    cr_expect_not(virtio_vhost_is_used(v), "nothing comes from it");
}

Test(vhost_device, requests)
{
    struct fixture f;
    set_up(&f, HONEST, 0);
    start(&f);
    cr_expect(virtio_vhost_is_used(&f.fs.vhost));
    for (unsigned i = 0; i < 40; i++)
        request(&f);
    pthread_mutex_lock(&f.fs.vhost.device.lock);
    while (!f.interrupts)
        pthread_cond_wait(&f.interrupted, &f.fs.vhost.device.lock);
    pthread_mutex_unlock(&f.fs.vhost.device.lock);
    tear_down(&f);
}

Test(vhost_device, what_the_driver_sees)
{
    struct fixture f;
    set_up(&f, HONEST, 0);
    struct virtio_device *dev = &f.fs.vhost.device;
    pthread_mutex_lock(&dev->lock);
    // What the back end has, of what we know: no packed ring, no event index.
    cr_expect_eq(dev->offered, VIRTIO_F_VERSION_1 | VIRTIO_F_INDIRECT);
    uint64_t tag = virtio_read_config(dev, 0, 8);
    cr_expect(!memcmp(&tag, "a tag\0\0\0", 8));
    cr_expect_eq(virtio_read_config(dev, VIRTIO_FS_TAG_MAX, 4), 1U);
    // Nothing of it can be written.
    virtio_write_config(dev, 0, 4, 0);
    cr_expect_eq(virtio_read_config(dev, 0, 8), tag);
    pthread_mutex_unlock(&dev->lock);
    tear_down(&f);
}

Test(vhost_device, a_reset_takes_the_rings_back)
{
    struct fixture f;
    set_up(&f, HONEST, 0);
    for (unsigned i = 0; i < 3; i++) {
        start(&f);
        request(&f);
        cr_expect_eq(atomic_load(&f.end.serving), 3U);
        reset(&f);
        cr_expect_eq(atomic_load(&f.end.serving), 0U, "before reset returns");
    }
    // A reset that comes before anything has begun, and one more.
    start(&f);
    reset(&f);
    reset(&f);
    cr_expect_eq(atomic_load(&f.end.serving), 0U);
    cr_expect_eq(f.config_interrupts, 0U);
    tear_down(&f);
}

Test(vhost_device, its_end_while_it_runs)
{
    struct fixture f;
    set_up(&f, HONEST, 0);
    start(&f);
    request(&f);
    virtio_fs_destroy(&f.fs);
    cr_expect_eq(atomic_load(&f.end.serving), 0U);
    // The next machine's device has the same back end.
    struct error err = {""};
    cr_assert_eq(
        virtio_fs_init(&f.fs, "again", &f.backend, &f.memory, NULL, &err), 0);
    f.fs.vhost.device.interrupt =
        (struct virtio_interrupt){on_queue, on_config, &f};
    start(&f);
    request(&f);
    tear_down(&f);
}

Test(vhost_device, a_back_end_that_dies)
{
    struct fixture f;
    set_up(&f, HONEST, 0);
    start(&f);
    request(&f);
    // The other end's end, as when its process is killed.
    shutdown(f.end.socket, SHUT_RDWR);
    expect_lost(&f, "the end closed the connection");
    reset(&f);
    // A driver that tries again is told the same.
    start(&f);
    pthread_mutex_lock(&f.fs.vhost.device.lock);
    cr_expect(f.fs.vhost.device.status & VIRTIO_NEEDS_RESET);
    pthread_mutex_unlock(&f.fs.vhost.device.lock);
    reset(&f);
    tear_down(&f);
}

Test(vhost_device, one_that_says_what_nobody_asked_for)
{
    struct fixture f;
    set_up(&f, HONEST, 0);
    start(&f);
    request(&f);
    cr_assert_eq(send(f.end.socket, "x", 1, MSG_NOSIGNAL), 1);
    expect_lost(&f, "said something that nobody asked for");
    tear_down(&f);
}

Test(vhost_device, one_that_refuses_the_memory)
{
    struct fixture f;
    set_up(&f, REFUSES, VHOST_SET_MEM_TABLE);
    start(&f);
    expect_lost(&f, "the end refused SET_MEM_TABLE");
    reset(&f);
    tear_down(&f);
}

// It keeps the rings: nobody knows what it does to the guest's memory, so its
// process is killed before the reset is done.
Test(vhost_device, one_that_gives_nothing_back)
{
    struct fixture f;
    int status = 0;
    pid_t pid = fork();
    if (pid == 0)
        for (;;)
            pause();
    int log[2];
    cr_assert_eq(pipe(log), 0);
    fcntl(log[0], F_SETFL, O_NONBLOCK);
    cr_assert_eq(write(log[1], "first\nI keep it\x1b!\n", 18), 18);
    close(log[1]);
    set_up_with(&f, SILENT, VHOST_GET_VRING_BASE, log[0], pid);
    start(&f);
    request(&f);
    f.backend.front.wait_ns = NS_PER_S / 10;
    reset(&f);
    cr_expect_eq(waitpid(pid, &status, 0), -1, "it is gone already");
    char lost[256];
    cr_assert(virtio_vhost_lost(&f.fs.vhost, lost, sizeof lost));
    cr_expect_str_eq(lost, "the end did not answer in time (GET_VRING_BASE), "
                           "and last it said: I keep it?!");
    tear_down(&f);
}

// One that prints without end does not wait for a reader.
Test(vhost_device, one_that_talks)
{
    struct fixture f;
    int log[2];
    char line[1000];
    cr_assert_eq(pipe(log), 0);
    fcntl(log[0], F_SETFL, O_NONBLOCK);
    set_up_with(&f, HONEST, 0, log[0], 0);
    start(&f);
    request(&f);
    memset(line, 'x', sizeof line);
    for (unsigned i = 0; i < 300; i++)
        cr_assert_eq(write(log[1], line, sizeof line), (ssize_t)sizeof line);
    close(log[1]);
    request(&f);
    tear_down(&f);
}

Test(vhost_device, what_can_not_be)
{
    struct fixture f;
    struct virtio_fs fs;
    struct guest_memory memory;
    struct error err = {""};
    set_up(&f, HONEST, 0);
    cr_assert_eq(guest_memory_map(&memory, MEMORY, &err), 0);
    cr_expect_eq(virtio_fs_init(&fs, "x", &f.backend, &memory, NULL, &err),
                 -EINVAL);
    cr_expect(strstr(err.text, "shared with the end"), "%s", err.text);
    virtio_fs_destroy(&fs);
    guest_memory_unmap(&memory);
    tear_down(&f);
}
