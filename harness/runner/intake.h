// SPDX-License-Identifier: Apache-2.0
// What the console gives, shown to all who look: matchers, watches, records,
// marks. Nothing here fails a run: what can't be done is an error for the layer
// above (README.md).
#pragma once

#include "harness/runner/state.h"

// ---- The console (intake.c) -------------------------------------------------

// Takes what was read into r->batch: r->now_ns and all that follows from it. 0
// or a negative errno.
int run_take(struct run *r, struct error *err);

// When a watch has something to judge although nothing comes, or CLOCK_NEVER.
uint64_t run_watches_wake_ns(const struct run *r);

// Reads on for a moment after a death cry, so that the report has all of it:
// until the machine ends, or quiet_ns without output, at most limit_ns.
void run_drain(struct run *r, uint64_t quiet_ns, uint64_t limit_ns);

// One step of that, for who knows better when to stop: reads one item. False
// when there was none for quiet_ns (unscaled) or until end_ns, which
// run_drain_end gives: limit_ns (unscaled) from now, but no longer than a
// second after the scenario's deadline.
bool run_drain_one(struct run *r, uint64_t quiet_ns, uint64_t end_ns);
uint64_t run_drain_end(const struct run *r, uint64_t limit_ns);

// ---- Marks (marks.c) --------------------------------------------------------

// Stamps a mark at ns of the console's clock, with what the machine had spent
// by then.
void run_mark(struct run *r, const char *name, uint64_t ns);

// Stamps a mark that an event stands for, named as run_boot_mark does; before
// that of the first KVM_RUN the one of when memory was ready.
void run_event_mark(struct run *r, const char *name,
                    const struct toyvmm_event *e);

// Stamps one of the marks that every boot has: of the second boot it is named
// boot2_NAME, and so on.
void run_boot_mark(struct run *r, const char *name, uint64_t ns);

// The name of a boot's own mark, into buf where it isn't the first boot.
#define BOOT_NAME 64
const char *run_boot_name(const struct run *r, const char *name,
                          char buf[BOOT_NAME]);

// Stamps login_prompt.
void run_login_mark(struct run *r, uint64_t ns);

// A step's pattern matched. What it matched may be the first login prompt of
// this boot: then that has its mark, though no `login` waited for it. Judged by
// the matched text alone, which is the same whatever was read with it.
void run_match_mark(struct run *r, const struct match *m);

// The present boot has ended: what it spent is of the past.
void run_end_boot_usage(struct run *r);

// ---- What the guest told of its times (readings.c) --------------------------

// A boot is over: what its consoles told of times goes to the result.
void run_end_boot_logs(struct run *r);

// A boot is over, its machine still there: notes what its devices refused.
void run_note_refusals(struct run *r);

// The run is over: says why there are no initcall times though they were asked
// for.
void run_note_initcalls(struct run *r);

// ---- The serial ports (ports.c) ---------------------------------------------

// Makes a port ready to take bytes; does nothing when it is. 0 or a negative
// errno.
int run_open_port(struct run *r, unsigned port, struct error *err);
void run_close_ports(struct run *r);

// Consumes what was received until now, on all ports.
void run_skip(struct run *r);

// The ports forget what was received: a machine begins anew. Their records
// stay. 0 or a negative errno.
int run_renew_ports(struct run *r, struct error *err);
