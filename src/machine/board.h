// SPDX-License-Identifier: Apache-2.0
// The board: which devices the machine has, where they answer and how their
// interrupts are wired. Private to src/machine; addresses are those of
// src/base/platform.h, which the boot tables describe too.
#pragma once

#include "src/base/error.h"
#include "src/devices/acpi_pm.h"
#include "src/devices/boot_timer.h"
#include "src/devices/bus.h"
#include "src/devices/cmos.h"
#include "src/devices/i8042.h"
#include "src/devices/power.h"
#include "src/devices/uart.h"
#include "src/machine/irq_wires.h"

#include <stdint.h>

// What the board tells the machine. Plain value, copied. They run on a vCPU
// thread within its VM exit; tx also inside board_settle, rx inside
// board_input_ready. See uart.h, boot_timer.h and power.h.
struct board_hooks {
    void *owner;
    void (*tx)(void *owner, unsigned port, const uint8_t *bytes, size_t n,
               uint64_t ns);
    size_t (*rx)(void *owner, unsigned port, uint8_t *bytes, size_t max);
    bool (*is_full)(void *owner); // of output: the guest is to wait
    void (*reached)(void *owner, const struct access *access, uint8_t value);
    void (*reset)(void *owner, const struct access *access, const char *how);
    void (*poweroff)(void *owner, const struct access *access, const char *how);
    // On a device's thread: what it needs is gone.
    void (*broken)(void *owner, const char *what);
};

// Owned by the machine and never moved: the buses point into it. Each device
// locks itself, so any thread may make an access.
struct board {
    struct bus pio, mmio;
    struct irq_wires wires;
    struct board_hooks hooks;
    struct board_port { // what a UART's callbacks need
        struct board *board;
        unsigned number;
    } ports[PLATFORM_COM_COUNT];
    struct uart uarts[PLATFORM_COM_COUNT];
    struct i8042 kbc;
    struct cmos cmos;
    struct acpi_pm pm;
    struct boot_timer timer;
    unsigned nports;       // UARTs that answer
    struct pci_board *pci; // NULL: the machine has no PCI
};

// Builds it all, with the first `ports` UARTs; vm must outlive the board. 0, or
// a negative errno with a sentence when two devices claim one address. Destroy
// it either way.
int board_init(struct board *board, const struct vm *vm, unsigned ports,
               const struct board_hooks *hooks, struct error *err);
void board_destroy(struct board *board);

// Input is waiting for a port (below PORT_COUNT). Any thread. One that the
// machine has not keeps it waiting.
void board_input_ready(struct board *board, unsigned port);

// ---- Writes that KVM kept back ---------------------------------------------

// The port of a UART's transmit register, and which UART has it at a port:
// PLATFORM_COM_COUNT when none.
uint16_t board_uart_port(unsigned uart);
unsigned board_uart_of(uint16_t port);

// What is written late, in the exit of access. It is handed on at once, in the
// guest's order; uarts collects which UARTs (a bit each) it was for: they are
// to be settled when the exit is served.
struct board_late {
    struct board *board;
    const struct access *access;
    unsigned uarts;
    struct uart *last; // that was written to
};
void board_write_late(struct board_late *late, uint16_t port, uint8_t value);
void board_end_late(struct board_late *late);

// uart_settle for each of these UARTs. Any thread.
void board_settle(struct board *board, unsigned uarts);

// ---- Interrupts ------------------------------------------------------------

// Which GSIs (a bit each) a device may raise without the guest doing anything:
// UARTs that take input. Any thread.
uint32_t board_interrupts(struct board *board);
