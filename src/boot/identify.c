// SPDX-License-Identifier: Apache-2.0
// What is this file? Magic numbers of what people give as a kernel or an
// initrd by mistake, each with a sentence that says how to go on; see image.h.
#include "src/boot/image.h"

#include "src/boot/multiboot.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define HDRS_OFFSET      0x202
#define BOOT_FLAG_OFFSET 0x1fe
#define TEXT_SAMPLE      64
#define ROM_UNIT         0x10000
#define ROM_VECTOR       16
#define SEARCHED         (4u << 20) // of a file that nothing else tells

struct magic {
    uint16_t offset;
    uint16_t len;
    const char *bytes;
    const char *sentence; // goes on after "kernel PATH "
};

#define UNPACK(how)                                                            \
    "; unpack it first, `" how " FILE > vmlinux`, or is it the initrd?"
#define INSIDE "give the kernel inside it"
#define XZ     "\xfd\x37\x7a\x58\x5a"

// Looked through in order; the first that fits is told.
static const struct magic not_kernels[] = {
    {0, 2, "\x1f\x8b", "is compressed with gzip" UNPACK("gzip -dc")},
    {0, 5, XZ, "is compressed with xz" UNPACK("xz -dc")},
    {0, 4, "\x28\xb5\x2f\xfd", "is compressed with zstd" UNPACK("zstd -dc")},
    {0, 4, "\x04\x22\x4d\x18", "is compressed with LZ4" UNPACK("lz4 -dc")},
    {0, 4, "\x02\x21\x4c\x18", "is compressed with LZ4" UNPACK("lz4 -dc")},
    {0, 3, "BZh", "is compressed with bzip2" UNPACK("bzip2 -dc")},
    {0, 3, "\x5d\0\0", "is compressed with LZMA" UNPACK("xz -dc")},
    {0, 4, "\x89LZO", "is compressed with LZO" UNPACK("lzop -dc")},
    {0, 5, "07070",
     "is a cpio archive, an initrd: are kernel and initrd exchanged?"},
    {0, 4, "\x27\x05\x19\x56",
     "is a U-Boot uImage: give the bzImage or vmlinux it was made from"},
    {0, 4, "\xd0\x0d\xfe\xed",
     "is a device tree or FIT image, as ARM boards use it: give a kernel for "
     "x86-64"},
    {0x38, 4, "ARMd", "is an ARM64 kernel: give one for x86-64"},
    {0x38, 4, "RSC\x05", "is a RISC-V kernel: give one for x86-64"},
    {0x24, 4, "\x18\x28\x6f\x01",
     "is a 32-bit ARM zImage: give a kernel for x86-64"},
    {0, 2, "MZ",
     "is an EFI program without a Linux setup header: give the bzImage that "
     "may be inside it (`objcopy -O binary -j .linux`)"},
    {0, 4, "QFI\xfb", "is a qcow2 disk image: " INSIDE},
    {0, 4, "hsqs", "is a squashfs file system: " INSIDE},
    {0, 7, "!<arch>", "is a Debian package or static library: " INSIDE},
    {0, 4, "\xed\xab\xee\xdb", "is an RPM package: " INSIDE},
    {0, 4, "PK\x03\x04", "is a zip archive: " INSIDE},
    {0x101, 5, "ustar", "is a tar archive: " INSIDE},
    {0, 2, "#!", "is a script: give an ELF vmlinux or a bzImage"},
    {BOOT_FLAG_OFFSET, 2, "\x55\xaa",
     "is a disk image or boot sector without a Linux setup header: " INSIDE},
};

static bool has(const struct image *image, size_t offset, const void *bytes,
                size_t len)
{
    return image->head_len >= offset + len &&
           memcmp(image->head + offset, bytes, len) == 0;
}

static bool is_elf(const struct image *image)
{
    return has(image, 0, "\177ELF", 4);
}

static bool is_bzimage(const struct image *image)
{
    return has(image, HDRS_OFFSET, "HdrS", 4);
}

static bool is_text(const struct image *image)
{
    size_t n = image->head_len < TEXT_SAMPLE ? image->head_len : TEXT_SAMPLE;
    for (size_t i = 0; i < n; i++)
        if (!isprint(image->head[i]) && !isspace(image->head[i]))
            return false;
    return true;
}

// Text that stands where a download should be.
static const char *wrong_text(const struct image *image)
{
    size_t i = 0;
    while (i < image->head_len && isspace(image->head[i]))
        i++;
    const char *at = (const char *)image->head + i;
    size_t left = image->head_len - i;
    if ((left >= 5 && strncasecmp(at, "<html", 5) == 0) ||
        (left >= 9 && strncasecmp(at, "<!doctype", 9) == 0))
        return "is a web page: the download failed, get the file itself";
    if (left >= 15 && memcmp(at, "version https:/", 15) == 0)
        return "is a Git LFS pointer: fetch the file itself with `git lfs "
               "pull`";
    return NULL;
}

// A ROM of a PC: whole pages of 64 KiB whose last sixteen bytes, where the
// processor begins, are a jump, perhaps behind cli, cld and nop.
static bool is_rom(const struct image *image)
{
    uint8_t vector[ROM_VECTOR];
    struct error ignored;
    if (image->size % ROM_UNIT || image_read(image, image->size - ROM_VECTOR,
                                             vector, ROM_VECTOR, &ignored) < 0)
        return false;
    size_t i = 0;
    while (i < 4 && vector[i] && strchr("\xfa\xfc\x90", vector[i]))
        i++;
    return vector[i] == 0xe9 || vector[i] == 0xea || vector[i] == 0xeb;
}

// A file without any magic number.
static const char *unknown(const struct image *image)
{
    const struct image_needle u_boot = {"U-Boot 20", 9};
    uint32_t found = 0;
    struct error ignored;
    uint64_t len = image->size < SEARCHED ? image->size : SEARCHED;
    if (is_text(image))
        return "is text, not a kernel: give an ELF vmlinux or a bzImage";
    if (image->size < HDRS_OFFSET + 4)
        return "is too short to be a kernel: build or download it again";
    if (is_rom(image))
        return "is firmware, a ROM that begins where a PC has its BIOS: give "
               "a kernel";
    if (image_search(image, 0, len, &u_boot, 1, 1, &found, &ignored) == 0 &&
        found)
        return "is a U-Boot, which only its own first stage can start: give "
               "the kernel that it would load";
    return "is no kernel that can be booted here: give an ELF file or a "
           "bzImage for x86";
}

int image_identify_kernel(const struct image *image, enum boot_image_kind *kind,
                          struct error *err)
{
    if (is_elf(image)) {
        *kind = BOOT_IMAGE_ELF;
        return 0;
    }
    if (is_bzimage(image)) {
        *kind = BOOT_IMAGE_BZIMAGE;
        return 0;
    }
    struct multiboot_header header;
    if (multiboot_find(image, &header) && multiboot_has_addresses(&header)) {
        *kind = BOOT_IMAGE_FLAT;
        return 0;
    }
    const char *sentence = wrong_text(image);
    for (size_t i = 0;
         !sentence && i < sizeof(not_kernels) / sizeof(not_kernels[0]); i++) {
        const struct magic *m = &not_kernels[i];
        if (has(image, m->offset, m->bytes, m->len))
            sentence = m->sentence;
    }
    if (!sentence)
        sentence = unknown(image);
    return error_set(err, -EINVAL, "kernel %s %s", image->path, sentence);
}

int image_identify_initrd(const struct image *image, struct error *err)
{
    const char *sentence = wrong_text(image);
    if (is_elf(image))
        sentence = "is an ELF file: a kernel or a program, not an initrd; are "
                   "kernel and initrd exchanged?";
    else if (is_bzimage(image))
        sentence = "is a bzImage, a kernel, not an initrd: are kernel and "
                   "initrd exchanged?";
    if (sentence)
        return error_set(err, -EINVAL, "initrd %s %s", image->path, sentence);
    return 0;
}
