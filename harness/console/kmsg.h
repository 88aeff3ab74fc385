// SPDX-License-Identifier: Apache-2.0
// What the kernel puts before each of its messages on a console, as printk
// formats it (kernel/printk/printk.c, info_print_prefix). For harness/console
// only.
#pragma once

#include <stddef.h>
#include <stdint.h>

//   [    3.141592] text                seconds at least five wide, six digits
//   [    3.141592][    T1] text        with CONFIG_PRINTK_CALLER: task or CPU
//   <6>[    3.141592] text             with the level in front
enum kmsg {
    KMSG_NO,
    KMSG_MAYBE, // a beginning of one: more text decides
    KMSG_YES,
};

// Longer than any prefix.
#define KMSG_PREFIX_MAX 48

// Does text[0..len) begin with a prefix? *used: how many bytes it has (yes), or
// how many had to be seen to know that it is none (no).
enum kmsg kmsg_prefix(const char *text, size_t len, size_t *used);

// The clock in a prefix of `used` bytes, in microseconds.
uint64_t kmsg_clock_us(const char *text, size_t used);

// The first place in text[0..len) where a prefix may begin, or len.
size_t kmsg_candidate(const char *text, size_t len);
