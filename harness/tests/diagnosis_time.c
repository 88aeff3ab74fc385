// SPDX-License-Identifier: Apache-2.0
// A diagnosis has its time: on machines that are slow to look at, by a clock
// that only moves when they are, what is ready is told and what was given up is
// named.
#include "harness/diagnosis/diagnosis.h"
#include "harness/scenario/ast.h"
#include "src/base/clock.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IMAGE UINT64_C(0xffffffff81000000)
#define MIB   (UINT64_C(1) << 20)

// A machine, and what looking at it costs.
struct slow {
    struct toyvmm_observation seen;
    uint64_t now_ns;
    uint64_t observe_ns, read_ns;
    uint64_t mapped; // bytes from IMAGE on
    bool silent;     // it has printed nothing
    size_t reads;
    size_t nfound;
    struct {
        char name[16];
        char *text;
    } found[16];
};

static uint64_t clock_of(void *owner)
{
    const struct slow *s = owner;
    return s->now_ns;
}

static bool observe(void *owner, unsigned vcpu, uint64_t within_ns,
                    struct toyvmm_observation *out)
{
    (void)vcpu;
    struct slow *s = owner;
    s->now_ns += s->observe_ns;
    *out = s->seen;
    return s->observe_ns <= within_ns;
}

static size_t read_memory(void *owner, const struct toyvmm_regs *regs,
                          uint64_t address, void *to, size_t len)
{
    struct slow *s = owner;
    (void)regs;
    s->now_ns += s->read_ns;
    s->reads++;
    if (address - IMAGE >= s->mapped)
        return 0;
    uint64_t left = s->mapped - (address - IMAGE);
    size_t n = left < len ? (size_t)left : len;
    memset(to, 0x90, n);
    return n;
}

static void found(void *owner, const char *section, const char *text)
{
    struct slow *s = owner;
    cr_assert_lt(s->nfound, 16);
    snprintf(s->found[s->nfound].name, sizeof(s->found[0].name), "%s", section);
    s->found[s->nfound++].text = strdup(text);
}

// The last of that name.
static const char *section(const struct slow *s, const char *name)
{
    const char *text = "";
    for (size_t i = 0; i < s->nfound; i++) {
        if (!strcmp(s->found[i].name, name))
            text = s->found[i].text;
    }
    return text;
}

#define HAS(s, name, part)                                                     \
    cr_expect(strstr(section(s, name), part), "%s: <%s>", name,                \
              section(s, name))

static void forget(struct slow *s)
{
    for (size_t i = 0; i < s->nfound; i++)
        free(s->found[i].text);
}

static void spin(struct slow *s)
{
    s->seen.activity = TOYVMM_SPINS;
    s->seen.low = s->seen.high = s->seen.regs.rip = IMAGE + 0x10;
    s->seen.regs.cs = 0x10;
    s->seen.nsamples = 4;
    for (size_t i = 0; i < 4; i++)
        s->seen.samples[i] =
            (struct toyvmm_sample){.rip = IMAGE + 0x10, .cs = 0x10};
}

// A wait for "login: $" that saw "logni: ", with so much time for the
// diagnosis.
static void fail(struct slow *s, uint64_t budget_ns)
{
    static const struct diagnosis_machine ops = {.observe = observe,
                                                 .read = read_memory};
    struct error err = {""};
    size_t at;
    const struct stamp stamp = {0, 1};
    const char *text = s->silent ? "" : "logni: ";
    struct matcher *m = matcher_new(&(struct matcher_options){0}, &err);
    struct console_record *record = console_record_new(0, 0, &err);
    struct pattern *p = pattern_compile("login: $", 8, 0, &at, &err);
    cr_assert(m && record && p);
    matcher_feed(m, (const uint8_t *)text, strlen(text), &stamp, !s->silent);
    console_record_feed(record, (const uint8_t *)text, strlen(text), &stamp,
                        !s->silent);
    const struct pattern *list[] = {p};
    const struct diagnosis_wait wait = {
        .patterns = list, .npatterns = 1, .what = "/login: $/"};
    struct diagnosis_machine machine = ops;
    machine.owner = s;
    struct diagnosis_run run = {.now_ns = NS_PER_S,
                                .wait = &wait,
                                .ports = {{m, record, !s->silent}},
                                .matcher = m,
                                .record = record,
                                .machine = &machine,
                                .budget_ns = budget_ns,
                                .clock = clock_of,
                                .found = found,
                                .owner = s};
    diagnose(&run);
    pattern_free(p);
    console_record_free(record);
    matcher_free(m);
}

Test(diagnosis_time, all_of_it)
{
    struct slow s = {.mapped = 4 * MIB};
    spin(&s);
    fail(&s, NS_PER_S);
    cr_expect_str_eq(s.found[0].name, "wait", "what costs nothing is first");
    HAS(&s, "console", "logni: ");
    HAS(&s, "doing", "vCPU 0 spins at 0xffffffff81000010");
    HAS(&s, "near-miss", "expected \"login: \", saw \"logni: \"");
    HAS(&s, "registers", "rip    ffffffff81000010");
    forget(&s);
}

// Half a gigabyte in which there are no symbols, a hundredth of a second for
// each look: the search ends with its share, and all else is told.
Test(diagnosis_time, a_kernel_without_symbols)
{
    struct slow s = {.mapped = 512 * MIB, .read_ns = 10 * NS_PER_MS};
    spin(&s);
    fail(&s, NS_PER_S);
    cr_expect_leq(s.now_ns, 510 * NS_PER_MS, "%llu",
                  (unsigned long long)s.now_ns);
    HAS(&s, "doing", "vCPU 0 spins at 0xffffffff81000010");
    HAS(&s, "stack", "took too long and was given up: no names\n");
    HAS(&s, "near-miss", "expected \"login: \"");
    forget(&s);
}

// The gigabyte in which a kernel may lie is looked at by large pages.
Test(diagnosis_time, where_nothing_is_mapped)
{
    struct slow s = {.mapped = 0};
    spin(&s);
    fail(&s, NS_PER_S);
    cr_expect_leq(s.reads, 600, "%zu", s.reads);
    HAS(&s, "stack", "");
    forget(&s);
}

// No name of an idle guest's place is told, so none is looked for.
Test(diagnosis_time, an_idle_guest_is_not_searched)
{
    struct slow s = {.mapped = 512 * MIB, .read_ns = NS_PER_S};
    spin(&s);
    s.seen.activity = TOYVMM_IDLE;
    fail(&s, NS_PER_S);
    cr_expect_eq(s.reads, 0);
    HAS(&s, "doing", "the guest is idle");
    HAS(&s, "near-miss", "expected \"login: \"");
    forget(&s);
}

// A look that takes too long costs the rest its time, which is said.
Test(diagnosis_time, a_machine_that_is_slow_to_look_at)
{
    struct slow s = {.mapped = 4 * MIB, .observe_ns = 2 * NS_PER_S};
    spin(&s);
    fail(&s, NS_PER_S);
    HAS(&s, "console", "logni: ");
    HAS(&s, "doing", "it could not be looked at in the time that there was");
    HAS(&s, "near-miss", "what came nearest to /login: $/ was not looked for");
    forget(&s);
}

// A kernel without any console driver and without symbols: what it was doing is
// told, and of what came nearest there is nothing to say.
Test(diagnosis_time, a_guest_that_is_silent_and_has_no_names)
{
    struct slow s = {.mapped = 64 * MIB, .read_ns = NS_PER_S, .silent = true};
    spin(&s);
    fail(&s, NS_PER_S / 2);
    HAS(&s, "wait", "the guest has printed nothing at all");
    HAS(&s, "doing", "vCPU 0 spins at 0xffffffff81000010");
    HAS(&s, "registers", "rip    ffffffff81000010");
    for (size_t i = 0; i < s.nfound; i++)
        cr_expect_str_neq(s.found[i].name, "near-miss", "%s", s.found[i].text);
    forget(&s);
}

Test(diagnosis_time, no_time_at_all)
{
    struct slow s = {.mapped = 4 * MIB};
    spin(&s);
    fail(&s, 0);
    HAS(&s, "wait", "waited 1 s");
    HAS(&s, "console", "logni: ");
    HAS(&s, "doing", "was not looked at: there was no time left for it\n");
    HAS(&s, "near-miss", "there was no time left for it\n");
    cr_expect_eq(s.reads, 0);
    forget(&s);
}

Test(diagnosis_time, of_the_machine_alone)
{
    struct slow s = {.mapped = 0};
    spin(&s);
    const struct diagnosis_machine machine = {.owner = &s, .observe = observe};
    char *text = diagnosis_doing(&machine, NS_PER_S, 0);
    cr_expect_str_eq(text, "vCPU 0 spins at 0xffffffff81000010 with interrupts "
                           "off (4 of 4 looks)\n");
    free(text);
}
