// SPDX-License-Identifier: Apache-2.0
// What the three ways to walk a kernel's stack share (ksyms_stack). For
// stack*.c only.
#pragma once

#include "harness/symbols/symbols.h"

struct stack_walk {
    const struct ksyms *symbols;
    const struct ksyms_memory *memory;
    struct ksyms_frame *frames;
    size_t n, max;
};

// struct pt_regs (Linux, arch/x86/include/asm/ptrace.h), which an interrupt or
// exception leaves on the stack; what the processor itself puts there begins
// with rip.
enum {
    REGS_RBP = 0x20,
    REGS_RIP = 0x80,
    REGS_CS = 0x88,
    REGS_RSP = 0x98,
};

bool stack_word(const struct stack_walk *w, uint64_t address, uint64_t *word);

// In a function.
bool stack_is_text(const struct stack_walk *w, uint64_t address);

// Where a function may return to: behind an instruction of a function. A call
// that is its last instruction returns behind it.
bool stack_is_return(const struct stack_walk *w, uint64_t address);

void stack_add(struct stack_walk *w, uint64_t address, bool sure, bool exact);

// By frame pointers (CONFIG_FRAME_POINTER), from rbp on.
void stack_by_frames(struct stack_walk *w, const struct ksyms_regs *regs);

// By the tables of Linux's ORC unwinder (Documentation/arch/x86/
// orc-unwinder.rst), which the kernel carries with it.
void stack_by_orc(struct stack_walk *w, const struct ksyms_regs *regs);
