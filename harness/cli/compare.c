// SPDX-License-Identifier: Apache-2.0
// `compare` and `gate`: boots two machines by turns, and tells whether one is
// slower. See commands.h.
#include "harness/cli/accel.h"
#include "harness/cli/commands.h"
#include "harness/cli/guard.h"
#include "harness/cli/launch.h"
#include "harness/cli/series.h"
#include "harness/cli/side_spec.h"
#include "harness/history/compare_report.h"
#include "harness/history/noise.h"
#include "harness/report/output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// Without --runs, two stages: a pilot, then as many runs as its noise asks for,
// judged once at the end. That number comes from the variance alone and not
// from the difference that the pilot saw, so looking at the pilot costs no
// false alarms (Stein 1945).
#define PILOT_RUNS  10
#define MOST_RUNS   60
#define MOST_FAILED 10 // one boot in so many may fail

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
    struct compare_options how;
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
        code = compare_runs(&base, &head, &c->how, out, err);
    }
    for (size_t i = 0; !code && i < j->nmarks; i++)
        j->marks[i] = (struct compared_mark){j->names[i], out[i]};
    free(values[0]);
    free(values[1]);
    free(out);
    return code;
}

static int judge(const struct comparison *c, size_t selected, struct judged *j,
                 struct error *err)
{
    *j = (struct judged){0};
    int code = 0;
    for (unsigned i = 0; !code && i < BOOT_SIDES; i++)
        code = collect(c, selected, i, &j->sides[i]);
    // A boot whose other half failed has no neighbour in time.
    if (!code)
        series_pair(&j->sides[0], &j->sides[1]);
    if (!code)
        code = series_marks(j->sides, BOOT_SIDES, c->o->marks, &j->names,
                            &j->nmarks, err);
    if (!code && j->nmarks && j->sides[0].count >= 2)
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

struct verdicts {
    bool broken, open, unmeasured;
};

static bool too_many_failed(const struct series *s)
{
    return s->failed * MOST_FAILED > s->count + s->failed;
}

// Boots that failed: true when nothing can be said of the times. A head that
// fails where base boots is worse than slow.
static bool tell_failures(const char *scenario, const struct judged *j,
                          struct verdicts *v)
{
    static const char *const names[BOOT_SIDES] = {"base", "head"};
    bool bad = false;
    for (size_t i = 0; i < BOOT_SIDES; i++) {
        const struct series *s = &j->sides[i];
        if (!s->failed)
            continue;
        fprintf(stderr, "%s: %zu of %s's boots did not pass: %s\n", scenario,
                s->failed, names[i],
                s->failure && s->failure->message ? s->failure->message : "");
        bad |= too_many_failed(s);
    }
    if (bad && too_many_failed(&j->sides[1]) && !j->sides[0].failed)
        v->broken = true;
    else if (bad)
        v->unmeasured = true;
    return bad;
}

struct outputs {
    FILE *json, *summary;
};

static void tell_case(const struct comparison *c, size_t selected,
                      const struct judged *j, const struct outputs *out,
                      struct verdicts *v)
{
    const struct selected *one = &c->selection.list[selected];
    const struct compared told = {
        .scenario = one->what.title,
        .base = c->names[0],
        .head = c->names[1],
        .options = &c->how,
        .nmarks = j->nmarks,
        .marks = j->marks,
        .warning = c->warning,
    };
    if (tell_failures(one->what.title, j, v))
        return;
    if (!j->nmarks) {
        fprintf(stderr, "%s: no mark was reached by both sides twice\n",
                one->what.title);
        v->unmeasured = true;
        return;
    }
    compared_terminal(stdout, &told);
    if (out->json)
        compared_json(out->json, &told);
    if (out->summary)
        compared_markdown(out->summary, &told);
    enum gate gate = compared_gate(&told);
    v->broken |= gate == GATE_BROKEN;
    v->open |= gate == GATE_OPEN;
}

static int verdict_code(const struct comparison *c, const struct verdicts *v)
{
    bool gate = c->o->command == COMMAND_GATE;
    if (gate && !c->o->quiet)
        puts(v->broken       ? "gate: broken"
             : v->unmeasured ? "gate: it could not be measured"
             : v->open ? "gate: holds; too few samples to see small changes"
                       : "gate: holds");
    if (c->interrupted)
        return EXIT_INTERRUPTED;
    if (v->broken && (gate || v->unmeasured))
        return EXIT_FAILED;
    return v->unmeasured ? EXIT_UNABLE : EXIT_PASSED;
}

struct written {
    char *bytes;
    size_t len;
};

static int write_text(FILE *f, const void *owner)
{
    const struct written *t = owner;
    return fwrite(t->bytes, 1, t->len, f) == t->len ? 0 : -EIO;
}

static int save(const char *path, FILE *f, struct written *t, struct error *err)
{
    int code = 0;
    if (f)
        code = fclose(f) ? -ENOMEM : output_write(path, write_text, t, err);
    free(t->bytes);
    return code;
}

static int conclude(struct comparison *c)
{
    struct error err = {""};
    struct verdicts v = {0};
    struct written json = {0}, summary = {0};
    struct noise_look after;
    noise_look("", &after);
    noise_warning(&c->before, &after, 1, c->warning);
    if (!strcmp(c->accelerator, "rig"))
        snprintf(c->warning, sizeof(c->warning),
                 "in the rig: times are an emulator's, not the hardware's");
    const char *json_path = c->o->reports[REPORT_JSON];
    struct outputs out = {
        json_path ? open_memstream(&json.bytes, &json.len) : NULL,
        c->o->reports[REPORT_SUMMARY]
            ? open_memstream(&summary.bytes, &summary.len)
            : NULL,
    };
    int code = 0;
    for (size_t i = 0; !code && i < c->selection.count; i++) {
        struct judged j;
        if (c->selection.list[i].skip)
            continue;
        code = judge(c, i, &j, &err);
        if (!code)
            tell_case(c, i, &j, &out, &v);
        judged_free(&j);
    }
    int failed = save(json_path, out.json, &json, &err);
    failed |= save(c->o->reports[REPORT_SUMMARY], out.summary, &summary, &err);
    if (code || failed)
        return complain(&err, code ? exit_for(code) : EXIT_UNABLE);
    return verdict_code(c, &v);
}

// ---- The command line -------------------------------------------------------

static int check_words(const struct options *o, struct error *err)
{
    size_t len = o->npaths == 3 ? strlen(o->paths[2]) : 0;
    if (len < 3 || strcmp(o->paths[2] + len - 3, ".tc") != 0)
        return error_set(err, -EINVAL, "%s takes BASE HEAD FILE.tc; see --help",
                         o->command == COMMAND_GATE ? "gate" : "compare");
    const char *const paths[] = {o->reports[REPORT_JSON],
                                 o->reports[REPORT_SUMMARY]};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        int code = paths[i] ? output_check(paths[i], err) : 0;
        if (code)
            return code;
    }
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
    if (code)
        return code;
    struct options files = *o;
    files.paths = o->paths + 2;
    files.npaths = 1;
    return selection_make(&c->selection, &files, stderr, err);
}

static int run(struct comparison *c, int argc, char **argv)
{
    struct error err = {""};
    uint64_t memory = 0;
    int code = 0;
    for (size_t i = 0; !code && i < BOOT_SIDES; i++)
        code = launch_check_guests(&c->selection, &c->sides[i].machine, &memory,
                                   &err);
    if (code)
        return complain(&err, exit_for(code));
    const char *outputs[] = {c->o->reports[REPORT_SUMMARY]};
    if (launch_settle(c->o, argc, argv, memory, outputs, 1, &c->accelerator,
                      &err))
        return complain(&err, EXIT_UNABLE);
    guard_pipes();
    code = boot_all(c, &err);
    if (code)
        return complain(&err, EXIT_UNABLE);
    return conclude(c);
}

int compare_main(const struct options *o, int argc, char **argv)
{
    struct error err = {""};
    struct comparison c = {.o = o, .how = compare_defaults};
    c.how.interleaved = true;
    const struct {
        double given, *field;
    } fractions[] = {{o->alpha, &c.how.alpha},
                     {o->min_effect, &c.how.min_effect},
                     {o->target, &c.how.target},
                     {o->power, &c.how.power}};
    for (size_t i = 0; i < sizeof(fractions) / sizeof(fractions[0]); i++) {
        if (fractions[i].given > 0)
            *fractions[i].field = fractions[i].given;
    }
    int code =
        prepare(&c, &err) ? complain(&err, EXIT_WRONG) : run(&c, argc, argv);
    for (size_t i = 0; i < c.nparts; i++) {
        suite_run_free(&c.parts[i].run);
        boots_free(&c.parts[i].boots);
    }
    selection_free(&c.selection);
    for (size_t i = 0; i < BOOT_SIDES; i++)
        side_spec_free(&c.sides[i]);
    return code;
}
