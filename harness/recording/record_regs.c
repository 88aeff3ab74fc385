// SPDX-License-Identifier: Apache-2.0
// What a processor was seen to do, as bytes. See record.h and FORMAT.md.
#include "harness/recording/record.h"

#include <string.h>

// In the file's order; new ones go to the end.
#define REGS(X)                                                                \
    X(rip)                                                                     \
    X(rflags)                                                                  \
    X(rsp)                                                                     \
    X(rbp)                                                                     \
    X(rax)                                                                     \
    X(rbx)                                                                     \
    X(rcx)                                                                     \
    X(rdx)                                                                     \
    X(rsi)                                                                     \
    X(rdi)                                                                     \
    X(r8)                                                                      \
    X(r9)                                                                      \
    X(r10)                                                                     \
    X(r11)                                                                     \
    X(r12)                                                                     \
    X(r13)                                                                     \
    X(r14)                                                                     \
    X(r15)                                                                     \
    X(cr0)                                                                     \
    X(cr2)                                                                     \
    X(cr3)                                                                     \
    X(cr4)                                                                     \
    X(efer)                                                                    \
    X(cs)                                                                      \
    X(ss)

#define REG_AT(name)                                                           \
    {offsetof(struct toyvmm_regs, name),                                       \
     sizeof(((struct toyvmm_regs *)NULL)->name)},
static const struct {
    size_t at, size;
} regs_table[] = {REGS(REG_AT)};
#define NREGS (sizeof(regs_table) / sizeof(regs_table[0]))

void put_regs(struct bytes_out *o, const struct toyvmm_regs *regs)
{
    put_u8(o, NREGS);
    for (size_t i = 0; i < NREGS; i++) {
        const uint8_t *at = (const uint8_t *)regs + regs_table[i].at;
        uint64_t value = 0;
        memcpy(&value, at, regs_table[i].size);
        put_u64(o, value);
    }
}

void get_regs(struct bytes_in *in, struct toyvmm_regs *regs)
{
    size_t n = get_u8(in);
    for (size_t i = 0; i < n && !in->bad; i++) {
        uint64_t value = get_u64(in);
        if (i < NREGS)
            memcpy((uint8_t *)regs + regs_table[i].at, &value,
                   regs_table[i].size);
    }
}

void put_shares(struct bytes_out *o, const struct toyvmm_share *shares,
                size_t n)
{
    if (!n)
        return;
    put_varint(o, n);
    for (size_t i = 0; i < n; i++) {
        put_varint(o, shares[i].cpu_ns);
        put_varint(o, shares[i].exits);
    }
}

size_t get_shares(struct bytes_in *in, struct toyvmm_share out[TOYVMM_CPUS])
{
    uint64_t n = !in->bad && bytes_left(in) ? get_varint(in) : 0;
    in->bad |= n > TOYVMM_CPUS;
    for (size_t i = 0; i < n && !in->bad; i++) {
        out[i].cpu_ns = get_varint(in);
        out[i].exits = get_varint(in);
    }
    return in->bad ? 0 : (size_t)n;
}

// New bits are 0 in what older versions wrote, and nothing to them.
enum sample_flags {
    SAMPLE_HALTED = 1,
    SAMPLE_INTERRUPTS = 2,
    SAMPLE_WAITS = 4
};
enum port_flags { PORT_LISTENS = 1, PORT_HOLDS = 2, PORT_POLLS = 4 };

void put_observation(struct bytes_out *o, const struct toyvmm_observation *seen)
{
    put_u8(o, (uint8_t)seen->activity);
    put_u8(o, (uint8_t)seen->nsamples);
    for (size_t i = 0; i < seen->nsamples; i++) {
        const struct toyvmm_sample *s = &seen->samples[i];
        put_u64(o, s->rip);
        put_varint(o, s->cs);
        put_u8(o, (uint8_t)((s->halted ? SAMPLE_HALTED : 0) |
                            (s->interrupts ? SAMPLE_INTERRUPTS : 0) |
                            (s->waits ? SAMPLE_WAITS : 0)));
    }
    put_u64(o, seen->low);
    put_u64(o, seen->high);
    put_varint(o, seen->io_port);
    put_regs(o, &seen->regs);
    put_u64(o, seen->idt_base);
    put_varint(o, seen->idt_limit);
    put_u64(o, seen->lstar);
    put_u8(o, TOYVMM_PORTS);
    for (size_t i = 0; i < TOYVMM_PORTS; i++)
        put_u8(o, (uint8_t)((seen->ports[i].listens ? PORT_LISTENS : 0) |
                            (seen->ports[i].holds ? PORT_HOLDS : 0) |
                            (seen->ports[i].polls ? PORT_POLLS : 0)));
}

void get_observation(struct bytes_in *in, struct toyvmm_observation *seen)
{
    *seen = (struct toyvmm_observation){0};
    unsigned activity = get_u8(in);
    size_t n = get_u8(in);
    in->bad |= activity > TOYVMM_ENDED || n > TOYVMM_SAMPLES;
    if (in->bad)
        return;
    seen->activity = (enum toyvmm_activity)activity;
    seen->nsamples = n;
    for (size_t i = 0; i < n; i++) {
        struct toyvmm_sample *s = &seen->samples[i];
        s->rip = get_u64(in);
        s->cs = (uint16_t)get_varint(in);
        unsigned flags = get_u8(in);
        s->halted = flags & SAMPLE_HALTED;
        s->interrupts = flags & SAMPLE_INTERRUPTS;
        s->waits = flags & SAMPLE_WAITS;
    }
    seen->low = get_u64(in);
    seen->high = get_u64(in);
    seen->io_port = (uint16_t)get_varint(in);
    get_regs(in, &seen->regs);
    seen->idt_base = get_u64(in);
    seen->idt_limit = (uint16_t)get_varint(in);
    seen->lstar = get_u64(in);
    size_t ports = get_u8(in);
    for (size_t i = 0; i < ports && !in->bad; i++) {
        unsigned flags = get_u8(in);
        if (i >= TOYVMM_PORTS)
            continue;
        seen->ports[i].listens = flags & PORT_LISTENS;
        seen->ports[i].holds = flags & PORT_HOLDS;
        seen->ports[i].polls = flags & PORT_POLLS;
    }
}
