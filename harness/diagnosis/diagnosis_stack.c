// SPDX-License-Identifier: Apache-2.0
// The "stack" and "registers" sections. See parts.h.
#include "harness/diagnosis/parts.h"

#include <inttypes.h>

// More callers than these explain nothing more.
#define FRAMES_MAX 16

// A return address is told by the call before it, as the kernel does.
static void tell_frame(FILE *f, const struct diagnosis *d,
                       const struct ksyms_frame *frame)
{
    struct ksym s;
    uint64_t back = frame->exact ? 0 : 1;
    if (!ksyms_find(d->symbols, frame->address - back, &s))
        return;
    fprintf(f, "  %s%s+0x%" PRIx64 "/0x%" PRIx64 "\n", frame->sure ? "" : "? ",
            s.name, s.offset + back, s.size);
}

// Whoever is idle or runs a program has nothing to tell on it; nor has one of
// several that was halted when the machine ended.
static bool has_stack(const struct diagnosis *d)
{
    const struct toyvmm_observation *o = &d->seen;
    bool slept = d->vcpus > 1 && o->activity == TOYVMM_ENDED &&
                 o->samples[0].halted && o->samples[0].interrupts;
    return o->activity != TOYVMM_IDLE && o->activity != TOYVMM_WAITS &&
           !slept && !(o->regs.cs & 3);
}

static void tell_one_stack(FILE *f, struct diagnosis *d)
{
    const struct toyvmm_regs *regs = &d->seen.regs;
    struct ksym at;
    if (!d->symbols || !ksyms_find(d->symbols, regs->rip, &at))
        return;
    if (diagnose_is_over(d)) {
        fprintf(f,
                "the stack%s was not walked: there was no time left for it\n",
                d->vcpus > 1 ? " of a vCPU" : "");
        return;
    }
    struct ksyms_frame frames[FRAMES_MAX];
    struct ksyms_memory memory = diagnose_memory(d);
    const struct ksyms_regs where = {regs->rip, regs->rsp, regs->rbp};
    size_t n = ksyms_stack(d->symbols, &memory, &where, frames, FRAMES_MAX);
    fprintf(f, "stack of vCPU %u (names: %s%s):\n", d->vcpu, d->names,
            n && !frames[0].sure ? "; ? may be left from calls that are over"
                                 : "");
    char place[PLACE_TEXT];
    fprintf(f, "  %s\n", diagnose_place(d, regs->rip, place));
    for (size_t i = 0; i < n; i++)
        tell_frame(f, d, &frames[i]);
}

void tell_stack(FILE *f, struct diagnosis *d)
{
    bool any = false;
    for (size_t i = 0; i < d->nlooks; i++) {
        diagnose_turn_to(d, i);
        if (!has_stack(d))
            continue;
        if (!any && *d->no_names.text)
            fprintf(f, "%s\n", d->no_names.text);
        any = true;
        tell_one_stack(f, d);
    }
}

static void tell_regs(FILE *f, unsigned vcpu, const struct toyvmm_regs *from,
                      bool short_form)
{
    const struct toyvmm_regs regs = *from;
    const struct {
        const char *name;
        uint64_t value;
    } table[] = {
        {"rip", regs.rip}, {"rflags", regs.rflags}, {"rsp", regs.rsp},
        {"rbp", regs.rbp}, {"rax", regs.rax},       {"rbx", regs.rbx},
        {"rcx", regs.rcx}, {"rdx", regs.rdx},       {"rsi", regs.rsi},
        {"rdi", regs.rdi}, {"r8", regs.r8},         {"r9", regs.r9},
        {"r10", regs.r10}, {"r11", regs.r11},       {"r12", regs.r12},
        {"r13", regs.r13}, {"r14", regs.r14},       {"r15", regs.r15},
        {"cr0", regs.cr0}, {"cr2", regs.cr2},       {"cr3", regs.cr3},
        {"cr4", regs.cr4}, {"efer", regs.efer},     {"cs", regs.cs},
    };
    size_t n = sizeof(table) / sizeof(table[0]);
    if (short_form)
        n = 3;
    fprintf(f, "registers of vCPU %u:", vcpu);
    for (size_t i = 0; i < n; i++)
        fprintf(f, "%s%-6s %016" PRIx64, i % 3 ? "  " : "\n  ", table[i].name,
                table[i].value);
    fputc('\n', f);
}

// Registers tell where a guest is that stands still or has died; those of a
// vCPU that is idle say nothing but where, and of one that never started
// nothing at all.
void tell_registers(FILE *f, struct diagnosis *d)
{
    const struct diagnosis_run *r = d->run;
    const struct diagnosis_machine *m = r->machine;
    struct toyvmm_regs regs;
    if (!diagnose_explains(d))
        return;
    bool at_end = r->end && r->end->has_regs;
    for (size_t i = 0; i < d->nlooks; i++) {
        diagnose_turn_to(d, i);
        if (at_end && d->vcpu == r->end->vcpu)
            tell_regs(f, d->vcpu, &r->end->regs, false);
        else if (d->seen.activity != TOYVMM_WAITS)
            tell_regs(f, d->vcpu, &d->seen.regs,
                      d->seen.activity == TOYVMM_IDLE);
    }
    if (d->nlooks)
        return;
    if (at_end)
        tell_regs(f, r->end->vcpu, &r->end->regs, false);
    else if (!r->end && !d->not_looked && !d->looked_long && m && m->regs &&
             m->regs(m->owner, 0, &regs))
        tell_regs(f, 0, &regs, false);
}
