// SPDX-License-Identifier: Apache-2.0
// The driver's end of vhost-user-blk. See served_disk.h; sections are those of
// virtio 1.2.
#include "src/virtio/served_disk.h"

#include "src/base/clock.h"
#include "src/virtio/blk_wire.h"
#include "src/virtio/device.h"
#include "src/virtio/ring.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define SECTOR  512U
#define WAIT_NS (30 * NS_PER_S)

// No disk is larger: offsets of files end there.
#define SECTORS_MAX ((uint64_t)INT64_MAX / SECTOR)

// The memory that the program is given, by offset. The ring is a split one.
#define MEMORY       (UINT64_C(2) << 20)
#define AT_DESC      0x0000U
#define AT_AVAILABLE 0x1000U
#define AT_USED      0x2000U
#define AT_HEADER    0x3000U
#define AT_STATUS    0x3100U
#define AT_BUFFER    (1U << 20)
#define RING_SIZE    4U // the three descriptors of a request
#define STATUS_UNSET 0xff

struct served_disk {
    struct vhost_backend *backend;
    struct guest_memory memory; // its own, no guest's
    int kick, call;
    uint16_t done; // requests, as the ring counts them
    bool changed;  // since the last flush
    uint64_t size, wait_ns, features;
    uint32_t most_discarded, most_zeroed; // sectors at once
    char lost[256];
};

static uint8_t *at(const struct served_disk *d, uint32_t offset)
{
    return d->memory.regions[0].hva + offset;
}

// ---- Its end ---------------------------------------------------------------

// It may still hold our memory and the image: it must not go on.
static int lose(struct served_disk *d, const struct error *why)
{
    vhost_backend_explain(d->backend, why, d->lost, sizeof d->lost);
    vhost_backend_kill(d->backend);
    return -EIO;
}

static int lies(struct served_disk *d, const char *how)
{
    struct error why;
    error_set(&why, -EPROTO, "broke the rules of virtio: %s", how);
    return lose(d, &why);
}

// ---- One request -----------------------------------------------------------

struct request {
    enum blk_type type;
    uint64_t sector;
    uint32_t len;  // of the buffer's bytes
    bool incoming; // they are written by the program
};

static void put_descriptor(struct served_disk *d, unsigned i, uint32_t offset,
                           uint32_t len, uint16_t flags)
{
    const struct {
        uint64_t address;
        uint32_t len;
        uint16_t flags, next;
    } descriptor = {offset, len, flags, (uint16_t)(i + 1)};
    memcpy(at(d, AT_DESC) + i * sizeof descriptor, &descriptor,
           sizeof descriptor);
}

static void offer(struct served_disk *d, const struct request *r)
{
    const struct blk_header header = {.type = r->type, .sector = r->sector};
    const uint16_t head = 0;
    unsigned n = 0;
    memcpy(at(d, AT_HEADER), &header, sizeof header);
    *at(d, AT_STATUS) = STATUS_UNSET;
    put_descriptor(d, n++, AT_HEADER, sizeof header, DESC_NEXT);
    if (r->len)
        put_descriptor(d, n++, AT_BUFFER, r->len,
                       (uint16_t)(DESC_NEXT | (r->incoming ? DESC_WRITE : 0)));
    put_descriptor(d, n, AT_STATUS, 1, DESC_WRITE);
    memcpy(at(d, AT_AVAILABLE) + 4 + 2 * (size_t)(d->done % RING_SIZE), &head,
           sizeof head);
    ring_store(at(d, AT_AVAILABLE) + 2, (uint16_t)(d->done + 1),
               __ATOMIC_RELEASE);
    const uint64_t one = 1;
    (void)!write(d->kick, &one, sizeof one);
}

// Whether the request was given back: 1, 0, or what is wrong.
static int look(struct served_disk *d)
{
    uint16_t used = ring_load(at(d, AT_USED) + 2, __ATOMIC_ACQUIRE);
    uint32_t id;
    if (used == d->done)
        return 0;
    if (used != (uint16_t)(d->done + 1))
        return lies(d, "it gave back what it was not given");
    memcpy(&id, at(d, AT_USED) + 4 + 8 * (size_t)(d->done % RING_SIZE),
           sizeof id);
    d->done++;
    return id ? lies(d, "it gave back another request") : 1;
}

// Waits until the program signals something, prints something or ends.
static int wait_for_it(struct served_disk *d, uint64_t deadline_ns)
{
    struct error why = {""};
    struct vhost_backend *b = d->backend;
    struct pollfd waits[] = {
        {.fd = d->call, .events = POLLIN},
        {.fd = b->front.socket, .events = POLLIN | POLLRDHUP},
        {.fd = b->log, .events = POLLIN},
    };
    uint64_t now = clock_now_ns();
    if (now >= deadline_ns) {
        error_set(&why, -ETIMEDOUT, "did not answer in time");
        return lose(d, &why);
    }
    uint64_t ms = (deadline_ns - now + NS_PER_MS - 1) / NS_PER_MS;
    if (poll(waits, 3, ms > 60000 ? 60000 : (int)ms) <= 0)
        return 0;
    uint64_t count;
    if (waits[0].revents)
        (void)!read(d->call, &count, sizeof count);
    if (waits[2].revents)
        vhost_backend_listen(b);
    if (waits[1].revents && vhost_front_look(&b->front, &why) < 0)
        return lose(d, &why);
    return 0;
}

static int do_request(struct served_disk *d, const struct request *r)
{
    if (*d->lost)
        return -EIO;
    uint64_t deadline = clock_after(clock_now_ns(), d->wait_ns);
    int code;
    offer(d, r);
    while ((code = look(d)) == 0) {
        code = wait_for_it(d, deadline);
        if (code < 0)
            return code;
    }
    if (code < 0)
        return code;
    switch (*at(d, AT_STATUS)) {
    case BLK_S_OK:
        return 0;
    case BLK_S_UNSUPP:
        return -EOPNOTSUPP;
    case BLK_S_IOERR:
        return -EIO;
    default:
        return lies(d, "a request has no result");
    }
}

// ---- What is asked ---------------------------------------------------------

uint64_t served_disk_size(const struct served_disk *d)
{
    return d->size;
}

void served_disk_set_wait(struct served_disk *d, uint64_t ns)
{
    d->wait_ns = ns;
}

uint8_t *served_disk_buffer(struct served_disk *d)
{
    return at(d, AT_BUFFER);
}

const char *served_disk_lost(const struct served_disk *d)
{
    return *d->lost ? d->lost : NULL;
}

int served_disk_read(struct served_disk *d, uint64_t offset, uint32_t len)
{
    const struct request r = {
        .type = BLK_T_IN,
        .sector = offset / SECTOR,
        .len = len,
        .incoming = true,
    };
    return do_request(d, &r);
}

int served_disk_write(struct served_disk *d, uint64_t offset, uint32_t len)
{
    const struct request r = {
        .type = BLK_T_OUT,
        .sector = offset / SECTOR,
        .len = len,
    };
    d->changed = true;
    return do_request(d, &r);
}

int served_disk_flush(struct served_disk *d)
{
    const struct request r = {.type = BLK_T_FLUSH};
    if (!d->changed || !(d->features & BLK_F_FLUSH))
        return *d->lost ? -EIO : 0;
    int code = do_request(d, &r);
    if (code == 0)
        d->changed = false;
    return code;
}

// In parts of at most so many sectors.
static int do_range(struct served_disk *d, enum blk_type type, uint32_t most,
                    uint64_t offset, uint64_t len)
{
    const struct request r = {
        .type = type,
        .len = sizeof(struct blk_range),
    };
    int code = 0;
    if (!most)
        return -EOPNOTSUPP;
    d->changed = true;
    for (uint64_t sector = offset / SECTOR, end = (offset + len) / SECTOR;
         code == 0 && sector < end;) {
        uint64_t left = end - sector;
        const struct blk_range range = {
            .sector = sector,
            .sectors = left < most ? (uint32_t)left : most,
        };
        memcpy(at(d, AT_BUFFER), &range, sizeof range);
        code = do_request(d, &r);
        sector += range.sectors;
    }
    return code;
}

int served_disk_discard(struct served_disk *d, uint64_t offset, uint64_t len)
{
    return do_range(d, BLK_T_DISCARD, d->most_discarded, offset, len);
}

int served_disk_zero(struct served_disk *d, uint64_t offset, uint64_t len)
{
    return do_range(d, BLK_T_WRITE_ZEROES, d->most_zeroed, offset, len);
}

// ---- Beginning and end -----------------------------------------------------

// What the program says of the disk, which may be nonsense.
static int describe(struct served_disk *d, bool writes, struct error *err)
{
    const struct vhost_front *front = &d->backend->front;
    struct virtio_blk_config config = {.capacity = 0};
    int code =
        vhost_front_config(&d->backend->front, &config, BLK_CONFIG_LEN, err);
    if (code < 0)
        return code;
    d->features =
        front->features & (VIRTIO_F_VERSION_1 | BLK_F_RO | BLK_F_BLK_SIZE |
                           BLK_F_FLUSH | BLK_F_DISCARD | BLK_F_WRITE_ZEROES);
    if (!config.capacity || config.capacity > SECTORS_MAX)
        return error_set(err, -EPROTO, "says that the disk has %llu sectors",
                         (unsigned long long)config.capacity);
    if (d->features & BLK_F_BLK_SIZE && config.blk_size != SECTOR)
        return error_set(err, -EPROTO, "has sectors of %u bytes",
                         config.blk_size);
    if (writes && d->features & BLK_F_RO)
        return error_set(err, -EROFS, "can't write the image");
    d->size = config.capacity * SECTOR;
    if (d->features & BLK_F_DISCARD)
        d->most_discarded = config.max_discard_sectors;
    if (d->features & BLK_F_WRITE_ZEROES)
        d->most_zeroed = config.max_write_zeroes_sectors;
    return 0;
}

static int open_events(struct served_disk *d, struct error *err)
{
    d->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    d->call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return d->kick >= 0 && d->call >= 0
               ? 0
               : error_errno(err, errno, "can't be signalled to");
}

static int begin(struct served_disk *d, bool writes, struct error *err)
{
    int code =
        guest_memory_map_as(&d->memory, MEMORY, GUEST_BACKING_SHARED, err);
    if (code == 0)
        code = open_events(d, err);
    if (code == 0)
        code = describe(d, writes, err);
    if (code < 0)
        return code;
    const struct vhost_ring ring = {
        .used = true,
        .size = RING_SIZE,
        .descriptors = at(d, AT_DESC),
        .driver = at(d, AT_AVAILABLE),
        .device = at(d, AT_USED),
        .kick = d->kick,
        .call = d->call,
    };
    return vhost_front_start(&d->backend->front, d->features, &d->memory, &ring,
                             1, err);
}

struct served_disk *served_disk_open(struct vhost_backend *backend, bool writes,
                                     int *code, struct error *err)
{
    struct served_disk *d = calloc(1, sizeof *d);
    struct error why = {""};
    if (!d) {
        *code = error_set(err, -ENOMEM, "out of memory");
        return NULL;
    }
    *d = (struct served_disk){
        .backend = backend,
        .memory.fd = -1,
        .kick = -1,
        .call = -1,
        .wait_ns = WAIT_NS,
    };
    *code = begin(d, writes, &why);
    if (*code == 0)
        return d;
    lose(d, &why);
    error_set(err, *code, "%s", d->lost);
    served_disk_close(d);
    return NULL;
}

void served_disk_close(struct served_disk *d)
{
    struct error why = {""};
    if (!d)
        return;
    if (!*d->lost)
        (void)served_disk_flush(d);
    // It keeps no memory of ours, or it is ended.
    if (!*d->lost && vhost_front_stop(&d->backend->front, &why) < 0)
        lose(d, &why);
    if (d->kick >= 0)
        close(d->kick);
    if (d->call >= 0)
        close(d->call);
    guest_memory_unmap(&d->memory);
    free(d);
}
