// SPDX-License-Identifier: Apache-2.0
// Scenarios that would go on for ever, or fill the memory: steps that don't
// wait end with the scenario's time, and a result has room for so much. What
// another thread can tell of a run.
#include "harness/tests/runner_fake.h"

#include "src/base/clock.h"

#include <criterion/criterion.h>
#include <string.h>

static void run_ticking(const char *scenario, struct result *r)
{
    static const struct fake_options ticking = {.tick_us = 100};
    static const struct script_line nothing[] = {{.typed = "never"}};
    fake_run(scenario, nothing, 1, &ticking, r);
}

static void expect_timeout(struct result *r)
{
    cr_expect_eq(r->verdict, VERDICT_FAILED);
    cr_expect_str_eq(r->kind ? r->kind : "none", "timeout");
    cr_expect(strstr(r->message, "the scenario's timeout of 2 s passed"), "%s",
              r->message);
    cr_expect_lt(r->duration_ns, 3 * NS_PER_S);
    result_free(r);
}

Test(bounds, steps_that_do_not_wait_end_in_time, .timeout = 900)
{
    struct result r;
    run_ticking("timeout 2s\nrepeat 1000000 {\nrepeat 1000000 {\n"
                "log \"on and on\"\n}\n}\n",
                &r);
    expect_timeout(&r);
}

Test(bounds, empty_blocks_end_in_time, .timeout = 900)
{
    struct result r;
    run_ticking("timeout 2s\nrepeat 1000000 {\nrepeat 1000000 {\n"
                "repeat 1000 {\n}\n}\n}\n",
                &r);
    expect_timeout(&r);
}

Test(bounds, a_million_lines_are_too_many, .timeout = 900)
{
    struct result r;
    RUN("repeat 1000000 {\nlog \"a line\"\n}\n", &r, {.typed = "never"});
    cr_expect_eq(r.verdict, VERDICT_PASSED);
    cr_expect_eq(r.nnotes, RESULT_LIST_MAX + 1);
    cr_expect(strstr(r.notes[r.nnotes - 1].text, "990000 more notes"), "%s",
              r.notes[r.nnotes - 1].text);
    result_free(&r);
}

// The check that failed is told, however much was told before it.
Test(bounds, a_failed_check_is_never_left_out, .timeout = 900)
{
    struct result r;
    RUN("set x a\nrepeat 20000 {\nlog \"a line\"\n}\ncheck x == b\n", &r,
        {.typed = "never"});
    cr_expect_eq(r.verdict, VERDICT_FAILED);
    cr_expect_str_eq(r.kind, "check");
    cr_expect(strstr(r.message, "x == "), "%s", r.message);
    result_free(&r);
}

Test(bounds, marks_and_metrics_too, .timeout = 900)
{
    struct result r;
    RUN("repeat 30000 {\nmark m\nmetric n 5\n}\n", &r, {.typed = "never"});
    cr_expect_eq(r.verdict, VERDICT_PASSED);
    cr_expect_leq(r.nmarks, RESULT_LIST_MAX);
    cr_expect_leq(r.nproperties, RESULT_LIST_MAX);
    cr_expect_eq(r.nnotes, 1);
    result_free(&r);
}

Test(bounds, long_notes_are_cut)
{
    struct result r;
    result_init(&r);
    char text[200001];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    for (int i = 0; i < 100; i++)
        result_add_note(&r, false, 0, NULL, "%s", text);
    cr_expect_leq(strlen(r.notes[0].text), RESULT_NOTE_MAX);
    cr_expect_leq(r.note_bytes, RESULT_NOTES_MAX + RESULT_NOTE_MAX);
    cr_expect_gt(r.left_out, 0U);
    result_free(&r);
}

// That it can't be told is neither a match nor none.
Test(bounds, a_fail_pattern_that_explodes, .timeout = 900)
{
    struct result r;
    RUN("fail /(a+)+\\d/ \"never\"\nexpect /x/ within 5s\n", &r,
        {.prints = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n"
                   "x\r\n"});
    cr_expect_eq(r.verdict, VERDICT_ERROR);
    cr_expect_str_eq(r.kind, "pattern-limit");
    cr_expect(strstr(r.message, "/(a+)+\\d/ takes too long on"), "%s",
              r.message);
    result_free(&r);
}

// ---- The witness ------------------------------------------------------------

struct teller {
    struct witness witness;
    struct result told;
    bool any;
};

// Called within a step: as if another thread came between.
static void on_step(void *owner, const struct step *step, uint64_t at_ns)
{
    struct teller *t = owner;
    (void)at_ns;
    if (step->kind != STEP_LOG)
        return;
    witness_lock(&t->witness);
    t->any = witness_tell(&t->witness, CLOCK_NEVER, &t->told);
    witness_unlock(&t->witness);
}

static void prepare(void *owner, struct run_options *run)
{
    struct teller *t = owner;
    struct error err = {""};
    cr_assert_eq(witness_init(&t->witness, &err), 0);
    run->witness = &t->witness;
    run->step = on_step;
    run->owner = t;
}

Test(witness, tells_step_and_console_without_secrets)
{
    struct teller t = {0};
    result_init(&t.told);
    const struct fake_options options = {.prepare = prepare, .owner = &t};
    static const struct script_line script[] = {
        {.after_ms = 5, .prints = "name: "},
        {.typed = "hush\r", .prints = "hush\r\nand now\r\n"},
    };
    struct result r;
    fake_run("timeout 60s\nexpect /name/\nsend \"hush\" secret\nexpect /now/\n"
             "log \"here\"\n",
             script, 2, &options, &r);
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s", r.message);
    cr_assert(t.any);
    cr_expect_str_eq(t.told.where, "t.tc:7:1");
    cr_expect_str_eq(result_section(&t.told, "step"), "log \"here\"");
    cr_assert_eq(t.told.nconsoles, 1);
    const char *text = t.told.consoles[0].bytes;
    size_t len = t.told.consoles[0].len;
    cr_expect(memmem(text, len, "and now", 7));
    cr_expect_null(memmem(text, len, "hush", 4));
    cr_expect_not(witness_tell(&t.witness, 0, &t.told), "the run is over");
    witness_destroy(&t.witness);
    result_free(&t.told);
    result_free(&r);
}

// ---- The witness of a failure -----------------------------------------------

static bool see_idle(void *owner, unsigned vcpu, uint64_t within_ns,
                     struct toyvmm_observation *out)
{
    (void)vcpu;
    (void)owner;
    (void)within_ns;
    *out = (struct toyvmm_observation){.activity = TOYVMM_IDLE, .nsamples = 1};
    return true;
}

// The machine is looked at for the diagnosis, and meanwhile the time is over.
static bool see_too_late(void *owner, unsigned vcpu, uint64_t within_ns,
                         struct toyvmm_observation *out)
{
    (void)vcpu;
    struct teller *t = owner;
    (void)within_ns;
    (void)out;
    witness_lock(&t->witness);
    t->any = witness_tell(&t->witness, CLOCK_NEVER, &t->told);
    witness_unlock(&t->witness);
    return false;
}

static size_t read_nothing(void *owner, const struct toyvmm_regs *regs,
                           uint64_t address, void *to, size_t len)
{
    (void)owner;
    (void)regs;
    (void)address;
    (void)to;
    (void)len;
    return 0;
}

static struct run_machine slow_machine = {.observe = see_too_late,
                                          .read = read_nothing};

static void prepare_failure(void *owner, struct run_options *run)
{
    struct teller *t = owner;
    prepare(owner, run);
    slow_machine.owner = t;
    run->machine = &slow_machine;
    t->witness.observe = see_idle;
}

// What the run has found out when it is given up is not lost, and the guest is
// looked at all the same.
Test(witness, tells_a_failure_whose_diagnosis_never_ends)
{
    struct teller t = {0};
    result_init(&t.told);
    const struct fake_options options = {.prepare = prepare_failure,
                                         .owner = &t};
    static const struct script_line script[] = {{.prints = "hello\r\n"}};
    struct result r;
    fake_run("timeout 60s\nexpect /x/ within 1s\n", script, 1, &options, &r);
    cr_assert(t.any);
    cr_expect_str_eq(t.told.kind, "timeout");
    cr_expect_str_eq(t.told.message, "/x/ did not come within 1 s");
    cr_expect_eq(t.told.verdict, VERDICT_FAILED);
    cr_expect_str_eq(t.told.where, "t.tc:4:1");
    cr_expect(strstr(result_section(&t.told, "console"), "hello"));
    cr_expect(strstr(result_section(&t.told, "doing"), "the guest is idle"));
    witness_destroy(&t.witness);
    result_free(&t.told);
    result_free(&r);
}

// ---- The time of a diagnosis ------------------------------------------------

static uint64_t slow_clock_ns;

static uint64_t slow_clock(void *owner)
{
    (void)owner;
    return slow_clock_ns;
}

static bool see_spin(void *owner, unsigned vcpu, uint64_t within_ns,
                     struct toyvmm_observation *out)
{
    (void)vcpu;
    (void)owner;
    (void)within_ns;
    *out = (struct toyvmm_observation){.activity = TOYVMM_SPINS, .nsamples = 1};
    return true;
}

static size_t read_slowly(void *owner, const struct toyvmm_regs *regs,
                          uint64_t address, void *to, size_t len)
{
    (void)owner;
    (void)regs;
    (void)address;
    slow_clock_ns += 10 * NS_PER_MS;
    memset(to, 0, len);
    return len;
}

static const struct run_machine spinning = {.observe = see_spin,
                                            .read = read_slowly};

static void prepare_slow(void *owner, struct run_options *run)
{
    const double *slowness = owner;
    run->machine = &spinning;
    run->clock = slow_clock;
    run->slowness = *slowness;
}

// It ends before the watchdog's second does, which grows as the machine is
// slower.
Test(bounds, a_diagnosis_ends_before_the_watchdog)
{
    double slowness[] = {1, 4};
    for (size_t i = 0; i < 2; i++) {
        const struct fake_options options = {.prepare = prepare_slow,
                                             .owner = &slowness[i]};
        static const struct script_line script[] = {{.prints = "hello\r\n"}};
        struct result r;
        slow_clock_ns = 0;
        fake_run("timeout 5s\nexpect /x/ within 10s\n", script, 1, &options,
                 &r);
        cr_expect_str_eq(r.kind, "timeout");
        uint64_t took_ms = slow_clock_ns / NS_PER_MS;
        cr_expect_leq(took_ms, (uint64_t)(600 * slowness[i]));
        cr_expect_geq(took_ms, (uint64_t)(200 * slowness[i]));
        cr_expect(strstr(result_section(&r, "stack"), "was given up"));
        cr_expect(strstr(result_section(&r, "doing"), "vCPU 0 spins"));
        result_free(&r);
    }
}
