// SPDX-License-Identifier: Apache-2.0
// Files that are no kernel or no initrd: each is refused by name.
#include "src/boot/image.h"
#include "src/tests/boot_fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void refused_path(const char *path, int code, const char *words)
{
    struct boot_request request = request_for(path);
    assert_refused(&request, code, words, path);
}

Test(boot_image, missing)
{
    refused_path("/nonexistent/vmlinux", -ENOENT,
                 "can't open kernel /nonexistent/vmlinux: No such file");
}

Test(boot_image, no_name)
{
    refused_path("", -EINVAL, "no kernel is given");
    refused_path(NULL, -EINVAL, "no kernel is given");
}

Test(boot_image, directory)
{
    refused_path("/tmp", -EISDIR, "kernel /tmp is a directory");
}

Test(boot_image, device)
{
    refused_path("/dev/null", -EINVAL, "is a character device");
}

// Must not wait for a writer.
Test(boot_image, fifo, .timeout = 900)
{
    char dir[] = "/tmp/boot-test-XXXXXX";
    cr_assert(mkdtemp(dir));
    char path[64];
    snprintf(path, sizeof(path), "%s/fifo", dir);
    cr_assert_eq(mkfifo(path, 0600), 0);
    refused_path(path, -EINVAL, "is a FIFO");
    unlink(path);
    rmdir(dir);
}

Test(boot_image, unreadable)
{
    char path[] = "/tmp/boot-test-XXXXXX";
    int fd = mkstemp(path);
    cr_assert(fd >= 0);
    cr_assert_eq(fchmod(fd, 0), 0);
    // Root reads everything.
    if (geteuid() == 0 && seteuid(65534) != 0) {
        unlink(path);
        cr_skip_test("can't become an unprivileged user here");
    }
    struct error err = {""};
    struct boot_request request = request_for(path);
    int rc = boot_check(&request, &err);
    if (getuid() == 0)
        cr_assert_eq(seteuid(0), 0);
    unlink(path);
    close(fd);
    cr_assert_eq(rc, -EACCES, "%d: %s", rc, err.text);
    cr_assert(strstr(err.text, "Permission denied"), "%s", err.text);
}

Test(boot_image, empty)
{
    struct mem_file file = mem_file("", 0);
    refused_path(file.path, -EINVAL, "is empty");
    struct boot_request request = request_for(file.path);
    struct small_elf elf = small_elf();
    struct mem_file kernel = mem_file(&elf, sizeof(elf));
    request.kernel = kernel.path;
    request.initrd = file.path;
    assert_refused(&request, -EINVAL, "initrd /proc/self/fd/", "empty initrd");
}

// What people give as a kernel, and a word of the answer.
static const struct {
    const char *what;
    size_t offset;
    const char *magic;
    size_t len;
    const char *words;
} kinds[] = {
    {"gzip", 0, "\x1f\x8b\x08", 3, "compressed with gzip"},
    {"xz", 0, "\xfd\x37\x7a\x58\x5a\0", 6, "compressed with xz"},
    {"zstd", 0, "\x28\xb5\x2f\xfd", 4, "compressed with zstd"},
    {"lz4", 0, "\x04\x22\x4d\x18", 4, "compressed with LZ4"},
    {"lz4 legacy", 0, "\x02\x21\x4c\x18", 4, "compressed with LZ4"},
    {"bzip2", 0, "BZh9", 4, "compressed with bzip2"},
    {"cpio", 0, "070701", 6, "kernel and initrd exchanged"},
    {"cpio crc", 0, "070702", 6, "kernel and initrd exchanged"},
    {"uImage", 0, "\x27\x05\x19\x56", 4, "uImage"},
    {"FIT", 0, "\xd0\x0d\xfe\xed", 4, "FIT"},
    {"arm64", 0x38, "ARMd", 4, "ARM64"},
    {"riscv", 0x38, "RSC\x05", 4, "RISC-V"},
    {"arm", 0x24, "\x18\x28\x6f\x01", 4, "32-bit ARM"},
    {"EFI", 0, "MZ", 2, "without a Linux setup header"},
    {"qcow2", 0, "QFI\xfb", 4, "qcow2"},
    {"disk", 0x1fe, "\x55\xaa", 2, "disk image"},
    {"script", 0, "#!/bin/sh\n", 10, "is a script"},
    {"html", 0, "\n <!DOCTYPE html>", 17, "web page"},
    {"lfs", 0, "version https://git-lfs", 23, "git lfs pull"},
    {"noise", 0, "\x01\x02\x03\x04", 4, "no kernel that can be booted"},
};

Test(boot_image, known_kinds)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        uint8_t bytes[1024] = {0};
        memcpy(bytes + kinds[i].offset, kinds[i].magic, kinds[i].len);
        assert_bytes_refused(bytes, sizeof(bytes), kinds[i].words,
                             kinds[i].what);
    }
}

Test(boot_image, text)
{
    char text[2000];
    memset(text, 'a', sizeof(text));
    assert_bytes_refused(text, sizeof(text), "is text", "text");
    assert_bytes_refused("a", 1, "is text", "one letter");
}

Test(boot_image, short_noise)
{
    assert_bytes_refused("\x01", 1, "too short", "one byte");
}

// What has no magic number, but begins where a PC does, or says who it is.
Test(boot_image, firmware)
{
    enum { SIZE = 0x20000, VECTOR = SIZE - 16, VERSION = SIZE / 3 };
    static const char *const vectors[] = {
        "\xea\x5b\xe0",     // SeaBIOS
        "\xfa\xfc\xe9\x0b", // U-Boot
        "\x90\x90\xe9\x3b", // OVMF
        "\xeb\xfe",
    };
    static uint8_t bytes[SIZE];
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        memset(bytes, 0xff, SIZE);
        memcpy(bytes + VECTOR, vectors[i], strlen(vectors[i]));
        assert_bytes_refused(bytes, SIZE, "is firmware", "a ROM");
        assert_bytes_refused(bytes, SIZE - 1, "no kernel", "a part of one");
    }
    memset(bytes, 0xff, SIZE);
    memset(bytes + VECTOR, 0x90, 16);
    assert_bytes_refused(bytes, SIZE, "no kernel", "no jump");
    memcpy(bytes + VERSION, "U-Boot 2023.01+dfsg", 19);
    assert_bytes_refused(bytes, SIZE, "is a U-Boot", "a flat U-Boot");
}

Test(boot_image, exchanged)
{
    struct small_elf elf = small_elf();
    struct small_bzimage bz = small_bzimage();
    struct mem_file a = mem_file(&elf, sizeof(elf));
    struct mem_file b = mem_file(&bz, sizeof(bz));
    struct boot_request request = request_for(a.path);
    request.initrd = b.path;
    assert_refused(&request, -EINVAL, "is a bzImage", "bzImage as initrd");
    request.initrd = a.path;
    assert_refused(&request, -EINVAL, "is an ELF file", "vmlinux as initrd");
    request.initrd = "/tmp";
    assert_refused(&request, -EISDIR, "initrd /tmp is a directory", "/tmp");
}

static unsigned open_descriptors(void)
{
    unsigned n = 0;
    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

Test(boot_image, no_descriptor_is_left_open)
{
    struct small_elf elf = small_elf();
    struct mem_file good = mem_file(&elf, sizeof(elf));
    struct mem_file bad = mem_file("x", 1);
    unsigned before = open_descriptors();
    struct error err;
    struct boot_request request = request_for(good.path);
    request.initrd = bad.path;
    cr_assert_eq(boot_check(&request, &err), 0, "%s", err.text);
    cr_assert_eq(open_descriptors(), before);
    request.kernel = bad.path;
    cr_assert_eq(boot_check(&request, &err), -EINVAL);
    cr_assert_eq(open_descriptors(), before);
    request.initrd = "/nonexistent";
    request.kernel = good.path;
    cr_assert_eq(boot_check(&request, &err), -ENOENT);
    cr_assert_eq(open_descriptors(), before);
}

// Cut after it was opened and measured: must neither hang nor be taken.
Test(boot_image, shrinks_while_in_use, .timeout = 900)
{
    struct mem_file file = mem_file("0123456789", 10);
    struct image image;
    struct error err;
    char bytes[10];
    cr_assert_eq(image_open(&image, file.path, "kernel", &err), 0);
    cr_assert_eq(image_read(&image, 0, bytes, 10, &err), 0);
    cr_assert_eq(ftruncate(file.fd, 4), 0);
    cr_assert_eq(image_read(&image, 2, bytes, 8, &err), -EINVAL);
    cr_assert(strstr(err.text, "ends at byte 4"), "%s", err.text);
    cr_assert_eq(image_read(&image, UINT64_MAX, bytes, 8, &err), -EINVAL);
    cr_assert_eq(image_read(&image, 8, bytes, UINT64_MAX, &err), -EINVAL);
    image_close(&image);
    cr_assert_eq(image.fd, -1);
    image_close(&image);
}
