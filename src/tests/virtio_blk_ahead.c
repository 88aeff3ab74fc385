// SPDX-License-Identifier: Apache-2.0
// What waits for its turn at a block device is fetched by the host meanwhile,
// when it is worth that.
#include "src/base/clock.h"
#include "src/tests/virtio_blk_driver.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGES 1024U
#define APART 64U // pages: what the host fetches around one is not the next
#define READS 16U

// The pages that are read: each with an odd number goes on where the one before
// it ended.
static unsigned page_of(unsigned i)
{
    return (i / 2 * 5 % 8) * 2 * APART + i % 2;
}

static bool is_in_memory(uint8_t *mapped, unsigned page)
{
    unsigned char yes = 0;
    cr_assert_eq(mincore(mapped + (size_t)page * 4096, 4096, &yes), 0);
    return yes & 1;
}

// Nothing of the file is in the host's memory; false where that can't be had.
static bool put_out_of_memory(int fd, uint8_t *mapped)
{
    bool out =
        fdatasync(fd) == 0 && posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0;
    for (unsigned i = 0; i < READS && out; i++)
        out = !is_in_memory(mapped, page_of(i));
    return out;
}

static bool comes_into_memory(uint8_t *mapped, unsigned page, uint64_t until)
{
    while (!is_in_memory(mapped, page) && clock_now_ns() < until)
        sched_yield();
    return is_in_memory(mapped, page);
}

static void reset_at_the_second(struct blk_driver *f)
{
    if (driver_used_index(&f->d) == 2)
        virtio_set_status(&f->blk.device, 0);
}

// Offers the reads, of which two are served before there is a reset.
static void read_two(struct blk_driver *f, unsigned first, unsigned second)
{
    driver_set_index(&f->d, 0);
    memset(driver_at(&f->d, DRIVER_USED, 4), 0, 4);
    for (unsigned i = 0; i < READS; i++) {
        unsigned page = i == 0 ? first : i == 1 ? second : page_of(i);
        blk_offer(f, i, BLK_T_IN, UINT64_C(8) * page, 4096, true);
    }
    f->on_interrupt = reset_at_the_second;
    blk_kick_and_wait_for(f, 2);
}

// Sixteen reads are taken and two are served: when the first had to wait the
// host fetches those of the others that do not go on where one ended.
Test(virtio_blk_ahead, what_will_be_read_is_fetched)
{
    struct blk_driver f;
    size_t size = (size_t)PAGES * 4096;
    uint8_t page[4096];
    blk_make_image(&f, PAGES);
    int fd = open(f.path, O_RDONLY | O_CLOEXEC);
    uint8_t *mapped = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
    cr_assert_neq(mapped, MAP_FAILED);
    const struct virtio_blk_setup setup = {.path = f.path,
                                           .mode = DISK_CHANGES_DROPPED};
    blk_set_up_disk(&f, &setup, BLK_AHEAD_MAX);
    // The host fetches nothing by itself.
    (void)posix_fadvise(f.blk.disk.image, 0, 0, POSIX_FADV_RANDOM);
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
    bool out = put_out_of_memory(fd, mapped);
    cr_assert_eq(pread(fd, page, sizeof page, (off_t)4096 * (PAGES - 1)), 4096);
    if (out) {
        // None had to wait: none is told of. Had it been, it would be there
        // when others that are fetched after it are.
        read_two(&f, PAGES - 1, PAGES - 1);
        for (unsigned i = 0; i < READS; i++)
            cr_assert_eq(
                pread(fd, page, sizeof page, (off_t)4096 * (i * APART + 9)),
                4096);
        for (unsigned i = 2; i < READS && !f.blk.disk.waits.cannot_tell; i++)
            cr_expect_not(is_in_memory(mapped, page_of(i)), "read %u", i);
        blk_start(&f);
        read_two(&f, page_of(0), page_of(1));
        uint64_t until = clock_now_ns() + 20 * NS_PER_S;
        for (unsigned i = 2; i < READS; i += 2)
            cr_expect(comes_into_memory(mapped, page_of(i), until), "read %u",
                      i);
        for (unsigned i = 3; i < READS; i += 2)
            cr_expect_not(is_in_memory(mapped, page_of(i)), "read %u", i);
    }
    munmap(mapped, size);
    close(fd);
    blk_tear_down(&f);
    if (!out)
        cr_skip_test("the files of /tmp are kept in memory here");
}
