// SPDX-License-Identifier: Apache-2.0
// What a machine's devices refused is told with the verdict, whatever it is.
#include "harness/tests/runner_fake.h"

#include <criterion/criterion.h>

static size_t refusals(void *owner, struct toyvmm_refusal *out, size_t max)
{
    static const struct toyvmm_refusal list[] = {
        {.device = "virtio-rng",
         .count = 1,
         .why = "a ring that is not in memory"},
        {.device = "disk vda", .full = true},
        {.device = "disk vdb",
         .count = 7,
         .why = "a request without status",
         .full = true},
        {.device = "net eth0", .dropped = 12, .cut = true},
        {.device = "virtio-vsock", .turned_away = 3},
        {.device = "share src", .lost = "virtiofsd closed the connection"},
    };
    (void)owner;
    cr_assert_geq(max, 6U);
    for (size_t i = 0; i < 6; i++)
        out[i] = list[i];
    return 6;
}

static int restart(void *owner, struct error *err)
{
    (void)owner;
    (void)err;
    return 0;
}

static const struct run_machine machine = {.refusals = refusals,
                                           .restart = restart};

static void prepare(void *owner, struct run_options *run)
{
    (void)owner;
    run->machine = &machine;
}

static void run(const char *scenario, const struct script_line *script,
                size_t n, struct result *r)
{
    const struct fake_options options = {.prepare = prepare};
    fake_run(scenario, script, n, &options, r);
}

static void expect_notes(const struct result *r)
{
    static const char *const texts[] = {
        "virtio-rng refused a request of the guest's driver: a ring that "
        "is not in memory",
        "disk vda: the guest wrote more than is kept of a disk that is put "
        "back, and got errors for the rest; `writable` has no such bound",
        "disk vdb refused 7 requests of the guest's driver, the last one for "
        "this: a request without status",
        "disk vdb: the guest wrote more than is kept of a disk that is put "
        "back, and got errors for the rest; `writable` has no such bound",
        "net eth0: 12 frames came while the guest took none, and were dropped",
        "net eth0: the capture lacks frames: it has 64 MiB, or could not be "
        "written",
        "virtio-vsock turned 3 connections away: there is room for 256 at a "
        "time",
        "share src: its files are gone for the guest: virtiofsd closed the "
        "connection",
    };
    cr_assert_eq(r->nnotes, 8U);
    for (size_t i = 0; i < 8; i++) {
        cr_expect_str_eq(r->notes[i].text, texts[i]);
        cr_expect_not(r->notes[i].failed);
    }
}

Test(refusals, of_a_run_that_passed)
{
    struct result r;
    const struct script_line script[] = {{.prints = "up\r\n"}};
    run("expect /up/\n", script, 1, &r);
    cr_expect_eq(r.verdict, VERDICT_PASSED);
    expect_notes(&r);
    result_free(&r);
}

Test(refusals, of_a_run_that_failed)
{
    struct result r;
    const struct script_line script[] = {{.after_ms = 9000}};
    run("expect /up/ within 1s\n", script, 1, &r);
    cr_expect_eq(r.verdict, VERDICT_FAILED);
    expect_notes(&r);
    result_free(&r);
}

// A machine that starts anew has forgotten.
Test(refusals, of_each_boot)
{
    struct result r;
    const struct script_line script[] = {{.event = EVENT(TOYVMM_EVENT_RESET)},
                                         {.prints = "up\r\n"}};
    run("expect reset\nexpect /up/\n", script, 2, &r);
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s", r.message);
    cr_expect_eq(r.nnotes, 16U);
    result_free(&r);
}
