// SPDX-License-Identifier: Apache-2.0
// What a failure is explained with: the kernel's own reports of its trouble,
// and the sections that tell what was waited for, what came nearest to it and
// what the guest was doing. Data goes one way: console and machine in, findings
// out; nothing here knows the run. The room's only header for others; used by
// the runner.
#pragma once

#include "harness/console/matcher.h"
#include "harness/console/record.h"
#include "harness/scenario/scenario.h"

// ---- The kernel's reports, line by line (reports.c) -------------------------

// The built-in fail patterns, compiled. Owned by the run; may be shared.
#define REPORT_KINDS_MAX 32
struct report_kinds {
    size_t n;
    struct pattern *patterns[REPORT_KINDS_MAX]; // of builtin_fail_at(i)
};

// 0 or a negative errno. report_kinds_free takes what is all zero as well.
int report_kinds_init(struct report_kinds *k, struct error *err);
void report_kinds_free(struct report_kinds *k);

// The kind of the report that a line begins: the first listed that matches, or
// NULL.
const struct builtin_fail *report_kind(const struct report_kinds *k,
                                       const char *line, size_t len);

// What the kernel says in a line: where its message begins (behind level, time
// and caller), and where what printk put before that does.
struct report_text {
    size_t prefix, message;
    bool stamped; // false: no telling whether the line is the kernel's
};
void report_text(const char *line, size_t len, struct report_text *out);

// Lines that stand before a report's first: a ruler of `=', or `cut here'.
bool report_is_ruler(const char *message, size_t len);
bool report_is_cut(const char *message, size_t len);

enum report_state {
    REPORT_OPEN,
    REPORT_ENDED, // its last line was there; some kinds have an afterword
    REPORT_OVER,
};

// Where in a report the lines have got to. A value: a copy may be tried on a
// line. kinds is borrowed.
struct report_scan {
    const struct report_kinds *kinds;
    const struct builtin_fail *kind; // what it began as, or a graver one since
    enum report_end end;             // an Oops within it has an end of its own
    bool stamped; // its lines have time stamps: one without is not the kernel's
    enum report_state state;
    unsigned strays; // since its last line
};

// A report of this kind begins with this line.
void report_begin(struct report_scan *s, const struct report_kinds *kinds,
                  const struct builtin_fail *kind, const char *line,
                  size_t len);

// What a later line is to the report.
enum report_line {
    REPORT_INSIDE,
    REPORT_MAYBE,   // the next lines decide: a ruler, a stray message
    REPORT_FOREIGN, // not the kernel's
    REPORT_GRAVER,  // a consequence begins: an Oops, a panic; s->kind is its
    REPORT_NEXT,    // something else: the report is over
};
enum report_line report_line(struct report_scan *s, const char *line,
                             size_t len);

// ---- A report taken whole (trace.c) -----------------------------------------

// One of the kernel's reports, taken whole out of the record of a console: its
// lines with their times, and a title.
//
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

// A title without what differs each time: addresses, task numbers, CPUs,
// offsets, durations. Two runs that fail alike have the same. A heap string or
// NULL.
char *title_group(const char *title);

// ---- The diagnosis of a failure (diagnosis*.c) ------------------------------

// The machine of a run; as in struct run_machine, any member may be NULL.
struct diagnosis_machine {
    void *owner;
    unsigned vcpus; // 0 is 1
    bool (*regs)(void *owner, unsigned vcpu, struct toyvmm_regs *out);
    bool (*observe)(void *owner, unsigned vcpu, uint64_t within_ns,
                    struct toyvmm_observation *out);
    size_t (*read)(void *owner, const struct toyvmm_regs *regs,
                   uint64_t address, void *to, size_t len);
};

// What was waited for and did not come.
struct diagnosis_wait {
    const struct pattern *const *patterns;
    size_t npatterns;
    const char *what;
    uint64_t started_ns;
};

struct diagnosis_port {
    const struct matcher *matcher; // NULL: nobody looked at it
    const struct console_record *record;
    bool printed;
};

// What is known of a run that failed. All borrowed; times are the console's.
struct diagnosis_run {
    uint64_t started_ns, now_ns;
    const struct step *step;           // that failed, or NULL
    const struct diagnosis_wait *wait; // that timed out, or NULL
    struct diagnosis_port ports[TOYVMM_PORTS];
    unsigned port;                       // that the step looks at
    struct matcher *matcher;             // of `port`, never NULL
    const struct console_record *record; // the same
    size_t unread;        // typed bytes that the guest has not taken
    const char *hit_line; // that a fail pattern fired on, or NULL
    const char *trace;    // the kernel's report that is the reason, or NULL
    const struct toyvmm_event *end;          // of the machine, or NULL
    const struct diagnosis_machine *machine; // or NULL
    const char *kernel;  // the file that was booted, or NULL
    const char *symbols; // a file with its symbols, or NULL
    // How long it may take, by a clock of its own (NULL: CLOCK_MONOTONIC). Each
    // part has its share of it; what was given up is said where it would stand.
    uint64_t budget_ns;
    uint64_t (*clock)(void *owner);
    // Takes a section (result_section_at) as soon as it is ready, so that it is
    // not lost when the rest never ends. "doing" comes twice when names had to
    // be looked for: the later one counts.
    void (*found)(void *owner, const char *section, const char *text);
    void *owner; // of clock and found
};

void diagnose(const struct diagnosis_run *run);

// The machine's part of it alone, without names: for who can't wait longer than
// within_ns (CLOCK_MONOTONIC). A heap string; NULL when nothing was seen, or
// out of memory.
char *diagnosis_doing(const struct diagnosis_machine *machine,
                      uint64_t within_ns, unsigned port);

// The step as it may be shown: without what is secret. Heap, or NULL.
char *diagnosis_step_text(const struct step *s);

// "30 s", "250 ms", "1.5 s" into buf; returns buf.
#define SPAN_TEXT 32
const char *span_text(char buf[SPAN_TEXT], uint64_t ns);

// How many lines back a fail pattern's line is looked for.
#define LOOK_BACK 400

// The last max lines of all ports that printed, in the order in which they
// began.
void diagnosis_tail(const struct diagnosis_port ports[TOYVMM_PORTS], size_t max,
                    void (*line)(void *owner, unsigned port, uint64_t ns,
                                 const char *text, size_t len),
                    void *owner);
