// SPDX-License-Identifier: Apache-2.0
// One side of a comparison as the command line names it. Private to the
// command.
#pragma once

#include "harness/guests/guest.h"

// Owned; side_spec_free frees it.
struct side_spec {
    const char *text; // as it was given: the side's name in reports
    char *memory;     // what machine's strings point into
    struct guest_overrides machine;
};

// PARTS by commas: kernel=PATH, initrd=PATH, or cmdline=TEXT, which takes all
// that follows, commas too; a part without "=" before its first slash is a
// kernel's path. They come on top of the overrides in base. -EINVAL with a
// sentence, or -ENOMEM.
int side_spec_parse(struct side_spec *s, const char *text,
                    const struct guest_overrides *base, struct error *err);
void side_spec_free(struct side_spec *s);
