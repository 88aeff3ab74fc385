// SPDX-License-Identifier: Apache-2.0
// The chain of frame pointers. See stack.h.
#include "harness/symbols/stack.h"

// A frame pointer points into the stack above its pointer, and a stack is not
// larger than this (KASAN's).
#define STACK_MAX UINT64_C(65536)

static bool at_regs(struct stack_walk *w, uint64_t regs, uint64_t *next)
{
    uint64_t cs;
    uint64_t rip;
    if (!stack_word(w, regs + REGS_CS, &cs) || (cs & 3) ||
        !stack_word(w, regs + REGS_RIP, &rip) || !stack_is_text(w, rip) ||
        !stack_word(w, regs + REGS_RBP, next))
        return false;
    stack_add(w, rip, true, true);
    return true;
}

static bool at_frame(struct stack_walk *w, uint64_t frame, uint64_t *next)
{
    uint64_t address;
    if (frame % 8 || !stack_word(w, frame + 8, &address) ||
        !stack_is_return(w, address) || !stack_word(w, frame, next))
        return false;
    stack_add(w, address, true, false);
    return true;
}

// The chain:
//
//   rbp -> | rbp of the caller | return address |
//
// Linux marks an interrupted context by an odd value, one more than the address
// of its pt_regs. A step goes up the stack, or from an interrupt's stack to the
// one it came from.
void stack_by_frames(struct stack_walk *w, const struct ksyms_regs *regs)
{
    uint64_t rbp = regs->rbp;
    if (!(rbp & 1) && rbp - regs->rsp >= STACK_MAX)
        return;
    while (w->n < w->max) {
        uint64_t next;
        bool interrupted = rbp & 1;
        if (!(interrupted ? at_regs(w, rbp - 1, &next)
                          : at_frame(w, rbp, &next)))
            return;
        if (!interrupted && !(next & 1) && next <= rbp)
            return;
        rbp = next;
    }
}
