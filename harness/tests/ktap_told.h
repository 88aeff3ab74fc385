// SPDX-License-Identifier: Apache-2.0
// Runs the KTAP reader on a text, for its tests.
#pragma once

#include "harness/ktap/ktap.h"
#include "harness/report/result.h"

// Reads the lines of text[0..len), a millisecond each; cut as in ktap_finish.
// Gives one line for each test, "P name", "F name: message", "S ...", "E ...",
// and before them the state: "complete", "open", ... A heap string.
char *ktap_told(const char *text, size_t len, const char *cut);

// The same, with the result itself.
char *ktap_told_result(const char *text, size_t len, const char *cut,
                       struct result *r);

// A text and what ktap_told has to make of it.
struct ktap_example {
    const char *name, *text, *told;
};

void ktap_check_examples(const struct ktap_example *list, size_t n,
                         const char *cut);
#define KTAP_CHECK_ALL(list, cut)                                              \
    ktap_check_examples(list, sizeof(list) / sizeof((list)[0]), cut)
