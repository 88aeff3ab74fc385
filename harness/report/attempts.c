// SPDX-License-Identifier: Apache-2.0
// Earlier attempts of a scenario. See attempts.h.
#include "harness/report/attempts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void result_free_attempts(struct result *r)
{
    for (size_t i = 0; i < r->nattempts; i++)
        result_free(&r->attempts[i]); // it has none of its own
    free(r->attempts);
    r->attempts = NULL;
    r->nattempts = 0;
}

int result_add_attempt(struct result *r, struct result *earlier)
{
    size_t n = earlier->nattempts;
    struct result *list = reallocarray(earlier->attempts, n + 1, sizeof(*list));
    if (!list) {
        result_free(earlier);
        return -ENOMEM;
    }
    earlier->attempts = NULL;
    earlier->nattempts = 0;
    list[n] = *earlier;
    result_init(earlier);
    result_free_attempts(r);
    r->attempts = list;
    r->nattempts = n + 1;
    return 0;
}
