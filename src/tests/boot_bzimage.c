// SPDX-License-Identifier: Apache-2.0
// bzImage: the setup header honoured, and what is refused.
#include "src/base/platform.h"
#include "src/boot/kernel.h"
#include "src/tests/boot_fixture.h"

#include <asm/bootparam.h>
#include <criterion/criterion.h>
#include <string.h>

static void refused(const struct small_bzimage *image, const char *words,
                    const char *what)
{
    assert_bytes_refused(image, sizeof(*image), words, what);
}

static struct boot_state load(const struct small_bzimage *image,
                              struct guest_memory *mem)
{
    return load_bytes(image, sizeof(*image), mem);
}

Test(boot_bzimage, loads_the_body_at_its_preferred_address)
{
    struct small_bzimage image = small_bzimage();
    struct guest_memory mem;
    struct boot_state s = load(&image, &mem);
    cr_assert_eq(s.kind, BOOT_IMAGE_BZIMAGE);
    cr_assert_eq(s.rip, BZ_PREF + 0x200);
    cr_assert_eq(s.kernel_gpa, BZ_PREF);
    cr_assert_eq(s.kernel_size, BZ_INIT_SIZE);
    const uint8_t *at = guest_memory_at(&mem, BZ_PREF - 1, BZ_BODY + 2);
    cr_assert_eq(at[0], 0);
    cr_assert_eq(memcmp(at + 1, image.body, BZ_BODY), 0);
    cr_assert_eq(at[BZ_BODY + 1], 0);
    guest_memory_unmap(&mem);
}

Test(boot_bzimage, a_signature_behind_the_body_is_not_loaded)
{
    struct {
        struct small_bzimage image;
        uint8_t signature[777];
    } signed_image = {.image = small_bzimage()};
    memset(signed_image.signature, 0x51, sizeof(signed_image.signature));
    struct guest_memory mem;
    load_bytes(&signed_image, sizeof(signed_image), &mem);
    const uint8_t *at = guest_memory_at(&mem, BZ_PREF + BZ_BODY, 1);
    cr_assert_eq(*at, 0);
    guest_memory_unmap(&mem);
}

Test(boot_bzimage, zero_setup_sects_means_four)
{
    struct {
        uint8_t setup[5 * 512];
        uint8_t body[BZ_BODY];
    } image = {{0}, {0}};
    struct small_bzimage small = small_bzimage();
    bz_header(&small)->setup_sects = 0;
    memcpy(image.setup, small.setup, sizeof(small.setup));
    memcpy(image.body, small.body, sizeof(small.body));
    struct guest_memory mem;
    load_bytes(&image, sizeof(image), &mem);
    cr_assert_eq(
        memcmp(guest_memory_at(&mem, BZ_PREF, BZ_BODY), image.body, BZ_BODY),
        0);
    guest_memory_unmap(&mem);
}

Test(boot_bzimage, relocatable_moves_up_from_an_unusable_address)
{
    struct small_bzimage image = small_bzimage();
    bz_header(&image)->pref_address = 0x10000;
    struct guest_memory mem;
    cr_assert_eq(load(&image, &mem).rip, 0x200000 + 0x200);
    guest_memory_unmap(&mem);
    bz_header(&image)->pref_address = 0x300000;
    cr_assert_eq(load(&image, &mem).kernel_gpa, 0x400000);
    guest_memory_unmap(&mem);
}

Test(boot_bzimage, not_relocatable_stays)
{
    struct small_bzimage image = small_bzimage();
    bz_header(&image)->relocatable_kernel = 0;
    bz_header(&image)->pref_address = 0x312000;
    struct guest_memory mem;
    cr_assert_eq(load(&image, &mem).rip, 0x312200);
    guest_memory_unmap(&mem);
    bz_header(&image)->pref_address = 0x10000;
    refused(&image, "can only run at 0x10000", "low");
}

Test(boot_bzimage, header_is_handed_over)
{
    struct small_bzimage image = small_bzimage();
    bz_header(&image)->loadflags = LOADED_HIGH | CAN_USE_HEAP;
    bz_header(&image)->kernel_version = 0x1234;
    bz_header(&image)->kernel_info_offset = 0x9876;
    image.setup[0x26c] = 0xee; // behind the header
    struct guest_memory mem;
    struct boot_state s = load(&image, &mem);
    const struct boot_params *bp =
        guest_memory_at(&mem, s.zero_page_gpa, sizeof(*bp));
    cr_assert_eq(bp->hdr.header, 0x53726448);
    cr_assert_eq(bp->hdr.version, 0x20f);
    cr_assert_eq(bp->hdr.kernel_version, 0x1234);
    cr_assert_eq(bp->hdr.kernel_info_offset, 0x9876);
    cr_assert_eq(bp->hdr.type_of_loader, 0xff);
    cr_assert_eq(bp->hdr.loadflags, LOADED_HIGH);
    cr_assert_eq(bp->hdr.setup_data, PLATFORM_SETUP_DATA_GPA);
    cr_assert_eq(((const uint8_t *)bp)[0x26c], 0);
    // The bytes before the header are not copied: Linux takes a non-zero
    // sentinel at 0x1ef for a zero page that was never cleared.
    cr_assert_eq(bp->sentinel, 0);
    guest_memory_unmap(&mem);
}

Test(boot_bzimage, payload_is_found)
{
    struct small_bzimage image = small_bzimage();
    struct mem_file file = mem_file(&image, sizeof(image));
    struct image opened;
    struct kernel_plan plan;
    struct error err;
    cr_assert_eq(image_open(&opened, file.path, "kernel", &err), 0);
    cr_assert_eq(bzimage_plan(&opened, &plan, &err), 0);
    cr_assert_eq(plan.payload_offset, sizeof(image.setup) + 0x300);
    cr_assert_eq(plan.payload_size, 0x400);
    image_close(&opened);
}

// A 32-bit kernel, or one from before there was a 64-bit entry: entered at
// code32_start, which is meant relative to 1 MiB.
Test(boot_bzimage, other_kernels_are_entered_in_32_bit_mode)
{
    static const uint16_t versions[] = {0x20f, 0x20b, 0x206, 0x203};
    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
        struct small_bzimage image = small_bzimage();
        bz_header(&image)->version = versions[i];
        bz_header(&image)->code32_start = 0x100040;
        if (versions[i] >= 0x20c)
            bz_header(&image)->xloadflags = XLF_CAN_BE_LOADED_ABOVE_4G;
        struct guest_memory mem;
        struct boot_state s = load(&image, &mem);
        // Fields that the version doesn't have mean nothing.
        uint64_t gpa = versions[i] >= 0x20a ? BZ_PREF : MIB;
        if (versions[i] == 0x206) // relocatable, aligned to 2 MiB
            gpa = BZ_ALIGN;
        cr_assert_eq(s.entry, BOOT_ENTRY_LINUX32);
        cr_assert_eq(s.kernel_gpa, gpa, "%x", versions[i]);
        cr_assert_eq(s.rip, gpa + 0x40);
        cr_assert_eq(s.rsi, s.zero_page_gpa);
        cr_assert_eq(s.rbp | s.rdi | s.rbx, 0);
        cr_assert_eq(s.cr0, 0x11, "protected mode, no paging");
        cr_assert_eq(s.efer | s.cr3 | s.cr4, 0);
        cr_assert(s.cs.big && !s.cs.long_mode);
        const struct boot_params *bp =
            guest_memory_at(&mem, s.zero_page_gpa, sizeof(*bp));
        cr_assert_eq(bp->hdr.code32_start, gpa + 0x40);
        cr_assert_eq(bp->hdr.version, versions[i]);
        cr_assert_eq(has_note(&s, "real-mode part"), versions[i] < 0x206);
        guest_memory_unmap(&mem);
    }
}

// Boot loaders that disguise themselves as kernels, and kernels that are
// loaded low: their first instruction is one of the BIOS's world.
Test(boot_bzimage, what_starts_in_real_mode_is_refused)
{
    struct small_bzimage image = small_bzimage();
    bz_header(&image)->version = 0x202;
    refused(&image, "protocol 2.02", "2.02");
    image = small_bzimage();
    bz_header(&image)->version = 0x207;
    bz_header(&image)->code32_start = 0;
    refused(&image, "has no 32-bit entry", "ipxe.lkrn");
    image = small_bzimage();
    bz_header(&image)->version = 0x203;
    bz_header(&image)->kernel_version = 0x300 - 0x200;
    memcpy(image.setup + 0x300, "MEMDISK 6.04", 13);
    refused(&image, "is a memdisk: it starts in real mode", "memdisk");
    image = small_bzimage();
    bz_header(&image)->loadflags = (uint8_t)~LOADED_HIGH;
    refused(&image, "zImage", "zImage");
}

// QEMU and GRUB boot these: so do we, and say what is odd.
Test(boot_bzimage, odd_headers_are_noted)
{
    struct small_bzimage image = small_bzimage();
    assert_noted(&image, sizeof(image), NULL, "a good one");
    bz_header(&image)->boot_flag = 0;
    assert_noted(&image, sizeof(image), "boot sector", "boot flag");
    image = small_bzimage();
    bz_header(&image)->jump = 0x20eb;
    assert_noted(&image, sizeof(image), "ends at 0x222", "header length");
    image = small_bzimage();
    bz_header(&image)->kernel_alignment = 0x300000;
    assert_noted(&image, sizeof(image), "power of two", "alignment");
    bz_header(&image)->kernel_alignment = 0;
    assert_noted(&image, sizeof(image), "power of two", "no alignment");
    image = small_bzimage();
    bz_header(&image)->payload_offset = BZ_BODY;
    assert_noted(&image, sizeof(image), "compressed part", "payload offset");
    image = small_bzimage();
    bz_header(&image)->payload_length = UINT32_MAX;
    assert_noted(&image, sizeof(image), "compressed part", "payload length");
    image = small_bzimage();
    bz_header(&image)->syssize = 0;
    assert_noted(&image, sizeof(image), "gives no size", "no syssize");
}

// syssize counts paragraphs, rounded up; a file need not be.
Test(boot_bzimage, a_file_may_end_within_its_last_paragraph)
{
    struct small_bzimage image = small_bzimage();
    assert_noted(&image, sizeof(image) - 15, NULL, "15 bytes less");
    assert_bytes_refused(&image, sizeof(image) - 16, "truncated",
                         "16 bytes less");
    bz_header(&image)->version = 0x203; // when it had 16 bits
    bz_header(&image)->syssize = 0x7fffffff;
    assert_noted(&image, sizeof(image), "protocol 2.03", "old");
}

Test(boot_bzimage, sizes_that_lie)
{
    struct small_bzimage image = small_bzimage();
    bz_header(&image)->setup_sects = 255;
    refused(&image, "truncated", "setup_sects");
    image = small_bzimage();
    bz_header(&image)->syssize = BZ_BODY / 16 + 1;
    refused(&image, "truncated", "syssize");
    bz_header(&image)->syssize = UINT32_MAX;
    refused(&image, "truncated", "huge syssize");
    bz_header(&image)->syssize = 0x200 / 16;
    refused(&image, "its entry lies outside it", "no code");
    image = small_bzimage();
    bz_header(&image)->init_size = UINT32_MAX;
    refused(&image, "below 3 GiB", "huge init_size");
    bz_header(&image)->init_size = 15 * MIB;
    refused(&image, "takes 15M at 2M; use memory 32M", "init_size and RAM");
    image = small_bzimage();
    bz_header(&image)->pref_address = UINT64_MAX;
    refused(&image, "below 3 GiB", "huge address");
    bz_header(&image)->pref_address = UINT64_MAX - 0x1fffff;
    refused(&image, "below 3 GiB", "huge aligned address");
    bz_header(&image)->pref_address = GUEST_LOW_RAM_END;
    refused(&image, "below 3 GiB", "3 GiB");
    bz_header(&image)->pref_address = 16 * MIB;
    refused(&image, "too small", "at RAM's end");
}

// init_size 0 still means that the body takes its room.
Test(boot_bzimage, small_init_size)
{
    struct small_bzimage image = small_bzimage();
    bz_header(&image)->init_size = 0;
    struct guest_memory mem;
    cr_assert_eq(load(&image, &mem).kernel_size, BZ_BODY);
    guest_memory_unmap(&mem);
}
