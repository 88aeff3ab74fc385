// SPDX-License-Identifier: Apache-2.0
// Which of the files that were found is booted, or which the command line
// names. See init.h.
#include "harness/cli/init.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Of several it is the newest; an initrd rather one that is called by the
// kernel's version.
static const struct init_file *newest(const struct init_found *found,
                                      enum init_kind kind, const char *version)
{
    const struct init_file *best = NULL;
    for (size_t i = 0; i < found->count; i++) {
        const struct init_file *f = &found->files[i];
        if (f->kind != kind || *f->refused)
            continue;
        if (!best)
            best = f;
        if (version && *version && strstr(f->path, version))
            return f;
    }
    return best;
}

// The path as a scenario in folder names it: below that, or a whole one.
static char *name_from(const char *folder, const char *path, struct error *err)
{
    char above[PATH_MAX], real[PATH_MAX];
    char *name = NULL;
    const char *slash = strrchr(path, '/');
    int n = slash ? (int)(slash - path) + 1 : 0;
    snprintf(above, sizeof(above), "%.*s.", n, path);
    if (!realpath(above, real)) {
        error_errno(err, errno, "%s", path);
        return NULL;
    }
    size_t len = strlen(folder);
    const char *last = path + n;
    if (!strcmp(real, folder))
        n = asprintf(&name, "%s", last);
    else if (!strncmp(real, folder, len) && real[len] == '/')
        n = asprintf(&name, "%s/%s", real + len + 1, last);
    else
        n = asprintf(&name, "%s/%s", strcmp(real, "/") ? real : "", last);
    if (n < 0)
        error_set(err, -ENOMEM, "out of memory");
    return n < 0 ? NULL : name;
}

// What is given is taken for what it is said to be, where the machine takes it.
static int check_given(const char *path, enum init_kind kind,
                       struct init_file *f, struct error *err)
{
    const struct toyvmm_disk disk = {path, TOYVMM_DISK_READONLY, NULL};
    const struct toyvmm_config config = {.kernel = path,
                                         .cmdline = "",
                                         .memory = UINT64_C(512) << 20,
                                         .cpus = 1,
                                         .ports = 1};
    int code = 0;
    if (kind == INIT_KERNEL)
        code = toyvmm_check(&config, err);
    else if (kind == INIT_DISK)
        code = toyvmm_check_disk(&disk, err);
    else if (f->kind == INIT_KERNEL)
        code = error_set(err, -EINVAL, "--initrd: %s is a kernel, %s", path,
                         f->what);
    if (!code && !init_name_is_plain(path))
        code = error_set(err, -EINVAL,
                         "the name of %s is no UTF-8, or has control "
                         "characters: a scenario can't name it",
                         path);
    if (f->kind != kind)
        snprintf(f->what, sizeof(f->what), "given");
    f->kind = kind;
    return code;
}

// path is NULL where the command line names none.
static int pick(const struct init_found *found, const char *folder,
                enum init_kind kind, const char *path, struct init_file *given,
                const struct init_file **out, struct error *err)
{
    *out = newest(found, kind, NULL);
    if (!path)
        return 0;
    int code = init_sniff(path, given, err);
    if (!code)
        code = check_given(path, kind, given, err);
    if (!code) {
        given->path = name_from(folder, path, err);
        code = given->path ? 0 : -EINVAL;
    }
    *out = given;
    return code;
}

static bool is_below(const char *path, const char *folder)
{
    size_t len = strlen(folder);
    if (!strcmp(folder, "."))
        return *path != '/';
    return !strncmp(path, folder, len) && path[len] == '/';
}

// The vmlinux that the kernel was made of.
static const char *find_symbols(const struct init_found *found,
                                const struct init_file *kernel)
{
    char path[PATH_MAX];
    if (!found->tree || !is_below(kernel->path, found->tree) ||
        strncmp(kernel->what, "bzImage", 7) != 0)
        return NULL;
    snprintf(path, sizeof(path), "%s/vmlinux", found->tree);
    const char *name = strcmp(found->tree, ".") ? path : "vmlinux";
    for (size_t i = 0; i < found->count; i++) {
        if (!strcmp(found->files[i].path, name))
            return found->files[i].path;
    }
    return NULL;
}

int init_pick(const struct init_found *found, const char *folder,
              const struct options *o, struct init_picked *p, struct error *err)
{
    struct init_machine *m = &p->machine;
    *p = (struct init_picked){.in_tree = false};
    m->base = "";
    m->root = INIT_ROOT_UNKNOWN;
    int code = pick(found, folder, INIT_KERNEL, o->machine.kernel, &p->given[0],
                    &m->kernel, err);
    if (!code)
        code = pick(found, folder, INIT_INITRD, o->machine.initrd, &p->given[1],
                    &m->initrd, err);
    if (!code)
        code = pick(found, folder, INIT_DISK, o->disk, &p->given[2], &m->disk,
                    err);
    if (code)
        return code;
    if (m->kernel && m->initrd && !o->machine.initrd)
        m->initrd = newest(found, INIT_INITRD, m->kernel->version);
    p->in_tree =
        m->kernel && found->tree && is_below(m->kernel->path, found->tree);
    if (m->kernel)
        m->symbols = find_symbols(found, m->kernel);
    // What user space is there: an initrd, one in the kernel, the disk's, or
    // else the guest's.
    bool own = m->initrd || (p->in_tree && found->config.initramfs);
    if (m->disk && m->kernel) {
        m->root = m->disk->root;
        // What is in an image of another format nobody looks at.
        if (strncmp(m->disk->what, "raw", 3) != 0 &&
            m->root == INIT_ROOT_UNKNOWN) {
            m->root = 1;
            m->root_guess = true;
        }
        own = own || m->root != INIT_ROOT_UNKNOWN;
    }
    m->known = !own;
    m->guest = m->known || !m->kernel;
    return 0;
}

void init_picked_free(struct init_picked *p)
{
    for (size_t i = 0; i < 3; i++)
        free(p->given[i].path);
}
