// SPDX-License-Identifier: Apache-2.0
// What the files of the matcher share: matcher.c takes bytes, settle.c knows
// quiet moments, look.c and cursor.c search, near_miss.c explains. Nobody else
// includes this.
#pragma once

#include "harness/console/arrival.h"
#include "harness/console/filter.h"
#include "harness/console/lift.h"
#include "harness/console/matcher.h"
#include "harness/console/pattern_exec.h"

// Offsets are of two kinds: "received" offsets address the text as received,
// "view" offsets the text of one of the two views (for AS_RECEIVED both are the
// same).
enum view {
    AS_RECEIVED,
    LIFTED,
    VIEWS,
};

// The guest was quiet for the settle time in a view: there `$` holds. The
// lifted view is quiet sooner (lift.h), so a settle may be its alone.
struct settle {
    uint64_t len[VIEWS]; // how long the views were
    bool in[VIEWS];
    uint64_t ns; // when it was quiet for long enough
};

// When text was dropped, so many bytes before the window are shown as context
// (\b, lookbehind) but can't be part of a match; `^` without m and \A fail
// there. Text that was consumed is never shown.
#define LOOKBEHIND 4

// How far one pattern has been looked for in one view.
//
//   start          resume            seen (view offsets)
//   |- can't match -|- partial match -|
//
// Invariant: at no prefix of the view up to `seen` is the pattern decided, and
// no match can begin before `resume`.
struct cursor {
    const struct pattern *pattern; // compared, never followed
    uint64_t born_ns;
    bool fresh; // not even the empty prefix was looked at
    uint64_t seen;
    size_t settles; // settle points looked at
    uint64_t resume;
    uint64_t literal; // no required literal begins before it
    bool partial;     // at `seen`, something may still become a match
};

// What a view keeps.
struct kept {
    uint64_t from;  // view offset: consumed up to here
    uint64_t floor; // view offset: consumed or dropped up to here
};

// One thread. Invariants, for each view: its text's base <= floor; from <=
// floor <= its end; settles are ascending in len, those of one length in ns.
struct matcher {
    size_t window, block; // see view_window
    struct arrival arrival;
    struct filter filter;
    struct text received;
    struct lift lift;
    struct kept kept[VIEWS];
    uint64_t settles_from; // received offset: settles before it count no more
    struct settle *settles;
    size_t nsettles, settle_cap;
    struct cursor *cursors; // VIEWS for each pattern of the last look
    size_t ncursors;
    struct pattern_scratch scratch;
};

// Where a pattern was decided. `at` first, then settled, then when, then view,
// then the pattern's place in the list tell which of two comes first.
struct decision {
    uint64_t at;        // received offset: so much text was there
    bool settled;       // only because it was quiet then
    uint64_t settle_ns; // (from when on it was)
    enum view view;
    size_t index;
    uint64_t start, end; // view offsets of the subject that was searched
    uint64_t resume;     // and where in it the search began
};

// ---- view.c: the text as the search sees it --------------------------------

const struct text *view_text(const struct matcher *m, enum view v);
// The first view offset that a search sees when the view is len long.
uint64_t view_window(const struct matcher *m, enum view v, uint64_t len);
// How long the view was when the text as received was `at` long.
uint64_t view_len(const struct matcher *m, enum view v, uint64_t at);
// The first view offset that was received at or after offset src.
uint64_t view_from(const struct matcher *m, enum view v, uint64_t src);
// How long the text as received was when the view was len long.
uint64_t view_reached(const struct matcher *m, enum view v, uint64_t len);

// Drops text from memory that no search will see again.
void matcher_trim(struct matcher *m);

// ---- settle.c: when the guest is quiet --------------------------------------

// Takes what the filter has made into the lifted view.
void settle_feed(struct matcher *m);
// Nothing has come until now_ns.
void settle_tick(struct matcher *m, uint64_t now_ns);
// All was quiet for the settle time, at ns, since the last byte.
void settle_all(struct matcher *m, uint64_t ns);
// When settle_tick, after a call with now_ns, has something to do again, or
// CLOCK_NEVER.
uint64_t settle_wake_ns(const struct matcher *m, uint64_t now_ns);
// Forgets the settles that no search will see again.
void settle_trim(struct matcher *m);

// ---- matcher.c --------------------------------------------------------------

// Consumes the text up to a received offset.
void matcher_consume(struct matcher *m, uint64_t upto);

// ---- cursor.c: one pattern in one view -------------------------------------

void cursor_reset(const struct matcher *m, struct cursor *c, enum view v,
                  const struct pattern *p);
// Looks at what is new. True with *out filled when the pattern is decided.
bool cursor_advance(struct matcher *m, struct cursor *c, enum view v,
                    const struct pattern *p, struct decision *out);
// Runs p over the view's text [start, end) from offset resume on.
enum exec_result cursor_exec(struct matcher *m, enum view v,
                             const struct pattern *p, uint64_t start,
                             uint64_t end, uint64_t resume, bool settled,
                             int *code);
