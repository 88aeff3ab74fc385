// SPDX-License-Identifier: Apache-2.0
// See initramfs.h.
#include "harness/rig/initramfs.h"

#include "harness/rig/cpio.h"
#include "src/daemon/process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define PROGRAM_MAX (64u << 20)
#define PACKED_MAX  (1u << 30)

// In the order of loading: first what the files and the port need.
static int collect_modules(struct module_list *list, const char *dir,
                           const struct options *options,
                           struct job_state *state, struct error *err)
{
    bool mmio = options->machine == RIG_MICROVM && !options->vmm;
    const char *early[] = {
        mmio ? "virtio_mmio" : "virtio_pci",
        "virtio_console",
        "virtiofs",
        "overlay",
    };
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof(early) / sizeof(early[0]); i++)
        rc = modules_add(list, dir, early[i], err);
    state->early_modules = (uint32_t)list->count;
    if (rc == 0 && !options->plain)
        rc = modules_add(list, dir, "kvm_amd", err);
    state->modules = (uint32_t)list->count;
    return rc;
}

// The directories above a path. The kernel minds neither that one is there
// already nor a ".." among them.
static void add_parents(struct cpio *cpio, const char *path)
{
    char part[PATH_MAX];
    snprintf(part, sizeof(part), "%s", path);
    for (char *slash = part; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        if (*part)
            cpio_add(cpio, part, S_IFDIR | 0755, 0, "", 0);
        *slash = '/';
    }
}

// One file of --pack, at the path that it has here or that --as gave it.
static int pack(struct cpio *cpio, const char *cwd, const char *given,
                const char *as, struct error *err)
{
    char path[PATH_MAX], inside[PATH_MAX];
    struct stat st;
    uint8_t *bytes = NULL;
    size_t len = 0;
    const char *above = *given == '/' ? "" : cwd;
    int n = snprintf(path, sizeof(path), "%s/%s", above, given);
    int m =
        snprintf(inside, sizeof(inside), "%s/%s", *as == '/' ? "" : cwd, as);
    if (n < 0 || (size_t)n >= sizeof(path) || m < 0 ||
        (size_t)m >= sizeof(inside))
        return error_set(err, -EINVAL, "--pack %s: its path is too long",
                         given);
    int rc = stat(path, &st) < 0 ? -errno : 0;
    if (rc == 0 && !S_ISREG(st.st_mode))
        return error_set(err, -EINVAL, "--pack %s: not a file", given);
    if (rc == 0)
        rc = file_read(path, PACKED_MAX, &bytes, &len, NULL);
    if (rc < 0)
        return error_errno(err, -rc, "--pack %s", given);
    const char *name = inside + strspn(inside, "/");
    add_parents(cpio, name);
    cpio_add(cpio, name, S_IFREG | (st.st_mode & 0777), 0, bytes, len);
    free(bytes);
    return 0;
}

static int pack_all(struct cpio *cpio, const struct job *job,
                    const struct options *options, struct error *err)
{
    const struct job_list *files = &options->pack;
    char inside[PATH_MAX];
    int n = snprintf(inside, sizeof(inside), "%s/",
                     job->cwd + strspn(job->cwd, "/"));
    int rc = 0;
    if (n > 1 && files->count > 0)
        add_parents(cpio, inside);
    for (size_t i = 0; rc == 0 && i < files->count; i++)
        rc = pack(cpio, job->cwd, files->items[i], options->as.items[i], err);
    return rc;
}

static int write_archive(FILE *out, const struct module_list *modules,
                         const struct job *job, const struct options *options,
                         struct error *err)
{
    uint8_t *program, *text;
    size_t program_len, text_len;
    int rc =
        file_read("/proc/self/exe", PROGRAM_MAX, &program, &program_len, err);
    if (rc < 0)
        return rc;
    rc = job_encode(job, &text, &text_len, err);
    if (rc < 0) {
        free(program);
        return rc;
    }
    struct cpio cpio = {.out = out};
    cpio_add(&cpio, "dev", S_IFDIR | 0755, 0, "", 0);
    cpio_add(&cpio, "dev/console", S_IFCHR | 0600, makedev(5, 1), "", 0);
    cpio_add(&cpio, "modules", S_IFDIR | 0755, 0, "", 0);
    cpio_add(&cpio, "init", S_IFREG | 0755, 0, program, program_len);
    cpio_add(&cpio, &JOB_PATH[1], S_IFREG | 0400, 0, text, text_len);
    for (size_t i = 0; i < modules->count; i++) {
        char name[64];
        snprintf(name, sizeof(name), "%s%02zu", &JOB_MODULES[1], i);
        cpio_add(&cpio, name, S_IFREG | 0400, 0, modules->items[i].bytes,
                 modules->items[i].len);
    }
    free(program);
    free(text);
    rc = pack_all(&cpio, job, options, err);
    return rc < 0 ? rc : cpio_end(&cpio, err);
}

int initramfs_build(const struct kernel *kernel, const struct options *options,
                    struct job *job, struct error *err)
{
    struct module_list modules = {NULL, 0};
    int rc =
        collect_modules(&modules, kernel->modules, options, &job->state, err);
    int fd = rc < 0 ? -1 : memfd_create("toyvmm-rig", MFD_CLOEXEC);
    if (rc == 0 && fd < 0)
        rc = error_errno(err, errno, "making the rig's initramfs");
    FILE *out = NULL;
    int copy = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (rc == 0 && (copy < 0 || !(out = fdopen(copy, "w"))))
        rc = error_errno(err, errno, "making the rig's initramfs");
    if (rc == 0)
        rc = write_archive(out, &modules, job, options, err);
    if (out)
        fclose(out);
    else if (copy >= 0)
        close(copy);
    modules_free(&modules);
    if (rc < 0 && fd >= 0)
        close(fd);
    return rc < 0 ? rc : fd;
}
