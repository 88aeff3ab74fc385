// SPDX-License-Identifier: Apache-2.0
// `compare` and `gate`: boots two machines by turns, and tells whether one is
// slower. See commands.h.
#include "harness/cli/commands.h"
#include "harness/cli/compare_exact.h"
#include "harness/cli/compare_history.h"
#include "harness/cli/compare_tell.h"
#include "harness/cli/guard.h"
#include "harness/cli/launch.h"
#include "harness/cli/series.h"
#include "harness/cli/side_spec.h"
#include "harness/history/noise.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Without --runs, two stages: a pilot, then as many runs as its noise asks for,
// judged once at the end. That number comes from the variance alone and not
// from the difference that the pilot saw, so looking at the pilot costs no
// false alarms (Stein 1945).
#define PILOT_RUNS 10
#define MOST_RUNS  60

struct part { // one stage
    struct boots boots;
    struct suite_run run;
};

struct comparison {
    const struct options *o;
    const char *names[BOOT_SIDES]; // as the command line has them
    struct side_spec sides[BOOT_SIDES];
    struct selection selection;
    const char *accelerator;
    struct telling told;
    struct keep keep;
    size_t nparts;
    struct part parts[2];
    unsigned runs; // of each side, so far
    bool interrupted;
    char warning[NOISE_TEXT];
    struct noise_look before;
};

static void tell_progress(const struct comparison *c, unsigned runs)
{
    if (!c->o->quiet)
        fprintf(stderr, "booting %u of each side%s\n", runs,
                c->runs ? " more, as the noise asks for" : ", by turns");
}

static int boot(struct comparison *c, unsigned runs, struct error *err)
{
    const struct options *o = c->o;
    struct part *p = &c->parts[c->nparts];
    struct boot_order order = {
        .warmups = c->runs ? 0 : (unsigned)o->warmups,
        .runs = runs,
        .first = c->runs + 1,
        .nsides = BOOT_SIDES,
        .sides = {{"base", c->sides[0].machine}, {"head", c->sides[1].machine}},
    };
    if (boots_make(&p->boots, &c->selection, NULL, &order))
        return error_set(err, -ENOMEM, "out of memory");
    tell_progress(c, runs);
    struct plan plan = launch_plan(o, &p->boots, NULL, c->accelerator);
    plan.quiet_passed = !o->verbosity;
    int code = suite_run(&plan, 1, false, &p->run, err);
    c->nparts++;
    c->runs += runs;
    c->interrupted = p->run.interrupted;
    return code;
}

// All boots of a case and side, of both stages.
static int collect(const struct comparison *c, size_t selected, unsigned side,
                   struct series *out)
{
    struct series parts[2] = {{0}, {0}};
    size_t total = 0;
    int code = 0;
    for (size_t i = 0; !code && i < c->nparts; i++) {
        code = series_collect(&parts[i], &c->parts[i].boots,
                              c->parts[i].run.results, selected, side);
        total += parts[i].count;
    }
    *out = (struct series){.boots = calloc(total + 1, sizeof(*out->boots))};
    code = out->boots ? code : -ENOMEM;
    for (size_t i = 0; i < c->nparts; i++) {
        for (size_t k = 0; !code && k < parts[i].count; k++)
            out->boots[out->count++] = parts[i].boots[k];
        out->failed += parts[i].failed;
        if (!out->failure)
            out->failure = parts[i].failure;
        series_free(&parts[i]);
    }
    return code;
}

// One case compared. marks and sides are borrowed from here.
struct judged {
    struct series sides[BOOT_SIDES];
    struct told_boots boots[BOOT_SIDES];
    const char **names;
    size_t nmarks;
    struct compared_mark *marks;
};

static void judged_free(struct judged *j)
{
    for (size_t i = 0; i < BOOT_SIDES; i++)
        series_free(&j->sides[i]);
    free(j->names);
    free(j->marks);
    *j = (struct judged){0};
}

static int compare_tables(const struct comparison *c, struct judged *j,
                          struct error *err)
{
    double *values[BOOT_SIDES];
    struct mark_comparison *out = calloc(j->nmarks + 1, sizeof(*out));
    for (size_t i = 0; i < BOOT_SIDES; i++)
        values[i] = series_table(&j->sides[i], j->names, j->nmarks, c->o->cpu);
    j->marks = calloc(j->nmarks + 1, sizeof(*j->marks));
    int code = -ENOMEM;
    if (out && values[0] && values[1] && j->marks) {
        const struct run_table base = {j->sides[0].count, j->nmarks, values[0]};
        const struct run_table head = {j->sides[1].count, j->nmarks, values[1]};
        code = compare_runs(&base, &head, &c->told.how, out, err);
    }
    for (size_t i = 0; !code && i < j->nmarks; i++)
        j->marks[i] = (struct compared_mark){j->names[i], out[i]};
    free(values[0]);
    free(values[1]);
    free(out);
    return code;
}

static struct told_boots told_boots(const struct series *s)
{
    return (struct told_boots){s->count, s->failed,
                               s->failure ? s->failure->message : NULL};
}

static int judge(const struct comparison *c, size_t selected, struct judged *j,
                 struct error *err)
{
    *j = (struct judged){0};
    int code = 0;
    for (unsigned i = 0; !code && i < BOOT_SIDES; i++)
        code = collect(c, selected, i, &j->sides[i]);
    for (unsigned i = 0; i < BOOT_SIDES; i++)
        j->boots[i] = told_boots(&j->sides[i]);
    // A boot whose other half failed has no neighbour in time.
    if (!code)
        series_pair(&j->sides[0], &j->sides[1]);
    // Without a pair there are no marks, so none can be missed.
    bool any = !code && j->sides[0].count;
    if (any)
        code = series_marks(j->sides, BOOT_SIDES, c->o->marks, &j->names,
                            &j->nmarks, err);
    if (any && !code && j->nmarks)
        code = compare_tables(c, j, err);
    else
        j->nmarks = 0;
    return code;
}

// How many more runs the case that needs most of them asks for.
static unsigned still_needed(const struct comparison *c, struct error *err)
{
    size_t needed = c->runs;
    size_t most = (size_t)(c->o->max_runs ? c->o->max_runs : MOST_RUNS);
    for (size_t i = 0; i < c->selection.count; i++) {
        struct judged j;
        if (c->selection.list[i].skip || judge(c, i, &j, err)) {
            judged_free(&j);
            continue;
        }
        for (size_t k = 0; k < j.nmarks; k++) {
            if (j.marks[k].result.needed > needed)
                needed = j.marks[k].result.needed;
        }
        judged_free(&j);
    }
    needed = needed > most ? most : needed;
    return needed > c->runs ? (unsigned)needed - c->runs : 0;
}

static int boot_all(struct comparison *c, struct error *err)
{
    const struct options *o = c->o;
    unsigned most = (unsigned)(o->max_runs ? o->max_runs : MOST_RUNS);
    unsigned first = o->runs             ? (unsigned)o->runs
                     : most < PILOT_RUNS ? most
                                         : PILOT_RUNS;
    noise_look("", &c->before);
    int code = boot(c, first, err);
    if (code || c->interrupted || o->runs)
        return code;
    unsigned more = still_needed(c, err);
    *err->text = '\0';
    return more ? boot(c, more, err) : 0;
}

// ---- What is told -----------------------------------------------------------

static int tell_case(const struct comparison *c, size_t selected,
                     const struct judged *j, struct telling *t,
                     struct error *err)
{
    const char *title = c->selection.list[selected].what.title;
    char name[SELECTED_NAME];
    struct cause_side parts[BOOT_SIDES] = {{0}, {0}};
    if (telling_failures(t, title, &j->boots[0], &j->boots[1]))
        return 0;
    int code = 0;
    for (size_t i = 0; !code && i < BOOT_SIDES; i++)
        code = series_parts(&j->sides[i], c->o->cpu, &parts[i]);
    code = code
               ? error_set(err, code, "out of memory")
               : telling_case(t, title,
                              selected_name(&c->selection.list[selected], name),
                              j->marks, j->nmarks, parts, err);
    for (size_t i = 0; i < BOOT_SIDES; i++)
        series_parts_free(&parts[i]);
    return code;
}

static int conclude(struct comparison *c)
{
    struct error err = {""};
    struct noise_look after;
    noise_look("", &after);
    noise_warning(&c->before, &after, 1, c->warning);
    if (!strcmp(c->accelerator, "rig"))
        snprintf(c->warning, sizeof(c->warning),
                 "in the rig: times are an emulator's, not the hardware's");
    c->told.warning = c->warning;
    int code = 0;
    for (size_t i = 0; !code && i < c->selection.count; i++) {
        struct judged j;
        if (c->selection.list[i].skip)
            continue;
        code = judge(c, i, &j, &err);
        if (!code)
            code = tell_case(c, i, &j, &c->told, &err);
        judged_free(&j);
    }
    int kept = 0;
    for (size_t i = 0; !kept && i < c->nparts; i++)
        kept = keep_boots(&c->keep, &c->parts[i].boots, &c->parts[i].run);
    kept = kept ? kept : keep_end(&c->keep, stderr);
    int exit_code = telling_end(&c->told, c->interrupted);
    if (code)
        return complain(&err, exit_for(code));
    return kept && exit_code == EXIT_PASSED ? EXIT_UNABLE : exit_code;
}

// ---- The command line -------------------------------------------------------

static int check_words(const struct options *o, struct error *err)
{
    size_t len = o->npaths == 3 ? strlen(o->paths[2]) : 0;
    if (len < 3 || strcmp(o->paths[2] + len - 3, ".tc") != 0)
        return error_set(err, -EINVAL,
                         "%s takes BASE HEAD FILE.tc, or BASE HEAD and a "
                         "--history that has both; see --help",
                         o->command == COMMAND_GATE ? "gate" : "compare");
    return 0;
}

static int prepare(struct comparison *c, struct error *err)
{
    const struct options *o = c->o;
    int code = check_words(o, err);
    for (size_t i = 0; !code && i < BOOT_SIDES; i++) {
        c->names[i] = o->paths[i];
        code = side_spec_parse(&c->sides[i], o->paths[i], &o->machine, err);
    }
    if (!code)
        code = telling_begin(&c->told, o, err);
    if (code)
        return code;
    c->told.how.interleaved = true;
    c->told.base = c->names[0];
    c->told.head = c->names[1];
    struct options files = *o;
    files.paths = o->paths + 2;
    files.npaths = 1;
    return selection_make(&c->selection, &files, stderr, err);
}

static int run(struct comparison *c, int argc, char **argv)
{
    struct error err = {""};
    const char *outputs[] = {NULL};
    struct launch launch = {c->o, argc, argv, 0, outputs, 1, &c->selection};
    int exit_code = EXIT_UNABLE;
    int code = keep_begin(&c->keep, c->o, &err);
    if (code)
        return complain(&err, EXIT_UNABLE);
    for (size_t i = 0; !code && i < BOOT_SIDES; i++)
        code = launch_check_guests(&c->selection, &c->sides[i].machine,
                                   &launch.memory, &err);
    if (code)
        return complain(&err, exit_for(code));
    code = launch_kept(&launch, &c->keep, &c->accelerator, &exit_code, &err);
    if (code)
        return code > 0 ? exit_code : complain(&err, EXIT_UNABLE);
    guard_pipes();
    code = boot_all(c, &err);
    return code ? complain(&err, EXIT_UNABLE) : conclude(c);
}

static int compare_boots(const struct options *o, int argc, char **argv)
{
    struct error err = {""};
    struct comparison c = {.o = o};
    if (o->exact)
        return check_words(o, &err) ? complain(&err, EXIT_WRONG)
                                    : compare_exactly(o);
    int code =
        prepare(&c, &err) ? complain(&err, EXIT_WRONG) : run(&c, argc, argv);
    keep_free(&c.keep);
    for (size_t i = 0; i < c.nparts; i++) {
        suite_run_free(&c.parts[i].run);
        boots_free(&c.parts[i].boots);
    }
    selection_free(&c.selection);
    for (size_t i = 0; i < BOOT_SIDES; i++)
        side_spec_free(&c.sides[i]);
    return code;
}

int compare_main(const struct options *o, int argc, char **argv)
{
    bool recorded = o->npaths == 2 && o->history;
    return recorded ? compare_history(o) : compare_boots(o, argc, argv);
}
