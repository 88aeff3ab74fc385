// SPDX-License-Identifier: Apache-2.0
// A worker process: runs one case and hands its result over as a file.
// Criterion starts this program anew for it and jumps to worker_main, so main
// has not run and there are no arguments.
#include "harness/suite/case.h"
#include "harness/suite/process.h"
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
static atomic_bool stop_asked;

// Long enough to stop a machine and to save a result.
#define LAST_WORDS_S 2

static void on_stop(int signal_number)
{
    (void)signal_number;
    atomic_store(&stop_asked, true);
    struct console *c = atomic_load(&running);
    if (c)
        console_interrupt(c);
    // Whatever is stuck: the default action of SIGALRM ends this process.
    alarm(LAST_WORDS_S);
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

// Runs the case and saves its result; false when even that was impossible.
static bool work(struct result *result, struct error *err)
{
    uint64_t started = clock_now_ns();
    char path[SUITE_PATH];
    const char *dir = getenv(SUITE_DIR_VARIABLE);
    struct plan plan;
    if (!dir) {
        error_set(err, -EINVAL, SUITE_DIR_VARIABLE " is not set");
        return false;
    }
    if (plan_load(&plan, suite_path(path, dir, "plan"), err))
        return false;
    size_t index = plan_find(&plan, criterion_current_test->category,
                             criterion_current_test->name);
    struct case_control control = {.console = on_console};
    bool ok = false;
    if (index >= plan.ncases)
        error_set(err, -EINVAL, "the plan has no case %s",
                  criterion_current_test->name);
    else if (case_run(&plan, index, started, &control, result))
        error_set(err, -ENOMEM, "out of memory");
    else
        ok = !result_save(result, suite_file(path, dir, index, "result"), err);
    if (ok)
        case_print(&plan, result, suite_path(path, dir, "lock"));
    plan_free(&plan);
    return ok;
}

// Criterion shall see what we see.
static void tell_criterion(const struct result *result)
{
    switch (result->verdict) {
    case VERDICT_PASSED:
        return;
    case VERDICT_SKIPPED:
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
    tell_criterion(&result);
    result_free(&result);
}

void worker_main(void)
{
    criterion_internal_test_setup();
    criterion_internal_test_main(run_case);
    criterion_internal_test_teardown();
}
