// SPDX-License-Identifier: Apache-2.0
// The vCPU thread: runs the guest, serves its exits, and ends the machine. See
// machine.h for the threads and exits.h for what a failed exit says.
#include "src/base/clock.h"
#include "src/machine/exits.h"
#include "src/machine/lapic.h"
#include "src/machine/machine.h"
#include "src/machine/sleep.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

// ---- Exits -----------------------------------------------------------------

static void serve_io(struct toyvmm *vm)
{
    struct kvm_run *run = vm->vcpu.run;
    void *data = (uint8_t *)run + run->io.data_offset;
    bool write = run->io.direction == KVM_EXIT_IO_OUT;
    counters_port(vm->counters, run->io.port, write);
    // `rep ins` and `rep outs` come as one exit with a count.
    if (write)
        bus_write_string(&vm->board.pio, run->io.port, run->io.size,
                         run->io.count, data);
    else
        bus_read_string(&vm->board.pio, run->io.port, run->io.size,
                        run->io.count, data);
}

static void serve_mmio(struct toyvmm *vm)
{
    struct kvm_run *run = vm->vcpu.run;
    uint64_t value = 0;
    if (run->mmio.is_write) {
        memcpy(&value, run->mmio.data, sizeof value);
        bus_write(&vm->board.mmio, run->mmio.phys_addr, run->mmio.len, value);
        return;
    }
    value = bus_read(&vm->board.mmio, run->mmio.phys_addr, run->mmio.len);
    memcpy(run->mmio.data, &value, sizeof value);
}

// With interrupt controllers in the kernel KVM waits for the interrupt itself;
// an older KVM without that would come here.
static void serve_hlt(struct toyvmm *vm)
{
    machine_end(vm, TOYVMM_EVENT_HALT, "hlt left the guest");
}

static void serve_shutdown(struct toyvmm *vm)
{
    machine_end(vm, TOYVMM_EVENT_TRIPLE_FAULT,
                "an exception within a double fault's delivery");
}

static void serve_system_event(struct toyvmm *vm)
{
    unsigned type = vm->vcpu.run->system_event.type;
    if (type == KVM_SYSTEM_EVENT_SHUTDOWN)
        machine_end(vm, TOYVMM_EVENT_POWEROFF, "KVM system event");
    else if (type == KVM_SYSTEM_EVENT_RESET)
        machine_end(vm, TOYVMM_EVENT_RESET, "KVM system event");
    else
        machine_end(vm, TOYVMM_EVENT_INTERNAL_ERROR, "KVM system event %u",
                    type);
}

static void serve_failure(struct toyvmm *vm)
{
    char detail[sizeof vm->ending.detail];
    exits_describe(&vm->vcpu, &vm->memory, detail, sizeof detail);
    machine_end(vm, TOYVMM_EVENT_INTERNAL_ERROR, "%s", detail);
}

static void serve_nothing(struct toyvmm *vm)
{
    (void)vm;
}

// Every reason that isn't here is a failure: nothing is ignored.
static const struct exit_kind {
    void (*serve)(struct toyvmm *vm);
    enum toyvmm_exit counter;
} exit_kinds[] = {
    [KVM_EXIT_IO] = {serve_io, TOYVMM_EXIT_IO},
    [KVM_EXIT_MMIO] = {serve_mmio, TOYVMM_EXIT_MMIO},
    [KVM_EXIT_HLT] = {serve_hlt, TOYVMM_EXIT_HLT},
    [KVM_EXIT_INTR] = {serve_nothing, TOYVMM_EXIT_INTR},
    [KVM_EXIT_SHUTDOWN] = {serve_shutdown, TOYVMM_EXIT_OTHER},
    [KVM_EXIT_SYSTEM_EVENT] = {serve_system_event, TOYVMM_EXIT_OTHER},
};

static void serve_exit(struct toyvmm *vm)
{
    static const struct exit_kind failure = {serve_failure, TOYVMM_EXIT_OTHER};
    uint32_t reason = vm->vcpu.run->exit_reason;
    const struct exit_kind *kind = &failure;
    if (reason < sizeof exit_kinds / sizeof *exit_kinds &&
        exit_kinds[reason].serve)
        kind = &exit_kinds[reason];
    counters_exit(vm->counters, kind->counter);
    kind->serve(vm);
}

// ---- Kicks -----------------------------------------------------------------

static void answer_look(struct toyvmm *vm)
{
    struct vcpu_sample sample;
    bool valid = vcpu_read_sample(&vm->vcpu, &sample);
    pthread_mutex_lock(&vm->lock);
    vm->sample = sample;
    vm->sample_valid = valid;
    vm->samples++;
    pthread_cond_broadcast(&vm->changed);
    pthread_mutex_unlock(&vm->lock);
}

static void answer_nmi(struct toyvmm *vm)
{
    int code = lapic_press_nmi(&vm->vcpu);
    pthread_mutex_lock(&vm->lock);
    vm->nmi_code = code;
    vm->nmi_answers++;
    pthread_cond_broadcast(&vm->changed);
    pthread_mutex_unlock(&vm->lock);
}

static void look_at_sleep(struct toyvmm *vm)
{
    enum sleep sleep = sleep_look(&vm->vm, &vm->vcpu, &vm->board);
    if (sleep == SLEEP_OFF)
        machine_end(vm, TOYVMM_EVENT_HALT, "hlt with interrupts off");
    else if (sleep == SLEEP_NOTHING && vm->nothing_wakes)
        machine_end(vm, TOYVMM_EVENT_HALT,
                    "idle for ever: no timer runs and no device may interrupt");
    vm->nothing_wakes = sleep == SLEEP_NOTHING;
}

static void serve_kick(struct toyvmm *vm)
{
    counters_exit(vm->counters, TOYVMM_EXIT_INTR);
    // In this order: a request is made before its kick, so one that comes
    // after the exchange still has its kick pending.
    kvm_kick_drain();
    unsigned requests = atomic_exchange(&vm->requests, 0);
    if (requests & REQUEST_LOOK)
        answer_look(vm);
    if (requests & REQUEST_NMI)
        answer_nmi(vm);
    if (requests & REQUEST_STOP)
        machine_end(vm, TOYVMM_EVENT_STOPPED, "stopped from outside");
    else if (requests & REQUEST_SLEEP)
        look_at_sleep(vm);
}

// ---- The thread ------------------------------------------------------------

static void run_once(struct toyvmm *vm)
{
    int result = ioctl(vm->vcpu.fd, KVM_RUN, 0);
    int error = errno;
    // Before anything else: this is the time that the sink is told.
    vm->exit_ns = clock_now_ns();
    if (result == 0) {
        serve_exit(vm);
    } else if (error == EINTR) {
        serve_kick(vm);
    } else if (error != EAGAIN) {
        counters_exit(vm->counters, TOYVMM_EXIT_OTHER);
        char text[64];
        machine_end(vm, TOYVMM_EVENT_INTERNAL_ERROR, "KVM_RUN failed: %s",
                    strerror_r(error, text, sizeof text));
    }
}

void machine_end(struct toyvmm *vm, enum toyvmm_event_kind kind,
                 const char *detail, ...)
{
    if (vm->ending.set)
        return;
    vm->ending.set = true;
    vm->ending.kind = kind;
    va_list args;
    va_start(args, detail);
    vsnprintf(vm->ending.detail, sizeof vm->ending.detail, detail, args);
    va_end(args);
}

void machine_report(struct toyvmm *vm, enum toyvmm_event_kind kind, uint64_t ns,
                    const char *detail)
{
    struct toyvmm_event event = {
        .kind = kind,
        .ns = ns,
        .ready_ns = kind == TOYVMM_EVENT_STARTED ? vm->ready_ns : 0,
    };
    machine_take_usage(vm, ns, &event.usage);
    event.has_regs = vcpu_read_regs(&vm->vcpu, &event.regs);
    snprintf(event.detail, sizeof event.detail, "%s", detail);
    vm->sink.event(vm->sink.owner, &event);
}

void *machine_run_vcpu(void *arg)
{
    struct toyvmm *vm = arg;
    machine_report(vm, TOYVMM_EVENT_STARTED, clock_now_ns(), "first KVM_RUN");
    while (!vm->ending.set)
        run_once(vm);
    machine_report(vm, vm->ending.kind, vm->exit_ns, vm->ending.detail);

    pthread_mutex_lock(&vm->lock);
    vm->final_cpu_ns = clock_cpu_ns(CLOCK_THREAD_CPUTIME_ID);
    vm->phase = MACHINE_ENDED;
    pthread_cond_broadcast(&vm->changed);
    pthread_mutex_unlock(&vm->lock);
    return NULL;
}
