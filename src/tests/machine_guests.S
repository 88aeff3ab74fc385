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
#define LAPIC          0xfee00000

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

        // An interrupt gate for a vector, in free memory. Uses rax and rdx.
        .macro  gate vector, handler
        leaq    \handler(%rip), %rax
        movl    $(FREE_MEMORY + \vector * 16), %edx
        movw    %ax, (%rdx)
        movw    %cs, 2(%rdx)
        movw    $0x8e00, 4(%rdx)
        shrq    $16, %rax
        movw    %ax, 6(%rdx)
        movl    $0, 8(%rdx)
        movl    $0, 12(%rdx)
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

// A 0 at the lowest bit of the controller's output port.
GUEST(reset_kbd_output)
        out8    0x64, 0xd1
        out8    0x60, 0xfe
        jmp     .
END(reset_kbd_output)

// The type of reset first, then the edge, as drivers do it. The first byte
// alone resets nothing.
GUEST(reset_pci_steps)
        out8    0xcf9, 2
        out8    COM1, '.'
        out8    0xcf9, 6
        jmp     .
END(reset_pci_steps)

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

// What `reboot=t` of Linux does: no IDT, and a breakpoint.
GUEST(triple_fault_int3)
        lidt    1f(%rip)
        int3
        .balign 8
1:      .word   0
        .quad   0
END(triple_fault_int3)

// Memory that isn't there, by an instruction that KVM can't emulate.
GUEST(no_emulation)
        movl    $UNBACKED, %ebx
        fadds   (%rbx)
        jmp     .
END(no_emulation)

GUEST(halt)
        cli
        hlt
        jmp     .
END(halt)

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

GUEST(jump_to_device)
        movl    $UNBACKED, %eax
        jmp     *%rax
END(jump_to_device)

        .section .note.GNU-stack, "", @progbits
