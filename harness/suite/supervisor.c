// SPDX-License-Identifier: Apache-2.0
// The process that the user started: keeps the terminal, lets a child run
// Criterion, collects the results, and leaves no process behind. See suite.h.
#include "harness/suite/suite.h"

#include "harness/suite/case.h"
#include "harness/suite/process.h"
#include "harness/suite/roster.h"
#include "src/base/clock.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

// More than a worker needs for its last words.
#define FAREWELL_S 4

// What Criterion needs when its last test is over, stretched.
#define CRITERION_END_S 2.0

#define POLLED 64

// Criterion's own limit for a test: never reached, unless our deadline failed.
#define BACKSTOP_MARGIN_S 60

struct supervisor {
    const struct plan *plan;
    char dir[64];
    size_t expected; // so many cases get a worker
    struct roster roster;
    pid_t criterion;
    int status; // of the process that runs Criterion, as waitpid has it
    bool ended;
    bool interrupted;
    sigset_t watched;
};

static int start(struct supervisor *s, unsigned jobs, struct error *err)
{
    double backstop_s =
        (double)plan_longest_ns(s->plan) / 1e9 + BACKSTOP_MARGIN_S;
    pid_t self = getpid();
    sigset_t before;
    sigemptyset(&s->watched);
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGCHLD};
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        sigaddset(&s->watched, signals[i]);
    // Orphaned workers come to us instead of to init.
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    sigprocmask(SIG_BLOCK, &s->watched, &before);
    fflush(NULL);
    s->criterion = fork();
    if (s->criterion < 0) {
        sigprocmask(SIG_SETMASK, &before, NULL);
        return error_errno(err, errno, "no process for Criterion");
    }
    if (s->criterion)
        return 0;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != self)
        _exit(1);
    sigprocmask(SIG_SETMASK, &before, NULL);
    bool ok = criterion_run_plan(s->plan, jobs, backstop_s, s->dir);
    fflush(NULL);
    _exit(ok ? 0 : 1);
}

// Takes leave of all children that have ended; false when none is left.
static bool reap(struct supervisor *s)
{
    for (;;) {
        int status;
        pid_t pid = waitpid(-1, &status, WNOHANG);
        if (pid == 0)
            return true;
        if (pid < 0)
            return false;
        if (pid == s->criterion) {
            s->ended = true;
            s->status = status;
        }
    }
}

// Kills whatever child is left (proc(5), /proc/PID/task/TID/children).
static void kill_children(void)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/task/%ld/children",
             (long)getpid());
    FILE *f = fopen(path, "re");
    char *line = NULL;
    size_t size = 0;
    if (f && getline(&line, &size, f) > 0) {
        char *at = line;
        for (long pid; (pid = strtol(at, &at, 10)) > 0;)
            kill((pid_t)pid, SIGKILL);
    }
    free(line);
    if (f)
        fclose(f);
}

// The workers of a dead Criterion end by themselves; those that don't, or whose
// user is impatient, are killed.
static void bid_farewell(struct supervisor *s)
{
    uint64_t end = clock_after(clock_now_ns(), FAREWELL_S * NS_PER_S);
    while (reap(s)) {
        uint64_t now = clock_now_ns();
        if (now >= end) {
            kill_children();
            end = clock_after(now, FAREWELL_S * NS_PER_S);
            continue;
        }
        struct timespec left = {(time_t)((end - now) / NS_PER_S),
                                (long)((end - now) % NS_PER_S)};
        int n = sigtimedwait(&s->watched, NULL, &left);
        if (n > 0 && n != SIGCHLD)
            end = 0;
    }
}

uint64_t suite_after(uint64_t deadline_ns, double seconds, double scale)
{
    double ns = seconds * (double)NS_PER_S * (scale > 1 ? scale : 1);
    return clock_after(deadline_ns, ns < 9e18 ? (uint64_t)ns : CLOCK_NEVER);
}

static void take_signals(struct supervisor *s, int fd)
{
    struct signalfd_siginfo info;
    while (read(fd, &info, sizeof(info)) == sizeof(info)) {
        if (info.ssi_signo == SIGCHLD) {
            reap(s);
            continue;
        }
        s->interrupted = true;
        kill(s->criterion, SIGKILL);
    }
}

// Waits for signals, for workers that begin or end, and for time to pass.
static void wait_until(struct supervisor *s, int signals, uint64_t until_ns)
{
    struct pollfd fds[POLLED];
    fds[0] = (struct pollfd){signals, POLLIN, 0};
    size_t n = roster_poll(&s->roster, fds + 1, POLLED - 1);
    uint64_t now = clock_now_ns();
    uint64_t left = until_ns > now ? until_ns - now : 0;
    struct timespec t = {(time_t)(left / NS_PER_S), (long)(left % NS_PER_S)};
    if (ppoll(fds, n + 1, until_ns == CLOCK_NEVER ? NULL : &t, NULL) <= 0)
        return;
    if (fds[0].revents)
        take_signals(s, signals);
    roster_take(&s->roster, fds + 1, n);
}

// A Criterion that was killed leaves the socket behind that its workers talked
// to.
static void remove_socket(const struct supervisor *s)
{
    char path[64];
    snprintf(path, sizeof(path), "/tmp/criterion_%ld.sock", (long)s->criterion);
    if (WIFSIGNALED(s->status))
        unlink(path);
}

static int supervise(struct supervisor *s, struct error *err)
{
    int signals = signalfd(-1, &s->watched, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals < 0) {
        int code = errno;
        kill(s->criterion, SIGKILL);
        bid_farewell(s);
        return error_errno(err, code, "can't wait for signals");
    }
    uint64_t criterion_end = CLOCK_NEVER;
    while (!s->ended) {
        uint64_t wake = roster_wake_ns(&s->roster);
        wait_until(s, signals, wake < criterion_end ? wake : criterion_end);
        uint64_t now = clock_now_ns();
        roster_kill(&s->roster, now);
        // Its tests are over and Criterion is not: it hangs.
        if (now >= criterion_end)
            kill(s->criterion, SIGKILL);
        else if (s->roster.ended >= s->expected && criterion_end == CLOCK_NEVER)
            criterion_end =
                suite_after(now, CRITERION_END_S, plan_slowness(s->plan));
    }
    close(signals);
    bid_farewell(s);
    remove_socket(s);
    return 0;
}

static void describe_death(const struct supervisor *s, size_t index,
                           struct result *out)
{
    char path[SUITE_PATH];
    int signal_number = 0;
    int exit_code = 0;
    int timed_out = 0;
    FILE *f = fopen(suite_file(path, s->dir, index, "death"), "re");
    char line[64] = "";
    bool known = f && fgets(line, sizeof(line), f);
    if (f)
        fclose(f);
    if (known) {
        char *at = line;
        signal_number = (int)strtol(at, &at, 10);
        exit_code = (int)strtol(at, &at, 10);
        timed_out = (int)strtol(at, &at, 10);
    }
    if (s->interrupted) {
        result_set(&out->kind, "interrupted");
        result_set(&out->message, "interrupted before it was done");
    } else if (s->roster.killed[index]) {
        result_set(&out->kind, "stuck");
        result_set(&out->message,
                   "its deadline had passed and the worker process did not "
                   "end by itself: it was killed");
    } else if (timed_out) {
        result_set(&out->kind, "backstop");
        result_set(&out->message,
                   "the worker did not end by its deadline and was killed");
    } else if (signal_number) {
        result_set(&out->kind, "crash");
        result_set(&out->message, "the worker process died of SIG%s",
                   sigabbrev_np(signal_number) ? sigabbrev_np(signal_number)
                                               : "?");
    } else {
        result_set(&out->kind, "crash");
        result_set(&out->message,
                   "the worker process ended (status %d) without a result",
                   exit_code);
    }
}

// A case's result, or the reason why there is none.
static void collect(const struct supervisor *s, size_t index,
                    struct result *out)
{
    char path[SUITE_PATH];
    if (!result_load(out, suite_file(path, s->dir, index, "result"), NULL))
        return;
    result_init(out);
    case_describe(s->plan, index, out);
    out->verdict = VERDICT_ERROR;
    describe_death(s, index, out);
    case_print(s->plan, out, NULL, clock_after(clock_now_ns(), NS_PER_S));
}

static void remove_dir(const char *dir)
{
    char path[SUITE_PATH];
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d));) {
        if (*e->d_name != '.')
            unlink(suite_path(path, dir, e->d_name));
    }
    if (d)
        closedir(d);
    rmdir(dir);
}

// Criterion counts on its own; that the two agree is worth a check.
static int agree(const struct supervisor *s, const struct suite_run *out,
                 struct error *err)
{
    bool ours = true;
    for (size_t i = 0; i < out->count; i++)
        ours &= out->results[i].verdict != VERDICT_FAILED &&
                out->results[i].verdict != VERDICT_ERROR;
    bool theirs = WIFEXITED(s->status) && !WEXITSTATUS(s->status);
    bool killed = false; // after its result was saved, maybe
    for (size_t i = 0; i < out->count; i++)
        killed |= s->roster.killed[i];
    if (s->interrupted || killed || ours == theirs)
        return 0;
    if (WIFSIGNALED(s->status))
        return error_set(err, -EIO, "Criterion died of SIG%s",
                         sigabbrev_np(WTERMSIG(s->status)));
    return error_set(err, -EIO,
                     "Criterion says that the run %s, the results %s",
                     theirs ? "passed" : "failed", ours ? "passed" : "failed");
}

// A folder for what the processes share, with the plan in it.
static int make_dir_in(struct supervisor *s, const char *parent,
                       struct error *err)
{
    char path[SUITE_PATH];
    snprintf(s->dir, sizeof(s->dir), "%.40s/toyvmm-XXXXXX", parent);
    if (!mkdtemp(s->dir))
        return error_errno(err, errno, "%s can't be made", s->dir);
    int code = plan_save(s->plan, suite_path(path, s->dir, "plan"), err);
    if (!code && (code = roster_open(&s->roster, s->dir, s->plan->ncases, err)))
        roster_close(&s->roster);
    if (code)
        remove_dir(s->dir);
    return code;
}

// Where temporary files belong, or, when that is full or forbidden, in memory.
static int make_dir(struct supervisor *s, struct error *err)
{
    const char *tmp = getenv("TMPDIR");
    bool usable = tmp && *tmp && strlen(tmp) <= 40;
    struct error second;
    int code = make_dir_in(s, usable ? tmp : "/tmp", err);
    if (code && !make_dir_in(s, "/dev/shm", &second))
        code = 0;
    return code;
}

static int run_supervised(struct supervisor *s, unsigned jobs,
                          struct suite_run *out, struct error *err)
{
    int code = make_dir(s, err);
    if (code)
        return code;
    code = start(s, jobs, err);
    if (!code)
        code = supervise(s, err);
    if (!code) {
        for (size_t i = 0; i < out->count; i++) {
            if (!s->plan->cases[i].skip)
                collect(s, i, &out->results[i]);
        }
        out->interrupted = s->interrupted;
        code = agree(s, out, err);
    }
    sigprocmask(SIG_UNBLOCK, &s->watched, NULL);
    roster_close(&s->roster);
    remove_dir(s->dir);
    return code;
}

static int run_here(const struct plan *plan, struct suite_run *out,
                    struct error *err)
{
    bool stopped = false;
    for (size_t i = 0; i < plan->ncases; i++) {
        struct result *r = &out->results[i];
        if (plan->cases[i].skip)
            continue;
        int code = stopped ? case_unrun(plan, i, r)
                           : case_run(plan, i, clock_now_ns(), NULL, r);
        if (code)
            return error_set(err, -ENOMEM, "out of memory");
        stopped |= plan->fail_fast && verdict_fails(r->verdict, true);
        case_print(plan, &out->results[i], NULL, CLOCK_NEVER);
    }
    return 0;
}

// Takes leave of what is skipped; *left is how many are not.
static int skip(const struct plan *plan, struct suite_run *out, size_t *left,
                struct error *err)
{
    *left = 0;
    for (size_t i = 0; i < plan->ncases; i++) {
        result_init(&out->results[i]);
        if (!plan->cases[i].skip) {
            ++*left;
            continue;
        }
        if (case_skip(plan, i, &out->results[i]))
            return error_set(err, -ENOMEM, "out of memory");
        case_print(plan, &out->results[i], NULL,
                   clock_after(clock_now_ns(), NS_PER_S));
    }
    return 0;
}

int suite_run(const struct plan *plan, unsigned jobs, bool in_process,
              struct suite_run *out, struct error *err)
{
    *out = (struct suite_run){
        .results = calloc(plan->ncases + 1, sizeof(*out->results)),
        .count = plan->ncases};
    if (!out->results)
        return error_set(err, -ENOMEM, "out of memory");
    size_t left;
    int code = skip(plan, out, &left, err);
    if (code || !left)
        return code;
    if (in_process)
        return run_here(plan, out, err);
    struct supervisor s = {.plan = plan, .expected = left};
    return run_supervised(&s, jobs, out, err);
}

void suite_run_free(struct suite_run *run)
{
    for (size_t i = 0; i < run->count; i++)
        result_free(&run->results[i]);
    free(run->results);
    *run = (struct suite_run){0};
}
