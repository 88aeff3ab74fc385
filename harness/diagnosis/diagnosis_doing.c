// SPDX-License-Identifier: Apache-2.0
// The "doing" section: one or two sentences of what the guest did when the
// scenario failed. See parts.h.
#include "harness/diagnosis/parts.h"

#include "src/base/platform.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static bool is_user(const struct toyvmm_sample *s)
{
    return s->cs & 3;
}

// ---- Waiting for input ------------------------------------------------------

// What was typed and not taken, whatever the guest does. False: nothing.
static bool tell_unread(FILE *f, const struct diagnosis *d)
{
    unsigned port = d->run->port;
    size_t typed = d->run->unread;
    if (typed == 1)
        fprintf(f, "; a typed byte waits for it to read %s", port_name(port));
    else if (typed)
        fprintf(f, "; %zu typed bytes wait for it to read %s", typed,
                port_name(port));
    else if (d->seen.ports[port].holds)
        fprintf(f, "; what was typed on %s it has not read", port_name(port));
    return typed || d->seen.ports[port].holds;
}

static void tell_input(FILE *f, const struct diagnosis *d)
{
    unsigned port = d->run->port;
    bool told = tell_unread(f, d);
    if (!told && d->seen.ports[port].polls)
        fprintf(f, "; it polls %s for input", port_name(port));
    else if (!told && d->seen.ports[port].listens)
        fprintf(f, " and waits for input on %s, a timer or a device",
                port_name(port));
    else if (!told)
        fprintf(f, "; no program has %s open for input", port_name(port));
    for (unsigned i = 0; i < TOYVMM_PORTS; i++) {
        if (i != port && d->seen.ports[i].listens)
            fprintf(f, "; %s is open", port_name(i));
    }
}

// ---- Where it is ------------------------------------------------------------

// Whom a sentence is of: the guest, or one of its several vCPUs.
#define WHO_TEXT 24
static const char *who(const struct diagnosis *d, char buf[WHO_TEXT])
{
    if (d->vcpus < 2)
        return "the guest";
    snprintf(buf, WHO_TEXT, "vCPU %u", d->vcpu);
    return buf;
}

static void tell_idle(FILE *f, const struct diagnosis *d)
{
    fputs("the guest is idle", f);
    tell_input(f, d);
}

// The loop's samples alone tell of its interrupts.
static void tell_spin(FILE *f, const struct diagnosis *d)
{
    const struct toyvmm_observation *o = &d->seen;
    size_t on = 0;
    size_t n = 0;
    bool user = false;
    for (size_t i = 0; i < o->nsamples; i++) {
        const struct toyvmm_sample *s = &o->samples[i];
        if (s->rip < o->low || s->rip > o->high)
            continue;
        n++;
        on += s->interrupts;
        user = is_user(s);
    }
    char low[PLACE_TEXT];
    char high[PLACE_TEXT];
    if (!user || d->vcpus > 1)
        fprintf(f, "vCPU %u ", d->vcpu);
    fprintf(f, "%sspins %s %s",
            !user          ? ""
            : d->vcpus > 1 ? "runs a program that "
                           : "a program ",
            o->low == o->high ? "at" : "between",
            diagnose_place(d, o->low, low));
    if (o->low != o->high)
        fprintf(f, " and %s", diagnose_place(d, o->high, high));
    if (user)
        fputs(", in user space", f);
    else
        fprintf(f, " with interrupts %s",
                on == n ? "on"
                : on    ? "on and off"
                        : "off");
    fprintf(f, " (%zu of %zu looks)", n, o->nsamples);
}

static void tell_port_io(FILE *f, const struct diagnosis *d)
{
    static const uint16_t bases[TOYVMM_UARTS] = {
        PLATFORM_COM1_PORT, PLATFORM_COM2_PORT, PLATFORM_COM3_PORT,
        PLATFORM_COM4_PORT};
    char place[PLACE_TEXT];
    uint16_t port = d->seen.io_port;
    char name[WHO_TEXT];
    fprintf(f, "%s is busy with I/O port 0x%x", who(d, name), port);
    for (unsigned i = 0; i < TOYVMM_UARTS; i++) {
        if (port >= bases[i] && port - bases[i] < PLATFORM_COM_LEN)
            fprintf(f, " (%s)", port_name(i));
    }
    fprintf(f, ", last seen at %s", diagnose_place(d, d->seen.regs.rip, place));
}

// The functions it was seen in, the one that was seen most first.
static void tell_runs(FILE *f, const struct diagnosis *d)
{
    const struct toyvmm_observation *o = &d->seen;
    struct {
        const char *name;
        size_t n;
    } list[TOYVMM_SAMPLES];
    size_t n = 0;
    for (size_t i = 0; i < o->nsamples; i++) {
        const struct toyvmm_sample *s = &o->samples[i];
        struct ksym symbol;
        const char *name = "the kernel";
        if (s->halted)
            name = "idle";
        else if (is_user(s))
            name = "user space";
        else if (d->symbols && ksyms_find(d->symbols, s->rip, &symbol))
            name = symbol.name;
        size_t at = 0;
        while (at < n && strcmp(list[at].name, name) != 0)
            at++;
        if (at == n) {
            list[n].name = name;
            list[n++].n = 0;
        }
        list[at].n++;
    }
    char buf[WHO_TEXT];
    fprintf(f, "%s runs; it was seen in", who(d, buf));
    for (size_t told = 0; told < n; told++) {
        size_t best = 0;
        for (size_t i = 1; i < n; i++) {
            if (list[i].n > list[best].n)
                best = i;
        }
        fprintf(f, "%s %s (%zu of %zu looks)", told ? "," : "", list[best].name,
                list[best].n, o->nsamples);
        list[best].n = 0;
    }
}

// ---- The end ----------------------------------------------------------------

static void tell_ended(FILE *f, const struct diagnosis *d)
{
    char place[PLACE_TEXT];
    char name[WHO_TEXT];
    const struct toyvmm_regs *regs = &d->seen.regs;
    const struct toyvmm_sample *last = &d->seen.samples[0];
    bool several = d->vcpus > 1;
    if (d->seen.lost)
        fprintf(f,
                "where %s was is lost: KVM resets the processor at a triple "
                "fault on AMD",
                who(d, name));
    else if (several && last->waits)
        fprintf(f, "%s was never started by the guest", who(d, name));
    else if (regs->cs & 3)
        fprintf(f, "at the end %s%s, at 0x%" PRIx64 " in user space",
                several ? who(d, name) : "",
                several ? " ran a program" : "a program ran", regs->rip);
    else
        fprintf(f, "at the end %s was %sat %s", who(d, name),
                several && last->halted
                    ? last->interrupts ? "idle, " : "halted "
                    : "",
                diagnose_place(d, regs->rip, place));
}

// Of a machine that was not looked at, where one was to be.
static void tell_unread_alone(FILE *f, const struct diagnosis *d)
{
    size_t typed = d->run->unread;
    if (typed && diagnose_explains(d))
        fprintf(f,
                "of what was typed on %s the guest has not taken %zu "
                "byte%s\n",
                port_name(d->run->port), typed, typed == 1 ? "" : "s");
}

// ---- All of it --------------------------------------------------------------

static void tell_vcpu(FILE *f, const struct diagnosis *d)
{
    char name[WHO_TEXT];
    switch (d->seen.activity) {
    case TOYVMM_IDLE:
        fprintf(f, "%s is idle", who(d, name));
        break;
    case TOYVMM_SPINS:
        tell_spin(f, d);
        break;
    case TOYVMM_PORT_IO:
        tell_port_io(f, d);
        break;
    case TOYVMM_WAITS:
        fprintf(f, "%s was not started by the guest",
                d->vcpus > 1 ? who(d, name) : "the processor");
        break;
    case TOYVMM_RUNS:
        tell_runs(f, d);
        break;
    case TOYVMM_ENDED:
        tell_ended(f, d);
        break;
    }
}

// Those of several vCPUs that do nothing, in one sentence: "vCPUs 0, 2 and 3
// are idle".
static void tell_all_that(FILE *f, const struct diagnosis *d,
                          enum toyvmm_activity activity, const char *does,
                          const char *do_it)
{
    size_t n = 0;
    for (size_t i = 0; i < d->nlooks; i++)
        n += d->looks[i].seen.activity == activity;
    if (!n)
        return;
    size_t told = 0;
    fprintf(f, "vCPU%s", n > 1 ? "s" : "");
    for (size_t i = 0; i < d->nlooks; i++) {
        if (d->looks[i].seen.activity != activity)
            continue;
        fprintf(f, "%s %u",
                !told          ? ""
                : told + 1 < n ? ","
                               : " and",
                d->looks[i].vcpu);
        told++;
    }
    fprintf(f, " %s\n", n > 1 ? do_it : does);
}

static bool is_quiet(const struct toyvmm_observation *o)
{
    return o->activity == TOYVMM_IDLE || o->activity == TOYVMM_WAITS;
}

// Of several vCPUs each that works has a line of its own.
static void tell_vcpus(FILE *f, struct diagnosis *d)
{
    size_t idle = 0;
    for (size_t i = 0; i < d->nlooks; i++)
        idle += d->looks[i].seen.activity == TOYVMM_IDLE;
    if (idle == d->vcpus) {
        tell_idle(f, d);
        fputc('\n', f);
        return;
    }
    tell_all_that(f, d, TOYVMM_IDLE, "is idle", "are idle");
    tell_all_that(f, d, TOYVMM_WAITS, "was not started by the guest",
                  "were not started by the guest");
    for (size_t i = 0; i < d->nlooks; i++) {
        if (is_quiet(&d->looks[i].seen))
            continue;
        diagnose_turn_to(d, i);
        tell_vcpu(f, d);
        fputc('\n', f);
    }
    if (d->nlooks < d->vcpus)
        fprintf(f, "%zu of %u vCPUs could not be looked at\n",
                d->vcpus - d->nlooks, d->vcpus);
    if (d->run->unread || d->seen.ports[d->run->port].holds)
        fprintf(f, "what was typed on %s the guest has not read\n",
                port_name(d->run->port));
}

static void tell_one(FILE *f, const struct diagnosis *d)
{
    if (d->seen.activity == TOYVMM_IDLE)
        tell_idle(f, d);
    else
        tell_vcpu(f, d);
    if (d->seen.activity != TOYVMM_IDLE)
        tell_unread(f, d);
    fputc('\n', f);
}

void tell_doing(FILE *f, struct diagnosis *d)
{
    if (d->not_looked)
        fputs("what the guest does was not looked at: there was no time left "
              "for it\n",
              f);
    if (d->looked_long)
        fputs("what the guest does is not known: it could not be looked at in "
              "the time that there was\n",
              f);
    if (!d->observed)
        tell_unread_alone(f, d);
    else if (d->vcpus > 1)
        tell_vcpus(f, d);
    else
        tell_one(f, d);
}

char *diagnosis_doing(const struct diagnosis_machine *machine,
                      uint64_t within_ns, unsigned port)
{
    const struct diagnosis_run run = {.port = port, .budget_ns = within_ns};
    struct diagnosis d = {.run = &run};
    char *text = NULL;
    size_t len = 0;
    diagnose_begin(&d, 1);
    diagnose_look(&d, machine);
    FILE *f = d.observed ? open_memstream(&text, &len) : NULL;
    if (f) {
        tell_doing(f, &d);
        if (fclose(f)) {
            free(text);
            text = NULL;
        }
    }
    diagnose_machine_end(&d);
    return text;
}
