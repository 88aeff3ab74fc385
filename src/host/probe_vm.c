// SPDX-License-Identifier: Apache-2.0
// The probe's VM. See probe_vm.h.
#include "src/host/probe_vm.h"

#include "src/base/clock.h"
#include "src/base/platform.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

// What the whole probe may take, of which a good KVM needs milliseconds. CPU
// time is the bound that counts: a loaded machine must not make a good KVM look
// bad. In an emulated machine on a loaded host CPU time passes while nothing is
// done, so there is room for that, too. The other bound is for a KVM_RUN that
// sleeps.
#define CPU_LIMIT_NS  (2 * NS_PER_S)
#define WALL_LIMIT_NS (10 * NS_PER_S)

#define CR0_PE 0x1u
#define CR0_ET 0x10u

// ---- Guest memory ----------------------------------------------------------

static void put64(uint8_t *memory, uint64_t gpa, uint64_t value)
{
    memcpy(memory + gpa, &value, sizeof value);
}

static void fill_memory(uint8_t *memory)
{
    enum { PRESENT_WRITE = 3, LARGE = 0x80 };
    put64(memory, PROBE_PML4, PROBE_PDPT | PRESENT_WRITE);
    put64(memory, PROBE_PDPT, PROBE_PD | PRESENT_WRITE);
    put64(memory, PROBE_PD, 0 | PRESENT_WRITE | LARGE);

    put64(memory, PROBE_GDT + PROBE_CODE32, 0x00cf9b000000ffff);
    put64(memory, PROBE_GDT + PROBE_CODE64, 0x00af9b000000ffff);
    put64(memory, PROBE_GDT + PROBE_DATA, 0x00cf93000000ffff);

    // Vector 3, an interrupt gate; the handler lies below 64 KiB.
    uint64_t handler =
        PROBE_CODE + (uint64_t)(probe_int3_handler - probe_guest);
    put64(memory, PROBE_IDT + 3 * 16,
          handler | (uint64_t)PROBE_CODE64 << 16 | UINT64_C(0x8e00) << 32);

    memcpy(memory + PROBE_CODE, probe_guest,
           (size_t)(probe_guest_end - probe_guest));
}

static int map_memory(struct probe_vm *vm)
{
    void *memory = mmap(NULL, PROBE_MEMORY_SIZE, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return -errno;
    vm->memory = memory;
    fill_memory(vm->memory);
    struct kvm_userspace_memory_region region = {
        .memory_size = PROBE_MEMORY_SIZE,
        .userspace_addr = (uintptr_t)memory,
    };
    return kvm_ioctl(vm->vm_fd, KVM_SET_USER_MEMORY_REGION, &region);
}

// ---- The vCPU --------------------------------------------------------------

static int set_cpuid(struct probe_vm *vm, struct error *err)
{
    vm->cpuid = cpuid_new();
    if (!vm->cpuid)
        return error_set(err, -ENOMEM, "out of memory");
    int code = cpuid_supported(&vm->host, vm->cpuid, err);
    if (code < 0)
        return code;
    const struct kvm_cpuid_entry2 magic = {
        .function = PROBE_LEAF,
        .eax = 0x746f7976,
        .ebx = 0x6d6d2070,
        .ecx = 0x726f6265,
        .edx = PROBE_TOKEN,
    };
    const struct cpuid_shape shape = {.cpus = 1};
    code = cpuid_apply(vm->cpuid, &shape, 0);
    if (code == 0 && !cpuid_put(vm->cpuid, magic))
        code = -ENOSPC;
    if (code == 0)
        code = kvm_ioctl(vm->vcpu_fd, KVM_SET_CPUID2, vm->cpuid);
    if (code < 0)
        return error_errno(err, -code, "KVM refuses a vCPU's CPUID");
    return 0;
}

static int init_sregs(struct probe_vm *vm)
{
    struct kvm_sregs *s = &vm->flat_start;
    int code = kvm_ioctl(vm->vcpu_fd, KVM_GET_SREGS, s);
    if (code < 0)
        return code;
    struct kvm_segment code32 = {
        .limit = UINT32_MAX,
        .selector = PROBE_CODE32,
        .type = 0xb,
        .present = 1,
        .db = 1,
        .s = 1,
        .g = 1,
    };
    struct kvm_segment data = code32;
    data.selector = PROBE_DATA;
    data.type = 3;
    s->cs = code32;
    s->ds = s->es = s->fs = s->gs = s->ss = data;
    s->gdt = (struct kvm_dtable){.base = PROBE_GDT, .limit = 0x1f};
    s->idt = (struct kvm_dtable){.base = PROBE_IDT, .limit = 4 * 16 - 1};
    s->cr0 = CR0_PE | CR0_ET;
    return 0;
}

static int create_vcpu(struct probe_vm *vm, struct error *err)
{
    vm->vcpu_fd = kvm_ioctl_value(vm->vm_fd, KVM_CREATE_VCPU, 0);
    if (vm->vcpu_fd < 0)
        return error_errno(err, -vm->vcpu_fd, "KVM can't create a vCPU");
    void *run = mmap(NULL, vm->host.run_size, PROT_READ | PROT_WRITE,
                     MAP_SHARED, vm->vcpu_fd, 0);
    if (run == MAP_FAILED)
        return error_errno(err, errno, "can't map a vCPU's run area");
    vm->run = run;
    int code = set_cpuid(vm, err);
    if (code < 0)
        return code;
    code = init_sregs(vm);
    if (code == 0)
        code = kvm_kick_arm(vm->vcpu_fd);
    if (code < 0)
        return error_errno(err, -code, "KVM can't set up a vCPU");
    return 0;
}

static int create_vm(struct probe_vm *vm, struct error *err)
{
    vm->vm_fd = kvm_ioctl_value(vm->host.fd, KVM_CREATE_VM, 0);
    if (vm->vm_fd < 0)
        return error_errno(err, -vm->vm_fd, "KVM can't create a VM");
    uint64_t identity_map = PLATFORM_KVM_IDENTITY_MAP_GPA;
    int code = kvm_ioctl(vm->vm_fd, KVM_SET_IDENTITY_MAP_ADDR, &identity_map);
    if (code == 0)
        code =
            kvm_ioctl_value(vm->vm_fd, KVM_SET_TSS_ADDR, PLATFORM_KVM_TSS_GPA);
    if (code == 0)
        code = map_memory(vm);
    if (code < 0)
        return error_errno(err, -code, "KVM can't give a VM memory");
    return create_vcpu(vm, err);
}

// ---- Public functions ------------------------------------------------------

int probe_vm_open(struct probe_vm *vm, const char *path, struct error *err)
{
    *vm = (struct probe_vm){.vm_fd = -1, .vcpu_fd = -1};
    int code = kvm_host_open(&vm->host, path, err);
    if (code < 0)
        return code;
    code = kvm_kick_block_signals(&vm->old_signals);
    if (code < 0) {
        kvm_host_close(&vm->host);
        return error_errno(err, -code, "can't block signals");
    }
    code = create_vm(vm, err);
    if (code == 0)
        code =
            probe_limits_start(&vm->limits, CPU_LIMIT_NS, WALL_LIMIT_NS, err);
    vm->limited = code == 0;
    if (code < 0)
        probe_vm_close(vm);
    return code;
}

void probe_vm_close(struct probe_vm *vm)
{
    if (vm->limited)
        probe_limits_stop(&vm->limits);
    if (vm->run)
        munmap(vm->run, vm->host.run_size);
    if (vm->vcpu_fd >= 0)
        close(vm->vcpu_fd);
    if (vm->vm_fd >= 0)
        close(vm->vm_fd);
    if (vm->memory)
        munmap(vm->memory, PROBE_MEMORY_SIZE);
    free(vm->cpuid);
    kvm_host_close(&vm->host);
    // A kick that came late must not outlive the probe.
    kvm_kick_drain();
    pthread_sigmask(SIG_SETMASK, &vm->old_signals, NULL);
}

static enum probe_outcome outcome_of(const struct kvm_run *run)
{
    switch (run->exit_reason) {
    case KVM_EXIT_IO:
        return run->io.port == PROBE_PORT ? PROBE_DONE : PROBE_REFUSED;
    case KVM_EXIT_INTERNAL_ERROR:
        return PROBE_EMULATION_FAILED;
    case KVM_EXIT_SHUTDOWN:
        return PROBE_SHUTDOWN;
    case KVM_EXIT_INTR:
        return PROBE_TIMED_OUT;
    default:
        return PROBE_REFUSED;
    }
}

enum probe_outcome probe_vm_run(struct probe_vm *vm, const uint8_t *entry,
                                bool long_mode, struct kvm_regs *regs)
{
    const struct kvm_sregs *sregs =
        long_mode ? &vm->after_start : &vm->flat_start;
    *regs = (struct kvm_regs){
        .rip = PROBE_CODE + (uint64_t)(entry - probe_guest),
        .rsp = PROBE_STACK,
        .rflags = 2,
    };
    struct kvm_sregs copy = *sregs;
    if (kvm_ioctl(vm->vcpu_fd, KVM_SET_SREGS, &copy) < 0 ||
        kvm_ioctl(vm->vcpu_fd, KVM_SET_REGS, regs) < 0)
        return PROBE_REFUSED;

    if (ioctl(vm->vcpu_fd, KVM_RUN, 0) < 0)
        return errno == EINTR ? PROBE_TIMED_OUT : PROBE_REFUSED;
    enum probe_outcome outcome = outcome_of(vm->run);
    if (outcome == PROBE_DONE &&
        (kvm_ioctl(vm->vcpu_fd, KVM_GET_REGS, regs) < 0 ||
         (!long_mode &&
          kvm_ioctl(vm->vcpu_fd, KVM_GET_SREGS, &vm->after_start) < 0)))
        return PROBE_REFUSED;
    return outcome;
}
