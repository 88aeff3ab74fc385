// SPDX-License-Identifier: Apache-2.0
// What a failure says of what the guest was doing, on a machine that is made
// up.
#include "harness/tests/diagnosis_sections.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define TEXT UINT64_C(0xffffffff82000000) // the kernel was moved by 16 MiB
#define IDT  UINT64_C(0xfffffe0000000000)

static const char map[] = "ffffffff81000000 T _text\n"
                          "ffffffff81000000 T default_idle\n"
                          "ffffffff81000100 T delay_tsc\n"
                          "ffffffff81000200 T panic\n"
                          "ffffffff81000300 T asm_exc_int3\n"
                          "ffffffff81000400 T asm_exc_page_fault\n"
                          "ffffffff81000500 T entry_SYSCALL_64\n"
                          "ffffffff81000600 T _etext\n";

static uint8_t idt[15 * 16];
static char map_path[64];
static struct toyvmm_observation seen;

static bool observe(void *owner, unsigned vcpu, uint64_t within_ns,
                    struct toyvmm_observation *out)
{
    (void)vcpu;
    (void)within_ns;
    (void)owner;
    *out = seen;
    return true;
}

static size_t read_memory(void *owner, const struct toyvmm_regs *regs,
                          uint64_t address, void *to, size_t len)
{
    (void)owner;
    (void)regs;
    uint64_t skip = address - IDT;
    if (skip >= sizeof(idt))
        return 0;
    size_t left = sizeof(idt) - (size_t)skip;
    size_t n = left < len ? left : len;
    memcpy(to, idt + skip, n);
    return n;
}

static struct run_machine machine = {.observe = observe, .read = read_memory};

static void gate(unsigned vector, uint64_t handler)
{
    uint8_t *at = idt + (size_t)vector * 16;
    at[5] = 0x8e;
    memcpy(at, &handler, 2);
    memcpy(at + 6, (uint8_t *)&handler + 2, 2);
    memcpy(at + 8, (uint8_t *)&handler + 4, 4);
}

static void set_up(void)
{
    int fd = memfd_create("map", 0);
    cr_assert_eq(write(fd, map, sizeof(map) - 1), (ssize_t)sizeof(map) - 1);
    snprintf(map_path, sizeof(map_path), "/proc/self/fd/%d", fd);
    gate(3, TEXT + 0x300);
    gate(14, TEXT + 0x400);
    seen = (struct toyvmm_observation){.nsamples = 4,
                                       .idt_base = IDT,
                                       .idt_limit = sizeof(idt) - 1,
                                       .lstar = TEXT + 0x500};
}

TestSuite(doing, .init = set_up);

static void sample(size_t i, uint64_t rip, uint16_t cs)
{
    seen.samples[i] = (struct toyvmm_sample){.rip = rip, .cs = cs};
    seen.regs.rip = rip;
    seen.regs.cs = cs;
}

static void prepare(void *owner, struct run_options *run)
{
    run->machine = &machine;
    run->symbols = owner;
}

static size_t unread; // typed and not taken, of the next failure

static void fail(struct result *r, const char *symbols)
{
    const struct script_line script[] = {{.after_ms = 2000}};
    union {
        const char *in;
        void *out;
    } path = {symbols};
    const struct fake_options options = {
        .scale = 1, .unread = unread, .prepare = prepare, .owner = path.out};
    fake_run("expect /x/ within 1s\n", script, 1, &options, r);
    cr_assert_str_eq(r->kind, "timeout");
}

Test(doing, idle)
{
    struct result r;
    seen.activity = TOYVMM_IDLE;
    sample(3, TEXT + 0x10, 0x10);
    seen.ports[0].listens = true;
    fail(&r, map_path);
    cr_expect_str_eq(section(&r, "doing"),
                     "the guest is idle and waits for input on ttyS0, a timer "
                     "or a device\n");
    cr_expect_str_eq(section(&r, "stack"), "");
    result_free(&r);
    seen.ports[0].listens = false;
    seen.ports[1].listens = true;
    fail(&r, map_path);
    cr_expect_str_eq(section(&r, "doing"),
                     "the guest is idle; no program has ttyS0 open for input; "
                     "ttyS1 is open\n");
    result_free(&r);
    seen.ports[0].holds = true;
    fail(&r, map_path);
    has(&r, "doing", "what was typed on ttyS0 it has not read");
    result_free(&r);
}

Test(doing, spins)
{
    struct result r;
    seen.activity = TOYVMM_SPINS;
    seen.low = TEXT + 0x110;
    seen.high = TEXT + 0x118;
    sample(0, TEXT + 0x110, 0x10);
    sample(1, TEXT + 0x118, 0x10);
    sample(2, TEXT + 0x400, 0x10);
    sample(3, TEXT + 0x114, 0x10);
    fail(&r, map_path);
    cr_expect_str_eq(section(&r, "doing"),
                     "vCPU 0 spins between delay_tsc+0x10/0x100 and "
                     "delay_tsc+0x18/0x100 with interrupts off (3 of 4 "
                     "looks)\n");
    has(&r, "stack", "moved by 0x1000000");
    has(&r, "stack", "\n  delay_tsc+0x14/0x100\n");
    result_free(&r);
    for (size_t i = 0; i < 4; i++) {
        sample(i, 0x401000, 0x33);
        seen.samples[i].interrupts = true;
    }
    seen.low = seen.high = 0x401000;
    fail(&r, map_path);
    cr_expect_str_eq(section(&r, "doing"),
                     "a program spins at 0x401000, in user space (4 of 4 "
                     "looks)\n");
    cr_expect_str_eq(section(&r, "stack"), "");
    result_free(&r);
}

Test(doing, port_io)
{
    struct result r;
    seen.activity = TOYVMM_PORT_IO;
    seen.io_port = 0x2fd;
    sample(3, TEXT + 0x210, 0x10);
    fail(&r, map_path);
    cr_expect_str_eq(section(&r, "doing"),
                     "the guest is busy with I/O port 0x2fd (ttyS1), last seen "
                     "at panic+0x10/0x100\n");
    result_free(&r);
}

Test(doing, runs)
{
    struct result r;
    seen.activity = TOYVMM_RUNS;
    sample(0, 0x401000, 0x33);
    sample(1, TEXT + 0x210, 0x10);
    sample(2, 0x7f0000000000, 0x33);
    sample(3, 0x402000, 0x33);
    fail(&r, map_path);
    cr_expect_str_eq(section(&r, "doing"),
                     "the guest runs; it was seen in user space (3 of 4 "
                     "looks), panic (1 of 4 looks)\n");
    result_free(&r);
}

Test(doing, ended)
{
    struct result r;
    seen.activity = TOYVMM_ENDED;
    seen.nsamples = 1;
    sample(0, TEXT + 0x220, 0x10);
    fail(&r, map_path);
    cr_expect_str_eq(section(&r, "doing"),
                     "at the end the guest was at panic+0x20/0x100\n");
    result_free(&r);
    // As KVM leaves an AMD processor after a triple fault.
    sample(0, 0xfff0, 0xf000);
    seen.lost = true;
    fail(&r, map_path);
    has(&r, "doing", "is lost");
    result_free(&r);
}

Test(doing, symbols_of_another_kernel)
{
    struct result r;
    seen.activity = TOYVMM_SPINS;
    seen.low = seen.high = TEXT + 0x110;
    for (size_t i = 0; i < 4; i++)
        sample(i, TEXT + 0x110, 0x10);
    gate(3, TEXT + 0x308);
    gate(14, TEXT + 0x418);
    fail(&r, map_path);
    has(&r, "doing", "vCPU 0 spins at 0xffffffff82000110 with");
    has(&r, "stack", "has the symbols of another kernel\n");
    result_free(&r);
    // And of none.
    fail(&r, "/nonexistent/System.map");
    has(&r, "stack", "can't open /nonexistent/System.map");
    result_free(&r);
}

Test(doing, too_early_for_names)
{
    struct result r;
    seen.activity = TOYVMM_SPINS;
    seen.low = seen.high = TEXT + 0x110;
    for (size_t i = 0; i < 4; i++)
        sample(i, TEXT + 0x110, 0x10);
    seen.lstar = seen.idt_limit = 0;
    fail(&r, map_path);
    has(&r, "stack", "(KASLR) is not known");
    lacks(&r, "doing", "delay_tsc");
    result_free(&r);
}

// A check that fails needs no look at the machine.
Test(doing, not_of_a_check)
{
    struct result r;
    const struct script_line script[] = {{.prints = "a\r\n"}};
    const struct fake_options options = {.scale = 1, .prepare = prepare};
    fake_run("expect /(?<x>a)/\ncheck x == b\n", script, 1, &options, &r);
    cr_expect_str_eq(section(&r, "doing"), "");
    cr_expect_str_eq(section(&r, "registers"), "");
    result_free(&r);
}

// Whatever the guest does, and also where nobody could look at it.
Test(doing, never_took_what_was_typed)
{
    static const enum toyvmm_activity all[] = {TOYVMM_IDLE,    TOYVMM_SPINS,
                                               TOYVMM_PORT_IO, TOYVMM_RUNS,
                                               TOYVMM_WAITS,   TOYVMM_ENDED};
    struct result r;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        seen.activity = all[i];
        unread = 5;
        fail(&r, map_path);
        has(&r, "doing", "; 5 typed bytes wait for it to read ttyS0");
        result_free(&r);
        unread = 1;
        fail(&r, map_path);
        has(&r, "doing", "; a typed byte waits for it to read ttyS0");
        result_free(&r);
        unread = 0;
        seen.ports[0].holds = true;
        fail(&r, map_path);
        has(&r, "doing", "; what was typed on ttyS0 it has not read");
        result_free(&r);
        seen.ports[0].holds = false;
        fail(&r, map_path);
        lacks(&r, "doing", "typed");
        result_free(&r);
    }
    unread = 5;
    machine.observe = NULL;
    fail(&r, map_path);
    cr_expect_str_eq(section(&r, "doing"),
                     "of what was typed on ttyS0 the guest has not taken 5 "
                     "bytes\n");
    result_free(&r);
}
