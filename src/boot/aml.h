// SPDX-License-Identifier: Apache-2.0
// A writer of AML, the byte code of ACPI's definition blocks (ACPI 6.5
// chapter 20): just the terms that describe devices. Private to src/boot.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AML_DEPTH 8

// Owned by who builds a table; one thread. Bytes that don't fit, and blocks
// nested too deep, set failed, which is sticky: it is looked at once, at the
// end. open[] holds where the bodies of the unclosed blocks begin.
struct aml {
    uint8_t *bytes;
    size_t size; // of bytes
    size_t len;  // used
    size_t depth;
    size_t open[AML_DEPTH];
    bool failed;
};

void aml_raw(struct aml *a, const void *bytes, size_t len);

// Blocks, ended by aml_end. A name is 1 to 4 characters A-Z, 0-9, _.
void aml_scope(struct aml *a, const char *name);
void aml_device(struct aml *a, const char *name);
void aml_end(struct aml *a);

// Name (name, value)
void aml_name_integer(struct aml *a, const char *name, uint64_t value);
// id is three capitals and four hexadecimal digits, "PNP0501".
void aml_name_eisa_id(struct aml *a, const char *name, const char *id);
// Name (name, "text"): printable ASCII
void aml_name_string(struct aml *a, const char *name, const char *text);
// Name (name, Package () { values... })
void aml_name_package(struct aml *a, const char *name, const uint64_t *values,
                      uint8_t count);

// Name (name, Buffer () { bytes }): resource descriptors with their end tag.
void aml_name_buffer(struct aml *a, const char *name, const void *bytes,
                     size_t len);

// Name (name, Package () { Package () { values of row 0 }, ... }): rows of
// `columns` values each, one row behind the other.
void aml_name_table(struct aml *a, const char *name, const uint64_t *values,
                    uint8_t rows, uint8_t columns);

// Name (name, ResourceTemplate () { IO, Interrupt }): len ports at port,
// 16-bit decode, and an edge-triggered, active-high, shared interrupt (6.4.2.5,
// 6.4.3.6).
void aml_name_io_irq(struct aml *a, const char *name, uint16_t port,
                     uint8_t len, uint32_t gsi);

// Name (name, ResourceTemplate () { Memory32Fixed, Interrupt }): len bytes at
// base, to be read and written, and a level-triggered, active-high, shared
// interrupt (6.4.3.4, 6.4.3.6).
void aml_name_memory_irq(struct aml *a, const char *name, uint32_t base,
                         uint32_t len, uint32_t gsi);
