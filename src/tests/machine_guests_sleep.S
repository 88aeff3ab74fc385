// SPDX-License-Identifier: Apache-2.0
// Guests that sleep, and what wakes them: timers, NMIs, input.
// See machine_guests.h.
#include "src/tests/machine_guests_asm.inc"

// Somebody could type; nobody does, and it has no handler.
GUEST(idle)
        out8    COM1_MCR, 0x0b
        out8    COM1_IER, 1
        sti
1:      hlt
        jmp     1b
END(idle)

GUEST(idle_for_ever)
        sti
1:      hlt
        jmp     1b
END(idle_for_ever)

// As idle, but the interrupt controllers let no input through.
GUEST(idle_masked)
        out8    COM1_MCR, 0x0b
        out8    COM1_IER, 1
        out8    0x21, 0xff
        sti
1:      hlt
        jmp     1b
END(idle_masked)

// Sleeps until its local APIC's one-shot timer (Intel SDM volume 3, 11.5.4)
// has interrupted it, prints '.', and sleeps for ever.
GUEST(idle_until_timer)
        gate    0x40, 1f
        lidt    3f(%rip)
        movl    $LAPIC, %ebx
        movl    $0x1ff, 0xf0(%rbx)    // software enable
        movl    $0x0a, 0x3e0(%rbx)    // divide by 128
        movl    $0x40, 0x320(%rbx)    // one shot, vector 0x40
        movl    $0x400000, 0x380(%rbx) // half a second
        sti
2:      hlt
        jmp     2b
1:      out8    COM1, '.' // the handler
        movl    $0, 0xb0(%rbx)
        iretq
        .balign 8
3:      .word   0x41 * 16 - 1
        .quad   FREE_MEMORY
END(idle_until_timer)

        // The 8254's channel 0 in a mode, as slow as it can be, through the
        // 8259: vector 0x20.
        .macro  start_pit mode
        out8    0x20, 0x11
        out8    0x21, 0x20
        out8    0x21, 0x04
        out8    0x21, 0x01
        out8    0x21, 0xfe
        out8    0x43, (0x30 | \mode << 1)
        out8    0x40, 0xff
        out8    0x40, 0xff
        .endm

// The same with the 8254, once.
GUEST(idle_until_pit)
        gate    0x20, 1f
        lidt    3f(%rip)
        start_pit 0
        sti
2:      hlt
        jmp     2b
1:      out8    COM1, '.'
        out8    0x20, 0x20
        iretq
        .balign 8
3:      .word   0x21 * 16 - 1
        .quad   FREE_MEMORY
END(idle_until_pit)

// ... and for ever: each tick finds it asleep.
GUEST(idle_ticking)
        gate    0x20, 1f
        lidt    3f(%rip)
        start_pit 2
        sti
2:      hlt
        jmp     2b
1:      out8    0x20, 0x20
        iretq
        .balign 8
3:      .word   0x21 * 16 - 1
        .quad   FREE_MEMORY
END(idle_ticking)

// Prints 'n' for each NMI, after '>', and powers off after the second.
GUEST(nmi)
        gate    2, 1f
        lidt    3f(%rip)
        xorl    %ebx, %ebx
        out8    COM1_MCR, 0x0b
        out8    COM1_IER, 1
        out8    COM1, '>'
        sti
2:      hlt
        jmp     2b
1:      out8    COM1, 'n'
        incl    %ebx
        cmpl    $2, %ebx
        jne     4f
        power_off
4:      iretq
        .balign 8
3:      .word   3 * 16 - 1
        .quad   FREE_MEMORY
END(nmi)

// The same without the local APIC's consent: LINT1 is masked.
GUEST(nmi_masked)
        movl    $LAPIC, %ebx
        movl    $0x10400, 0x360(%rbx)
        out8    COM1_MCR, 0x0b
        out8    COM1_IER, 1
        out8    COM1, '>'
        sti
2:      hlt
        jmp     2b
END(nmi_masked)

// The interrupt of what is typed is taken, and the byte left where it is.
GUEST(listen)
        gate    0x24, 1f
        lidt    3f(%rip)
        out8    0x20, 0x11
        out8    0x21, 0x20
        out8    0x21, 0x04
        out8    0x21, 0x01
        out8    0x21, 0xef
        out8    COM1_MCR, 0x0b
        out8    COM1_IER, 1
        out8    COM1, '>'
        sti
2:      hlt
        jmp     2b
1:      out8    0x20, 0x20
        iretq
        .balign 8
3:      .word   0x25 * 16 - 1
        .quad   FREE_MEMORY
END(listen)

        // The PM timer, as it is, in a register. Uses rax and rdx.
        .macro  pm_timer into
        movl    $PM_TIMER, %edx
        inl     %dx, %eax
        movl    %eax, \into
        .endm

// The 8254 ticks each 55 ms. Interrupts are off for 10 of its ticks; then 8 of
// them are taken. '-' when those took less than half of their time, because
// missed ones were made up for, else '+'; power-off.
GUEST(ticks_after_a_pause)
        gate    0x20, 1f
        lidt    3f(%rip)
        start_pit 2
        xorl    %ebx, %ebx
        pm_timer %esi
4:      pm_timer %ecx
        subl    %esi, %ecx
        cmpl    $1968750, %ecx // 550 ms
        jb      4b
        pm_timer %esi
        sti
2:      cmpl    $8, %ebx
        jb      2b
        cli
        pm_timer %ecx
        subl    %esi, %ecx
        movl    $'+', %ebp
        cmpl    $787500, %ecx  // 220 ms
        movl    $'-', %eax
        cmovbl  %eax, %ebp
        movl    %ebp, %eax
        movl    $COM1, %edx
        outb    %al, %dx
        power_off
1:      incl    %ebx // the handler
        pushq   %rax
        pushq   %rdx
        out8    0x20, 0x20
        popq    %rdx
        popq    %rax
        iretq
        .balign 8
3:      .word   0x21 * 16 - 1
        .quad   FREE_MEMORY
END(ticks_after_a_pause)
