// SPDX-License-Identifier: Apache-2.0
// Tiny guests for the tests of the machine room. Each is position-independent
// 64-bit code that is loaded at GUEST_GPA and entered at its first byte.

#define COM1           0x3f8
#define COM1_IER       0x3f9
#define COM1_MCR       0x3fc
#define COM1_LSR       0x3fd
#define COM1_SCR       0x3ff
#define BOOT_TIMER     0x3f0
#define PM1A_CONTROL   0x604
#define SLEEP_CONTROL  0x610
#define S5             5
#define FREE_MEMORY    0x180000
#define UNBACKED       0xd0000000

#define GUEST(name) \
        .balign 16; .globl guest_##name, guest_##name##_end; guest_##name:
#define END(name)   guest_##name##_end:

        .macro  out8 port, value
        movl    $\port, %edx
        movb    $\value, %al
        outb    %al, %dx
        .endm

        .macro  power_off
        movl    $PM1A_CONTROL, %edx
        movl    $(S5 << 10 | 1 << 13), %eax
        outw    %ax, %dx
        jmp     .
        .endm

        .section .rodata.guests, "a"
        .code64

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

GUEST(power_off_sleep)
        out8    SLEEP_CONTROL, (S5 << 2 | 1 << 5)
        jmp     .
END(power_off_sleep)

GUEST(reset_kbd)
        out8    0x64, 0xfe
        jmp     .
END(reset_kbd)

GUEST(reset_pci)
        out8    0xcf9, 6
        jmp     .
END(reset_pci)

GUEST(reset_fast)
        out8    0x92, 1
        jmp     .
END(reset_fast)

GUEST(triple_fault)
        lidt    1f(%rip)
        ud2
        .balign 8
1:      .word   0
        .quad   0
END(triple_fault)

GUEST(halt)
        cli
        hlt
        jmp     .
END(halt)

GUEST(idle)
        sti
1:      hlt
        jmp     1b
END(idle)

// With interrupts on, though none comes: Bochs never leaves a VMX guest that
// loops with interrupts off.
GUEST(spin)
        sti
        movl    $0x5bad, %ebx // so that its registers can be known
        out8    COM1, '.'
        jmp     .
END(spin)

GUEST(user_space)
        out8    BOOT_TIMER, 7
        out8    BOOT_TIMER, 123
        out8    BOOT_TIMER, 123
        power_off
END(user_space)

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
        // An interrupt gate for the vector, in free memory.
        leaq    4f(%rip), %rax
        movl    $(FREE_MEMORY + 0x24 * 16), %ebx
        movw    %ax, (%rbx)
        movw    %cs, 2(%rbx)
        movw    $0x8e00, 4(%rbx)
        shrq    $16, %rax
        movw    %ax, 6(%rbx)
        movl    $0, 8(%rbx)
        movl    $0, 12(%rbx)
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

GUEST(jump_to_device)
        movl    $UNBACKED, %eax
        jmp     *%rax
END(jump_to_device)

        .section .note.GNU-stack, "", @progbits
