// SPDX-License-Identifier: Apache-2.0
// The probe's tiny guest: its memory map, shared by probe_guest.S and the
// probe, and its entry points. Included by these two only.
#pragma once

// Guest-physical addresses; the page tables map 2 MiB one to one.
#define PROBE_MEMORY_SIZE 0x10000
#define PROBE_PML4        0x1000
#define PROBE_PDPT        0x2000
#define PROBE_PD          0x3000
#define PROBE_GDT         0x4000
#define PROBE_IDT         0x5000
#define PROBE_CODE        0x6000
#define PROBE_STACK       0x8000 // grows down
#define PROBE_XSAVE       0x9000 // to the end of memory

#define PROBE_CODE32 0x08
#define PROBE_CODE64 0x10
#define PROBE_DATA   0x18

// A write here ends a step.
#define PROBE_PORT 0x10

// What registers hold where a step proves something.
#define PROBE_TOKEN 0x5ca1ab1e
// A CPUID leaf that no processor has.
#define PROBE_LEAF 0x40000100

#ifndef __ASSEMBLER__

#include <stdint.h>

extern const uint8_t probe_guest[], probe_guest_end[];

// 32-bit protected mode without paging; ends in 64-bit mode.
extern const uint8_t probe_long_mode[];
// The rest start in 64-bit mode at CPL 0 and do one thing each.
extern const uint8_t probe_cpuid_magic[]; // eax..edx: PROBE_LEAF
extern const uint8_t probe_cpuid_one[];   // eax..edx: leaf 1
extern const uint8_t probe_int3[];        // r8: PROBE_TOKEN, by the handler
extern const uint8_t probe_int3_handler[];
extern const uint8_t probe_cmpxchg16b[]; // r8: PROBE_TOKEN
extern const uint8_t probe_popcnt[];     // rax: bits of PROBE_TOKEN
extern const uint8_t probe_xsave[];      // xmm1 survives: r8 is PROBE_TOKEN
extern const uint8_t probe_clac[];       // r8: PROBE_TOKEN

#endif
