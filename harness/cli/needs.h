// SPDX-License-Identifier: Apache-2.0
// `needs`: what a scenario asks of the place where it runs. Private to the
// command.
#pragma once

#include "harness/cli/selection.h"

// Finds out what the selected cases need, and for those for which it does not
// hold sets skip and skip_where. *accelerator becomes the one that accel_choose
// has in mind when some case asks for it (NULL: guests can't run here, which is
// no error yet), and is as before otherwise. 0 or -ENOMEM.
int needs_check(const struct options *o, struct selection *s,
                const char **accelerator, struct error *err);

// Why one need of s doesn't hold with this accelerator (NULL: guests can't run
// here): a heap string that begins with the need itself, or NULL when it holds.
// With build, a guest that isn't there is made, as for `guest`.
char *needs_reason(const struct scenario *s, const struct need *need,
                   const char *accelerator, bool build, struct error *err);
