// SPDX-License-Identifier: Apache-2.0
// Numbers as bytes. See bytes.h.
#include "harness/recording/bytes.h"

#include <string.h>

void put_raw(struct bytes_out *o, const void *bytes, size_t len)
{
    if (o->full || len > (size_t)(o->end - o->at)) {
        o->full = true;
        return;
    }
    if (len)
        memcpy(o->at, bytes, len);
    o->at += len;
}

void put_u8(struct bytes_out *o, uint8_t value)
{
    put_raw(o, &value, 1);
}

static void put_fixed(struct bytes_out *o, uint64_t value, size_t len)
{
    uint8_t b[8];
    for (size_t i = 0; i < len; i++)
        b[i] = (uint8_t)(value >> (8 * i));
    put_raw(o, b, len);
}

void put_u32(struct bytes_out *o, uint32_t value)
{
    put_fixed(o, value, 4);
}

void put_u64(struct bytes_out *o, uint64_t value)
{
    put_fixed(o, value, 8);
}

void put_varint(struct bytes_out *o, uint64_t value)
{
    uint8_t b[10];
    size_t n = 0;
    for (; value >= 0x80; value >>= 7)
        b[n++] = (uint8_t)(value | 0x80);
    b[n++] = (uint8_t)value;
    put_raw(o, b, n);
}

void put_delta(struct bytes_out *o, uint64_t value, uint64_t base)
{
    uint64_t d = value - base;
    uint64_t negative = d >> 63;
    put_varint(o, negative ? ~(d << 1) : d << 1);
}

void put_text(struct bytes_out *o, const void *bytes, size_t len)
{
    put_varint(o, len);
    put_raw(o, bytes, len);
}

const uint8_t *get_raw(struct bytes_in *in, size_t len)
{
    if (in->bad || len > bytes_left(in)) {
        in->bad = true;
        return NULL;
    }
    const uint8_t *at = in->at;
    in->at += len;
    return at;
}

uint8_t get_u8(struct bytes_in *in)
{
    const uint8_t *b = get_raw(in, 1);
    return b ? *b : 0;
}

static uint64_t get_fixed(struct bytes_in *in, size_t len)
{
    const uint8_t *b = get_raw(in, len);
    uint64_t value = 0;
    for (size_t i = 0; b && i < len; i++)
        value |= (uint64_t)b[i] << (8 * i);
    return value;
}

uint32_t get_u32(struct bytes_in *in)
{
    return (uint32_t)get_fixed(in, 4);
}

uint64_t get_u64(struct bytes_in *in)
{
    return get_fixed(in, 8);
}

uint64_t get_varint(struct bytes_in *in)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t b = get_u8(in);
        // Of the tenth byte only the lowest bit is part of 64.
        if (shift == 63 && b > 1)
            break;
        value |= (uint64_t)(b & 0x7f) << shift;
        if (!(b & 0x80))
            return in->bad ? 0 : value;
    }
    in->bad = true;
    return 0;
}

uint64_t get_delta(struct bytes_in *in, uint64_t base)
{
    uint64_t z = get_varint(in);
    return base + (z & 1 ? ~(z >> 1) : z >> 1);
}

const uint8_t *get_text(struct bytes_in *in, size_t *len)
{
    uint64_t n = get_varint(in);
    *len = 0;
    if (n > bytes_left(in)) {
        in->bad = true;
        return NULL;
    }
    const uint8_t *at = get_raw(in, (size_t)n);
    *len = at ? (size_t)n : 0;
    return at;
}

uint32_t crc32_of(uint32_t crc, const void *bytes, size_t len)
{
    // The remainder of each four bits, polynomial 0xedb88320 (reflected).
    static const uint32_t table[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
        0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
        0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };
    const uint8_t *p = bytes;
    crc = ~crc;
    for (size_t i = 0; i < len; i++) {
        crc ^= p[i];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}
