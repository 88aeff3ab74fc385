// SPDX-License-Identifier: Apache-2.0
// The files beside the reports that scenarios write on the host: captures of
// networks, disks that are `writable`, sockets. Their folders must be writable
// where the guests run. Private to the command.
#pragma once

#include "harness/cli/selection.h"
#include "harness/guests/guest.h"

struct written {
    size_t count;
    char **paths; // one of each folder
};

// Collects those of the selected cases that aren't skipped. 0, or a negative
// errno; free it either way.
int written_collect(struct written *w, const struct selection *s,
                    const struct guest_overrides *machine, struct error *err);
void written_free(struct written *w);
