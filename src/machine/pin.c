// SPDX-License-Identifier: Apache-2.0
// Pinning. See pin.h and toyvmm_check_pin.
#include "src/machine/pin.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

// The kernel's list of the CPUs that are on, like "0-3,8".
static void online(char *list, int size)
{
    FILE *f = fopen("/sys/devices/system/cpu/online", "re");
    if (!f || !fgets(list, size, f))
        snprintf(list, (size_t)size, "unknown");
    list[strcspn(list, "\n")] = '\0';
    if (f)
        fclose(f);
}

static bool only(struct toyvmm_pin pin, cpu_set_t *set)
{
    CPU_ZERO(set);
    if (pin.cpu >= CPU_SETSIZE)
        return false;
    CPU_SET(pin.cpu, set);
    return true;
}

int pin_attr(pthread_attr_t *attr, struct toyvmm_pin pin)
{
    cpu_set_t set;
    if (!pin.set)
        return 0;
    if (!only(pin, &set))
        return EINVAL;
    return pthread_attr_setaffinity_np(attr, sizeof set, &set);
}

// Tried out, not looked up: a CPU that was isolated from the scheduler is not
// in this process's set and yet may be had, one outside its cpuset may not.
static bool can_run_on(struct toyvmm_pin pin)
{
    cpu_set_t before;
    cpu_set_t set;
    if (!only(pin, &set))
        return false;
    if (sched_getaffinity(0, sizeof before, &before) < 0)
        return true; // more CPUs than the set holds: starting it will tell
    if (sched_setaffinity(0, sizeof set, &set) < 0)
        return false;
    sched_setaffinity(0, sizeof before, &before);
    return true;
}

int toyvmm_check_pin(struct toyvmm_pin pin, struct error *err)
{
    char list[96];
    if (!pin.set || can_run_on(pin))
        return 0;
    online(list, sizeof list);
    return error_set(err, -EINVAL,
                     "guests can't be pinned to CPU %u: the CPUs here are %s, "
                     "as far as this process may use them",
                     pin.cpu, list);
}
