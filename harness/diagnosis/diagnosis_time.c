// SPDX-License-Identifier: Apache-2.0
// The time that a diagnosis has, and how it is shared out. See parts.h.
#include "harness/diagnosis/parts.h"

#include "src/base/clock.h"

#include <inttypes.h>

static uint64_t now(const struct diagnosis *d)
{
    return d->run->clock ? d->run->clock(d->run->owner) : clock_now_ns();
}

void diagnose_begin(struct diagnosis *d, unsigned share)
{
    uint64_t at = now(d);
    if (!d->end_ns)
        d->end_ns = clock_after(at, d->run->budget_ns);
    uint64_t left = d->end_ns > at ? d->end_ns - at : 0;
    d->part_ns = clock_after(at, left / share);
}

uint64_t diagnose_left_ns(const struct diagnosis *d)
{
    uint64_t at = now(d);
    return d->part_ns > at ? d->part_ns - at : 0;
}

bool diagnose_is_over(const struct diagnosis *d)
{
    return !diagnose_left_ns(d);
}

static bool is_over(void *owner)
{
    return diagnose_is_over(owner);
}

struct ksyms_patience diagnose_patience(struct diagnosis *d)
{
    return (struct ksyms_patience){d, is_over};
}

const char *span_text(char buf[SPAN_TEXT], uint64_t ns)
{
    static const struct {
        uint64_t unit;
        const char *name;
    } units[] = {{NS_PER_S, "s"}, {NS_PER_MS, "ms"}, {NS_PER_US, "us"}};
    size_t u = 0;
    while (u < 2 && ns < units[u].unit)
        u++;
    uint64_t whole = ns / units[u].unit;
    uint64_t tenths = ns % units[u].unit * 10 / units[u].unit;
    if (tenths)
        snprintf(buf, SPAN_TEXT, "%" PRIu64 ".%" PRIu64 " %s", whole, tenths,
                 units[u].name);
    else
        snprintf(buf, SPAN_TEXT, "%" PRIu64 " %s", whole, units[u].name);
    return buf;
}
