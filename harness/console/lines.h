// SPDX-License-Identifier: Apache-2.0
// Takes a line of console text apart: what a program printed, and the kernel's
// message that follows or cuts in. For whoever reads a console by lines.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

//   |login: |[    3.141592] |random: crng init done|
//   0       plain           message                len
//
// Without a kernel message plain is the whole line, and message its end.
struct console_line {
    bool kernel;
    size_t plain;      // so many bytes stand before the message's prefix
    size_t message;    // where its text begins, behind time stamp and caller
    uint64_t clock_us; // the kernel's clock in it, in microseconds
};

// Takes text[0..len) apart: filtered text (filter.h) without a newline. The
// first prefix counts, what stands behind it is the message's.
void console_line_split(const char *text, size_t len, struct console_line *out);
