// SPDX-License-Identifier: Apache-2.0
// See symbols_util.h.
#include "harness/tests/symbols_util.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// ---- Memory -----------------------------------------------------------------

void pieces_add(struct pieces *p, uint64_t address, const void *bytes,
                size_t len)
{
    cr_assert_lt(p->n, PIECES_MAX);
    p->list[p->n].address = address;
    p->list[p->n].bytes = bytes;
    p->list[p->n++].len = len;
}

static size_t read_pieces(void *owner, uint64_t address, void *to, size_t len)
{
    const struct pieces *p = owner;
    for (size_t i = 0; i < p->n; i++) {
        uint64_t skip = address - p->list[i].address;
        if (skip >= p->list[i].len)
            continue;
        size_t left = p->list[i].len - (size_t)skip;
        size_t n = left < len ? left : len;
        memcpy(to, (const char *)p->list[i].bytes + skip, n);
        return n;
    }
    return 0;
}

struct ksyms_memory pieces_memory(struct pieces *p)
{
    return (struct ksyms_memory){p, read_pieces};
}

// ---- Files ------------------------------------------------------------------

const char *temp_file(const void *bytes, size_t len)
{
    static char path[64];
    static int fd = -1;
    if (fd < 0)
        fd = memfd_create("symbols", MFD_CLOEXEC);
    cr_assert_geq(fd, 0);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    cr_assert_eq(ftruncate(fd, 0), 0);
    cr_assert_eq(pwrite(fd, bytes, len, 0), (ssize_t)len);
    return path;
}

// ---- kallsyms ---------------------------------------------------------------

void image_put(struct image *i, const void *bytes, size_t len)
{
    if (i->cap - i->len < len) {
        i->cap = 2 * (i->len + len);
        i->bytes = realloc(i->bytes, i->cap);
        cr_assert(i->bytes);
    }
    memcpy(i->bytes + i->len, bytes, len);
    i->len += len;
}

void image_number(struct image *i, uint64_t value, size_t width)
{
    image_put(i, &value, width); // little-endian, as all hosts here
}

void image_pad(struct image *i, size_t align)
{
    while (i->len % align)
        image_put(i, "", 1);
}

void image_free(struct image *i)
{
    free(i->bytes);
    *i = (struct image){0};
}

// A letter that no name here has stands for a longer text, as the kernel's
// compression has it: some of the tokens do.
static const struct {
    uint8_t token;
    const char *text;
} long_tokens[] = {{0x01, "Tsys_"}, {0x80, "_read"}, {0xff, "lock"}};

static const char *token_text(unsigned token)
{
    static char one[2];
    for (size_t i = 0; i < sizeof(long_tokens) / sizeof(long_tokens[0]); i++) {
        if (long_tokens[i].token == token)
            return long_tokens[i].text;
    }
    one[0] = token > ' ' && token <= '~' ? (char)token : '\0';
    return one;
}

static size_t compress(const char *text, uint8_t *out)
{
    size_t n = 0;
    while (*text) {
        size_t used = 1;
        out[n] = (uint8_t)*text;
        for (size_t i = 0; i < sizeof(long_tokens) / sizeof(long_tokens[0]);
             i++) {
            size_t len = strlen(long_tokens[i].text);
            if (!strncmp(text, long_tokens[i].text, len)) {
                out[n] = long_tokens[i].token;
                used = len;
            }
        }
        n++;
        text += used;
    }
    return n;
}

static void put_addresses(struct image *out, enum kallsyms_layout layout,
                          const struct source_symbol *symbols, size_t n,
                          uint64_t base)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t address = symbols[i].address;
        if (layout == LAYOUT_ADDRESSES)
            image_number(out, address, 8);
        else if (layout == LAYOUT_UNSIGNED)
            image_number(out, address - base, 4);
        else
            image_number(out, address >> 63 ? base - 1 - address : address, 4);
    }
    image_pad(out, 8);
    if (layout != LAYOUT_ADDRESSES)
        image_number(out, base, 8);
}

static void put_tokens(struct image *out)
{
    uint16_t index[256];
    size_t start = out->len;
    for (unsigned i = 0; i < 256; i++) {
        const char *text = token_text(i);
        index[i] = (uint16_t)(out->len - start);
        image_put(out, text, strlen(text) + 1);
    }
    image_pad(out, 8);
    image_put(out, index, sizeof(index));
}

void kallsyms_write(struct image *out, enum kallsyms_layout layout,
                    const struct source_symbol *symbols, size_t n,
                    uint64_t base)
{
    bool behind = layout == LAYOUT_NEW || layout == LAYOUT_UNSIGNED;
    size_t wide = layout == LAYOUT_MARKERS_64 ? 8 : 4;
    uint64_t markers[4096];
    image_pad(out, 8);
    if (!behind)
        put_addresses(out, layout, symbols, n, base);
    image_number(out, n, wide);
    image_pad(out, 8);
    size_t names = out->len;
    for (size_t i = 0; i < n; i++) {
        uint8_t text[1024];
        size_t len = compress(symbols[i].text, text);
        if (i % 256 == 0)
            markers[i / 256] = out->len - names;
        if (len > 127) {
            image_number(out, (len & 0x7f) | 0x80, 1);
            image_number(out, len >> 7, 1);
        } else {
            image_number(out, len, 1);
        }
        image_put(out, text, len);
    }
    image_pad(out, 8);
    for (size_t i = 0; i < n; i += 256)
        image_number(out, markers[i / 256], wide);
    image_pad(out, 8);
    if (layout == LAYOUT_SEQS) {
        for (size_t i = 0; i < n; i++)
            image_number(out, (i * 7919) % n, 3);
        image_pad(out, 8);
    }
    put_tokens(out);
    if (behind)
        put_addresses(out, layout, symbols, n, base);
}

uint64_t next_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}
