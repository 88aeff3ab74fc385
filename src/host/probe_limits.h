// SPDX-License-Identifier: Apache-2.0
// The time that the probe may take: a thread that kicks the one which runs the
// probe's vCPU when its CPU time, or the time that passed, is used up. No timer
// does that, because each timer wants room in the user's queue of signals
// (RLIMIT_SIGPENDING), which another process may have used up: then a good KVM
// would be called unusable. Used by probe_vm.c only.
#pragma once

#include "src/base/error.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

// Owned by the thread that started it, and not moved until it is stopped; lock
// guards stop.
struct probe_limits {
    pthread_t runner, watcher;
    clockid_t cpu_clock; // the runner's
    uint64_t cpu_end_ns; // of that clock
    uint64_t wall_end_ns;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool stop;
};

// From now on, the calling thread may use cpu_ns of CPU time and wall_ns of
// time; then KVM_KICK_SIGNAL is pending for it, once. Call it with signals
// blocked (kvm_kick_block_signals). 0, or a negative errno with a sentence;
// nothing is to be stopped then.
int probe_limits_start(struct probe_limits *limits, uint64_t cpu_ns,
                       uint64_t wall_ns, struct error *err);

// After it no kick comes any more; one that came stays pending. The same
// thread.
void probe_limits_stop(struct probe_limits *limits);
