// SPDX-License-Identifier: Apache-2.0
// The runner's inner state, shared by the files of this folder only.
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

// One run of one scenario. Owned by run_scenario, touched by its thread only.
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
    struct toyvmm_usage past; // what the boots before have spent
    uint64_t commands;

    const struct step *step; // that runs, for messages; NULL before the first
    uint64_t step_ns;        // when it began
    unsigned failed_checks;
};

// What a step leads to.
enum flow {
    FLOW_NEXT,
    FLOW_END, // the scenario is over: the result has a verdict
};

// ---- Reading the console (pump.c) -------------------------------------------

// Reads one item until deadline_ns and shows it to everybody: matcher, watches,
// record, marks. False when the run can't go on: the result says why.
bool run_pump(struct run *r, uint64_t deadline_ns);

// Reads on for a moment after a death cry, so that the report has all of it:
// until the machine ends, or quiet_ns without output, at most limit_ns.
void run_drain(struct run *r, uint64_t quiet_ns, uint64_t limit_ns);

// One step of that, for who knows better when to stop: reads one item. False
// when there was none for quiet_ns (unscaled) or until end_ns, which
// run_drain_end gives: limit_ns (unscaled) from now, but no longer than a
// second after the scenario's deadline.
bool run_drain_one(struct run *r, uint64_t quiet_ns, uint64_t end_ns);
uint64_t run_drain_end(const struct run *r, uint64_t limit_ns);

// ---- Marks (marks.c)
// ---------------------------------------------------------

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

// Adds what a machine spent to a sum.
void run_add_usage(struct toyvmm_usage *sum, const struct toyvmm_usage *more);

// ---- What the guest told of its times (readings.c)
// ----------------------------

// A boot is over: what its consoles told of times goes to the result.
void run_end_boot_logs(struct run *r);

// The run is over: says why there are no initcall times though they were asked
// for.
void run_note_initcalls(struct run *r);

// ---- The serial ports (ports.c) ---------------------------------------------

// Makes a port ready to take bytes; does nothing when it is. 0 or a negative
// errno.
int run_open_port(struct run *r, unsigned port, struct error *err);
void run_close_ports(struct run *r);

// From now on waits look at this port, and what is typed goes there.
enum flow run_use_port(struct run *r, unsigned port);

// Consumes what was received until now, on all ports.
void run_skip(struct run *r);

// The ports forget what was received: a machine begins anew. Their records
// stay. 0 or a negative errno.
int run_renew_ports(struct run *r, struct error *err);

// The consoles' last max lines in the order in which they began, across all
// ports that printed.
void run_tail(const struct run *r, size_t max,
              void (*line)(void *owner, unsigned port, uint64_t ns,
                           const char *text, size_t len),
              void *owner);

// How many ports have printed.
unsigned run_ports_printed(const struct run *r);

// ---- The machine's life (life.c) --------------------------------------------

// Starts the machine anew when an expected reset left it off. Steps that wait
// or type call it first.
enum flow run_revive(struct run *r);

// Ends the machine and reads what it still had to say: r->ended holds then.
enum flow run_stop(struct run *r);

// ---- Waiting (wait.c) -------------------------------------------------------

enum wait_outcome {
    WAIT_MATCH,
    WAIT_EVENT,   // one of wait.events; event says which
    WAIT_QUIET,   // nothing was printed for wait.quiet_ns
    WAIT_TIMEOUT, // only when GUEST_TIMEOUT is in wait.events
    WAIT_END,     // the machine ended: only with wait.leaves_end
    WAIT_FAILED,  // the result has a verdict
};

struct wait {
    const struct pattern *const *patterns;
    size_t npatterns;
    unsigned events;    // 1 << enum guest_event
    uint64_t within_ns; // unscaled; 0: the scenario's step-timeout
    uint64_t quiet_ns;  // scaled; 0: never
    bool kernel_talks;  // what the kernel prints doesn't end the quiet
    bool leaves_end;    // the machine's end is WAIT_END, for a later step too
    const char *what;   // "a login prompt": for messages
    // Filled by run_wait:
    struct match match;
    enum guest_event event;
    uint64_t started_ns;
    uint64_t deadline_ns; // 0 before the first call; kept by later ones
};

// Waits for the first of what w names. Calling it again with the same w goes
// on with the same deadline.
enum wait_outcome run_wait(struct run *r, struct wait *w);

// A span of the scenario as it holds on this accelerator.
uint64_t run_scaled(const struct run *r, uint64_t ns);

// ---- Failing (failure.c, diagnosis.c) ---------------------------------------

// Puts the verdict, with the diagnosis, into the result, where pos says (or,
// with pos NULL, at the present step). The first one stays. Returns FLOW_END.
enum flow run_fail(struct run *r, enum verdict verdict,
                   const struct source_pos *pos, const char *kind,
                   const char *fmt, ...) __attribute__((format(printf, 5, 6)));
// The same out of memory or on an error of a library call.
enum flow run_error(struct run *r, const char *kind, const struct error *err);
// The machine ended, or a fail pattern fired, where nobody expected it.
void run_fail_end(struct run *r);
void run_fail_hit(struct run *r);
// What was waited for did not come.
void run_fail_timeout(struct run *r, const struct wait *w);

// "file:line:column", a heap string or NULL.
char *run_where(const struct source_pos *pos);

// The step as it may be shown: without what is secret. Heap, or NULL.
char *run_step_text(const struct step *s);

// Puts the sections that explain a failure into the result: what was waited
// for and seen, near misses, the console's tail, registers. w may be NULL.
void run_diagnosis(struct run *r, const struct wait *w);

// How many lines back a fail pattern's line is looked for.
#define LOOK_BACK 400

// "30 s", "250 ms", "1.5 s" into buf; returns buf.
#define SPAN_TEXT 32
const char *span_text(char buf[SPAN_TEXT], uint64_t ns);

// ---- Steps ------------------------------------------------------------------

enum flow run_block(struct run *r, const struct block *b); // steps.c
enum flow step_login(struct run *r, const struct step *s); // login.c
enum flow step_run(struct run *r, const struct step *s);   // shell.c
enum flow step_ktap(struct run *r, const struct step *s);  // ktap_step.c
enum flow step_check(struct run *r, const struct step *s); // check.c
enum flow step_expect(struct run *r, const struct step *s);
enum flow step_expect_one(struct run *r, const struct step *s);
enum flow step_expect_event(struct run *r, const struct step *s);
enum flow step_expect_idle(struct run *r, const struct step *s); // expect.c
enum flow step_poweroff(struct run *r, const struct step *s);    // poweroff.c
enum flow step_reset(struct run *r, const struct step *s);
enum flow step_nmi(struct run *r, const struct step *s); // life.c

// NAME OP VALUE for `if` and `check`: 1 true, 0 false, -1 when it can't be
// said (the run has failed). seen, a heap string, gets what NAME is.
int run_compare(struct run *r, const char *name, enum compare_op op,
                const struct value *value, char **seen);

// Types bytes on the present step's port. FLOW_END when the queue is full.
enum flow run_type(struct run *r, const void *bytes, size_t len);
// The same for what no recording may show, typed or (echoed) printed.
enum flow run_type_secret(struct run *r, const void *bytes, size_t len,
                          bool echoed);

// A marker that nobody can know before it is typed; a fixed nonce makes it
// repeatable for recordings. (shell.c)
uint32_t run_marker(struct run *r);

// The pattern of a node with its variables put in; *owned must be freed with
// pattern_free (it may be NULL). NULL when the run has failed.
const struct pattern *run_pattern(struct run *r, const struct pattern_node *n,
                                  struct pattern **owned);

// Text with its variables put in, a heap string; NULL when the run has failed.
char *run_text(struct run *r, const struct text *t, size_t *len);

// The named groups of a match become variables. False when out of memory.
bool run_take_groups(struct run *r, const struct pattern *p,
                     const struct match *m);
