// SPDX-License-Identifier: Apache-2.0
// The probe's tiny guest: what a stock kernel executes in its first second
// and what a /dev/kvm without hardware virtualisation behind it gets wrong.
// Copied to PROBE_CODE; each step ends with a write to PROBE_PORT.
#include "src/host/probe_guest.h"

#define CR0_PG        (1 << 31)
#define CR4_PAE       (1 << 5)
#define CR4_OSFXSR    (1 << 9)
#define CR4_OSXSAVE   (1 << 18)
#define EFER          0xc0000080
#define EFER_LME      (1 << 8)
#define XCR0_X87_SSE  3

#define DONE          outb %al, $PROBE_PORT

        .section .rodata.probe_guest, "a"
        .balign 16
        .globl  probe_guest, probe_guest_end, probe_long_mode
        .globl  probe_cpuid_magic, probe_cpuid_one, probe_int3
        .globl  probe_int3_handler, probe_cmpxchg16b, probe_popcnt
        .globl  probe_xsave, probe_clac
        .hidden probe_guest, probe_guest_end, probe_long_mode
        .hidden probe_cpuid_magic, probe_cpuid_one, probe_int3
        .hidden probe_int3_handler, probe_cmpxchg16b, probe_popcnt
        .hidden probe_xsave, probe_clac

probe_guest:
        .code32
probe_long_mode:
        movl    $PROBE_PML4, %eax
        movl    %eax, %cr3
        movl    %cr4, %eax
        orl     $CR4_PAE, %eax
        movl    %eax, %cr4
        movl    $EFER, %ecx
        rdmsr
        orl     $EFER_LME, %eax
        wrmsr
        movl    %cr0, %eax
        orl     $CR0_PG, %eax
        movl    %eax, %cr0
        ljmpl   $PROBE_CODE64, $(PROBE_CODE + 1f - probe_guest)
        .code64
1:      movabsq $(PROBE_TOKEN << 32), %r8 // only 64-bit code can
        shrq    $32, %r8
        DONE

probe_cpuid_magic:
        movl    $PROBE_LEAF, %eax
        xorl    %ecx, %ecx
        cpuid
        DONE

probe_cpuid_one:
        movl    $1, %eax
        xorl    %ecx, %ecx
        cpuid
        DONE

probe_int3:
        xorl    %r8d, %r8d
        int3
        DONE
probe_int3_handler:
        movl    $PROBE_TOKEN, %r8d
        iretq

probe_cmpxchg16b:
        xorl    %eax, %eax
        xorl    %edx, %edx
        movl    $PROBE_TOKEN, %ebx
        xorl    %ecx, %ecx
        movq    %rax, PROBE_XSAVE
        movq    %rax, PROBE_XSAVE + 8
        lock cmpxchg16b PROBE_XSAVE
        movq    PROBE_XSAVE, %r8
        DONE

probe_popcnt:
        movl    $PROBE_TOKEN, %eax
        popcntq %rax, %rax
        DONE

probe_xsave:
        movq    %cr4, %rax
        orq     $(CR4_OSFXSR | CR4_OSXSAVE), %rax
        movq    %rax, %cr4
        xorl    %ecx, %ecx
        xorl    %edx, %edx
        movl    $XCR0_X87_SSE, %eax
        xsetbv
        movl    $PROBE_TOKEN, %r8d
        movd    %r8d, %xmm1
        xorl    %r8d, %r8d
        xsave64 PROBE_XSAVE
        pxor    %xmm1, %xmm1
        xrstor64 PROBE_XSAVE
        movd    %xmm1, %r8d
        DONE

probe_clac:
        stac
        clac
        movl    $PROBE_TOKEN, %r8d
        DONE
probe_guest_end:

        .section .note.GNU-stack, "", @progbits
