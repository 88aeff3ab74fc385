// SPDX-License-Identifier: Apache-2.0
// The recorded boots of two commits, in memory. Private to
// compare_history*.c.
#pragma once

#include "harness/cli/options.h"
#include "harness/history/causes.h"
#include "harness/history/history.h"

struct recorded_mark {
    char *mark;
    double value; // ns
};

// One recorded boot, copied.
struct recorded {
    char *scenario, *guest;
    char environment[65];
    bool passed; // if not, it is only counted
    bool seeded; // of the exact rig, with this seed
    uint64_t seed;
    size_t count; // of a boot that passed
    struct recorded_mark *values;
    struct cause_run parts; // all that the history has of it, owned
};

struct side {
    const char *name; // as it was given
    char *commit;     // that it is
    size_t count;
    struct recorded *runs;
};

struct compared_runs {
    struct side side[2];
    bool cpu;
    unsigned seen; // runs in the history
    // Its commits, in the order in which they came into it.
    size_t ncommits;
    char **commits;
};

// Fills the commits and runs of both sides, whose names are there. 0 or a
// negative errno; compare_runs_free frees what there is then, too.
int compare_runs_read(struct compared_runs *all, const struct options *o,
                      struct history *h, struct error *err);
// Did a commit, given by its beginning, come into the history after base and
// not after head? all is a struct compared_runs.
bool compare_runs_covers(void *all, const char *commit);
void compare_runs_free(struct compared_runs *all);
