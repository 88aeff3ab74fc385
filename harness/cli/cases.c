// SPDX-License-Identifier: Apache-2.0
// Cases of a scenario. See cases.h.
#include "harness/cli/cases.h"

#include "harness/cli/tell.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// So much of a value is in a label, and so much a label has of them all.
#define VALUE_WIDTH 40
#define LABEL_WIDTH 160

// One file while it is read.
struct reader {
    const char *path;
    const struct override *sets; // of the command line
    size_t nsets;
    FILE *log;
    struct tally *tally;
    char *told; // what was said about the case before
};

void case_free(struct test_case *c)
{
    scenario_free(c->scenario);
    free(c->label);
    free(c->title);
    free(c->sets);
    *c = (struct test_case){0};
}

void case_list_free(struct case_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        case_free(&list->list[i]);
    free(list->list);
    *list = (struct case_list){0};
}

// ---- Axes -------------------------------------------------------------------

static const char *value_of(const struct matrix_axis *axis, size_t index)
{
    const struct text *t = &axis->values[index];
    return t->npieces ? t->pieces[0].bytes : "";
}

// The values of an axis that the command line leaves: *first and the number.
static size_t values_left(const struct reader *r,
                          const struct matrix_axis *axis, size_t *first)
{
    *first = 0;
    for (size_t i = r->nsets; i-- > 0;) {
        if (strcmp(r->sets[i].name, axis->name) != 0)
            continue;
        while (*first < axis->nvalues &&
               strcmp(value_of(axis, *first), r->sets[i].value) != 0)
            ++*first;
        // The parser has refused what is none of its values.
        *first = *first < axis->nvalues ? *first : 0;
        return 1;
    }
    return axis->nvalues;
}

// How many cases there are; more than CASES_MAX is some larger number.
static size_t count_cases(const struct reader *r, const struct scenario *s)
{
    size_t cases = 1, first;
    for (size_t i = 0; i < s->naxes && cases <= CASES_MAX; i++) {
        size_t values = values_left(r, &s->axes[i], &first);
        cases = values > CASES_MAX ? values : cases * values;
    }
    return cases;
}

// Which value of each axis case number n has. The last axis changes fastest.
static void choose(const struct reader *r, const struct scenario *s, size_t n,
                   size_t *chosen)
{
    for (size_t i = s->naxes; i-- > 0;) {
        size_t first, values = values_left(r, &s->axes[i], &first);
        chosen[i] = first + n % values;
        n /= values;
    }
}

// ---- Names ------------------------------------------------------------------

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || strchr("._-+", c);
}

// A value as a part of a name: in a shell, a file name and a report it needs no
// quotes.
static void put_plain(FILE *f, const char *value)
{
    size_t len = strlen(value);
    for (size_t i = 0; i < len && i < VALUE_WIDTH; i++)
        fputc(is_plain(value[i]) ? value[i] : '_', f);
    if (len > VALUE_WIDTH)
        fputs("...", f);
}

static char *make_label(const struct test_case *c)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    if (!f)
        return NULL;
    for (size_t i = 0; i < c->nsets; i++) {
        fprintf(f, "%s%s=", i ? "," : "[", c->sets[i].name);
        put_plain(f, c->sets[i].value);
        fflush(f);
        if (len > LABEL_WIDTH && i + 1 < c->nsets) {
            fputs(",...", f);
            break;
        }
    }
    fputs(c->nsets ? "]" : "", f);
    if (!fclose(f))
        return text;
    free(text);
    return NULL;
}

// every: with the axes that it names, too. NULL when out of memory, or of a
// case that was not read.
static char *make_title(const struct test_case *c, bool every)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = c->scenario ? open_memstream(&text, &len) : NULL;
    if (!f)
        return NULL;
    fputs(c->scenario->title, f);
    bool first = true;
    for (size_t i = 0; i < c->nsets; i++) {
        if (c->scenario->axes[i].in_title && !every)
            continue;
        fprintf(f, "%s%s=%s", first ? " [" : ",", c->sets[i].name,
                c->sets[i].value);
        first = false;
    }
    fputs(first ? "" : "]", f);
    if (!fclose(f))
        return text;
    free(text);
    return NULL;
}

// ---- Reading ----------------------------------------------------------------

static char *diagnostics_text(const struct diagnostics *d)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    if (!f)
        return NULL;
    tell_diagnostics(f, d);
    if (!fclose(f))
        return text;
    free(text);
    return NULL;
}

// Tells what is wrong with a case, unless the one before had just that.
static void tell(struct reader *r, const struct test_case *c,
                 const struct diagnostics *d, const struct error *err)
{
    char *text = diagnostics_text(d);
    bool news = !text || !r->told || strcmp(text, r->told) != 0;
    if (news && *c->label && d->errors)
        fprintf(r->log, "%s, case %s:\n", r->path, c->label);
    if (news && text)
        fputs(text, r->log);
    if (!d->errors && err)
        fprintf(r->log, "%s\n", err->text);
    if (news) {
        size_t errors = d->errors || !err ? d->errors : 1;
        r->tally->errors += errors;
        r->tally->warnings += d->count - d->errors;
    }
    free(r->told);
    r->told = text;
}

// Reads the file with a case's values.
static int load(struct reader *r, struct test_case *c)
{
    struct diagnostics diags = {0};
    struct error err = {""};
    size_t nsets = r->nsets + c->nsets;
    struct override *sets = calloc(nsets + 1, sizeof(*sets));
    if (!sets)
        return -ENOMEM;
    for (size_t i = 0; i < nsets; i++)
        sets[i] = i < r->nsets ? r->sets[i] : c->sets[i - r->nsets];
    int code = scenario_load(r->path, sets, nsets, &c->scenario, &diags, &err);
    tell(r, c, &diags, code ? &err : NULL);
    diagnostics_free(&diags);
    free(sets);
    return code;
}

// The values of a case, in its own scenario's strings.
static void take_values(struct test_case *c, const struct scenario *s,
                        const size_t *chosen)
{
    for (size_t i = 0; i < c->nsets; i++)
        c->sets[i] = (struct override){
            .name = s->axes[i].name,
            .value = value_of(&s->axes[i], chosen[i]),
        };
}

// Case number n; the scenario that was read without its values is number 0.
static int read_case(struct reader *r, const struct scenario *whole, size_t n,
                     struct test_case *out)
{
    size_t *chosen = calloc(whole->naxes + 1, sizeof(*chosen));
    out->nsets = whole->naxes;
    out->sets = calloc(whole->naxes + 1, sizeof(*out->sets));
    int code = chosen && out->sets ? 0 : -ENOMEM;
    if (!code) {
        choose(r, whole, n, chosen);
        take_values(out, whole, chosen);
        out->label = make_label(out);
        code = out->label ? 0 : -ENOMEM;
    }
    if (!code && n)
        code = load(r, out);
    if (!code) {
        take_values(out, out->scenario, chosen);
        out->title = make_title(out, false);
        code = out->title ? 0 : -ENOMEM;
    }
    free(chosen);
    return code;
}

static int too_many(struct reader *r, const struct scenario *s)
{
    const struct source_pos *pos = &s->axes[s->naxes - 1].pos;
    fprintf(r->log,
            "%s:%u:%u: error: with this `matrix` there are more than %d "
            "cases\n",
            pos->file, pos->line, pos->column, CASES_MAX);
    r->tally->errors++;
    return -EINVAL;
}

struct titled {
    const char *title;
    size_t index;
};

static int by_title(const void *a, const void *b)
{
    return strcmp(((const struct titled *)a)->title,
                  ((const struct titled *)b)->title);
}

// "${x}${y}" is the same of "a", "bc" and of "ab", "c".
static int tell_apart(struct case_list *cases)
{
    struct titled *list = calloc(cases->count + 1, sizeof(*list));
    char **titles = calloc(cases->count + 1, sizeof(*titles));
    int code = list && titles ? 0 : -ENOMEM;
    for (size_t i = 0; !code && i < cases->count; i++)
        list[i] = (struct titled){cases->list[i].title, i};
    if (!code)
        qsort(list, cases->count, sizeof(*list), by_title);
    for (size_t i = 0; !code && i < cases->count; i++) {
        bool before = i && !by_title(&list[i], &list[i - 1]);
        bool after = i + 1 < cases->count && !by_title(&list[i], &list[i + 1]);
        if (!before && !after)
            continue;
        size_t index = list[i].index;
        titles[index] = make_title(&cases->list[index], true);
        code = titles[index] ? 0 : -ENOMEM;
    }
    for (size_t i = 0; titles && i < cases->count; i++) {
        if (!titles[i])
            continue;
        free(cases->list[i].title);
        cases->list[i].title = titles[i];
    }
    free(list);
    free(titles);
    return code;
}

static int read_cases(struct reader *r, struct case_list *out,
                      struct scenario *whole)
{
    size_t count = count_cases(r, whole);
    int code = count > CASES_MAX ? too_many(r, whole) : 0;
    if (!code)
        out->list = calloc(count, sizeof(*out->list));
    if (!out->list) {
        scenario_free(whole);
        return code ? code : -ENOMEM;
    }
    out->list[0].scenario = whole;
    for (; out->count < count; out->count++)
        if (read_case(r, whole, out->count, &out->list[out->count]))
            code = -EINVAL;
    return code ? code : tell_apart(out);
}

int cases_read(struct case_list *out, const char *path,
               const struct override *sets, size_t nsets, FILE *log,
               struct tally *tally)
{
    struct reader r = {
        .path = path, .sets = sets, .nsets = nsets, .log = log, .tally = tally};
    char none[] = "";
    struct test_case whole = {.label = none};
    *out = (struct case_list){0};
    int code = load(&r, &whole);
    if (!code)
        code = read_cases(&r, out, whole.scenario);
    free(r.told);
    if (code)
        case_list_free(out);
    return code;
}
