// SPDX-License-Identifier: Apache-2.0
// See explore.h.
#include "harness/cli/explore.h"

#include "harness/cli/exact_difference.h"
#include "harness/report/terminal.h"
#include "src/base/error.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TITLE_MAX 300
// How many seeds of a group are listed.
#define LISTED 20

// ---- Boots ------------------------------------------------------------------

static int add_boot(struct exploration *e, const struct options *o,
                    const struct selection *s, size_t index, uint64_t seed)
{
    const struct selected *one = &s->list[index];
    size_t at = e->boots.count++;
    char *name = NULL, *title = NULL;
    e->seeds[at] = seed;
    e->boots.list[at] = (struct boot){.selected = index};
    e->boots.cases[at] = (struct plan_case){
        .path = one->path,
        .suite = one->suite,
        .nsets = one->what.nsets,
        .sets = one->what.sets,
        .machine = *selected_machine(one, &o->machine),
        .series = one->skip ? NULL : one->what.title,
        .skip = one->skip,
        .skip_where = one->skip_where,
        .timeout_ns = one->what.scenario->timeout_ns,
    };
    int n = one->skip ? asprintf(&name, "%s", one->name)
                      : asprintf(&name, "%s@%" PRIu64, one->name, seed);
    if (n < 0)
        return -ENOMEM;
    e->boots.cases[at].name = name;
    n = one->skip
            ? asprintf(&title, "%s", one->what.title)
            : asprintf(&title, "%s (seed %" PRIu64 ")", one->what.title, seed);
    if (n < 0)
        return -ENOMEM;
    e->boots.cases[at].title = title;
    return 0;
}

int explore_make(struct exploration *e, const struct options *o,
                 const struct selection *s)
{
    size_t seeds = (size_t)o->explore, most = s->count * seeds + 1;
    *e = (struct exploration){
        .boots = {.list = calloc(most, sizeof(*e->boots.list)),
                  .cases = calloc(most, sizeof(*e->boots.cases))},
        .seeds = calloc(most, sizeof(*e->seeds)),
    };
    int code = e->boots.list && e->boots.cases && e->seeds ? 0 : -ENOMEM;
    for (size_t i = 0; !code && i < s->count; i++) {
        size_t of = s->list[i].skip ? 1 : seeds;
        for (size_t k = 0; !code && k < of; k++)
            code = add_boot(e, o, s, i, o->seed.value + k);
    }
    if (code)
        explore_free(e);
    return code;
}

void explore_free(struct exploration *e)
{
    boots_free(&e->boots);
    free(e->seeds);
    *e = (struct exploration){0};
}

// ---- Groups -----------------------------------------------------------------

void explore_title(const struct result *r, char *out, size_t size)
{
    const char *title = result_property(r, "failure.title");
    *out = '\0';
    if (r->verdict == VERDICT_PASSED || r->verdict == VERDICT_SKIPPED)
        return;
    if (title)
        snprintf(out, size, "%s", title);
    else if (r->where)
        snprintf(out, size, "%s: %s", r->where, r->message ? r->message : "");
    else
        snprintf(out, size, "%s", r->message ? r->message : "no reason known");
    out[strcspn(out, "\n")] = '\0';
}

// Failures of one case with one title.
struct group {
    char title[TITLE_MAX];
    size_t first; // index of its first boot
    size_t count;
};

static bool belongs(const struct exact_suite *x, const struct suite_run *run,
                    const struct group *g, size_t boot)
{
    char title[TITLE_MAX];
    explore_title(&run->results[boot], title, sizeof(title));
    return x->boots->list[g->first].selected == x->boots->list[boot].selected &&
           !strcmp(g->title, title);
}

static bool is_unjudged(const struct result *r)
{
    return r->kind && (!strcmp(r->kind, EXACT_UNJUDGED) ||
                       !strcmp(r->kind, "interrupted"));
}

// In the order of their first boots. Returns how many.
static size_t make_groups(const struct exact_suite *x,
                          const struct suite_run *run, struct group *groups)
{
    size_t n = 0;
    for (size_t i = 0; i < run->count; i++) {
        struct group own = {.first = i, .count = 1};
        explore_title(&run->results[i], own.title, sizeof(own.title));
        if (!*own.title || is_unjudged(&run->results[i]))
            continue;
        size_t k = 0;
        while (k < n && !belongs(x, run, &groups[k], i))
            k++;
        if (k == n)
            groups[n++] = own;
        else
            groups[k].count++;
    }
    return n;
}

// ---- The same again? --------------------------------------------------------

// All that a result holds, as a file.
static char *bytes_of(const struct result *r, size_t *len)
{
    char path[] = "/tmp/toyvmm-again-XXXXXX";
    int fd = mkstemp(path);
    char *bytes = NULL;
    if (fd < 0)
        return NULL;
    FILE *f = result_save(r, path, NULL) ? NULL : fopen(path, "re");
    FILE *out = f ? open_memstream(&bytes, len) : NULL;
    char block[4096];
    size_t n;
    while (out && (n = fread(block, 1, sizeof(block), f)) > 0)
        fwrite(block, 1, n, out);
    if (f)
        fclose(f);
    if (out && fclose(out)) {
        free(bytes);
        bytes = NULL;
    }
    close(fd);
    unlink(path);
    return bytes;
}

static int compare(const struct result *a, const struct result *b, bool *same)
{
    size_t alen = 0, blen = 0;
    char *x = bytes_of(a, &alen), *y = bytes_of(b, &blen);
    int code = x && y ? 0 : -EIO;
    if (!code)
        *same = alen == blen && !memcmp(x, y, alen);
    free(x);
    free(y);
    return code;
}

// What is told of a group's second run.
static int again(const struct group *g, const struct suite_run *run,
                 const struct result *second, bool *differs, struct error *err)
{
    bool same = false;
    int code = compare(&run->results[g->first], second, &same);
    if (code)
        return error_set(err, code, "results can't be compared");
    if (same) {
        printf("      run again: the same, to the nanosecond\n");
        return 0;
    }
    char title[TITLE_MAX];
    explore_title(second, title, sizeof(title));
    *differs = true;
    printf("      run again: NOT the same (%s)\n",
           !*title                    ? "it passed"
           : !strcmp(title, g->title) ? "the same failure at other times"
                                      : title);
    char difference[400];
    exact_difference(&run->results[g->first], second, difference,
                     sizeof(difference));
    if (*difference)
        printf("      first: %s\n", difference);
    return 0;
}

// ---- What is told -----------------------------------------------------------

// As a shell takes it.
static void quote(const char *word)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopq"
                                "rstuvwxyz0123456789_-+=/.,:@%";
    if (*word && !word[strspn(word, plain)]) {
        printf(" %s", word);
        return;
    }
    printf(" '");
    for (; *word; word++)
        printf(*word == '\'' ? "'\\''" : "%c", *word);
    putchar('\'');
}

static void option(const char *name, const char *value)
{
    if (!value)
        return;
    printf(" --%s", name);
    quote(value);
}

static void print_command(const struct exact_suite *x, size_t boot)
{
    const struct options *o = x->options;
    const struct selected *one =
        &x->selection->list[x->boots->list[boot].selected];
    char number[32];
    printf("      toyvmm-test --exact --seed %" PRIu64, x->seeds[boot]);
    option("kernel", o->machine.kernel);
    option("initrd", o->machine.initrd);
    option("cmdline", o->machine.cmdline);
    snprintf(number, sizeof(number), "%" PRIu64, o->machine.memory);
    option("memory", o->machine.memory ? number : NULL);
    snprintf(number, sizeof(number), "%g", o->timeout_scale);
    option("timeout-scale", o->timeout_scale > 0 ? number : NULL);
    for (size_t i = 0; i < o->nsets; i++) {
        char *set = NULL;
        if (asprintf(&set, "%s=%s", o->sets[i].name, o->sets[i].value) < 0)
            continue;
        option("set", set);
        free(set);
    }
    if (one->what.scenario->repeats > 1)
        option("repeat", "1");
    if (one->what.label && *one->what.label)
        option("filter", one->name);
    quote(one->path);
    putchar('\n');
}

static void print_group(const struct exact_suite *x,
                        const struct suite_run *run, const struct group *g)
{
    size_t listed = 0;
    if (x->untold)
        terminal_result(stdout, &run->results[g->first], false);
    printf("  %zu time%s: %s\n      seed%s", g->count, g->count == 1 ? "" : "s",
           g->title, g->count == 1 ? "" : "s");
    for (size_t i = g->first; i < run->count && listed < LISTED; i++) {
        if (!belongs(x, run, g, i) || is_unjudged(&run->results[i]))
            continue;
        printf(" %" PRIu64, x->seeds[i]);
        listed++;
    }
    printf("%s\n", listed < g->count ? " ..." : "");
    print_command(x, g->first);
}

static void print_counts(const struct suite_run *run)
{
    size_t passed = 0, skipped = 0, unjudged = 0;
    for (size_t i = 0; i < run->count; i++) {
        passed += run->results[i].verdict == VERDICT_PASSED;
        skipped += run->results[i].verdict == VERDICT_SKIPPED;
        unjudged += is_unjudged(&run->results[i]);
    }
    printf("explored %zu boot%s: %zu passed, %zu failed", run->count - skipped,
           run->count - skipped == 1 ? "" : "s", passed,
           run->count - skipped - passed - unjudged);
    if (unjudged)
        printf(", %zu not judged", unjudged);
    putchar('\n');
}

// Why nothing is known of them; each reason once.
static void print_unjudged(const struct exact_suite *x,
                           const struct suite_run *run)
{
    const char *last = "";
    for (size_t i = 0; x->untold && i < run->count; i++) {
        const struct result *r = &run->results[i];
        if (!is_unjudged(r) || !r->message || !strcmp(last, r->message))
            continue;
        terminal_result(stdout, r, false);
        last = r->message;
    }
}

int explore_conclude(const struct exact_suite *x, const struct suite_run *run,
                     bool *differs, struct error *err)
{
    struct group *groups = calloc(run->count + 1, sizeof(*groups));
    size_t *first = calloc(run->count + 1, sizeof(*first));
    struct suite_run second = {0};
    if (!groups || !first) {
        free(groups);
        free(first);
        return error_set(err, -ENOMEM, "out of memory");
    }
    int code = 0;
    size_t n = make_groups(x, run, groups);
    for (size_t i = 0; i < n; i++)
        first[i] = groups[i].first;
    print_unjudged(x, run);
    print_counts(run);
    if (n && !run->interrupted) {
        fflush(stdout);
        code = exact_suite_again(x, first, n, &second, err);
    }
    for (size_t i = 0; !code && i < n; i++) {
        print_group(x, run, &groups[i]);
        if (i < second.count && !second.interrupted)
            code = again(&groups[i], run, &second.results[i], differs, err);
    }
    fflush(stdout);
    if (*differs)
        fprintf(stderr, "toyvmm-test: a seed was not the same run twice: the "
                        "harness is at fault, or a file changed\n");
    suite_run_free(&second);
    free(groups);
    free(first);
    return code;
}
