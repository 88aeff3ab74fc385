// SPDX-License-Identifier: Apache-2.0
// A KVM virtual machine. See vm.h.
#include "src/machine/vm.h"

#include "src/base/platform.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

// On Intel hosts KVM needs four pages of guest-physical space for itself; they
// must be set before the first vCPU. AMD hosts ignore them.
static int set_intel_pages(struct vm *vm)
{
    uint64_t identity_map = PLATFORM_KVM_IDENTITY_MAP_GPA;
    int code = kvm_ioctl(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &identity_map);
    if (code < 0)
        return code;
    return kvm_ioctl_value(vm->fd, KVM_SET_TSS_ADDR, PLATFORM_KVM_TSS_GPA);
}

static int create_interrupts(struct vm *vm)
{
    int code = kvm_ioctl_value(vm->fd, KVM_CREATE_IRQCHIP, 0);
    if (code < 0)
        return code;
    // The dummy speaker answers port 0x61, which guests read to calibrate.
    struct kvm_pit_config pit = {.flags = KVM_PIT_SPEAKER_DUMMY};
    code = kvm_ioctl(vm->fd, KVM_CREATE_PIT2, &pit);
    if (code < 0)
        return code;
    // Ticks that the guest missed are not made up for: its kernel counts time
    // by its clock. Making up keeps KVM from using AVIC (4.72).
    struct kvm_reinject_control control = {.pit_reinject = 0};
    if (kvm_host_cap(&vm->host, KVM_CAP_REINJECT_CONTROL))
        (void)kvm_ioctl(vm->fd, KVM_REINJECT_CONTROL, &control);
    return 0;
}

static int check_cpus(const struct vm *vm, struct error *err)
{
    int most = kvm_host_cap(&vm->host, KVM_CAP_MAX_VCPUS);
    // APIC ids are below what KVM_CAP_MAX_VCPU_ID says, and ours are dense.
    if (most > 0 && vm->cpus > (unsigned)most)
        return error_set(err, -EINVAL,
                         "%u CPUs: KVM has at most %d for a machine here",
                         vm->cpus, most);
    return 0;
}

// CPUID says that there are no performance counters; so let there be none,
// and KVM need not switch them at each entry. Older kernels can't.
static void disable_counters(struct vm *vm)
{
    if (!(kvm_host_cap(&vm->host, KVM_CAP_PMU_CAPABILITY) &
          KVM_PMU_CAP_DISABLE))
        return;
    struct kvm_enable_cap cap = {
        .cap = KVM_CAP_PMU_CAPABILITY,
        .args[0] = KVM_PMU_CAP_DISABLE,
    };
    (void)kvm_ioctl(vm->fd, KVM_ENABLE_CAP, &cap);
}

static int read_tables(struct vm *vm, struct error *err)
{
    vm->cpuid = cpuid_new();
    if (!vm->cpuid)
        return error_set(err, -ENOMEM, "out of memory");
    int code = cpuid_supported(&vm->host, vm->cpuid, err);
    if (code < 0)
        return code;
    struct kvm_msr_list *list = kvm_host_msr_list(&vm->host, err);
    if (!list)
        return -ENODEV;
    vm->nmsrs = msrs_policy(list, vm->msrs);
    free(list);
    return 0;
}

static int set_up(struct vm *vm, struct error *err)
{
    int code = check_cpus(vm, err);
    if (code < 0)
        return code;
    vm->fd = kvm_ioctl_value(vm->host.fd, KVM_CREATE_VM, 0);
    if (vm->fd < 0)
        return error_errno(err, -vm->fd, "KVM can't create a VM");
    code = set_intel_pages(vm);
    if (code < 0)
        return error_errno(err, -code, "KVM can't place its own pages");
    code = create_interrupts(vm);
    if (code == -ENOTTY || code == -EINVAL)
        return error_set(err, code,
                         "KVM has no in-kernel I/O APIC or timer: boot a host "
                         "kernel that is built with CONFIG_KVM_IOAPIC=y, or "
                         "use the rig");
    if (code < 0)
        return error_errno(err, -code,
                           "KVM can't create interrupt controllers");
    disable_counters(vm);
    return read_tables(vm, err);
}

int vm_open(struct vm *vm, const char *path, unsigned cpus, struct error *err)
{
    *vm = (struct vm){.fd = -1, .cpus = cpus};
    int code = kvm_host_open(&vm->host, path, err);
    if (code < 0)
        return code;
    code = set_up(vm, err);
    if (code < 0)
        vm_close(vm);
    return code;
}

void vm_close(struct vm *vm)
{
    free(vm->cpuid);
    vm->cpuid = NULL;
    if (vm->fd >= 0)
        close(vm->fd);
    vm->fd = -1;
    kvm_host_close(&vm->host);
}

int vm_set_memory(struct vm *vm, const struct guest_memory *mem,
                  struct error *err)
{
    for (uint32_t i = 0; i < mem->nregions; i++) {
        struct kvm_userspace_memory_region region = {
            .slot = i,
            .guest_phys_addr = mem->regions[i].gpa,
            .memory_size = mem->regions[i].size,
            .userspace_addr = (uintptr_t)mem->regions[i].hva,
        };
        int code = kvm_ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region);
        if (code < 0)
            return error_errno(err, -code,
                               "KVM refuses %llu MiB of guest memory",
                               (unsigned long long)(region.memory_size >> 20));
    }
    return 0;
}

void vm_irq_line(const struct vm *vm, unsigned gsi, bool level)
{
    struct kvm_irq_level irq = {.irq = gsi, .level = level};
    // It fails for a GSI that the irqchip lacks only: a wiring mistake.
    (void)kvm_ioctl(vm->fd, KVM_IRQ_LINE, &irq);
}

void vm_signal_msi(const struct vm *vm, uint64_t address, uint32_t data)
{
    struct kvm_msi msi = {
        .address_lo = (uint32_t)address,
        .address_hi = (uint32_t)(address >> 32),
        .data = data,
    };
    // A guest may have named a local APIC that isn't there: it is its loss.
    (void)kvm_ioctl(vm->fd, KVM_SIGNAL_MSI, &msi);
}
