// SPDX-License-Identifier: Apache-2.0
// A file's first bytes, in which its kind shows. For init_sniff.c and
// init_disk.c only.
#pragma once

#include "harness/cli/init.h"

#include <string.h>

// As much of a file's head as its kind shows in: ISO 9660's descriptor and
// btrfs's superblock are the last.
#define INIT_HEAD ((size_t)0x10080)

struct init_head {
    const char *path;
    int fd;
    size_t len;
    uint8_t bytes[INIT_HEAD];
};

static inline bool init_has(const struct init_head *h, size_t at,
                            const char *magic, size_t len)
{
    return h->len >= at + len && !memcmp(h->bytes + at, magic, len);
}

static inline uint16_t init_little16(const uint8_t *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

static inline uint32_t init_little32(const uint8_t *at)
{
    return init_little16(at) | (uint32_t)init_little16(at + 2) << 16;
}

// Whether it is a disk's image; what it is, and where its root is, goes to f.
bool init_is_disk(const struct init_head *h, struct init_file *f);
