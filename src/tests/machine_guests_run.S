// SPDX-License-Identifier: Apache-2.0
// Guests that run without end.
// See machine_guests.h.
#include "src/tests/machine_guests_asm.inc"

// With interrupts on, though none comes: Bochs never leaves a VMX guest that
// loops with interrupts off.
GUEST(spin)
        sti
        movl    $0x5bad, %ebx // so that its registers can be known
        out8    COM1, '.'
        jmp     .
END(spin)

GUEST(spin_off)
        out8    COM1, '.'
        cli
        jmp     .
END(spin_off)

GUEST(print_on)
        movl    $COM1, %edx
        movb    $'.', %al
1:      outb    %al, %dx
        jmp     1b
END(print_on)

// The code is too large for the image: it is written by the guest itself, a
// hop over 4 KiB in each of 16 pages, the last one back to the first.
GUEST(wander)
        movl    $FREE_MEMORY, %edi
        movl    $15, %ecx
1:      movb    $0xe9, (%rdi)           // jmp rel32
        movl    $(4096 - 5), 1(%rdi)
        addl    $4096, %edi
        loop    1b
        movb    $0xe9, (%rdi)
        movl    $(-15 * 4096 - 5), 1(%rdi)
        out8    COM1, '.'
        movl    $FREE_MEMORY, %eax
        jmp     *%rax
END(wander)
