// SPDX-License-Identifier: Apache-2.0
// What the files of the matcher share: feed.c takes bytes, look.c and cursor.c
// search, near_miss.c explains. Nobody else includes this.
#pragma once

#include "harness/console/arrival.h"
#include "harness/console/filter.h"
#include "harness/console/lift.h"
#include "harness/console/matcher.h"
#include "harness/console/pattern_exec.h"

// Offsets are of two kinds: "received" offsets address the text as received,
// "view" offsets the text of one of the two views (for AS_RECEIVED both are the
// same). All times come from the text as received.
enum view {
    AS_RECEIVED,
    LIFTED,
    VIEWS,
};

// The guest was quiet for the settle time when `at` bytes of text were
// received: there `$` holds.
struct settle {
    uint64_t at;
    uint64_t ns; // when it was quiet for long enough
    bool lifted; // the lifted view had an end too (no half kernel message)
};

// When text was dropped, so many bytes before the window are shown as context
// (\b, lookbehind) but can't be part of a match; `^` without m and \A fail
// there. Text that was consumed is never shown.
#define LOOKBEHIND 4

// How far one pattern has been looked for in one view.
//
//   start          resume            seen (in view bytes)
//   |- can't match -|- partial match -|
//
// Invariant: at no prefix of the view up to `seen` is the pattern decided, and
// no match can begin before `resume`.
struct cursor {
    const struct pattern *pattern; // compared, never followed
    uint64_t born_ns;
    bool fresh;       // not even the empty prefix was looked at
    uint64_t seen;    // received offset
    size_t settles;   // settle points looked at
    uint64_t resume;  // view offset
    uint64_t literal; // view offset: no required literal begins before it
    bool partial;     // at `seen`, something may still become a match
};

// One thread. Invariants: received.base <= floor; from <= floor <= the end of
// what was received; settles are ascending in `at`, none before `from`.
struct matcher {
    size_t window, block; // see window_start
    struct arrival arrival;
    struct filter filter;
    struct text received;
    struct lift lift;
    uint64_t from;  // received offset: consumed up to here
    uint64_t floor; // received offset: consumed or dropped up to here
    struct settle *settles;
    size_t nsettles, settle_cap;
    struct cursor *cursors; // VIEWS for each pattern of the last look
    size_t ncursors;
    struct pattern_scratch scratch;
};

// Where a pattern was decided. `at` first, then settled, then view, then the
// pattern's place in the list tell which of two comes first.
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

// The first received offset that a search sees when the text is `at` long.
uint64_t window_start(const struct matcher *m, uint64_t at);

const struct text *view_text(const struct matcher *m, enum view v);
// How long the view was when the text as received was `at` long.
uint64_t view_len(const struct matcher *m, enum view v, uint64_t at);
// The first view offset that was received at or after offset src.
uint64_t view_from(const struct matcher *m, enum view v, uint64_t src);
// How long the text as received was when the view was len long.
uint64_t view_reached(const struct matcher *m, enum view v, uint64_t len);
// The time of the byte at view offset off.
uint64_t view_ns(const struct matcher *m, enum view v, uint64_t off);

// Drops text from memory that no search will see again.
void matcher_trim(struct matcher *m);

// ---- matcher.c --------------------------------------------------------------

// The guest has been quiet for the settle time, at ns, since the last byte.
void matcher_settle(struct matcher *m, uint64_t ns);
// Consumes the text up to a received offset.
void matcher_consume(struct matcher *m, uint64_t upto);

// ---- cursor.c: one pattern in one view -------------------------------------

void cursor_reset(const struct matcher *m, struct cursor *c,
                  const struct pattern *p);
// Looks at what is new. True with *out filled when the pattern is decided.
bool cursor_advance(struct matcher *m, struct cursor *c, enum view v,
                    const struct pattern *p, struct decision *out);
// Runs p over the view's text [start, end) from offset resume on.
enum exec_result cursor_exec(struct matcher *m, enum view v,
                             const struct pattern *p, uint64_t start,
                             uint64_t end, uint64_t resume, bool settled,
                             int *code);
