// SPDX-License-Identifier: Apache-2.0
// Measures how fast guests read from a raw image, side by side: by the disk's
// device, which serves one request after the other, and says before it does
// what those behind it will read; and from the bare file, so that it can be
// told what io_uring would make of it. Run by disk.sh.
#include "scripts/bench/disk_guest.h"
#include "src/base/clock.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>
#ifdef HAVE_LIBURING
#include <liburing.h>
#endif

#define READS_MAX 4096

enum way { DEVICE_TURN, DEVICE_AHEAD, FILE_TURN, FILE_HINTS, FILE_RING, WAYS };

static const struct {
    const char *name;
    enum way than; // what it is compared with
} ways[WAYS] = {
    [DEVICE_TURN] = {"device, in turn", DEVICE_TURN},
    [DEVICE_AHEAD] = {"device, looking ahead", DEVICE_TURN},
    [FILE_TURN] = {"file, in turn", FILE_TURN},
    [FILE_HINTS] = {"file, told before", FILE_TURN},
    [FILE_RING] = {"file, io_uring", FILE_TURN},
};

struct bench {
    struct disk_guest guests[2]; // DEVICE_TURN's, DEVICE_AHEAD's
    int fd;
    uint64_t size;
    uint8_t *buffer; // DISK_GUEST_DEPTH times DISK_GUEST_BYTES
    uint64_t random;
    uint64_t offsets[READS_MAX];
    size_t n;
    uint32_t len;
    unsigned depth;
    bool cold, sequential;
#ifdef HAVE_LIBURING
    struct io_uring ring;
#endif
    bool has_ring;
};

static void die(const char *what)
{
    perror(what);
    exit(3);
}

static uint64_t next_random(struct bench *b)
{
    uint64_t x = b->random;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return b->random = x;
}

// ---- The ways --------------------------------------------------------------

static struct iovec place(const struct bench *b, size_t i)
{
    return (struct iovec){b->buffer + i % b->depth * DISK_GUEST_BYTES, b->len};
}

static void read_file(const struct bench *b, bool hints)
{
    for (size_t first = 0; first < b->n; first += b->depth) {
        size_t end = first + b->depth < b->n ? first + b->depth : b->n;
        for (size_t i = first + 1; hints && i < end; i++)
            if (b->offsets[i] != b->offsets[i - 1] + b->len)
                (void)posix_fadvise(b->fd, (off_t)b->offsets[i], (off_t)b->len,
                                    POSIX_FADV_WILLNEED);
        for (size_t i = first; i < end; i++) {
            struct iovec iov = place(b, i);
            if (preadv(b->fd, &iov, 1, (off_t)b->offsets[i]) != (ssize_t)b->len)
                die("preadv");
        }
    }
}

#ifdef HAVE_LIBURING
static void open_ring(struct bench *b)
{
    struct io_uring_params params = {.flags = IORING_SETUP_SINGLE_ISSUER |
                                              IORING_SETUP_DEFER_TASKRUN};
    if (io_uring_queue_init_params(64, &b->ring, &params) < 0)
        return;
    b->has_ring = io_uring_register_files(&b->ring, &b->fd, 1) == 0;
}

static void submit(struct bench *b, size_t i, struct iovec *iov)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&b->ring);
    *iov = place(b, i);
    io_uring_prep_readv(sqe, 0, iov, 1, b->offsets[i]);
    sqe->flags |= IOSQE_FIXED_FILE;
    io_uring_sqe_set_data64(sqe, i % b->depth);
}

// As many as depth are under way all the time; what is there to submit goes in
// one call, which waits for the next to end.
static void read_ring(struct bench *b)
{
    struct iovec iov[DISK_GUEST_DEPTH];
    size_t next = 0;
    for (; next < b->n && next < b->depth; next++)
        submit(b, next, &iov[next]);
    for (size_t done = 0; done < b->n;) {
        struct io_uring_cqe *cqes[DISK_GUEST_DEPTH];
        if (io_uring_submit_and_wait(&b->ring, 1) < 0)
            die("io_uring_submit_and_wait");
        unsigned got =
            io_uring_peek_batch_cqe(&b->ring, cqes, DISK_GUEST_DEPTH);
        for (unsigned i = 0; i < got; i++) {
            uint64_t slot = io_uring_cqe_get_data64(cqes[i]);
            if (cqes[i]->res != (int)b->len)
                die("a read by io_uring");
            if (next < b->n) {
                submit(b, next, &iov[slot]);
                next++;
            }
        }
        io_uring_cq_advance(&b->ring, got);
        done += got;
    }
}
#else
static void open_ring(struct bench *b)
{
    b->has_ring = false;
}

static void read_ring(struct bench *b)
{
    (void)b;
}
#endif

static void run(struct bench *b, enum way way)
{
    switch (way) {
    case DEVICE_TURN:
    case DEVICE_AHEAD:
        disk_guest_read(&b->guests[way], b->offsets, b->n, b->len, b->depth);
        break;
    case FILE_TURN:
    case FILE_HINTS:
        read_file(b, way == FILE_HINTS);
        break;
    case FILE_RING:
        read_ring(b);
        break;
    case WAYS:
        break;
    }
}

// ---- Measuring -------------------------------------------------------------

static void choose(struct bench *b)
{
    uint64_t places = b->size / b->len, at = next_random(b) % places;
    for (size_t i = 0; i < b->n; i++) {
        at = b->sequential ? (at + 1) % places : next_random(b) % places;
        b->offsets[i] = at * b->len;
    }
}

// Nanoseconds for each read.
static double measure(struct bench *b, enum way way)
{
    choose(b);
    if (b->cold)
        (void)posix_fadvise(b->fd, 0, 0, POSIX_FADV_DONTNEED);
    uint64_t start = clock_now_ns();
    run(b, way);
    return (double)(clock_now_ns() - start) / (double)b->n;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// Sorts; the quantile q of n values.
static double quantile(double *values, size_t n, double q)
{
    qsort(values, n, sizeof *values, compare);
    return values[(size_t)(q * (double)(n - 1) + 0.5)];
}

static void report(const struct bench *b, double *times[WAYS], size_t rounds)
{
    double *ratios = calloc(rounds, sizeof *ratios);
    printf("%s, %s, %u KiB, %u at a time\n", b->cold ? "cold" : "hot",
           b->sequential ? "sequential" : "random", b->len / 1024, b->depth);
    for (enum way w = 0; ratios && w < WAYS; w++) {
        if (w == FILE_RING && !b->has_ring)
            continue;
        for (size_t i = 0; i < rounds; i++)
            ratios[i] = times[ways[w].than][i] / times[w][i];
        double low = quantile(ratios, rounds, 0.25);
        double middle = quantile(ratios, rounds, 0.5);
        double high = quantile(ratios, rounds, 0.75);
        memcpy(ratios, times[w], rounds * sizeof *ratios);
        printf("  %-24s %9.2f us %7.2f times as fast (%.2f to %.2f)\n",
               ways[w].name, quantile(ratios, rounds, 0.5) / 1e3, middle, low,
               high);
    }
    free(ratios);
}

// All ways in each round, each at another place of it than in the last one.
static void compare_ways(struct bench *b, size_t rounds)
{
    double *times[WAYS];
    for (enum way w = 0; w < WAYS; w++)
        if (!(times[w] = calloc(rounds, sizeof *times[w])))
            die("calloc");
    for (size_t i = 0; i < rounds; i++)
        for (unsigned k = 0; k < WAYS; k++) {
            enum way w = (enum way)((k + i) % WAYS);
            if (w != FILE_RING || b->has_ring)
                times[w][i] = measure(b, w);
        }
    report(b, times, rounds);
    for (enum way w = 0; w < WAYS; w++)
        free(times[w]);
}

int main(int argc, char **argv)
{
    static struct bench b;
    if (argc != 8) {
        fprintf(stderr, "usage: bench-disk IMAGE hot|cold random|sequential "
                        "KIB DEPTH READS ROUNDS\n");
        return 2;
    }
    b.cold = strcmp(argv[2], "cold") == 0;
    b.sequential = strcmp(argv[3], "sequential") == 0;
    b.len = (uint32_t)strtoul(argv[4], NULL, 10) * 1024;
    b.depth = (unsigned)strtoul(argv[5], NULL, 10);
    b.n = strtoul(argv[6], NULL, 10);
    size_t rounds = strtoul(argv[7], NULL, 10);
    b.random = UINT64_C(88172645463325252) ^ clock_now_ns();
    b.fd = open(argv[1], O_RDONLY | O_CLOEXEC);
    if (b.fd < 0)
        die(argv[1]);
    b.size = (uint64_t)lseek(b.fd, 0, SEEK_END);
    b.buffer = malloc((size_t)DISK_GUEST_DEPTH * DISK_GUEST_BYTES);
    if (!b.len || b.len > DISK_GUEST_BYTES || !b.depth ||
        b.depth > DISK_GUEST_DEPTH || b.n > READS_MAX || !rounds || !b.buffer ||
        b.size < b.len) {
        fprintf(stderr, "bench-disk: that can't be measured\n");
        return 2;
    }
    memset(b.buffer, 1, (size_t)DISK_GUEST_DEPTH * DISK_GUEST_BYTES);
    open_ring(&b);
    disk_guest_open(&b.guests[DEVICE_TURN], argv[1], 1);
    disk_guest_open(&b.guests[DEVICE_AHEAD], argv[1], BLK_AHEAD_MAX);
    compare_ways(&b, rounds);
    disk_guest_close(&b.guests[DEVICE_TURN]);
    disk_guest_close(&b.guests[DEVICE_AHEAD]);
    free(b.buffer);
    close(b.fd);
    return 0;
}
