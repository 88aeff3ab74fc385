// SPDX-License-Identifier: Apache-2.0
// The runner's inner state, and what a step leads to: the lowest layer of the
// runner (README.md). For the files of this folder only.
#pragma once

#include "harness/console/matcher.h"
#include "harness/console/record.h"
#include "harness/runner/boot_log.h"
#include "harness/runner/rules.h"
#include "harness/runner/runner.h"
#include "harness/runner/secrets.h"
#include "harness/scenario/variables.h"

// Automatic marks that stand for a line of the kernel's.
#define LINE_MARKS 2

// What a step leads to.
enum flow {
    FLOW_NEXT,
    FLOW_END, // the scenario is over: the result has a verdict
};

// Runs a statement of its kind.
struct run;
typedef enum flow (*run_step_function)(struct run *r, const struct step *s);

// One serial port as the run sees it (ports.c). matcher is NULL until the port
// printed something or a step looked at it.
struct run_port {
    struct matcher *matcher;
    struct console_record *record;
    struct watch *line_marks;
    struct boot_log log; // of the present boot
    bool printed;
    bool at_shell; // a shell is believed to listen there
};

// One run of one scenario. Owned by run_scenario, touched by its thread only
// (but see witness.h).
// Invariant: once a verdict other than "passed" is in result->kind, no step
// runs any more.
struct run {
    const struct run_options *options;
    const struct scenario *scenario;
    struct result *result;
    double scale;
    uint64_t deadline_ns; // the scenario's

    struct console_batch *batch;
    struct run_port ports[TOYVMM_PORTS];
    unsigned port;           // that the present step looks at
    unsigned chosen;         // by `console ttyS1`, for steps that say none
    struct matcher *matcher; // of `port`, never NULL
    struct console_record *record; // the same
    struct rules rules;
    struct pattern *line_patterns[LINE_MARKS];
    struct variables variables;
    struct secrets secrets;

    uint64_t now_ns;     // the console's time after the last thing read
    uint64_t started_ns; // when the present boot's machine started, or 0
    bool printed;        // a first byte was seen
    bool interrupted;    // asked to stop: nothing more can be judged
    bool line_seen[LINE_MARKS];
    bool prompt_seen; // the login prompt of this boot has its mark
    bool hit;         // a fail pattern fired and was not dealt with yet
    unsigned hit_port;
    struct watch_hit hit_data;
    char *trace;   // the kernel's report that is the reason, or NULL
    bool panicked; // an expected panic came: the kernel's cries mean nothing
    bool ended;    // the machine's last event came
    bool end_seen; // ... and a step has taken it
    // An expected reset: the machine starts anew for the first step that needs
    // it (life.c).
    bool restart_due;
    unsigned boots; // 1 from the beginning on
    struct toyvmm_event end;
    struct toyvmm_usage past;         // what the boots before have spent
    struct toyvmm_share *past_shares; // and each of several vCPUs; or NULL
    uint64_t commands;

    const run_step_function *steps; // by enum step_kind
    const struct step *step; // that runs, for messages; NULL before the first
    uint64_t step_ns;        // when it began
    unsigned failed_checks;
};

// A span of the scenario as it holds on this accelerator.
uint64_t run_scaled(const struct run *r, uint64_t ns);
