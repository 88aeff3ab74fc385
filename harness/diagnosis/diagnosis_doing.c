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

// ---- Waiting for input
// ---------------------------------------------------------

// What was typed and not taken, whatever the guest does. False: nothing.
static bool tell_unread(FILE *f, const struct diagnosis *d)
{
    unsigned port = d->run->port;
    size_t typed = d->run->unread;
    if (typed == 1)
        fprintf(f, "; a typed byte waits for it to read ttyS%u", port);
    else if (typed)
        fprintf(f, "; %zu typed bytes wait for it to read ttyS%u", typed, port);
    else if (d->seen.ports[port].holds)
        fprintf(f, "; what was typed on ttyS%u it has not read", port);
    return typed || d->seen.ports[port].holds;
}

static void tell_input(FILE *f, const struct diagnosis *d)
{
    unsigned port = d->run->port;
    bool told = tell_unread(f, d);
    if (!told && d->seen.ports[port].polls)
        fprintf(f, "; it polls ttyS%u for input", port);
    else if (!told && d->seen.ports[port].listens)
        fprintf(f, " and waits for input on ttyS%u, a timer or a device", port);
    else if (!told)
        fprintf(f, "; no program has ttyS%u open for input", port);
    for (unsigned i = 0; i < TOYVMM_PORTS; i++) {
        if (i != port && d->seen.ports[i].listens)
            fprintf(f, "; ttyS%u is open", i);
    }
}

// ---- Where it is
// ----------------------------------------------------------------

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
    fprintf(f, "%s spins %s %s", user ? "a program" : "vCPU 0",
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
    static const uint16_t bases[TOYVMM_PORTS] = {
        PLATFORM_COM1_PORT, PLATFORM_COM2_PORT, PLATFORM_COM3_PORT,
        PLATFORM_COM4_PORT};
    char place[PLACE_TEXT];
    uint16_t port = d->seen.io_port;
    fprintf(f, "the guest is busy with I/O port 0x%x", port);
    for (unsigned i = 0; i < TOYVMM_PORTS; i++) {
        if (port >= bases[i] && port - bases[i] < PLATFORM_COM_LEN)
            fprintf(f, " (ttyS%u)", i);
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
    fputs("the guest runs; it was seen in", f);
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

// ---- The end
// ---------------------------------------------------------------------

static void tell_ended(FILE *f, const struct diagnosis *d)
{
    char place[PLACE_TEXT];
    const struct toyvmm_regs *regs = &d->seen.regs;
    if (d->seen.lost)
        fputs("where the guest was is lost: KVM resets the processor at a "
              "triple fault on AMD",
              f);
    else if (regs->cs & 3)
        fprintf(f, "at the end a program ran, at 0x%" PRIx64 " in user space",
                regs->rip);
    else
        fprintf(f, "at the end the guest was at %s",
                diagnose_place(d, regs->rip, place));
}

// Of a machine that was not looked at, where one was to be.
static void tell_unread_alone(FILE *f, const struct diagnosis *d)
{
    size_t typed = d->run->unread;
    if (typed && diagnose_explains(d))
        fprintf(f,
                "of what was typed on ttyS%u the guest has not taken %zu "
                "byte%s\n",
                d->run->port, typed, typed == 1 ? "" : "s");
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
    if (!d->observed) {
        tell_unread_alone(f, d);
        return;
    }
    switch (d->seen.activity) {
    case TOYVMM_IDLE:
        tell_idle(f, d);
        break;
    case TOYVMM_SPINS:
        tell_spin(f, d);
        break;
    case TOYVMM_PORT_IO:
        tell_port_io(f, d);
        break;
    case TOYVMM_WAITS:
        fputs("the processor was not started by the guest", f);
        break;
    case TOYVMM_RUNS:
        tell_runs(f, d);
        break;
    case TOYVMM_ENDED:
        tell_ended(f, d);
        break;
    }
    if (d->seen.activity != TOYVMM_IDLE)
        tell_unread(f, d);
    fputc('\n', f);
}

char *diagnosis_doing(const struct toyvmm_observation *seen, unsigned port)
{
    const struct diagnosis_run run = {.port = port};
    struct diagnosis d = {.run = &run, .observed = true, .seen = *seen};
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    if (!f)
        return NULL;
    tell_doing(f, &d);
    if (!fclose(f))
        return text;
    free(text);
    return NULL;
}
