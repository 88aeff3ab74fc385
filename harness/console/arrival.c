// SPDX-License-Identifier: Apache-2.0
// Cutting a feed at its quiet moments (arrival.h).
#include "harness/console/arrival.h"

#include "src/base/clock.h"

#define PIECE_MAX ((size_t)64 << 10)

uint64_t arrival_quiet_ns(const struct arrival *a)
{
    return a->started ? clock_after(a->last_ns, a->settle_ns) : CLOCK_NEVER;
}

bool arrival_next(struct arrival *a, struct arrival_feed *feed,
                  struct piece *out)
{
    size_t end = feed->len;
    if (feed->at == end) {
        return false;
    }
    end = end - feed->at < PIECE_MAX ? end : feed->at + PIECE_MAX;
    const struct stamp *s = feed->stamps + feed->stamp;
    const struct stamp *stop = feed->stamps + feed->nstamps;
    while (s + 1 < stop && s[1].at <= feed->at) {
        s++;
    }
    uint64_t quiet_ns = arrival_quiet_ns(a);
    *out = (struct piece){
        .bytes = feed->bytes + feed->at,
        .base = feed->at,
        .stamps = s,
        .quiet = a->started && s < stop && s->ns >= quiet_ns,
        .quiet_ns = quiet_ns,
    };
    a->started = true;
    if (s < stop) {
        uint64_t last = s->ns;
        while (s + 1 < stop && s[1].at < end &&
               (s[1].ns < last || s[1].ns - last < a->settle_ns)) {
            last = (++s)->ns;
        }
        if (s + 1 < stop && s[1].at < end) {
            end = s[1].at;
        }
        a->last_ns = last;
        feed->stamp = (size_t)(s - feed->stamps);
        out->stamps_end = s + 1;
    } else {
        out->stamps_end = s;
    }
    out->len = end - feed->at;
    feed->at = end;
    return true;
}
