// SPDX-License-Identifier: Apache-2.0
// See cpustate.h. Intel SDM volume 3: 3.4.5 (descriptors), 4.5 (4-level
// paging).
#include "src/boot/cpustate.h"

#include "src/base/platform.h"

#include <errno.h>

#define TABLE_SIZE    UINT64_C(4096)
#define TABLE_ENTRIES 512
#define MAPPED_GIB    4

#define PTE_PRESENT UINT64_C(0x01)
#define PTE_WRITE   UINT64_C(0x02)
#define PTE_LARGE   UINT64_C(0x80)
#define LARGE_PAGE  (UINT64_C(1) << 21)

#define PDPT_GPA (PLATFORM_PML4_GPA + TABLE_SIZE)
#define PD_GPA   (PDPT_GPA + TABLE_SIZE)
_Static_assert(PD_GPA + MAPPED_GIB * TABLE_SIZE <= PLATFORM_CMDLINE_GPA,
               "the page tables end before the command line");

#define CR0_PE   UINT64_C(0x1)
#define CR0_ET   UINT64_C(0x10)
#define CR0_NE   UINT64_C(0x20)
#define CR0_WP   UINT64_C(0x10000)
#define CR0_PG   UINT64_C(0x80000000)
#define CR4_PAE  UINT64_C(0x20)
#define EFER_LME UINT64_C(0x100)
#define EFER_LMA UINT64_C(0x400)
#define RFLAGS_1 UINT64_C(0x2)

#define GDT_CODE_64 UINT64_C(0x00af9b000000ffff)
#define GDT_CODE_32 UINT64_C(0x00cf9b000000ffff)
#define GDT_DATA    UINT64_C(0x00cf93000000ffff)

// The boot protocol names these two selectors.
#define BOOT_CS 0x10
#define BOOT_DS 0x18

static bool write_page_tables(const struct guest_memory *mem)
{
    const uint64_t link = PTE_PRESENT | PTE_WRITE;
    uint64_t table[TABLE_ENTRIES] = {PDPT_GPA | link};
    if (!guest_memory_write(mem, PLATFORM_PML4_GPA, table, sizeof(table)))
        return false;
    for (size_t i = 0; i < MAPPED_GIB; i++)
        table[i] = (PD_GPA + i * TABLE_SIZE) | link;
    if (!guest_memory_write(mem, PDPT_GPA, table, sizeof(table)))
        return false;
    uint64_t page = 0;
    for (size_t gib = 0; gib < MAPPED_GIB; gib++) {
        for (size_t i = 0; i < TABLE_ENTRIES; i++, page += LARGE_PAGE)
            table[i] = page | link | PTE_LARGE;
        if (!guest_memory_write(mem, PD_GPA + gib * TABLE_SIZE, table,
                                sizeof(table)))
            return false;
    }
    return true;
}

static struct boot_segment code_segment(bool long_mode)
{
    return (struct boot_segment){
        .limit = UINT32_MAX,
        .selector = BOOT_CS,
        .type = 0xb, // execute, read, accessed
        .present = true,
        .code_or_data = true,
        .long_mode = long_mode,
        .big = !long_mode,
        .granular = true,
    };
}

static struct boot_segment data_segment(void)
{
    return (struct boot_segment){
        .limit = UINT32_MAX,
        .selector = BOOT_DS,
        .type = 0x3, // read, write, accessed
        .present = true,
        .code_or_data = true,
        .big = true,
        .granular = true,
    };
}

static bool enter(const struct guest_memory *mem, bool long_mode,
                  uint64_t entry, struct boot_state *s)
{
    const uint64_t gdt[] = {
        0, 0,
        long_mode ? GDT_CODE_64 : GDT_CODE_32, // BOOT_CS
        GDT_DATA,                              // BOOT_DS
    };
    if (!guest_memory_write(mem, PLATFORM_GDT_GPA, gdt, sizeof(gdt)))
        return false;
    s->rip = entry;
    s->rflags = RFLAGS_1;
    s->cs = code_segment(long_mode);
    s->ds = s->es = s->fs = s->gs = s->ss = data_segment();
    // VT-x checks the task register at entry, PVH asks for this one: a busy
    // TSS, 32-bit or 64-bit as the mode is.
    s->tr = (struct boot_segment){.limit = 0x67, .type = 0xb, .present = true};
    s->ldt = (struct boot_segment){.type = 0x2};
    s->gdt = (struct boot_table){PLATFORM_GDT_GPA, sizeof(gdt) - 1};
    return true;
}

static int too_small(struct error *err)
{
    return error_set(err, -EINVAL,
                     "guest memory is too small for the boot data");
}

int cpustate_enter_64(const struct guest_memory *mem, uint64_t entry,
                      struct boot_state *state, struct error *err)
{
    if (!write_page_tables(mem) || !enter(mem, true, entry, state))
        return too_small(err);
    state->rsp = PLATFORM_BOOT_STACK_GPA;
    state->cr0 = CR0_PE | CR0_ET | CR0_NE | CR0_WP | CR0_PG;
    state->cr3 = PLATFORM_PML4_GPA;
    state->cr4 = CR4_PAE;
    state->efer = EFER_LME | EFER_LMA;
    return 0;
}

int cpustate_enter_32(const struct guest_memory *mem, uint64_t entry,
                      struct boot_state *state, struct error *err)
{
    if (!enter(mem, false, entry, state))
        return too_small(err);
    // PVH wants every other bit clear; ET can't be.
    state->cr0 = CR0_PE | CR0_ET;
    return 0;
}
