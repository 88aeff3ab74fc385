// SPDX-License-Identifier: Apache-2.0
// Multiboot headers: found, and followed where they give addresses; see
// multiboot.h.
#include "src/boot/multiboot.h"

#include "src/base/platform.h"
#include "src/boot/notes.h"

#include <errno.h>
#include <string.h>

#define MAGIC       UINT32_C(0x1badb002)
#define SEARCH      8192
#define MAGIC_2     UINT32_C(0xe85250d6)
#define SEARCH_2    32768
#define ALIGNMENT_2 8

#define FLAG_VIDEO     (1U << 2)
#define FLAG_ADDRESSES (1U << 16)
// A loader that doesn't understand one of these can't do what it asks for.
#define FLAGS_NEEDED 0xffffU
#define FLAGS_KNOWN  3U // modules on page boundaries, memory information

_Static_assert(IMAGE_HEAD >= SEARCH, "the header lies in what is kept");

static uint32_t word_at(const uint8_t *bytes)
{
    uint32_t word;
    memcpy(&word, bytes, sizeof(word));
    return word;
}

bool multiboot_find(const struct image *image, struct multiboot_header *out)
{
    // Magic, flags and a sum that makes them 0; behind them the addresses.
    uint32_t sum[3];
    uint32_t more[5];
    for (size_t at = 0; at + sizeof(sum) <= image->head_len && at < SEARCH;
         at += sizeof(sum[0])) {
        const uint8_t *h = image->head + at;
        memcpy(sum, h, sizeof(sum));
        const uint32_t flags = sum[1];
        if (sum[0] != MAGIC || MAGIC + flags + sum[2] != 0)
            continue;
        *out = (struct multiboot_header){.offset = at, .flags = flags};
        if (!(flags & FLAG_ADDRESSES))
            return true;
        if (at + sizeof(sum) + sizeof(more) > image->head_len)
            continue;
        memcpy(more, h + sizeof(sum), sizeof(more));
        out->header_addr = more[0];
        out->load_addr = more[1];
        out->load_end_addr = more[2];
        out->bss_end_addr = more[3];
        out->entry_addr = more[4];
        return true;
    }
    return false;
}

bool multiboot_has_addresses(const struct multiboot_header *header)
{
    return header->flags & FLAG_ADDRESSES;
}

bool multiboot2_is_there(const struct image *image)
{
    uint8_t bytes[SEARCH_2];
    struct error unused;
    size_t len = image->size < SEARCH_2 ? (size_t)image->size : SEARCH_2;
    if (image_read(image, 0, bytes, len, &unused) < 0)
        return false;
    // Magic, architecture, length, and a sum that makes them 0.
    for (size_t at = 0; at + 16 <= len; at += ALIGNMENT_2)
        if (word_at(bytes + at) == MAGIC_2 &&
            MAGIC_2 + word_at(bytes + at + 4) + word_at(bytes + at + 8) +
                    word_at(bytes + at + 12) ==
                0)
            return true;
    return false;
}

void multiboot_note_wishes(const struct image *image,
                           const struct multiboot_header *header,
                           struct kernel_plan *plan)
{
    unsigned unknown = header->flags & FLAGS_NEEDED & ~FLAGS_KNOWN;
    if (unknown & FLAG_VIDEO)
        boot_note(&plan->notes,
                  "kernel %s asks its loader for a video mode: there is none",
                  image->path);
    if (unknown & ~FLAG_VIDEO)
        boot_note(&plan->notes,
                  "kernel %s asks for what no multiboot loader knows (flags "
                  "0x%x): it is started without",
                  image->path, unknown & ~FLAG_VIDEO);
}

void multiboot_plan_limits(const struct image *image, struct kernel_plan *plan)
{
    plan->how = BOOT_ENTRY_MULTIBOOT;
    plan->initrd_max = UINT32_MAX;
    plan->initrd_above = false;
    // Its path and a blank come first.
    uint64_t path = strlen(image->path) + 1;
    plan->cmdline_max =
        path < PLATFORM_CMDLINE_MAX ? PLATFORM_CMDLINE_MAX - 1 - path : 0;
}

static int contradicts(const struct image *image, const char *what,
                       struct error *err)
{
    return error_set(err, -EINVAL,
                     "kernel %s has a multiboot header that contradicts "
                     "itself: %s; build it again",
                     image->path, what);
}

int multiboot_plan_addresses(const struct image *image,
                             const struct multiboot_header *header,
                             struct kernel_plan *plan, struct error *err)
{
    uint64_t load = header->load_addr;
    if (header->header_addr < load ||
        header->header_addr - load > header->offset)
        return contradicts(image, "the header isn't in what it loads", err);
    struct kernel_segment s = {.gpa = load};
    s.offset = header->offset - (header->header_addr - load);
    s.file_size = image->size - s.offset; // 0 means: all there is
    if (header->load_end_addr) {
        if (header->load_end_addr <= load)
            return contradicts(image, "what it loads ends before it begins",
                               err);
        s.file_size = header->load_end_addr - load;
    }
    s.mem_size = s.file_size;
    if (header->bss_end_addr > load + s.mem_size)
        s.mem_size = header->bss_end_addr - load;
    if (header->entry_addr < load || header->entry_addr - load >= s.file_size)
        return contradicts(image, "the entry isn't in what it loads", err);
    plan->entry = header->entry_addr;
    return kernel_add_segment(image, s, plan, err);
}

int multiboot_plan(const struct image *image, struct kernel_plan *plan,
                   struct error *err)
{
    struct multiboot_header header;
    memset(plan, 0, sizeof(*plan));
    plan->kind = BOOT_IMAGE_FLAT;
    if (!multiboot_find(image, &header) || !multiboot_has_addresses(&header))
        return contradicts(image, "there are no addresses in it", err);
    multiboot_plan_limits(image, plan);
    multiboot_note_wishes(image, &header, plan);
    return multiboot_plan_addresses(image, &header, plan, err);
}
