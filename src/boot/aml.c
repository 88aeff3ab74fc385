// SPDX-License-Identifier: Apache-2.0
// See aml.h. Section numbers are ACPI 6.5's.
#include "src/boot/aml.h"

#include <ctype.h>
#include <string.h>

#define OP_ZERO    0x00
#define OP_ONE     0x01
#define OP_NAME    0x08
#define OP_BYTE    0x0a
#define OP_WORD    0x0b
#define OP_DWORD   0x0c
#define OP_STRING  0x0d
#define OP_QWORD   0x0e
#define OP_SCOPE   0x10
#define OP_BUFFER  0x11
#define OP_PACKAGE 0x12
#define OP_EXT     0x5b
#define OP_DEVICE  0x82 // after OP_EXT

#define NAME_LEN 4

void aml_raw(struct aml *a, const void *bytes, size_t len)
{
    if (len > a->size - a->len) {
        a->failed = true;
        return;
    }
    memcpy(a->bytes + a->len, bytes, len);
    a->len += len;
}

static void put_byte(struct aml *a, uint8_t byte)
{
    aml_raw(a, &byte, 1);
}

// 20.2.2: NameSeg is four characters, filled up with underscores.
static void put_name(struct aml *a, const char *name)
{
    char seg[NAME_LEN] = {'_', '_', '_', '_'};
    size_t len = strlen(name);
    if (len > NAME_LEN) {
        a->failed = true;
        return;
    }
    for (size_t i = 0; i < len; i++)
        seg[i] = name[i];
    aml_raw(a, seg, sizeof(seg));
}

static void begin(struct aml *a)
{
    if (a->depth == AML_DEPTH) {
        a->failed = true;
        return;
    }
    a->open[a->depth++] = a->len;
}

// 20.2.4: PkgLength counts itself and comes before the body, so the body moves
// up when it is known how many bytes the length takes: one up to 63, else two
// with four low bits in the first.
void aml_end(struct aml *a)
{
    if (!a->depth || a->failed) {
        a->failed = true;
        return;
    }
    size_t start = a->open[--a->depth];
    size_t body = a->len - start;
    uint8_t lead[2];
    size_t lead_len;
    if (body + 1 <= 0x3f) {
        lead[0] = (uint8_t)(body + 1);
        lead_len = 1;
    } else if (body + 2 <= 0xfff) {
        lead[0] = (uint8_t)(0x40 | ((body + 2) & 0xf));
        lead[1] = (uint8_t)((body + 2) >> 4);
        lead_len = 2;
    } else {
        a->failed = true;
        return;
    }
    aml_raw(a, lead, lead_len); // makes room
    if (a->failed)
        return;
    memmove(a->bytes + start + lead_len, a->bytes + start, body);
    memcpy(a->bytes + start, lead, lead_len);
}

void aml_scope(struct aml *a, const char *name)
{
    put_byte(a, OP_SCOPE);
    begin(a);
    put_name(a, name);
}

void aml_device(struct aml *a, const char *name)
{
    put_byte(a, OP_EXT);
    put_byte(a, OP_DEVICE);
    begin(a);
    put_name(a, name);
}

// 20.2.3: the shortest form, as compilers write it. x86 is little-endian.
static void put_integer(struct aml *a, uint64_t value)
{
    static const struct {
        uint64_t max;
        uint8_t op;
        uint8_t bytes;
    } forms[] = {
        {0, OP_ZERO, 0},           {1, OP_ONE, 0},
        {UINT8_MAX, OP_BYTE, 1},   {UINT16_MAX, OP_WORD, 2},
        {UINT32_MAX, OP_DWORD, 4}, {UINT64_MAX, OP_QWORD, 8},
    };
    size_t i = 0;
    while (value > forms[i].max)
        i++;
    put_byte(a, forms[i].op);
    aml_raw(a, &value, forms[i].bytes);
}

static void put_name_op(struct aml *a, const char *name)
{
    put_byte(a, OP_NAME);
    put_name(a, name);
}

void aml_name_integer(struct aml *a, const char *name, uint64_t value)
{
    put_name_op(a, name);
    put_integer(a, value);
}

// 6.1.5: three letters of five bits, four hexadecimal digits, big-endian.
void aml_name_eisa_id(struct aml *a, const char *name, const char *id)
{
    static const char digits[] = "0123456789ABCDEF";
    uint32_t value = 0;
    for (size_t i = 0; i < 7; i++) {
        const char *digit = i < 3 ? NULL : strchr(digits, id[i]);
        if (!id[i] || (i < 3 ? !isupper((unsigned char)id[i]) : !digit)) {
            a->failed = true;
            return;
        }
        value = i < 3 ? value << 5 | ((uint32_t)id[i] & 0x1f)
                      : value << 4 | (uint32_t)(digit - digits);
    }
    put_name_op(a, name);
    put_byte(a, OP_DWORD);
    uint32_t swapped = __builtin_bswap32(value);
    aml_raw(a, &swapped, sizeof(swapped));
}

// 20.2.3: the bytes, and a NUL.
void aml_name_string(struct aml *a, const char *name, const char *text)
{
    put_name_op(a, name);
    put_byte(a, OP_STRING);
    aml_raw(a, text, strlen(text) + 1);
}

static void put_package(struct aml *a, const uint64_t *values, uint8_t count)
{
    put_byte(a, OP_PACKAGE);
    begin(a);
    put_byte(a, count);
    for (uint8_t i = 0; i < count; i++)
        put_integer(a, values[i]);
    aml_end(a);
}

void aml_name_package(struct aml *a, const char *name, const uint64_t *values,
                      uint8_t count)
{
    put_name_op(a, name);
    put_package(a, values, count);
}

void aml_name_table(struct aml *a, const char *name, const uint64_t *values,
                    uint8_t rows, uint8_t columns)
{
    put_name_op(a, name);
    put_byte(a, OP_PACKAGE);
    begin(a);
    put_byte(a, rows);
    for (uint8_t i = 0; i < rows; i++)
        put_package(a, values + (size_t)i * columns, columns);
    aml_end(a);
}

void aml_name_buffer(struct aml *a, const char *name, const void *bytes,
                     size_t len)
{
    put_name_op(a, name);
    put_byte(a, OP_BUFFER);
    begin(a);
    put_integer(a, len);
    aml_raw(a, bytes, len);
    aml_end(a);
}

void aml_name_io_irq(struct aml *a, const char *name, uint16_t port,
                     uint8_t len, uint32_t gsi)
{
    const uint8_t low = (uint8_t)port, high = (uint8_t)(port >> 8);
    const uint8_t resources[] = {
        // IO descriptor: decodes 16 bits, minimum, maximum, alignment, length
        0x47, 0x01, low, high, low, high, 1, len,
        // Extended interrupt: consumer, edge, active-high, shared; one
        0x89, 6, 0, 0x0b, 1, (uint8_t)gsi, (uint8_t)(gsi >> 8),
        (uint8_t)(gsi >> 16), (uint8_t)(gsi >> 24),
        // End tag, its checksum unused
        0x79, 0};
    aml_name_buffer(a, name, resources, sizeof(resources));
}

void aml_name_memory_irq(struct aml *a, const char *name, uint32_t base,
                         uint32_t len, uint32_t gsi)
{
    struct {
        uint8_t memory_tag; // 32-bit fixed memory, 9 bytes, read and write
        uint16_t memory_len;
        uint8_t writable;
        uint32_t base, len;
        uint8_t irq_tag; // extended interrupt: 6 bytes, one
        uint16_t irq_len;
        uint8_t irq_flags, irqs; // consumer, level, active-high, shared
        uint32_t gsi;
        uint8_t end_tag, checksum;
    } __attribute__((packed)) resources = {
        .memory_tag = 0x86,
        .memory_len = 9,
        .writable = 1,
        .base = base,
        .len = len,
        .irq_tag = 0x89,
        .irq_len = 6,
        .irq_flags = 0x09,
        .irqs = 1,
        .gsi = gsi,
        .end_tag = 0x79,
    };
    aml_name_buffer(a, name, &resources, sizeof(resources));
}
