// SPDX-License-Identifier: Apache-2.0
// Numbers and texts as the bytes of a recording, and back with every length
// checked. For harness/recording only; FORMAT.md says what they look like.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Where to write: a fixed piece of memory. What does not fit sets `full` and is
// left out; the owner asks once, at the end.
struct bytes_out {
    uint8_t *start, *at, *end;
    bool full;
};

static inline struct bytes_out bytes_out(uint8_t *memory, size_t size)
{
    return (struct bytes_out){memory, memory, memory + size, false};
}
static inline size_t bytes_len(const struct bytes_out *o)
{
    return (size_t)(o->at - o->start);
}

void put_u8(struct bytes_out *o, uint8_t value);
void put_u32(struct bytes_out *o, uint32_t value);    // 4 bytes, little endian
void put_u64(struct bytes_out *o, uint64_t value);    // 8 bytes, little endian
void put_varint(struct bytes_out *o, uint64_t value); // LEB128, 1 to 10 bytes
// value - base as a varint with the sign in its lowest bit (zigzag), so that
// small differences are short in both directions.
void put_delta(struct bytes_out *o, uint64_t value, uint64_t base);
void put_raw(struct bytes_out *o, const void *bytes, size_t len);
// The length as a varint, then the bytes.
void put_text(struct bytes_out *o, const void *bytes, size_t len);

// What is left to read. What is not there, or malformed, sets `bad` and reads
// as 0; the owner asks once, at the end.
struct bytes_in {
    const uint8_t *at, *end;
    bool bad;
};

static inline size_t bytes_left(const struct bytes_in *in)
{
    return (size_t)(in->end - in->at);
}

uint8_t get_u8(struct bytes_in *in);
uint32_t get_u32(struct bytes_in *in);
uint64_t get_u64(struct bytes_in *in);
uint64_t get_varint(struct bytes_in *in);
uint64_t get_delta(struct bytes_in *in, uint64_t base); // wraps round, never UB
// The next len bytes, in place; NULL (and bad) when there are fewer.
const uint8_t *get_raw(struct bytes_in *in, size_t len);
// As put_text wrote it, in place; *len is 0 when it is bad.
const uint8_t *get_text(struct bytes_in *in, size_t *len);

// CRC-32 (ISO 3309, zlib's) of bytes that follow those with the CRC `crc`; 0
// for the first.
uint32_t crc32_of(uint32_t crc, const void *bytes, size_t len);
