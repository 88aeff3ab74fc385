// SPDX-License-Identifier: Apache-2.0
// A comparison told to a person and to a program; the gate's verdict on it.
// Used by the command line.
#pragma once

#include "harness/history/acknowledge.h"
#include "harness/history/causes.h"
#include "harness/history/compare.h"

#include <stdio.h>

struct compared_mark {
    const char *name;
    struct mark_comparison result;
};

// Two sides by their names ("vmlinux-6.1", a commit). Times are nanoseconds.
struct compared {
    const char *scenario, *base, *head;
    const struct compare_options *options;
    size_t nmarks;
    const struct compared_mark *marks;
    // Of each mark, what is acknowledged of it; or NULL.
    const struct acknowledgement *acknowledged;
    // Why: of each mark that is slower, as far as it is known; the last mark is
    // the one of which a person is told.
    size_t ngrew;
    const struct causes *grew;
    const char *warning; // on the host's noise, or ""
    bool exact;          // CPU times of the exact rig, by compare_exact

    // Boots that failed, in a sentence, where nothing can be said of the times
    // (there are no marks then); or NULL. Broken: base boots, head doesn't.
    const char *failed;
    bool broken;
};

// A table, a row for each mark, and what the words in it mean.
void compared_terminal(FILE *f, const struct compared *c);

// One JSON object (RFC 8259), its fields as in struct mark_comparison, times in
// nanoseconds; numbers that can't be had are null.
void compared_json(FILE *f, const struct compared *c);

// Markdown for a merge request or a step summary.
void compared_markdown(FILE *f, const struct compared *c);

// What a gate makes of it: broken when a mark is slower and that is not
// acknowledged, or when head doesn't
// boot and base does. Too few samples don't break it, they are only told.
// Without a mark that both sides reached nothing was measured.
enum gate { GATE_HOLDS, GATE_BROKEN, GATE_OPEN, GATE_UNMEASURED };
enum gate compared_gate(const struct compared *c);
