// SPDX-License-Identifier: Apache-2.0
// A scenario on a live machine. See live.h.
#include "harness/runner/live.h"

#include "src/base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void stop(void *owner)
{
    toyvmm_stop(owner);
}

static bool regs(void *owner, struct toyvmm_regs *out)
{
    return toyvmm_read_regs(owner, out);
}

static void usage(void *owner, uint64_t *cpu_ns, uint64_t *exits)
{
    struct toyvmm_stats stats;
    toyvmm_stats(owner, &stats);
    *cpu_ns = stats.cpu_ns;
    *exits = stats.exits;
}

static int describe(const struct live_options *o, struct result *out)
{
    const struct guest *g = o->guest;
    struct timespec wall;
    clock_gettime(CLOCK_REALTIME, &wall);
    uint64_t ago = clock_now_ns() - o->started_ns;
    out->started_unix_ns =
        (uint64_t)wall.tv_sec * NS_PER_S + (uint64_t)wall.tv_nsec - ago;
    char memory[32];
    snprintf(memory, sizeof(memory), "%" PRIu64 "M", g->memory >> 20);
    int code = result_set(&out->path, "%s", o->scenario->path);
    if (!code)
        code = result_set(&out->title, "%s", o->scenario->title);
    if (!code)
        code = result_set(&out->guest, "%s", g->name);
    if (!code && g->note)
        code = result_set(&out->guest_note, "%s", g->note);
    if (!code)
        code = result_set(&out->accelerator, "%s", o->accelerator);
    const struct {
        const char *name, *value;
    } properties[] = {
        {"kernel", g->kernel},       {"initrd", g->initrd},
        {"cmdline", g->cmdline},     {"memory", memory},
        {"version", TOYVMM_VERSION},
    };
    for (size_t i = 0; i < sizeof(properties) / sizeof(properties[0]); i++) {
        if (!code && properties[i].value)
            code = result_add_property(out, properties[i].name,
                                       properties[i].value);
    }
    return code;
}

// A machine that isn't there can't be judged.
static int no_machine(const struct live_options *o, struct result *out,
                      const struct error *err)
{
    out->verdict = VERDICT_ERROR;
    out->duration_ns = clock_now_ns() - o->started_ns;
    int code = result_set(&out->kind, "machine");
    return code ? code : result_set(&out->message, "%s", err->text);
}

static int run_on(const struct live_options *o, struct live_console *lc,
                  struct toyvmm *vm, struct result *out)
{
    struct run_machine machine = {vm, stop, regs, usage};
    struct run_options run = {.scenario = o->scenario,
                              .console = live_console_base(lc),
                              .machine = &machine,
                              .started_ns = o->started_ns,
                              .timeout_scale = o->timeout_scale,
                              .judge_marks = o->judge_marks,
                              .printed = o->printed,
                              .step = o->step,
                              .owner = o->owner};
    if (o->console)
        o->console(o->owner, run.console);
    int code = run_scenario(&run, out);
    if (o->console)
        o->console(o->owner, NULL);
    return code;
}

int live_run(const struct live_options *options, struct result *result)
{
    struct error err = {""};
    int code = describe(options, result);
    if (code)
        return code;
    struct live_console *lc = live_console_new(&err);
    if (!lc)
        return no_machine(options, result, &err);
    struct toyvmm_config config = guest_config(options->guest);
    config.sink = live_console_sink(lc);
    struct toyvmm *vm = toyvmm_create(&config, NULL, &err);
    if (vm)
        live_console_attach(lc, vm);
    if (vm && !toyvmm_start(vm, &err))
        code = run_on(options, lc, vm, result);
    else
        code = no_machine(options, result, &err);
    if (vm)
        toyvmm_destroy(vm);
    console_close(live_console_base(lc));
    return code;
}
