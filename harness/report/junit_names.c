// SPDX-License-Identifier: Apache-2.0
// Names of testcases. See junit_names.h.
#include "harness/report/junit_names.h"

#include "harness/report/visible.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DOT "\xe2\x80\xa4" // U+2024

// ---- Text -------------------------------------------------------------------

static const char *or_empty(const char *s)
{
    return s ? s : "";
}

// Characters that leave a name empty to the eye.
static bool is_blank(uint32_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x202f || c == 0x205f ||
           c == 0x3000;
}

static bool is_all_blank(const char *text, size_t len)
{
    uint32_t c = 0;
    for (size_t i = 0, n; i < len; i += n) {
        n = visible_decode(text + i, len - i, &c);
        if (!n || !is_blank(c))
            return false;
    }
    return true;
}

// The text, or as much of it as a name may have.
static void put_name(FILE *f, const char *text)
{
    size_t len = strlen(text);
    size_t fits = visible_fit(text, len, JUNIT_NAME_MAX, NULL);
    visible_text(f, text, fits, NULL);
    if (fits < len)
        fputs("...", f);
}

static const char *in_class(uint32_t c)
{
    if (c == '.')
        return DOT;
    return c == '\n' || c == '\t' ? " " : NULL;
}

// One step of a class name: never empty, never more than one.
static void put_part(FILE *f, const char *text, size_t len)
{
    size_t fits = visible_fit(text, len, JUNIT_NAME_MAX, in_class);
    if (is_all_blank(text, len))
        fputc('_', f);
    else
        visible_text(f, text, fits, in_class);
}

static void put_folders(FILE *f, const char *folder)
{
    while (*folder) {
        size_t len = strcspn(folder, "/");
        if (len && !(len == 1 && *folder == '.')) {
            put_part(f, folder, len);
            fputc('.', f);
        }
        folder += len + (folder[len] == '/');
    }
}

static void put_file(FILE *f, const struct result *r)
{
    const char *path = r->path ? r->path : or_empty(r->title);
    const char *slash = strrchr(path, '/');
    const char *name = slash && r->path ? slash + 1 : path;
    size_t len = strlen(name);
    if (len > 3 && !strcmp(name + len - 3, ".tc"))
        len -= 3;
    put_part(f, name, len);
}

static void put_title(FILE *f, const struct result *r)
{
    const char *title = or_empty(r->title);
    put_name(f, is_all_blank(title, strlen(title)) ? or_empty(r->path) : title);
}

static void put_suite(FILE *f, const struct result *r)
{
    put_name(f, or_empty(r->path));
    fputs(r->path ? ": " : "", f);
    put_title(f, r);
}

static void put_class(FILE *f, const struct result *r)
{
    put_folders(f, or_empty(r->suite));
    put_file(f, r);
}

static void put_guest_class(FILE *f, const struct result *r)
{
    const char *title = or_empty(r->title);
    put_class(f, r);
    fputs(": ", f);
    put_part(f, title, strlen(title));
}

static char *made(void (*put)(FILE *f, const struct result *r),
                  const struct result *r)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    if (!f)
        return NULL;
    put(f, r);
    if (!fclose(f))
        return text;
    free(text);
    return NULL;
}

static char *test_name(const struct result_test *t)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    if (!f)
        return NULL;
    put_name(f, or_empty(t->name));
    if (!fclose(f))
        return text;
    free(text);
    return NULL;
}

// ---- Once each --------------------------------------------------------------

// A pair; of the names that are equal all but the first are replaced.
struct pair {
    const char *class_name;
    char **name;
    size_t order;
    char *instead;
};

static int by_name(const struct pair *x, const char *class_name,
                   const char *name)
{
    int order = strcmp(x->class_name, class_name);
    return order ? order : strcmp(*x->name, name);
}

static int ascending(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    int order = by_name(x, y->class_name, *y->name);
    return order ? order : (x->order > y->order) - (x->order < y->order);
}

static bool is_there(const struct pair *pairs, size_t n, const char *class_name,
                     const char *name)
{
    size_t low = 0;
    while (low < n) {
        size_t middle = low + (n - low) / 2;
        int order = by_name(&pairs[middle], class_name, name);
        if (!order)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            n = middle;
    }
    return false;
}

// Two names can't get the same number: without " (N)" behind them they would
// be one.
static int number_pairs(struct pair *pairs, size_t n)
{
    unsigned number = 0;
    qsort(pairs, n, sizeof(*pairs), ascending);
    for (size_t i = 1; i < n; i++) {
        struct pair *p = &pairs[i];
        if (by_name(p, pairs[i - 1].class_name, *pairs[i - 1].name) != 0) {
            number = 0;
            continue;
        }
        number = number ? number : 1;
        do {
            free(p->instead);
            p->instead = NULL;
            if (asprintf(&p->instead, "%s (%u)", *p->name, ++number) < 0) {
                p->instead = NULL;
                return -ENOMEM;
            }
        } while (is_there(pairs, n, p->class_name, p->instead));
    }
    return 0;
}

// Leaves each pair once. The list is used up.
static int make_unique(struct pair *pairs, size_t n)
{
    int code = number_pairs(pairs, n);
    for (size_t i = 0; i < n; i++) {
        if (code || !pairs[i].instead) {
            free(pairs[i].instead);
            continue;
        }
        free(*pairs[i].name);
        *pairs[i].name = pairs[i].instead;
    }
    return code;
}

static int unique_suites(struct junit_names *names, struct pair *pairs)
{
    for (size_t i = 0; i < names->count; i++)
        pairs[i] = (struct pair){"", &names->list[i].suite, i, NULL};
    return make_unique(pairs, names->count);
}

static int unique_tests(struct junit_names *names, struct pair *pairs)
{
    size_t n = 0;
    for (size_t i = 0; i < names->count; i++) {
        struct junit_case *c = &names->list[i];
        pairs[n] = (struct pair){c->class_name, &c->name, n, NULL};
        n++;
        for (size_t k = 0; k < c->ntests; k++, n++)
            pairs[n] = (struct pair){c->guest_class, &c->tests[k], n, NULL};
    }
    return make_unique(pairs, n);
}

// ---- The whole --------------------------------------------------------------

static int name_case(struct junit_case *c, const struct result *r)
{
    *c = (struct junit_case){
        .suite = made(put_suite, r),
        .class_name = made(put_class, r),
        .name = made(put_title, r),
        .guest_class = made(put_guest_class, r),
        .tests = calloc(r->ntests + 1, sizeof(*c->tests)),
    };
    if (!c->suite || !c->class_name || !c->name || !c->guest_class || !c->tests)
        return -ENOMEM;
    for (; c->ntests < r->ntests; c->ntests++) {
        c->tests[c->ntests] = test_name(&r->tests[c->ntests]);
        if (!c->tests[c->ntests])
            return -ENOMEM;
    }
    return 0;
}

int junit_names_make(struct junit_names *names, const struct result_list *all)
{
    size_t pairs = 1;
    int code = 0;
    *names =
        (struct junit_names){0, calloc(all->count + 1, sizeof(*names->list))};
    if (!names->list)
        return -ENOMEM;
    for (size_t i = 0; !code && i < all->count; i++) {
        code = name_case(&names->list[i], &all->items[i]);
        names->count++;
        pairs += 1 + all->items[i].ntests;
    }
    struct pair *room = code ? NULL : calloc(pairs, sizeof(*room));
    if (room)
        code = unique_suites(names, room);
    if (room && !code)
        code = unique_tests(names, room);
    free(room);
    return room ? code : -ENOMEM;
}

void junit_names_free(struct junit_names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        struct junit_case *c = &names->list[i];
        for (size_t k = 0; k < c->ntests; k++)
            free(c->tests[k]);
        free(c->suite);
        free(c->class_name);
        free(c->name);
        free(c->guest_class);
        free(c->tests);
    }
    free(names->list);
    *names = (struct junit_names){0};
}
