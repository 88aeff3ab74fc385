// SPDX-License-Identifier: Apache-2.0
// What grew: who is named as a cause, who isn't, and what nothing explains.
#include "harness/history/cause_text.h"
#include "harness/history/exact_compare.h"
#include "harness/history/random.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MS   1e6
#define RUNS 16
#define MOST 16

// The sides of one comparison, made boot by boot.
struct made {
    struct cause_value values[2][RUNS][MOST];
    struct cause_run runs[2][RUNS];
    struct cause_side sides[2];
    struct random_source random;
};

static void begin(struct made *m)
{
    *m = (struct made){.random = {7}};
    for (size_t s = 0; s < 2; s++) {
        m->sides[s] = (struct cause_side){RUNS, m->runs[s]};
        for (size_t i = 0; i < RUNS; i++)
            m->runs[s][i].values = m->values[s][i];
    }
}

static void put(struct made *m, size_t side, size_t run, enum cause_kind kind,
                const char *name, double ns)
{
    struct cause_run *r = &m->runs[side][run];
    cr_assert_lt(r->count, MOST);
    r->values[r->count++] = (struct cause_value){kind, name, ns};
}

// Of up to one per cent to both sides.
static double noisy(struct made *m, double ns)
{
    return ns * (1 + 0.0001 * ((double)random_below(&m->random, 201) - 100));
}

// kernel_banner at 200 ms, init_started at 800, login_prompt at 1400; head's
// kernel takes 150 ms more and its userspace 50 more, its first phase nothing.
static void fill(struct made *m)
{
    begin(m);
    for (size_t s = 0; s < 2; s++) {
        for (size_t i = 0; i < RUNS; i++) {
            double banner = noisy(m, 200 * MS);
            double init = banner + noisy(m, (s ? 750 : 600) * MS);
            double login = init + noisy(m, (s ? 650 : 600) * MS);
            put(m, s, i, CAUSE_MARK, "login_prompt", login);
            put(m, s, i, CAUSE_MARK, "kernel_banner", banner);
            put(m, s, i, CAUSE_MARK, "init_started", init);
            put(m, s, i, CAUSE_INITCALL, "slow_init",
                noisy(m, (s ? 240 : 100) * MS));
            put(m, s, i, CAUSE_INITCALL, "same_init", noisy(m, 90 * MS));
            put(m, s, i, CAUSE_INITCALL, s ? "new_init" : "old_init",
                noisy(m, (s ? 5 : 3) * MS));
            // Twice as long, and nothing to a mark of 1.4 s.
            put(m, s, i, CAUSE_INITCALL, "tiny_init", (s ? 2 : 1) * 1e4);
            put(m, s, i, CAUSE_TOLD, "systemd.total", (s ? 9 : 2) * MS);
        }
    }
}

static const struct cause *find(const struct causes *c, const char *name)
{
    for (size_t i = 0; i < c->count; i++) {
        if (!strcmp(c->list[i].name, name))
            return &c->list[i];
    }
    return NULL;
}

static struct causes look(const struct made *m, const char *mark)
{
    struct causes c;
    struct error err = {""};
    cr_assert_eq(
        causes_find(m->sides, mark, &compare_defaults, false, &c, &err), 0,
        "%s", err.text);
    return c;
}

Test(causes, what_grew_is_ranked_and_the_rest_is_said)
{
    struct made m;
    fill(&m);
    struct causes c = look(&m, "login_prompt");
    cr_expect_float_eq(c.growth, 200 * MS, 10 * MS, "%g", c.growth);
    cr_assert_eq(c.count, 5);
    cr_expect_eq(c.list[0].kind, CAUSE_PHASE);
    cr_expect_str_eq(c.list[0].name, "kernel_banner");
    cr_expect_str_eq(c.list[0].until, "init_started");
    cr_expect_float_eq(c.list[0].growth, 150 * MS, 5 * MS);
    cr_expect_float_eq(c.list[0].share, 0.75, 0.05);
    cr_expect(c.list[0].low < 150 * MS && c.list[0].high > 149 * MS);
    cr_expect_str_eq(c.list[1].name, "slow_init");
    cr_expect_str_eq(c.list[2].until, "login_prompt");
    cr_expect_float_eq(c.list[2].growth, 50 * MS, 5 * MS);
    // Neither within a phase nor alone does anything count twice.
    cr_expect_float_eq(c.rest, c.growth - c.list[0].growth - c.list[2].growth,
                       1);
    cr_expect_lt(fabs(c.rest), 10 * MS);
    cr_expect_eq(c.list[3].change, CHANGE_ABSENT);
    cr_expect_str_eq(c.list[3].name, "new_init");
    cr_expect_eq(c.list[3].base_n, 0);
    cr_expect_str_eq(c.list[4].name, "old_init");
    cr_expect_eq(c.list[4].head_n, 0);
    cr_expect_null(find(&c, "same_init"));
    cr_expect_null(find(&c, "tiny_init"));
    cr_expect_null(find(&c, "systemd.total"), "a sum explains nothing");
    causes_free(&c);
}

// What comes after a mark is none of its causes.
Test(causes, an_early_mark_has_no_initcalls)
{
    struct made m;
    struct error err = {""};
    fill(&m);
    struct causes c = look(&m, "kernel_banner");
    cr_expect_eq(c.looked_at, 1);
    cr_expect_eq(c.count, 0);
    cr_expect_float_eq(c.rest, c.growth, 1e-6);
    causes_free(&c);
    cr_expect_eq(
        causes_find(m.sides, "never", &compare_defaults, false, &c, &err),
        -EINVAL);
    causes_free(&c);
}

// Phases whose noise is larger than their growth are not named.
Test(causes, noise_is_no_cause)
{
    struct made m;
    begin(&m);
    for (size_t s = 0; s < 2; s++) {
        for (size_t i = 0; i < RUNS; i++) {
            // What the first phase takes more, the second takes less.
            double swing = (double)random_below(&m.random, 400) * MS;
            put(&m, s, i, CAUSE_MARK, "early", 100 * MS + swing);
            put(&m, s, i, CAUSE_MARK, "late",
                noisy(&m, 1000 * MS) + (s ? 60 * MS : 0));
        }
    }
    struct causes c = look(&m, "late");
    cr_expect_float_eq(c.growth, 60 * MS, 10 * MS);
    cr_expect_eq(c.count, 0, "%s", c.count ? c.list[0].name : "");
    cr_expect_float_eq(c.rest, c.growth, 1);
    causes_free(&c);
}

// A mark that not every boot has, or that comes in another order, cuts nothing;
// one that one side alone has is new.
Test(causes, phases_are_those_of_every_boot)
{
    struct made m;
    fill(&m);
    for (size_t i = 0; i < RUNS; i++) {
        put(&m, 0, i, CAUSE_MARK, "moved", 100 * MS);
        put(&m, 1, i, CAUSE_MARK, "moved", 1200 * MS);
        put(&m, 1, i, CAUSE_MARK, "fresh", 900 * MS);
        if (i)
            put(&m, 0, i, CAUSE_MARK, "rare", 300 * MS);
        put(&m, 1, i, CAUSE_MARK, "rare", 300 * MS);
    }
    struct causes c = look(&m, "login_prompt");
    cr_expect_null(find(&c, "moved"));
    cr_expect_null(find(&c, "rare"));
    cr_assert_not_null(find(&c, "fresh"));
    cr_expect_eq(find(&c, "fresh")->kind, CAUSE_MARK);
    cr_expect_eq(find(&c, "fresh")->change, CHANGE_ABSENT);
    cr_expect_str_eq(c.list[0].name, "kernel_banner");
    causes_free(&c);
}

// Two marks at one moment: a phase of no length that becomes a long one.
Test(causes, a_phase_may_have_had_no_length)
{
    struct made m;
    begin(&m);
    for (size_t s = 0; s < 2; s++) {
        for (size_t i = 0; i < RUNS; i++) {
            double at = noisy(&m, 500 * MS);
            put(&m, s, i, CAUSE_MARK, "a", at);
            put(&m, s, i, CAUSE_MARK, "b", at + (s ? 80 * MS : 0));
        }
    }
    struct causes c = look(&m, "b");
    cr_assert_eq(c.count, 1);
    cr_expect_str_eq(c.list[0].name, "a");
    cr_expect_float_eq(c.list[0].share, 1, 0.1);
    causes_free(&c);
}

// By seeds the differences are means, and phases add up to the last digit.
Test(causes, exact_phases_add_up)
{
    struct made m;
    struct causes c;
    struct error err = {""};
    begin(&m);
    m.sides[0].count = m.sides[1].count = 4;
    for (size_t s = 0; s < 2; s++) {
        for (size_t i = 0; i < 4; i++) {
            double wobble = 7000.0 * (double)i;
            put(&m, s, i, CAUSE_MARK, "kernel_banner", 200 * MS + wobble);
            put(&m, s, i, CAUSE_MARK, "login_prompt",
                900 * MS + 2 * wobble + (s ? 5 * MS + 100 * (double)i : 0));
        }
    }
    cr_assert_eq(
        causes_find(m.sides, "login_prompt", &exact_defaults, true, &c, &err),
        0, "%s", err.text);
    cr_assert_eq(c.count, 1);
    cr_expect_str_eq(c.list[0].name, "kernel_banner");
    cr_expect_float_eq(c.rest, 0, 1e-3);
    causes_free(&c);
}

static char *told(const struct causes *c, unsigned how)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    struct json j = {.f = f};
    if (how == 0)
        causes_terminal(f, c, 2);
    else if (how == 1)
        causes_markdown(f, c);
    else
        causes_json(&j, c);
    cr_assert_eq(fclose(f), 0);
    return text;
}

// Names are a guest's: they break no terminal, no table and no object.
Test(causes, names_stay_text)
{
    struct made m;
    fill(&m);
    for (size_t i = 0; i < RUNS; i++)
        put(&m, 1, i, CAUSE_INITCALL, "a|b\033[31m\"\n<i>", 50 * MS);
    struct causes c = look(&m, "login_prompt");
    char *text = told(&c, 0);
    cr_expect_null(strchr(text, '\033'));
    cr_expect(strstr(text, "what grew until login_prompt, +"), "%s", text);
    cr_expect(strstr(text, " %  kernel_banner to init_started\n"), "%s", text);
    cr_expect(strstr(text, " %  initcall slow_init *\n"), "%s", text);
    cr_expect(strstr(text, "nothing that was measured explains"), "%s", text);
    cr_expect(strstr(text, "new among the slowest: initcall a|b"), "%s", text);
    cr_expect(strstr(text, "gone among the slowest: initcall old_init, "));
    free(text);
    text = told(&c, 1);
    for (char *line = strtok(strstr(text, "| what"), "\n");
         line && *line == '|'; line = strtok(NULL, "\n")) {
        unsigned bars = 0;
        for (const char *at = line; *at; at++)
            bars += *at == '|' && (at == line || at[-1] != '\\');
        cr_expect_eq(bars, 5, "%s", line);
        cr_expect_null(strstr(line, "<i>"));
    }
    free(text);
    text = told(&c, 2);
    cr_expect(strstr(text, "\"verdict\":\"new\""), "%s", text);
    cr_expect(strstr(text, "\"kind\":\"phase\",\"name\":\"kernel_banner\","
                           "\"until\":\"init_started\""));
    cr_expect(strstr(text, "\"unexplained_ns\":"));
    cr_expect_null(strchr(text, '\n'));
    free(text);
    causes_free(&c);
}

Test(causes, a_run_of_the_history_is_taken_apart)
{
    static const struct history_mark marks[] = {
        {"process_start", 0, 0, 0},
        {"login_prompt", 900, 300, 5},
        {"kernel.init", 400, 0, 0},
        {"initcall:pci_init", 70, 0, 0},
    };
    const struct history_run run = {.nmarks = 4, .marks = marks};
    struct cause_run r;
    cr_assert_eq(cause_run_of(&run, true, &r), 0);
    cr_assert_eq(r.count, 4);
    cr_expect_eq(r.values[1].kind, CAUSE_MARK);
    cr_expect_eq(r.values[1].ns, 300, "CPU time");
    cr_expect_eq(r.values[2].kind, CAUSE_TOLD);
    cr_expect_eq(r.values[2].ns, 400, "has no CPU time");
    cr_expect_eq(r.values[3].kind, CAUSE_INITCALL);
    cr_expect_str_eq(r.values[3].name, "pci_init");
    free(r.values);
    cr_expect(cause_is_mark("kernel.init") && !cause_is_moment("kernel.init"));
    cr_expect_not(cause_is_mark("initcall:x"));
}
