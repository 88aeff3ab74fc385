// SPDX-License-Identifier: Apache-2.0
// Where a kernel was loaded, and walks through its stack: by frame pointers, by
// ORC tables in each of their formats, by what lies there.
#include "harness/tests/symbols_util.h"

#include <criterion/criterion.h>
#include <string.h>

static struct ksyms *load(const char *text)
{
    struct error err = {""};
    struct ksyms *s = ksyms_load(temp_file(text, strlen(text)), NULL, &err);
    cr_assert(s, "%s", err.text);
    return s;
}

// ---- Where it was loaded ----------------------------------------------------

#define IDT UINT64_C(0xfffffe0000000000)

static const char entries[] = "ffffffff81000000 T _text\n"
                              "ffffffff81c00080 T entry_SYSCALL_64\n"
                              "ffffffff81c00a00 T asm_exc_divide_error\n"
                              "ffffffff81c00ba0 T asm_exc_int3\n"
                              "ffffffff81c00be0 T asm_exc_page_fault\n";

static uint8_t idt[15 * 16];

static void gate(unsigned vector, uint64_t handler)
{
    uint8_t *at = idt + (size_t)vector * 16;
    memcpy(at, &handler, 2);
    at[5] = 0x8e;
    memcpy(at + 6, (uint8_t *)&handler + 2, 2);
    memcpy(at + 8, (uint8_t *)&handler + 4, 4);
}

static enum ksyms_fit fit(struct ksyms *s, uint64_t lstar, int64_t *moved)
{
    static struct pieces pieces;
    pieces.n = 0;
    pieces_add(&pieces, IDT, idt, sizeof(idt));
    struct ksyms_memory memory = pieces_memory(&pieces);
    const struct ksyms_cpu cpu = {lstar, IDT, sizeof(idt) - 1};
    return ksyms_fit(s, &memory, &cpu, moved);
}

Test(symbols_fit, moved)
{
    static const int64_t moves[] = {0, 0x200000, 0x3e000000, -0x1400000};
    for (size_t i = 0; i < 4; i++) {
        struct ksyms *s = load(entries);
        uint64_t by = (uint64_t)moves[i];
        gate(3, 0xffffffff81c00ba0 + by);
        gate(14, 0xffffffff81c00be0 + by);
        int64_t moved = 1;
        cr_assert_eq(fit(s, 0xffffffff81c00080 + by, &moved), KSYMS_FIT);
        cr_expect_eq(moved, moves[i]);
        struct ksym at;
        cr_assert(ksyms_find(s, 0xffffffff81c00080 + by + 5, &at));
        cr_expect_str_eq(at.name, "entry_SYSCALL_64");
        uint64_t address;
        cr_assert(ksyms_address(s, "_text", &address));
        cr_expect_eq(address, 0xffffffff81000000 + by);
        ksyms_free(s);
    }
}

Test(symbols_fit, one_that_does_not_agree)
{
    struct ksyms *s = load(entries);
    gate(3, 0xffffffff82c00ba0);
    gate(14, 0xffffffff82c00be0);
    gate(0, 0xffffffff00001000); // a debugger's
    int64_t moved;
    cr_assert_eq(fit(s, 0xfffffe0000006000, &moved), KSYMS_MISFIT);
    cr_assert_eq(fit(s, 0xffffffff82c00080, &moved), KSYMS_FIT);
    cr_expect_eq(moved, 0x1000000);
    ksyms_free(s);
}

Test(symbols_fit, another_kernel)
{
    struct ksyms *s = load(entries);
    int64_t moved;
    gate(3, 0xffffffff81c00b70);
    gate(14, 0xffffffff81c00b90);
    cr_assert_eq(fit(s, 0xffffffff81c00040, &moved), KSYMS_MISFIT);
    // All moved alike, but by what no kernel is moved by.
    gate(3, 0xffffffff81c01ba0);
    gate(14, 0xffffffff81c01be0);
    cr_assert_eq(fit(s, 0xffffffff81c01080, &moved), KSYMS_MISFIT);
    ksyms_free(s);
}

Test(symbols_fit, too_early_to_tell)
{
    struct ksyms *s = load(entries);
    int64_t moved;
    memset(idt, 0, sizeof(idt));
    cr_assert_eq(fit(s, 0, &moved), KSYMS_UNKNOWN);
    cr_assert_eq(fit(s, 0xffffffff81c00080, &moved), KSYMS_UNKNOWN);
    ksyms_free(s);
}

// ---- A kernel with a stack --------------------------------------------------

#define TEXT  UINT64_C(0xffffffff81000000)
#define STACK UINT64_C(0xffffc90000004000)
#define IRQ   UINT64_C(0xffffc90000010000)
#define WORDS 2048

static uint8_t text[0x1000];
static uint64_t stack[WORDS];
static uint64_t irq[WORDS];
static struct pieces memory_pieces;
static struct ksyms_memory memory;
static struct ksyms *kernel;

// Functions of 256 bytes, f0 to f7, in each of which a call ends at 0x45.
static void set_up(void)
{
    kernel = load("ffffffff81000000 T f0\nffffffff81000100 T f1\n"
                  "ffffffff81000200 T f2\nffffffff81000300 T f3\n"
                  "ffffffff81000400 T f4\nffffffff81000500 T f5\n"
                  "ffffffff81000600 T srso_return_thunk\n"
                  "ffffffff81000700 T f7\nffffffff81000800 T _etext\n"
                  "ffffffff81000900 R linux_banner\n"
                  "ffffffff81000a00 R __start_orc_unwind_ip\n"
                  "ffffffff81000a20 R __stop_orc_unwind_ip\n"
                  "ffffffff81000b00 R __start_orc_unwind\n");
    memset(text, 0x90, sizeof(text));
    memset(text + 0x800, 0, sizeof(text) - 0x800);
    for (size_t i = 0; i < 0x800; i += 0x100)
        text[i + 0x40] = 0xe8;
    memset(stack, 0, sizeof(stack));
    memset(irq, 0, sizeof(irq));
    memory_pieces.n = 0;
    pieces_add(&memory_pieces, TEXT, text, sizeof(text));
    pieces_add(&memory_pieces, STACK, stack, sizeof(stack));
    pieces_add(&memory_pieces, IRQ, irq, sizeof(irq));
    memory = pieces_memory(&memory_pieces);
}

static void tear_down(void)
{
    ksyms_free(kernel);
}

TestSuite(symbols_stack, .init = set_up, .fini = tear_down);

static uint64_t ret(unsigned f)
{
    return TEXT + f * 0x100 + 0x45;
}

#define AT(i) (STACK + (i)*8)

static struct ksyms_frame frames[16];

static size_t walk(uint64_t rsp, uint64_t rbp)
{
    const struct ksyms_regs regs = {TEXT + 0x10, rsp, rbp};
    return ksyms_stack(kernel, &memory, &regs, frames, 16);
}

static void expect(size_t i, uint64_t address, bool sure)
{
    cr_expect_eq(frames[i].address, address, "%zu: %#llx", i,
                 (unsigned long long)frames[i].address);
    cr_expect_eq(frames[i].sure, sure, "%zu", i);
}

Test(symbols_stack, frame_pointers)
{
    stack[99] = ret(5); // left from a call that is over
    stack[100] = AT(110);
    stack[101] = ret(1);
    stack[110] = AT(120);
    stack[111] = ret(2);
    stack[120] = 0;
    stack[121] = ret(3);
    cr_assert_eq(walk(AT(98), AT(100)), 3);
    expect(0, ret(1), true);
    expect(1, ret(2), true);
    expect(2, ret(3), true);
}

Test(symbols_stack, frame_pointers_through_an_interrupt)
{
    // On the interrupt's stack, whose frame leads to pt_regs of the task's.
    irq[10] = (AT(200) | 1);
    irq[11] = ret(1);
    stack[200 + 0x80 / 8] = TEXT + 0x220; // rip
    stack[200 + 0x88 / 8] = 0x10;
    stack[200 + 0x20 / 8] = AT(300); // rbp
    stack[300] = 0;
    stack[301] = ret(3);
    cr_assert_eq(walk(IRQ + 40, IRQ + 80), 3);
    expect(0, ret(1), true);
    expect(1, TEXT + 0x220, true);
    cr_expect(frames[1].exact);
    expect(2, ret(3), true);
    // From a program there is nothing before it.
    stack[200 + 0x88 / 8] = 0x33;
    irq[12] = ret(2);
    cr_assert_neq(walk(IRQ + 40, IRQ + 80), 3);
}

Test(symbols_stack, frame_pointers_that_lie)
{
    // In a circle, downwards, not aligned, to nothing.
    static const uint64_t wrong[] = {AT(100), AT(50), AT(110) + 4, 8, ~0ULL};
    for (size_t i = 0; i < 5; i++) {
        stack[100] = wrong[i];
        stack[101] = ret(1);
        cr_assert_leq(walk(AT(98), AT(100)), 1);
    }
}

Test(symbols_stack, without_frame_pointers)
{
    stack[10] = ret(1);
    stack[12] = TEXT + 0x2045; // not code
    stack[13] = TEXT + 0x250;  // behind no call
    stack[14] = ret(6);        // the compiler's thunk
    stack[20] = ret(3);
    stack[WORDS - 2] = TEXT + 0x400; // behind f3, whose last bytes are a call
    text[0x3fb] = 0xe8;
    cr_assert_eq(walk(AT(8), 0x1234), 3);
    expect(0, ret(1), false);
    expect(1, ret(3), false);
    expect(2, TEXT + 0x400, false);
    // All on a stack pointer that is none.
    cr_assert_eq(walk(8, 0), 0);
    cr_assert_eq(walk(AT(8) + 1, 0), 0);
    cr_assert_eq(walk(~0ULL, 0), 0);
}

Test(symbols_stack, indirect_calls)
{
    static const uint8_t forms[][7] = {
        {0xff, 0xd0},                      // call *%rax
        {0x41, 0xff, 0xd3},                // call *%r11
        {0xff, 0x50, 0x10},                // call *0x10(%rax)
        {0xff, 0x15, 1, 2, 3, 4},          // call *x(%rip)
        {0xff, 0x94, 0xc8, 1, 2, 3, 4},    // call *x(%rax,%rcx,8)
        {0xff, 0x14, 0xc5, 0, 0, 0, 0x80}, // call *x(,%rax,8)
    };
    static const size_t lengths[] = {2, 3, 3, 6, 7, 7};
    for (size_t i = 0; i < 6; i++) {
        memset(text + 0x100, 0x90, 0x100);
        memcpy(text + 0x180 - lengths[i], forms[i], lengths[i]);
        stack[10] = TEXT + 0x180;
        cr_assert_eq(walk(AT(8), 0), 1, "form %zu", i);
    }
}

Test(symbols_stack, on_from_an_interrupt)
{
    irq[WORDS - 1] = AT(500);
    irq[100] = ret(1);
    stack[499] = ret(5); // below where it was
    stack[600] = ret(2);
    cr_assert_eq(walk(IRQ + 8, 0), 2);
    expect(0, ret(1), false);
    expect(1, ret(2), false);
}

// ---- ORC --------------------------------------------------------------------

enum { CALL, REGS, PARTIAL, END };

static unsigned version;

static void orc(unsigned f, int sp, unsigned sp_register, int bp,
                unsigned bp_register, int type)
{
    // Before 6.3, 6.3, since 6.4.
    static const uint8_t bits[3][4] = {
        {0, 1, 2, 4}, {0, 1, 2, 8}, {2, 3, 4, 1}};
    int32_t ip = (int32_t)(f * 0x100) - (int32_t)(0xa00 + f * 4);
    // 6.3 has a bit more, which says nothing of the caller.
    uint8_t more = version == 1 && type == REGS ? 4 : 0;
    uint8_t entry[6] = {(uint8_t)sp,
                        (uint8_t)(sp >> 8),
                        (uint8_t)bp,
                        (uint8_t)(bp >> 8),
                        (uint8_t)(sp_register | bp_register << 4),
                        (uint8_t)(bits[version][type] | more)};
    memcpy(text + 0xa00 + f * 4, &ip, 4);
    memcpy(text + 0xb00 + f * 6, entry, 6);
}

static void banner(unsigned which)
{
    static const char *const banners[] = {
        "Linux version 6.1.0-56-cloud-amd64 (x)",
        "Linux version 6.3.0 (somebody@somewhere)",
        "Linux version 6.12.3 (somebody@somewhere)",
    };
    version = which;
    memcpy(text + 0x900, banners[which], 31);
}

Test(symbols_stack, orc_tables)
{
    for (unsigned which = 0; which < 3; which++) {
        memset(stack, 0, sizeof(stack));
        banner(which);
        orc(0, 32, 5, 0, 0, CALL);   // rsp + 32
        orc(1, 16, 4, -16, 1, CALL); // rbp + 16, rbp at its -16
        orc(2, 8, 9, 0, 0, CALL);    // *rsp + 8
        orc(3, 0, 5, -0, 0, REGS);   // pt_regs at rsp
        orc(4, 24, 5, 0, 0, CALL);
        orc(5, 8, 5, 0, 0, END);
        orc(6, 8, 5, 0, 0, CALL);
        orc(7, 8, 5, 0, 0, CALL);
        stack[13] = ret(1); // f0: sp 10 -> 14
        stack[15] = ret(5); // no frame's
        stack[20] = AT(77); // f1: rbp 20 -> sp 22
        stack[21] = ret(2);
        stack[22] = AT(30); // f2: *22 + 8 -> sp 31
        stack[30] = ret(3);
        stack[31 + 0x20 / 8] = AT(90); // f3: pt_regs at 31
        stack[31 + 0x80 / 8] = TEXT + 0x410;
        stack[31 + 0x88 / 8] = 0x10;
        stack[31 + 0x98 / 8] = AT(60); // f4: sp 60 -> 63
        stack[62] = ret(5);
        stack[63] = ret(2); // but f5 has no caller
        cr_assert_eq(walk(AT(10), AT(20)), 5, "format %u", which);
        expect(0, ret(1), true);
        expect(1, ret(2), true);
        expect(2, ret(3), true);
        expect(3, TEXT + 0x410, true);
        cr_expect(frames[3].exact);
        expect(4, ret(5), true);
    }
}

Test(symbols_stack, orc_tables_that_lie)
{
    banner(0);
    for (unsigned f = 0; f < 8; f++)
        orc(f, 8, 5, 0, 0, CALL);
    stack[10] = ret(1);
    stack[11] = ret(2);
    cr_assert_eq(walk(AT(10), 0), 2);
    // A frame of nothing, for ever; a caller below; far outside.
    orc(0, 0, 5, 0, 0, CALL);
    stack[9] = ret(0);
    cr_assert_leq(walk(AT(10), 0), 2);
    orc(0, -8, 5, 0, 0, CALL);
    cr_assert_leq(walk(AT(10), 0), 2);
    orc(0, 0x7ff8, 5, 0, 0, CALL);
    cr_assert_leq(walk(AT(10), 0), 2);
    // Not a kernel that is known.
    memset(text + 0x900, 'x', 31);
    cr_assert_eq(walk(AT(10), 0), 2);
    cr_expect_not(frames[0].sure);
}
