// SPDX-License-Identifier: Apache-2.0
// Reads kernel TAP: lines of a console in, the tests that they tell of out.
// Pure: it knows no console, no clock and no scenario. This room's only header
// for outsiders; used by the step of the runner that waits for the lines.
#pragma once

#include "harness/report/result.h"

// What is read: KTAP version 1 (the kernel's Documentation/dev-tools/ktap.rst)
// and TAP 12 to 14, forgivingly. A document begins with a version line, a plan,
// or a numbered result; the lines around it are ignored.
//
//   KTAP version 1
//   1..2
//       # Subtest: suite               deeper lines are a subtest, its own
//       1..2                           result follows them; a subtest may also
//       ok 1 first                     stand behind "# " (kselftest's runner)
//       # second: it broke             is about the result that follows
//       not ok 2 second
//   not ok 1 suite                     -> suite/first, suite/second
//   ok 2 other # SKIP no hardware      -> other
//
// A directive hides a failure only where TAP 14 and KTAP have it: behind the
// first "#" that is not escaped and stands between blanks, in any case:
// SKIP...,
// TODO... (longer words, too), XFAIL. "#skip drops the first" is a name. Names
// and reasons are those of which "\#" and "\\" are the written form.
//
// KUnit's modules of kernels before 6.6 print their suites alone, without the
// version line and plan around them. Each suite is whole by its own plan and
// result; how many there are nothing says, so they are planless.
//
// The kernel's lines ("[    1.234567] ...") and those of its programs are two
// streams, each with documents of its own: KUnit may run while a program prints
// TAP. A line of a program's that a kernel message cut in two is joined again.
//
// One thread. Memory is bounded, whatever comes: at most KTAP_TESTS_MAX tests,
// KTAP_DETAIL_MAX bytes of text for one and KTAP_DETAILS_MAX for all.
#define KTAP_TESTS_MAX   ((size_t)1 << 16)
#define KTAP_DETAIL_MAX  ((size_t)16 << 10)
#define KTAP_DETAILS_MAX ((size_t)16 << 20)
// Nesting beyond this is not taken apart.
#define KTAP_DEPTH 16

struct ktap;

// NULL when out of memory.
struct ktap *ktap_new(void);
void ktap_free(struct ktap *k); // NULL is fine

// Takes one line, without its newline, as text (harness/console/filter.h).
// at_ns: when it began, since process start. printed: what looks like the
// kernel's in it is known to be a program's (`dmesg`). That is the log that is
// to be read, unless the tests of others have begun, a program's or live ones
// of the kernel: then it is text of the program.
void ktap_line(struct ktap *k, const char *text, size_t len, bool printed,
               uint64_t at_ns);

enum ktap_state {
    KTAP_NOTHING,  // no document yet
    KTAP_OPEN,     // more must come
    KTAP_PLANLESS, // a document that never said how many tests it has, between
                   // two of them: silence is its end
    KTAP_COMPLETE, // each document has all that its plan promised
};
enum ktap_state ktap_state(const struct ktap *k);

// Does the line still belong to a complete document? So do diagnostics, YAML
// blocks and results beyond the plan; another document does not.
bool ktap_belongs(const struct ktap *k, const char *text, size_t len,
                  bool printed);

// The results that came until now, subtests included.
size_t ktap_results(const struct ktap *k);

// Nothing follows: judges what came and adds a test to r for each result, and
// for each thing that does not add up. Names are unique. cut says what ended a
// document that was not complete ("the guest reset"; NULL: its end came): the
// test that ran is named. Call it once. 0 or -ENOMEM.
int ktap_finish(struct ktap *k, const char *cut, struct result *r);
