// SPDX-License-Identifier: Apache-2.0
// The block device. See blk.h; sections are those of virtio 1.2.
#include "src/virtio/blk.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

// A whole request is done without a pause, so each range has a limit: 512 MiB.
#define RANGE_SECTORS_MAX (1U << 20)
#define RANGES_MAX        16

// The header and the status take a segment each.
#define SEGMENTS_MAX (VIRTQ_SEGMENTS_MAX - 2)

// ---- Requests: the worker, without the lock --------------------------------

// The bytes [skip, skip+len) of n segments as iov; returns how many.
static size_t slice(const struct virtq_segment *s, unsigned n, uint32_t skip,
                    uint32_t len, struct iovec *iov)
{
    size_t out = 0;
    for (unsigned i = 0; i < n && len; i++) {
        if (skip >= s[i].len) {
            skip -= s[i].len;
            continue;
        }
        uint32_t part = s[i].len - skip < len ? s[i].len - skip : len;
        iov[out++] = (struct iovec){s[i].at + skip, part};
        len -= part;
        skip = 0;
    }
    return out;
}

static int do_io(struct virtio_blk *blk, const struct blk_request *r,
                 uint32_t *got)
{
    const struct blk_header *h = &r->header;
    const struct virtq_chain *chain = &r->chain;
    struct iovec iov[VIRTQ_SEGMENTS_MAX];
    uint64_t offset;
    if (h->type == BLK_T_IN) {
        uint32_t len = chain->writable - 1;
        size_t n = slice(chain->segments + chain->nreadable, chain->nwritable,
                         0, len, iov);
        if (!disk_image_place(&blk->disk, h->sector, len, &offset))
            return -EINVAL;
        *got = len;
        return disk_image_read(&blk->disk, offset, len, iov, n);
    }
    uint32_t len = chain->readable - (uint32_t)sizeof *h;
    size_t n = slice(chain->segments, chain->nreadable, sizeof *h, len, iov);
    if (!disk_image_place(&blk->disk, h->sector, len, &offset))
        return -EINVAL;
    return disk_image_write(&blk->disk, offset, len, iov, n);
}

static int do_ranges(struct virtio_blk *blk, const struct blk_request *request)
{
    const struct blk_header *h = &request->header;
    const struct virtq_chain *chain = &request->chain;
    uint32_t len = chain->readable - (uint32_t)sizeof *h;
    struct blk_range ranges[RANGES_MAX];
    if (!len || len % sizeof *ranges || len > sizeof ranges)
        return -EINVAL;
    virtq_read(chain, sizeof *h, ranges, len);
    for (size_t i = 0; i < len / sizeof *ranges; i++) {
        const struct blk_range *r = &ranges[i];
        uint64_t bytes = (uint64_t)r->sectors * DISK_SECTOR, offset;
        bool zero = h->type == BLK_T_WRITE_ZEROES;
        // 5.2.6.2: unknown flags, and UNMAP of a discard, are not supported.
        if (r->flags & ~(zero ? (uint32_t)BLK_RANGE_UNMAP : 0U))
            return -EOPNOTSUPP;
        if (r->sectors > RANGE_SECTORS_MAX ||
            !disk_image_place(&blk->disk, r->sector, bytes, &offset))
            return -EINVAL;
        if (!bytes)
            continue;
        int code = zero ? disk_image_zero(&blk->disk, offset, bytes)
                        : disk_image_discard(&blk->disk, offset, bytes);
        if (code < 0)
            return code;
    }
    return 0;
}

static int do_get_id(struct virtio_blk *blk, const struct blk_request *r,
                     uint32_t *got)
{
    uint32_t room = r->chain.writable - 1;
    if (room < sizeof blk->serial)
        return -EINVAL;
    *got = virtq_write(&r->chain, 0, blk->serial, sizeof blk->serial);
    return 0;
}

static int do_request(struct virtio_blk *blk, const struct blk_request *r,
                      uint32_t *got)
{
    switch (r->header.type) {
    case BLK_T_IN:
    case BLK_T_OUT:
        return do_io(blk, r, got);
    case BLK_T_FLUSH:
        return disk_image_flush(&blk->disk);
    case BLK_T_GET_ID:
        return do_get_id(blk, r, got);
    case BLK_T_DISCARD:
    case BLK_T_WRITE_ZEROES:
        return do_ranges(blk, r);
    default:
        return -EOPNOTSUPP;
    }
}

// Does what the request asks and writes its status, the last byte that may be
// written. Returns how many bytes were written.
static uint32_t serve(struct virtio_blk *blk, const struct blk_request *r,
                      bool *failed)
{
    uint32_t got = 0;
    int code = do_request(blk, r, &got);
    uint8_t status = code == 0             ? BLK_S_OK
                     : code == -EOPNOTSUPP ? BLK_S_UNSUPP
                                           : BLK_S_IOERR;
    *failed = status == BLK_S_IOERR;
    virtq_write(&r->chain, r->chain.writable - 1, &status, 1);
    return status == BLK_S_OK ? got + 1 : r->chain.writable;
}

// ---- The worker ------------------------------------------------------------

static bool runs(const struct virtio_blk *blk)
{
    return !blk->quit && virtio_runs(&blk->device) && blk->device.enabled[0];
}

// When the image is gone for good, somebody else may want to know, too.
static void tell_lost(struct virtio_blk *blk)
{
    const char *why = disk_image_lost(&blk->disk);
    if (why && !blk->told_lost && blk->on_lost)
        blk->on_lost(blk->lost_owner, blk, why);
    blk->told_lost |= why != NULL;
}

// One request; false when there is none. The caller holds the lock.
static bool serve_next(struct virtio_blk *blk)
{
    struct virtio_device *dev = &blk->device;
    const struct blk_request *r =
        runs(blk) ? blk_ahead_take(&blk->ahead, dev) : NULL;
    if (!r)
        return false;
    if (r->chain.readable < sizeof r->header || !r->chain.writable) {
        virtio_refuse(dev, "a disk request without header or status");
        return false;
    }
    bool failed;
    blk->busy = true;
    pthread_mutex_unlock(&dev->lock);
    blk_ahead_tell(&blk->ahead, &blk->disk);
    uint32_t written = serve(blk, r, &failed);
    if (failed)
        tell_lost(blk);
    pthread_mutex_lock(&dev->lock);
    blk->busy = false;
    pthread_cond_broadcast(&blk->idle);
    blk->errors += failed;
    // After a reset the queue is no more, or another one.
    if (!runs(blk))
        return false;
    virtio_push(dev, 0, &r->chain, written);
    blk_ahead_done(&blk->ahead);
    virtio_interrupt_queue(dev, 0);
    return true;
}

static void *work(void *arg)
{
    struct virtio_blk *blk = arg;
    struct virtq *q = &blk->device.queues[0];
    guard_enter(&blk->seat);
    pthread_mutex_lock(&blk->device.lock);
    while (!blk->quit) {
        if (!blk->kicked) {
            pthread_cond_wait(&blk->work, &blk->device.lock);
            continue;
        }
        // While there is work, the driver need not tell of more.
        if (runs(blk))
            (void)virtq_want_kicks(q, false);
        while (serve_next(blk))
            ;
        blk->kicked = runs(blk) && virtq_want_kicks(q, true);
    }
    pthread_mutex_unlock(&blk->device.lock);
    return NULL;
}

// ---- The device: with the lock held ----------------------------------------

static const void *config(void *owner)
{
    const struct virtio_blk *blk = owner;
    return &blk->config;
}

static void kick(void *owner, unsigned queue)
{
    struct virtio_blk *blk = owner;
    (void)queue;
    blk->kicked = true;
    pthread_cond_signal(&blk->work);
}

static void stop(void *owner)
{
    struct virtio_blk *blk = owner;
    blk->kicked = false;
    while (blk->busy)
        pthread_cond_wait(&blk->idle, &blk->device.lock);
    blk_ahead_drop(&blk->ahead);
}

static void drop(void *owner, unsigned queue)
{
    (void)queue;
    stop(owner);
}

static const struct virtio_ops ops = {
    .name = "virtio-blk",
    .id = VIRTIO_ID_BLK,
    .nqueues = 1,
    .config_len = BLK_CONFIG_LEN,
    .config = config,
    .kick = kick,
    .drop = drop,
    .stop = stop,
};

static uint64_t describe(struct virtio_blk *blk)
{
    uint64_t features = BLK_F_SEG_MAX | BLK_F_BLK_SIZE | BLK_F_FLUSH;
    blk->config = (struct virtio_blk_config){
        .capacity = blk->disk.size / DISK_SECTOR,
        .seg_max = SEGMENTS_MAX,
        .blk_size = DISK_SECTOR,
        .num_queues = 1,
    };
    if (blk->disk.mode == DISK_READONLY)
        return features | BLK_F_RO;
    blk->config.max_discard_sectors = RANGE_SECTORS_MAX;
    blk->config.max_discard_seg = RANGES_MAX;
    blk->config.discard_sector_alignment = DISK_CLUSTER / DISK_SECTOR;
    blk->config.max_write_zeroes_sectors = RANGE_SECTORS_MAX;
    blk->config.max_write_zeroes_seg = RANGES_MAX;
    blk->config.write_zeroes_may_unmap = 1;
    return features | BLK_F_DISCARD | BLK_F_WRITE_ZEROES;
}

static int start_worker(struct virtio_blk *blk)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int code = pthread_create(&blk->worker, NULL, work, blk);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (code == 0)
        pthread_setname_np(blk->worker, "disk");
    blk->has_worker = code == 0;
    return code;
}

int virtio_blk_init(struct virtio_blk *blk, const struct virtio_blk_setup *s,
                    const struct guest_memory *memory, struct error *err)
{
    *blk = (struct virtio_blk){
        .on_lost = s->on_lost,
        .lost_owner = s->lost_owner,
    };
    if (s->seat)
        blk->seat = *s->seat;
    int code = 0;
    if (s->image && disk_image_is_open(s->image))
        disk_image_move(&blk->disk, s->image);
    else
        code = disk_image_open(
            &blk->disk, s->path, s->backend, s->mode,
            s->changes_max ? s->changes_max : DISK_CHANGES_MAX, err);
    if (code < 0)
        return code;
    if (s->serial)
        memcpy(blk->serial, s->serial,
               strnlen(s->serial, VIRTIO_BLK_SERIAL_LEN));
    pthread_cond_init(&blk->work, NULL);
    pthread_cond_init(&blk->idle, NULL);
    virtio_init(&blk->device, &ops, blk, memory, describe(blk));
    code = blk_ahead_init(&blk->ahead) ? start_worker(blk) : ENOMEM;
    if (code) {
        virtio_blk_destroy(blk);
        return error_errno(err, code, "can't start the thread of %s", s->path);
    }
    return 0;
}

void virtio_blk_release(struct virtio_blk *blk, struct disk_image *image)
{
    if (blk->has_worker) {
        pthread_mutex_lock(&blk->device.lock);
        blk->quit = true;
        pthread_cond_signal(&blk->work);
        pthread_mutex_unlock(&blk->device.lock);
        pthread_join(blk->worker, NULL);
    }
    virtio_destroy(&blk->device);
    pthread_cond_destroy(&blk->work);
    pthread_cond_destroy(&blk->idle);
    blk_ahead_free(&blk->ahead);
    disk_image_move(image, &blk->disk);
}

void virtio_blk_destroy(struct virtio_blk *blk)
{
    struct disk_image image;
    virtio_blk_release(blk, &image);
    disk_image_close(&image);
}

bool virtio_blk_is_busy(struct virtio_blk *blk)
{
    pthread_mutex_lock(&blk->device.lock);
    bool busy = blk->busy || blk->kicked;
    pthread_mutex_unlock(&blk->device.lock);
    return busy;
}
