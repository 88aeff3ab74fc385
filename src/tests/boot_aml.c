// SPDX-License-Identifier: Apache-2.0
// The AML writer against byte strings of the specification's grammar.
#include "src/boot/aml.h"

#include <criterion/criterion.h>
#include <string.h>

static void assert_aml(const struct aml *a, const void *bytes, size_t len)
{
    cr_assert_not(a->failed);
    cr_assert_eq(a->len, len, "%zu bytes", a->len);
    cr_assert_eq(memcmp(a->bytes, bytes, len), 0);
}

Test(boot_aml, integers_take_the_shortest_form)
{
    static const struct {
        uint64_t value;
        const char *bytes;
        size_t len;
    } forms[] = {
        {0, "\x00", 1},
        {1, "\x01", 1},
        {2, "\x0a\x02", 2},
        {0xff, "\x0a\xff", 2},
        {0x100, "\x0b\x00\x01", 3},
        {0xffff, "\x0b\xff\xff", 3},
        {0x10000, "\x0c\x00\x00\x01\x00", 5},
        {UINT32_MAX, "\x0c\xff\xff\xff\xff", 5},
        {UINT64_C(1) << 32, "\x0e\0\0\0\0\1\0\0\0", 9},
        {UINT64_MAX, "\x0e\xff\xff\xff\xff\xff\xff\xff\xff", 9},
    };
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        uint8_t bytes[32], want[32] = "\x08_UID";
        struct aml a = {.bytes = bytes, .size = sizeof(bytes)};
        aml_name_integer(&a, "_UID", forms[i].value);
        memcpy(want + 5, forms[i].bytes, forms[i].len);
        assert_aml(&a, want, 5 + forms[i].len);
    }
}

Test(boot_aml, eisa_id)
{
    uint8_t bytes[32];
    struct aml a = {.bytes = bytes, .size = sizeof(bytes)};
    aml_name_eisa_id(&a, "_HID", "PNP0501");
    assert_aml(&a, "\x08_HID\x0c\x41\xd0\x05\x01", 10);
    static const char *const bad[] = {"", "PNP", "PNP050", "pnp0501",
                                      "PNP050x"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct aml b = {.bytes = bytes, .size = sizeof(bytes)};
        aml_name_eisa_id(&b, "_HID", bad[i]);
        cr_assert(b.failed, "\"%s\"", bad[i]);
    }
}

Test(boot_aml, short_names_are_filled_up)
{
    uint8_t bytes[32];
    struct aml a = {.bytes = bytes, .size = sizeof(bytes)};
    aml_device(&a, "X");
    aml_end(&a);
    assert_aml(&a, "\x5b\x82\x05X___", 7);
    aml_device(&a, "TOOLONG");
    cr_assert(a.failed);
}

// The length counts its own bytes: 63 is the last that one byte can say.
Test(boot_aml, package_length_grows)
{
    for (size_t body = 4; body < 200; body++) {
        uint8_t bytes[256] = {0}, filling[200] = {0};
        struct aml a = {.bytes = bytes, .size = sizeof(bytes)};
        aml_scope(&a, "_SB");
        aml_raw(&a, filling, body - 4);
        aml_end(&a);
        cr_assert_not(a.failed);
        size_t lead = body + 1 <= 63 ? 1 : 2;
        cr_assert_eq(a.len, 1 + lead + body);
        size_t said = lead == 1
                          ? bytes[1]
                          : (size_t)(bytes[1] & 0xf) | (size_t)bytes[2] << 4;
        cr_assert_eq(said, lead + body);
        cr_assert_eq(bytes[1] >> 6, lead - 1);
        cr_assert_eq(memcmp(bytes + 1 + lead, "_SB_", 4), 0);
    }
}

Test(boot_aml, too_long_too_deep_or_unopened)
{
    static uint8_t bytes[8192], filling[4096];
    struct aml a = {.bytes = bytes, .size = sizeof(bytes)};
    aml_scope(&a, "_SB");
    aml_raw(&a, filling, sizeof(filling));
    aml_end(&a);
    cr_assert(a.failed, "more than 4095 bytes");

    struct aml b = {.bytes = bytes, .size = sizeof(bytes)};
    for (size_t i = 0; i <= AML_DEPTH; i++)
        aml_scope(&b, "_SB");
    cr_assert(b.failed, "too deep");

    struct aml c = {.bytes = bytes, .size = sizeof(bytes)};
    aml_end(&c);
    cr_assert(c.failed, "nothing is open");

    for (size_t size = 0; size < 7; size++) {
        struct aml d = {.bytes = bytes, .size = size};
        aml_device(&d, "COM1");
        aml_end(&d);
        cr_assert(d.failed, "%zu bytes", size);
        cr_assert_leq(d.len, size);
    }
}
