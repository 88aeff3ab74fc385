// SPDX-License-Identifier: Apache-2.0
// The numbers of a group's results against its plan. See ktap_internal.h.
#include "harness/ktap/ktap_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

// Ranges of numbers that a message lists.
#define RANGES 8

static int ascending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void add_range(struct ktap_ranges *r, uint64_t first, uint64_t last)
{
    const char *comma = r->listed ? ", " : "";
    r->count += last - first + 1;
    r->listed++;
    size_t room = sizeof(r->text) - r->len;
    int n;
    if (r->listed > RANGES)
        n = r->listed == RANGES + 1 ? snprintf(r->text + r->len, room, ", ...")
                                    : 0;
    else if (first == last)
        n = snprintf(r->text + r->len, room, "%s%" PRIu64, comma, first);
    else
        n = snprintf(r->text + r->len, room, "%s%" PRIu64 "-%" PRIu64, comma,
                     first, last);
    r->len += n > 0 ? (size_t)n : 0;
}

static size_t count_results(const struct ktap_node *group)
{
    size_t n = 0;
    for (const struct ktap_node *c = group->first; c; c = c->next)
        n += c->is_result;
    return n;
}

// The suites of KUnit's modules count on from what ran before, and from 1 again
// when a module was removed: only a step by more than one has lost something.
static void check_suites(const struct ktap_node *root,
                         struct ktap_numbering *out)
{
    uint64_t last = 0;
    for (const struct ktap_node *c = root->first; c; c = c->next) {
        if (!c->is_result)
            continue;
        if (last && c->number > last + 1)
            add_range(&out->missing, last + 1, c->number - 1);
        last = c->number;
    }
}

bool ktap_check_numbers(const struct ktap_node *group,
                        struct ktap_numbering *out)
{
    if (ktap_is_bare(group) && group->suites) {
        check_suites(group, out);
        return true;
    }
    size_t n = count_results(group);
    uint64_t *numbers = calloc(n + 1, sizeof(*numbers));
    if (!numbers)
        return false;
    size_t i = 0;
    for (const struct ktap_node *c = group->first; c; c = c->next) {
        if (c->is_result)
            numbers[i++] = c->number;
    }
    qsort(numbers, n, sizeof(*numbers), ascending);
    out->expected = group->has_plan ? group->plan : n ? numbers[n - 1] : 0;
    uint64_t next = 1;
    for (i = 0; i < n; i++) {
        uint64_t at = numbers[i];
        bool again = i && at == numbers[i - 1];
        if (again && (i < 2 || numbers[i - 2] != at))
            add_range(&out->twice, at, at);
        if (again)
            continue;
        if (!at || at > out->expected) {
            add_range(&out->beyond, at, at);
            continue;
        }
        if (at > next)
            add_range(&out->missing, next, at - 1);
        next = at + 1;
    }
    if (next <= out->expected)
        add_range(&out->missing, next, out->expected);
    free(numbers);
    return true;
}
