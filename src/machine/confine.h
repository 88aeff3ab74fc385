// SPDX-License-Identifier: Apache-2.0
// The sandbox of a machine's threads: one guard, and a seat for each thread
// that serves the guest. Private to src/machine and its tests.
#pragma once

#include "src/base/error.h"
#include "src/host/guard.h"

struct toyvmm;

// For tests: called on each thread that has entered; owner is the machine.
typedef void confine_entered(void *owner, const struct guard_thread *who);

// Gives the machine its guard, where there is a sandbox; entered may be NULL.
// 0, or a negative errno with a sentence.
int confine_begin(struct toyvmm *vm, confine_entered *entered,
                  struct error *err);

// The seat of a thread; name as for printf, as in "the thread of NAME". guard
// may be NULL: then it is for one that is not confined.
struct guard_seat confine_seat(struct guard *guard, enum sandbox_thread kind,
                               unsigned index, const char *name, ...)
    __attribute__((format(printf, 4, 5)));
