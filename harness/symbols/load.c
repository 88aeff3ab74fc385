// SPDX-License-Identifier: Apache-2.0
// Where symbols come from: a file, or the guest kernel's memory. See symbols.h.
#include "harness/symbols/table.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_MAX (UINT64_C(256) << 20)
#define PIECE    ((size_t)1 << 20) // that is read at once

// The kernel's image lies in these addresses, nothing else does (Linux
// Documentation/arch/x86/x86_64/mm.rst); with or without randomization.
static const struct ksyms_range kernel_image = {
    UINT64_C(0xffffffff80000000),
    UINT64_C(0xffffffffc0000000),
};

static int read_text(struct ksyms *s, int fd, uint64_t size, const char *path,
                     struct error *err)
{
    if (size > TEXT_MAX)
        return error_set(err, -EINVAL, "%s is too large for a System.map",
                         path);
    char *text = malloc(size + 1);
    if (!text)
        return error_set(err, -ENOMEM, "out of memory for symbols");
    size_t len = 0;
    ssize_t n;
    int code = 0;
    while (!code &&
           (n = pread(fd, text + len, size - len < PIECE ? size - len : PIECE,
                      (off_t)len)) > 0) {
        len += (size_t)n;
        code = table_check(s, 0, err);
    }
    if (!code)
        code = map_read(s, text, len, path, err);
    // Debian ships one line that says where the real one is.
    if (!code && memmem(text, len, "The real System.map", 19))
        code = error_set(err, -EINVAL,
                         "%s is a placeholder; the real one is in the "
                         "package with the debug symbols",
                         path);
    free(text);
    return code;
}

static int read_any(struct ksyms *s, int fd, const char *path,
                    struct error *err)
{
    struct stat st;
    char magic[4] = "";
    char setup[4] = ""; // of a bzImage (Linux, arch/x86/boot.rst)
    if (fstat(fd, &st) < 0)
        return error_errno(err, errno, "can't read the symbols of %s", path);
    if (!S_ISREG(st.st_mode))
        return error_set(err, -EINVAL, "%s is no regular file", path);
    uint64_t size = (uint64_t)st.st_size;
    if (pread(fd, magic, sizeof(magic), 0) < (ssize_t)sizeof(magic))
        return error_set(err, -EINVAL, "%s is too short to hold symbols", path);
    if (!memcmp(magic, "\177ELF", 4))
        return elf_read(s, fd, size, path, err);
    if (pread(fd, setup, sizeof(setup), 0x202) == (ssize_t)sizeof(setup) &&
        !memcmp(setup, "HdrS", 4))
        return error_set(err, -EINVAL,
                         "%s is a bzImage, whose symbols are packed away: give "
                         "the vmlinux or a System.map",
                         path);
    return read_text(s, fd, size, path, err);
}

// What was read becomes a table, or nothing.
static struct ksyms *finish(struct ksyms *s, int code, const char *what,
                            struct error *err)
{
    if (!code)
        code = table_check(s, 0, err);
    if (!code)
        code = table_finish(s, what, err);
    if (!code) {
        s->patience = NULL;
        return s;
    }
    ksyms_free(s);
    return NULL;
}

struct ksyms *ksyms_load(const char *path,
                         const struct ksyms_patience *patience,
                         struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        error_errno(err, errno, "can't open %s", path);
        return NULL;
    }
    struct ksyms *s = table_new(err);
    if (s)
        s->patience = patience;
    int code = s ? read_any(s, fd, path, err) : -ENOMEM;
    close(fd);
    return finish(s, code, path, err);
}

struct ksyms *ksyms_of_kernel(const struct ksyms_memory *memory,
                              const struct ksyms_patience *patience,
                              struct error *err)
{
    struct ksyms *s = table_new(err);
    if (s)
        s->patience = patience;
    int code = s ? kallsyms_read(s, memory, &kernel_image, 1, err) : -ENOMEM;
    return finish(s, code, "the kernel's own table", err);
}
