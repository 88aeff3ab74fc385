// SPDX-License-Identifier: Apache-2.0
// The vCPU threads: run the guest, serve its exits, and end the machine. See
// machine.h for the threads and exits.h for what a failed exit says.
#include "src/base/clock.h"
#include "src/machine/exits.h"
#include "src/machine/lapic.h"
#include "src/machine/machine.h"
#include "src/machine/pci_board.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

// ---- Exits -----------------------------------------------------------------

static void serve_io(struct processor *cpu)
{
    struct kvm_run *run = cpu->vcpu.run;
    struct bus *bus = &cpu->machine->board.pio;
    void *data = (uint8_t *)run + run->io.data_offset;
    bool write = run->io.direction == KVM_EXIT_IO_OUT;
    counters_port(cpu->counters, run->io.port, write);
    // `rep ins` and `rep outs` come as one exit with a count.
    if (write)
        bus_write_string(bus, &cpu->access, run->io.port, run->io.size,
                         run->io.count, data);
    else
        bus_read_string(bus, &cpu->access, run->io.port, run->io.size,
                        run->io.count, data);
}

static void serve_mmio(struct processor *cpu)
{
    struct kvm_run *run = cpu->vcpu.run;
    struct bus *bus = &cpu->machine->board.mmio;
    uint64_t value = 0;
    if (run->mmio.is_write) {
        memcpy(&value, run->mmio.data, sizeof value);
        bus_write(bus, &cpu->access, run->mmio.phys_addr, run->mmio.len, value);
        return;
    }
    value = bus_read(bus, &cpu->access, run->mmio.phys_addr, run->mmio.len);
    memcpy(run->mmio.data, &value, sizeof value);
}

// With interrupt controllers in the kernel KVM waits for the interrupt itself;
// an older KVM without that would come here.
static void serve_hlt(struct processor *cpu)
{
    machine_end(cpu, TOYVMM_EVENT_HALT, "hlt left the guest");
}

static void serve_shutdown(struct processor *cpu)
{
    machine_end(cpu, TOYVMM_EVENT_TRIPLE_FAULT,
                "an exception within a double fault's delivery");
}

static void serve_system_event(struct processor *cpu)
{
    unsigned type = cpu->vcpu.run->system_event.type;
    if (type == KVM_SYSTEM_EVENT_SHUTDOWN)
        machine_end(cpu, TOYVMM_EVENT_POWEROFF, "KVM system event");
    else if (type == KVM_SYSTEM_EVENT_RESET)
        machine_end(cpu, TOYVMM_EVENT_RESET, "KVM system event");
    else
        machine_end(cpu, TOYVMM_EVENT_INTERNAL_ERROR, "KVM system event %u",
                    type);
}

static void serve_failure(struct processor *cpu)
{
    char detail[sizeof((struct toyvmm_event *)0)->detail];
    exits_describe(&cpu->vcpu, &cpu->machine->memory, detail, sizeof detail);
    machine_end(cpu, TOYVMM_EVENT_INTERNAL_ERROR, "%s", detail);
}

static void serve_nothing(struct processor *cpu)
{
    (void)cpu;
}

// Every reason that isn't here is a failure: nothing is ignored.
static const struct exit_kind {
    void (*serve)(struct processor *cpu);
    enum toyvmm_exit counter;
} exit_kinds[] = {
    [KVM_EXIT_IO] = {serve_io, TOYVMM_EXIT_IO},
    [KVM_EXIT_MMIO] = {serve_mmio, TOYVMM_EXIT_MMIO},
    [KVM_EXIT_HLT] = {serve_hlt, TOYVMM_EXIT_HLT},
    [KVM_EXIT_INTR] = {serve_nothing, TOYVMM_EXIT_INTR},
    [KVM_EXIT_SHUTDOWN] = {serve_shutdown, TOYVMM_EXIT_OTHER},
    [KVM_EXIT_SYSTEM_EVENT] = {serve_system_event, TOYVMM_EXIT_OTHER},
};

static void serve_exit(struct processor *cpu)
{
    static const struct exit_kind failure = {serve_failure, TOYVMM_EXIT_OTHER};
    uint32_t reason = cpu->vcpu.run->exit_reason;
    const struct exit_kind *kind = &failure;
    if (reason < sizeof exit_kinds / sizeof *exit_kinds &&
        exit_kinds[reason].serve)
        kind = &exit_kinds[reason];
    counters_exit(cpu->counters, kind->counter);
    // What KVM kept back was written before this exit, and the sink learns of
    // it before; the interrupt lines learn of both together.
    unsigned uarts = machine_fetch(cpu->machine, &cpu->access);
    kind->serve(cpu);
    board_settle(&cpu->machine->board, uarts);
}

// ---- Requests --------------------------------------------------------------

static void answer_look(struct processor *cpu)
{
    struct toyvmm *vm = cpu->machine;
    struct vcpu_sample sample;
    bool valid = vcpu_read_sample(&cpu->vcpu, &sample);
    pthread_mutex_lock(&vm->lock);
    cpu->sample = sample;
    cpu->sample_valid = valid;
    cpu->samples++;
    pthread_cond_broadcast(&vm->changed);
    pthread_mutex_unlock(&vm->lock);
}

static void answer_nmi(struct processor *cpu)
{
    struct toyvmm *vm = cpu->machine;
    int code = lapic_press_nmi(&cpu->vcpu);
    pthread_mutex_lock(&vm->lock);
    cpu->nmi_code = code;
    cpu->nmi_answers++;
    pthread_cond_broadcast(&vm->changed);
    pthread_mutex_unlock(&vm->lock);
}

// The last to answer a round judges it. One vCPU alone with its interrupts off
// is believed at once. Else all must say that nothing wakes them in two rounds
// running; before each the keeper saw all of them stand still for a while. For
// what one answers may be old when the next is asked, and a timer may just have
// run out.
static void answer_sleep(struct processor *cpu)
{
    struct toyvmm *vm = cpu->machine;
    enum sleep sleep = sleep_look(&vm->kvm, &cpu->vcpu, &vm->board);
    bool all_off = true;
    bool all = true;
    pthread_mutex_lock(&vm->lock);
    bool again = cpu->sleep_round == vm->sleep_round;
    cpu->sleep = sleep;
    cpu->sleep_round = vm->sleep_round;
    for (unsigned i = 0; i < vm->nprocessors; i++) {
        const struct processor *c = &vm->processors[i];
        if (again || c->sleep_round != vm->sleep_round) {
            pthread_mutex_unlock(&vm->lock);
            return;
        }
        all &= c->sleep != SLEEP_AWAKE;
        all_off &= c->sleep == SLEEP_OFF;
    }
    vm->asleep = all ? vm->asleep + 1 : 0;
    bool ever = vm->asleep >= 2 || (all_off && vm->nprocessors == 1);
    pthread_mutex_unlock(&vm->lock);
    if (ever)
        machine_end(cpu, TOYVMM_EVENT_HALT,
                    all_off ? "hlt with interrupts off"
                            : "idle for ever: no timer runs and no device may "
                              "interrupt");
}

static void serve_requests(struct processor *cpu)
{
    unsigned requests = atomic_exchange(&cpu->requests, 0);
    if (requests & REQUEST_LOOK)
        answer_look(cpu);
    if (requests & REQUEST_NMI)
        answer_nmi(cpu);
    if (requests & REQUEST_STOP)
        machine_end(cpu, TOYVMM_EVENT_STOPPED, "stopped from outside");
    else if (requests & REQUEST_SLEEP)
        answer_sleep(cpu);
}

static void serve_kick(struct processor *cpu)
{
    counters_exit(cpu->counters, TOYVMM_EXIT_INTR);
    // In this order: a request is made before its kick, so one that comes
    // after the exchange still has its kick pending.
    kvm_kick_drain();
    serve_requests(cpu);
}

// ---- The thread ------------------------------------------------------------

static void run_once(struct processor *cpu)
{
    int result = ioctl(cpu->vcpu.fd, KVM_RUN, 0);
    int error = errno;
    // Before anything else: this is the time that the sink is told.
    cpu->access.ns = clock_now_ns();
    if (result == 0) {
        serve_exit(cpu);
    } else if (error == EINTR) {
        serve_kick(cpu);
    } else if (error != EAGAIN) {
        counters_exit(cpu->counters, TOYVMM_EXIT_OTHER);
        char text[64];
        machine_end(cpu, TOYVMM_EVENT_INTERNAL_ERROR, "KVM_RUN failed: %s",
                    strerror_r(error, text, sizeof text));
    }
}

// The sink has had enough: the guest waits, and still answers requests.
static void wait_for_room(struct processor *cpu)
{
    struct toyvmm *vm = cpu->machine;
    while (machine_is_full(vm) && !atomic_load(&vm->leaving)) {
        pthread_mutex_lock(&vm->lock);
        while (machine_is_full(vm) && !atomic_load(&vm->leaving) &&
               !atomic_load(&cpu->requests))
            pthread_cond_wait(&vm->changed, &vm->lock);
        pthread_mutex_unlock(&vm->lock);
        serve_requests(cpu);
    }
}

// The registers, unless KVM has lost them: on AMD a triple fault leaves the
// vCPU as INIT would.
static bool read_regs(struct processor *cpu, enum toyvmm_event_kind kind,
                      struct toyvmm_regs *out)
{
    if (!vcpu_read_regs(&cpu->vcpu, out))
        return false;
    return kind != TOYVMM_EVENT_TRIPLE_FAULT || !vcpu_is_reset(out);
}

// The first counts. itself: cpu's thread is another one, and must be asked to
// leave like the others.
static void end_with(struct processor *cpu, const struct toyvmm_event *event,
                     bool itself)
{
    struct toyvmm *vm = cpu->machine;
    pthread_mutex_lock(&vm->lock);
    if (!vm->ending.set) {
        vm->ending.set = true;
        vm->ending.event = *event;
        atomic_store(&vm->leaving, true);
        for (unsigned i = 0; i < vm->nprocessors; i++)
            if (itself || &vm->processors[i] != cpu)
                machine_request(&vm->processors[i], REQUEST_LEAVE);
        pthread_cond_broadcast(&vm->changed);
    }
    pthread_mutex_unlock(&vm->lock);
}

void machine_end(struct processor *cpu, enum toyvmm_event_kind kind,
                 const char *detail, ...)
{
    struct toyvmm_event event = {
        .kind = kind,
        .ns = cpu->access.ns,
        .vcpu = cpu->vcpu.id,
    };
    event.has_regs = read_regs(cpu, kind, &event.regs);
    va_list args;
    va_start(args, detail);
    vsnprintf(event.detail, sizeof event.detail, detail, args);
    va_end(args);

    end_with(cpu, &event, false);
}

void machine_end_outside(struct toyvmm *vm, unsigned vcpu, const char *detail,
                         ...)
{
    struct toyvmm_event event = {
        .kind = TOYVMM_EVENT_INTERNAL_ERROR,
        .ns = clock_now_ns(),
        .vcpu = vcpu,
    };
    va_list args;
    va_start(args, detail);
    vsnprintf(event.detail, sizeof event.detail, detail, args);
    va_end(args);
    end_with(&vm->processors[vcpu], &event, true);
}

void machine_end_broken(void *owner, const char *what)
{
    machine_end_outside(owner, 0, "%s", what);
}

static void report_start(struct processor *cpu)
{
    struct toyvmm *vm = cpu->machine;
    struct toyvmm_event event = {
        .kind = TOYVMM_EVENT_STARTED,
        .ns = clock_now_ns(),
        .ready_ns = vm->ready_ns,
        .vcpu = cpu->vcpu.id,
        .detail = "first KVM_RUN",
    };
    event.has_regs = vcpu_read_regs(&cpu->vcpu, &event.regs);
    machine_tell_event(vm, &event);
}

// What the guest wrote to its console in its last exits, and only a part of it
// was handed on: as much as a sink that has not enough takes in some rounds.
static void hand_on_last(struct toyvmm *vm)
{
    enum { ROUNDS = 16 };
    for (unsigned i = 0; i < ROUNDS && !machine_is_full(vm); i++)
        if (!pci_board_goes_on(vm->board.pci))
            return;
}

// The guest runs no more: the sink learns what is left, and of the end.
static void report_end(struct processor *cpu)
{
    struct toyvmm *vm = cpu->machine;
    board_settle(&vm->board, machine_fetch(vm, &cpu->access));
    hand_on_last(vm);
    machine_tell_event(vm, &vm->ending.event);
    pthread_mutex_lock(&vm->lock);
    vm->phase = MACHINE_ENDED;
    pthread_cond_broadcast(&vm->changed);
    pthread_mutex_unlock(&vm->lock);
}

void *machine_run_vcpu(void *arg)
{
    struct processor *cpu = arg;
    struct toyvmm *vm = cpu->machine;
    // Before the guest's first instruction.
    const struct guard_seat seat = confine_seat(
        vm->guard, SANDBOX_VCPU, cpu->vcpu.id, "vCPU %u", cpu->vcpu.id);
    guard_enter(&seat);
    // The others sleep until this one wakes them: nothing comes before it.
    if (cpu->vcpu.id == 0)
        report_start(cpu);
    while (!atomic_load(&vm->leaving)) {
        // Not before the guest's console is rid of what it wrote.
        if (pci_board_goes_on(vm->board.pci))
            serve_requests(cpu);
        else
            run_once(cpu);
        wait_for_room(cpu);
    }

    pthread_mutex_lock(&vm->lock);
    cpu->final_cpu_ns = clock_cpu_ns(CLOCK_THREAD_CPUTIME_ID);
    cpu->left = true;
    bool last = --vm->inside == 0;
    pthread_mutex_unlock(&vm->lock);
    if (last)
        report_end(cpu);
    return NULL;
}
