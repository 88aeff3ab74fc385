// SPDX-License-Identifier: Apache-2.0
// What a file is, by its content. See init.h. A kernel is what the machine
// would load (toyvmm_check), an initrd what unpacks to a cpio archive, a disk
// what the machine knows as one or has partitions or a file system.
#include "harness/cli/init_head.h"
#include "harness/scenario/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

// Nothing smaller is any of these.
#define SMALLEST 512
// How long a decompressor may take to give the first bytes, ms.
#define PATIENCE_MS 10000
#define MEMORY      (UINT64_C(512) << 20)

bool init_name_is_plain(const char *name)
{
    size_t len = strlen(name);
    while (len) {
        uint32_t character;
        size_t n = utf8_decode(name, len, &character);
        if (!n || character < 0x20 || (character >= 0x7f && character < 0xa0))
            return false;
        name += n;
        len -= n;
    }
    return true;
}

// ---- Kernels ----------------------------------------------------------------

// A version is one word of printable ASCII.
static void take_version(struct init_file *f, const char *text, size_t len)
{
    size_t n = 0;
    while (n < len && n + 1 < sizeof(f->version) && text[n] > ' ' &&
           text[n] < 0x7f)
        n++;
    memcpy(f->version, text, n);
    f->version[n] = '\0';
}

static void name_kernel(struct init_file *f, const char *form)
{
    f->kind = INIT_KERNEL;
    if (*f->version)
        snprintf(f->what, sizeof(f->what), "%s, Linux %s", form, f->version);
    else
        snprintf(f->what, sizeof(f->what), "%s", form);
}

// Says in f what the machine would say of it.
static void ask_machine(const struct init_head *h, struct init_file *f)
{
    const struct toyvmm_config config = {.kernel = h->path,
                                         .cmdline = "",
                                         .memory = MEMORY,
                                         .cpus = 1,
                                         .ports = 1};
    struct error why = {""};
    if (toyvmm_check(&config, &why))
        snprintf(f->refused, sizeof(f->refused), "%s", why.text);
}

// boot.rst: kernel_version is where the text is, less 0x200.
static bool is_bzimage(const struct init_head *h, struct init_file *f)
{
    if (!init_has(h, 0x202, "HdrS", 4) || h->len < 0x210)
        return false;
    size_t at = init_little16(h->bytes + 0x20e) + (size_t)0x200;
    if (at > 0x200 && at < h->len)
        take_version(f, (const char *)h->bytes + at, h->len - at);
    name_kernel(f, "bzImage");
    ask_machine(h, f);
    return true;
}

// Looks for the kernel's banner, through all of the file: the version behind it
// becomes f's. The format of the same text stands there, too.
static bool find_banner(const struct init_head *h, struct init_file *f)
{
    enum { PIECE = 1 << 20, KEPT = 128 };
    static const char banner[] = "Linux version ";
    bool found = false;
    ssize_t n;
    char *piece = malloc(PIECE);
    for (off_t at = 0; piece && !found; at += PIECE - KEPT) {
        n = pread(h->fd, piece, PIECE, at);
        if (n <= KEPT)
            break;
        const char *end = piece + n, *text = piece;
        while (!found && (text = memmem(text, (size_t)(end - text), banner,
                                        sizeof(banner) - 1))) {
            text += sizeof(banner) - 1;
            found = text < end && *text >= '0' && *text <= '9';
        }
        if (found)
            take_version(f, text, (size_t)(end - text));
    }
    free(piece);
    return found;
}

// An ELF program for x86 that has the kernel's banner in it: a folder is full
// of ELF files that are no kernels.
static bool is_vmlinux(const struct init_head *h, struct init_file *f)
{
    enum { TYPE = 16, MACHINE = 18, EXEC = 2, I386 = 3, X86_64 = 62 };
    if (!init_has(h, 0, "\177ELF", 4) || h->len < SMALLEST ||
        init_little16(h->bytes + TYPE) != EXEC ||
        (init_little16(h->bytes + MACHINE) != X86_64 &&
         init_little16(h->bytes + MACHINE) != I386) ||
        !find_banner(h, f))
        return false;
    name_kernel(f, "vmlinux");
    ask_machine(h, f);
    return true;
}

// What is called as a kernel is, and is none: it is told why not.
static bool is_called_kernel(const struct init_head *h, struct init_file *f)
{
    static const char *const names[] = {"vmlinuz", "vmlinux", "bzImage"};
    const char *slash = strrchr(h->path, '/');
    const char *name = slash ? slash + 1 : h->path;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        size_t len = strlen(names[i]);
        if (strncmp(name, names[i], len) != 0 ||
            (name[len] && name[len] != '-' && strcmp(name + len, ".gz") != 0))
            continue;
        name_kernel(f, "no kernel");
        ask_machine(h, f);
        return *f->refused;
    }
    return false;
}

// ---- Initrds ----------------------------------------------------------------

struct packer {
    const char *magic;
    size_t len;
    const char *name; // of the program, too
};
static const struct packer packers[] = {
    {"\x1f\x8b", 2, "gzip"},         {"\xfd\x37zXZ", 5, "xz"},
    {"\x28\xb5\x2f\xfd", 4, "zstd"}, {"\x04\x22\x4d\x18", 4, "lz4"},
    {"\x02\x21\x4c\x18", 4, "lz4"},
};

static bool is_cpio(const void *bytes)
{
    return !memcmp(bytes, "070701", 6) || !memcmp(bytes, "070702", 6);
}

// The first bytes that come, within the time: how many.
static size_t read_first(int fd, uint8_t *bytes, size_t size)
{
    size_t len = 0;
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    while (len < size && poll(&ready, 1, PATIENCE_MS) > 0) {
        ssize_t n = read(fd, bytes + len, size - len);
        if (n <= 0)
            break;
        len += (size_t)n;
    }
    return len;
}

// The first bytes of what is packed in fd; -ENOENT without the program.
static int unpack_first(const struct packer *p, int fd, uint8_t bytes[6])
{
    int ends[2];
    pid_t pid;
    char program[8], unpack[] = "-dc";
    char *argv[] = {program, unpack, NULL};
    posix_spawn_file_actions_t actions;
    if (pipe2(ends, O_CLOEXEC))
        return -errno;
    snprintf(program, sizeof(program), "%s", p->name);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, fd, 0);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    lseek(fd, 0, SEEK_SET);
    int failed = posix_spawnp(&pid, program, &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    size_t len = failed ? 0 : read_first(ends[0], bytes, 6);
    close(ends[0]);
    if (failed)
        return -failed;
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    return len == 6 ? 0 : -EINVAL;
}

static bool is_initrd(const struct init_head *h, struct init_file *f)
{
    uint8_t first[6] = {0};
    if (h->len >= 6 && is_cpio(h->bytes)) {
        snprintf(f->what, sizeof(f->what), "cpio archive");
        f->kind = INIT_INITRD;
        return true;
    }
    for (size_t i = 0; i < sizeof(packers) / sizeof(packers[0]); i++) {
        const struct packer *p = &packers[i];
        if (!init_has(h, 0, p->magic, p->len))
            continue;
        int code = f->no_unpacking ? -ENOENT : unpack_first(p, h->fd, first);
        f->unpacked = code != -ENOENT;
        const char *slash = strrchr(h->path, '/');
        bool called = !strncmp(slash ? slash + 1 : h->path, "initr", 5);
        // Where it isn't unpacked the name must do.
        if ((code || !is_cpio(first)) && !(code == -ENOENT && called))
            return false;
        snprintf(f->what, sizeof(f->what), "cpio archive, %s%s", p->name,
                 code ? " (by its name)" : "");
        f->kind = INIT_INITRD;
        return true;
    }
    return false;
}

// The descriptor of the regular file at path, or a negative errno.
static int open_file(const char *path, struct stat *st, struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, st))
        error_errno(err, errno, "%s can't be read", path);
    else if (S_ISREG(st->st_mode))
        return fd;
    else
        error_set(err, -EINVAL, "%s is no regular file", path);
    if (fd >= 0)
        close(fd);
    return -EINVAL;
}

int init_sniff(const char *path, struct init_file *f, struct error *err)
{
    struct stat st = {.st_size = 0};
    f->kind = INIT_OTHER;
    f->unpacked = false;
    f->root = INIT_ROOT_UNKNOWN;
    *f->version = *f->refused = *f->what = '\0';
    struct init_head *h = calloc(1, sizeof(*h));
    if (!h)
        return error_set(err, -ENOMEM, "out of memory");
    h->path = path;
    h->fd = open_file(path, &st, err);
    ssize_t n = h->fd < 0 ? -1 : pread(h->fd, h->bytes, INIT_HEAD, 0);
    if (h->fd >= 0 && n < 0)
        error_errno(err, errno, "%s can't be read", path);
    f->size = (uint64_t)st.st_size;
    f->device = st.st_dev;
    f->inode = st.st_ino;
    f->modified_ns =
        (int64_t)st.st_mtim.tv_sec * 1000000000 + (int64_t)st.st_mtim.tv_nsec;
    h->len = n < 0 ? 0 : (size_t)n;
    if (n >= SMALLEST)
        (void)(is_bzimage(h, f) || is_vmlinux(h, f) || is_initrd(h, f) ||
               init_is_disk(h, f) || is_called_kernel(h, f));
    if (h->fd >= 0)
        close(h->fd);
    free(h);
    return n < 0 ? -EINVAL : 0;
}
