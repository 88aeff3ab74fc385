// SPDX-License-Identifier: Apache-2.0
// One virtual processor. See vcpu.h.
#include "src/machine/vcpu.h"

#include "src/machine/lapic.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// ---- Creation --------------------------------------------------------------

static int set_cpuid(struct vcpu *vcpu, const struct vm *vm)
{
    struct kvm_cpuid2 *table = cpuid_new();
    if (!table)
        return -ENOMEM;
    table->nent = vm->cpuid->nent;
    memcpy(table->entries, vm->cpuid->entries,
           table->nent * sizeof table->entries[0]);
    const struct cpuid_shape shape = {
        .cpus = vm->cpus,
        .tsc_khz = vcpu->tsc_khz,
        .tsc_deadline = kvm_host_cap(&vm->host, KVM_CAP_TSC_DEADLINE_TIMER),
    };
    int code = cpuid_apply(table, &shape, vcpu->id);
    if (code == 0)
        code = kvm_ioctl(vcpu->fd, KVM_SET_CPUID2, table);
    free(table);
    return code;
}

static int set_fpu(struct vcpu *vcpu)
{
    struct kvm_fpu fpu = {.fcw = 0x37f, .mxcsr = 0x1f80};
    return kvm_ioctl(vcpu->fd, KVM_SET_FPU, &fpu);
}

static int set_up(struct vcpu *vcpu, const struct vm *vm, struct error *err)
{
    vcpu->fd = kvm_ioctl_value(vm->fd, KVM_CREATE_VCPU, vcpu->id);
    if (vcpu->fd < 0)
        return error_errno(err, -vcpu->fd, "KVM can't create a vCPU");
    void *run = mmap(NULL, vcpu->run_size, PROT_READ | PROT_WRITE, MAP_SHARED,
                     vcpu->fd, 0);
    if (run == MAP_FAILED)
        return error_errno(err, errno, "can't map a vCPU's run area");
    vcpu->run = run;

    int khz = kvm_ioctl_value(vcpu->fd, KVM_GET_TSC_KHZ, 0);
    vcpu->tsc_khz = khz > 0 ? (uint32_t)khz : 0;

    int code = set_cpuid(vcpu, vm);
    if (code < 0)
        return error_errno(err, -code, "KVM refuses a vCPU's CPUID");
    msrs_apply(vcpu->fd, vm->msrs, vm->nmsrs);
    code = set_fpu(vcpu);
    if (code == 0)
        code = lapic_set_up(vcpu);
    if (code == 0)
        code = kvm_kick_arm(vcpu->fd);
    if (code < 0)
        return error_errno(err, -code, "KVM can't set up a vCPU");
    return 0;
}

int vcpu_open(struct vcpu *vcpu, const struct vm *vm, unsigned id,
              struct error *err)
{
    *vcpu = (struct vcpu){.id = id, .fd = -1, .run_size = vm->host.run_size};
    int code = set_up(vcpu, vm, err);
    if (code < 0)
        vcpu_close(vcpu);
    return code;
}

void vcpu_close(struct vcpu *vcpu)
{
    if (vcpu->run)
        munmap(vcpu->run, vcpu->run_size);
    vcpu->run = NULL;
    if (vcpu->fd >= 0)
        close(vcpu->fd);
    vcpu->fd = -1;
}

// ---- The first state -------------------------------------------------------

static struct kvm_segment segment(const struct boot_segment *from)
{
    return (struct kvm_segment){
        .base = from->base,
        .limit = from->limit,
        .selector = from->selector,
        .type = from->type,
        .present = from->present,
        .db = from->big,
        .s = from->code_or_data,
        .l = from->long_mode,
        .g = from->granular,
        .unusable = !from->present,
    };
}

static struct kvm_dtable table(const struct boot_table *from)
{
    return (struct kvm_dtable){.base = from->base, .limit = from->limit};
}

static void fill_sregs(struct kvm_sregs *s, const struct boot_state *boot)
{
    s->cs = segment(&boot->cs);
    s->ds = segment(&boot->ds);
    s->es = segment(&boot->es);
    s->fs = segment(&boot->fs);
    s->gs = segment(&boot->gs);
    s->ss = segment(&boot->ss);
    s->tr = segment(&boot->tr);
    s->ldt = segment(&boot->ldt);
    s->gdt = table(&boot->gdt);
    s->idt = table(&boot->idt);
    s->cr0 = boot->cr0;
    s->cr2 = boot->cr2;
    s->cr3 = boot->cr3;
    s->cr4 = boot->cr4;
    s->efer = boot->efer;
}

int vcpu_set_boot_state(struct vcpu *vcpu, const struct boot_state *boot,
                        struct error *err)
{
    struct kvm_sregs sregs;
    int code = kvm_ioctl(vcpu->fd, KVM_GET_SREGS, &sregs);
    if (code == 0) {
        fill_sregs(&sregs, boot);
        code = kvm_ioctl(vcpu->fd, KVM_SET_SREGS, &sregs);
    }
    struct kvm_regs regs = {
        .rax = boot->rax,
        .rbx = boot->rbx,
        .rcx = boot->rcx,
        .rdx = boot->rdx,
        .rsi = boot->rsi,
        .rdi = boot->rdi,
        .rsp = boot->rsp,
        .rbp = boot->rbp,
        .r8 = boot->r8,
        .r9 = boot->r9,
        .r10 = boot->r10,
        .r11 = boot->r11,
        .r12 = boot->r12,
        .r13 = boot->r13,
        .r14 = boot->r14,
        .r15 = boot->r15,
        .rip = boot->rip,
        .rflags = boot->rflags,
    };
    if (code == 0)
        code = kvm_ioctl(vcpu->fd, KVM_SET_REGS, &regs);
    if (code < 0)
        return error_errno(err, -code, "KVM refuses the kernel's entry state");
    return 0;
}

// ---- Looking at it ---------------------------------------------------------

static bool read_regs(const struct vcpu *vcpu, struct toyvmm_regs *out,
                      struct kvm_sregs *sregs)
{
    struct kvm_regs r;
    if (kvm_ioctl(vcpu->fd, KVM_GET_REGS, &r) < 0 ||
        kvm_ioctl(vcpu->fd, KVM_GET_SREGS, sregs) < 0)
        return false;
    *out = (struct toyvmm_regs){
        .rip = r.rip,
        .rflags = r.rflags,
        .rsp = r.rsp,
        .rbp = r.rbp,
        .rax = r.rax,
        .rbx = r.rbx,
        .rcx = r.rcx,
        .rdx = r.rdx,
        .rsi = r.rsi,
        .rdi = r.rdi,
        .r8 = r.r8,
        .r9 = r.r9,
        .r10 = r.r10,
        .r11 = r.r11,
        .r12 = r.r12,
        .r13 = r.r13,
        .r14 = r.r14,
        .r15 = r.r15,
        .cr0 = sregs->cr0,
        .cr2 = sregs->cr2,
        .cr3 = sregs->cr3,
        .cr4 = sregs->cr4,
        .efer = sregs->efer,
        .cs = sregs->cs.selector,
        .ss = sregs->ss.selector,
    };
    return true;
}

bool vcpu_read_regs(const struct vcpu *vcpu, struct toyvmm_regs *out)
{
    struct kvm_sregs sregs;
    return read_regs(vcpu, out, &sregs);
}

bool vcpu_is_reset(const struct toyvmm_regs *regs)
{
    enum { CR0_PE = 1, RESET_RIP = 0xfff0, RESET_CS = 0xf000 };
    return regs->rip == RESET_RIP && regs->cs == RESET_CS &&
           !(regs->cr0 & CR0_PE) && regs->rsp == 0;
}

bool vcpu_waits_for_start(const struct kvm_mp_state *mp)
{
    return mp->mp_state == KVM_MP_STATE_UNINITIALIZED ||
           mp->mp_state == KVM_MP_STATE_INIT_RECEIVED ||
           mp->mp_state == KVM_MP_STATE_SIPI_RECEIVED;
}

bool vcpu_read_msr(const struct vcpu *vcpu, uint32_t index, uint64_t *value)
{
    // The array at the end of struct kvm_msrs takes its size from its user.
    union {
        struct kvm_msrs list;
        uint8_t room[sizeof(struct kvm_msrs) + sizeof(struct kvm_msr_entry)];
    } msrs = {.list.nmsrs = 1};
    msrs.list.entries[0].index = index;
    if (kvm_ioctl_value(vcpu->fd, KVM_GET_MSRS, (uintptr_t)&msrs) != 1)
        return false;
    *value = msrs.list.entries[0].data;
    return true;
}

static uint64_t read_lstar(const struct vcpu *vcpu)
{
    enum { MSR_LSTAR = 0xc0000082 };
    uint64_t value;
    return vcpu_read_msr(vcpu, MSR_LSTAR, &value) ? value : 0;
}

bool vcpu_read_sample(const struct vcpu *vcpu, struct vcpu_sample *out)
{
    struct kvm_sregs sregs;
    struct kvm_mp_state mp;
    *out = (struct vcpu_sample){0};
    if (!read_regs(vcpu, &out->regs, &sregs) ||
        kvm_ioctl(vcpu->fd, KVM_GET_MP_STATE, &mp) < 0)
        return false;
    out->halted = mp.mp_state == KVM_MP_STATE_HALTED;
    out->waits = vcpu_waits_for_start(&mp);
    out->idt_base = sregs.idt.base;
    out->idt_limit = sregs.idt.limit;
    out->lstar = read_lstar(vcpu);
    return true;
}

size_t vcpu_read_virtual(const struct vcpu *vcpu,
                         const struct guest_memory *mem, uint64_t address,
                         uint8_t *out, size_t max)
{
    enum { PAGE = 4096 };
    struct kvm_translation where = {.linear_address = address};
    if (kvm_ioctl(vcpu->fd, KVM_TRANSLATE, &where) < 0 || !where.valid)
        return 0;
    size_t to_end = PAGE - address % PAGE;
    size_t n = max < to_end ? max : to_end;
    const void *bytes = guest_memory_at(mem, where.physical_address, n);
    if (!bytes)
        return 0;
    memcpy(out, bytes, n);
    return n;
}
