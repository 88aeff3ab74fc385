// SPDX-License-Identifier: Apache-2.0
// The process that the user started: keeps the terminal, lets a child run
// Criterion, collects the results, and leaves no process behind. See suite.h.
#include "harness/suite/suite.h"

#include "harness/suite/case.h"
#include "harness/suite/process.h"
#include "src/base/clock.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

// More than a worker needs for its last words.
#define FAREWELL_S 4

// Criterion's own limit for a test: never reached, unless our deadline failed.
#define BACKSTOP_MARGIN_S 60

struct supervisor {
    const struct plan *plan;
    char dir[64];
    pid_t criterion;
    int status; // of the process that runs Criterion, as waitpid has it
    bool ended;
    bool interrupted;
    sigset_t watched;
};

// The longest deadline of all scenarios, scaled: Criterion wants one limit
// for all.
static double backstop(const struct plan *plan)
{
    uint64_t longest = 0;
    for (size_t i = 0; i < plan->ncases; i++) {
        struct scenario *s = NULL;
        struct diagnostics diags = {0};
        if (!scenario_load(plan->cases[i].path, plan->sets, plan->nsets, &s,
                           &diags, NULL) &&
            s->timeout_ns > longest)
            longest = s->timeout_ns;
        scenario_free(s);
        diagnostics_free(&diags);
    }
    return (double)longest / 1e9 * plan->timeout_scale + BACKSTOP_MARGIN_S;
}

static int start(struct supervisor *s, unsigned jobs, struct error *err)
{
    double backstop_s = backstop(s->plan);
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

// The workers of a dead Criterion end by themselves; those that don't are
// killed.
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
        sigtimedwait(&s->watched, NULL, &left);
    }
}

static void supervise(struct supervisor *s)
{
    while (!s->ended) {
        siginfo_t info;
        int n = sigwaitinfo(&s->watched, &info);
        if (n == SIGCHLD)
            reap(s);
        else if (n > 0) {
            s->interrupted = true;
            kill(s->criterion, SIGKILL);
        }
    }
    bid_farewell(s);
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
    const struct plan_case *c = &s->plan->cases[index];
    if (!result_load(out, suite_file(path, s->dir, index, "result"), NULL))
        return;
    result_init(out);
    out->verdict = VERDICT_ERROR;
    result_set(&out->path, "%s", c->path);
    result_set(&out->title, "%s", c->name);
    result_set(&out->suite, "%s", c->suite);
    result_set(&out->accelerator, "%s", s->plan->accelerator);
    struct timespec wall;
    clock_gettime(CLOCK_REALTIME, &wall);
    out->started_unix_ns = (uint64_t)wall.tv_sec * NS_PER_S;
    describe_death(s, index, out);
    case_print(s->plan, out, NULL);
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
        ours &= out->results[i].verdict == VERDICT_PASSED ||
                out->results[i].verdict == VERDICT_SKIPPED;
    bool theirs = WIFEXITED(s->status) && !WEXITSTATUS(s->status);
    if (s->interrupted || ours == theirs)
        return 0;
    if (WIFSIGNALED(s->status))
        return error_set(err, -EIO, "Criterion died of SIG%s",
                         sigabbrev_np(WTERMSIG(s->status)));
    return error_set(err, -EIO,
                     "Criterion says that the run %s, the results %s",
                     theirs ? "passed" : "failed", ours ? "passed" : "failed");
}

static int run_supervised(struct supervisor *s, unsigned jobs,
                          struct suite_run *out, struct error *err)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(s->dir, sizeof(s->dir), "%.40s/toyvmm-XXXXXX",
             tmp && *tmp && strlen(tmp) <= 40 ? tmp : "/tmp");
    if (!mkdtemp(s->dir))
        return error_errno(err, errno, "%s can't be made", s->dir);
    char path[SUITE_PATH];
    int code = plan_save(s->plan, suite_path(path, s->dir, "plan"), err);
    if (!code)
        code = start(s, jobs, err);
    if (!code) {
        supervise(s);
        for (size_t i = 0; i < out->count; i++)
            collect(s, i, &out->results[i]);
        out->interrupted = s->interrupted;
        code = agree(s, out, err);
        sigprocmask(SIG_UNBLOCK, &s->watched, NULL);
    }
    remove_dir(s->dir);
    return code;
}

static int run_here(const struct plan *plan, struct suite_run *out,
                    struct error *err)
{
    for (size_t i = 0; i < plan->ncases; i++) {
        if (case_run(plan, i, clock_now_ns(), NULL, &out->results[i]))
            return error_set(err, -ENOMEM, "out of memory");
        case_print(plan, &out->results[i], NULL);
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
    if (in_process)
        return run_here(plan, out, err);
    struct supervisor s = {.plan = plan};
    return run_supervised(&s, jobs, out, err);
}

void suite_run_free(struct suite_run *run)
{
    for (size_t i = 0; i < run->count; i++)
        result_free(&run->results[i]);
    free(run->results);
    *run = (struct suite_run){0};
}
