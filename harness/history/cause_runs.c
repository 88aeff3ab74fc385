// SPDX-License-Identifier: Apache-2.0
// Runs of the history as times of marks and of what the guest told. See
// causes.h.
#include "harness/history/causes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *cause_kind_name(enum cause_kind kind)
{
    static const char *const names[] = {
        [CAUSE_PHASE] = "phase",
        [CAUSE_MARK] = "mark",
        [CAUSE_INITCALL] = "initcall",
        [CAUSE_TOLD] = "told",
    };
    return names[kind];
}

static bool is_initcall(const char *sample)
{
    return !strncmp(sample, CAUSE_INITCALL_PREFIX,
                    sizeof(CAUSE_INITCALL_PREFIX) - 1);
}

bool cause_is_mark(const char *sample)
{
    return !is_initcall(sample);
}

// No mark of a scenario has a point in its name.
static bool is_reading(const char *sample)
{
    return strchr(sample, '.');
}

bool cause_is_moment(const char *mark)
{
    return cause_is_mark(mark) && !is_reading(mark);
}

bool cause_is_span(const char *reading)
{
    static const char *const spans[] = {"kernel.init",    "systemd.firmware",
                                        "systemd.loader", "systemd.kernel",
                                        "systemd.initrd", "systemd.userspace"};
    for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++) {
        if (!strcmp(reading, spans[i]))
            return true;
    }
    return false;
}

static enum cause_kind kind_of(const char *sample)
{
    return is_initcall(sample)  ? CAUSE_INITCALL
           : is_reading(sample) ? CAUSE_TOLD
                                : CAUSE_MARK;
}

int cause_run_of(const struct history_run *run, bool cpu, struct cause_run *out)
{
    size_t bytes = 1;
    for (size_t i = 0; i < run->nmarks; i++)
        bytes += sizeof(struct cause_value) + strlen(run->marks[i].name) + 1;
    *out = (struct cause_run){.values = malloc(bytes)};
    if (!out->values)
        return -ENOMEM;
    // The names lie behind the values.
    char *names = (char *)(out->values + run->nmarks);
    for (size_t i = 0; i < run->nmarks; i++) {
        const struct history_mark *m = &run->marks[i];
        enum cause_kind kind = kind_of(m->name);
        const char *name =
            m->name +
            (kind == CAUSE_INITCALL ? sizeof(CAUSE_INITCALL_PREFIX) - 1 : 0);
        size_t len = strlen(name) + 1;
        memcpy(names, name, len);
        out->values[out->count++] = (struct cause_value){
            kind, names,
            (double)(cpu && kind == CAUSE_MARK ? m->cpu_ns : m->wall_ns)};
        names += len;
    }
    return 0;
}
