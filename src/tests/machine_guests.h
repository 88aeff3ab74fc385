// SPDX-License-Identifier: Apache-2.0
// Tiny guests for the tests of the machine room, and how they are loaded and
// watched. Used by machine_*.c only.
#pragma once

#include "src/machine/machine.h"
#include "src/toyvmm.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Where a guest is loaded and entered: 64-bit mode, the first 4 GiB mapped
// one to one, interrupts off. The first byte after it is free memory.
#define GUEST_GPA    0x100000
#define GUEST_MEMORY (2u << 20)

// A flat piece of machine_guests_*.S.
struct guest_image {
    const uint8_t *start, *end;
};

#define GUEST(name)                                                            \
    extern const uint8_t guest_##name[], guest_##name##_end[];                 \
    static inline struct guest_image image_##name(void)                        \
    {                                                                          \
        return (struct guest_image){guest_##name, guest_##name##_end};         \
    }

GUEST(hi)                // "hi" by `rep outsb` and `outb`, then ACPI power-off
GUEST(power_off_sleep)   // power-off by the sleep control register
GUEST(reset_kbd)         // 0xfe to port 0x64
GUEST(reset_pci)         // 6 to port 0xcf9
GUEST(reset_kbd_output)  // 0xfe to the i8042's output port
GUEST(reset_pci_steps)   // 2, '.', 6 to port 0xcf9
GUEST(reset_fast)        // 1 to port 0x92
GUEST(triple_fault)      // an exception without an IDT
GUEST(triple_fault_int3) // a breakpoint without an IDT
GUEST(no_emulation)      // x87 on memory that isn't there
GUEST(halt)              // cli; hlt
GUEST(idle)              // sti; hlt, takes input that nobody types
GUEST(idle_for_ever)     // sti; hlt, and nothing can wake it
GUEST(idle_masked)       // takes input, but masks its interrupt
GUEST(idle_until_timer)  // asleep until the APIC's timer, then for ever
GUEST(idle_until_pit)    // asleep until the 8254, then for ever
GUEST(idle_ticking)      // asleep between the 8254's ticks
GUEST(ticks_after_a_pause) // "+" or "-": missed ticks are lost or made up for
GUEST(nmi)                 // '>', 'n' for each NMI, power-off at the second
GUEST(nmi_masked)          // '>', asleep with LINT1 masked
GUEST(uarts)               // '+' or '-' for each of four UARTs
GUEST(two_uarts)         // "a" to "d" on all ports, then echoes ttyS1 until 'q'
GUEST(spin)              // 0x5bad in rbx, '.', then jmp to itself
GUEST(spin_off)          // the same with interrupts off
GUEST(print_on)          // prints '.' without end
GUEST(wander)            // runs through 64 KiB of code without end
GUEST(listen)            // '>', then asleep with the receive interrupt on
GUEST(user_space)        // 7, 123, 123 to the boot timer, then power-off
GUEST(user_space_memory) // the same by memory, and 'm'; first as a dword
GUEST(user_space_old)    // 123 to the older address in memory
GUEST(echo_polled)       // echoes until 'q', then power-off; polls LSR
GUEST(echo_irq)          // the same, asleep, after '>', until an interrupt
GUEST(string_in)       // `rep insb` of the scratch register: prints it 3 times
GUEST(nobody)          // unclaimed port and address read as ones: prints "pm"
GUEST(smp_spin)        // 'b', the others 'a', then all spin
GUEST(smp_one_goes_on) // the same, but the others halt
GUEST(smp_halt)        // the same, and all halt
GUEST(smp_alone)       // halts, and the others were never started
GUEST(smp_race)        // the first resets, the others power off
GUEST(jump_to_device)  // runs code where there is no memory

// Whole kernel files, to be booted from a path; see machine_files.c.
GUEST(file_pvh)
GUEST(file_multiboot)
GUEST(file_bzimage)

// What a machine told its sink. Any thread; lock guards the rest.
struct guest_log {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    char out[256]; // bytes of all ports, NUL-terminated
    size_t nout;
    size_t bytes, calls;  // that were sent, and in how many calls
    size_t enough;        // so many bytes, and the guest is to wait; 0: never
    uint8_t ports[256];   // the port of each
    uint64_t stamps[256]; // its time
    unsigned input_port;
    bool stamps_in_order;
    uint64_t last_ns;
    const char *input; // what is left to be typed
    struct toyvmm_event events[8];
    size_t nevents;
    bool ended;
};

// Skips the running test visibly unless /dev/kvm passes the probe.
void guest_needs_kvm(void);

void guest_log_init(struct guest_log *log);
struct toyvmm_sink guest_log_sink(struct guest_log *log);

// A machine with GUEST_MEMORY that will run the image. Fails the test when
// there is none.
struct toyvmm *guest_create(struct guest_image image, struct guest_log *log);

// The same with so many UARTs.
struct toyvmm *guest_create_with_ports(struct guest_image image, unsigned ports,
                                       struct guest_log *log);

// The same with any shape.
struct toyvmm *guest_create_shaped(struct guest_image image,
                                   struct machine_shape shape,
                                   struct guest_log *log);

// The same, and whom it tells.
struct toyvmm *guest_create_on(struct guest_image image,
                               struct machine_shape shape,
                               const struct toyvmm_sink *sink);

// guest_create, toyvmm_start.
struct toyvmm *guest_start(struct guest_image image, struct guest_log *log);

// Waits for the end and returns its event. A guest that doesn't end within a
// generous time fails the test.
struct toyvmm_event guest_wait_end(struct guest_log *log);

// Whether the end has been told.
bool guest_has_ended(struct guest_log *log);

// Waits until port 0 has sent text.
void guest_wait_output(struct guest_log *log, const char *text);

// Waits until so many bytes were sent.
void guest_wait_bytes(struct guest_log *log, size_t n);
// toyvmm_read_regs of a machine that runs, which a busy host may take more time
// for than that waits.
void guest_read_regs(struct toyvmm *vm, unsigned vcpu, struct toyvmm_regs *out);

// Gives a port (or port 0) the text to read, in place of what is left of the
// last one.
void guest_type_on(struct toyvmm *vm, struct guest_log *log, unsigned port,
                   const char *text);
void guest_type(struct toyvmm *vm, struct guest_log *log, const char *text);

// Creates, starts, waits for the end, destroys; events stay in log.
struct toyvmm_event guest_run(struct guest_image image, struct guest_log *log);
