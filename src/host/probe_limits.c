// SPDX-License-Identifier: Apache-2.0
// The probe's time. See probe_limits.h.
#include "src/host/probe_limits.h"

#include "src/base/clock.h"
#include "src/host/kvm.h"

#include <errno.h>

// When to look again: a thread can't use more CPU time than passes.
static uint64_t next_look(const struct probe_limits *limits)
{
    uint64_t used_ns = clock_cpu_ns(limits->cpu_clock);
    if (used_ns >= limits->cpu_end_ns)
        return 0;
    uint64_t at = clock_after(clock_now_ns(), limits->cpu_end_ns - used_ns);
    return at < limits->wall_end_ns ? at : limits->wall_end_ns;
}

static void *watch(void *arg)
{
    struct probe_limits *limits = arg;
    pthread_mutex_lock(&limits->lock);
    while (!limits->stop) {
        uint64_t at = next_look(limits);
        if (at <= clock_now_ns()) {
            // A signal to a living thread that isn't queued: it can't fail.
            pthread_kill(limits->runner, KVM_KICK_SIGNAL);
            break;
        }
        const struct timespec when = {
            .tv_sec = (time_t)(at / NS_PER_S),
            .tv_nsec = (long)(at % NS_PER_S),
        };
        pthread_cond_timedwait(&limits->changed, &limits->lock, &when);
    }
    pthread_mutex_unlock(&limits->lock);
    return NULL;
}

static void init_sync(struct probe_limits *limits)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&limits->changed, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&limits->lock, NULL);
}

static void destroy_sync(struct probe_limits *limits)
{
    pthread_mutex_destroy(&limits->lock);
    pthread_cond_destroy(&limits->changed);
}

int probe_limits_start(struct probe_limits *limits, uint64_t cpu_ns,
                       uint64_t wall_ns, struct error *err)
{
    *limits = (struct probe_limits){.runner = pthread_self()};
    int code = pthread_getcpuclockid(limits->runner, &limits->cpu_clock);
    if (code)
        return error_errno(err, code, "no clock for the probe's thread");
    limits->cpu_end_ns = clock_after(clock_cpu_ns(limits->cpu_clock), cpu_ns);
    limits->wall_end_ns = clock_after(clock_now_ns(), wall_ns);
    init_sync(limits);
    code = pthread_create(&limits->watcher, NULL, watch, limits);
    if (!code)
        return 0;
    destroy_sync(limits);
    return error_errno(err, code, "can't create the probe's thread");
}

void probe_limits_stop(struct probe_limits *limits)
{
    pthread_mutex_lock(&limits->lock);
    limits->stop = true;
    pthread_cond_signal(&limits->changed);
    pthread_mutex_unlock(&limits->lock);
    pthread_join(limits->watcher, NULL);
    destroy_sync(limits);
}
