// SPDX-License-Identifier: Apache-2.0
// A worker process: runs one case and hands its result over as a file.
// Criterion starts this program anew for it and jumps to worker_main, so main
// has not run and there are no arguments.
#include "harness/runner/witness.h"
#include "harness/suite/case.h"
#include "harness/suite/process.h"
#include "harness/suite/watchdog.h"
#include "src/base/clock.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

// What a signal handler has to reach: the only state of this file that is not
// a function's own. The process runs one case.
static _Atomic(struct console *) running;
static _Atomic(struct watchdog *) dog;
static atomic_bool stop_asked;

// Long enough to stop a machine and to save a result; then the watchdog does
// it, and then the default action of SIGALRM ends this process.
#define STOP_NS     NS_PER_S
#define STOP_HARD_S 2

// More than reading a scenario takes.
#define LOAD_NS (10 * NS_PER_S)

static void on_stop(int signal_number)
{
    (void)signal_number;
    atomic_store(&stop_asked, true);
    struct console *c = atomic_load(&running);
    if (c)
        console_interrupt(c);
    struct watchdog *w = atomic_load(&dog);
    if (w)
        watchdog_set(w, clock_after(clock_now_ns(), STOP_NS));
    alarm(STOP_HARD_S);
}

static void on_console(void *owner, struct console *c)
{
    (void)owner;
    atomic_store(&running, c);
    if (c && atomic_load(&stop_asked))
        console_interrupt(c);
}

static void listen_to_signals(void)
{
    struct sigaction stop = {.sa_handler = on_stop, .sa_flags = SA_RESTART};
    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGINT, &stop, NULL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

// Ends with the process that started it, however that one ends.
static void tie_to_parent(void)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    const char *parent = getenv(SUITE_PARENT_VARIABLE);
    if (parent && strtol(parent, NULL, 10) != getppid())
        raise(SIGTERM);
}

static void empty_stdin(void)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (fd > 0) {
        dup2(fd, 0);
        close(fd);
    }
}

// What this process works at. Touched by the run's thread; by the watchdog's
// only under the witness's lock, while `saving` is not set.
struct work {
    struct plan plan;
    size_t index;
    const char *dir;
    struct result *result;
    struct witness witness;
    struct watchdog watchdog;
    uint64_t deadline_ns;
    bool saving; // changed under the witness's lock
};

// Tells the supervisor when this process must have ended, and the watchdog when
// it should have.
static void on_begun(void *owner, uint64_t deadline_ns)
{
    struct work *w = owner;
    double scale = plan_slowness(&w->plan);
    char path[SUITE_PATH];
    w->deadline_ns = deadline_ns;
    if (!atomic_load(&stop_asked))
        watchdog_set(&w->watchdog,
                     suite_after(deadline_ns, SUITE_LAST_WORDS_S, scale));
    struct notice notice = {.index = w->index,
                            .end_ns =
                                suite_after(deadline_ns, SUITE_KILL_S, scale),
                            .pid = getpid()};
    int fd = open(suite_path(path, w->dir, SUITE_CLOCK),
                  O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0) {
        (void)!write(fd, &notice, sizeof(notice));
        close(fd);
    }
}

static int on_confined(void *owner, struct error *err)
{
    struct work *w = owner;
    return watchdog_renew(&w->watchdog, err);
}

// Where there is no room for all of it, a result without the consoles, and
// without all that explains it, is better than none.
static bool save(const struct work *w, const struct result *result,
                 struct error *err)
{
    char path[SUITE_PATH];
    suite_file(path, w->dir, w->index, "result");
    if (!result_save(result, path, err))
        return true;
    struct result small = *result;
    small.nconsoles = 0;
    struct error again;
    bool saved = !result_save(&small, path, &again);
    if (!saved) {
        small.nsections = small.nnotes = small.ntests = 0;
        saved = !result_save(&small, path, &again);
    }
    if (saved)
        fprintf(stderr, "toyvmm-test: %s: %s: its report is incomplete\n",
                w->plan.cases[w->index].path, err->text);
    return saved;
}

static void print(const struct work *w, const struct result *result,
                  uint64_t deadline_ns)
{
    char path[SUITE_PATH];
    uint64_t soon = clock_after(clock_now_ns(), NS_PER_S / 2);
    case_print(&w->plan, result, suite_path(path, w->dir, "lock"),
               deadline_ns > soon ? deadline_ns : soon);
}

// The run does not end by itself. Its thread may be anywhere but in a place
// where it holds the witness's lock; it never gets that lock again.
static void last_words(void *owner)
{
    struct work *w = owner;
    uint64_t now = clock_now_ns();
    if (!witness_try(&w->witness, clock_after(now, NS_PER_S / 5)))
        _exit(1);
    if (w->saving) {
        witness_unlock(&w->witness);
        return;
    }
    struct error err;
    struct result own;
    struct result *result = w->witness.finished;
    if (!result) {
        result = &own;
        result_init(result);
        case_describe(&w->plan, w->index, result);
        result->verdict = VERDICT_ERROR;
        uint64_t soon = clock_after(now, NS_PER_S / 4);
        bool begun = witness_tell(&w->witness, soon, result);
        // A verdict that there was already is told, with what is known of why.
        bool stop = atomic_load(&stop_asked);
        if (!result->kind) {
            result_set(&result->kind, stop ? "interrupted" : "stuck");
            result_set(
                &result->message, "%s%s",
                stop ? "interrupted, and the run did not "
                     : "the scenario's timeout passed and the run did not ",
                begun ? "end by itself" : "even begin");
        }
    }
    case_identify(&w->plan, w->index, result);
    if (verdict_fails(result->verdict, true))
        suite_stop(&w->plan, w->dir);
    if (save(w, result, &err))
        print(w, result, 0);
    _exit(result->verdict == VERDICT_FAILED ||
          result->verdict == VERDICT_ERROR);
}

static bool run_and_save(struct work *w, uint64_t started_ns, struct error *err)
{
    struct case_control control = {.console = on_console,
                                   .begun = on_begun,
                                   .confined = on_confined,
                                   .folder = w->dir,
                                   .owner = w,
                                   .witness = &w->witness};
    int code =
        suite_stopped(&w->plan, w->dir)
            ? case_unrun(&w->plan, w->index, w->result)
            : case_run(&w->plan, w->index, started_ns, &control, w->result);
    if (code) {
        error_set(err, -ENOMEM, "out of memory");
        return false;
    }
    witness_lock(&w->witness);
    w->saving = true;
    witness_unlock(&w->witness);
    // Before Criterion learns that there is room for the next one.
    if (verdict_fails(w->result->verdict, true))
        suite_stop(&w->plan, w->dir);
    if (!save(w, w->result, err))
        return false;
    print(w, w->result, w->deadline_ns);
    return true;
}

static bool watch_and_run(struct work *w, uint64_t started_ns,
                          struct error *err)
{
    if (witness_init(&w->witness, err))
        return false;
    if (watchdog_start(&w->watchdog, CLOCK_NEVER, last_words, w, err)) {
        witness_destroy(&w->witness);
        return false;
    }
    atomic_store(&dog, &w->watchdog);
    // Until the scenario says more.
    on_begun(w, clock_after(started_ns, LOAD_NS));
    bool ok = run_and_save(w, started_ns, err);
    atomic_store(&dog, NULL);
    watchdog_stop(&w->watchdog);
    witness_destroy(&w->witness);
    return ok;
}

// Runs the case and saves its result; false when even that was impossible.
static bool work(struct result *result, struct error *err)
{
    uint64_t started = clock_now_ns();
    char path[SUITE_PATH];
    struct work w = {.dir = getenv(SUITE_DIR_VARIABLE), .result = result};
    if (!w.dir) {
        error_set(err, -EINVAL, SUITE_DIR_VARIABLE " is not set");
        return false;
    }
    if (plan_load(&w.plan, suite_path(path, w.dir, "plan"), err))
        return false;
    w.index = plan_find(&w.plan, criterion_current_test->category,
                        criterion_current_test->name);
    bool ok = false;
    if (w.index >= w.plan.ncases)
        error_set(err, -EINVAL, "the plan has no case %s",
                  criterion_current_test->name);
    else
        ok = watch_and_run(&w, started, err);
    plan_free(&w.plan);
    return ok;
}

// Criterion shall see what we see.
static void tell_criterion(const struct result *result)
{
    switch (result->verdict) {
    case VERDICT_PASSED:
    case VERDICT_FLAKY:
    case VERDICT_KNOWN:
    case VERDICT_FIXED:
    case VERDICTS:
        return;
    case VERDICT_SKIPPED:
    case VERDICT_UNRUN:
        cr_skip_test("%.500s", result->message ? result->message : "");
        return;
    case VERDICT_FAILED:
    case VERDICT_ERROR:
        cr_assert_fail("%.500s", result->message ? result->message : "");
        return;
    }
}

static void run_case(void)
{
    struct result result;
    struct error err = {""};
    result_init(&result);
    setlocale(LC_ALL, "C");
    empty_stdin();
    listen_to_signals();
    tie_to_parent();
    if (!work(&result, &err)) {
        fprintf(stderr, "toyvmm-test: a worker failed: %s\n", err.text);
        cr_assert_fail("%s", err.text);
    }
    // Whoever asked is not interested, and Criterion may be gone: it would be
    // called for ever.
    if (atomic_load(&stop_asked))
        _exit(1);
    tell_criterion(&result);
    result_free(&result);
}

void worker_main(void)
{
    criterion_internal_test_setup();
    criterion_internal_test_main(run_case);
    criterion_internal_test_teardown();
}
