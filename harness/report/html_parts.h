// SPDX-License-Identifier: Apache-2.0
// The parts of the page. Private to harness/report/html*.c.
#pragma once

#include "harness/report/result.h"

#include <stdio.h>

extern const char html_head[]; // up to and with <body> (html_style.c)

// Escaped; NULL is nothing.
void html_text(FILE *f, const char *text);

// "1.234 s", "12.3 ms"
void html_time(FILE *f, uint64_t ns);

// The boot to scale, what each phase cost, the guest's own times
// (html_boot.c).
void html_boot(FILE *f, const struct result *r);

// Several boots of one scenario: a row of dots for each mark (html_boot.c).
void html_strip(FILE *f, const struct result *const *boots, size_t n);

// Its ports, each line with its time (html_console.c).
void html_console(FILE *f, const struct result *r);
