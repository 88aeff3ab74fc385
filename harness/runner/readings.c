// SPDX-License-Identifier: Apache-2.0
// What a guest itself told of its boot's times becomes a part of the result.
// Used by the runner only.
#include "harness/runner/intake.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

// The kernel's console is the port on which it said most.
static const struct boot_log *kernel_log(const struct run *r)
{
    const struct boot_log *best = &r->ports[0].log;
    for (unsigned i = 1; i < TOYVMM_PORTS; i++) {
        if (r->ports[i].log.kernel_lines > best->kernel_lines)
            best = &r->ports[i].log;
    }
    return best;
}

static const struct boot_log *systemd_log(const struct run *r)
{
    unsigned i = 0;
    while (i + 1 < TOYVMM_PORTS && !r->ports[i].log.has_systemd)
        i++;
    return &r->ports[i].log;
}

static void add_readings(struct run *r)
{
    const struct boot_log *k = kernel_log(r), *s = systemd_log(r);
    const struct {
        const char *name;
        uint64_t ns;
    } all[] = {
        {"kernel.init", k->kernel_init},
        {"kernel.last", k->kernel_last},
        {"systemd.firmware", s->systemd_firmware},
        {"systemd.loader", s->systemd_loader},
        {"systemd.kernel", s->systemd_kernel},
        {"systemd.initrd", s->systemd_initrd},
        {"systemd.userspace", s->systemd_userspace},
        {"systemd.total", s->systemd_total},
    };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        char buf[BOOT_NAME];
        if (all[i].ns)
            result_add_reading(r->result, run_boot_name(r, all[i].name, buf),
                               all[i].ns);
    }
}

// Of the first boot that has any.
static void add_initcalls(struct run *r)
{
    struct result *out = r->result;
    const struct boot_log *log = kernel_log(r);
    if (out->initcalls_seen)
        return;
    out->initcalls_seen = log->ninitcalls;
    out->initcalls_us = log->initcalls_us;
    for (size_t i = 0; i < log->ntop; i++)
        result_add_initcall(out, log->top[i].name, log->top[i].us,
                            log->top[i].result);
}

void run_end_boot_logs(struct run *r)
{
    for (unsigned i = 0; i < TOYVMM_PORTS; i++)
        boot_log_end(&r->ports[i].log);
    add_readings(r);
    add_initcalls(r);
    for (unsigned i = 0; i < TOYVMM_PORTS; i++)
        r->ports[i].log = (struct boot_log){0};
}

static void note_refusal(struct run *r, const struct toyvmm_refusal *what)
{
    struct result *out = r->result;
    uint64_t at = r->now_ns - r->options->started_ns;
    if (what->count == 1)
        result_add_note(out, false, at, NULL,
                        "%s refused a request of the guest's driver: %s",
                        what->device, what->why);
    else if (what->count)
        result_add_note(out, false, at, NULL,
                        "%s refused %" PRIu64
                        " requests of the guest's driver, the last one for "
                        "this: %s",
                        what->device, what->count, what->why);
    if (what->dropped)
        result_add_note(out, false, at, NULL,
                        "%s: %" PRIu64 " frame%s came while the guest took "
                        "none, and %s dropped",
                        what->device, what->dropped,
                        what->dropped == 1 ? "" : "s",
                        what->dropped == 1 ? "was" : "were");
    if (what->turned_away)
        result_add_note(out, false, at, NULL,
                        "%s turned %" PRIu64
                        " connection%s away: there is room for 256 at a time",
                        what->device, what->turned_away,
                        what->turned_away == 1 ? "" : "s");
    if (what->cut)
        result_add_note(out, false, at, NULL,
                        "%s: the capture lacks frames: it has 64 MiB, or could "
                        "not be written",
                        what->device);
    if (*what->lost)
        result_add_note(out, false, at, NULL,
                        "%s: its files are gone for the guest: %s",
                        what->device, what->lost);
    if (what->full)
        result_add_note(out, false, at, NULL,
                        "%s: the guest wrote more than is kept of a disk that "
                        "is put back, and got errors for the rest; `writable` "
                        "has no such bound",
                        what->device);
}

void run_note_refusals(struct run *r)
{
    const struct run_machine *m = r->options->machine;
    struct toyvmm_refusal list[TOYVMM_REFUSALS_MAX];
    size_t n =
        m && m->refusals ? m->refusals(m->owner, list, TOYVMM_REFUSALS_MAX) : 0;
    for (size_t i = 0; i < n; i++)
        note_refusal(r, &list[i]);
}

static bool has_word(const char *text, const char *word)
{
    size_t len = strlen(word);
    for (const char *at = text; (at = strstr(at, word)); at += len) {
        if ((at == text || at[-1] == ' ') && (!at[len] || at[len] == ' '))
            return true;
    }
    return false;
}

void run_note_initcalls(struct run *r)
{
    struct result *out = r->result;
    const char *cmdline = result_property(out, "cmdline");
    if (!out->initcalls_seen && cmdline && has_word(cmdline, "initcall_debug"))
        result_add_note(out, false, r->now_ns - r->options->started_ns, NULL,
                        "initcall_debug: the console shows no initcalls; the "
                        "kernel prints them with loglevel=8 or "
                        "ignore_loglevel only");
}
