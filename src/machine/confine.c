// SPDX-License-Identifier: Apache-2.0
// The machine's guard (src/host/guard.h): what it tells ends the machine, with
// words. It is no part of the keeper, which may wait for a lock that a caught
// thread holds.
#include "src/machine/confine.h"

#include "src/machine/machine.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// The vCPU that an event is of.
static unsigned vcpu_of(const struct guard_thread *who)
{
    return who->kind == SANDBOX_VCPU ? who->index : 0;
}

static void on_caught(void *owner, const struct guard_thread *who,
                      const char *call)
{
    machine_end_outside(owner, vcpu_of(who),
                        "sandbox: the thread of %s made a call that it has no "
                        "need of: %s",
                        who->name, call);
}

static void on_refused(void *owner, const struct guard_thread *who, int code)
{
    char text[64];
    machine_end_outside(owner, vcpu_of(who),
                        "the kernel refuses a sandbox for the thread of %s "
                        "(%s): --no-sandbox runs without one",
                        who->name, strerror_r(code, text, sizeof text));
}

int confine_begin(struct toyvmm *vm, confine_entered *entered,
                  struct error *err)
{
    const struct guard_hooks hooks = {
        .owner = vm,
        .caught = on_caught,
        .refused = on_refused,
        .entered = entered,
    };
    if (!sandbox_is_offered())
        return 0;
    enum { OTHERS = 2 }; // the keeper, the network
    vm->guard = guard_new(
        &hooks,
        vm->nprocessors + OTHERS + TOYVMM_DISKS_MAX + TOYVMM_FOLDERS_MAX, err);
    return vm->guard ? 0 : -EAGAIN;
}

struct guard_seat confine_seat(struct guard *guard, enum sandbox_thread kind,
                               unsigned index, const char *name, ...)
{
    struct guard_seat seat = {.guard = guard,
                              .who = {.kind = kind, .index = index}};
    va_list args;
    va_start(args, name);
    vsnprintf(seat.who.name, sizeof seat.who.name, name, args);
    va_end(args);
    return seat;
}
