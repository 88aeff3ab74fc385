// SPDX-License-Identifier: Apache-2.0
// KVM or rig. See accel.h.
#include "harness/cli/accel.h"

#include "harness/suite/plan.h"
#include "src/toyvmm.h"

#include <errno.h>
#include <inttypes.h>
#include <libgen.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define KVM_PATH    "/dev/kvm"
#define RIG_PROGRAM "toyvmm-rig"

bool accel_inside_rig(void)
{
    const char *mark = getenv("TOYVMM_RIG");
    return mark && *mark;
}

static const char *inside_name(void)
{
    const char *mark = getenv("TOYVMM_RIG");
    return mark && !strcmp(mark, "exact") ? "exact" : "rig";
}

bool accel_is_rig(const char *name)
{
    return name && (!strcmp(name, "rig") || !strcmp(name, "exact"));
}

bool accel_find_rig(char *out, size_t size)
{
    char exe[4096];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
    if (n > 0) {
        exe[n] = '\0';
        snprintf(out, size, "%s/" RIG_PROGRAM, dirname(exe));
        if (!access(out, X_OK))
            return true;
    }
    const char *path = getenv("PATH");
    while (path && *path) {
        size_t len = strcspn(path, ":");
        snprintf(out, size, "%.*s/" RIG_PROGRAM, (int)len, path);
        if (len && !access(out, X_OK))
            return true;
        path += len + (path[len] == ':');
    }
    return false;
}

// Runs `toyvmm-rig --check`, whose words go to the given descriptor.
static bool rig_works(const char *rig, int quiet)
{
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    if (quiet) {
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", 1, 0);
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", 1, 0);
    }
    char program[4200];
    char check[] = "--check";
    snprintf(program, sizeof(program), "%s", rig);
    char *argv[] = {program, check, NULL};
    pid_t pid;
    fflush(NULL);
    int failed = posix_spawn(&pid, rig, &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failed)
        return false;
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) && !WEXITSTATUS(status);
}

static const char cure[] =
    "give this user access to a working /dev/kvm (on Debian: `adduser USER "
    "kvm`), or install the rig's emulator: `apt-get install qemu-system-x86`";

int accel_choose(enum accelerator wanted, const char **name, struct error *err)
{
    struct toyvmm_probe probe = {.usable = false};
    bool inside = accel_inside_rig();
    *name = inside ? inside_name() : "kvm";
    if (inside) {
        // Its KVM is kvm_amd, known to work: a probe would cost a tenth of a
        // second there.
        if (access(KVM_PATH, R_OK | W_OK))
            return error_errno(err, errno, "the rig's own KVM does not work");
        return 0;
    }
    if (wanted != ACCEL_RIG)
        toyvmm_probe(KVM_PATH, &probe);
    if (probe.usable)
        return 0;
    if (wanted == ACCEL_KVM)
        return error_set(err, -ENODEV, "no usable KVM here: %s; %s",
                         probe.reason, cure);
    char rig[4200];
    if (accel_find_rig(rig, sizeof(rig)) && rig_works(rig, 1))
        return 1;
    if (wanted == ACCEL_RIG)
        return error_set(err, -ENODEV,
                         "the rig can't run here; toyvmm-test --probe says "
                         "why, `apt-get install qemu-system-x86` may help");
    return error_set(err, -ENODEV, "guests can't run here: %s; %s",
                     probe.reason, cure);
}

double accel_timeout_scale(const struct options *o, const char *name)
{
    if (o->timeout_scale > 0)
        return o->timeout_scale;
    return accel_is_rig(name) ? PLAN_RIG_SLOWNESS : 1;
}

static char *text(uint64_t n, const char *suffix)
{
    char *out = NULL;
    return asprintf(&out, "%" PRIu64 "%s", n, suffix) < 0 ? NULL : out;
}

// The folder of a file.
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return strdup(".");
    return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

// The rig's command line, for execv; its strings stay until this process is
// another or ends.
static char **rig_words(char *rig, int argc, char **argv,
                        const struct rig_needs *needs)
{
    char exe[4096];
    ssize_t len = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
    size_t nwritten = needs->written ? needs->written->count : 0;
    char **args =
        calloc((size_t)argc + 16 + ((size_t)RIG_OUTPUTS + nwritten) * 2,
               sizeof(*args));
    static char words[][16] = {"--memory", "--rw", "--"};
    if (len <= 0 || !args) {
        free(args);
        return NULL;
    }
    exe[len] = '\0';
    // One processor, however many jobs: the ticks that keep an emulated
    // processor from missing its timer reach the first one only.
    size_t n = 0;
    args[n++] = rig;
    args[n++] = words[0];
    args[n++] = text((needs->memory + ACCEL_RIG_MEMORY) >> 20, "M");
    for (size_t i = 0; i < RIG_OUTPUTS; i++) {
        const char *file = needs->outputs[i];
        if (!file || !strcmp(file, "-"))
            continue;
        args[n++] = words[1];
        args[n++] = folder_of(file);
    }
    for (size_t i = 0; i < nwritten; i++) {
        args[n++] = words[1];
        args[n++] = folder_of(needs->written->paths[i]);
    }
    args[n++] = words[2];
    args[n++] = strdup(exe);
    for (int i = 1; i < argc; i++)
        args[n++] = argv[i];
    return args;
}

static int prepare_rig(char rig[4200], int argc, char **argv,
                       const struct rig_needs *needs, char ***args,
                       struct error *err)
{
    *rig = '\0';
    if (!accel_find_rig(rig, 4200))
        return error_set(err, -ENOENT, RIG_PROGRAM " was not found");
    *args = rig_words(rig, argc, argv, needs);
    fflush(NULL);
    return *args ? 0 : error_set(err, -ENOMEM, "out of memory");
}

int accel_enter_rig(int argc, char **argv, const struct rig_needs *needs,
                    struct error *err)
{
    char rig[4200];
    char **args = NULL;
    int code = prepare_rig(rig, argc, argv, needs, &args, err);
    if (code || !args)
        return code;
    execv(rig, args);
    code = error_errno(err, errno, "%s can't be run", rig);
    free(args);
    return code;
}

// The signals that end a run.
static void ending_signals(sigset_t *set)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    sigemptyset(set);
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        sigaddset(set, signals[i]);
    sigaddset(set, SIGCHLD);
}

// In the child: it must not outlive us, whatever ends us.
static void become_rig(const char *rig, char **args, const sigset_t *mask,
                       pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == parent) {
        sigprocmask(SIG_SETMASK, mask, NULL);
        execv(rig, args);
    }
    _exit(127);
}

// Passes on what was sent to us alone; what a terminal sends, both get.
static int wait_for_rig(pid_t rig, const sigset_t *watched)
{
    int status;
    for (;;) {
        siginfo_t info;
        int signal_number = sigwaitinfo(watched, &info);
        if (signal_number > 0 && signal_number != SIGCHLD &&
            info.si_code != SI_KERNEL)
            kill(rig, signal_number);
        if (waitpid(rig, &status, WNOHANG) == rig)
            return WIFEXITED(status) ? WEXITSTATUS(status)
                                     : 128 + WTERMSIG(status);
    }
}

int accel_run_rig(int argc, char **argv, const struct rig_needs *needs,
                  int *exit_code, struct error *err)
{
    char rig[4200];
    char **args = NULL;
    sigset_t watched, before;
    int code = prepare_rig(rig, argc, argv, needs, &args, err);
    if (code || !args)
        return code;
    pid_t parent = getpid();
    ending_signals(&watched);
    sigprocmask(SIG_BLOCK, &watched, &before);
    pid_t child = fork();
    if (!child)
        become_rig(rig, args, &before, parent);
    if (child < 0)
        code = error_errno(err, errno, "%s can't be run", rig);
    else
        *exit_code = wait_for_rig(child, &watched);
    sigprocmask(SIG_SETMASK, &before, NULL);
    free(args);
    return code;
}

int accel_probe(enum accelerator wanted, FILE *f)
{
    struct toyvmm_probe p;
    toyvmm_probe(KVM_PATH, &p);
    fprintf(f, "kvm: %s: %s\n", p.usable ? "usable" : "not usable", p.reason);
    if (*p.vendor)
        fprintf(f, "     host CPU %s, probed in %" PRIu64 ".%03u ms\n",
                p.vendor, p.took_ns / 1000000,
                (unsigned)(p.took_ns / 1000 % 1000));
    for (size_t i = 0; i < p.nmissing; i++)
        fprintf(f, "     missing: %s\n", p.missing[i]);
    if (accel_inside_rig()) {
        fprintf(f, "rig: this is the rig\n");
        return p.usable ? 0 : -ENODEV;
    }
    char rig[4200];
    bool found = accel_find_rig(rig, sizeof(rig));
    fprintf(f, "rig: %s\n", found ? rig : RIG_PROGRAM " was not found");
    bool works = found && rig_works(rig, 0);
    const bool there[] = {
        [ACCEL_AUTO] = p.usable || works,
        [ACCEL_KVM] = p.usable,
        [ACCEL_RIG] = works,
    };
    if (!there[ACCEL_AUTO])
        fprintf(f, "guests can't run here: %s\n", cure);
    else
        fprintf(f, "--accel auto takes: %s\n", p.usable ? "kvm" : "rig");
    return there[wanted] ? 0 : -ENODEV;
}
