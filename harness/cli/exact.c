// SPDX-License-Identifier: Apache-2.0
// See exact.h.
#include "harness/cli/exact.h"

#include <ctype.h>
#include <errno.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// Where guest_make leaves the path of each definition that it found.
#define GUEST_VARIABLE "TOYVMM_GUEST_"

// Without a list of libraries the loader finds those of other folders by this.
#define LOADER_CACHE "/etc/ld.so.cache"

static bool is_there(const struct exact_files *f, const char *path)
{
    for (size_t i = 0; i < f->count; i++) {
        if (!strcmp(f->paths[i], path))
            return true;
    }
    return false;
}

static int add(struct exact_files *f, const char *path, struct error *err)
{
    struct stat st;
    if (!path || is_there(f, path))
        return 0;
    if (stat(path, &st) < 0)
        return error_errno(err, errno, "%s", path);
    char **paths = reallocarray(f->paths, f->count + 1, sizeof(*paths));
    char *copy = strdup(path);
    if (paths)
        f->paths = paths;
    if (!paths || !copy) {
        free(copy);
        return error_set(err, -ENOMEM, "out of memory");
    }
    f->paths[f->count++] = copy;
    f->bytes += (uint64_t)st.st_size;
    return 0;
}

struct libraries {
    struct exact_files *files;
    struct error *err;
    int code;
};

// Called for the program itself (""), each library and the loader, by the name
// that it was found by, and for what the kernel maps (a name without a slash).
static int add_library(struct dl_phdr_info *info, size_t size, void *arg)
{
    (void)size;
    struct libraries *l = arg;
    if (info->dlpi_name && *info->dlpi_name == '/')
        l->code = add(l->files, info->dlpi_name, l->err);
    return l->code;
}

static int add_program(struct exact_files *f, struct error *err)
{
    char exe[4096];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
    if (n <= 0)
        return error_errno(err, errno, "/proc/self/exe");
    exe[n] = '\0';
    int code = add(f, exe, err);
    struct libraries l = {f, err, 0};
    if (!code)
        dl_iterate_phdr(add_library, &l);
    if (!code && !l.code && !access(LOADER_CACHE, R_OK))
        l.code = add(f, LOADER_CACHE, err);
    return code ? code : l.code;
}

static int add_scenario(struct exact_files *f, const struct scenario *s,
                        struct error *err)
{
    int code = add(f, s->path, err);
    for (size_t i = 0; !code && i < s->nincluded; i++)
        code = add(f, s->included[i].path, err);
    return code;
}

// Nothing that serves another image is in there.
static int add_disk(struct exact_files *f, const char *path, struct error *err)
{
    const char *format = toyvmm_disk_format(path);
    if (format && strcmp(format, "raw") != 0)
        return error_set(err, -EINVAL,
                         "%s is a %s image: the exact rig has raw disks only "
                         "(`qemu-img convert -O raw`)",
                         path, format);
    return add(f, path, err);
}

static int add_guest(struct exact_files *f, const struct scenario *s,
                     const struct guest_overrides *machine, struct error *err)
{
    struct guest guest;
    int code = guest_make(&guest, s, machine, err);
    if (code)
        return code;
    code = add(f, guest.kernel, err);
    if (!code)
        code = add(f, guest.initrd, err);
    if (!code)
        code = add(f, guest.symbols, err);
    for (size_t i = 0; !code && i < guest.ndisks; i++)
        code = add_disk(f, guest.disks[i].path, err);
    if (!code && guest.nfolders)
        code = error_set(err, -EINVAL,
                         "%s: the exact rig has no shares: nothing of this "
                         "host reaches it while it runs",
                         s->path);
    if (!code && guest.vsock.path)
        code = error_set(err, -EINVAL,
                         "%s: the exact rig has no vsock: no program of this "
                         "host reaches it while it runs",
                         s->path);
    guest_free(&guest);
    return code;
}

// Is this the name, up to its '=', of the variable with a guest's definition?
static bool is_variable_of(const char *variable, const char *guest)
{
    size_t len = strlen(GUEST_VARIABLE);
    if (!guest || strncmp(variable, GUEST_VARIABLE, len) != 0)
        return false;
    variable += len;
    for (; *guest && *variable; guest++, variable++) {
        unsigned char c = (unsigned char)*guest;
        if (*variable != (isalnum(c) ? (char)toupper(c) : '_'))
            return false;
    }
    return !*guest && *variable == '=';
}

static bool is_named(const char *variable, const struct selection *s)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct scenario *sc = s->list[i].what.scenario;
        if (is_variable_of(variable, sc->guest))
            return true;
        for (size_t k = 0; k < sc->nneeds; k++) {
            if (is_variable_of(variable, sc->needs[k].guest))
                return true;
        }
    }
    return false;
}

static int add_definitions(struct exact_files *f, const struct selection *s,
                           struct error *err)
{
    int code = 0;
    for (char **e = environ; !code && *e; e++) {
        const char *path = strchr(*e, '=');
        if (path && is_named(*e, s) && !access(path + 1, R_OK))
            code = add(f, path + 1, err);
    }
    return code;
}

void exact_forget_guests(const struct selection *s)
{
    char name[256];
    for (char **e = environ; *e;) {
        size_t len = strcspn(*e, "=");
        bool other = !strncmp(*e, GUEST_VARIABLE, strlen(GUEST_VARIABLE)) &&
                     !is_named(*e, s);
        e++;
        if (!other || len >= sizeof(name))
            continue;
        snprintf(name, sizeof(name), "%.*s", (int)len, e[-1]);
        unsetenv(name);
        e = environ;
    }
}

int exact_collect(struct exact_files *f, const struct selection *s,
                  const struct guest_overrides *machine, struct error *err)
{
    *f = (struct exact_files){0};
    int code = add_program(f, err);
    for (size_t i = 0; !code && i < s->count; i++) {
        const struct scenario *scenario = s->list[i].what.scenario;
        code = add_scenario(f, scenario, err);
        if (!code && !s->list[i].skip)
            code = add_guest(f, scenario,
                             selected_machine(&s->list[i], machine), err);
    }
    // Known only after all guests have been found.
    return code ? code : add_definitions(f, s, err);
}

void exact_free(struct exact_files *f)
{
    for (size_t i = 0; i < f->count; i++)
        free(f->paths[i]);
    free(f->paths);
    *f = (struct exact_files){0};
}
