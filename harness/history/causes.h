// SPDX-License-Identifier: Apache-2.0
// Why is a mark slower? The phases between the marks before it, and what the
// guest told of its own times, compared between two sides by the statistics
// that judged the mark. Pure; any thread; equal input, equal output.
#pragma once

#include "harness/history/compare.h"
#include "harness/history/history.h"

enum cause_kind {
    CAUSE_PHASE,    // from one mark to the next
    CAUSE_MARK,     // a mark that one side alone has
    CAUSE_INITCALL, // initcall_debug; by the guest's clock
    CAUSE_TOLD,     // a span that the guest told ("systemd.userspace")
};

const char *cause_kind_name(enum cause_kind kind); // "phase", ...

// One time of one boot, in nanoseconds: when a mark came, or how long something
// took. Of marks the unit that is judged (wall or CPU).
struct cause_value {
    enum cause_kind kind; // CAUSE_MARK of a mark
    const char *name;
    double ns;
};

struct cause_run {
    size_t count;
    struct cause_value *values;
};

// The boots of one side; of two sides that were interleaved, or that have the
// same seeds, run i of each belong together.
struct cause_side {
    size_t count;
    struct cause_run *runs;
};

// Is this the moment of a mark, or a reading of the guest's clock?
bool cause_is_moment(const char *mark);
// Is a name of the history's samples a mark? "initcall:NAME" is none.
bool cause_is_mark(const char *sample);
// What a reading of the guest's is named in the history; what of the name is
// the initcall's.
#define CAUSE_INITCALL_PREFIX "initcall:"
// Is a reading ("kernel.init") a span that can explain anything? Sums and
// clocks that are read after the mark are none.
bool cause_is_span(const char *reading);

// A run of the history as one of these: marks in wall or CPU time, all else in
// wall time. One heap block in out->values, names and all. 0 or -ENOMEM.
int cause_run_of(const struct history_run *run, bool cpu,
                 struct cause_run *out);

struct cause {
    enum cause_kind kind;
    const char *name;   // of a phase: the mark that it begins with
    const char *until;  // and ends with; else NULL
    enum change change; // CHANGE_SLOWER, CHANGE_FASTER; CHANGE_ABSENT: one side
                        // alone has it, the one whose n is not 0
    size_t base_n, head_n;
    double base, head; // medians (seeds: means), ns; NAN where there are none
    double growth;     // of head over base, ns,
    double low, high;  // and its 95 % interval; of ABSENT all NAN
    double share;      // of the mark's growth; 1: all of it
    double p_adjusted; // over all that was looked at for this mark
};

// Of one mark. Names are borrowed from the runs.
struct causes {
    const char *mark;
    double at;     // when head reached it, ns: for the caller
    double growth; // of the mark, ns
    double rest;   // of it, that no phase in the list explains
    size_t looked_at;
    size_t count;
    struct cause *list; // what grew most first; one side's own at the end
};

// What of the time to a mark, which was judged to be slower, grew. A phase lies
// between two neighbours of the marks that every boot of both sides has, in the
// same order (a hundred at most): phases together are the mark's time. What the
// guest told lies within phases, so it is no part of that sum.
//
// Something is in the list when compare_runs (exact: compare_exact) calls it
// slower or faster, corrected over all phases and spans of this mark, and its
// growth is one hundredth of the mark's or more. *out is freed by causes_free,
// also on failure: -EINVAL when no boot of a side has the mark, or -ENOMEM.
int causes_find(const struct cause_side sides[2], const char *mark,
                const struct compare_options *options, bool exact,
                struct causes *out, struct error *err);
void causes_free(struct causes *c);
