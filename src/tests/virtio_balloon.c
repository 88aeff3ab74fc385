// SPDX-License-Identifier: Apache-2.0
// The balloon: pages that are reported free go back to the host, and nothing
// but whole pages of the guest's RAM does.
#include "src/tests/virtio_driver.h"
#include "src/virtio/balloon.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/mman.h>

#define REPORTING UINT32_C(0x20)
#define PAGE      UINT64_C(4096)

enum { INFLATE, DEFLATE, REPORT };

struct fixture {
    struct driver d; // of the queue at hand
    struct virtio_balloon balloon;
    unsigned interrupts;
};

static void on_interrupt(void *owner, unsigned queue)
{
    (void)queue;
    ((struct fixture *)owner)->interrupts++;
}

static void on_config(void *owner)
{
    (void)owner;
}

static void start(struct fixture *f, unsigned queue)
{
    struct virtio_device *dev = &f->balloon.device;
    virtio_set_status(dev, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
    virtio_set_features(dev, 0, REPORTING);
    virtio_set_features(dev, 1, VIRTIO_F_VERSION_1 >> 32);
    virtio_set_status(dev, VIRTIO_FEATURES_OK);
    cr_assert(dev->status & VIRTIO_FEATURES_OK);
    dev->setups[queue] = f->d.setup;
    virtio_enable_queue(dev, queue);
    virtio_set_status(dev, VIRTIO_DRIVER_OK);
}

// Memory that is used, all of it, and that the host's kernel does not gather
// into huge pages while it is looked at: that would fill what was given back.
static void set_up(struct fixture *f, unsigned queue)
{
    memset(f, 0, sizeof *f);
    driver_init(&f->d, 8, false);
    (void)madvise(driver_at(&f->d, 0, DRIVER_MEMORY), DRIVER_MEMORY,
                  MADV_NOHUGEPAGE);
    memset(driver_at(&f->d, DRIVER_BUFFERS, DRIVER_MEMORY - DRIVER_BUFFERS),
           0x55, DRIVER_MEMORY - DRIVER_BUFFERS);
    virtio_balloon_init(&f->balloon, &f->d.memory);
    f->balloon.device.interrupt =
        (struct virtio_interrupt){on_interrupt, on_config, f};
    start(f, queue);
}

static void tear_down(struct fixture *f)
{
    virtio_balloon_destroy(&f->balloon);
    driver_free(&f->d);
}

static void offer(struct fixture *f, unsigned queue, uint64_t gpa, uint32_t len,
                  uint16_t flags)
{
    uint16_t i = driver_index(&f->d) % 8;
    driver_desc(&f->d, i, gpa, len, flags, 0);
    driver_offer(&f->d, i);
    pthread_mutex_lock(&f->balloon.device.lock);
    virtio_kick(&f->balloon.device, queue);
    pthread_mutex_unlock(&f->balloon.device.lock);
}

// How many pages of [gpa, gpa+len) the host holds for the guest.
static size_t held(const struct fixture *f, uint64_t gpa, uint64_t len)
{
    unsigned char pages[1024];
    size_t n = 0;
    cr_assert_leq(len / PAGE, sizeof pages);
    cr_assert_eq(mincore(driver_at(&f->d, gpa, len), len, pages), 0);
    for (size_t i = 0; i < len / PAGE; i++)
        n += pages[i] & 1;
    return n;
}

static bool is_byte(const struct fixture *f, uint64_t gpa, uint8_t byte)
{
    return *(const uint8_t *)driver_at(&f->d, gpa, 1) == byte;
}

Test(virtio_balloon, free_pages_go_back_to_the_host)
{
    struct fixture f;
    set_up(&f, REPORT);
    uint64_t at = DRIVER_BUFFERS + 0x80000, len = 0x80000;
    size_t before = held(&f, at, len);
    cr_assert_eq(before, len / PAGE);
    offer(&f, REPORT, at, (uint32_t)len, D_WRITE);
    cr_assert_eq(held(&f, at, len), 0U);
    cr_assert_eq(virtio_balloon_given_back(&f.balloon), len);
    cr_assert_eq(driver_used_index(&f.d), 1);
    cr_assert_eq(f.interrupts, 1U);
    cr_assert(is_byte(&f, at - 1, 0x55) && is_byte(&f, at + len, 0x55));
    cr_assert(is_byte(&f, at, 0) && is_byte(&f, at + len - 1, 0));
    tear_down(&f);
}

// A part of a page is in use.
Test(virtio_balloon, parts_of_pages_stay)
{
    struct fixture f;
    set_up(&f, REPORT);
    uint64_t at = DRIVER_BUFFERS;
    offer(&f, REPORT, at + 1, 2 * PAGE, D_WRITE);
    cr_assert(is_byte(&f, at + 1, 0x55) && is_byte(&f, at + 2 * PAGE, 0x55));
    cr_assert(is_byte(&f, at + PAGE, 0));
    offer(&f, REPORT, at + 4 * PAGE + 1, PAGE, D_WRITE);
    offer(&f, REPORT, at + 4 * PAGE, 100, D_WRITE);
    cr_assert(is_byte(&f, at + 4 * PAGE, 0x55));
    cr_assert(is_byte(&f, at + 5 * PAGE, 0x55));
    cr_assert_eq(virtio_balloon_given_back(&f.balloon), PAGE);
    tear_down(&f);
}

Test(virtio_balloon, pages_by_their_numbers)
{
    struct fixture f;
    set_up(&f, INFLATE);
    const uint32_t pfns[] = {0x180, 0x182};
    memcpy(driver_at(&f.d, DRIVER_BUFFERS, sizeof pfns), pfns, sizeof pfns);
    offer(&f, INFLATE, DRIVER_BUFFERS, sizeof pfns, 0);
    cr_assert(is_byte(&f, 0x180000, 0) && is_byte(&f, 0x182000, 0));
    cr_assert(is_byte(&f, 0x181000, 0x55));
    cr_assert_eq(virtio_balloon_given_back(&f.balloon), 2 * PAGE);
    pthread_mutex_lock(&f.balloon.device.lock);
    virtio_write_config(&f.balloon.device, 4, 4, 2);
    virtio_write_config(&f.balloon.device, 0, 4, 7);
    cr_assert_eq(virtio_read_config(&f.balloon.device, 4, 4), 2U);
    cr_assert_eq(virtio_read_config(&f.balloon.device, 0, 4), 0U);
    pthread_mutex_unlock(&f.balloon.device.lock);
    tear_down(&f);
}

static void expect_refusal(struct fixture *f, const char *why)
{
    cr_expect_eq(f->balloon.device.refusals, 1U);
    cr_expect_str_eq(f->balloon.device.refusal, why);
    cr_expect_eq(virtio_balloon_given_back(&f->balloon), 0U);
    tear_down(f);
}

static void inflate(struct fixture *f, uint32_t pfn)
{
    set_up(f, INFLATE);
    memcpy(driver_at(&f->d, DRIVER_BUFFERS, 4), &pfn, 4);
    offer(f, INFLATE, DRIVER_BUFFERS, 4, 0);
}

Test(virtio_balloon, hostile_numbers_of_pages)
{
    static const uint32_t pfns[] = {DRIVER_MEMORY / 4096, 0xc0000, 0xfee00,
                                    UINT32_MAX};
    struct fixture f;
    for (size_t i = 0; i < sizeof pfns / sizeof *pfns; i++) {
        inflate(&f, pfns[i]);
        expect_refusal(&f, "a page for the balloon that isn't in RAM");
    }
}

Test(virtio_balloon, hostile_lists)
{
    static const char why[] =
        "a list of pages for the balloon of a wrong size or kind";
    struct fixture f;
    set_up(&f, INFLATE);
    offer(&f, INFLATE, DRIVER_BUFFERS, 6, 0);
    expect_refusal(&f, why);
    set_up(&f, INFLATE);
    offer(&f, INFLATE, DRIVER_BUFFERS, 4 * VIRTIO_BALLOON_PAGES + 4, 0);
    expect_refusal(&f, why);
    set_up(&f, INFLATE);
    offer(&f, INFLATE, DRIVER_BUFFERS, 4, D_WRITE);
    expect_refusal(&f, why);
}

Test(virtio_balloon, hostile_reports)
{
    struct fixture f;
    set_up(&f, REPORT);
    offer(&f, REPORT, DRIVER_BUFFERS, 4096, 0);
    expect_refusal(&f, "a report of free pages that is to be read");
    set_up(&f, REPORT);
    offer(&f, REPORT, DRIVER_MEMORY - PAGE, 2 * PAGE, D_WRITE);
    expect_refusal(&f, virtq_fault_text(VIRTQ_BAD_BUFFER));
    set_up(&f, REPORT);
    offer(&f, REPORT, UINT64_C(0) - PAGE, 2 * PAGE, D_WRITE);
    expect_refusal(&f, virtq_fault_text(VIRTQ_BAD_BUFFER));
}
