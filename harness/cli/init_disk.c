// SPDX-License-Identifier: Apache-2.0
// Disk images: what the machine knows as one (qcow2, ...), or what has
// partitions or a file system; and where Linux's root is likely to be. See
// init_head.h.
#include "harness/cli/init_head.h"

#include <errno.h>

// The largest Linux partition of four (MBR); INIT_ROOT_UNKNOWN: none.
static int find_mbr_root(const struct init_head *h)
{
    uint32_t largest = 0;
    int root = INIT_ROOT_UNKNOWN;
    for (int i = 0; i < 4; i++) {
        const uint8_t *entry = h->bytes + 446 + (ptrdiff_t)i * 16;
        if (entry[4] != 0x83 || init_little32(entry + 12) <= largest)
            continue;
        largest = init_little32(entry + 12);
        root = i + 1;
    }
    return root;
}

// A table has four entries of which one is used, and each is active or not.
static bool is_mbr(const struct init_head *h)
{
    bool used = false;
    if (!init_has(h, 510, "\x55\xaa", 2))
        return false;
    for (int i = 0; i < 4; i++) {
        const uint8_t *entry = h->bytes + 446 + (ptrdiff_t)i * 16;
        if (entry[0] & 0x7f)
            return false;
        used = used || (entry[4] && init_little32(entry + 12));
    }
    return used;
}

// The largest of the types "Linux root (x86-64)" and "Linux file system"
// (Discoverable Partitions Specification), the former before the latter.
static int find_gpt_root(const struct init_head *h)
{
    static const char types[2][17] = {
        "\xaf\x3d\xc6\x0f\x83\x84\x72\x47\x8e\x79\x3d\x69\xd8\x47\x7d\xe4",
        "\xe3\xbc\x68\x4f\xcd\xe8\xb1\x4d\x96\xe7\xfb\xca\xf9\x84\xb7\x09",
    };
    uint64_t best = 0;
    int root = INIT_ROOT_UNKNOWN;
    size_t size = init_little32(h->bytes + 512 + 84);
    if (init_little32(h->bytes + 512 + 72) != 2 || size < 128 || size > 4096)
        return root;
    for (int i = 0; i < 128 && 1024 + (size_t)(i + 1) * size <= h->len; i++) {
        const uint8_t *entry = h->bytes + 1024 + (size_t)i * size;
        uint64_t type = !memcmp(entry, types[1], 16)   ? UINT64_C(1) << 63
                        : !memcmp(entry, types[0], 16) ? 1
                                                       : 0;
        uint64_t sectors =
            init_little32(entry + 40) - init_little32(entry + 32);
        if (!type || type + sectors <= best)
            continue;
        best = type + sectors;
        root = i + 1;
    }
    return root;
}

static bool is_raw(const struct init_head *h, struct init_file *f)
{
    static const struct {
        size_t at;
        const char *magic;
        size_t len;
        const char *name;
        bool root; // Linux may have its root there
    } systems[] = {
        {1024 + 56, "\x53\xef", 2, "an ext2, ext3 or ext4 file system", true},
        {0, "XFSB", 4, "an XFS file system", true},
        {0x10040, "_BHRfS_M", 8, "a btrfs file system", true},
        {0, "hsqs", 4, "a squashfs file system", true},
        {1024, "\xe2\xe1\xf5\xe0", 4, "an EROFS file system", true},
        {32769, "CD001", 5, "an ISO 9660 image", false},
    };
    if (h->len > 1024 && init_has(h, 512, "EFI PART", 8)) {
        f->root = find_gpt_root(h);
        snprintf(f->what, sizeof(f->what), "raw, with a GPT");
        return true;
    }
    for (size_t i = 0; i < sizeof(systems) / sizeof(systems[0]); i++) {
        if (!init_has(h, systems[i].at, systems[i].magic, systems[i].len))
            continue;
        f->root = systems[i].root ? INIT_ROOT_WHOLE : INIT_ROOT_UNKNOWN;
        snprintf(f->what, sizeof(f->what), "raw, %s", systems[i].name);
        return true;
    }
    if (!is_mbr(h))
        return false;
    f->root = find_mbr_root(h);
    snprintf(f->what, sizeof(f->what), "raw, with a partition table");
    return true;
}

bool init_is_disk(const struct init_head *h, struct init_file *f)
{
    const struct toyvmm_disk disk = {h->path, TOYVMM_DISK_READONLY, NULL};
    const char *format = toyvmm_disk_format(h->path);
    struct error why = {""};
    if (format && strcmp(format, "raw") != 0)
        snprintf(f->what, sizeof(f->what), "%s", format);
    else if (format && !is_raw(h, f))
        return false;
    else if (!format)
        snprintf(f->what, sizeof(f->what), "an image of other files");
    f->kind = INIT_DISK;
    int code = toyvmm_check_disk(&disk, &why);
    // Who uses it now may be done with it when the test runs.
    if (code && code != -EBUSY)
        snprintf(f->refused, sizeof(f->refused), "%s", why.text);
    return true;
}
