// SPDX-License-Identifier: Apache-2.0
// Verdicts told. See compare_tell.h.
#include "harness/cli/compare_tell.h"

#include "harness/cli/acknowledged.h"
#include "harness/cli/cli.h"
#include "harness/cli/launch.h"
#include "harness/history/exact_compare.h"
#include "harness/history/origin.h"
#include "harness/report/output.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#define MOST_FAILED 10 // one boot in so many may fail

static FILE *open_file(struct told_file *file, const char *path)
{
    file->f = path ? open_memstream(&file->bytes, &file->len) : NULL;
    return file->f;
}

int telling_begin(struct telling *t, const struct options *o, struct error *err)
{
    *t = (struct telling){.o = o, .warning = ""};
    telling_exact(t, o->exact);
    const char *const paths[] = {o->reports[REPORT_JSON],
                                 o->reports[REPORT_SUMMARY]};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        int code = paths[i] ? output_check(paths[i], err) : 0;
        if (code)
            return code;
    }
    int code = acknowledged_load(&t->known, o->acknowledged, stderr, err);
    if (code) {
        acknowledged_free(&t->known);
        return code;
    }
    open_file(&t->json, paths[0]);
    open_file(&t->summary, paths[1]);
    return 0;
}

void telling_exact(struct telling *t, bool exact)
{
    const struct options *o = t->o;
    t->exact = exact;
    t->how = exact ? exact_defaults : compare_defaults;
    const struct {
        double given, *field;
    } fractions[] = {{o->alpha, &t->how.alpha},
                     {o->min_effect, &t->how.min_effect},
                     {o->target, &t->how.target},
                     {o->power, &t->how.power}};
    for (size_t i = 0; i < sizeof(fractions) / sizeof(fractions[0]); i++) {
        if (fractions[i].given > 0)
            *fractions[i].field = fractions[i].given;
    }
    if (exact)
        t->warning = "counted in instructions of an emulated processor: code "
                     "that got longer shows, caches and the latency of "
                     "devices don't";
}

static void tell(struct telling *t, const struct compared *told)
{
    compared_terminal(stdout, told);
    if (t->json.f)
        compared_json(t->json.f, told);
    if (t->summary.f)
        compared_markdown(t->summary.f, told);
    enum gate gate = compared_gate(told);
    t->slower |= gate == GATE_BROKEN && !told->failed;
    t->failing |= gate == GATE_BROKEN && told->failed;
    t->open |= gate == GATE_OPEN;
    t->unmeasured |= gate == GATE_UNMEASURED;
}

// Of one scenario, as far as it is known before its marks are.
static struct compared about(const struct telling *t, const char *scenario)
{
    return (struct compared){
        .scenario = scenario,
        .base = t->base,
        .head = t->head,
        .options = &t->how,
        .exact = t->exact,
        .warning = t->warning,
    };
}

void telling_unmeasured(struct telling *t, const char *scenario,
                        const char *why)
{
    struct compared told = about(t, scenario);
    told.failed = why;
    fprintf(stderr, "%s: %s\n", scenario, why);
    tell(t, &told);
}

// The marks that are slower, in the order of their times; each with its causes.
static int find_causes(const struct telling *t, const struct compared *told,
                       const struct cause_side sides[2], struct causes *grew,
                       size_t *n, struct error *err)
{
    int code = 0;
    for (size_t i = 0; !code && i < told->nmarks; i++) {
        const struct compared_mark *m = &told->marks[i];
        if (m->result.change != CHANGE_SLOWER || !cause_is_moment(m->name))
            continue;
        struct causes c;
        code = causes_find(sides, m->name, &t->how, t->exact, &c, err);
        size_t at = (*n)++;
        for (; at && m->result.head < grew[at - 1].at; at--)
            grew[at] = grew[at - 1];
        c.at = m->result.head;
        grew[at] = c;
    }
    return code;
}

static bool is_commit_at_hand(void *owner, const char *commit)
{
    struct origin_commit ci;
    (void)owner;
    origin_commit(getenv, &ci);
    return acknowledge_is_commit(commit, ci.commit);
}

// What is known of each mark that could be judged.
static void find_known(struct telling *t, const char *name,
                       const struct compared *told,
                       struct acknowledgement *known)
{
    for (size_t i = 0; i < told->nmarks; i++) {
        const struct mark_comparison *m = &told->marks[i].result;
        const struct slowdown s = {name,       told->marks[i].name,
                                   m->base,    m->ratio - 1,
                                   m->low - 1, t->how.min_effect};
        bool slower = m->change == CHANGE_SLOWER;
        if (!slower && m->change != CHANGE_FASTER && m->change != CHANGE_SAME &&
            m->change != CHANGE_IDENTICAL)
            continue;
        known[i] = acknowledge(&t->known, &s, time(NULL),
                               t->covers ? t->covers : is_commit_at_hand,
                               t->covers_owner);
        if (known[i].line && !slower)
            known[i].state = ACKNOWLEDGED_NEEDLESS;
        t->acknowledged += known[i].state == ACKNOWLEDGED_HOLDS;
    }
}

int telling_case(struct telling *t, const char *title, const char *name,
                 const struct compared_mark *marks, size_t nmarks,
                 const struct cause_side sides[2], struct error *err)
{
    struct compared told = about(t, title);
    struct causes *grew = calloc(nmarks + 1, sizeof(*grew));
    struct acknowledgement *known = calloc(nmarks + 1, sizeof(*known));
    size_t n = 0;
    told.nmarks = nmarks;
    told.marks = marks;
    if (!nmarks)
        told.failed = "no mark was reached by both sides";
    if (!grew || !known) {
        free(grew);
        free(known);
        return error_set(err, -ENOMEM, "out of memory");
    }
    int code = 0;
    find_known(t, name, &told, known);
    if (sides)
        code = find_causes(t, &told, sides, grew, &n, err);
    told.acknowledged = known;
    told.ngrew = n;
    told.grew = grew;
    if (!code)
        tell(t, &told);
    for (size_t i = 0; i < n; i++)
        causes_free(&grew[i]);
    free(grew);
    free(known);
    return code;
}

static bool too_many_failed(const struct told_boots *b)
{
    return b->failed * MOST_FAILED > b->passed + b->failed;
}

static char *failures_text(const struct told_boots *const sides[2])
{
    static const char *const names[] = {"base", "head"};
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    if (!f)
        return NULL;
    for (size_t i = 0; i < 2; i++) {
        const struct told_boots *b = sides[i];
        if (b->failed)
            fprintf(f, "%s%zu of %s's boots did not pass, %zu did%s%s",
                    len ? "; " : "", b->failed, names[i], b->passed,
                    b->why ? ": " : "", b->why ? b->why : "");
        fflush(f);
    }
    if (!fclose(f))
        return text;
    free(text);
    return NULL;
}

bool telling_failures(struct telling *t, const char *scenario,
                      const struct told_boots *base,
                      const struct told_boots *head)
{
    const struct told_boots *const sides[2] = {base, head};
    bool bad = too_many_failed(base) || too_many_failed(head);
    if (!base->failed && !head->failed)
        return false;
    char *text = failures_text(sides);
    const char *words = text ? text : "boots did not pass";
    fprintf(stderr, "%s: %s\n", scenario, words);
    struct compared told = about(t, scenario);
    told.failed = words;
    told.broken = !too_many_failed(base);
    if (bad)
        tell(t, &told);
    free(text);
    return bad;
}

static int write_text(FILE *f, const void *owner)
{
    const struct told_file *file = owner;
    return fwrite(file->bytes, 1, file->len, f) == file->len ? 0 : -EIO;
}

static int save(struct told_file *file, const char *path, bool append)
{
    struct error err = {""};
    int code = 0;
    if (file->f)
        code = fclose(file->f) ? -ENOMEM
               : append        ? output_append(path, write_text, file, &err)
                               : output_write(path, write_text, file, &err);
    free(file->bytes);
    *file = (struct told_file){0};
    return code ? complain(&err, EXIT_UNABLE) : 0;
}

static const char *gate_word(const struct telling *t)
{
    if (t->failing)
        return "gate: broken: head does not boot";
    if (t->slower)
        return "gate: broken";
    if (t->unmeasured)
        return "gate: it could not be measured";
    if (t->acknowledged)
        return "gate: holds; what is slower is acknowledged";
    return t->open ? "gate: holds; too few samples to see small changes"
                   : "gate: holds";
}

int telling_end(struct telling *t, bool interrupted)
{
    const struct options *o = t->o;
    bool gate = o->command == COMMAND_GATE;
    acknowledged_free(&t->known);
    int failed = save(&t->json, o->reports[REPORT_JSON], false);
    failed |= save(&t->summary, o->reports[REPORT_SUMMARY], true);
    if (gate && !o->quiet && !interrupted)
        puts(gate_word(t));
    if (interrupted)
        return EXIT_INTERRUPTED;
    if (t->failing || (gate && t->slower))
        return EXIT_FAILED;
    return t->unmeasured || failed ? EXIT_UNABLE : EXIT_PASSED;
}
