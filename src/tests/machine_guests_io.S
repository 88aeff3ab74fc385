// SPDX-License-Identifier: Apache-2.0
// Guests that talk to devices: UARTs, the boot timer, addresses of nobody.
// See machine_guests.h.
#include "src/tests/machine_guests_asm.inc"

GUEST(hi)
        leaq    1f(%rip), %rsi
        movl    $2, %ecx
        movl    $COM1, %edx
        cld
        rep outsb
        out8    COM1, '!'
        power_off
1:      .ascii  "hi"
END(hi)

// Prints the line status register of each UART: 0xff where there is none.
GUEST(uarts)
        leaq    1f(%rip), %rbx
        movl    $4, %ecx
2:      movw    (%rbx), %dx
        inb     %dx, %al
        cmpb    $0xff, %al
        movb    $'-', %al
        je      3f
        movb    $'+', %al
3:      movl    $COM1, %edx
        outb    %al, %dx
        addq    $2, %rbx
        loop    2b
        power_off
        .balign 2
1:      .word   0x3fd, 0x2fd, 0x3ed, 0x2ed
END(uarts)

// Prints "a" to "d" on the four UARTs in turn, then input of the second on it.
GUEST(two_uarts)
        out8    0x3f8, 'a'
        out8    0x2f8, 'b'
        out8    0x3e8, 'c'
        out8    0x2e8, 'd'
        out8    0x2f9, 1
1:      movl    $0x2fd, %edx
        inb     %dx, %al
        testb   $1, %al
        jz      1b
        movl    $0x2f8, %edx
        inb     %dx, %al
        outb    %al, %dx
        cmpb    $'q', %al
        jne     1b
        power_off
END(two_uarts)

GUEST(user_space)
        out8    BOOT_TIMER, 7
        out8    BOOT_TIMER, 123
        out8    BOOT_TIMER, 123
        power_off
END(user_space)

// A dword reaches over its end and is nobody's; a byte is read as ones.
GUEST(user_space_memory)
        movl    $BOOT_TIMER_MEM, %ebx
        movl    $123, (%rbx)
        movb    (%rbx), %al
        cmpb    $0xff, %al
        jne     1f
        out8    COM1, 'm'
1:      movb    $7, (%rbx)
        movb    $123, (%rbx)
        out8    BOOT_TIMER, 123
        power_off
END(user_space_memory)

GUEST(user_space_old)
        movl    $BOOT_TIMER_OLD, %ebx
        movb    $123, (%rbx)
        power_off
END(user_space_old)

GUEST(echo_polled)
        out8    COM1_IER, 1
1:      movl    $COM1_LSR, %edx
2:      inb     %dx, %al
        testb   $1, %al
        jz      2b
        movl    $COM1, %edx
        inb     %dx, %al
        outb    %al, %dx
        cmpb    $'q', %al
        jne     1b
        power_off
END(echo_polled)

// Interrupt 4 arrives through the 8259 as vector 0x24.
GUEST(echo_irq)
        gate    0x24, 4f
        lidt    5f(%rip)
        // The master 8259: vectors from 0x20, all masked but 4.
        out8    0x20, 0x11
        out8    0x21, 0x20
        out8    0x21, 0x04
        out8    0x21, 0x01
        out8    0x21, 0xef
        // The UART: receive interrupt, and OUT2 to let it out.
        out8    COM1_MCR, 0x0b
        out8    COM1_IER, 1
        xorl    %ebx, %ebx
3:      out8    COM1, '>' // from here on only an interrupt gets at input
        sti
        hlt
        cli
        cmpb    $'q', %bl
        jne     3b
        power_off

4:      movl    $COM1, %edx // the handler
        inb     %dx, %al
        outb    %al, %dx
        cmpb    $'q', %al
        cmovel  %eax, %ebx
        movl    $COM1_LSR, %edx
        inb     %dx, %al
        testb   $1, %al
        jnz     4b
        out8    0x20, 0x20
        iretq
        .balign 8
5:      .word   0x30 * 16 - 1
        .quad   FREE_MEMORY
END(echo_irq)

GUEST(string_in)
        out8    COM1_SCR, 'S'
        movl    $FREE_MEMORY, %edi
        movl    $3, %ecx
        movl    $COM1_SCR, %edx
        cld
        rep insb
        movl    $FREE_MEMORY, %esi
        movl    $3, %ecx
        movl    $COM1, %edx
        rep outsb
        power_off
END(string_in)

GUEST(nobody)
        movl    $0x1234, %edx
        inl     %dx, %eax
        cmpl    $-1, %eax
        jne     1f
        out8    COM1, 'p'
1:      movl    $UNBACKED, %ebx
        movq    $1, (%rbx)
        movq    (%rbx), %rax
        cmpq    $-1, %rax
        jne     2f
        out8    COM1, 'm'
2:      power_off
END(nobody)
