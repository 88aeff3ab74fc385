// SPDX-License-Identifier: Apache-2.0
// The stack by ORC tables: for each instruction of the kernel they say where
// the caller's stack pointer and return address are. See stack.h.
//
// The tables' place is told by symbols of the kernel; their format depends on
// its version. Both are the guest's word: whatever they lead to is checked to
// be a return address before it is followed.
#include "harness/symbols/stack.h"

#include <stdlib.h>
#include <string.h>

// As in arch/x86/include/asm/orc_types.h.
enum orc_register {
    ORC_UNDEFINED = 0,
    ORC_PREV_SP = 1,
    ORC_BP = 4,
    ORC_SP = 5,
    ORC_BP_INDIRECT = 8,
    ORC_SP_INDIRECT = 9,
};

// What a frame is; numbered otherwise before 6.4.
enum orc_type { ORC_UNKNOWN, ORC_END, ORC_CALL, ORC_REGS, ORC_REGS_PARTIAL };

struct orc {
    int16_t sp_offset, bp_offset;
    uint8_t sp_register, bp_register;
    enum orc_type type;
};

#define ENTRY_SIZE  6
#define ENTRIES_MAX (UINT64_C(16) << 20)

struct tables {
    uint64_t ips; // n x s32, each relative to its own place; ascending
    uint64_t entries;
    uint64_t n;
    unsigned version; // of the kernel, 604 for 6.4
};

// Where the walk is.
struct context {
    uint64_t ip, sp, bp;
    bool exact; // ip is the instruction itself
};

static bool read_version(const struct stack_walk *w, unsigned *version)
{
    uint64_t banner;
    static const char prefix[] = "Linux version ";
    char text[32] = "";
    if (!ksyms_address(w->symbols, "linux_banner", &banner) ||
        w->memory->read(w->memory->owner, banner, text, sizeof(text) - 1) !=
            sizeof(text) - 1 ||
        memcmp(text, prefix, sizeof(prefix) - 1) != 0)
        return false;
    char *end;
    unsigned long major = strtoul(text + sizeof(prefix) - 1, &end, 10);
    unsigned long minor = *end == '.' ? strtoul(end + 1, &end, 10) : 0;
    *version = (unsigned)(major % 100 * 100 + minor % 100);
    return true;
}

static bool find_tables(const struct stack_walk *w, struct tables *t)
{
    uint64_t stop;
    if (!ksyms_address(w->symbols, "__start_orc_unwind_ip", &t->ips) ||
        !ksyms_address(w->symbols, "__stop_orc_unwind_ip", &stop) ||
        !ksyms_address(w->symbols, "__start_orc_unwind", &t->entries) ||
        !read_version(w, &t->version))
        return false;
    t->n = (stop - t->ips) / sizeof(int32_t);
    return stop > t->ips && t->n <= ENTRIES_MAX;
}

static bool read_ip(const struct stack_walk *w, const struct tables *t,
                    uint64_t i, uint64_t *ip)
{
    int32_t relative;
    uint64_t at = t->ips + i * sizeof(relative);
    if (w->memory->read(w->memory->owner, at, &relative, sizeof(relative)) !=
        sizeof(relative))
        return false;
    *ip = at + (uint64_t)(int64_t)relative;
    return true;
}

static enum orc_type type_of(unsigned version, uint8_t bits)
{
    static const enum orc_type since_604[8] = {ORC_UNKNOWN, ORC_END, ORC_CALL,
                                               ORC_REGS, ORC_REGS_PARTIAL};
    static const enum orc_type before[4] = {ORC_CALL, ORC_REGS,
                                            ORC_REGS_PARTIAL};
    if (version >= 604)
        return since_604[bits & 7];
    // 6.3 put a bit in front of the one that says "end".
    if (bits & (version >= 603 ? 8 : 4))
        return ORC_END;
    return before[bits & 3];
}

// The entry that holds for an instruction: the last one not behind it.
static bool find_entry(const struct stack_walk *w, const struct tables *t,
                       uint64_t ip, struct orc *out)
{
    uint64_t low = 0;
    uint64_t high = t->n;
    uint64_t at;
    uint8_t bytes[ENTRY_SIZE];
    while (high - low > 1) {
        uint64_t mid = low + (high - low) / 2;
        if (!read_ip(w, t, mid, &at))
            return false;
        if (at <= ip)
            low = mid;
        else
            high = mid;
    }
    if (!read_ip(w, t, low, &at) || at > ip ||
        w->memory->read(w->memory->owner, t->entries + low * ENTRY_SIZE, bytes,
                        ENTRY_SIZE) != ENTRY_SIZE)
        return false;
    memcpy(&out->sp_offset, bytes, sizeof(out->sp_offset));
    memcpy(&out->bp_offset, bytes + 2, sizeof(out->bp_offset));
    out->sp_register = bytes[4] & 15;
    out->bp_register = bytes[4] >> 4;
    out->type = type_of(t->version, bytes[5]);
    return true;
}

// The stack pointer that the caller had.
static bool caller_sp(const struct stack_walk *w, const struct orc *orc,
                      const struct context *c, uint64_t *sp)
{
    uint64_t offset = (uint64_t)(int64_t)orc->sp_offset;
    switch (orc->sp_register) {
    case ORC_SP:
        *sp = c->sp + offset;
        return true;
    case ORC_BP:
        *sp = c->bp + offset;
        return true;
    case ORC_BP_INDIRECT:
        return stack_word(w, c->bp + offset, sp);
    case ORC_SP_INDIRECT:
        if (!stack_word(w, c->sp, sp))
            return false;
        *sp += offset;
        return true;
    default:
        // In a register that a caller does not keep.
        return false;
    }
}

static bool caller_bp(const struct stack_walk *w, const struct orc *orc,
                      uint64_t sp, uint64_t *bp)
{
    uint64_t offset = (uint64_t)(int64_t)orc->bp_offset;
    switch (orc->bp_register) {
    case ORC_UNDEFINED:
        return true; // as it was
    case ORC_PREV_SP:
        return stack_word(w, sp + offset, bp);
    case ORC_BP:
        return stack_word(w, *bp + offset, bp);
    default:
        return false;
    }
}

// What an interrupt left at `frame`, where rip, cs, rflags and rsp stand.
static bool interrupted(const struct stack_walk *w, uint64_t frame,
                        struct context *c)
{
    uint64_t cs;
    c->exact = true;
    return stack_word(w, frame + REGS_CS - REGS_RIP, &cs) && !(cs & 3) &&
           stack_word(w, frame, &c->ip) &&
           stack_word(w, frame + REGS_RSP - REGS_RIP, &c->sp) &&
           stack_is_text(w, c->ip);
}

static bool called(const struct stack_walk *w, uint64_t sp, struct context *c)
{
    c->exact = false;
    c->sp = sp;
    return stack_word(w, sp - 8, &c->ip) && stack_is_return(w, c->ip);
}

static bool step(const struct stack_walk *w, const struct tables *t,
                 struct context *c)
{
    struct orc orc;
    uint64_t sp;
    uint64_t old = c->sp;
    if (!find_entry(w, t, c->exact ? c->ip : c->ip - 1, &orc) ||
        !caller_sp(w, &orc, c, &sp))
        return false;
    switch (orc.type) {
    case ORC_UNKNOWN:
    case ORC_END:
        return false;
    case ORC_CALL:
        // Up the stack, always.
        return called(w, sp, c) && sp > old && caller_bp(w, &orc, sp, &c->bp);
    case ORC_REGS:
        return interrupted(w, sp + REGS_RIP, c) &&
               stack_word(w, sp + REGS_RBP, &c->bp);
    case ORC_REGS_PARTIAL:
        return interrupted(w, sp, c) && caller_bp(w, &orc, sp, &c->bp);
    }
    return false;
}

void stack_by_orc(struct stack_walk *w, const struct ksyms_regs *regs)
{
    struct tables t;
    struct context c = {regs->rip, regs->rsp, regs->rbp, true};
    if (!find_tables(w, &t))
        return;
    while (w->n < w->max && step(w, &t, &c))
        stack_add(w, c.ip, true, c.exact);
}
