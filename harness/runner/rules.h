// SPDX-License-Identifier: Apache-2.0
// The fail patterns that are in force: the kernel's own death cries, those of
// the scenario's header, and those of the `never` and `allow` blocks around the
// present step. Used by the runner only.
#pragma once

#include "harness/console/matcher.h"
#include "harness/scenario/ast.h"
#include "harness/scenario/scenario.h"

struct rule {
    const struct pattern *pattern;
    struct pattern *owned;              // or NULL: pattern belongs elsewhere
    const struct builtin_fail *builtin; // or NULL
    const struct source_pos *pos;       // where it was written, or NULL
    char *why;                          // the scenario's words, or NULL
    bool tolerated; // watched for `expect panic`, but no failure
};

// Owned by the run. The watch borrows the patterns: it is made anew when the
// rules change, and sees what comes from then on.
struct rules {
    size_t nfails, nallows;
    struct rule *fails;
    struct rule *allows;
    struct watch *watch;
};

// Takes the built-in patterns that the scenario does not allow by name. 0 or
// a negative errno.
int rules_init(struct rules *rules, const struct scenario *s,
               struct error *err);
void rules_free(struct rules *rules);

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

// Makes the watch anew.
int rules_watch(struct rules *rules, struct error *err);
