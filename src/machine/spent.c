// SPDX-License-Identifier: Apache-2.0
// The ring of readings. See spent.h.
#include "src/machine/spent.h"

#include "src/base/clock.h"

#include <stdlib.h>
#include <string.h>

struct spent *spent_new(unsigned vcpus)
{
    struct spent *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->vcpus = vcpus;
    if (vcpus > 1)
        s->shares = calloc(SPENT_KEPT, vcpus * sizeof *s->shares);
    if (vcpus > 1 && !s->shares) {
        free(s);
        return NULL;
    }
    pthread_mutex_init(&s->lock, NULL);
    return s;
}

void spent_free(struct spent *s)
{
    if (!s)
        return;
    pthread_mutex_destroy(&s->lock);
    free(s->shares);
    free(s);
}

static struct toyvmm_share *shares_of(const struct spent *s, uint64_t reading)
{
    return s->shares + reading % SPENT_KEPT * s->vcpus;
}

void spent_add(struct spent *s, uint64_t ns, const struct toyvmm_usage *usage,
               const struct toyvmm_share *each)
{
    s->due_ns = clock_after(ns, SPENT_STEP_NS);
    pthread_mutex_lock(&s->lock);
    if (s->shares)
        memcpy(shares_of(s, s->count), each, s->vcpus * sizeof *each);
    s->ring[s->count % SPENT_KEPT] = (struct spent_reading){ns, *usage};
    s->count++;
    pthread_mutex_unlock(&s->lock);
}

// The caller holds lock, and there is a reading.
static bool find(const struct spent *s, uint64_t ns, struct toyvmm_usage *out,
                 struct toyvmm_share *each)
{
    uint64_t first = s->count > SPENT_KEPT ? s->count - SPENT_KEPT : 0;
    uint64_t low = first, high = s->count; // the answer is below high
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        if (s->ring[middle % SPENT_KEPT].ns <= ns)
            low = middle;
        else
            high = middle;
    }
    const struct spent_reading *r = &s->ring[low % SPENT_KEPT];
    bool is_last = low + 1 == s->count;
    *out = r->usage;
    if (each && s->shares)
        memcpy(each, shares_of(s, low), s->vcpus * sizeof *each);
    else if (each)
        *each = (struct toyvmm_share){r->usage.cpu_ns, r->usage.exits};
    return !is_last || ns <= clock_after(r->ns, SPENT_STEP_NS);
}

bool spent_find(struct spent *s, uint64_t ns, struct toyvmm_usage *out,
                struct toyvmm_share *each)
{
    pthread_mutex_lock(&s->lock);
    bool found = s->count && find(s, ns, out, each);
    pthread_mutex_unlock(&s->lock);
    return found;
}
