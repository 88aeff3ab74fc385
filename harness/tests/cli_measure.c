// SPDX-License-Identifier: Apache-2.0
// Measured boots: their order and names, sides of a comparison, tables of marks
// and their distributions.
#include "harness/cli/boots.h"
#include "harness/cli/series.h"
#include "harness/cli/side_spec.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct scenario once, five;

static struct selected make(const char *name, struct scenario *s, char *skip)
{
    static char suite[] = "t", path[] = "t/a.tc", title[] = "T";
    struct selected one = {.path = path, .suite = suite, .skip = skip};
    one.name = strdup(name);
    one.what.scenario = s;
    one.what.title = title;
    return one;
}

Test(cli_measure, pairs_by_turns_and_in_the_order_of_their_names)
{
    struct selected list[] = {make("a", &once, NULL)};
    struct selection s = {.count = 1, .list = list};
    struct boot_order order = {
        .warmups = 1,
        .runs = 5,
        .nsides = 2,
        .sides = {{"base", {.kernel = "k1"}}, {"head", {.kernel = "k2"}}},
    };
    struct boots b;
    cr_assert_eq(boots_make(&b, &s, NULL, &order), 0);
    cr_assert_eq(b.count, 12);
    cr_expect_str_eq(b.cases[0].name, "a#01.base");
    cr_expect_str_eq(b.cases[11].name, "a#12.base");
    unsigned first[2] = {0, 0};
    for (size_t i = 0; i < b.count; i += 2) {
        cr_expect_neq(b.list[i].side, b.list[i + 1].side);
        cr_expect_eq(b.list[i].number, b.list[i + 1].number);
        cr_expect_eq(b.list[i].warmup, i < 2);
        first[b.list[i].side]++;
    }
    // Neither side always goes first.
    cr_expect(first[0] == 3 && first[1] == 3);
    for (size_t i = 1; i < b.count; i++)
        cr_expect_lt(strcmp(b.cases[i - 1].name, b.cases[i].name), 0);
    for (size_t i = 0; i < b.count; i++)
        cr_expect_str_eq(b.cases[i].machine.kernel,
                         b.list[i].side ? "k2" : "k1");
    boots_free(&b);
    free(list[0].name);
}

Test(cli_measure, a_later_stage_counts_on)
{
    struct selected list[] = {make("a", &once, NULL)};
    struct selection s = {.count = 1, .list = list};
    struct boot_order order = {
        .runs = 2, .first = 11, .nsides = 2, .sides = {{"base"}, {"head"}}};
    struct boots b;
    cr_assert_eq(boots_make(&b, &s, NULL, &order), 0);
    cr_assert_eq(b.count, 4);
    cr_expect_eq(b.list[0].number, 11);
    cr_expect_eq(b.list[3].number, 12);
    boots_free(&b);
    free(list[0].name);
}

Test(cli_measure, each_scenario_as_often_as_it_says)
{
    static char why[] = "needs net";
    five.repeats = 5;
    struct selected list[] = {make("a", &once, NULL), make("b", &five, NULL),
                              make("c", &five, why)};
    struct selection s = {.count = 3, .list = list};
    struct boot_order order = {.nsides = 1};
    struct boots b;
    cr_assert_eq(boots_make(&b, &s, NULL, &order), 0);
    // Once, five times, and told of once that it is skipped.
    cr_assert_eq(b.count, 7);
    cr_expect_str_eq(b.cases[0].name, "a");
    cr_expect_eq(b.cases[0].number, 0);
    cr_expect_str_eq(b.cases[0].title, "T");
    cr_expect_str_eq(b.cases[1].name, "b#1");
    cr_expect_str_eq(b.cases[5].title, "T (boot 5)");
    cr_expect_str_eq(b.cases[6].name, "c");
    boots_free(&b);
    order.runs = 2; // the command line's word
    cr_assert_eq(boots_make(&b, &s, NULL, &order), 0);
    cr_expect_eq(b.count, 5);
    boots_free(&b);
    for (size_t i = 0; i < 3; i++)
        free(list[i].name);
}

Test(cli_measure, sides)
{
    const struct guest_overrides none = {.memory = 1 << 28};
    struct side_spec s;
    struct error err = {""};
    cr_assert_eq(
        side_spec_parse(&s, "kernel=/k=1,initrd=i,cmdline=+a,b=c", &none, &err),
        0, "%s", err.text);
    cr_expect_str_eq(s.machine.kernel, "/k=1");
    cr_expect_str_eq(s.machine.initrd, "i");
    cr_expect_str_eq(s.machine.cmdline, "+a,b=c");
    cr_expect_eq(s.machine.memory, 1U << 28);
    side_spec_free(&s);
    cr_assert_eq(side_spec_parse(&s, "./vm=linux", &none, &err), 0);
    cr_expect_str_eq(s.machine.kernel, "./vm=linux");
    side_spec_free(&s);
    static const struct {
        const char *text, *says;
    } wrong[] = {{"krenel=x", "there is no \"krenel\""},
                 {"", "a part is empty"},
                 {"a,,b", "a part is empty"},
                 {"initrd=", "initrd= has no value"}};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        cr_expect_eq(side_spec_parse(&s, wrong[i].text, &none, &err), -EINVAL);
        cr_expect_not_null(strstr(err.text, wrong[i].says), "%s", err.text);
    }
}

// Boots 1..n of one side with the marks "a" and "b"; every third lacks "b".
static void fake(struct result *r, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        result_init(&r[i]);
        result_add_mark(&r[i], "process_start", 0, 0, 0);
        result_add_mark(&r[i], "a", 1000 + i, 10, 1);
        if (i % 3 != 2)
            result_add_mark(&r[i], "b", 2000 + i, 20, 2);
    }
}

Test(cli_measure, what_failed_or_warmed_up_does_not_count)
{
    struct boot list[8];
    for (unsigned i = 0; i < 8; i++)
        list[i] = (struct boot){0, i % 2, i / 2 + 1, i < 2};
    const struct boots b = {.count = 8, .list = list};
    struct result results[8];
    fake(results, 8);
    results[5].verdict = VERDICT_FAILED; // head's third
    struct series base, head;
    cr_assert_eq(series_collect(&base, &b, results, 0, 0), 0);
    cr_assert_eq(series_collect(&head, &b, results, 0, 1), 0);
    cr_expect(base.count == 3 && base.warmups == 1 && !base.failure);
    cr_expect(head.count == 2 && head.failed == 1);
    cr_expect_eq(head.failure, &results[5]);
    series_pair(&base, &head);
    cr_assert_eq(base.count, 2);
    cr_expect(base.boots[1].number == 4 && head.boots[1].number == 4);

    struct series both[] = {base, head};
    const char **names;
    size_t n;
    struct error err = {""};
    cr_assert_eq(series_marks(both, 2, NULL, &names, &n, &err), 0);
    cr_assert_eq(n, 2);
    cr_expect_str_eq(names[0], "a");
    double *t = series_table(&base, names, n, false);
    cr_expect_eq(t[0], 1002.0);
    cr_expect(isnan(t[1])); // results[2] has no "b"
    cr_expect_eq(t[3], 2006.0);
    free(t);
    free(names);
    cr_expect_eq(series_marks(both, 2, "b,c", &names, &n, &err), -EINVAL);
    cr_expect_not_null(strstr(err.text, "c: no boot reached it"), "%s",
                       err.text);
    cr_expect_not_null(strstr(err.text, "a, b"), "%s", err.text);
    series_free(&base);
    series_free(&head);
    for (size_t i = 0; i < 8; i++)
        result_free(&results[i]);
}

Test(cli_measure, distributions_as_a_table)
{
    struct boot list[5];
    for (unsigned i = 0; i < 5; i++)
        list[i] = (struct boot){0, 0, i + 1, false};
    const struct boots b = {.count = 5, .list = list};
    struct result results[5];
    fake(results, 5);
    struct series s;
    struct error err = {""};
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    cr_assert_eq(series_collect(&s, &b, results, 0, 0), 0);
    cr_assert_eq(series_print(f, &s, "T", &err), 0);
    fclose(f);
    cr_expect_not_null(strstr(text, "T: 5 boots\n"), "%s", text);
    cr_expect_null(strstr(text, "process_start"));
    const char *a = strstr(text, "\n  a "), *second = strstr(text, "\n  b ");
    cr_assert(a && second && a < second, "%s", text);
    cr_expect_eq(strtoul(a + 4, NULL, 10), 5);
    cr_expect_eq(strtoul(second + 4, NULL, 10), 4);
    free(text);
    series_free(&s);
    for (size_t i = 0; i < 5; i++)
        result_free(&results[i]);
}
