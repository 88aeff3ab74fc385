// SPDX-License-Identifier: Apache-2.0
// What testcases are called: each (classname, name) once in a report, the same
// whatever else is in it, and never with an empty part.
#include "harness/report/junit_names.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define MOST 8

// Results with paths, titles and names of the guest's own tests.
static struct result results[MOST];
static struct junit_names names;

static void add(struct result_list *all, const char *path, const char *title,
                const char *const *tests)
{
    struct result *r = &results[all->count];
    const char *slash = strrchr(path, '/');
    cr_assert_lt(all->count, MOST);
    result_init(r);
    result_set(&r->path, "%s", path);
    result_set(&r->suite, "%.*s", slash ? (int)(slash - path) : 1,
               slash ? path : ".");
    result_set(&r->title, "%s", title);
    for (size_t i = 0; tests && tests[i]; i++)
        result_add_test(r, tests[i], VERDICT_PASSED, 0, 0, NULL, NULL);
    all->items = results;
    all->count++;
}

static void forget(struct result_list *all)
{
    junit_names_free(&names);
    for (size_t i = 0; i < all->count; i++)
        result_free(&results[i]);
    all->count = 0;
}

static size_t times(const char *class_name, const char *name)
{
    size_t n = 0;
    for (size_t i = 0; i < names.count; i++) {
        const struct junit_case *c = &names.list[i];
        n += !strcmp(c->class_name, class_name) && !strcmp(c->name, name);
        for (size_t k = 0; k < c->ntests; k++)
            n += !strcmp(c->guest_class, class_name) &&
                 !strcmp(c->tests[k], name);
    }
    return n;
}

static void expect_unique(void)
{
    for (size_t i = 0; i < names.count; i++) {
        const struct junit_case *c = &names.list[i];
        cr_expect_eq(times(c->class_name, c->name), 1, "%s, %s", c->class_name,
                     c->name);
        for (size_t k = 0; k < c->ntests; k++)
            cr_expect_eq(times(c->guest_class, c->tests[k]), 1, "%s, %s",
                         c->guest_class, c->tests[k]);
        for (size_t k = 0; k < i; k++)
            cr_expect_str_neq(c->suite, names.list[k].suite);
    }
}

static const char *const foo[] = {"foo", NULL};

Test(junit_names, are_of_the_file_and_the_title)
{
    struct result_list all = {0};
    add(&all, "t/one.tc", "boot", foo);
    add(&all, "t/two.tc", "boot", foo);
    add(&all, "t/two.tc", "boot (boot 2)", foo);
    cr_assert_eq(junit_names_make(&names, &all), 0);
    expect_unique();
    cr_expect_str_eq(names.list[0].class_name, "t.one");
    cr_expect_str_eq(names.list[0].name, "boot");
    cr_expect_str_eq(names.list[0].guest_class, "t.one: boot");
    cr_expect_str_eq(names.list[0].tests[0], "foo");
    cr_expect_str_eq(names.list[0].suite, "t/one.tc: boot");
    cr_expect_str_eq(names.list[2].guest_class, "t.two: boot (boot 2)");
    forget(&all);
}

// Pairs that would be one if a path or a title were simply put together.
Test(junit_names, do_not_depend_on_others)
{
    static const struct {
        const char *path, *title;
    } cases[] = {
        {"t/one.tc", "boot"},    {"t/one/boot.tc", "foo"},
        {"t.one.tc", "boot"},    {"t/one.x.tc", "boot"},
        {"t/one/x.tc", "boot"},  {"t/one_x.tc", "boot"},
        {"../t/one.tc", "boot"}, {"t/one.tc", "boot.x"},
    };
    struct result_list all = {0};
    for (size_t i = 0; i < MOST; i++)
        add(&all, cases[i].path, cases[i].title, foo);
    cr_assert_eq(junit_names_make(&names, &all), 0);
    expect_unique();
    for (size_t i = 0; i < MOST; i++) {
        const struct result_list alone = {1, &results[i]};
        struct junit_names by_itself;
        cr_assert_eq(junit_names_make(&by_itself, &alone), 0);
        const struct junit_case *a = &names.list[i], *b = by_itself.list;
        cr_expect_str_eq(a->class_name, b->class_name);
        cr_expect_str_eq(a->name, b->name);
        cr_expect_str_eq(a->guest_class, b->guest_class);
        cr_expect_str_eq(a->tests[0], b->tests[0]);
        cr_expect_str_eq(a->suite, b->suite);
        junit_names_free(&by_itself);
    }
    forget(&all);
}

// Two runs in one report, and names that look like numbers given here.
Test(junit_names, what_is_equal_is_numbered)
{
    static const char *const tests[] = {
        "a (2)", "a", "a", "a (2)", "a\x01", "a\xe2\x90\x81", NULL};
    struct result_list all = {0};
    for (int i = 0; i < 3; i++)
        add(&all, "t/a.tc", "A", tests);
    add(&all, "t/a.tc", "A (2)", NULL);
    cr_assert_eq(junit_names_make(&names, &all), 0);
    expect_unique();
    cr_expect_str_eq(names.list[0].name, "A");
    cr_expect_str_eq(names.list[1].name, "A (3)");
    cr_expect_str_eq(names.list[2].name, "A (4)");
    cr_expect_str_eq(names.list[3].name, "A (2)", "it is called so");
    cr_expect_str_eq(names.list[0].tests[0], "a (2)");
    cr_expect_str_eq(names.list[0].tests[2], "a (3)");
    cr_expect_str_eq(names.list[0].tests[3], "a (2) (2)");
    cr_expect_str_eq(names.list[0].tests[5], "a\xe2\x90\x81 (2)");
    forget(&all);
}

static bool has_empty_part(const char *class_name)
{
    while (true) {
        size_t len = strcspn(class_name, ".");
        if (strspn(class_name, " ") >= len)
            return true;
        if (!class_name[len])
            return false;
        class_name += len + 1;
    }
}

Test(junit_names, no_part_is_empty)
{
    static const struct {
        const char *path, *title, *class_name;
    } cases[] = {
        {"boot.tc", "boot", "boot"},
        {"./boot.tc", ".boot.", "boot"},
        {"/abs//x/./boot.tc", "..", "abs.x.boot"},
        {"../boot.tc", " ", "\xe2\x80\xa4\xe2\x80\xa4.boot"},
        {"a.b/c.tc", "",
         "a\xe2\x80\xa4"
         "b.c"},
        {".hidden/.tc", "v6.1", "\xe2\x80\xa4hidden.\xe2\x80\xa4tc"},
        {" / .tc", "\t\n", "_._"},
        {"\xc3\xa4 b/\xe3\x80\x80/\xff.tc", "\xc2\xa0", "\xc3\xa4 b._.\\xFF"},
    };
    struct result_list all = {0};
    for (size_t i = 0; i < MOST; i++)
        add(&all, cases[i].path, cases[i].title, foo);
    cr_assert_eq(junit_names_make(&names, &all), 0);
    for (size_t i = 0; i < MOST; i++) {
        const struct junit_case *c = &names.list[i];
        cr_expect_str_eq(c->class_name, cases[i].class_name);
        cr_expect_not(has_empty_part(c->class_name), "%s", c->class_name);
        cr_expect_not(has_empty_part(c->guest_class), "%s", c->guest_class);
        cr_expect_neq(strspn(c->name, " \t\n"), strlen(c->name));
    }
    expect_unique();
    forget(&all);
}

Test(junit_names, long_ones_are_cut_and_stay_apart)
{
    char *title = malloc(3000001);
    memset(title, '&', 3000000);
    title[3000000] = '\0';
    struct result_list all = {0};
    const char *const tests[] = {title, title, NULL};
    add(&all, "t/a.tc", title, tests);
    title[2999999] = 'x';
    add(&all, "t/a.tc", title, tests);
    cr_assert_eq(junit_names_make(&names, &all), 0);
    expect_unique();
    cr_expect_lt(strlen(names.list[1].tests[1]), JUNIT_NAME_MAX + 32);
    free(title);
    forget(&all);
}
