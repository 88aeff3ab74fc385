// SPDX-License-Identifier: Apache-2.0
// The lock of a run that is told of from outside. See witness.h.
#include "harness/runner/witness.h"

#include "src/base/clock.h"

int witness_init(struct witness *w, struct error *err)
{
    *w = (struct witness){0};
    int code = pthread_mutex_init(&w->lock, NULL);
    return code ? error_errno(err, code, "can't make a lock") : 0;
}

void witness_destroy(struct witness *w)
{
    pthread_mutex_destroy(&w->lock);
}

void witness_lock(struct witness *w)
{
    if (w)
        pthread_mutex_lock(&w->lock);
}

void witness_unlock(struct witness *w)
{
    if (w)
        pthread_mutex_unlock(&w->lock);
}

bool witness_try(struct witness *w, uint64_t deadline_ns)
{
    struct timespec t = {(time_t)(deadline_ns / NS_PER_S),
                         (long)(deadline_ns % NS_PER_S)};
    return !pthread_mutex_clocklock(&w->lock, CLOCK_MONOTONIC, &t);
}
