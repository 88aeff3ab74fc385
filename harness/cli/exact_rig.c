// SPDX-License-Identifier: Apache-2.0
// See exact_rig.h.
#include "harness/cli/exact_rig.h"

#include "harness/cli/accel.h"
#include "harness/cli/cli.h"
#include "harness/cli/keep.h"
#include "src/base/clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

// How much of what a rig said is looked through for its own words.
#define SAID_MAX 16384

#define MEMORY_STEP (UINT64_C(256) << 20)

// Where the rig says something itself, the line begins so.
#define RIG_SAYS "toyvmm-rig: "

static char *text(uint64_t n, const char *suffix)
{
    char *out = NULL;
    return asprintf(&out, "%" PRIu64 "%s", n, suffix) < 0 ? NULL : out;
}

// As long as they are unpacked, the files are there twice. In large steps: an
// image that grew by a little is in no other machine.
static uint64_t memory_of(const struct exact_order *o)
{
    uint64_t needed = o->memory + ACCEL_RIG_MEMORY + 2 * o->files->bytes;
    return (needed + MEMORY_STEP - 1) / MEMORY_STEP * MEMORY_STEP;
}

// The path that the rig has for a file, if another; on the heap.
static char *name_inside(const struct exact_order *o, const char *path)
{
    const size_t most = sizeof(o->renamed) / sizeof(o->renamed[0]);
    for (size_t i = 0; i < most && o->renamed[i].path; i++) {
        if (!strcmp(o->renamed[i].path, path))
            return strdup(o->renamed[i].as);
    }
    return NULL;
}

// The rig's command line. The texts that are its own are never freed: this runs
// in the child.
static char **rig_words(char *rig, char *folder, const struct exact_order *o)
{
    static char memory[] = "--memory", exact[] = "--exact", seed[] = "--seed",
                out[] = "--out", timeout[] = "--timeout", pack[] = "--pack",
                as[] = "--as", end[] = "--";
    size_t count = 0;
    while (o->words[count])
        count++;
    char **args = calloc(count + 4 * o->files->count + 12, sizeof(*args));
    size_t n = 0;
    if (!args)
        return NULL;
    args[n++] = rig;
    args[n++] = exact;
    args[n++] = seed;
    args[n++] = text(o->seed, "");
    args[n++] = memory;
    args[n++] = text(memory_of(o) >> 20, "M");
    args[n++] = timeout;
    args[n++] = text(o->guard_s, "");
    args[n++] = out;
    args[n++] = folder;
    for (size_t i = 0; i < o->files->count; i++) {
        args[n++] = pack;
        args[n++] = o->files->paths[i];
        char *inside = name_inside(o, o->files->paths[i]);
        if (!inside)
            continue;
        args[n++] = as;
        args[n++] = inside;
    }
    args[n++] = end;
    for (size_t i = 0; i < count; i++)
        args[n++] = o->words[i];
    return args;
}

// In the child.
_Noreturn static void become(struct exact_rig *r, char *rig,
                             const struct exact_order *o, pid_t parent)
{
    sigset_t none;
    sigemptyset(&none);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    exact_forget_guests(o->selection);
    bool ready = getppid() == parent && !setenv(KEEP_HANDOVER, EXACT_OUT, 1);
    int nothing = open("/dev/null", O_RDONLY);
    char **args = ready ? rig_words(rig, r->folder, o) : NULL;
    if (args && nothing >= 0 && dup2(nothing, 0) == 0 && dup2(r->out, 1) == 1 &&
        dup2(r->err, 2) == 2) {
        sigprocmask(SIG_SETMASK, &none, NULL);
        execv(rig, args);
        dprintf(2, RIG_SAYS "%s: %s\n", rig, strerror(errno));
    }
    _exit(EXIT_UNABLE);
}

int exact_rig_start(struct exact_rig *r, const struct exact_order *order,
                    struct error *err)
{
    char rig[EXACT_PATH];
    const char *tmp = getenv("TMPDIR");
    *r = (struct exact_rig){.out = -1, .err = -1};
    if (!accel_find_rig(rig, sizeof(rig)))
        return error_set(err, -ENOENT, "toyvmm-rig was not found");
    snprintf(r->folder, sizeof(r->folder), "%.4000s/toyvmm-exact-XXXXXX",
             tmp && *tmp ? tmp : "/tmp");
    if (!mkdtemp(r->folder)) {
        int code = error_errno(err, errno, "%s can't be made", r->folder);
        *r->folder = '\0';
        return code;
    }
    r->out = memfd_create("exact-stdout", MFD_CLOEXEC);
    r->err = memfd_create("exact-stderr", MFD_CLOEXEC);
    fflush(NULL);
    pid_t parent = getpid();
    r->started_ns = clock_now_ns();
    r->pid = r->out < 0 || r->err < 0 ? -1 : fork();
    if (!r->pid)
        become(r, rig, order, parent);
    if (r->pid > 0)
        return 0;
    int code = error_errno(err, errno, "%s can't be run", rig);
    r->pid = 0;
    exact_rig_free(r);
    return code;
}

// User and system time of a process, ticks.
static uint64_t ticks_of(long pid)
{
    char path[64], line[1024] = "";
    snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
    FILE *f = fopen(path, "re");
    bool read = f && fgets(line, sizeof(line), f);
    if (f)
        fclose(f);
    // The name, in brackets, may hold anything.
    char *at = read ? strrchr(line, ')') : NULL;
    char *rest = NULL;
    for (int field = 2; at && field < 13; field++) {
        at = strchr(at, ' ');
        at += at != NULL;
    }
    if (!at)
        return 0;
    uint64_t user = strtoull(at, &rest, 10);
    return user + strtoull(rest, NULL, 10);
}

uint64_t exact_rig_cpu_ns(const struct exact_rig *r)
{
    char path[96], line[1024] = "";
    if (!r->pid)
        return 0;
    uint64_t ticks = ticks_of(r->pid);
    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", r->pid, r->pid);
    FILE *f = fopen(path, "re");
    char *at = f && fgets(line, sizeof(line), f) ? line : NULL;
    if (f)
        fclose(f);
    for (char *next = NULL; at && *at; at = next) {
        long child = strtol(at, &next, 10);
        if (next == at)
            break;
        ticks += ticks_of(child);
    }
    return ticks * (NS_PER_S / (uint64_t)sysconf(_SC_CLK_TCK));
}

bool exact_rig_said(const struct exact_rig *r, char *why, size_t size)
{
    char said[SAID_MAX + 1];
    ssize_t n = pread(r->err, said, SAID_MAX, 0);
    said[n > 0 ? n : 0] = '\0';
    const char *last = NULL;
    for (const char *at = said; (at = strstr(at, RIG_SAYS)); at++)
        last = at + strlen(RIG_SAYS);
    if (last)
        snprintf(why, size, "%.*s", (int)strcspn(last, "\n"), last);
    else if (WIFSIGNALED(r->status))
        snprintf(why, size, "the exact rig was ended by signal %d",
                 WTERMSIG(r->status));
    else
        snprintf(why, size, "the exact rig left no result (exit code %d)",
                 WEXITSTATUS(r->status));
    return last && WIFEXITED(r->status) &&
           WEXITSTATUS(r->status) == EXIT_UNABLE;
}

// It has files alone.
static void remove_folder(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    while (dir && (entry = readdir(dir)))
        unlinkat(dirfd(dir), entry->d_name, 0);
    if (dir)
        closedir(dir);
    rmdir(path);
}

void exact_rig_free(struct exact_rig *r)
{
    if (r->pid > 0) {
        kill(r->pid, SIGKILL);
        waitpid(r->pid, &r->status, 0);
    }
    if (r->out >= 0)
        close(r->out);
    if (r->err >= 0)
        close(r->err);
    if (*r->folder)
        remove_folder(r->folder);
    *r = (struct exact_rig){.out = -1, .err = -1};
}
