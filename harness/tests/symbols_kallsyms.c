// SPDX-License-Identifier: Apache-2.0
// The kernel's own symbols: every layout written and read back, from memory and
// from an ELF file; damaged ones; a real kernel's where there is one.
#include "harness/tests/symbols_util.h"

#include <criterion/criterion.h>
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BASE UINT64_C(0xffffffff81000000)

// Where an image is damaged. A sanitizer makes each search thirty times as
// long.
#ifdef __SANITIZE_ADDRESS__
#define PLACES 50
#else
#define PLACES 200
#endif

static struct source_symbol *symbols;
static size_t count;

static void forget(void)
{
    for (size_t i = 0; i < count; i++) {
        union {
            const char *in;
            void *out;
        } text = {symbols[i].text};
        free(text.out);
    }
    free(symbols);
    count = 0;
    symbols = NULL;
}

TestSuite(symbols_kallsyms, .fini = forget);

// n symbols, of which the first few are those of per-CPU data.
static void make(size_t n, bool percpu)
{
    uint64_t state = n + 1;
    forget();
    count = n;
    symbols = calloc(n, sizeof(*symbols));
    cr_assert(symbols);
    uint64_t at = BASE;
    for (size_t i = 0; i < n; i++) {
        char *text;
        bool low = percpu && i < 3;
        int len =
            asprintf(&text, "%s%zu%.*s", low ? "Acpu_" : "Tsys_read_lock", i,
                     i % 97 == 5 ? 300 : 0,
                     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
        cr_assert_geq(len, 0);
        symbols[i] = (struct source_symbol){low ? i * 8 : at, text};
        if (!low)
            at += 16 + next_random(&state) % 4 * 16;
    }
}

static void check(const struct ksyms *s)
{
    cr_assert_eq(ksyms_count(s), count);
    for (size_t i = 0; i < count; i += 1 + count / 500) {
        struct ksym at;
        if (!(symbols[i].address >> 63))
            continue;
        cr_assert(ksyms_find(s, symbols[i].address + 3, &at));
        cr_assert_str_eq(at.name, symbols[i].text + 1);
        cr_assert_eq(at.offset, 3);
    }
}

// Other read-only data, in which the digits stand too.
static void put_noise(struct image *image)
{
    static const char digits[] = "0\0001\0002\0003\0004\0005\0006\0007\0008\09";
    for (unsigned i = 0; i < 700; i++)
        image_number(image, i * UINT64_C(2654435761), 8);
    image_put(image, digits, sizeof(digits));
    image_number(image, 5, 3);
}

static struct image build(enum kallsyms_layout layout)
{
    struct image image = {0};
    put_noise(&image);
    kallsyms_write(&image, layout, symbols, count, BASE);
    put_noise(&image);
    return image;
}

static struct ksyms *read_back(const struct image *image, uint64_t address)
{
    struct pieces pieces = {0};
    // A page before it that belongs to something else, and a hole.
    static const uint8_t page[4096];
    pieces_add(&pieces, 0xffffffff80000000, page, sizeof(page));
    pieces_add(&pieces, address, image->bytes, image->len);
    struct ksyms_memory memory = pieces_memory(&pieces);
    struct error err = {""};
    return ksyms_of_kernel(&memory, NULL, &err);
}

Test(symbols_kallsyms, every_layout)
{
    static const size_t sizes[] = {2, 255, 256, 257, 512, 1000, 20000};
    for (size_t n = 0; n < sizeof(sizes) / sizeof(sizes[0]); n++) {
        for (int layout = 0; layout < LAYOUTS; layout++) {
            make(sizes[n], layout != LAYOUT_UNSIGNED && sizes[n] > 8);
            struct image image = build((enum kallsyms_layout)layout);
            struct ksyms *s = read_back(&image, 0xffffffff82000000);
            cr_assert(s, "layout %d, %zu symbols", layout, sizes[n]);
            check(s);
            ksyms_free(s);
            image_free(&image);
        }
    }
}

Test(symbols_kallsyms, over_the_pieces_that_are_read)
{
    // The digits at each place around the end of the first MiB that is read.
    make(300, true);
    struct image image = build(LAYOUT_OLD);
    struct error err;
    for (uint64_t at = 0; at < 40; at++) {
        struct pieces pieces = {0};
        uint64_t address = 0xffffffff82000000;
        size_t lead = ((size_t)1 << 20) - image.len / 2 - image.len / 2 % 8;
        struct image moved = {0};
        for (size_t i = 0; i < lead / 8 - at; i++)
            image_number(&moved, 0x1111111111111111, 8);
        image_put(&moved, image.bytes, image.len);
        pieces_add(&pieces, address, moved.bytes, moved.len);
        struct ksyms_memory memory = pieces_memory(&pieces);
        struct ksyms *s = ksyms_of_kernel(&memory, NULL, &err);
        cr_assert(s, "%llu", (unsigned long long)at);
        ksyms_free(s);
        image_free(&moved);
    }
    image_free(&image);
}

// How often it may ask, until it is told that the time is over.
static bool is_over(void *owner)
{
    unsigned *left = owner;
    return !*left || !--*left;
}

// A search that is given up says so, wherever it is at that moment; one that is
// not finds what is there.
Test(symbols_kallsyms, given_up)
{
    make(20000, true);
    struct image image = build(LAYOUT_NEW);
    struct pieces pieces = {0};
    struct ksyms *s = NULL;
    unsigned given_up = 0;
    pieces_add(&pieces, 0xffffffff82000000, image.bytes, image.len);
    struct ksyms_memory memory = pieces_memory(&pieces);
    for (unsigned allowed = 1; !s; allowed += 2) {
        unsigned left = allowed;
        const struct ksyms_patience patience = {&left, is_over};
        struct error err = {""};
        cr_assert_lt(allowed, 100000);
        s = ksyms_of_kernel(&memory, &patience, &err);
        given_up += !s;
        cr_assert(s || strstr(err.text, "was given up"), "%s", err.text);
    }
    check(s);
    cr_expect_gt(given_up, 10, "%u", given_up);
    ksyms_free(s);
    image_free(&image);
}

// Page after page that holds no symbols: it ends at once when it is told to.
static size_t all_zero(void *owner, uint64_t address, void *to, size_t len)
{
    (void)address;
    ++*(size_t *)owner;
    memset(to, 0, len);
    return len;
}

Test(symbols_kallsyms, endless_memory)
{
    size_t reads = 0;
    unsigned left = 5;
    struct error err = {""};
    const struct ksyms_memory memory = {&reads, all_zero};
    const struct ksyms_patience patience = {&left, is_over};
    cr_assert_null(ksyms_of_kernel(&memory, &patience, &err));
    cr_expect(strstr(err.text, "was given up"), "%s", err.text);
    cr_expect_leq(reads, 5);
}

Test(symbols_kallsyms, nothing_there)
{
    struct pieces pieces = {0};
    struct ksyms_memory memory = pieces_memory(&pieces);
    struct error err = {""};
    cr_assert_null(ksyms_of_kernel(&memory, NULL, &err));
    cr_assert_neq(err.text[0], '\0');
}

// One byte changed anywhere: another name or none, never a crash. A change of
// a count, a marker, a length or the order of addresses is noticed.
Test(symbols_kallsyms, damaged, .timeout = 900)
{
    for (int layout = 0; layout < LAYOUTS; layout++) {
        make(600, layout != LAYOUT_UNSIGNED);
        struct image image = build((enum kallsyms_layout)layout);
        size_t refused = 0;
        size_t step = 1 + image.len / PLACES;
        for (size_t i = 0; i < image.len; i += step) {
            uint8_t old = image.bytes[i];
            image.bytes[i] ^= 0xa5;
            struct ksyms *s = read_back(&image, 0xffffffff82000000);
            refused += !s;
            ksyms_free(s);
            image.bytes[i] = old;
        }
        cr_assert_gt(refused, PLACES / 10, "layout %d: %zu", layout, refused);
        // Cut off anywhere.
        for (size_t len = 0; len < image.len; len += step) {
            struct image cut = {.bytes = image.bytes, .len = len};
            ksyms_free(read_back(&cut, 0xffffffff82000000));
        }
        image_free(&image);
    }
}

Test(symbols_kallsyms, in_an_elf_file)
{
    make(1000, true);
    struct image tables = build(LAYOUT_OLD);
    struct image file = {0};
    const Elf64_Ehdr header = {
        .e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_EXEC,
        .e_machine = EM_X86_64,
        .e_phoff = sizeof(Elf64_Ehdr),
        .e_phentsize = sizeof(Elf64_Phdr),
        .e_phnum = 1,
        .e_shentsize = sizeof(Elf64_Shdr),
    };
    Elf64_Phdr load = {.p_type = PT_LOAD,
                       .p_offset = 4096,
                       .p_vaddr = 0xffffffff82000000,
                       .p_filesz = tables.len,
                       .p_memsz = tables.len};
    image_put(&file, &header, sizeof(header));
    image_put(&file, &load, sizeof(load));
    image_pad(&file, 4096);
    image_put(&file, tables.bytes, tables.len);
    struct error err = {""};
    struct ksyms *s = ksyms_load(temp_file(file.bytes, file.len), NULL, &err);
    cr_assert(s, "%s", err.text);
    check(s);
    ksyms_free(s);
    // Without them, and with a segment that lies outside the file.
    memset(file.bytes + 4096, 0, tables.len);
    cr_assert_null(ksyms_load(temp_file(file.bytes, file.len), NULL, &err));
    cr_expect(strstr(err.text, "neither a symbol table nor kallsyms"));
    load.p_filesz = UINT64_MAX - 4095;
    memcpy(file.bytes + sizeof(header), &load, sizeof(load));
    cr_assert_null(ksyms_load(temp_file(file.bytes, file.len), NULL, &err));
    image_free(&file);
    image_free(&tables);
}

Test(symbols_kallsyms, a_real_kernel)
{
    const char *path = getenv("TOYVMM_TEST_VMLINUX");
    if (!path)
        cr_skip_test("no kernel: set TOYVMM_TEST_VMLINUX to a vmlinux");
    struct error err = {""};
    struct ksyms *s = ksyms_load(path, NULL, &err);
    cr_assert(s, "%s", err.text);
    uint64_t address;
    struct ksym at;
    cr_assert_gt(ksyms_count(s), 5000);
    cr_assert(ksyms_address(s, "panic", &address));
    cr_assert(ksyms_find(s, address + 1, &at));
    cr_assert_str_eq(at.name, "panic");
    cr_assert(ksyms_address(s, "asm_exc_page_fault", &address) ||
              ksyms_address(s, "page_fault", &address));
    ksyms_free(s);
}
