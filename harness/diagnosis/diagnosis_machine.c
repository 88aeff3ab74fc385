// SPDX-License-Identifier: Apache-2.0
// What a diagnosis knows of the machine: one observation, its memory, and
// names for its kernel's addresses. See parts.h.
#include "harness/diagnosis/parts.h"

#include <fcntl.h>
#include <inttypes.h>
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

// ---- Names
// ---------------------------------------------------------------------

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

// Addresses in programs have no names here; of an idle guest none is told.
bool diagnose_needs_names(const struct diagnosis *d)
{
    const struct toyvmm_observation *o = &d->seen;
    if (!d->observed || o->activity == TOYVMM_IDLE)
        return false;
    for (size_t i = 0; i < o->nsamples; i++) {
        if (!(o->samples[i].cs & 3))
            return true;
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
    d->observed =
        !d->not_looked && m->observe(m->owner, diagnose_left_ns(d), &d->seen);
    d->looked_long = !d->not_looked && !d->observed && diagnose_is_over(d);
}

void diagnose_machine_end(struct diagnosis *d)
{
    ksyms_free(d->symbols);
    d->symbols = NULL;
}
