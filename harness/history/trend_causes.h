// SPDX-License-Identifier: Apache-2.0
// What grew at the changes of a trend. Used by trend.c only.
#pragma once

#include "harness/history/trend.h"

// Label of the point that a run belongs to: its commit, else its session.
const char *trend_label(const struct history_run *r);

// Copies what a run told of its times to its trend. 0 or -ENOMEM.
int trend_keep_run(struct trend *t, const struct history_run *r, bool cpu);
void trend_free_runs(struct trend *t);

// Fills grew of a series whose changes are known. 0, or a negative errno.
int trend_find_causes(const struct trend *t, struct trend_series *s,
                      struct error *err);
