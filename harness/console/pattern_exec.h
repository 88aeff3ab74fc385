// SPDX-License-Identifier: Apache-2.0
// Running a compiled pattern over text that is still growing. For
// harness/console only; everyone else has pattern.h.
#pragma once

#ifndef PCRE2_CODE_UNIT_WIDTH
#define PCRE2_CODE_UNIT_WIDTH 8
#endif

#include "harness/console/literal.h"
#include "harness/console/pattern.h"

#include <pcre2.h>

struct pattern {
    pcre2_code *code;
    char *source;
    uint64_t born_ns;         // tells two patterns at one address apart
    bool multiline;           // `^` is the start of a line
    bool whole;               // a search can't be resumed: \G, \K, verbs
    struct literals literals; // of every match
    uint32_t names, name_size;
    PCRE2_SPTR name_table;
};

// Memory that a search needs. Owned by one thread; serves any pattern.
struct pattern_scratch {
    pcre2_match_data *data;
    pcre2_match_context *context;
    pcre2_jit_stack *stack; // made when a pattern needs more than the default
};

int pattern_scratch_init(struct pattern_scratch *s, struct error *err);
void pattern_scratch_free(struct pattern_scratch *s); // all zero is fine

enum exec_result {
    EXEC_NONE,    // no match, whatever follows text
    EXEC_PARTIAL, // it depends on what follows; ovector[0]: from where on
    EXEC_FULL,    // matched; with PCRE2_PARTIAL_HARD: whatever follows, so
                  // never an attempt at the end of the text
    EXEC_LIMIT,   // a limit of PCRE2 was hit; *code is its error number
};

// Searches text[0..len) from offset `from` on. text is valid UTF-8 and `from`
// splits no character, unless PCRE2 is to check that (check). options:
// PCRE2_NOTBOL, PCRE2_PARTIAL_HARD.
enum exec_result pattern_exec(const struct pattern *p,
                              struct pattern_scratch *s, const char *text,
                              size_t len, size_t from, uint32_t options,
                              bool check, int *code);

// Fills err with what limit was hit at which offset of what; returns code < 0.
int pattern_limit_error(const struct pattern *p, int code, uint64_t offset,
                        const char *what, struct error *err);
