// SPDX-License-Identifier: Apache-2.0
// The boots of a command: each selected case as often as it is measured, in the
// order in which they run. Private to the command.
#pragma once

#include "harness/cli/recordings.h"
#include "harness/cli/selection.h"
#include "harness/suite/plan.h"

// Two sides at most: base and head.
#define BOOT_SIDES 2

// How often, and what. All zero but nsides: as the scenarios say.
struct boot_order {
    unsigned warmups; // before them, for each case and side
    unsigned runs;    // of each case and side; 0: each scenario's `repeat`
    unsigned first;   // the number of the first run: 1, or one more than a
                      // series had that this one goes on with; 0 is 1
    unsigned nsides;  // 1, or 2: interleaved
    struct {
        const char *name; // "base", "head"; NULL: no side
        struct guest_overrides machine;
    } sides[BOOT_SIDES];
};

// What a plan's case is to the command: the plan's cases and these have one
// order.
struct boot {
    size_t selected; // index into the selection
    unsigned side;   // index into the order's sides
    unsigned number; // from 1 on, warm-ups have their own; 0: booted once
    bool warmup;
};

struct boots {
    size_t count;
    struct boot *list;
    struct plan_case *cases; // their names and titles are owned
};

// A case that is booted once keeps its name. Those of a series get "#7" behind
// it, with leading zeros, and "#7.base" or "#7.head", which count up in the
// order of running, for Criterion runs tests in the order of their names. Which
// side goes first alternates from one pair to the next, so that neither always
// has the other's heat or caches. r may be NULL. 0 or -ENOMEM.
int boots_make(struct boots *b, const struct selection *s,
               const struct recordings *r, const struct boot_order *order);
void boots_free(struct boots *b);
