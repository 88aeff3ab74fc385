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

// The machine of a run, and what it is made from again. vm is NULL when it
// could not be made; no function but restart and stop is called then.
struct live_machine {
    struct toyvmm_config config;
    struct live_console *console;
    struct witness *witness; // that may look at it, or NULL
    struct toyvmm *vm;
};

static void stop(void *owner)
{
    struct live_machine *m = owner;
    if (m->vm)
        toyvmm_stop(m->vm);
}

static bool regs(void *owner, unsigned vcpu, struct toyvmm_regs *out)
{
    struct live_machine *m = owner;
    return m->vm && toyvmm_read_regs(m->vm, vcpu, out);
}

static bool observe(void *owner, unsigned vcpu, uint64_t within_ns,
                    struct toyvmm_observation *out)
{
    struct live_machine *m = owner;
    return m->vm && toyvmm_observe(m->vm, vcpu, within_ns, out);
}

static size_t read_virtual(void *owner, const struct toyvmm_regs *which,
                           uint64_t address, void *to, size_t len)
{
    struct live_machine *m = owner;
    return m->vm ? toyvmm_read_virtual(m->vm, which, address, to, len) : 0;
}

static void usage(void *owner, uint64_t ns, struct toyvmm_usage *out,
                  struct toyvmm_share *each)
{
    struct live_machine *m = owner;
    if (m->vm)
        toyvmm_usage_at(m->vm, ns, out, each);
}

static size_t refusals(void *owner, struct toyvmm_refusal *out, size_t max)
{
    struct live_machine *m = owner;
    return m->vm ? toyvmm_refusals(m->vm, out, max) : 0;
}

static int nmi(void *owner, struct error *err)
{
    struct live_machine *m = owner;
    return m->vm ? toyvmm_nmi(m->vm, err)
                 : error_set(err, -ESRCH, "there is no machine");
}

static int power(void *owner, struct error *err)
{
    struct live_machine *m = owner;
    return m->vm ? toyvmm_press_power(m->vm, err)
                 : error_set(err, -ESRCH, "there is no machine");
}

// From now on the witness may look at the machine, or no more.
static void show(struct live_machine *m, bool stands)
{
    struct witness *w = m->witness;
    witness_lock(w);
    if (w) {
        w->observe = stands ? observe : NULL;
        w->vcpus = m->config.cpus;
        w->machine = m;
    }
    witness_unlock(w);
}

static void take_apart(struct live_machine *m)
{
    show(m, false);
    live_console_attach(m->console, NULL);
    toyvmm_destroy(m->vm);
    m->vm = NULL;
}

static int put_together(struct live_machine *m, struct error *err)
{
    int code = 0;
    m->vm = toyvmm_create(&m->config, &code, err);
    if (!m->vm)
        return code;
    live_console_attach(m->console, m->vm);
    code = toyvmm_start(m->vm, err);
    if (!code)
        show(m, true);
    return code;
}

static int restart(void *owner, struct error *err)
{
    struct live_machine *m = owner;
    take_apart(m);
    live_console_forget_input(m->console);
    return put_together(m, err);
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
    char cpus[16];
    const char *backing = guest_backing_word(g->backing);
    snprintf(memory, sizeof(memory), "%" PRIu64 "M%s%s", g->memory >> 20,
             backing ? " " : "", backing ? backing : "");
    snprintf(cpus, sizeof(cpus), "%u", g->cpus);
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
        {"kernel", g->kernel},   {"initrd", g->initrd},
        {"cmdline", g->cmdline}, {"memory", memory},
        {"cpus", cpus},          {"version", TOYVMM_VERSION},
        {"seed", o->seed},
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

// What is odd about the images is told once, however often they are booted.
static int note_images(const struct live_options *o, struct live_machine *m,
                       struct result *out)
{
    int code = 0;
    const char *note;
    for (size_t i = 0; !code && (note = toyvmm_note(m->vm, i)) != NULL; i++)
        code = result_add_note(out, false, clock_now_ns() - o->started_ns, NULL,
                               "%s", note);
    return code;
}

static int run_on(const struct live_options *o, struct live_machine *m,
                  struct result *out)
{
    const struct run_machine machine = {.owner = m,
                                        .vcpus = m->config.cpus,
                                        .stop = stop,
                                        .regs = regs,
                                        .observe = observe,
                                        .read = read_virtual,
                                        .usage = usage,
                                        .refusals = refusals,
                                        .restart = restart,
                                        .nmi = nmi,
                                        .power = power};
    struct run_options run = {.scenario = o->scenario,
                              .console = live_console_base(m->console),
                              .machine = &machine,
                              .kernel = o->guest->kernel,
                              .symbols = o->guest->symbols,
                              .started_ns = o->started_ns,
                              .timeout_scale = o->timeout_scale,
                              .slowness = o->slowness,
                              .judge_marks = o->judge_marks,
                              .witness = o->witness,
                              .printed = o->printed,
                              .step = o->step,
                              .owner = o->owner};
    int code = note_images(o, m, out);
    if (code)
        return code;
    if (o->prepare)
        o->prepare(o->owner, &run, out);
    if (o->console)
        o->console(o->owner, run.console);
    code = run_scenario(&run, out);
    if (o->console)
        o->console(o->owner, NULL);
    return code;
}

// From here on this process opens what it has named, and starts no program.
// What is wrong with the machine is said before.
static int confine(const struct live_options *o, const struct live_machine *m,
                   struct error *err)
{
    if (!o->confine)
        return 0;
    int code = toyvmm_check(&m->config, err);
    if (!code)
        code = toyvmm_kept_open(&m->config, err);
    if (!code)
        code = toyvmm_confine(err);
    if (!code)
        code = toyvmm_confine_files(&m->config, o->confine, err);
    return code || !o->confined ? code : o->confined(o->owner, err);
}

int live_run(const struct live_options *options, struct result *result)
{
    struct error err = {""};
    int code = describe(options, result);
    if (code)
        return code;
    struct live_machine m = {.config = guest_config(options->guest),
                             .witness = options->witness,
                             .console = live_console_new(&err)};
    if (!m.console)
        return no_machine(options, result, &err);
    m.config.sink = live_console_sink(m.console);
    m.config.pin = options->pin;
    m.config.no_sandbox = options->no_sandbox;
    // A reset leaves disks as they are; without memory for it the machine says
    // so itself.
    m.config.kept = toyvmm_kept_new();
    // What serves its folders and disks is started before this process can
    // start nothing any more, and stays for each machine that it makes.
    if (m.config.nfolders || m.config.ndisks)
        m.config.servers = toyvmm_serve(&m.config, &code, &err);
    if (code || confine(options, &m, &err) || put_together(&m, &err))
        code = no_machine(options, result, &err);
    else
        code = run_on(options, &m, result);
    if (options->witness && !code) {
        witness_lock(options->witness);
        options->witness->finished = result;
        witness_unlock(options->witness);
    }
    take_apart(&m);
    toyvmm_kept_free(m.config.kept);
    toyvmm_servers_end(m.config.servers);
    console_close(live_console_base(m.console));
    return code;
}
