// SPDX-License-Identifier: Apache-2.0
// A guest made of a script, for the runner's tests: a console with a time of
// its own, that prints when the script says so and waits for what is typed.
#pragma once

#include "harness/console/console.h"
#include "harness/report/result.h"
#include "harness/runner/runner.h"

#include <stddef.h>

// One line of the script: when `typed` has come (NULL: at once), and after_ms
// have passed, the guest prints `prints` (NULL: nothing), or the machine has
// the event `event`.
struct script_line {
    const char *typed;
    uint64_t after_ms;
    const char *prints;
    int event; // 0: none, else 1 + enum toyvmm_event_kind
    unsigned port;
};

#define EVENT(kind) (1 + (int)(kind))

// Runs a scenario's text (title and machine are put before it) against the
// script. The verdict and all else is in result; a scenario that does not
// parse fails the test.
struct fake_options {
    double scale;
    bool unjudged_marks;
    // Printed every noise_ms, whatever the script does. NULL: nothing.
    const char *noise;
    uint64_t noise_ms;
    size_t unread;    // of what is typed so much is never taken, on any port
    uint64_t tick_us; // time passes whenever somebody looks at the clock
    // Called with the run before it begins, and after it. May be NULL.
    void (*prepare)(void *owner, struct run_options *run);
    void (*done)(void *owner, const struct result *result);
    void *owner;
};
void fake_run(const char *scenario, const struct script_line *script, size_t n,
              const struct fake_options *options, struct result *result);

// What was typed in the last run, NUL-terminated; a break is "<break>".
const char *fake_typed(void);
// The same of one port, its first 4 KiB.
const char *fake_typed_on(unsigned port);

#define RUN(scenario, result, ...)                                             \
    do {                                                                       \
        const struct script_line script_[] = {__VA_ARGS__};                    \
        fake_run(scenario, script_, sizeof(script_) / sizeof(script_[0]),      \
                 NULL, result);                                                \
    } while (0)

// The run failed with a message that has a_text in it. Of who includes
// Criterion.
#define EXPECT_FAILURE(r, a_kind, a_text)                                      \
    do {                                                                       \
        cr_expect_eq((r).verdict, VERDICT_FAILED);                             \
        cr_expect_str_eq((r).kind ? (r).kind : "none", a_kind);                \
        cr_expect((r).message &&strstr((r).message, a_text), "message: %s",    \
                  (r).message ? (r).message : "none");                         \
    } while (0)
