// SPDX-License-Identifier: Apache-2.0
// Two images in the exact rig. See compare_exact.h.
#include "harness/cli/compare_exact.h"

#include "harness/cli/compare_tell.h"
#include "harness/cli/exact_boots.h"
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
    struct side_spec sides[BOOT_SIDES];
    struct selection selection;
    struct telling told;
    struct keep keep;
    struct exact_boots how;
    unsigned seeds;
    // Of each case: base and head with the first seed, head with it again, then
    // base and head with each other seed.
    size_t per_case, nboots;
    struct exact_boot *boots;
};

// ---- Boots ------------------------------------------------------------------

static struct exact_boot *boot_of(const struct comparison *c, size_t index,
                                  unsigned seed, unsigned side)
{
    size_t at = 2 * (size_t)seed + side + (seed > 0);
    return &c->boots[index * c->per_case + at];
}

static struct exact_boot *repeat_of(const struct comparison *c, size_t index)
{
    return &c->boots[index * c->per_case + BOOT_SIDES];
}

static int make_boots(struct comparison *c, struct error *err)
{
    static const char *const names[] = {"base", "head"};
    c->per_case = (size_t)BOOT_SIDES * c->seeds + 1;
    c->nboots = c->per_case * c->selection.count;
    c->boots = calloc(c->nboots + 1, sizeof(*c->boots));
    if (!c->boots)
        return error_set(err, -ENOMEM, "out of memory");
    for (size_t i = 0; i < c->selection.count; i++) {
        for (unsigned k = 0; k < c->seeds * BOOT_SIDES; k++) {
            unsigned seed = k / BOOT_SIDES, side = k % BOOT_SIDES;
            *boot_of(c, i, seed, side) = (struct exact_boot){
                .what = &c->selection.list[i],
                .machine = &c->sides[side].machine,
                .side = names[side],
                .seed = c->o->seed.value + seed,
            };
        }
        *repeat_of(c, i) = *boot_of(c, i, 0, 1);
    }
    return exact_boots_plan(&c->how, c->boots, c->nboots, err);
}

static void tell_boot(void *owner, const struct exact_boot *b)
{
    const struct comparison *c = owner;
    const struct result *r = exact_boot_result(b);
    if (c->o->verbosity)
        fprintf(stderr, "%s, %s, seed %" PRIu64 ": %s\n", b->what->what.title,
                b->side, b->seed, r ? verdict_name(r->verdict) : b->why);
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

// Why nothing can be said of a case, whatever its marks are, into out.
static bool unmeasured(const struct comparison *c, size_t index,
                       char out[COMPARE_DIFFERENCE + 256])
{
    char what[COMPARE_DIFFERENCE];
    const struct exact_boot *boots = &c->boots[index * c->per_case];
    for (size_t i = 0; i < c->per_case; i++) {
        const struct result *r = exact_boot_result(&boots[i]);
        if (r && r->verdict != VERDICT_SKIPPED)
            continue;
        snprintf(out, COMPARE_DIFFERENCE + 256,
                 "%s with seed %" PRIu64 " could not be booted: %.300s",
                 boots[i].side, boots[i].seed,
                 !r           ? boots[i].why
                 : r->message ? r->message
                              : "it is skipped here");
        return true;
    }
    if (!compare_difference(exact_boot_result(boot_of(c, index, 0, 1)),
                            exact_boot_result(repeat_of(c, index)), what))
        return false;
    snprintf(out, COMPARE_DIFFERENCE + 256,
             "head with seed %" PRIu64 " was booted twice and was not the "
             "same: %s. This is an error of the harness, or of this machine's "
             "memory: there is no verdict",
             c->o->seed.value, what);
    return true;
}

// One case's boots of a side that passed; its list is owned.
static int collect(const struct comparison *c, size_t index, unsigned side,
                   struct series *s)
{
    *s = (struct series){.boots = calloc(c->seeds + 1, sizeof(*s->boots))};
    if (!s->boots)
        return -ENOMEM;
    for (unsigned i = 0; i < c->seeds; i++) {
        const struct result *r = exact_boot_result(boot_of(c, index, i, side));
        if (r->verdict == VERDICT_PASSED) {
            s->boots[s->count++] = (struct series_boot){i + 1, r};
            continue;
        }
        s->failed++;
        s->failure = s->failure ? s->failure : r;
    }
    return 0;
}

static int compare_marks(struct comparison *c, const char *title,
                         const struct series sides[BOOT_SIDES],
                         struct error *err)
{
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
    for (size_t i = 0; !code && i < n; i++) {
        if (out[i].base_n || out[i].head_n)
            marks[told++] = (struct compared_mark){names[i], out[i]};
    }
    if (!code)
        telling_case(&c->told, title, marks, told);
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
    char why[COMPARE_DIFFERENCE + 256];
    if (unmeasured(c, index, why)) {
        telling_unmeasured(&c->told, title, why);
        return 0;
    }
    struct series sides[BOOT_SIDES] = {{0}, {0}};
    int code = 0;
    for (unsigned i = 0; !code && i < BOOT_SIDES; i++)
        code = collect(c, index, i, &sides[i]);
    if (code)
        error_set(err, code, "out of memory");
    if (!code) {
        const struct told_boots base = told_boots(&sides[0]);
        const struct told_boots head = told_boots(&sides[1]);
        bool told = telling_failures(&c->told, title, &base, &head);
        series_pair(&sides[0], &sides[1]);
        if (!told)
            code = compare_marks(c, title, sides, err);
    }
    for (unsigned i = 0; i < BOOT_SIDES; i++)
        series_free(&sides[i]);
    return code;
}

// The repeated boot is nobody's.
static int keep_all(struct comparison *c, struct error *err)
{
    struct bundle *kept = &c->keep.bundle;
    int code = 0;
    if (!keep_wants(&c->keep))
        return 0;
    kept->interrupted = c->how.interrupted;
    kept->accelerator = strdup("exact");
    for (size_t i = 0; !code && i < c->nboots; i++) {
        const struct exact_boot *b = &c->boots[i];
        if (!b->bundle.count || i % c->per_case == BOOT_SIDES)
            continue;
        const struct bundle_entry *e = &b->bundle.entries[0];
        uint64_t number = b->seed - c->o->seed.value + 1;
        char *name = NULL;
        if (asprintf(&name, "%s#%" PRIu64 ".%s", b->what->name, number,
                     b->side) < 0)
            return error_set(err, -ENOMEM, "out of memory");
        code =
            bundle_add(kept, e->id, name, b->side, number, false, &e->result);
        free(name);
    }
    if (code)
        return error_set(err, code, "out of memory");
    const struct exact_files none = {0};
    const struct rig_needs needs = {.memory = c->how.memory, .exact = &none};
    code = keep_exact(kept, &needs, err);
    return code ? code : keep_end(&c->keep, stderr);
}

static int conclude(struct comparison *c)
{
    struct error err = {""};
    int code = 0;
    for (size_t i = 0; !code && !c->how.interrupted && i < c->selection.count;
         i++)
        code = judge(c, i, &err);
    struct error kept_err = {""};
    int kept = keep_all(c, &kept_err);
    if (kept && *kept_err.text)
        complain(&kept_err, 0);
    int exit_code = telling_end(&c->told, c->how.interrupted);
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
    if (!code)
        code = make_boots(c, &err);
    if (code)
        return complain(&err, exit_for(code));
    guard_pipes();
    if (!c->o->quiet)
        fprintf(stderr,
                "booting each side with the seeds %" PRIu64 " to %" PRIu64
                ", and head once more with %" PRIu64 "\n",
                c->o->seed.value, c->o->seed.value + c->seeds - 1,
                c->o->seed.value);
    code = exact_boots_run(&c->how, c->boots, c->nboots, tell_boot, c, &err);
    return code ? complain(&err, EXIT_UNABLE) : conclude(c);
}

int compare_exactly(const struct options *o)
{
    struct error err = {""};
    struct comparison c = {
        .o = o,
        .how = {.o = o},
        .seeds = o->seeds ? (unsigned)o->seeds : SEEDS,
    };
    int code = prepare(&c, &err) ? complain(&err, EXIT_WRONG) : run(&c);
    keep_free(&c.keep);
    exact_boots_free(c.boots, c.nboots);
    free(c.boots);
    selection_free(&c.selection);
    for (size_t i = 0; i < BOOT_SIDES; i++)
        side_spec_free(&c.sides[i]);
    return code;
}
