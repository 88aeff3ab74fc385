// SPDX-License-Identifier: Apache-2.0
// The order of things: open and identify the files, plan, check that all
// fits, then load. Both entry points share all but the last; see boot.h.
#include "src/boot/boot.h"

#include "src/base/platform.h"
#include "src/boot/acpi.h"
#include "src/boot/cpustate.h"
#include "src/boot/firmware.h"
#include "src/boot/handover.h"
#include "src/boot/image.h"
#include "src/boot/kernel.h"
#include "src/boot/layout.h"
#include "src/boot/mptable.h"
#include "src/boot/multiboot.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/random.h>

// What EAX holds for a kernel that a multiboot loader has loaded.
#define MULTIBOOT_LOADED 0x2badb002

// Lives on the stack of one call; prepare fills it, release closes the files.
struct boot_job {
    const struct boot_request *request;
    const char *cmdline;
    struct ram ram;
    struct image kernel;
    struct image initrd; // fd -1 without one
    struct kernel_plan plan;
    uint64_t initrd_gpa;
};

static int check_shape(const struct boot_request *request, uint64_t memory,
                       struct error *err)
{
    if (!request->kernel || !request->kernel[0])
        return error_set(err, -EINVAL, "no kernel is given");
    if (request->cpus < 1 || request->cpus > BOOT_CPUS_MAX)
        return error_set(err, -EINVAL, "%u CPUs are out of range: 1 to %u",
                         request->cpus, BOOT_CPUS_MAX);
    if (request->ports > PLATFORM_COM_COUNT)
        return error_set(err, -EINVAL, "%u serial ports: a machine has 1 to %u",
                         request->ports, PLATFORM_COM_COUNT);
    return layout_check_memory(memory, host_memory(), err);
}

static int plan_kernel(struct boot_job *job, struct error *err)
{
    enum boot_image_kind kind;
    int rc = image_open(&job->kernel, job->request->kernel, "kernel", err);
    if (rc == 0)
        rc = image_identify_kernel(&job->kernel, &kind, err);
    if (rc < 0)
        return rc;
    switch (kind) {
    case BOOT_IMAGE_ELF:
        rc = elf_plan(&job->kernel, &job->plan, err);
        break;
    case BOOT_IMAGE_BZIMAGE:
        rc = bzimage_plan(&job->kernel, &job->plan, err);
        break;
    case BOOT_IMAGE_FLAT:
        rc = multiboot_plan(&job->kernel, &job->plan, err);
        break;
    }
    if (rc < 0)
        return rc;
    return layout_check_kernel(&job->plan, job->ram, job->kernel.path, err);
}

static bool is_linux(const struct kernel_plan *plan)
{
    return plan->how == BOOT_ENTRY_LINUX64 || plan->how == BOOT_ENTRY_LINUX32;
}

static int plan_initrd(struct boot_job *job, struct error *err)
{
    if (!job->request->initrd)
        return 0;
    int rc = image_open(&job->initrd, job->request->initrd, "initrd", err);
    // A module of another kernel may be anything, a kernel among others.
    if (rc == 0 && is_linux(&job->plan))
        rc = image_identify_initrd(&job->initrd, err);
    if (rc < 0)
        return rc;
    return layout_place_initrd(&job->plan, job->ram, job->initrd.size,
                               job->initrd.path, &job->initrd_gpa, err);
}

static int prepare(struct boot_job *job, const struct boot_request *request,
                   uint64_t memory, struct error *err)
{
    job->request = request;
    job->cmdline = request->cmdline ? request->cmdline : "";
    job->kernel.fd = -1;
    job->initrd.fd = -1;
    int rc = check_shape(request, memory, err);
    if (rc < 0)
        return rc;
    job->ram = ram_shape(memory);
    rc = plan_kernel(job, err);
    if (rc == 0)
        rc = plan_initrd(job, err);
    if (rc == 0)
        rc = layout_check_cmdline(job->cmdline, job->plan.cmdline_max,
                                  &job->plan.notes, err);
    return rc;
}

static void release(struct boot_job *job)
{
    image_close(&job->kernel);
    image_close(&job->initrd);
}

// What every guest finds in its memory, whatever its kernel.
static int write_tables(const struct boot_request *request,
                        const struct guest_memory *mem, uint64_t *rsdp,
                        struct error *err)
{
    int rc = acpi_write(mem, request->cpus, request->ports, request->pci,
                        request->virtio, rsdp, err);
    if (rc == 0)
        rc = mptable_write(mem, request->cpus, err);
    if (rc == 0)
        rc = firmware_write(mem, request->ports, err);
    return rc;
}

// Hands over in the kernel's own protocol, and sets the registers.
static int enter(const struct handover *handover,
                 const struct guest_memory *mem, struct boot_state *state,
                 struct error *err)
{
    const uint64_t entry = handover->plan->entry;
    int rc = -EINVAL;
    switch (handover->plan->how) {
    case BOOT_ENTRY_LINUX64:
    case BOOT_ENTRY_LINUX32:
        state->rsi = state->zero_page_gpa = PLATFORM_ZERO_PAGE_GPA;
        rc = zeropage_write(handover, mem, err);
        break;
    case BOOT_ENTRY_PVH:
        state->rbx = PLATFORM_BOOT_INFO_GPA;
        rc = pvh_write(handover, mem, err);
        break;
    case BOOT_ENTRY_MULTIBOOT:
        state->rax = MULTIBOOT_LOADED;
        state->rbx = PLATFORM_BOOT_INFO_GPA;
        rc = multiboot_write(handover, mem, err);
        break;
    }
    if (rc < 0)
        return rc;
    if (handover->plan->how == BOOT_ENTRY_LINUX64)
        return cpustate_enter_64(mem, entry, state, err);
    return cpustate_enter_32(mem, entry, state, err);
}

// The request's, or fresh; NULL when the host has none to give.
static const struct boot_seed *find_seed(const struct boot_request *request,
                                         struct boot_seed *fresh)
{
    if (request->seed)
        return request->seed;
    ssize_t n = getrandom(fresh->bytes, sizeof(fresh->bytes), GRND_NONBLOCK);
    return n == (ssize_t)sizeof(fresh->bytes) ? fresh : NULL;
}

static int load(struct boot_job *job, const struct guest_memory *mem,
                struct boot_state *state, struct error *err)
{
    struct boot_seed fresh;
    struct handover handover = {
        .plan = &job->plan,
        .ram = job->ram,
        .cmdline = job->cmdline,
        .kernel_path = job->kernel.path,
        .initrd_path = job->request->initrd,
        .initrd_gpa = job->initrd_gpa,
        .initrd_size = job->request->initrd ? job->initrd.size : 0,
        .seed = find_seed(job->request, &fresh),
    };
    int rc = kernel_load(&job->plan, &job->kernel, mem, err);
    if (rc == 0 && handover.initrd_size)
        rc = image_load(&job->initrd, 0, handover.initrd_size, mem,
                        handover.initrd_gpa, err);
    if (rc == 0)
        rc = write_tables(job->request, mem, &handover.rsdp_gpa, err);
    if (rc < 0)
        return rc;
    state->kind = job->plan.kind;
    state->entry = job->plan.how;
    state->kernel_gpa = job->plan.start;
    state->kernel_size = job->plan.end - job->plan.start;
    state->initrd_gpa = handover.initrd_gpa;
    state->initrd_size = handover.initrd_size;
    state->rsdp_gpa = handover.rsdp_gpa;
    state->notes = job->plan.notes;
    return enter(&handover, mem, state, err);
}

int boot_check(const struct boot_request *request, struct error *err)
{
    struct boot_job job = {0};
    int rc = prepare(&job, request, request->memory, err);
    release(&job);
    return rc;
}

int boot_load(const struct boot_request *request,
              const struct guest_memory *mem, struct boot_state *out,
              struct error *err)
{
    struct boot_job job = {0};
    struct boot_state state = {0};
    int rc = prepare(&job, request, mem->size, err);
    if (rc == 0)
        rc = load(&job, mem, &state, err);
    release(&job);
    if (rc == 0)
        *out = state;
    return rc;
}
