// SPDX-License-Identifier: Apache-2.0
// What the tiny guests of machine_guests_*.S share: addresses, macros, their
// section. Included by these files only, first. Each guest is position-
// independent 64-bit code that is loaded at GUEST_GPA and entered at its first
// byte.

#define COM1           0x3f8
#define COM1_IER       0x3f9
#define COM1_MCR       0x3fc
#define COM1_LSR       0x3fd
#define COM1_SCR       0x3ff
#define BOOT_TIMER     0x3f0
#define BOOT_TIMER_MEM 0xc0000000
#define BOOT_TIMER_OLD 0xd0000000
#define PM1A_CONTROL   0x604
#define SLEEP_CONTROL  0x610
#define S5             5
#define FREE_MEMORY    0x180000
#define UNBACKED       0xd8000000
#define LAPIC          0xfee00000

#define GUEST(name)                                                            \
    .balign 16;                                                                \
    .globl guest_##name, guest_##name##_end;                                   \
    guest_##name:
#define END(name) guest_##name##_end:

.macro out8 port, value movl $\port, % edx movb $\value, % al outb % al,
    % dx.endm

            .macro power_off movl $PM1A_CONTROL,
    % edx movl $(S5 << 10 | 1 << 13), % eax outw % ax,
    % dx jmp.
            .endm

            // An interrupt gate for a vector, in free memory. Uses rax and rdx.
            .macro gate vector,
    handler leaq    \handler(% rip), % rax movl $(FREE_MEMORY + \vector * 16),
    % edx movw % ax, (% rdx) movw % cs, 2(% rdx) movw $0x8e00,
    4(% rdx) shrq $16, % rax movw % ax, 6(% rdx) movl $0, 8(% rdx) movl $0,
    12(% rdx)
            .endm

            .section.note.GNU
        - stack,
    "", @progbits.section.rodata.guests, "a".code64
