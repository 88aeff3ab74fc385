// SPDX-License-Identifier: Apache-2.0
// Marks: moments of a run, each with what the machine had spent by then. Used
// by the runner only.
#include "harness/runner/intake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// One table of reasons in the machine, one in results: the latter know nothing
// of machines.
_Static_assert(VMEXIT_IO == (int)TOYVMM_EXIT_IO &&
                   VMEXIT_MMIO == (int)TOYVMM_EXIT_MMIO &&
                   VMEXIT_HLT == (int)TOYVMM_EXIT_HLT &&
                   VMEXIT_INTR == (int)TOYVMM_EXIT_INTR &&
                   VMEXIT_OTHER == (int)TOYVMM_EXIT_OTHER &&
                   VMEXITS == (int)TOYVMM_EXITS,
               "a mark's exits are the machine's");

static void run_add_usage(struct toyvmm_usage *sum,
                          const struct toyvmm_usage *more)
{
    sum->cpu_ns += more->cpu_ns;
    sum->exits += more->exits;
    for (int i = 0; i < TOYVMM_EXITS; i++)
        sum->exits_by[i] += more->exits_by[i];
}

static unsigned vcpus_of(const struct run *r)
{
    const struct run_machine *m = r->options->machine;
    unsigned n = m && m->vcpus ? m->vcpus : 1;
    return n < TOYVMM_CPUS ? n : TOYVMM_CPUS;
}

// Room for what each of several vCPUs has spent; NULL where it is told of one,
// for that is the sum.
static struct toyvmm_share *new_shares(const struct run *r)
{
    unsigned n = vcpus_of(r);
    return n > 1 ? calloc(n, sizeof(struct toyvmm_share)) : NULL;
}

static struct toyvmm_share *shares_at(const struct run *r, uint64_t ns)
{
    const struct run_machine *m = r->options->machine;
    struct toyvmm_share *each = new_shares(r);
    struct toyvmm_usage sum;
    if (each && m->usage)
        m->usage(m->owner, ns, &sum, each);
    return each;
}

// each: of the present boot; from now on with those before it.
static void add_past_shares(const struct run *r, struct toyvmm_share *each)
{
    for (unsigned i = 0; r->past_shares && i < vcpus_of(r); i++) {
        each[i].cpu_ns += r->past_shares[i].cpu_ns;
        each[i].exits += r->past_shares[i].exits;
    }
}

// One table of shares in the machine, one in results.
static void take_shares(struct result_mark *mark, const struct run *r,
                        const struct toyvmm_share *each,
                        struct result_share out[TOYVMM_CPUS])
{
    mark->nvcpus = each ? vcpus_of(r) : 0;
    mark->vcpus = out;
    for (size_t i = 0; i < mark->nvcpus; i++)
        out[i] = (struct result_share){each[i].cpu_ns, each[i].exits};
}

// spent: in the present boot, and each (or NULL) what vCPUs have of it.
static void add_mark(struct run *r, const char *name, uint64_t ns,
                     const struct toyvmm_usage *spent,
                     struct toyvmm_share *each)
{
    struct result_share shares[TOYVMM_CPUS];
    struct toyvmm_usage all = r->past;
    run_add_usage(&all, spent);
    uint64_t start = r->options->started_ns;
    struct result_mark mark = {
        .wall_ns = ns > start ? ns - start : 0,
        .cpu_ns = all.cpu_ns,
        .exits = all.exits,
    };
    memcpy(mark.exits_by, all.exits_by, sizeof(mark.exits_by));
    if (each)
        add_past_shares(r, each);
    take_shares(&mark, r, each, shares);
    result_put_mark(r->result, name, &mark);
}

void run_mark(struct run *r, const char *name, uint64_t ns)
{
    struct toyvmm_usage spent = {0};
    const struct run_machine *m = r->options->machine;
    struct toyvmm_share *each = new_shares(r);
    if (m && m->usage)
        m->usage(m->owner, ns, &spent, each);
    add_mark(r, name, ns, &spent, each);
    free(each);
}

void run_end_boot_usage(struct run *r)
{
    run_add_usage(&r->past, &r->end.usage);
    struct toyvmm_share *each = shares_at(r, r->end.ns);
    if (!each)
        return;
    add_past_shares(r, each);
    free(r->past_shares);
    r->past_shares = each;
}

const char *run_boot_name(const struct run *r, const char *name,
                          char buf[BOOT_NAME])
{
    if (r->boots < 2)
        return name;
    snprintf(buf, BOOT_NAME, "boot%u_%s", r->boots, name);
    return buf;
}

void run_boot_mark(struct run *r, const char *name, uint64_t ns)
{
    char buf[BOOT_NAME];
    run_mark(r, run_boot_name(r, name, buf), ns);
}

void run_event_mark(struct run *r, const char *name,
                    const struct toyvmm_event *e)
{
    char buf[BOOT_NAME];
    const struct toyvmm_usage nothing = {0};
    if (e->ready_ns)
        add_mark(r, run_boot_name(r, "memory_ready", buf), e->ready_ns,
                 &nothing, NULL);
    struct toyvmm_share *each = shares_at(r, e->ns);
    add_mark(r, run_boot_name(r, name, buf), e->ns, &e->usage, each);
    free(each);
}

void run_login_mark(struct run *r, uint64_t ns)
{
    run_boot_mark(r, "login_prompt", ns);
    r->prompt_seen = true;
}

static bool ends_with(const char *text, size_t len, const char *end)
{
    size_t n = strlen(end);
    return len >= n && !memcmp(text + len - n, end, n);
}

void run_match_mark(struct run *r, const struct match *m)
{
    const char *text = m->all.text;
    size_t len = m->all.len;
    while (len && text[len - 1] == ' ')
        len--;
    if (r->prompt_seen || ends_with(text, len, "ast login:") ||
        !(ends_with(text, len, "login:") || ends_with(text, len, "Login:")))
        return;
    run_login_mark(r, m->end_ns);
}
