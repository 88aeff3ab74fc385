// SPDX-License-Identifier: Apache-2.0
// Reading the kernel's own symbols out of its memory or image. See kallsyms.h.
#include "harness/symbols/kallsyms.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PAGE  UINT64_C(4096)
#define CHUNK ((size_t)1 << 20)
// An image begins at a multiple of it and has holes up to one (Linux, ALIGN of
// .text and .rodata in arch/x86/kernel/vmlinux.lds.S): behind what is not
// mapped nothing else needs to be tried.
#define HUGE_PAGE (UINT64_C(2) << 20)
// Around the tokens: what the largest kernels have is a quarter of it.
#define BEFORE (UINT64_C(24) << 20)
#define AFTER  ((size_t)12 << 20)
// No kernel's image is larger; one that maps the same page everywhere is.
#define SCAN_MAX (UINT64_C(512) << 20)
// Places that look like the tokens and are not.
#define TRIES_MAX 16

static const char digits[] = "0\0001\0002\0003\0004\0005\0006\0007\0008\0009";

// ---- Addresses --------------------------------------------------------------

enum encoding {
    SIGNED_OFFSETS,   // negative ones count from base, others are addresses
    UNSIGNED_OFFSETS, // from base
    ADDRESSES,
    ENCODINGS,
};

struct addresses {
    enum encoding encoding;
    size_t at; // of the first
    uint64_t base;
};

static uint64_t address_of(const struct kallsyms *k, const struct addresses *a,
                           size_t i)
{
    if (a->encoding == ADDRESSES)
        return kallsyms_number(k, a->at + i * 8, 8);
    uint32_t offset = (uint32_t)kallsyms_number(k, a->at + i * 4, 4);
    if (a->encoding == UNSIGNED_OFFSETS)
        return a->base + offset;
    return offset >> 31 ? a->base - 1 - (uint64_t)(int32_t)offset : offset;
}

// The symbols are sorted; the first of the kernel's half is the base; most are
// there.
static bool addresses_fit(const struct kallsyms *k, const struct addresses *a)
{
    uint64_t last = 0;
    size_t high = 0;
    for (size_t i = 0; i < k->count; i++) {
        uint64_t address = address_of(k, a, i);
        if (address < last)
            return false;
        last = address;
        if (!(address >> 63))
            continue;
        if (!high++ && a->encoding != ADDRESSES && address != a->base)
            return false;
    }
    return high > k->count / 2;
}

// Places where the addresses may be, by layout; false when they would lie
// outside the copy.
static bool place(const struct kallsyms *k, bool behind, enum encoding encoding,
                  struct addresses *a)
{
    size_t width = encoding == ADDRESSES ? 8 : 4;
    size_t size = kallsyms_align(k->count * width);
    size_t base = encoding == ADDRESSES ? 0 : 8;
    a->encoding = encoding;
    if (behind) {
        a->at = kallsyms_align(k->index + 512);
        if (a->at > k->n || k->n - a->at < size + base)
            return false;
    } else {
        if (k->num < size + base)
            return false;
        a->at = k->num - size - base;
    }
    a->base = base ? kallsyms_number(k, a->at + size, 8) : 0;
    return true;
}

static bool find_addresses(const struct kallsyms *k, struct addresses *a)
{
    for (int behind = 0; behind < 2; behind++) {
        for (int e = 0; e < ENCODINGS; e++) {
            if (place(k, behind, (enum encoding)e, a) && addresses_fit(k, a))
                return true;
        }
    }
    return false;
}

// ---- Names ------------------------------------------------------------------

// The text of the len token numbers at `at`: how long it is, or 0 when it is
// longer than a name can be.
static size_t expand(const struct kallsyms *k, size_t at, size_t len,
                     char text[KSYMS_NAME_MAX])
{
    size_t used = 0;
    for (size_t i = 0; i < len; i++) {
        size_t token = k->bytes[at + i];
        const char *from = (const char *)k->bytes + k->tokens +
                           kallsyms_number(k, k->index + token * 2, 2);
        for (; *from; from++) {
            if (used == KSYMS_NAME_MAX)
                return 0;
            text[used++] = *from;
        }
    }
    return used;
}

int kallsyms_add(const struct kallsyms *k, struct ksyms *s, struct error *err)
{
    struct addresses addresses;
    if (!find_addresses(k, &addresses))
        return -ENOENT;
    size_t at = k->names;
    int code = 0;
    for (size_t i = 0; !code && i < k->count; i++) {
        char text[KSYMS_NAME_MAX];
        size_t len = kallsyms_length(k, &at, k->markers);
        size_t n = expand(k, at, len, text);
        at += len;
        if (n > 1)
            code = table_add(s, address_of(k, &addresses, i), text[0], text + 1,
                             n - 1, err);
    }
    return code;
}

// ---- The search -------------------------------------------------------------

// The tokens seem to be at `address`: copies what is around and reads it.
static int try_at(struct ksyms *s, const struct ksyms_memory *memory,
                  const struct ksyms_range *range, uint64_t address,
                  struct error *err)
{
    uint64_t start = address & ~(PAGE - 1);
    uint64_t least = range->start;
    if (start - least > BEFORE)
        least = start - BEFORE;
    char byte;
    while (start >= least + PAGE &&
           memory->read(memory->owner, start - PAGE, &byte, 1))
        start -= PAGE;
    size_t room = (size_t)(address - start) + AFTER;
    if (room > range->end - start)
        room = (size_t)(range->end - start);
    uint8_t *copy = malloc(room);
    if (!copy)
        return error_set(err, -ENOMEM, "out of memory for symbols");
    struct kallsyms k = {.bytes = copy};
    k.n = memory->read(memory->owner, start, copy, room);
    int code;
    // The guest may have changed it since it was found.
    size_t at = (size_t)(address - start);
    if (at < k.n && kallsyms_tokens(&k, at))
        code = kallsyms_names(&k, s, err);
    else
        code = -ENOENT;
    if (!code)
        code = kallsyms_add(&k, s, err);
    free(copy);
    return code;
}

struct scan {
    struct ksyms *s;
    const struct ksyms_memory *memory;
    uint8_t *chunk;
    uint64_t left; // bytes
    unsigned tries;
};

// All places in the chunk of n bytes at `address`.
static int try_chunk(struct scan *scan, const struct ksyms_range *range,
                     uint64_t address, size_t n, struct error *err)
{
    const uint8_t *from = scan->chunk;
    const uint8_t *end = scan->chunk + n;
    while (scan->tries) {
        const uint8_t *hit =
            memmem(from, (size_t)(end - from), digits, sizeof(digits));
        if (!hit)
            return -ENOENT;
        scan->tries--;
        int code = try_at(scan->s, scan->memory, range,
                          address + (uint64_t)(hit - scan->chunk), err);
        if (code != -ENOENT)
            return code;
        from = hit + 1;
    }
    return -ENOENT;
}

static int scan_range(struct scan *scan, const struct ksyms_range *range,
                      struct error *err)
{
    uint64_t at = range->start;
    while (at < range->end && scan->left && scan->tries) {
        int over = table_check(scan->s, 0, err);
        if (over)
            return over;
        uint64_t left = range->end - at;
        size_t want = left < CHUNK ? (size_t)left : CHUNK;
        size_t n =
            scan->memory->read(scan->memory->owner, at, scan->chunk, want);
        if (!n) {
            uint64_t to_next = HUGE_PAGE - at % HUGE_PAGE;
            at += to_next < left ? to_next : left;
            continue;
        }
        scan->left -= n < scan->left ? n : scan->left;
        int code = try_chunk(scan, range, at, n, err);
        if (code != -ENOENT)
            return code;
        // What begins at the end of a chunk is found in the next.
        size_t overlap = n == CHUNK ? sizeof(digits) - 1 : 0;
        at += n - overlap;
    }
    return -ENOENT;
}

int kallsyms_read(struct ksyms *s, const struct ksyms_memory *memory,
                  const struct ksyms_range *ranges, size_t n, struct error *err)
{
    struct scan scan = {s, memory, malloc(CHUNK), SCAN_MAX, TRIES_MAX};
    if (!scan.chunk)
        return error_set(err, -ENOMEM, "out of memory for symbols");
    int code = -ENOENT;
    for (size_t i = 0; code == -ENOENT && i < n; i++)
        code = scan_range(&scan, &ranges[i], err);
    free(scan.chunk);
    if (code == -ENOENT)
        error_set(err, code, "no kernel symbols were found in memory");
    return code;
}
