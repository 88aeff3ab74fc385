// SPDX-License-Identifier: Apache-2.0
// A kernel or initrd file, opened and checked for being a readable regular
// file; the only way in src/boot from a file's bytes to memory. Private to
// src/boot.
#pragma once

#include "src/base/error.h"
#include "src/base/guest_memory.h"
#include "src/boot/boot.h"

#include <stddef.h>
#include <stdint.h>

// The first bytes are kept: they hold every header and magic number there is
// to look at but for far-away ELF program headers, and are read once, so that
// what was checked is what is used even when the file changes meanwhile.
#define IMAGE_HEAD 8192

// Owned by the caller, used by one thread. Open while fd >= 0.
struct image {
    int fd;
    const char *path; // borrowed
    uint64_t size;    // bytes, never 0
    size_t head_len;  // min(size, IMAGE_HEAD)
    uint8_t head[IMAGE_HEAD];
};

// Opens path; role ("kernel", "initrd") opens every sentence about it.
// Directories (-EISDIR), FIFOs, sockets, devices and empty files (-EINVAL) are
// refused without blocking; else what open(2) and read(2) return.
int image_open(struct image *image, const char *path, const char *role,
               struct error *err);

// Idempotent.
void image_close(struct image *image);

// Reads exactly [offset, offset+len) into to. -EINVAL when the file is
// shorter than that (it was cut while in use), else what pread(2) returns.
int image_read(const struct image *image, uint64_t offset, void *to,
               uint64_t len, struct error *err);

// As image_read, straight into guest RAM at gpa; the range must be RAM.
int image_load(const struct image *image, uint64_t offset, uint64_t len,
               const struct guest_memory *mem, uint64_t gpa, struct error *err);

// What a kernel file is by its magic numbers. Anything but an ELF file, a
// Linux/x86 setup header or a multiboot header with addresses is refused
// (-EINVAL) by name, with the cure.
int image_identify_kernel(const struct image *image, enum boot_image_kind *kind,
                          struct error *err);

// A byte string to look for.
struct image_needle {
    const void *bytes;
    size_t len; // to IMAGE_NEEDLE_MAX
};
#define IMAGE_NEEDLE_MAX 32

// Looks for n (at most 31) needles in [offset, offset+len) of the file; bit i
// of *found is set when needle i is there. Ends at the first that is in enough,
// a set of such bits. Errors as image_read.
int image_search(const struct image *image, uint64_t offset, uint64_t len,
                 const struct image_needle *needles, size_t n, uint32_t enough,
                 uint32_t *found, struct error *err);

// Refuses (-EINVAL) what is plainly no initrd of Linux: a kernel, a web page.
// The kernel itself decides about the rest: it takes archives, compressed or
// not, and file system images.
int image_identify_initrd(const struct image *image, struct error *err);
