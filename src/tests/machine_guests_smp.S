// SPDX-License-Identifier: Apache-2.0
// Guests with several processors: the first one starts the others as the Multi-
// Processor Specification says (appendix B.4), and each says so once.
// See machine_guests.h.
#include "src/tests/machine_guests_asm.inc"

#define AP_CODE  0x8000 // where a SIPI of vector 8 starts them, in real mode
#define ICR_LOW  0x300
#define INIT_ALL 0x000c4500 // to all but this one
#define SIPI_ALL 0x000c4608

        // Copies what follows up to ap_end to AP_CODE and starts the others.
        .macro  start_others
        leaq    8f(%rip), %rsi
        movl    $AP_CODE, %edi
        movl    $(9f - 8f), %ecx
        rep movsb
        movl    $LAPIC, %ebx
        orl     $0x100, 0xf0(%rbx)      // the local APIC is on
        movl    $INIT_ALL, ICR_LOW(%rbx)
        movl    $SIPI_ALL, ICR_LOW(%rbx)
        out8    COM1, 'b'
        .endm

        // What the others do: they say 'a', and then what follows.
        .macro  others
8:      .code16
        xorw    %ax, %ax
        movw    %ax, %ds
        movw    $COM1, %dx
        movb    $'a', %al
        outb    %al, %dx
        .endm

        .macro  others_end
        .code64
9:
        .endm

// All spin: each can be looked at, and stopped.
GUEST(smp_spin)
        start_others
        jmp     .
        others
        jmp     .
        others_end
END(smp_spin)

// Each of the others halts; the first one goes on.
GUEST(smp_one_goes_on)
        start_others
        jmp     .
        others
        cli
        hlt
        others_end
END(smp_one_goes_on)

// All halt, none can wake another.
GUEST(smp_halt)
        start_others
        cli
        hlt
        others
        cli
        hlt
        others_end
END(smp_halt)

// The others are never started: the first one halts alone.
GUEST(smp_alone)
        cli
        hlt
END(smp_alone)

// All race to the power-off and the reset.
GUEST(smp_race)
        start_others
        out8    0x64, 0xfe
        power_off
        others
        movw    $PM1A_CONTROL, %dx
        movw    $(S5 << 10 | 1 << 13), %ax
        outw    %ax, %dx
        jmp     .
        others_end
END(smp_race)
