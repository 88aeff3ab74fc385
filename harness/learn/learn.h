// SPDX-License-Identifier: Apache-2.0
// From what a person types at a guest's console to a scenario that does the
// same: the room's only header. It sees bytes and times, knows no machine, and
// tells nobody anything.
#pragma once

#include "harness/console/console.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

// How it works. What is typed comes in *turns*: a line with its Enter, or keys
// that a program reads one by one. When a turn begins, the unfinished last line
// of the console, without the kernel's messages, is the prompt that it answers;
// what becomes of a turn is decided when the next one begins, or at the end,
// because then it is known which prompt came after it:
//
//   login prompt, password prompt, a shell's     login "root" password "root"
//   a shell's prompt, and the same shell's       run "ls" status any
//   anything else                                expect /PROMPT$/, send "TEXT"
//   the machine's end                            expect poweroff
//
// The text of a line is what the keys say; where a line editor has completed
// it or fetched it from its history, what the guest's echo shows. A line that
// isn't echoed is a secret: it becomes a variable of the scenario, unless it is
// a login's password.
//
// Memory is bounded: 64 KiB of each port's output since the last turn, and 5000
// steps. One thread.
struct learn;

// started_ns: when the machine starts, on the clock of all other times
// (nanoseconds, which never go back). NULL when there is no memory.
struct learn *learn_new(uint64_t started_ns, struct error *err);
void learn_free(struct learn *l); // NULL is fine; secrets are wiped

// What the guest printed on a port (below PORT_NAMED; others are not looked
// at), as in a console_batch; and what was typed there, at ns. In the order in
// which the person saw and typed it.
void learn_output(struct learn *l, unsigned port, const uint8_t *bytes,
                  size_t len, const struct stamp *stamps, size_t nstamps);
void learn_typed(struct learn *l, unsigned port, const void *bytes, size_t len,
                 uint64_t ns);

// The port's last complete line becomes something to expect. The line, without
// blanks at its end, valid until the next call; NULL when there is none since
// the last turn, or no room.
const char *learn_expect(struct learn *l, unsigned port);

enum learn_end {
    LEARN_LEFT, // the person left, or it was cut off
    LEARN_RESET,
    LEARN_POWEROFF,
    LEARN_HALT,
    LEARN_TRIPLE_FAULT,
};
// The end, at ns: the last turn is decided. Once, before learn_scenario.
void learn_end(struct learn *l, enum learn_end end, uint64_t ns);

// What whoever gets the scenario must know.
struct learn_summary {
    size_t steps;
    bool has_password;          // in clear text
    size_t nsecrets;            // variables that --set must give
    const char *const *secrets; // their names; the learner's
    size_t nallowed;            // kinds of the kernel's reports that were seen
};

// The scenario in the canonical layout: the header (statements, a line each)
// and the steps. A heap string; NULL with err when there was no memory for all
// of it. Without steps it is a header alone. What could not be laid out is
// given as it is, and err says why; otherwise err is as before.
char *learn_scenario(const struct learn *l, const char *header,
                     struct learn_summary *summary, struct error *err);

// Writes "TEXT" as the language has it; the bytes may be any.
void learn_put_text(FILE *f, const char *text, size_t len);
