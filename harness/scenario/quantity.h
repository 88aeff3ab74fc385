// SPDX-License-Identifier: Apache-2.0
// Numbers as a scenario writes them: 15, -1.5, 250ms, 1.5s, 256M. For
// harness/scenario only.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// No wait and no deadline is longer.
#define DURATION_MAX_NS (UINT64_C(7) * 24 * 3600 * 1000000000)

enum quantity_kind { QUANTITY_NUMBER, QUANTITY_DURATION, QUANTITY_SIZE };

struct quantity {
    enum quantity_kind kind;
    bool negative;   // numbers only
    bool whole;      // a number without a fraction
    double number;   // with its sign
    uint64_t amount; // |number| when whole, ns or bytes
};

// Reads all of text (len bytes). NULL, or what is wrong with it: a clause that
// follows "`text` ". The result is exact: an amount that isn't a whole number
// of nanoseconds or bytes is refused. Same in each locale.
const char *quantity_read(const char *text, size_t len, struct quantity *out);

// "250ms", "5s", "2m": the shortest exact form. buf of at least 32 bytes.
const char *duration_name(uint64_t ns, char *buf, size_t size);
