// SPDX-License-Identifier: Apache-2.0
// One of the kernel's reports of its own trouble, taken whole out of the record
// of a console: its lines with their times, and a title. Used by the runner
// only.
#pragma once

#include "harness/console/matcher.h"
#include "harness/console/record.h"
#include "harness/diagnosis/reports.h"

//   [    5.08] sysrq: Trigger a crash
//   [    5.09] ------------[ cut here ]---      where the trace begins, for the
//   [    5.09] refcount_t: underflow             line that fired had these
//   [    5.10] WARNING: CPU: 0 PID: 1 at ...    the line that fired
//   user text                                   left out, and counted
//   [    5.11]  <TASK>
//   [    5.14] ---[ end trace 00000000 ]---     the end; but what follows may
//   [    5.15] Kernel panic - not syncing       be its consequence
//   [    5.16] ---[ end Kernel panic ...        nothing follows
//
// Owned by whoever made it; one thread. The record is borrowed.
struct trace;

// The report that begins with the line on which hit fired. NULL without an
// error when that line begins none; NULL with err->text set when out of memory.
struct trace *trace_new(const struct report_kinds *kinds,
                        const struct console_record *record,
                        const struct watch_hit *hit, struct error *err);
void trace_free(struct trace *t); // NULL is fine

// Takes the lines that the record got since. True while more are to come:
// trace_quiet_ns says how long without output is the end (unscaled).
bool trace_more(struct trace *t);
uint64_t trace_quiet_ns(const struct trace *t);

// The kind that it began as.
const struct builtin_fail *trace_kind(const struct trace *t);

// The short title, a heap string. NULL when out of memory.
char *trace_title(const struct trace *t);

// All its lines with their times, counted from started_ns; what user space
// printed in between is left out and counted. A heap string, NULL when out of
// memory.
char *trace_text(const struct trace *t, uint64_t started_ns);
