// SPDX-License-Identifier: Apache-2.0
// A machine is put together and taken apart, and asked things from outside:
// toyvmm.h's functions. What runs inside is in run.c and keeper.c.
#include "src/machine/machine.h"

#include "src/base/clock.h"
#include "src/machine/pin.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(TOYVMM_PORTS == PLATFORM_COM_COUNT, "a sink port is a UART");

#define KVM_PATH "/dev/kvm"

// ---- The board's callbacks: vCPU thread, within a VM exit -------------------

static void on_tx(void *owner, unsigned port, uint8_t byte)
{
    struct toyvmm *vm = owner;
    struct toyvmm_usage unused;
    if (spent_is_due(vm->spent, vm->exit_ns))
        machine_take_usage(vm, vm->exit_ns, &unused);
    vm->sink.tx(vm->sink.owner, port, byte, vm->exit_ns);
}

static size_t on_rx(void *owner, unsigned port, uint8_t *bytes, size_t max)
{
    struct toyvmm *vm = owner;
    return vm->sink.rx(vm->sink.owner, port, bytes, max);
}

static void on_reached(void *owner, uint8_t value)
{
    struct toyvmm *vm = owner;
    if (value != PLATFORM_BOOT_TIMER_VALUE || vm->userspace_reached)
        return;
    vm->userspace_reached = true;
    machine_report(vm, TOYVMM_EVENT_USERSPACE, vm->exit_ns, "boot timer");
}

static void on_reset(void *owner, const char *how)
{
    machine_end(owner, TOYVMM_EVENT_RESET, "%s", how);
}

static void on_poweroff(void *owner, const char *how)
{
    machine_end(owner, TOYVMM_EVENT_POWEROFF, "%s", how);
}

// ---- Creation --------------------------------------------------------------

static void init_sync(struct toyvmm *vm)
{
    pthread_mutex_init(&vm->lock, NULL);
    pthread_mutex_init(&vm->join_lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&vm->changed, &attr);
    pthread_condattr_destroy(&attr);
}

static struct toyvmm *new_machine(const struct toyvmm_sink *sink)
{
    struct toyvmm *vm = calloc(1, sizeof *vm);
    if (!vm)
        return NULL;
    vm->counters = counters_new();
    vm->spent = spent_new();
    if (!vm->counters || !vm->spent) {
        spent_free(vm->spent);
        free(vm->counters);
        free(vm);
        return NULL;
    }
    vm->sink = *sink;
    vm->vm = (struct vm){.fd = -1, .host.fd = -1};
    vm->vcpu.fd = -1;
    init_sync(vm);
    return vm;
}

static void free_machine(struct toyvmm *vm)
{
    if (vm->board.line.owner)
        board_destroy(&vm->board);
    vcpu_close(&vm->vcpu);
    vm_close(&vm->vm);
    guest_memory_unmap(&vm->memory);
    pthread_cond_destroy(&vm->changed);
    pthread_mutex_destroy(&vm->join_lock);
    pthread_mutex_destroy(&vm->lock);
    spent_free(vm->spent);
    free(vm->counters);
    free(vm);
}

static int build(struct toyvmm *vm, uint64_t memory, unsigned ports,
                 machine_loader load, void *load_owner, struct error *err)
{
    int code = vm_open(&vm->vm, KVM_PATH, 1, err);
    if (code < 0)
        return code;
    code = guest_memory_map(&vm->memory, memory, err);
    if (code < 0)
        return code;
    struct boot_state boot;
    code = load(load_owner, &vm->memory, &boot, err);
    if (code < 0)
        return code;
    code = vm_set_memory(&vm->vm, &vm->memory, err);
    if (code < 0)
        return code;
    vm->ready_ns = clock_now_ns();
    vm->notes = boot.notes;

    const struct board_line line = {
        .owner = vm,
        .tx = on_tx,
        .rx = on_rx,
        .reached = on_reached,
        .reset = on_reset,
        .poweroff = on_poweroff,
    };
    code = board_init(&vm->board, &vm->vm, ports, &line, err);
    if (code < 0)
        return code;
    code = vcpu_open(&vm->vcpu, &vm->vm, 0, err);
    if (code < 0)
        return code;
    return vcpu_set_boot_state(&vm->vcpu, &boot, err);
}

struct toyvmm *machine_create(uint64_t memory, unsigned ports,
                              const struct toyvmm_sink *sink,
                              machine_loader load, void *load_owner, int *code,
                              struct error *err)
{
    struct toyvmm *vm = NULL;
    int result = 0;
    if (!sink->tx || !sink->rx || !sink->event)
        result = error_set(err, -EINVAL, "a machine's sink lacks a callback");
    else if (!(vm = new_machine(sink)))
        result = error_set(err, -ENOMEM, "out of memory");
    else
        result = build(vm, memory, ports, load, load_owner, err);
    if (code)
        *code = result;
    if (result < 0 && vm)
        free_machine(vm);
    return result < 0 ? NULL : vm;
}

// ---- Booting files ---------------------------------------------------------

static unsigned ports_of(const struct toyvmm_config *config)
{
    return config->ports ? config->ports : TOYVMM_PORTS;
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
    };
}

static int load_files(void *owner, const struct guest_memory *mem,
                      struct boot_state *out, struct error *err)
{
    const struct boot_request *request = owner;
    return boot_load(request, mem, out, err);
}

int toyvmm_check(const struct toyvmm_config *config, struct error *err)
{
    if (config->cpus != 1)
        return error_set(err, -EINVAL,
                         "%u CPUs: a machine has 1, more are not supported yet",
                         config->cpus);
    struct boot_seed seed;
    const struct boot_request request = boot_request_of(config, &seed);
    return boot_check(&request, err);
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
    struct toyvmm *vm =
        machine_create(config->memory, ports_of(config), &config->sink,
                       load_files, &request, code, err);
    if (vm)
        vm->pin = config->pin;
    return vm;
}

const char *toyvmm_note(const struct toyvmm *vm, size_t index)
{
    return index < vm->notes.count ? vm->notes.text[index] : NULL;
}

// ---- Life ------------------------------------------------------------------

bool machine_request(struct toyvmm *vm, unsigned request)
{
    if (vm->phase != MACHINE_RUNNING)
        return false;
    atomic_fetch_or(&vm->requests, request);
    pthread_kill(vm->vcpu_thread, KVM_KICK_SIGNAL);
    return true;
}

static int start_vcpu(struct toyvmm *vm)
{
    pthread_attr_t attr;
    int code = pthread_attr_init(&attr);
    if (code)
        return code;
    code = pin_attr(&attr, vm->pin);
    if (code == 0)
        code = pthread_create(&vm->vcpu_thread, &attr, machine_run_vcpu, vm);
    pthread_attr_destroy(&attr);
    return code;
}

// The caller holds lock and made phase RUNNING; signals are blocked, and the
// threads inherit that.
static int start_threads(struct toyvmm *vm)
{
    int code = start_vcpu(vm);
    if (code)
        return code;
    pthread_setname_np(vm->vcpu_thread, "vcpu0");
    code = pthread_getcpuclockid(vm->vcpu_thread, &vm->vcpu_clock);
    if (code == 0)
        code = pthread_create(&vm->keeper_thread, NULL, machine_run_keeper, vm);
    if (code == 0) {
        pthread_setname_np(vm->keeper_thread, "keeper");
        return 0;
    }
    // A vCPU alone could sleep for ever unnoticed.
    machine_request(vm, REQUEST_STOP);
    pthread_mutex_unlock(&vm->lock);
    pthread_join(vm->vcpu_thread, NULL);
    pthread_mutex_lock(&vm->lock);
    return code;
}

int toyvmm_start(struct toyvmm *vm, struct error *err)
{
    sigset_t old;
    int code = -kvm_kick_block_signals(&old);
    if (code)
        return error_errno(err, code, "can't block signals");
    pthread_mutex_lock(&vm->join_lock);
    pthread_mutex_lock(&vm->lock);
    if (vm->phase != MACHINE_CREATED) {
        code = EALREADY;
    } else {
        vm->phase = MACHINE_RUNNING;
        code = start_threads(vm);
        if (code)
            vm->phase = MACHINE_ENDED;
        vm->started = code == 0;
    }
    pthread_mutex_unlock(&vm->lock);
    pthread_mutex_unlock(&vm->join_lock);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (code)
        return error_errno(err, code, "can't start the machine");
    return 0;
}

void toyvmm_stop(struct toyvmm *vm)
{
    pthread_mutex_lock(&vm->join_lock);
    pthread_mutex_lock(&vm->lock);
    if (vm->phase == MACHINE_CREATED)
        vm->phase = MACHINE_ENDED;
    machine_request(vm, REQUEST_STOP);
    pthread_mutex_unlock(&vm->lock);
    if (vm->started && !vm->joined) {
        pthread_join(vm->vcpu_thread, NULL);
        pthread_join(vm->keeper_thread, NULL);
        vm->joined = true;
    }
    pthread_mutex_unlock(&vm->join_lock);
}

void toyvmm_destroy(struct toyvmm *vm)
{
    if (!vm)
        return;
    toyvmm_stop(vm);
    free_machine(vm);
}

void toyvmm_input_ready(struct toyvmm *vm, unsigned port)
{
    if (port < TOYVMM_PORTS)
        board_input_ready(&vm->board, port);
}

int toyvmm_nmi(struct toyvmm *vm, struct error *err)
{
    pthread_mutex_lock(&vm->lock);
    uint64_t answers = vm->nmi_answers;
    bool asked = machine_request(vm, REQUEST_NMI);
    while (asked && vm->phase == MACHINE_RUNNING && vm->nmi_answers == answers)
        pthread_cond_wait(&vm->changed, &vm->lock);
    int code = vm->nmi_answers != answers ? vm->nmi_code : -ESRCH;
    pthread_mutex_unlock(&vm->lock);
    if (code == -ESRCH)
        return error_set(err, code, "the machine does not run");
    if (code == -EBUSY)
        return error_set(err, code,
                         "the guest does not let an NMI through: its local "
                         "APIC masks LINT1");
    return code ? error_errno(err, -code, "KVM refuses an NMI") : 0;
}
