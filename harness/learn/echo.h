// SPDX-License-Identifier: Apache-2.0
// The line on which a guest echoes what is typed, as a terminal shows it: line
// editors move the cursor, insert, delete and paint anew, and what stands there
// at the end is what was meant. For harness/learn only.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Characters of a line; of a longer one the rest is not known.
#define ECHO_CELLS 4096
// A guest on a serial line believes its terminal to be so wide.
#define ECHO_WIDTH 80
// Bytes of a line as text.
#define ECHO_TEXT ((size_t)4 * ECHO_CELLS + 1)

enum echo_state { ECHO_GROUND, ECHO_ESC, ECHO_CSI, ECHO_STRING, ECHO_CHARSET };

// All zero is ready. The line is one, however many rows of the screen it takes.
// A kernel message that cuts it is taken out of it.
struct echo {
    uint32_t cells[ECHO_CELLS]; // code points
    size_t len, at;             // at: where the cursor is
    bool long_line;             // it has not fitted

    bool addressed; // a program has put the cursor somewhere on the screen
    bool armed;     // the line that ends next is kept
    bool caught;    // ... and was, here:
    size_t prompt_len;
    uint32_t prompt[ECHO_CELLS];
    size_t kept_len;
    uint32_t kept[ECHO_CELLS];

    enum echo_state state;
    unsigned need;  // continuation bytes that a character lacks
    uint32_t point; // so far
    char params[32];
    size_t nparams;
};

void echo_feed(struct echo *e, const uint8_t *bytes, size_t len);

// What stands in the line now is a prompt: what follows is typed.
void echo_begin(struct echo *e);
// Enter was pressed: the line that ends next is the one.
void echo_enter(struct echo *e);

enum echo_found {
    ECHO_SHOWN,  // out holds what is shown behind the prompt
    ECHO_HIDDEN, // nothing is, or stars
    ECHO_LOST,   // the prompt isn't there any more; out holds all of the line
};
// What was echoed between the two. out is NUL-terminated, without blanks at its
// end.
enum echo_found echo_find(const struct echo *e, char out[ECHO_TEXT],
                          size_t *len);
