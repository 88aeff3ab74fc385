// SPDX-License-Identifier: Apache-2.0
// Names of marks as --mark has them: "a,b". Used by the history and the command
// line.
#pragma once

#include <stdbool.h>
#include <string.h>

// Is the name one of the list? No list (NULL) has every name.
static inline bool mark_listed(const char *list, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = list; at && *at;) {
        size_t n = strcspn(at, ",");
        if (n == len && !memcmp(at, name, n))
            return true;
        at += n + (at[n] == ',');
    }
    return !list;
}
