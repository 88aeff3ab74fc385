// SPDX-License-Identifier: Apache-2.0
// The callers of an instruction, from the kernel's stack: ksyms_stack, by the
// best way that the kernel allows. See symbols.h and stack.h.
#include "harness/symbols/stack.h"

#include <string.h>

// Linux's stacks on x86-64, of tasks and of interrupts, are so large and
// aligned to it (THREAD_SIZE; KASAN doubles it, and loses its far end here).
#define STACK_SIZE  UINT64_C(16384)
#define STACK_WORDS (STACK_SIZE / 8)

bool stack_word(const struct stack_walk *w, uint64_t address, uint64_t *word)
{
    return w->memory->read(w->memory->owner, address, word, sizeof(*word)) ==
           sizeof(*word);
}

bool stack_is_text(const struct stack_walk *w, uint64_t address)
{
    struct ksym symbol;
    return ksyms_find(w->symbols, address, &symbol);
}

bool stack_is_return(const struct stack_walk *w, uint64_t address)
{
    return stack_is_text(w, address - 1);
}

void stack_add(struct stack_walk *w, uint64_t address, bool sure, bool exact)
{
    if (w->n < w->max)
        w->frames[w->n++] = (struct ksyms_frame){address, sure, exact};
}

// ---- What lies on the stack -------------------------------------------------

// The forms of a near call: its opcode's distance from the return address, the
// opcode, and the mask and value of the byte behind it (Intel SDM volume 2,
// CALL): rel32, then an indirect one by addressing mode.
static const struct {
    unsigned back;
    uint8_t opcode, mask, value;
} calls[] = {
    {5, 0xe8, 0x00, 0x00}, {2, 0xff, 0xf8, 0xd0}, {2, 0xff, 0xf8, 0x10},
    {3, 0xff, 0xf8, 0x50}, {3, 0xff, 0xff, 0x14}, {4, 0xff, 0xff, 0x54},
    {6, 0xff, 0xf8, 0x90}, {6, 0xff, 0xff, 0x15}, {7, 0xff, 0xff, 0x94},
    {7, 0xff, 0xff, 0x14},
};

static bool follows_call(const struct stack_walk *w, uint64_t address)
{
    enum { LONGEST = 7 };
    uint8_t bytes[LONGEST];
    if (w->memory->read(w->memory->owner, address - LONGEST, bytes, LONGEST) !=
        LONGEST)
        return false;
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        const uint8_t *at = bytes + LONGEST - calls[i].back;
        if (at[0] == calls[i].opcode &&
            (at[1] & calls[i].mask) == calls[i].value)
            return true;
    }
    return false;
}

// The compiler's return thunks leave addresses of their own everywhere.
static bool is_thunk(const struct stack_walk *w, uint64_t address)
{
    struct ksym symbol;
    return ksyms_find(w->symbols, address - 1, &symbol) &&
           strstr(symbol.name, "_thunk");
}

// Return addresses from rsp up to the stack's end. Returns the word at its
// very end: of an interrupt's stack it is where the stack before it goes on.
static uint64_t scan_one(struct stack_walk *w, uint64_t rsp)
{
    uint64_t words[STACK_WORDS];
    uint64_t end = (rsp | (STACK_SIZE - 1)) + 1;
    size_t bytes =
        w->memory->read(w->memory->owner, rsp, words, (size_t)(end - rsp));
    size_t n = bytes / 8;
    for (size_t i = 0; i < n; i++) {
        if (stack_is_return(w, words[i]) && follows_call(w, words[i]) &&
            !is_thunk(w, words[i]))
            stack_add(w, words[i], false, false);
    }
    return n && bytes == end - rsp ? words[n - 1] : 0;
}

static void scan(struct stack_walk *w, uint64_t rsp)
{
    if (rsp % 8)
        return;
    uint64_t before = scan_one(w, rsp);
    // In the kernel's half, and on another stack.
    if (before >> 63 && before % 8 == 0 &&
        (before | (STACK_SIZE - 1)) != (rsp | (STACK_SIZE - 1)) &&
        !stack_is_text(w, before))
        scan_one(w, before);
}

size_t ksyms_stack(const struct ksyms *s, const struct ksyms_memory *memory,
                   const struct ksyms_regs *regs, struct ksyms_frame *frames,
                   size_t max)
{
    struct stack_walk w = {s, memory, frames, 0, max};
    stack_by_orc(&w, regs);
    if (w.n)
        return w.n;
    // One frame alone may be chance.
    stack_by_frames(&w, regs);
    if (w.n >= 2)
        return w.n;
    w.n = 0;
    scan(&w, regs->rsp);
    return w.n;
}
