// SPDX-License-Identifier: Apache-2.0
// What a scenario types with `secret` and no report may show. Used by the
// runner only.
#pragma once

#include "harness/report/result.h"

struct secrets {
    size_t count;
    struct secret {
        char *bytes;
        size_t len;
    } * list;
};

// Remembers (copies) a secret. False when out of memory.
bool secrets_add(struct secrets *s, const char *bytes, size_t len);

// Puts a star for each byte of a secret wherever the result shows it: the
// guest may have echoed it.
void secrets_mask(const struct secrets *s, struct result *r);

void secrets_free(struct secrets *s);
