// SPDX-License-Identifier: Apache-2.0
// Boots of one case as tables of their marks: for comparisons and
// distributions. Private to the command.
#pragma once

#include "harness/cli/boots.h"
#include "harness/history/causes.h"
#include "harness/history/compare.h"
#include "harness/history/stat_text.h"
#include "harness/report/result.h"

#include <stdbool.h>

// A boot that counts: not a warm-up, passed. Borrowed.
struct series_boot {
    unsigned number; // of its side, from 1 on
    const struct result *result;
};

struct series {
    size_t count, failed, warmups;
    struct series_boot *boots;    // room for all
    const struct result *failure; // the first that did not pass, or NULL
};

// Collects the boots of a case and side among the results, which have b's
// order. Frees with series_free. 0 or -ENOMEM.
int series_collect(struct series *s, const struct boots *b,
                   const struct result *results, size_t selected,
                   unsigned side);
void series_free(struct series *s);

// Prints the distributions. 0 or -ENOMEM.
int series_print(FILE *f, const struct series *s, const char *title,
                 struct error *err);

// The names of marks that boots have, in the order of the first boot that has
// them, without process_start; wanted ("a,b", or NULL: all) chooses among them,
// and a name that no boot has is -EINVAL with those there are. Borrowed names
// in a heap list.
int series_marks(const struct series *sides, size_t nsides, const char *wanted,
                 const char ***out, size_t *count, struct error *err);

// A heap table of them: run by run, NAN where a mark is missing. With cpu, the
// guest's CPU time. NULL when out of memory.
double *series_table(const struct series *s, const char *const *marks,
                     size_t nmarks, bool cpu);

// What its boots told of their times, to find out what grew: out->runs is a
// heap list of heap lists, freed by series_parts_free. 0 or -ENOMEM.
int series_parts(const struct series *s, bool cpu, struct cause_side *out);
void series_parts_free(struct cause_side *parts);

// Leaves in both only the boots whose number is in both: pairs.
void series_pair(struct series *a, struct series *b);
