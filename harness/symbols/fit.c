// SPDX-License-Identifier: Apache-2.0
// Where the kernel was loaded: ksyms_fit. The kernel gives the processor the
// addresses of its entries: for `syscall` in an MSR, for exceptions in the
// interrupt descriptor table (Intel SDM volume 3, 6.14.1).
#include "harness/symbols/table.h"

#include <string.h>

// x86 moves the kernel by multiples of CONFIG_PHYSICAL_ALIGN, which is at least
// this, within its gigabyte.
#define STEP  (INT64_C(2) << 20)
#define RANGE (INT64_C(1) << 30)

#define GATE_SIZE    16
#define GATE_PRESENT 0x80

enum { SYSCALL = -1 }; // in place of a vector

// Since 5.8, and before.
static const struct {
    int vector;
    const char *names[2];
} entries[] = {
    {SYSCALL, {"entry_SYSCALL_64", NULL}},
    {0, {"asm_exc_divide_error", "divide_error"}},
    {3, {"asm_exc_int3", "int3"}},
    {6, {"asm_exc_invalid_op", "invalid_op"}},
    {13, {"asm_exc_general_protection", "general_protection"}},
    {14, {"asm_exc_page_fault", "page_fault"}},
};

#define ENTRIES (sizeof(entries) / sizeof(entries[0]))

static bool read_gate(const struct ksyms_memory *memory,
                      const struct ksyms_cpu *cpu, unsigned vector,
                      uint64_t *handler)
{
    uint8_t gate[GATE_SIZE];
    uint64_t at = (uint64_t)vector * GATE_SIZE;
    if (at + GATE_SIZE - 1 > cpu->idt_limit ||
        memory->read(memory->owner, cpu->idt_base + at, gate, GATE_SIZE) !=
            GATE_SIZE ||
        !(gate[5] & GATE_PRESENT))
        return false;
    uint16_t low;
    uint16_t middle;
    uint32_t high;
    memcpy(&low, gate, sizeof(low));
    memcpy(&middle, gate + 6, sizeof(middle));
    memcpy(&high, gate + 8, sizeof(high));
    *handler = (uint64_t)high << 32 | (uint64_t)middle << 16 | low;
    return true;
}

static bool told(const struct ksyms_memory *memory, const struct ksyms_cpu *cpu,
                 int vector, uint64_t *address)
{
    if (vector != SYSCALL)
        return read_gate(memory, cpu, (unsigned)vector, address);
    *address = cpu->lstar;
    return cpu->lstar != 0;
}

// By how much the kernel says an entry was moved. False when it does not say,
// or the table has no symbol of the name.
static bool moved_by(const struct ksyms *s, const struct ksyms_memory *memory,
                     const struct ksyms_cpu *cpu, size_t i, int64_t *moved)
{
    uint64_t is;
    uint64_t was;
    if (!told(memory, cpu, entries[i].vector, &is))
        return false;
    for (size_t n = 0; n < 2 && entries[i].names[n]; n++) {
        if (ksyms_address(s, entries[i].names[n], &was)) {
            *moved = (int64_t)(is - was);
            return true;
        }
    }
    return false;
}

static bool is_move(int64_t moved)
{
    return moved % STEP == 0 && moved > -RANGE && moved < RANGE;
}

enum ksyms_fit ksyms_fit(struct ksyms *s, const struct ksyms_memory *memory,
                         const struct ksyms_cpu *cpu, int64_t *moved)
{
    int64_t moves[ENTRIES];
    size_t n = 0;
    for (size_t i = 0; i < ENTRIES; i++)
        n += moved_by(s, memory, cpu, i, &moves[n]);
    if (n < 2)
        return KSYMS_UNKNOWN;
    // The odd one out may be a trampoline, or a debugger's handler.
    for (size_t i = 0; i < n; i++) {
        size_t agree = 0;
        for (size_t j = 0; j < n; j++)
            agree += moves[j] == moves[i];
        if (agree < 2 || agree * 2 <= n || !is_move(moves[i]))
            continue;
        s->moved += (uint64_t)moves[i];
        *moved = moves[i];
        return KSYMS_FIT;
    }
    return KSYMS_MISFIT;
}
