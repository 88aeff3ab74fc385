// SPDX-License-Identifier: Apache-2.0
// One line of KTAP: what kind it is and what it says. Knows nothing of the
// lines around it. Used by ktap*.c only.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The kernel's Documentation/dev-tools/ktap.rst (version 1), and TAP 12 to 14
// as programs write them.
enum ktap_kind {
    KTAP_TEXT,       // none of the others
    KTAP_DIAGNOSTIC, // "# rest": rest is in reason
    KTAP_VERSION,    // "KTAP version 1", "TAP version 13"
    KTAP_PLAN,       // "1..5", "1..0 # SKIP why"
    KTAP_RESULT,     // "ok 1 - name # SKIP why"
    KTAP_SUBTEST,    // "# Subtest: name"
    KTAP_BAIL,       // "Bail out! why"
};

enum ktap_directive {
    KTAP_NONE,
    KTAP_SKIP,
    KTAP_TODO,
    KTAP_XFAIL,
    KTAP_XPASS,
    KTAP_TIMED_OUT, // "TIMEOUT"
    KTAP_ERROR,
};

// A part of the line; text is not NULL and not NUL-terminated.
struct ktap_span {
    const char *text;
    size_t len;
};

struct ktap_line {
    enum ktap_kind kind;
    size_t indent; // columns of blanks before it, a tab reaching to 8, 16, ...
    bool is_ktap;  // of a version: KTAP's, not TAP's
    bool ok;       // of a result
    bool numbered; // "ok 3": number says it, else 0
    // Of a result: without a number and a dash it may be a sentence ("ok, go").
    bool weak;
    uint64_t number; // of a result, or the plan's N; at most KTAP_NUMBER_MAX
    enum ktap_directive directive; // of a result or a plan
    // Both as written: TAP 14 escapes "#" and "\" in them (ktap_plain).
    struct ktap_span name;   // of a result or a subtest
    struct ktap_span reason; // behind the "#", the directive taken off
};

// A larger number is read as this.
#define KTAP_NUMBER_MAX UINT64_C(1000000000)

// Reads text[0..len), a line without its newline; blanks at its end don't
// count. Spans point into it.
void ktap_line_read(const char *text, size_t len, struct ktap_line *out);

// "SKIP" and its like; "" for KTAP_NONE.
const char *ktap_directive_name(enum ktap_directive d);
