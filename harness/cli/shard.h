// SPDX-License-Identifier: Apache-2.0
// --shard I/N: which of the selected cases this runner takes. Private to the
// command.
#pragma once

#include "harness/cli/selection.h"

// Splits cases over shards by what they weigh (any unit, above 0): the heaviest
// first, each to the shard that has least so far; equal ones by their names.
// part[i] becomes the shard of case i, from 0 on. So no shard has more than the
// mean and one case. 0 or -ENOMEM.
int shard_split(const char *const *names, const double *weights, size_t count,
                unsigned shards, unsigned *part);

// Leaves in the selection what belongs to --shard; does nothing without it. A
// case weighs as long as its boots took (the median of those in the history,
// which is read; without one, all weigh the same). *split becomes a heap text
// that is equal where two shards were split equally. 0 or a negative errno.
int shard_apply(const struct options *o, struct selection *s, char **split,
                struct error *err);
