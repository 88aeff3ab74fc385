// SPDX-License-Identifier: Apache-2.0
// Marks: moments of a run, each with what the machine had spent by then. Used
// by the runner only.
#include "harness/runner/intake.h"

#include <stdio.h>
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

void run_add_usage(struct toyvmm_usage *sum, const struct toyvmm_usage *more)
{
    sum->cpu_ns += more->cpu_ns;
    sum->exits += more->exits;
    for (int i = 0; i < TOYVMM_EXITS; i++)
        sum->exits_by[i] += more->exits_by[i];
}

// spent: in the present boot.
static void add_mark(struct run *r, const char *name, uint64_t ns,
                     const struct toyvmm_usage *spent)
{
    struct toyvmm_usage all = r->past;
    run_add_usage(&all, spent);
    uint64_t start = r->options->started_ns;
    struct result_mark mark = {
        .wall_ns = ns > start ? ns - start : 0,
        .cpu_ns = all.cpu_ns,
        .exits = all.exits,
    };
    memcpy(mark.exits_by, all.exits_by, sizeof(mark.exits_by));
    result_put_mark(r->result, name, &mark);
}

void run_mark(struct run *r, const char *name, uint64_t ns)
{
    struct toyvmm_usage spent = {0};
    const struct run_machine *m = r->options->machine;
    if (m && m->usage)
        m->usage(m->owner, ns, &spent);
    add_mark(r, name, ns, &spent);
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
                 &nothing);
    add_mark(r, run_boot_name(r, name, buf), e->ns, &e->usage);
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
