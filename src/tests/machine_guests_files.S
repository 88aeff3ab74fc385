// SPDX-License-Identifier: Apache-2.0
// Whole kernel files in small, each entered by another boot protocol in 32-bit
// protected mode: they check what they are told, say it on the first UART and
// power off. See machine_files.c.
#include "src/tests/machine_guests_asm.inc"

        .code32

        .macro  say byte
        movw    $COM1, %dx
        movb    $\byte, %al
        outb    %al, %dx
        .endm

        // Prints byte when the flags say "equal", else '!'.
        .macro  say_if_equal byte
        movb    $\byte, %al
        je      9f
        movb    $'!', %al
9:      movw    $COM1, %dx
        outb    %al, %dx
        .endm

        // Prints len bytes from where %esi points to.
        .macro  say_text len
        movl    $\len, %ecx
        movw    $COM1, %dx
        rep outsb
        .endm

        // 'm': protected mode without paging; 'l': no long mode. The latter
        // by its own instruction, which is an inc in 32-bit code.
        .macro  say_mode
        movl    %cr0, %eax
        andl    $0x80000001, %eax
        cmpl    $1, %eax
        say_if_equal 'm'
        xorl    %eax, %eax
        .byte   0x48                    // dec %eax, or a REX prefix
        nop
        cmpl    $-1, %eax
        say_if_equal 'l'
        .endm

        // The stack, the GDT's selectors and a segment override all work.
        .macro  say_segments
        movl    $FREE_MEMORY + 0x1000, %esp
        pushl   %ds
        popl    %ds
        pushl   %cs
        pushl   $(8f - base)
        addl    $0x100000, (%esp)
        lret
8:      movl    %fs:0x100000, %eax
        cmpl    %ds:0x100000, %eax
        say_if_equal 's'
        .endm

        .macro  off
        movw    $PM1A_CONTROL, %dx
        movl    $(S5 << 10 | 1 << 13), %eax
        outw    %ax, %dx
        jmp     .
        .endm

// ---- PVH: an ELF64 file whose own entry is 64-bit code that says "64" --------

GUEST(file_pvh)
pvh:    .byte   0x7f, 'E', 'L', 'F', 2, 1, 1
        .skip   9
        .word   2, 62                   // ET_EXEC, EM_X86_64
        .long   1
        .quad   0x100000 + pvh_64 - pvh // e_entry
        .quad   pvh_segments - pvh, 0
        .long   0
        .word   64, 56, 2, 0, 0, 0
pvh_segments:
        .long   1, 7                    // PT_LOAD, all of the file
        .quad   0, 0x100000, 0x100000
        .quad   pvh_end - pvh, pvh_end - pvh, 4096
        .long   4, 4                    // PT_NOTE
        .quad   pvh_note - pvh, 0, 0
        .quad   pvh_note_end - pvh_note, 0, 4
pvh_note:
        .long   4, 4, 18                // XEN_ELFNOTE_PHYS32_ENTRY
        .asciz  "Xen"
        .long   0x100000 + pvh_32 - pvh
pvh_note_end:
        .code64
pvh_64: out8    COM1, '6'
        out8    COM1, '4'
        power_off
        .code32
        .set    base, pvh
pvh_32: cmpl    $0x336ec578, (%ebx)
        say_if_equal 'P'
        say_mode
        say_segments
        cmpl    $1, 4(%ebx)
        say_if_equal 'v'
        movl    32(%ebx), %eax
        cmpl    $0x20445352, (%eax)     // "RSD "
        say_if_equal 'a'
        movl    40(%ebx), %eax
        cmpl    $0x9fc00, 8(%eax)       // the first range's size
        say_if_equal 'r'
        movl    24(%ebx), %esi
        say_text 5
        movl    16(%ebx), %esi
        movl    (%esi), %esi
        say_text 3
        off
pvh_end:
END(file_pvh)

// ---- Multiboot: an ELF32 file, as kvm-unit-tests are -------------------------

GUEST(file_multiboot)
mb:     .byte   0x7f, 'E', 'L', 'F', 1, 1, 1
        .skip   9
        .word   2, 3                    // ET_EXEC, EM_386
        .long   1
        .long   0x100000 + mb_32 - mb   // e_entry
        .long   mb_segments - mb, 0, 0
        .word   52, 32, 1, 0, 0, 0
mb_segments:
        .long   1, 0, 0x100000, 0x100000
        .long   mb_end - mb, mb_end - mb, 7, 4096
        .long   0x1badb002, 3, -(0x1badb002 + 3)
        .set    base, mb
mb_32:  cmpl    $0x2badb002, %eax
        say_if_equal 'M'
        say_mode
        say_segments
        movl    48(%ebx), %eax
        cmpl    $0x9fc00, 12(%eax)      // the first range's length
        say_if_equal 'r'
        movl    16(%ebx), %esi          // the command line: after the path
1:      lodsb
        cmpb    $' ', %al
        jne     1b
        say_text 5
        movl    24(%ebx), %esi
        movl    (%esi), %esi
        say_text 3
        off
mb_end:
END(file_multiboot)

// ---- A bzImage of a 32-bit kernel --------------------------------------------

GUEST(file_bzimage)
bz:     .skip   0x1f1
        .byte   1                       // setup_sects
        .word   0
        .long   (bz_end - bz_body) / 16 + 1
        .skip   0x1fe - 0x1f8
        .word   0xaa55
        .byte   0xeb, 0x66              // the header ends at 0x268
        .ascii  "HdrS"
        .word   0x20c
        .skip   0x211 - 0x208
        .byte   1                       // LOADED_HIGH
        .word   0
        .long   0x100010                // code32_start
        .skip   0x238 - 0x218
        .long   255                     // cmdline_size
        .skip   0x258 - 0x23c
        .quad   0x100000                // pref_address
        .long   0x10000                 // init_size
        .skip   0x400 - 0x264
bz_body:
        .skip   16, 0xcc
        .set    base, bz_body
bz_32:  cmpl    $0x53726448, 0x202(%esi)
        say_if_equal 'B'
        say_mode
        say_segments
        orl     %ebp, %edi
        orl     %ebx, %edi
        say_if_equal '0'
        cmpl    $0x100010, 0x214(%esi)
        say_if_equal 'c'
        movl    0x218(%esi), %ebx
        movl    0x228(%esi), %esi
        say_text 5
        movl    %ebx, %esi
        say_text 3
        off
bz_end:
END(file_bzimage)
