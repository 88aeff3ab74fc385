// SPDX-License-Identifier: Apache-2.0
// Two images in the exact rig. See compare_exact.h.
#include "harness/cli/compare_exact.h"

#include "harness/cli/compare_tell.h"
#include "harness/cli/exact_run.h"
#include "harness/cli/guard.h"
#include "harness/cli/launch.h"
#include "harness/cli/series.h"
#include "harness/cli/side_spec.h"
#include "harness/history/exact_compare.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SEEDS 4

struct comparison {
    const struct options *o;
    struct options of_boots; // the same, but each case is booted once a seed
    struct side_spec sides[BOOT_SIDES];
    struct selection selection;
    struct telling told;
    struct keep keep;
    unsigned seeds;
    struct boots boots;      // of each case and seed: base and head
    uint64_t *boot_seeds;    // of each boot
    struct suite_run run;    // their results
    struct suite_run repeat; // of head with the first seed, once more, of each
                             // case
};

// ---- Boots ------------------------------------------------------------------

static int make_boots(struct comparison *c, struct error *err)
{
    const struct boot_order order = {
        .runs = c->seeds,
        .nsides = BOOT_SIDES,
        .sides = {{"base", c->sides[0].machine}, {"head", c->sides[1].machine}},
    };
    int code = boots_make(&c->boots, &c->selection, NULL, &order);
    c->boot_seeds = calloc(c->boots.count + 1, sizeof(*c->boot_seeds));
    if (code || !c->boot_seeds)
        return error_set(err, -ENOMEM, "out of memory");
    for (size_t i = 0; i < c->boots.count; i++)
        c->boot_seeds[i] = c->o->seed.value + c->boots.list[i].number - 1;
    return 0;
}

static bool is_repeated(const struct boot *b)
{
    return b->side == 1 && b->number == 1;
}

static int boot_all(struct comparison *c, struct error *err)
{
    const struct plan plan =
        launch_plan(&c->of_boots, &c->boots, NULL, "exact");
    const struct exact_suite suite = {
        .options = &c->of_boots,
        .selection = &c->selection,
        .boots = &c->boots,
        .plan = &plan,
        .alike = true,
        .seeds = c->boot_seeds,
        .untold = !c->o->verbosity,
    };
    size_t *again = calloc(c->selection.count + 1, sizeof(*again));
    size_t n = 0;
    if (!again)
        return error_set(err, -ENOMEM, "out of memory");
    int code = exact_suite_run(&suite, &c->run, err);
    for (size_t i = 0; !code && i < c->boots.count; i++) {
        if (is_repeated(&c->boots.list[i]))
            again[n++] = i;
    }
    if (!code && !c->run.interrupted)
        code = exact_suite_again(&suite, again, n, &c->repeat, err);
    free(again);
    return code;
}

static bool is_interrupted(const struct comparison *c)
{
    return c->run.interrupted || c->repeat.interrupted;
}

// ---- What came out ----------------------------------------------------------

bool compare_difference(const struct result *a, const struct result *b,
                        char out[COMPARE_DIFFERENCE])
{
    *out = '\0';
    for (size_t i = 0; i < a->nmarks && i < b->nmarks; i++) {
        const struct result_mark *m = &a->marks[i], *n = &b->marks[i];
        if (!strcmp(m->name, n->name) && m->wall_ns == n->wall_ns &&
            m->cpu_ns == n->cpu_ns && m->exits == n->exits)
            continue;
        snprintf(out, COMPARE_DIFFERENCE,
                 "%.60s after %" PRIu64 " and %.60s after %" PRIu64
                 " ns (CPU time %" PRIu64 " and %" PRIu64 " ns)",
                 m->name, m->wall_ns, n->name, n->wall_ns, m->cpu_ns,
                 n->cpu_ns);
        return true;
    }
    if (a->nmarks != b->nmarks)
        snprintf(out, COMPARE_DIFFERENCE, "%zu and %zu marks", a->nmarks,
                 b->nmarks);
    else if (a->verdict != b->verdict)
        snprintf(out, COMPARE_DIFFERENCE, "it %s and it %s",
                 verdict_name(a->verdict), verdict_name(b->verdict));
    else if (a->duration_ns != b->duration_ns)
        snprintf(out, COMPARE_DIFFERENCE,
                 "it ended after %" PRIu64 " and %" PRIu64 " ns",
                 a->duration_ns, b->duration_ns);
    return *out != '\0';
}

static bool is_unjudged(const struct result *r)
{
    return r->verdict == VERDICT_SKIPPED ||
           (r->kind && !strcmp(r->kind, EXACT_UNJUDGED));
}

// Why nothing can be said of a case, whatever its marks are, into out.
#define WHY (COMPARE_DIFFERENCE + 512)
static bool unmeasured(const struct comparison *c, size_t index, char out[WHY])
{
    static const char *const names[] = {"base", "head"};
    char what[COMPARE_DIFFERENCE];
    const struct result *once = NULL, *twice = &c->repeat.results[index];
    for (size_t i = 0; i < c->boots.count; i++) {
        const struct boot *b = &c->boots.list[i];
        const struct result *r = &c->run.results[i];
        if (b->selected != index)
            continue;
        if (is_repeated(b))
            once = r;
        if (!is_unjudged(r) && !(is_repeated(b) && is_unjudged(twice)))
            continue;
        r = is_unjudged(r) ? r : twice;
        snprintf(out, WHY, "%s with seed %" PRIu64 " was not judged: %.400s",
                 names[b->side], c->boot_seeds[i],
                 r->message ? r->message : "");
        return true;
    }
    if (!once || !compare_difference(once, twice, what))
        return false;
    snprintf(out, WHY,
             "head with seed %" PRIu64 " was booted twice and was not the "
             "same: %s. This is an error of the harness, or of this machine's "
             "memory: there is no verdict",
             c->o->seed.value, what);
    return true;
}

static int compare_marks(struct comparison *c, const struct selected *one,
                         const struct series sides[BOOT_SIDES],
                         struct error *err)
{
    char name[SELECTED_NAME];
    const char **names = NULL;
    size_t n = 0;
    // Boots of no seed that both passed with have no marks that could be
    // missed.
    int code = sides[0].count ? series_marks(sides, BOOT_SIDES, c->o->marks,
                                             &names, &n, err)
                              : 0;
    if (code)
        return code;
    struct mark_comparison *out = calloc(n + 1, sizeof(*out));
    struct compared_mark *marks = calloc(n + 1, sizeof(*marks));
    double *base = series_table(&sides[0], names, n, true);
    double *head = series_table(&sides[1], names, n, true);
    if (out && marks && base && head) {
        const struct run_table b = {sides[0].count, n, base};
        const struct run_table h = {sides[1].count, n, head};
        code = compare_exact(&b, &h, &c->told.how, out, err);
    } else {
        code = error_set(err, -ENOMEM, "out of memory");
    }
    // Before the guest's first instruction there is no time to compare.
    size_t told = 0;
    for (size_t i = 0; out && marks && names && i < n; i++) {
        if (out[i].base_n || out[i].head_n)
            marks[told++] = (struct compared_mark){names[i], out[i]};
    }
    struct cause_side parts[BOOT_SIDES] = {{0}, {0}};
    for (unsigned i = 0; !code && i < BOOT_SIDES; i++) {
        if (series_parts(&sides[i], true, &parts[i]))
            code = error_set(err, -ENOMEM, "out of memory");
    }
    if (!code)
        code = telling_case(&c->told, one->what.title, selected_name(one, name),
                            marks, told, parts, err);
    for (unsigned i = 0; i < BOOT_SIDES; i++)
        series_parts_free(&parts[i]);
    free(base);
    free(head);
    free(out);
    free(marks);
    free(names);
    return code;
}

static struct told_boots told_boots(const struct series *s)
{
    return (struct told_boots){s->count, s->failed,
                               s->failure ? s->failure->message : NULL};
}

static int judge(struct comparison *c, size_t index, struct error *err)
{
    const char *title = c->selection.list[index].what.title;
    char why[WHY];
    if (unmeasured(c, index, why)) {
        telling_unmeasured(&c->told, title, why);
        return 0;
    }
    struct series sides[BOOT_SIDES] = {{0}, {0}};
    int code = 0;
    for (unsigned i = 0; !code && i < BOOT_SIDES; i++)
        code = series_collect(&sides[i], &c->boots, c->run.results, index, i);
    if (code)
        error_set(err, code, "out of memory");
    if (!code) {
        const struct told_boots base = told_boots(&sides[0]);
        const struct told_boots head = told_boots(&sides[1]);
        bool told = telling_failures(&c->told, title, &base, &head);
        series_pair(&sides[0], &sides[1]);
        if (!told)
            code = compare_marks(c, &c->selection.list[index], sides, err);
    }
    for (unsigned i = 0; i < BOOT_SIDES; i++)
        series_free(&sides[i]);
    return code;
}

static int conclude(struct comparison *c)
{
    struct error err = {""};
    int code = 0;
    bool interrupted = is_interrupted(c);
    for (size_t i = 0; !code && !interrupted && i < c->selection.count; i++)
        code = judge(c, i, &err);
    int kept = keep_boots(&c->keep, &c->boots, &c->run);
    kept = kept ? kept : keep_end(&c->keep, stderr);
    int exit_code = telling_end(&c->told, interrupted);
    if (code)
        return complain(&err, exit_for(code));
    return kept && exit_code == EXIT_PASSED ? EXIT_UNABLE : exit_code;
}

// ---- The command line -------------------------------------------------------

static int prepare(struct comparison *c, struct error *err)
{
    const struct options *o = c->o;
    int code = 0;
    for (size_t i = 0; !code && i < BOOT_SIDES; i++)
        code = side_spec_parse(&c->sides[i], o->paths[i], &o->machine, err);
    if (!code)
        code = telling_begin(&c->told, o, err);
    if (code)
        return code;
    c->told.base = o->paths[0];
    c->told.head = o->paths[1];
    struct options files = *o;
    files.paths = o->paths + 2;
    files.npaths = 1;
    return selection_make(&c->selection, &files, stderr, err);
}

static int run(struct comparison *c)
{
    struct error err = {""};
    uint64_t memory = 0;
    int code = keep_begin(&c->keep, c->o, &err);
    if (code)
        return complain(&err, EXIT_UNABLE);
    for (size_t i = 0; !code && i < BOOT_SIDES; i++)
        code = launch_check_guests(&c->selection, &c->sides[i].machine, &memory,
                                   &err);
    if (code)
        return complain(&err, exit_for(code));
    code = exact_can_run(&err);
    if (!code)
        code = make_boots(c, &err);
    if (code)
        return complain(&err, EXIT_UNABLE);
    guard_pipes();
    if (!c->o->quiet)
        fprintf(stderr,
                "booting each side with the seeds %" PRIu64 " to %" PRIu64
                ", and head once more with %" PRIu64 "\n",
                c->o->seed.value, c->o->seed.value + c->seeds - 1,
                c->o->seed.value);
    code = boot_all(c, &err);
    return code ? complain(&err, EXIT_UNABLE) : conclude(c);
}

int compare_exactly(const struct options *o)
{
    struct error err = {""};
    struct comparison c = {
        .o = o,
        .of_boots = *o,
        .seeds = o->seeds ? (unsigned)o->seeds : SEEDS,
    };
    c.of_boots.repeat = 1;
    int code = prepare(&c, &err) ? complain(&err, EXIT_WRONG) : run(&c);
    keep_free(&c.keep);
    suite_run_free(&c.run);
    suite_run_free(&c.repeat);
    boots_free(&c.boots);
    free(c.boot_seeds);
    selection_free(&c.selection);
    for (size_t i = 0; i < BOOT_SIDES; i++)
        side_spec_free(&c.sides[i]);
    return code;
}
