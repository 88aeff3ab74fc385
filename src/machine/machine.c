// SPDX-License-Identifier: Apache-2.0
// A machine is put together and taken apart: toyvmm.h's functions for that. Its
// life is in life.c, what runs inside in run.c and keeper.c.
#include "src/machine/machine.h"

#include "src/base/clock.h"
#include "src/machine/pci_board.h"
#include "src/machine/pin.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

_Static_assert(TOYVMM_UARTS == PLATFORM_COM_COUNT,
               "the first ports of a sink are the UARTs");
_Static_assert(TOYVMM_RX_BREAK == UART_RX_BREAK, "one word for a break");

_Static_assert(TOYVMM_CPUS == BOOT_CPUS_MAX, "all of them are in the tables");

#define KVM_PATH "/dev/kvm"

// ---- The board's callbacks -------------------------------------------------

static void on_tx(void *owner, unsigned port, const uint8_t *bytes, size_t n,
                  uint64_t ns)
{
    machine_tell_bytes(owner, port, bytes, n, ns);
}

static size_t on_rx(void *owner, unsigned port, uint8_t *bytes, size_t max)
{
    return machine_ask_input(owner, port, bytes, max);
}

static bool on_full(void *owner)
{
    return machine_is_full(owner);
}

static void on_reached(void *owner, const struct access *access, uint8_t value)
{
    struct toyvmm *vm = owner;
    if (value != PLATFORM_BOOT_TIMER_VALUE)
        return;
    pthread_mutex_lock(&vm->telling);
    bool again = vm->userspace_reached;
    vm->userspace_reached = true;
    pthread_mutex_unlock(&vm->telling);
    if (again)
        return;
    struct processor *cpu = &vm->processors[access->vcpu];
    struct toyvmm_event event = {
        .kind = TOYVMM_EVENT_USERSPACE,
        .ns = access->ns,
        .vcpu = access->vcpu,
        .detail = "boot timer",
    };
    event.has_regs = vcpu_read_regs(&cpu->vcpu, &event.regs);
    machine_tell_event(vm, &event);
}

static void on_reset(void *owner, const struct access *access, const char *how)
{
    struct toyvmm *vm = owner;
    machine_end(&vm->processors[access->vcpu], TOYVMM_EVENT_RESET, "%s", how);
}

static void on_poweroff(void *owner, const struct access *access,
                        const char *how)
{
    struct toyvmm *vm = owner;
    machine_end(&vm->processors[access->vcpu], TOYVMM_EVENT_POWEROFF, "%s",
                how);
}

struct fetch {
    struct toyvmm *vm;
    struct board_late late;
};

static void fetched(void *owner, uint16_t port, uint8_t value)
{
    struct fetch *f = owner;
    unsigned uart = board_uart_of(port);
    if (uart < PLATFORM_COM_COUNT)
        atomic_fetch_add_explicit(&f->vm->late_writes[uart], 1,
                                  memory_order_relaxed);
    board_write_late(&f->late, port, value);
}

static void all_fetched(void *owner)
{
    struct fetch *f = owner;
    board_end_late(&f->late);
}

unsigned machine_fetch(struct toyvmm *vm, const struct access *access)
{
    if (!coalesced_waits(&vm->coalesced))
        return 0;
    struct fetch f = {vm, {.board = &vm->board, .access = access}};
    coalesced_fetch(&vm->coalesced, fetched, all_fetched, &f);
    return f.late.uarts;
}

// ---- Creation --------------------------------------------------------------

static void init_sync(struct toyvmm *vm)
{
    pthread_mutex_init(&vm->telling, NULL);
    pthread_mutex_init(&vm->lock, NULL);
    pthread_mutex_init(&vm->join_lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&vm->changed, &attr);
    pthread_condattr_destroy(&attr);
}

static void free_machine(struct toyvmm *vm)
{
    pci_board_free(vm->board.pci);
    if (vm->board.hooks.owner) {
        coalesced_close(&vm->coalesced);
        board_destroy(&vm->board);
    }
    for (unsigned i = 0; i < vm->nprocessors; i++) {
        vcpu_close(&vm->processors[i].vcpu);
        free(vm->processors[i].counters);
    }
    free(vm->processors);
    guard_free(vm->guard);
    vm_close(&vm->kvm);
    guest_memory_unmap(&vm->memory);
    pthread_cond_destroy(&vm->changed);
    pthread_mutex_destroy(&vm->join_lock);
    pthread_mutex_destroy(&vm->lock);
    pthread_mutex_destroy(&vm->telling);
    spent_free(vm->spent);
    free(vm->shares);
    free(vm);
}

static struct toyvmm *new_machine(const struct toyvmm_sink *sink, unsigned cpus)
{
    struct toyvmm *vm = calloc(1, sizeof *vm);
    if (!vm)
        return NULL;
    vm->sink = *sink;
    vm->kvm = (struct vm){.fd = -1, .host.fd = -1};
    vm->memory.fd = -1;
    init_sync(vm);
    vm->spent = spent_new(cpus);
    vm->shares = calloc(cpus, sizeof *vm->shares);
    vm->processors = calloc(cpus, sizeof *vm->processors);
    bool complete = vm->spent && vm->shares && vm->processors;
    for (unsigned i = 0; complete && i < cpus; i++) {
        struct processor *cpu = &vm->processors[vm->nprocessors++];
        cpu->machine = vm;
        cpu->vcpu = (struct vcpu){.id = i, .fd = -1};
        cpu->access.vcpu = i;
        cpu->counters = counters_new();
        complete = cpu->counters;
    }
    if (complete)
        return vm;
    free_machine(vm);
    return NULL;
}

// What the board needs a vCPU for: the ring of what KVM keeps back lies there.
static int build_board(struct toyvmm *vm, unsigned ports, struct error *err)
{
    const struct board_hooks hooks = {
        .owner = vm,
        .tx = on_tx,
        .rx = on_rx,
        .is_full = on_full,
        .reached = on_reached,
        .reset = on_reset,
        .poweroff = on_poweroff,
        .broken = machine_end_broken,
    };
    coalesced_open(&vm->coalesced, &vm->kvm, &vm->processors[0].vcpu);
    int code = board_init(&vm->board, &vm->kvm, ports, &hooks, err);
    if (code < 0)
        return code;
    for (unsigned i = 0; i < ports; i++)
        coalesced_add(&vm->coalesced, &vm->kvm, board_uart_port(i));
    return 0;
}

static int build(struct toyvmm *vm, const struct machine_shape *shape,
                 machine_loader load, void *load_owner, struct error *err)
{
    int code = vm_open(&vm->kvm, KVM_PATH, shape->cpus, err);
    if (code < 0)
        return code;
    if (!shape->no_sandbox)
        code = confine_begin(vm, shape->entered, err);
    if (code < 0)
        return code;
    code = guest_memory_map_as(&vm->memory, shape->memory, shape->backing, err);
    if (code < 0)
        return code;
    struct boot_state boot;
    code = load(load_owner, &vm->memory, &boot, err);
    if (code < 0)
        return code;
    code = vm_set_memory(&vm->kvm, &vm->memory, err);
    if (code < 0)
        return code;
    vm->ready_ns = clock_now_ns();
    vm->notes = boot.notes;

    for (unsigned i = 0; i < vm->nprocessors; i++) {
        code = vcpu_open(&vm->processors[i].vcpu, &vm->kvm, i, err);
        if (code < 0)
            return code;
    }
    code = build_board(vm, shape->ports, err);
    if (code < 0)
        return code;
    return vcpu_set_boot_state(&vm->processors[0].vcpu, &boot, err);
}

struct toyvmm *machine_create(const struct machine_shape *shape,
                              const struct toyvmm_sink *sink,
                              machine_loader load, void *load_owner, int *code,
                              struct error *err)
{
    struct toyvmm *vm = NULL;
    int result = 0;
    if (!sink->tx || !sink->rx || !sink->event)
        result = error_set(err, -EINVAL, "a machine's sink lacks a callback");
    else if (!(vm = new_machine(sink, shape->cpus)))
        result = error_set(err, -ENOMEM, "out of memory");
    else
        result = build(vm, shape, load, load_owner, err);
    if (code)
        *code = result;
    if (result < 0 && vm)
        free_machine(vm);
    return result < 0 ? NULL : vm;
}

// ---- Booting files ---------------------------------------------------------

static unsigned ports_of(const struct toyvmm_config *config)
{
    return config->ports ? config->ports : TOYVMM_UARTS;
}

// What serves a folder reads and writes the guest's memory.
static enum guest_backing backing_of(const struct toyvmm_config *config)
{
    switch (config->backing) {
    case TOYVMM_MEMORY_PRIVATE:
        break;
    case TOYVMM_MEMORY_SHARED:
        return GUEST_BACKING_SHARED;
    case TOYVMM_MEMORY_HUGE:
        return GUEST_BACKING_HUGE;
    }
    return config->nfolders ? GUEST_BACKING_SHARED : GUEST_BACKING_ANONYMOUS;
}

_Static_assert(sizeof(struct toyvmm_seed) == sizeof(struct boot_seed),
               "a seed is a seed");

// seed must live as long as the request.
static struct boot_request boot_request_of(const struct toyvmm_config *config,
                                           struct boot_seed *seed)
{
    if (config->seed)
        memcpy(seed->bytes, config->seed->bytes, sizeof(seed->bytes));
    return (struct boot_request){
        .kernel = config->kernel,
        .initrd = config->initrd,
        .cmdline = config->cmdline,
        .memory = config->memory,
        .cpus = config->cpus,
        .ports = ports_of(config),
        .seed = config->seed ? seed : NULL,
        .pci = !config->mmio && pci_board_devices(config),
        .virtio = config->mmio ? pci_board_devices(config) : 0,
    };
}

static int load_files(void *owner, const struct guest_memory *mem,
                      struct boot_state *out, struct error *err)
{
    const struct boot_request *request = owner;
    return boot_load(request, mem, out, err);
}

static int check_disks(const struct toyvmm_config *config, struct error *err)
{
    int code = 0;
    if (config->ndisks > TOYVMM_DISKS_MAX)
        return error_set(err, -EINVAL, "%zu disks: a machine has at most %d",
                         config->ndisks, TOYVMM_DISKS_MAX);
    // One that is kept open is locked, by ourselves.
    for (size_t i = 0; code == 0 && i < config->ndisks; i++)
        if (!config->kept || !disk_image_is_open(&config->kept->disks[i]))
            code = toyvmm_check_disk(&config->disks[i], err);
    return code;
}

static int check_named(const struct toyvmm_config *config, struct error *err)
{
    if (config->nnamed > PORT_NAMES)
        return error_set(err, -EINVAL,
                         "%zu named ports: a machine has at most %d",
                         config->nnamed, PORT_NAMES);
    for (size_t i = 0; i < config->nnamed; i++) {
        size_t len = strlen(config->named[i]);
        if (!len || len > PORT_NAME_MAX)
            return error_set(err, -EINVAL,
                             "a port's name has 1 to %d bytes, not %zu",
                             PORT_NAME_MAX, len);
        for (size_t k = 0; k < i; k++)
            if (!strcmp(config->named[i], config->named[k]))
                return error_set(err, -EINVAL, "two ports are named %s",
                                 config->named[i]);
    }
    return 0;
}

int toyvmm_check(const struct toyvmm_config *config, struct error *err)
{
    if (config->cpus < 1 || config->cpus > TOYVMM_CPUS)
        return error_set(err, -EINVAL, "%u CPUs: a machine has 1 to %d",
                         config->cpus, TOYVMM_CPUS);
    struct boot_seed seed;
    const struct boot_request request = boot_request_of(config, &seed);
    int code = boot_check(&request, err);
    if (code == 0)
        code = check_disks(config, err);
    if (code == 0)
        code = check_named(config, err);
    for (size_t i = 0; code == 0 && i < config->nfolders; i++)
        code = toyvmm_check_folder(&config->folders[i], err);
    if (code == 0)
        code = toyvmm_check_vsock(&config->vsock, err);
    return code < 0 ? code : toyvmm_check_net(&config->net, err);
}

struct toyvmm *toyvmm_create(const struct toyvmm_config *config, int *code,
                             struct error *err)
{
    // What is wrong with the files is said before what is wrong with KVM.
    int result = toyvmm_check(config, err);
    if (result == 0)
        result = toyvmm_check_pin(config->pin, err);
    if (result < 0) {
        if (code)
            *code = result;
        return NULL;
    }
    struct boot_seed seed;
    struct boot_request request = boot_request_of(config, &seed);
    const struct machine_shape shape = {
        .memory = config->memory,
        .backing = backing_of(config),
        .cpus = config->cpus,
        .ports = ports_of(config),
        .no_sandbox = config->no_sandbox,
    };
    struct toyvmm *vm =
        machine_create(&shape, &config->sink, load_files, &request, code, err);
    if (!vm)
        return NULL;
    vm->pin = config->pin;
    if (!pci_board_devices(config))
        return vm;
    result = pci_board_add(&vm->board, vm->guard, &vm->kvm, &vm->memory, config,
                           err);
    if (code)
        *code = result;
    if (result == 0)
        return vm;
    free_machine(vm);
    return NULL;
}

const char *toyvmm_note(const struct toyvmm *vm, size_t index)
{
    return index < vm->notes.count ? vm->notes.text[index] : NULL;
}

void toyvmm_destroy(struct toyvmm *vm)
{
    if (!vm)
        return;
    if (toyvmm_stop(vm) == 0)
        free_machine(vm);
}
