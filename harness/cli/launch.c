// SPDX-License-Identifier: Apache-2.0
// From selected scenarios to booted guests. See launch.h.
#include "harness/cli/launch.h"

#include "harness/cli/accel.h"
#include "harness/cli/conf.h"
#include "harness/report/outlet.h"
#include "src/base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int complain(const struct error *err, int code)
{
    fflush(stdout);
    if (*err->text)
        fprintf(stderr, "toyvmm-test: %s\n", err->text);
    return code;
}

// -EINVAL is the user's mistake, everything else the environment's.
int exit_for(int code)
{
    return code == -EINVAL ? EXIT_WRONG : EXIT_UNABLE;
}

int launch_check_guests(const struct selection *s,
                        const struct guest_overrides *machine,
                        uint64_t *largest, struct error *err)
{
    for (size_t i = 0; i < s->count; i++) {
        struct guest guest;
        if (s->list[i].skip)
            continue;
        int code = guest_make(&guest, s->list[i].what.scenario,
                              selected_machine(&s->list[i], machine), err);
        if (!code)
            code = guest_check(&guest, err);
        if (code)
            return error_prefix(err, code, "%s", s->list[i].path);
        if (guest.memory > *largest)
            *largest = guest.memory;
        guest_free(&guest);
    }
    return 0;
}

static struct rig_needs needs_of(const struct options *o, uint64_t memory,
                                 const char *const *outputs, size_t noutputs)
{
    struct rig_needs needs = {.memory = memory * (unsigned)o->jobs};
    size_t n = 0;
    for (size_t i = 0; i < REPORTS; i++) {
        if (o->reports[i])
            needs.outputs[n++] = o->reports[i];
    }
    for (size_t i = 0; i < noutputs && n < RIG_OUTPUTS - 1; i++) {
        if (outputs[i])
            needs.outputs[n++] = outputs[i];
    }
    return needs;
}

static int choose(const struct options *o, const char **accelerator,
                  struct error *err)
{
    int code = accel_choose(o->accelerator, accelerator, err);
    // Where the guests run it is known which CPUs there are.
    return code ? code : toyvmm_check_pin(o->pin, err);
}

int launch_settle(const struct options *o, int argc, char **argv,
                  uint64_t memory, const char *const *outputs, size_t noutputs,
                  const char **accelerator, struct error *err)
{
    int code = choose(o, accelerator, err);
    if (code <= 0)
        return code;
    struct rig_needs needs = needs_of(o, memory, outputs, noutputs);
    return accel_enter_rig(argc, argv, &needs, err);
}

// The rest of launch_kept, where the rig is chosen.
static int in_rig(const struct launch *l, struct keep *k,
                  const struct written *written, int *exit_code,
                  struct error *err)
{
    const struct options *o = l->options;
    struct rig_needs needs = needs_of(o, l->memory, l->outputs, l->noutputs);
    needs.written = written;
    if (!keep_wants(k))
        return accel_enter_rig(l->argc, l->argv, &needs, err);
    int code =
        keep_in_rig(k, l->argc, l->argv, &needs,
                    o->shard.count ? l->selection : NULL, exit_code, err);
    return code ? code : 1;
}

int launch_kept(const struct launch *l, struct keep *k,
                const char **accelerator, int *exit_code, struct error *err)
{
    struct written written;
    int code = choose(l->options, accelerator, err);
    if (code <= 0)
        return code;
    code = written_collect(&written, l->selection, &l->options->machine, err);
    if (!code)
        code = in_rig(l, k, &written, exit_code, err);
    written_free(&written);
    return code;
}

struct plan launch_plan(const struct options *o, const struct boots *b,
                        const struct recordings *r, const char *accelerator)
{
    // Those of the exact rig are the same each time.
    bool rig = accelerator && !strcmp(accelerator, "rig");
    return (struct plan){
        .nsets = o->nsets,
        .sets = o->sets,
        .timeout_scale =
            o->replay ? r->scale : accel_timeout_scale(o, accelerator),
        .replay_speed = o->replay_speed,
        .pin = o->pin,
        .accelerator = accelerator,
        .seed = o->exact && accel_inside_rig() ? o->seed.text : NULL,
        .judge_marks = !rig,
        .no_sandbox = o->no_sandbox,
        .show_console = o->show_console,
        .verbosity = o->verbosity,
        .ncases = b->count,
        .cases = b->cases,
    };
}

// Nobody may read it: the run matters more.
static void say(const char *text, size_t len)
{
    fflush(stdout);
    outlet_write(STDOUT_FILENO, text, len,
                 clock_after(clock_now_ns(), NS_PER_S / 4));
}

void launch_announce(const struct options *o, const struct plan *p)
{
    char line[240];
    char scale[64] = "", clock[64] = "", seeds[64] = "";
    if (o->quiet || !p->accelerator)
        return;
    if (!o->replay && (p->timeout_scale > 1 || p->timeout_scale < 1))
        snprintf(scale, sizeof(scale), ", deadlines multiplied by %g",
                 p->timeout_scale);
    if (!strcmp(p->accelerator, "exact") && o->explore > 1)
        snprintf(seeds, sizeof(seeds), ", seeds %" PRIu64 " to %" PRIu64,
                 o->seed.value, o->seed.value + (unsigned)o->explore - 1);
    else if (!strcmp(p->accelerator, "exact"))
        snprintf(seeds, sizeof(seeds), ", seed %" PRIu64, o->seed.value);
    if (*seeds)
        snprintf(clock, sizeof(clock), ", times are counted in instructions");
    else if (!o->replay && !p->judge_marks)
        snprintf(clock, sizeof(clock), ", times are not the hardware's");
    int n = snprintf(line, sizeof(line), "accelerator: %s%s%s%s\n",
                     p->accelerator, scale, seeds, clock);
    say(line, (size_t)n);
    if (o->verbosity && !o->replay && !o->no_sandbox &&
        !toyvmm_confines_files()) {
        n = snprintf(line, sizeof(line),
                     "sandbox: without a list of files, for this kernel has no "
                     "landlock (Linux 5.13)\n");
        say(line, (size_t)n);
    }
    if (o->verbosity && o->conf) {
        n = snprintf(line, sizeof(line), "config: %.200s\n",
                     conf_path(o->conf));
        say(line, (size_t)n);
    }
}

bool launch_all_skipped(const struct selection *s)
{
    size_t i = 0;
    while (i < s->count && s->list[i].skip)
        i++;
    return i == s->count;
}
