// SPDX-License-Identifier: Apache-2.0
// The steps that were learnt, and how they are written. For harness/learn only.
#pragma once

#include "harness/learn/learn.h"
#include "harness/learn/prompt.h"

enum learnt_kind {
    LEARNT_EXPECT, // a prompt
    LEARNT_LINE,   // a line that was printed
    LEARNT_IDLE,   // nothing is printed
    LEARNT_SEND,   // a line
    LEARNT_SECRET, // ... that nobody shall read
    LEARNT_TYPE,   // without Enter
    LEARNT_KEY,
    LEARNT_LOGIN,
    LEARNT_RUN,
    LEARNT_CHECK, // a line of what the last `run` printed
    LEARNT_EVENT, // the machine's
    LEARNT_COMMENT,
};

// How LEARNT_LINE is written.
enum line_shape {
    LINE_ANYWHERE, // as it is, wherever it ends a line
    LINE_LAST,     // ... the last that is printed before it is quiet
    LINE_WHOLE,    // all of a line, to the letter
};

// Strings are owned. What isn't said of a kind is 0.
struct learnt {
    enum learnt_kind kind;
    unsigned port;
    size_t prompt;  // EXPECT, LOGIN with has_prompt: its class
    char *text;     // LINE, SEND, TYPE, KEY (its name), LOGIN's user, RUN,
    size_t len;     // CHECK, EVENT, COMMENT; of SECRET the variable
    char *password; // LOGIN; or NULL
    size_t password_len;
    bool has_prompt;
    bool literal; // SECRET: the text itself, which a login has anyway
    enum line_shape shape;
    bool digits;       // LINE: its numbers may be others
    bool status_known; // RUN
    int status;
    char *as;           // RUN, CHECK: the capture's name, or NULL
    uint64_t waited_ns; // until what it waits for had come; IDLE: how long
};

struct steps {
    size_t count, cap;
    struct learnt *list;
    bool failed; // out of memory
    bool full;
};

// More are not learnt: a scenario has 20000 statements.
#define STEPS_MAX 5000

// A new step at the end, its texts copied (text of len bytes, or NULL). NULL
// when there is no room.
struct learnt *steps_add(struct steps *s, enum learnt_kind kind, unsigned port,
                         const char *text, size_t len);
void steps_free(struct steps *s);

// How many a person would count: without comments.
size_t steps_counted(const struct steps *s);

// All of the scenario, not laid out.
void steps_put(FILE *f, const struct steps *s, const struct prompts *prompts);
// The deadline that they need, in seconds; 0: what every scenario has.
unsigned steps_timeout_s(const struct steps *s);
