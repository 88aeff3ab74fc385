// SPDX-License-Identifier: Apache-2.0
// How guests end: power-off, reset, faults, and code that KVM refuses.
// See machine_guests.h.
#include "src/tests/machine_guests_asm.inc"

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

GUEST(jump_to_device)
        movl    $UNBACKED, %eax
        jmp     *%rax
END(jump_to_device)

GUEST(halt)
        cli
        hlt
        jmp     .
END(halt)
