// SPDX-License-Identifier: Apache-2.0
// What the files of the watch share: watch.c takes bytes and finds the lines to
// judge, judge.c judges them. Nobody else includes this.
#pragma once

#include "harness/console/arrival.h"
#include "harness/console/filter.h"
#include "harness/console/matcher.h"
#include "harness/console/pairs.h"
#include "harness/console/pattern_exec.h"

// A line is judged in pieces of this size, which overlap.
#define JUDGED_MAX     ((size_t)64 << 10)
#define JUDGED_OVERLAP ((size_t)4 << 10)

struct watched {
    const struct pattern *pattern; // borrowed
};

struct watch_list {
    struct watched *items;
    size_t n;
};

// One thread. The text holds what has not been judged: complete lines only
// inside watch_feed, the unfinished one after it.
struct watch {
    struct arrival arrival;
    struct filter filter;
    struct text text;
    const struct matcher *heard; // knows what is printed; or NULL
    struct watch_list fail, allow;
    bool fed;
    struct pairs pairs;  // bit i%64 for fail pattern i
    uint64_t always;     // bits of the patterns without a literal
    uint64_t line_start; // where the unfinished line begins, or goes on:
    bool continued;      // its beginning was judged and forgotten
    bool fired;          // and it has fired
    uint64_t looked;     // judged, unfinished, when the text was so long
    struct text joined;  // a line that a kernel message cut, so far
    bool joining;
    bool joined_fired;
    uint64_t hit_at; // of this feed: where the hit's line ended
    bool has_hit;
    bool has_allowed; // of this feed: a line that an allow pattern kept back
    struct watch_hit allowed_hit;
    struct pattern_scratch scratch;
};

// The first kernel message in the text [at, end), or end; *used gets the length
// of its prefix, *printed whether a program printed it.
uint64_t watch_message_in(const struct watch *w, uint64_t at, uint64_t end,
                          size_t *used, bool *printed);

// Judges the line from w->line_start to end (its newline or, at a quiet moment,
// the end of the text), a piece at a time while it is too long. Not complete:
// only the pieces that are too long. The text is `at` bytes long when it is
// decided.
void watch_judge_line(struct watch *w, uint64_t end, bool complete, uint64_t at,
                      struct watch_hit *hit);

// The same for the line that [start, end) and what came before the kernel
// messages that cut it make together. fired: [start, end) has fired.
void watch_judge_joined(struct watch *w, uint64_t start, uint64_t end,
                        bool fired, struct watch_hit *hit);
