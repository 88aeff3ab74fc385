// SPDX-License-Identifier: Apache-2.0
// What a diagnosis knows of the machine: one observation, its memory, and
// names for its kernel's addresses. See parts.h.
#include "harness/diagnosis/parts.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Page-table isolation: while a program runs, CR3 names the table next to the
// kernel's own (Linux, arch/x86/entry/calling.h).
#define USER_TABLE UINT64_C(0x1000)

static size_t read_guest(void *owner, uint64_t address, void *to, size_t len)
{
    const struct diagnosis *d = owner;
    const struct diagnosis_machine *m = d->run->machine;
    return m->read(m->owner, &d->seen.regs, address, to, len);
}

struct ksyms_memory diagnose_memory(struct diagnosis *d)
{
    return (struct ksyms_memory){d, read_guest};
}

double diagnose_seconds(const struct diagnosis *d, uint64_t ns)
{
    uint64_t started = d->run->started_ns;
    return ns > started ? (double)(ns - started) / 1e9 : 0;
}

const char *diagnose_place(const struct diagnosis *d, uint64_t address,
                           char buf[PLACE_TEXT])
{
    struct ksym s;
    if (d->symbols && ksyms_find(d->symbols, address, &s))
        snprintf(buf, PLACE_TEXT, "%.*s+0x%" PRIx64 "/0x%" PRIx64,
                 KSYMS_PLACE_NAME, s.name, s.offset, s.size);
    else
        snprintf(buf, PLACE_TEXT, "0x%" PRIx64, address);
    return buf;
}

// ---- Looking ----------------------------------------------------------------

// As many vCPUs are looked at: of more nobody reads, and each look takes tens
// of milliseconds.
#define LOOKS_MAX 32

void diagnose_turn_to(struct diagnosis *d, size_t look)
{
    d->vcpu = d->looks[look].vcpu;
    d->seen = d->looks[look].seen;
}

// Puts it where its number says.
static void keep(struct diagnosis *d, unsigned vcpu,
                 const struct toyvmm_observation *seen)
{
    size_t at = d->nlooks++;
    for (; at && d->looks[at - 1].vcpu > vcpu; at--)
        d->looks[at] = d->looks[at - 1];
    d->looks[at] = (struct look){vcpu, *seen};
}

static void look(struct diagnosis *d, const struct diagnosis_machine *m,
                 unsigned vcpu)
{
    struct toyvmm_observation seen;
    if (d->nlooks < LOOKS_MAX && !diagnose_is_over(d) &&
        m->observe(m->owner, vcpu, diagnose_left_ns(d), &seen))
        keep(d, vcpu, &seen);
}

// The one that ended the machine comes first: it must not fall off the end.
void diagnose_look(struct diagnosis *d, const struct diagnosis_machine *m)
{
    const struct toyvmm_event *end = d->run->end;
    unsigned first = end ? end->vcpu : 0;
    d->vcpus = m->vcpus ? m->vcpus : 1;
    d->looks =
        calloc(d->vcpus < LOOKS_MAX ? d->vcpus : LOOKS_MAX, sizeof(*d->looks));
    if (!d->looks)
        return;
    if (first < d->vcpus)
        look(d, m, first);
    for (unsigned i = 0; i < d->vcpus; i++) {
        if (i != first)
            look(d, m, i);
    }
    d->observed = d->nlooks;
    if (d->observed)
        diagnose_turn_to(d, 0);
}

// ---- Names ------------------------------------------------------------------

// An ELF kernel is loaded where it was linked: what moves a kernel is the
// program that unpacks a bzImage.
static bool boots_elf(const struct diagnosis_run *o)
{
    char magic[4] = "";
    int fd = o->kernel ? open(o->kernel, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return false;
    ssize_t n = pread(fd, magic, sizeof(magic), 0);
    close(fd);
    return n == (ssize_t)sizeof(magic) && !memcmp(magic, "\177ELF", 4);
}

// Takes the symbols of a file when they are those of this kernel.
static bool take_file(struct diagnosis *d, const char *path, struct error *err)
{
    struct ksyms_memory memory = diagnose_memory(d);
    const struct ksyms_cpu cpu = {d->seen.lstar, d->seen.idt_base,
                                  d->seen.idt_limit};
    const struct ksyms_patience patience = diagnose_patience(d);
    struct ksyms *s = ksyms_load(path, &patience, err);
    int64_t moved = 0;
    if (!s)
        return false;
    switch (ksyms_fit(s, &memory, &cpu, &moved)) {
    case KSYMS_FIT:
        break;
    case KSYMS_UNKNOWN:
        if (boots_elf(d->run))
            break;
        error_set(err, -1,
                  "where the kernel was moved to (KASLR) is not known, for it "
                  "has not set up its entries: no names");
        ksyms_free(s);
        return false;
    case KSYMS_MISFIT:
        error_set(err, -1, "%s has the symbols of another kernel", path);
        ksyms_free(s);
        return false;
    }
    d->symbols = s;
    if (moved)
        snprintf(d->names, sizeof(d->names), "%.200s, moved by %s0x%" PRIx64,
                 path, moved < 0 ? "-" : "",
                 (uint64_t)(moved < 0 ? -moved : moved));
    else
        snprintf(d->names, sizeof(d->names), "%.200s", path);
    return true;
}

static bool take_kernels_own(struct diagnosis *d)
{
    struct ksyms_memory memory = diagnose_memory(d);
    const struct ksyms_patience patience = diagnose_patience(d);
    struct error err = {""};
    d->symbols = ksyms_of_kernel(&memory, &patience, &err);
    if (!d->symbols && (d->seen.regs.cs & 3) &&
        (d->seen.regs.cr3 & USER_TABLE)) {
        d->seen.regs.cr3 &= ~USER_TABLE;
        d->symbols = ksyms_of_kernel(&memory, &patience, &err);
        d->seen.regs.cr3 |= USER_TABLE;
    }
    if (d->symbols)
        snprintf(d->names, sizeof(d->names), "the kernel's own kallsyms");
    else if (diagnose_is_over(d) && !*d->no_names.text)
        d->no_names = err;
    return d->symbols != NULL;
}

static bool has_names(const struct toyvmm_observation *o)
{
    if (o->activity == TOYVMM_IDLE || o->activity == TOYVMM_WAITS)
        return false;
    for (size_t i = 0; i < o->nsamples; i++) {
        if (!(o->samples[i].cs & 3))
            return true;
    }
    return false;
}

// Addresses in programs have no names here; of an idle vCPU none is told. Turns
// to one that has some.
bool diagnose_needs_names(struct diagnosis *d)
{
    for (size_t i = 0; i < d->nlooks; i++) {
        if (has_names(&d->looks[i].seen)) {
            diagnose_turn_to(d, i);
            return true;
        }
    }
    return false;
}

void diagnose_names(struct diagnosis *d)
{
    const struct diagnosis_run *o = d->run;
    struct error ignored;
    d->no_names = (struct error){""};
    bool found = o->symbols && take_file(d, o->symbols, &d->no_names);
    if (!found)
        found = take_kernels_own(d);
    if (!found && o->kernel && !diagnose_is_over(d))
        take_file(d, o->kernel, *d->no_names.text ? &ignored : &d->no_names);
}

// A check or an exit status says enough.
bool diagnose_explains(const struct diagnosis *d)
{
    return d->wait || d->run->end || d->run->hit_line;
}

void diagnose_machine(struct diagnosis *d)
{
    const struct diagnosis_run *r = d->run;
    const struct diagnosis_machine *m = r->machine;
    if (!diagnose_explains(d))
        return;
    if (!m || !m->observe || !m->read)
        return;
    d->not_looked = diagnose_is_over(d);
    if (!d->not_looked)
        diagnose_look(d, m);
    d->looked_long = !d->not_looked && !d->observed && diagnose_is_over(d);
}

void diagnose_machine_end(struct diagnosis *d)
{
    ksyms_free(d->symbols);
    d->symbols = NULL;
    free(d->looks);
    d->looks = NULL;
}
