// SPDX-License-Identifier: Apache-2.0
// Runs the tests that criterion/criterion.h beside this file has collected.
// `--tap=FILE` and `--filter=PATTERN` (suite/test) are taken as Criterion takes
// them.
#include "src/tests/inprocess/criterion/criterion.h"

#include <fnmatch.h>
#include <pthread.h>
#include <stdarg.h>

#define SUITES_MAX 64

// Filled by constructors, before main; then main's thread only.
static struct {
    struct inprocess_test *first, **last;
    size_t nsuites;
    const char *suites[SUITES_MAX];
    struct inprocess_options suite_options[SUITES_MAX];
    jmp_buf leave;
    pthread_t thread;
    bool failed, skipped;
    FILE *tap;
} state = {.last = &state.first};

void inprocess_add_test(struct inprocess_test *test)
{
    // `last` may be NULL before main: constructors run in any order.
    if (!state.first)
        state.last = &state.first;
    *state.last = test;
    state.last = &test->next;
}

void inprocess_add_suite(const char *suite, struct inprocess_options options)
{
    if (state.nsuites == SUITES_MAX)
        abort();
    state.suites[state.nsuites] = suite;
    state.suite_options[state.nsuites++] = options;
}

void inprocess_failed(const char *file, int line, const char *what, bool fatal)
{
    fprintf(stderr, "%s:%d: failed: %s\n", file, line, what);
    state.failed = true;
    if (!fatal)
        return;
    // Another thread has no way back to main.
    if (!pthread_equal(pthread_self(), state.thread))
        abort();
    longjmp(state.leave, 1);
}

void inprocess_skip(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fprintf(state.tap, "# ");
    vfprintf(state.tap, fmt, args);
    fprintf(state.tap, "\n");
    va_end(args);
    state.skipped = true;
    longjmp(state.leave, 1);
}

static const struct inprocess_options *suite_of(const struct inprocess_test *t)
{
    static const struct inprocess_options none;
    for (size_t i = 0; i < state.nsuites; i++)
        if (!strcmp(state.suites[i], t->suite))
            return &state.suite_options[i];
    return &none;
}

static void run_one(const struct inprocess_test *t)
{
    // Not changed after setjmp, and volatile tells the compiler so.
    const struct inprocess_options *volatile suite = suite_of(t);
    state.failed = state.skipped = false;
    if (!setjmp(state.leave)) {
        if (suite->init)
            suite->init();
        if (t->options.init)
            t->options.init();
        t->body();
        if (t->options.fini)
            t->options.fini();
        if (suite->fini)
            suite->fini();
    }
    fprintf(state.tap, "%s - %s::%s%s\n", state.failed ? "not ok" : "ok",
            t->suite, t->name, state.skipped ? " # SKIP see above" : "");
    fflush(state.tap);
}

static bool matches(const struct inprocess_test *t, const char *pattern)
{
    char name[256];
    snprintf(name, sizeof name, "%s/%s", t->suite, t->name);
    return !pattern || !fnmatch(pattern, name, 0);
}

int main(int argc, char **argv)
{
    int failures = 0;
    const char *pattern = NULL;
    state.tap = stdout;
    state.thread = pthread_self();
    for (int i = 1; i < argc; i++) {
        if (!strncmp(argv[i], "--tap=", 6))
            state.tap = fopen(argv[i] + 6, "w");
        if (!strncmp(argv[i], "--filter=", 9))
            pattern = argv[i] + 9;
        if (!state.tap) {
            perror(argv[i]);
            return 2;
        }
    }
    for (const struct inprocess_test *t = state.first; t; t = t->next) {
        if (!matches(t, pattern))
            continue;
        run_one(t);
        failures += state.failed;
    }
    return failures != 0;
}
