// SPDX-License-Identifier: Apache-2.0
// A machine's life from outside: it is started, asked things, and stopped. No
// wait here is without an end, whatever KVM and the guest do.
#include "src/base/clock.h"
#include "src/machine/machine.h"
#include "src/machine/pin.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define NMI_PATIENCE_NS  (1 * NS_PER_S)
#define STOP_PATIENCE_NS (5 * NS_PER_S)

// ---- Requests --------------------------------------------------------------

bool machine_request(struct processor *cpu, unsigned request)
{
    if (!cpu->exists || cpu->left)
        return false;
    atomic_fetch_or(&cpu->requests, request);
    // It fails for a thread that is gone only: see KVM_KICK_SIGNAL.
    pthread_kill(cpu->thread, KVM_KICK_SIGNAL);
    // It may be waiting for room instead.
    pthread_cond_broadcast(&cpu->machine->changed);
    return true;
}

bool machine_wait(struct toyvmm *vm, uint64_t deadline_ns)
{
    const struct timespec when = {
        .tv_sec = (time_t)(deadline_ns / NS_PER_S),
        .tv_nsec = (long)(deadline_ns % NS_PER_S),
    };
    return pthread_cond_timedwait(&vm->changed, &vm->lock, &when) != ETIMEDOUT;
}

// ---- Starting --------------------------------------------------------------

// The caller holds lock.
static int start_vcpu(struct processor *cpu)
{
    pthread_attr_t attr;
    int code = pthread_attr_init(&attr);
    if (code)
        return code;
    code = pin_attr(&attr, cpu->machine->pin);
    if (code == 0)
        code = pthread_create(&cpu->thread, &attr, machine_run_vcpu, cpu);
    pthread_attr_destroy(&attr);
    if (code)
        return code;
    cpu->exists = true;
    cpu->machine->inside++;
    char name[16];
    snprintf(name, sizeof name, "vcpu%u", cpu->vcpu.id);
    pthread_setname_np(cpu->thread, name);
    return pthread_getcpuclockid(cpu->thread, &cpu->clock);
}

static void join_vcpus(struct toyvmm *vm)
{
    for (unsigned i = 0; i < vm->nprocessors; i++)
        if (vm->processors[i].exists)
            pthread_join(vm->processors[i].thread, NULL);
}

// The caller holds lock and made phase RUNNING; signals are blocked, and the
// threads inherit that. A thread's first act needs the lock before its second,
// the last: so no vCPU is the last to leave before all are there.
static int start_threads(struct toyvmm *vm)
{
    int code = 0;
    for (unsigned i = 0; code == 0 && i < vm->nprocessors; i++)
        code = start_vcpu(&vm->processors[i]);
    if (code == 0)
        code = pthread_create(&vm->keeper_thread, NULL, machine_run_keeper, vm);
    if (code == 0) {
        pthread_setname_np(vm->keeper_thread, "keeper");
        return 0;
    }
    // A machine without its keeper could sleep for ever unnoticed.
    for (unsigned i = 0; i < vm->nprocessors; i++)
        machine_request(&vm->processors[i], REQUEST_STOP);
    pthread_mutex_unlock(&vm->lock);
    join_vcpus(vm);
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

// ---- Stopping --------------------------------------------------------------

// Some vCPU is lost in KVM: the sink is told the end from here.
static void abandon(struct toyvmm *vm)
{
    vm->abandoned = true;
    struct toyvmm_event event = {
        .kind = TOYVMM_EVENT_STOPPED,
        .ns = clock_now_ns(),
        .detail = "stopped from outside; KVM does not give a vCPU back",
    };
    machine_tell_event(vm, &event);
}

int toyvmm_stop(struct toyvmm *vm)
{
    pthread_mutex_lock(&vm->join_lock);
    pthread_mutex_lock(&vm->lock);
    if (vm->phase == MACHINE_CREATED)
        vm->phase = MACHINE_ENDED;
    for (unsigned i = 0; i < vm->nprocessors; i++)
        machine_request(&vm->processors[i], REQUEST_STOP);
    uint64_t end = clock_after(clock_now_ns(), STOP_PATIENCE_NS);
    while (!vm->abandoned && vm->phase == MACHINE_RUNNING &&
           machine_wait(vm, end))
        ;
    bool ended = vm->phase == MACHINE_ENDED;
    pthread_mutex_unlock(&vm->lock);
    if (!ended && !vm->abandoned)
        abandon(vm);
    if (ended && vm->started && !vm->joined) {
        join_vcpus(vm);
        pthread_join(vm->keeper_thread, NULL);
        vm->joined = true;
    }
    bool abandoned = vm->abandoned;
    pthread_mutex_unlock(&vm->join_lock);
    return abandoned ? -ETIMEDOUT : 0;
}

// ---- Asking ----------------------------------------------------------------

void toyvmm_input_ready(struct toyvmm *vm, unsigned port)
{
    if (port < TOYVMM_PORTS)
        board_input_ready(&vm->board, port);
}

int toyvmm_nmi(struct toyvmm *vm, struct error *err)
{
    struct processor *cpu = &vm->processors[0];
    uint64_t end = clock_after(clock_now_ns(), NMI_PATIENCE_NS);
    pthread_mutex_lock(&vm->lock);
    uint64_t answers = cpu->nmi_answers;
    bool asked = machine_request(cpu, REQUEST_NMI);
    bool in_time = true;
    while (asked && in_time && !cpu->left && cpu->nmi_answers == answers)
        in_time = machine_wait(vm, end);
    int code = in_time ? -ESRCH : -ETIMEDOUT;
    if (cpu->nmi_answers != answers)
        code = cpu->nmi_code;
    pthread_mutex_unlock(&vm->lock);
    switch (code) {
    case 0:
        return 0;
    case -ESRCH:
        return error_set(err, code, "the machine does not run");
    case -ETIMEDOUT:
        return error_set(err, code, "KVM does not give the vCPU back");
    case -EBUSY:
        return error_set(err, code,
                         "the guest does not let an NMI through: its local "
                         "APIC masks LINT1");
    default:
        return error_errno(err, -code, "KVM refuses an NMI");
    }
}

int toyvmm_press_power(struct toyvmm *vm, struct error *err)
{
    pthread_mutex_lock(&vm->lock);
    bool runs = vm->phase == MACHINE_RUNNING;
    pthread_mutex_unlock(&vm->lock);
    if (!runs)
        return error_set(err, -ESRCH, "the machine does not run");
    if (!acpi_pm_power_button_is_on(&vm->board.pm))
        return error_set(err, -EBUSY,
                         "the guest does not listen to the power button: its "
                         "kernel has no driver for it (ACPI's button)");
    acpi_pm_press_power_button(&vm->board.pm);
    return 0;
}
