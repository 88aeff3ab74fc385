// SPDX-License-Identifier: Apache-2.0
// The result record of one scenario: plain data that the runner makes and every
// report is a function of. Owned by whoever holds it; result_free frees it.
#pragma once

#include "src/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum verdict {
    VERDICT_PASSED,
    VERDICT_FAILED,  // the guest did not do what the scenario says
    VERDICT_ERROR,   // the harness or the environment could not judge
    VERDICT_SKIPPED, // with the reason in message
    VERDICT_FLAKY,   // failed, and passed when it was run again: see attempts
    VERDICT_UNRUN,   // was not begun, because another one had failed
    VERDICT_KNOWN,   // failed, which was known and is expected
    VERDICT_FIXED,   // passed, although it was expected to fail
    VERDICTS,
};

const char *verdict_name(enum verdict v); // "passed", ...
// Does a scenario with it fail the run? flaky_ok: one that is flaky does not.
bool verdict_fails(enum verdict v, bool flaky_ok);
// Is there a failure to explain?
bool verdict_is_explained(enum verdict v);

// Why the guest left guest mode, as far as user space saw it.
enum result_exit {
    VMEXIT_IO,
    VMEXIT_MMIO,
    VMEXIT_HLT,
    VMEXIT_INTR,
    VMEXIT_OTHER,
    VMEXITS
};

const char *result_exit_name(enum result_exit kind); // "io", ...

// What one of several vCPUs had spent.
struct result_share {
    uint64_t cpu_ns, exits;
};

struct result_mark {
    char *name;
    uint64_t wall_ns;           // since process start
    uint64_t cpu_ns;            // vCPU CPU time
    uint64_t exits;             // VM exits to user space so far,
    uint64_t exits_by[VMEXITS]; // and for what; all 0 where that is not known
    // The vCPUs' shares of cpu_ns and exits, where there are several.
    size_t nvcpus;
    struct result_share *vcpus;
};

// False when only the sum is known: of a recording that has no more.
bool result_mark_has_reasons(const struct result_mark *m);

// A time that the guest itself told: the kernel's clock, systemd's summary.
struct result_reading {
    char *name; // "kernel.init", "systemd.userspace", ...
    uint64_t ns;
};

// One of the kernel's slowest initcalls (initcall_debug), slowest first.
struct result_initcall {
    char *name;
    uint64_t us;
    int64_t result; // what it returned
};

// A failed check, or something worth a line.
struct result_note {
    bool failed;
    uint64_t at_ns; // since process start
    char *where;    // "file:line:column", or NULL
    char *text;
};

struct result_property {
    char *name, *value;
};

// A part of what explains a failure: a name that programs know ("trace") and
// lines for a person. The names are those of result_section_at.
struct result_section {
    char *name, *text;
};

// A test that the guest itself ran and told of (KTAP).
struct result_test {
    char *name; // "suite/case"
    enum verdict verdict;
    char *message;    // why it did not pass, or was skipped; or NULL
    char *details;    // its diagnostics, several lines, or NULL
    uint64_t at_ns;   // when its result came, since process start
    uint64_t took_ns; // since the result before it, or the first line
};

// Where a line begins in a console's bytes, and when, since process start.
struct result_line {
    uint64_t offset;
    uint64_t at_ns;
};

// What the guest printed on one port, raw bytes.
struct result_console {
    unsigned port; // 0 is ttyS0
    char *bytes;
    size_t len;
    uint64_t elided; // bytes left out in its middle
    // When lines began, in ascending order. One that was left out has none; of
    // more than RESULT_LIST_MAX the first half and the last half have.
    size_t nlines;
    struct result_line *lines;
};

struct result {
    enum verdict verdict;
    char *path;        // of the scenario
    char *title;       // its `test` title, of one boot of several with that
    char *series;      // what the titles of these boots share; NULL: the only
    char *suite;       // folder, JUnit's classname
    char *guest;       // the guest that really ran
    char *guest_note;  // e.g. that it is a fallback, or NULL
    char *accelerator; // "kvm", "rig", "replay"
    uint64_t started_unix_ns;
    uint64_t duration_ns;

    // Why it did not pass: one sentence, where in the scenario, and what
    // explains it, in the order in which it shall be read.
    char *message;
    char *where;
    char *kind; // "expect-timeout", "fail-pattern", "reset", "status", ...
    size_t nsections;
    struct result_section *sections;

    size_t nmarks;
    struct result_mark *marks;
    size_t nreadings;
    struct result_reading *readings;
    size_t ninitcalls;
    struct result_initcall *initcalls;
    uint64_t initcalls_seen, initcalls_us; // all of them
    size_t nnotes;
    struct result_note *notes;
    size_t nproperties;
    struct result_property *properties;

    size_t ntests;
    struct result_test *tests;

    // What came when there was no room for it any more: see RESULT_LIST_MAX.
    uint64_t left_out;
    size_t note_bytes;

    // Of a scenario that was run again: what became of it before, oldest
    // first. This is the last attempt, the one that counts.
    size_t nattempts;
    struct result *attempts; // they have none of their own

    // One for each port that the guest wrote to; ttyS0 always, first.
    size_t nconsoles;
    struct result_console *consoles;
};

void result_init(struct result *r);
void result_free(struct result *r);

// A scenario that loops must not fill the memory: of marks, notes and
// properties there are at most so many each, and so many bytes of notes, one of
// them at most so long. Failed notes come on top, up to the same limits. What
// is too much is counted and otherwise forgotten.
#define RESULT_LIST_MAX  10000
#define RESULT_NOTES_MAX ((size_t)4 << 20)
#define RESULT_NOTE_MAX  ((size_t)64 << 10)

// All return 0 or -ENOMEM; strings are copied.
int result_set(char **field, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
int result_add_mark(struct result *r, const char *name, uint64_t wall_ns,
                    uint64_t cpu_ns, uint64_t exits);
// The same with all that is known of it, copied; mark->name means nothing.
int result_put_mark(struct result *r, const char *name,
                    const struct result_mark *mark);
// Are a and b boots of one case, which was booted several times?
bool result_is_same_series(const struct result *a, const struct result *b);
// The times of a mark in those of n boots that have it, ascending, into out
// (room for n). Returns how many.
size_t result_mark_times(const struct result *const *boots, size_t n,
                         const char *mark, uint64_t *out);
// NULL when there is none of that name; the first.
const struct result_mark *result_mark(const struct result *r, const char *name);
int result_add_reading(struct result *r, const char *name, uint64_t ns);
int result_add_initcall(struct result *r, const char *name, uint64_t us,
                        int64_t returned);
int result_add_note(struct result *r, bool failed, uint64_t at_ns,
                    const char *where, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
// Ends the record: a last note says how much was left out, if anything was.
int result_close(struct result *r);
int result_add_property(struct result *r, const char *name, const char *value);
// The value of the first of that name, or NULL.
const char *result_property(const struct result *r, const char *name);
// Text without anything in it adds nothing.
int result_add_section(struct result *r, const char *name, const char *text);
// The names that sections have, in reading order; NULL after the last.
const char *result_section_at(size_t index);
// NULL when there is none of that name.
const char *result_section(const struct result *r, const char *name);
// message and details may be NULL.
int result_add_test(struct result *r, const char *name, enum verdict verdict,
                    uint64_t at_ns, uint64_t took_ns, const char *message,
                    const char *details);
// How many of the guest's own tests have the verdict.
size_t result_count_tests(const struct result *r, enum verdict verdict);
// r was run after earlier, which goes over to r's attempts with those that it
// has; it is empty then, also on failure (-ENOMEM).
int result_add_attempt(struct result *r, struct result *earlier);
// bytes (heap, may be NULL) go over to the result, also on failure.
int result_add_console(struct result *r, unsigned port, char *bytes, size_t len,
                       uint64_t elided);
// Lines of the console that was added last (heap, may be NULL): they go over to
// the result.
void result_console_lines(struct result *r, struct result_line *lines,
                          size_t count);

// Writes a result to a file and reads it back (a worker process hands its
// result to its parent this way): versioned, length-checked; a cut-off file is
// -EINVAL. The write is to a temporary name, then renamed.
int result_save(const struct result *r, const char *path, struct error *err);
int result_load(struct result *r, const char *path, struct error *err);
