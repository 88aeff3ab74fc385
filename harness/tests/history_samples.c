// SPDX-License-Identifier: Apache-2.0
// Results as runs of the history: what counts, under which names, once.
#include "harness/history/mark_list.h"
#include "harness/history/samples.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void add(struct bundle *b, const char *id, const char *name,
                const char *side, uint64_t number, const char *accelerator,
                enum verdict v)
{
    struct result r;
    result_init(&r);
    r.verdict = v;
    r.started_unix_ns = 1000 + b->count;
    result_set(&r.suite, "dir");
    result_set(&r.guest, "busybox");
    result_set(&r.accelerator, "%s", accelerator);
    result_add_property(&r, "kernel", "/nonexistent/kernel");
    result_add_property(&r, "cmdline", "quiet");
    result_add_property(&r, "memory", "256M");
    result_add_property(&r, "version", "1.2");
    result_add_mark(&r, "login_prompt", 500, 300, 9);
    result_add_mark(&r, "login_prompt", 900, 300, 9);
    result_add_reading(&r, "kernel.init", 77);
    result_add_initcall(&r, "pci_init", 5, 0);
    cr_assert_eq(bundle_add(b, id, name, side, number, false, &r), 0);
    b->entries[b->count - 1].kernel_sha256 = strdup("feed");
}

static int see_exact(void *owner, const struct history_run *r,
                     struct error *err)
{
    (void)err;
    unsigned *runs = owner;
    bool exact = !strcmp(r->environment.accelerator, "exact");
    cr_expect_str_eq(r->environment.host_cpu, exact ? "any" : "a CPU");
    cr_expect_eq(r->seeded, exact);
    if (exact) {
        cr_expect_eq(r->seed, 7);
        cr_expect_eq(r->started_unix_ns, 5000);
        cr_expect_null(r->environment.microcode);
        cr_expect_str_eq(r->environment.fingerprint, "f00d");
    } else {
        cr_expect_eq(r->started_unix_ns, 1001);
        cr_expect_null(r->environment.fingerprint);
        cr_expect_str_eq(r->environment.microcode, "0x1");
    }
    ++*runs;
    return 0;
}

// No host makes a difference to the exact rig, each of its own parts does.
Test(samples, the_exact_rig_is_known_by_its_fingerprint)
{
    struct bundle b = {.id = strdup("session"),
                       .host_cpu = strdup("a CPU"),
                       .microcode = strdup("0x1"),
                       .fingerprint = strdup("f00d"),
                       .started_unix_ns = 5000};
    struct history *h;
    struct error err = {""};
    unsigned runs = 0;
    size_t added;
    add(&b, "1", "login#1.head", "head", 1, "exact", VERDICT_PASSED);
    add(&b, "2", "login", NULL, 0, "kvm", VERDICT_PASSED);
    result_add_property(&b.entries[0].result, "seed", "7");
    cr_assert_eq(history_open(":memory:", &h, &err), 0, "%s", err.text);
    cr_assert_eq(samples_add(h, &b, &added, &err), 0, "%s", err.text);
    cr_assert_eq(
        history_read(h, &(struct history_query){0}, see_exact, &runs, &err), 0);
    cr_expect_eq(runs, 2);
    history_close(h);
    bundle_free(&b);
}

struct seen {
    unsigned runs;
    char scenario[64];
    uint64_t wall, reading, memory;
};

static int see(void *owner, const struct history_run *run, struct error *err)
{
    (void)err;
    struct seen *s = owner;
    s->runs++;
    snprintf(s->scenario, sizeof(s->scenario), "%s", run->scenario);
    s->memory = run->environment.memory;
    for (size_t i = 0; i < run->nmarks; i++) {
        if (!strcmp(run->marks[i].name, "login_prompt"))
            s->wall = run->marks[i].wall_ns;
        if (!strcmp(run->marks[i].name, "initcall:pci_init"))
            cr_expect_eq(run->marks[i].wall_ns, 5000);
        if (!strcmp(run->marks[i].name, "kernel.init"))
            s->reading = run->marks[i].wall_ns;
    }
    cr_expect_str_eq(run->subject.kernel_sha256, "feed");
    cr_expect_str_eq(run->commit, "c0ffee");
    return 0;
}

Test(samples, boots_of_this_commit_and_nothing_else_once)
{
    struct bundle b = {.id = strdup("session"), .commit = strdup("c0ffee")};
    add(&b, "1", "login#07.head", "head", 7, "kvm", VERDICT_PASSED);
    add(&b, "2", "login#08.base", "base", 8, "kvm", VERDICT_PASSED);
    add(&b, "3", "login", NULL, 0, "replay", VERDICT_PASSED);
    add(&b, "4", "login", NULL, 0, "kvm", VERDICT_SKIPPED);
    struct history *h;
    struct error err = {""};
    struct seen s = {0};
    size_t added;
    char path[] = "/tmp/toyvmm-samples-XXXXXX";
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    close(fd);
    cr_assert_eq(history_open(path, &h, &err), 0, "%s", err.text);
    // A merge may be repeated.
    for (int i = 0; i < 2; i++)
        cr_assert_eq(samples_add(h, &b, &added, &err), 0, "%s", err.text);
    cr_expect_eq(added, 1);
    cr_assert_eq(history_read(h, &(struct history_query){0}, see, &s, &err), 0);
    history_close(h);
    unlink(path);
    cr_expect_eq(s.runs, 1);
    cr_expect_str_eq(s.scenario, "dir/login");
    // The first of two marks of one name.
    cr_expect(s.wall == 500 && s.reading == 77);
    cr_expect_eq(s.memory, 256U << 20);
    bundle_free(&b);
}

Test(samples, a_name_with_a_hash_stays_whole)
{
    struct bundle b = {.id = strdup("s")};
    char out[SAMPLES_SCENARIO];
    add(&b, "1", "issue#12", NULL, 0, "kvm", VERDICT_PASSED);
    cr_expect_str_eq(samples_scenario(&b.entries[0], out), "dir/issue#12");
    add(&b, "2", "issue#12#3", NULL, 3, "kvm", VERDICT_PASSED);
    cr_expect_str_eq(samples_scenario(&b.entries[1], out), "dir/issue#12");
    bundle_free(&b);
}

Test(samples, host_and_commit_are_filled_in_where_they_are_unknown)
{
    struct bundle b = {.id = strdup("s"), .host_cpu = strdup("another")};
    struct error err = {""};
    setenv("TOYVMM_COMMIT", "beef", 1);
    add(&b, "1", "a", NULL, 0, "kvm", VERDICT_PASSED);
    cr_assert_eq(samples_identify(&b, &err), 0);
    // A merge on another machine leaves what the runner knew.
    cr_expect_str_eq(b.host_cpu, "another");
    cr_expect_str_eq(b.commit, "beef");
    cr_expect_str_eq(b.entries[0].kernel_sha256, "feed");
    bundle_free(&b);
}

Test(mark_list, names_are_whole)
{
    cr_expect(mark_listed(NULL, "userspace"));
    cr_expect(mark_listed("login_prompt,userspace", "userspace"));
    cr_expect(mark_listed("login_prompt,userspace", "login_prompt"));
    cr_expect_not(mark_listed("login_prompt,userspace", "user"));
    cr_expect_not(mark_listed("login_prompt,userspace", "prompt"));
    cr_expect_not(mark_listed("", "userspace"));
}
