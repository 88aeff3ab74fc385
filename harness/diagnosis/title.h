// SPDX-License-Identifier: Apache-2.0
// Short titles for the kernel's reports. For title.c and trace.c only.
#pragma once

#include "harness/diagnosis/diagnosis.h"

// The parts of a report that a title is made of; each but kind may be "".
struct title_parts {
    const struct builtin_fail *kind;
    const char *line;     // the line that begins it, without printk's prefix
    const char *words;    // what the kernel said of its reason, if it did
    const char *function; // where it happened
};

// "kernel panic: Attempted to kill init! exitcode=0x0100", a heap string; NULL
// when out of memory.
char *title_make(const struct title_parts *parts);
