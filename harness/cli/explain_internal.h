// SPDX-License-Identifier: Apache-2.0
// The header's parts of --explain. For explain*.c only.
#pragma once

#include "harness/cli/explain.h"
#include "harness/cli/explain_words.h"

// What is explained, and where it would run.
struct explainer {
    struct words w;
    const struct options *o;
    const struct selected *one;
    const char *accelerator; // NULL: nowhere
    char why[512];           // then
    double scale;
};

// A part's title.
void explain_title(const struct explainer *e, const char *name);
// A line "    name          value": the caller writes the value.
FILE *explain_line(const struct explainer *e, const char *name);

// The part on the machine. -EINVAL when it can't be made as the scenario has
// it, else 0.
int explain_machine(const struct explainer *e);
