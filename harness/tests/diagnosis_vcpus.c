// SPDX-License-Identifier: Apache-2.0
// What a report says of a machine with several vCPUs: each by its number, the
// idle ones in one sentence, those that could not be looked at counted.
#include "harness/diagnosis/diagnosis.h"
#include "src/base/clock.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VCPUS 5

struct several {
    struct toyvmm_observation seen[VCPUS];
    bool refuses[VCPUS];
    unsigned asked;
    const char *wanted; // the section that is kept
    char *kept;
};

static bool observe(void *owner, unsigned vcpu, uint64_t within_ns,
                    struct toyvmm_observation *out)
{
    struct several *s = owner;
    (void)within_ns;
    cr_assert_lt(vcpu, VCPUS);
    s->asked++;
    *out = s->seen[vcpu];
    return !s->refuses[vcpu];
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

static void found(void *owner, const char *section, const char *text)
{
    struct several *s = owner;
    if (strcmp(section, s->wanted) != 0)
        return;
    free(s->kept);
    s->kept = strdup(text);
}

static void at(struct toyvmm_observation *o, enum toyvmm_activity activity,
               uint64_t rip, uint16_t cs)
{
    *o = (struct toyvmm_observation){.activity = activity, .nsamples = 1};
    o->samples[0] = (struct toyvmm_sample){
        .rip = rip, .cs = cs, .halted = activity == TOYVMM_IDLE};
    o->low = o->high = o->regs.rip = rip;
    o->regs.cs = cs;
}

// The section that a failure tells; heap.
static char *told(struct several *s, const char *section,
                  const struct toyvmm_event *end)
{
    const struct diagnosis_machine machine = {
        .owner = s, .vcpus = VCPUS, .observe = observe, .read = read_nothing};
    struct error err = {""};
    struct matcher *m = matcher_new(&(struct matcher_options){0}, &err);
    cr_assert(m);
    const struct diagnosis_wait wait = {.what = "/x/"};
    const struct diagnosis_run run = {.now_ns = NS_PER_S,
                                      .wait = end ? NULL : &wait,
                                      .matcher = m,
                                      .end = end,
                                      .machine = &machine,
                                      .budget_ns = 60 * NS_PER_S,
                                      .found = found,
                                      .owner = s};
    s->wanted = section;
    s->kept = NULL;
    diagnose(&run);
    matcher_free(m);
    return s->kept ? s->kept : strdup("");
}

#define IS(s, section, end, text)                                              \
    do {                                                                       \
        char *told_ = told(s, section, end);                                   \
        cr_expect_str_eq(told_, text);                                         \
        free(told_);                                                           \
    } while (0)

Test(vcpus, each_that_works_has_a_line)
{
    struct several s = {0};
    at(&s.seen[0], TOYVMM_IDLE, 0x100, 0x10);
    at(&s.seen[1], TOYVMM_SPINS, 0x401000, 0x33);
    at(&s.seen[2], TOYVMM_WAITS, 0, 0);
    at(&s.seen[3], TOYVMM_IDLE, 0x100, 0x10);
    at(&s.seen[4], TOYVMM_SPINS, 0xffff0000, 0x10);
    IS(&s, "doing", NULL,
       "vCPUs 0 and 3 are idle\n"
       "vCPU 2 was not started by the guest\n"
       "vCPU 1 runs a program that spins at 0x401000, in user space (1 of 1 "
       "looks)\n"
       "vCPU 4 spins at 0xffff0000 with interrupts off (1 of 1 looks)\n");
    s.seen[0].ports[0].holds = s.seen[4].ports[0].holds = true;
    char *text = told(&s, "doing", NULL);
    cr_expect(strstr(text, "typed on ttyS0 the guest has not read\n"), "%s",
              text);
    free(text);
}

Test(vcpus, all_idle_is_an_idle_guest)
{
    struct several s = {0};
    for (unsigned i = 0; i < VCPUS; i++) {
        at(&s.seen[i], TOYVMM_IDLE, 0x100, 0x10);
        s.seen[i].ports[0].listens = true;
    }
    IS(&s, "doing", NULL,
       "the guest is idle and waits for input on ttyS0, a timer or a device\n");
    // One that could not be looked at may be doing anything.
    s.refuses[3] = true;
    IS(&s, "doing", NULL,
       "vCPUs 0, 1, 2 and 4 are idle\n"
       "1 of 5 vCPUs could not be looked at\n");
}

Test(vcpus, the_registers_are_each_ones_own)
{
    struct several s = {0};
    for (unsigned i = 0; i < VCPUS; i++)
        at(&s.seen[i], i < 2 ? TOYVMM_IDLE : TOYVMM_WAITS, 0x100 + i, 0x10);
    at(&s.seen[4], TOYVMM_SPINS, 0x444, 0x10);
    char *text = told(&s, "registers", NULL);
    cr_expect(strstr(text, "registers of vCPU 0:\n  rip    0000000000000100"),
              "%s", text);
    cr_expect(strstr(text, "registers of vCPU 1:\n  rip    0000000000000101"),
              "%s", text);
    cr_expect(strstr(text, "registers of vCPU 4:\n  rip    0000000000000444"),
              "%s", text);
    cr_expect(!strstr(text, "vCPU 2"), "%s", text);
    free(text);
}

// The event's registers are those of the vCPU that ended the machine.
Test(vcpus, the_end_has_a_number)
{
    struct several s = {0};
    for (unsigned i = 0; i < VCPUS; i++)
        at(&s.seen[i], TOYVMM_ENDED, 0x100 + i, 0x10);
    s.seen[1].samples[0].halted = s.seen[1].samples[0].interrupts = true;
    s.seen[2].samples[0].halted = true;
    s.seen[3].samples[0].waits = true;
    s.seen[4].samples[0].cs = s.seen[4].regs.cs = 0x33;
    const struct toyvmm_event end = {.kind = TOYVMM_EVENT_RESET,
                                     .vcpu = 4,
                                     .has_regs = true,
                                     .regs = {.rip = 0xabcd}};
    IS(&s, "doing", &end,
       "at the end vCPU 0 was at 0x100\n"
       "at the end vCPU 1 was idle, at 0x101\n"
       "at the end vCPU 2 was halted at 0x102\n"
       "vCPU 3 was never started by the guest\n"
       "at the end vCPU 4 ran a program, at 0x104 in user space\n");
    char *text = told(&s, "registers", &end);
    cr_expect(strstr(text, "registers of vCPU 4:\n  rip    000000000000abcd"),
              "%s", text);
    free(text);
}

Test(vcpus, the_machine_alone_is_told_of_as_well)
{
    struct several s = {0};
    const struct diagnosis_machine machine = {
        .owner = &s, .vcpus = VCPUS, .observe = observe};
    for (unsigned i = 0; i < VCPUS; i++)
        at(&s.seen[i], TOYVMM_IDLE, 0x100, 0x10);
    at(&s.seen[1], TOYVMM_SPINS, 0x200, 0x10);
    char *text = diagnosis_doing(&machine, 60 * NS_PER_S, 0);
    cr_expect_str_eq(text, "vCPUs 0, 2, 3 and 4 are idle\n"
                           "vCPU 1 spins at 0x200 with interrupts off (1 of 1 "
                           "looks)\n");
    free(text);
}
