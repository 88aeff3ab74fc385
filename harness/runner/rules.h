// SPDX-License-Identifier: Apache-2.0
// The fail patterns that are in force: the kernel's own death cries, those of
// the scenario's header, and those of the `never` and `allow` blocks around the
// present step. Used by the runner only.
#pragma once

#include "harness/console/matcher.h"
#include "harness/runner/allowed.h"
#include "harness/scenario/ast.h"
#include "harness/scenario/scenario.h"

struct rule {
    const struct pattern *pattern;
    struct pattern *owned;              // or NULL: pattern belongs elsewhere
    const struct builtin_fail *builtin; // or NULL
    const struct source_pos *pos;       // where it was written, or NULL
    char *why;                          // the scenario's words, or NULL
    // Allowed by name: no failure. It is watched all the same, for `expect
    // panic` and for the rest of its report, which is allowed as well.
    bool tolerated;
};

// Owned by the run. The watches borrow the patterns: they are made anew when
// the rules change, and see what comes from then on.
struct rules {
    struct report_kinds kinds;
    size_t nfails, nallows;
    struct rule *fails; // the built-in ones first
    struct rule *allows;
    struct watch *watches[TOYVMM_PORTS];       // NULL: nobody reads that port
    const struct matcher *heard[TOYVMM_PORTS]; // whom they follow, or NULL
    struct allowed_report allowed[TOYVMM_PORTS];
    bool command_runs[TOYVMM_PORTS]; // of `run`: what is printed is its output
};

// Takes the built-in patterns. 0 or a negative errno.
int rules_init(struct rules *rules, const struct scenario *s,
               struct error *err);
void rules_free(struct rules *rules);

// What a watch of these rules told: hit->index becomes one of fails. False for
// a line that means nothing, because it or its report is allowed, or because a
// command prints the kernel's log (dated.h); also to be called with what
// watch_allowed tells (kept_back).
bool rules_judge(struct rules *rules, unsigned port, struct watch_hit *hit,
                 bool kept_back);

// The machine begins anew: no report goes on.
void rules_forget_reports(struct rules *rules);

// True when the hit says that the kernel panicked, by whichever pattern.
bool rules_is_panic(const struct rules *rules, const struct watch_hit *hit);

// The built-in pattern that describes a whole line best: the first listed that
// matches, or fallback.
const struct builtin_fail *rules_name(const struct rules *rules,
                                      const char *line,
                                      const struct builtin_fail *fallback);

// Puts a rule behind the others, or takes the last one away; rule.owned and
// rule.why go over to the rules (also on failure). rules_watch must follow.
int rules_push(struct rules *rules, bool allow, struct rule rule,
               struct error *err);
void rules_pop(struct rules *rules, bool allow);

// Makes the watches anew that there are.
int rules_watch(struct rules *rules, struct error *err);

// Makes the watch of a port, anew if there is one.
int rules_watch_port(struct rules *rules, unsigned port, struct error *err);
