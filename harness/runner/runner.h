// SPDX-License-Identifier: Apache-2.0
// Executes a scenario against a console and gives a result record. The console
// may be a live machine's or a recording's: the runner can't tell, so it is
// tested without KVM. Used by the suite and by live.h.
#pragma once

#include "harness/console/console.h"
#include "harness/report/result.h"
#include "harness/runner/witness.h"
#include "harness/scenario/ast.h"

// How long `poweroff` waits for the guest, unless the scenario says it.
#define RUN_POWEROFF_NS UINT64_C(10000000000)

// What the runner may do to, and ask of, the machine behind the console. A
// recording has none; any member may be NULL.
struct run_machine {
    void *owner;
    unsigned vcpus; // how many it has; 0 is 1
    // Ends the machine; idempotent.
    void (*stop)(void *owner);
    // Registers of a vCPU; false when it does not run.
    bool (*regs)(void *owner, unsigned vcpu, struct toyvmm_regs *out);
    // What a vCPU does, and its memory (toyvmm_observe, toyvmm_read_virtual).
    bool (*observe)(void *owner, unsigned vcpu, uint64_t within_ns,
                    struct toyvmm_observation *out);
    size_t (*read)(void *owner, const struct toyvmm_regs *regs,
                   uint64_t address, void *to, size_t len);
    // What the present boot had spent by ns, the time of a byte or an event, or
    // the present (toyvmm_usage_at). each has room for vcpus of them, or is
    // NULL.
    void (*usage)(void *owner, uint64_t ns, struct toyvmm_usage *out,
                  struct toyvmm_share *each);
    // What its devices refused in the present boot (toyvmm_refusals).
    size_t (*refusals)(void *owner, struct toyvmm_refusal *out, size_t max);
    // Makes the machine anew and starts it, once it has ended; what was typed
    // and not taken is forgotten. 0 or a negative errno.
    int (*restart)(void *owner, struct error *err);
    // Presses the NMI button. 0; -ESRCH when the machine does not run, -EBUSY
    // when the guest does not let it through.
    int (*nmi)(void *owner, struct error *err);
    // Presses the power button. 0; -ESRCH the same, -EBUSY when the guest does
    // not listen to it.
    int (*power)(void *owner, struct error *err);
};

// Borrowed for the length of run_scenario.
struct run_options {
    const struct scenario *scenario;
    struct console *console;
    const struct run_machine *machine; // or NULL
    const char *kernel;                // the file that was booted, or NULL
    const char *symbols;               // a file with its symbols, or NULL
    uint64_t started_ns;               // process start, by the console's clock
    double timeout_scale;    // every deadline is multiplied by it; 0 is 1
    bool judge_marks;        // false: `check mark` is noted, not judged
    uint64_t nonce;          // of the markers that `run` types; 0: random
    struct witness *witness; // who else may know of the run, or NULL
    // Called with what the guest printed, as it is read. May be NULL.
    void (*printed)(void *owner, unsigned port, const uint8_t *bytes,
                    size_t len);
    // Called when a step begins, at_ns after started_ns. May be NULL.
    void (*step)(void *owner, const struct step *step, uint64_t at_ns);
    // How many times slower than hardware the machine may be, at least 1: what
    // a diagnosis may take is multiplied by it, or by timeout_scale if that is
    // more. 0 is 1.
    double slowness;
    // The clock of what a diagnosis may take; NULL is CLOCK_MONOTONIC.
    uint64_t (*clock)(void *owner);
    void *owner;
};

// Runs all steps. Fills result's verdict, message, where, kind, details, marks,
// notes, properties, console and duration; the rest of it is the caller's.
// Returns -ENOMEM when even that was impossible, else 0: that the scenario
// failed is a verdict, no error. One thread; console_interrupt from anywhere
// ends it with VERDICT_ERROR and kind "interrupted".
int run_scenario(const struct run_options *options, struct result *result);
