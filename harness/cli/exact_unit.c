// SPDX-License-Identifier: Apache-2.0
// See exact_unit.h.
#include "harness/cli/exact_unit.h"

#include "harness/cli/keep.h"
#include "harness/cli/launch.h"
#include "harness/report/bundle.h"
#include "harness/report/outlet.h"
#include "harness/suite/case.h"
#include "src/base/clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Its recording in the rig; casts have this and more as their name.
#define RECORDING "recording.tvr"

// Where images are that are called alike.
#define KERNEL_INSIDE "/rig.kernel"
#define INITRD_INSIDE "/rig.initrd"

// Whoever reads standard error may stop reading.
#define READER_PATIENCE NS_PER_S

// ---- The command line -------------------------------------------------------

struct words {
    char **list; // and the texts in it: owned
    size_t count;
    bool failed; // no memory
};

__attribute__((format(printf, 2, 3))) static void add(struct words *w,
                                                      const char *fmt, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, fmt);
    int n = vasprintf(&text, fmt, args);
    va_end(args);
    char **list = reallocarray(w->list, w->count + 2, sizeof(*list));
    if (list)
        w->list = list;
    if (n < 0 || !list) {
        w->failed = true;
        if (n >= 0)
            free(text);
        return;
    }
    list[w->count++] = text;
    list[w->count] = NULL;
}

static void words_free(struct words *w)
{
    for (size_t i = 0; i < w->count; i++)
        free(w->list[i]);
    free(w->list);
}

static void add_option(struct words *w, const char *name, const char *value)
{
    if (!value)
        return;
    add(w, "--%s", name);
    add(w, "%s", value);
}

// The file's name and the case, as --filter takes it in a run of this file
// alone.
static void add_filter(struct words *w, const struct selected *one)
{
    const char *slash = strrchr(one->path, '/');
    const char *file = slash ? slash + 1 : one->path;
    size_t len = strlen(file);
    if (len > 3 && !strcmp(file + len - 3, ".tc"))
        len -= 3;
    add(w, "--filter");
    add(w, "%.*s%s", (int)len, file, one->what.label ? one->what.label : "");
}

// How often it is booted. What is booted once is recorded whether or not
// somebody wants it: who boots a failure again to record it must see that one.
static void add_boots(struct words *w, const struct selected *one,
                      const struct options *o)
{
    uint64_t own = one->what.scenario->repeats;
    uint64_t boots = o->repeat ? (uint64_t)o->repeat : own;
    if (boots != (own ? own : 1) && boots) {
        add(w, "--repeat");
        add(w, "%" PRIu64, boots);
    }
    if (o->warmups) {
        add(w, "--warmup");
        add(w, "%d", o->warmups);
    }
    if (boots <= 1 && !o->warmups)
        add_option(w, "record", EXACT_OUT "/" RECORDING);
}

// Nothing but what makes a difference to the boot, in one order. guest: whose
// images are called alike, or NULL.
static void make_words(struct words *w, const struct exact_unit *u,
                       const struct options *o,
                       const struct guest_overrides *machine,
                       const struct guest *guest)
{
    char exe[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe));
    if (n <= 0 || n == sizeof(exe)) {
        w->failed = true;
        return;
    }
    add(w, "%.*s", (int)n, exe);
    add(w, "--quiet");
    add(w, "--exact");
    add(w, "--seed");
    add(w, "%" PRIu64, u->seed);
    add_option(w, "kernel", guest ? KERNEL_INSIDE : machine->kernel);
    add_option(w, "initrd",
               !guest          ? machine->initrd
               : guest->initrd ? INITRD_INSIDE
                               : NULL);
    add_option(w, "cmdline", machine->cmdline);
    if (machine->memory) {
        add(w, "--memory");
        add(w, "%" PRIu64, machine->memory);
    }
    if (machine->cpus) {
        add(w, "--cpus");
        add(w, "%u", machine->cpus);
    }
    for (size_t i = 0; i < o->nsets; i++) {
        add(w, "--set");
        add(w, "%s=%s", o->sets[i].name, o->sets[i].value);
    }
    if (u->what->timeout_ns) {
        add(w, "--timeout");
        add(w, "%" PRIu64 "ms", u->what->timeout_ns / 1000000);
    }
    if (o->timeout_scale > 0) {
        add(w, "--timeout-scale");
        add(w, "%.17g", o->timeout_scale);
    }
    add_boots(w, u->what, o);
    if (o->show_console)
        add(w, "--console");
    if (o->verbosity > 1) // each step is told
        add(w, "-vv");
    add_filter(w, u->what);
    add_option(w, "results", EXACT_OUT "/" KEEP_RESULTS);
    add(w, "%s", u->what->path);
}

// What a scenario writes on the host, but recordings, stays in the rig: that it
// is lost must not go unsaid.
static int check_written(const struct selection *alone,
                         const struct guest_overrides *machine,
                         struct error *err)
{
    struct written written;
    int code = written_collect(&written, alone, machine, err);
    if (!code && written.count)
        code = error_set(err, -ENOTSUP,
                         "%s would be lost: captures and `writable` disks are "
                         "not for the exact rig",
                         written.paths[0]);
    written_free(&written);
    return code;
}

int exact_unit_start(struct exact_unit *u, const struct exact_suite *x,
                     struct error *err)
{
    const struct options *o = x->options;
    const struct guest_overrides *machine =
        &x->plan->cases[u->boots[0]].machine;
    struct guest guest = {0};
    union { // a selection that owns nothing
        const struct selected *borrowed;
        struct selected *list;
    } one = {u->what};
    const struct selection alone = {.count = 1, .list = one.list};
    struct exact_files files;
    struct words words = {NULL, 0, false};
    struct exact_order order = {
        .selection = &alone,
        .files = &files,
        .seed = u->seed,
        .guard_s = (unsigned)o->guard_s,
    };
    int code = exact_collect(&files, &alone, machine, err);
    if (!code)
        code = check_written(&alone, machine, err);
    if (!code)
        code = launch_check_guests(&alone, machine, &order.memory, err);
    if (!code && x->alike)
        code = guest_make(&guest, u->what->what.scenario, machine, err);
    order.renamed[0].path = guest.kernel;
    order.renamed[0].as = KERNEL_INSIDE;
    order.renamed[1].path = guest.initrd;
    order.renamed[1].as = INITRD_INSIDE;
    make_words(&words, u, o, machine, x->alike ? &guest : NULL);
    order.words = words.list;
    if (!code && words.failed)
        code = error_set(err, -ENOMEM, "out of memory");
    if (!code)
        code = exact_rig_start(&u->rig, &order, err);
    words_free(&words);
    exact_free(&files);
    guest_free(&guest);
    return code;
}

// ---- What it left -----------------------------------------------------------

int exact_unit_unjudged(struct exact_unit *u, const struct exact_suite *x,
                        const char *kind, const char *why)
{
    char seed[32];
    int code = 0;
    snprintf(seed, sizeof(seed), "%" PRIu64, u->seed);
    for (size_t i = 0; !code && i < u->count; i++) {
        struct result *r = u->results[i];
        result_init(r);
        r->verdict = VERDICT_ERROR;
        code = case_describe(x->plan, u->boots[i], r);
        if (!code)
            code = result_set(&r->kind, "%s", kind);
        if (!code)
            code = result_set(&r->message, "%s", why);
        if (!code)
            code = result_add_property(r, "seed", seed);
    }
    return code;
}

int exact_unit_unrun(struct exact_unit *u, const struct exact_suite *x)
{
    int code = 0;
    for (size_t i = 0; !code && i < u->count; i++) {
        result_init(u->results[i]);
        code = case_unrun(x->plan, u->boots[i], u->results[i]);
    }
    return code;
}

static int name_image(struct result *r, const char *property, const char *path)
{
    for (size_t i = 0; path && i < r->nproperties; i++) {
        if (strcmp(r->properties[i].name, property) != 0)
            continue;
        char *copy = strdup(path);
        if (!copy)
            return -ENOMEM;
        free(r->properties[i].value);
        r->properties[i].value = copy;
    }
    return 0;
}

// Images that were called alike get their paths on this host back.
static int name_images(struct result *r, const struct exact_unit *u,
                       const struct exact_suite *x)
{
    struct guest guest;
    struct error ignored;
    int code = guest_make(&guest, u->what->what.scenario,
                          &x->plan->cases[u->boots[0]].machine, &ignored);
    if (code)
        return code;
    code = name_image(r, "kernel", guest.kernel);
    if (!code)
        code = name_image(r, "initrd", guest.initrd);
    guest_free(&guest);
    return code;
}

// Its own clock's; the title is the plan's, which may tell seeds apart.
static int take(struct exact_unit *u, const struct exact_suite *x, size_t i,
                struct result *left)
{
    const struct plan_case *c = &x->plan->cases[u->boots[i]];
    struct result *r = u->results[i];
    char seed[32];
    *r = *left;
    result_init(left);
    snprintf(seed, sizeof(seed), "%" PRIu64, u->seed);
    int code =
        result_property(r, "seed") ? 0 : result_add_property(r, "seed", seed);
    if (!code && x->alike)
        code = name_images(r, u, x);
    if (!code && x->seeds && c->title)
        code = result_set(&r->title, "%s", c->title);
    if (!code && x->seeds && c->series)
        code = result_set(&r->series, "%s", c->series);
    return code;
}

static int copy_bytes(int from, int to)
{
    char bytes[1 << 16];
    ssize_t n;
    while ((n = read(from, bytes, sizeof(bytes))) > 0) {
        for (ssize_t done = 0; done < n;) {
            ssize_t m = write(to, bytes + done, (size_t)(n - done));
            if (m < 0)
                return -errno;
            done += m;
        }
    }
    return n < 0 ? -errno : 0;
}

static int copy_file(int dir, const char *name, const char *to)
{
    int from = openat(dir, name, O_RDONLY | O_CLOEXEC);
    int fd = from < 0
                 ? -1
                 : open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    int code = fd < 0 ? -errno : copy_bytes(from, fd);
    if (from >= 0)
        close(from);
    if (fd >= 0 && close(fd) < 0 && !code)
        code = -errno;
    return code;
}

// The recording and its casts go to where they were asked for; what fails is a
// property of the result, as elsewhere.
static int take_recording(struct exact_unit *u)
{
    DIR *dir = u->record ? opendir(u->rig.folder) : NULL;
    struct dirent *entry;
    int code = 0;
    size_t len = strlen(RECORDING);
    while (dir && !code && (entry = readdir(dir))) {
        char to[EXACT_PATH];
        if (strncmp(entry->d_name, RECORDING, len) != 0)
            continue;
        snprintf(to, sizeof(to), "%.3800s%s", u->record, entry->d_name + len);
        int failed = copy_file(dirfd(dir), entry->d_name, to);
        struct error why = {""};
        if (failed)
            error_errno(&why, -failed, "%s", to);
        if (failed)
            code =
                result_add_property(u->results[0], RECORDING_ERROR, why.text);
    }
    if (dir)
        closedir(dir);
    return code;
}

static void pass_on(int fd)
{
    char bytes[4096];
    ssize_t n;
    for (off_t at = 0; (n = pread(fd, bytes, sizeof(bytes), at)) > 0; at += n)
        if (!outlet_write(STDERR_FILENO, bytes, (size_t)n,
                          clock_after(clock_now_ns(), READER_PATIENCE)))
            return;
}

int exact_unit_end(struct exact_unit *u, const struct exact_suite *x)
{
    char path[EXACT_PATH + 16], why[sizeof(struct error)];
    struct bundle left = {0};
    struct error err = {""};
    snprintf(path, sizeof(path), "%s/" KEEP_RESULTS, u->rig.folder);
    int code = bundle_load(&left, path, &err);
    bool whole = !code && left.count == u->count;
    bool said = !whole && exact_rig_said(&u->rig, why, sizeof(why));
    if (!u->again && !said)
        pass_on(u->rig.err);
    code = 0;
    if (!whole)
        code = exact_unit_unjudged(u, x, EXACT_UNJUDGED, why);
    for (size_t i = 0; whole && !code && i < u->count; i++)
        code = take(u, x, i, &left.entries[i].result);
    if (!code && whole)
        code = take_recording(u);
    bundle_free(&left);
    exact_rig_free(&u->rig);
    return code;
}
