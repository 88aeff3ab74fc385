// SPDX-License-Identifier: Apache-2.0
// The board. See board.h.
#include "src/machine/board.h"

#include "src/base/clock.h"
#include "src/base/guest_memory.h"
#include "src/base/platform.h"
#include "src/devices/absorb.h"
#include "src/machine/pci_board.h"

#include <time.h>

static const struct {
    uint16_t base;
    unsigned gsi;
} com_ports[PLATFORM_COM_COUNT] = {
    {PLATFORM_COM1_PORT, PLATFORM_COM1_GSI},
    {PLATFORM_COM2_PORT, PLATFORM_COM2_GSI},
    {PLATFORM_COM3_PORT, PLATFORM_COM3_GSI},
    {PLATFORM_COM4_PORT, PLATFORM_COM4_GSI},
};

// ---- Callbacks -------------------------------------------------------------

static void port_tx(void *owner, const uint8_t *bytes, size_t n, uint64_t ns)
{
    const struct board_port *port = owner;
    const struct board_hooks *hooks = &port->board->hooks;
    hooks->tx(hooks->owner, port->number, bytes, n, ns);
}

static size_t port_rx(void *owner, uint8_t *bytes, size_t max)
{
    const struct board_port *port = owner;
    const struct board_hooks *hooks = &port->board->hooks;
    return hooks->rx(hooks->owner, port->number, bytes, max);
}

static uint64_t utc_ns(void *owner)
{
    (void)owner;
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static uint64_t steady_ns(void *owner)
{
    (void)owner;
    return clock_now_ns();
}

// ---- The board -------------------------------------------------------------

static void init_devices(struct board *board)
{
    for (unsigned i = 0; i < PLATFORM_COM_COUNT; i++) {
        board->ports[i] = (struct board_port){board, i};
        const struct uart_peer peer = {
            .owner = &board->ports[i],
            .tx = port_tx,
            .rx = port_rx,
        };
        const struct irq_line irq = irq_wire(&board->wires, com_ports[i].gsi);
        uart_init(&board->uarts[i], &peer, &irq);
    }
    const struct power_control power = {
        .owner = board->hooks.owner,
        .reset = board->hooks.reset,
        .poweroff = board->hooks.poweroff,
    };
    i8042_init(&board->kbc, &power);

    const struct time_source utc = {.now_ns = utc_ns};
    cmos_init(&board->cmos, &utc);

    const struct time_source steady = {.now_ns = steady_ns};
    const struct irq_line sci = irq_wire(&board->wires, PLATFORM_SCI_GSI);
    acpi_pm_init(&board->pm, &power, &sci, &steady);

    board->timer = (struct boot_timer){
        .owner = board->hooks.owner,
        .reached = board->hooks.reached,
    };
}

static int add_devices(struct board *board, struct error *err)
{
    for (unsigned i = 0; i < board->nports; i++) {
        struct device uart = uart_device(&board->uarts[i], com_ports[i].base);
        int code = bus_add(&board->pio, &uart, err);
        if (code < 0)
            return code;
    }
    struct device devices[] = {
        i8042_data_device(&board->kbc, PLATFORM_I8042_DATA_PORT),
        i8042_command_device(&board->kbc, PLATFORM_I8042_COMMAND_PORT),
        i8042_port_a_device(&board->kbc, PLATFORM_PORT_A),
        cmos_device(&board->cmos, PLATFORM_CMOS_PORT),
        acpi_pm1_device(&board->pm, PLATFORM_PM1A_EVT_PORT),
        acpi_pm_timer_device(&board->pm, PLATFORM_PM_TIMER_PORT),
        acpi_sleep_device(&board->pm, PLATFORM_SLEEP_CONTROL_PORT),
        acpi_reset_device(&board->pm, PLATFORM_RESET_PORT),
        boot_timer_device(&board->timer, PLATFORM_BOOT_TIMER_PORT),
        absorb_device(PLATFORM_POST_PORT, 1, "POST codes"),
    };
    int code = 0;
    for (size_t i = 0; code == 0 && i < sizeof devices / sizeof *devices; i++)
        code = bus_add(&board->pio, &devices[i], err);
    return code;
}

static int add_memory_devices(struct board *board, struct error *err)
{
    _Static_assert(PLATFORM_BOOT_TIMER_GPA >= GUEST_LOW_RAM_END &&
                       PLATFORM_BOOT_TIMER_OLD_GPA < GUEST_HIGH_RAM,
                   "devices are not hidden by RAM");
    struct device devices[] = {
        boot_timer_device(&board->timer, PLATFORM_BOOT_TIMER_GPA),
        boot_timer_device(&board->timer, PLATFORM_BOOT_TIMER_OLD_GPA),
    };
    int code = 0;
    for (size_t i = 0; code == 0 && i < sizeof devices / sizeof *devices; i++)
        code = bus_add(&board->mmio, &devices[i], err);
    return code;
}

int board_init(struct board *board, const struct vm *vm, unsigned ports,
               const struct board_hooks *hooks, struct error *err)
{
    board->nports = ports;
    bus_init(&board->pio);
    bus_init(&board->mmio);
    irq_wires_init(&board->wires, vm);
    board->hooks = *hooks;
    init_devices(board);
    int code = add_devices(board, err);
    return code < 0 ? code : add_memory_devices(board, err);
}

void board_destroy(struct board *board)
{
    for (unsigned i = 0; i < PLATFORM_COM_COUNT; i++)
        uart_destroy(&board->uarts[i]);
    i8042_destroy(&board->kbc);
    cmos_destroy(&board->cmos);
    acpi_pm_destroy(&board->pm);
    irq_wires_destroy(&board->wires);
}

void board_input_ready(struct board *board, unsigned port)
{
    if (port < PLATFORM_COM_COUNT)
        uart_input_ready(&board->uarts[port]);
    else
        pci_board_input_ready(board->pci, port);
}

uint16_t board_uart_port(unsigned uart)
{
    return com_ports[uart].base + UART_THR;
}

unsigned board_uart_of(uint16_t port)
{
    unsigned uart = 0;
    while (uart < PLATFORM_COM_COUNT && board_uart_port(uart) != port)
        uart++;
    return uart;
}

void board_write_late(struct board_late *late, uint16_t port, uint8_t value)
{
    unsigned uart = board_uart_of(port);
    if (uart >= late->board->nports)
        return;
    struct uart *to = &late->board->uarts[uart];
    if (late->last != to)
        board_end_late(late);
    uart_write_thr(to, late->access, value);
    late->uarts |= 1U << uart;
    late->last = to;
}

void board_end_late(struct board_late *late)
{
    if (late->last)
        uart_hand_on(late->last);
}

void board_settle(struct board *board, unsigned uarts)
{
    for (unsigned i = 0; i < board->nports; i++) {
        if (uarts & 1U << i)
            uart_settle(&board->uarts[i]);
    }
}

uint32_t board_interrupts(struct board *board)
{
    uint32_t gsis = 0;
    for (unsigned i = 0; i < board->nports; i++) {
        if (uart_look(&board->uarts[i]).listens)
            gsis |= 1U << com_ports[i].gsi;
    }
    return gsis;
}
