// SPDX-License-Identifier: Apache-2.0
// From what a UART sent to text: terminal escapes removed, line ends made "\n",
// UTF-8 repaired. A stream transducer: what comes out is a function of the
// bytes that went in, not of how they were cut. For harness/console only.
#pragma once

#include "harness/console/arrival.h"
#include "harness/console/text.h"

// What becomes of what:
//
//   printable ASCII, tab, backspace   kept
//   "\n", after any number of "\r"    "\n"
//   "\r" at the start of a line       dropped: it does nothing there
//   "\r" elsewhere                    kept, one for several: a progress bar
//                                     that starts its line anew. Patterns take
//                                     it for a line end (^, $ and `.`)
//   other control characters          dropped: NUL, BEL, XON, DEL, ...
//   valid UTF-8                       kept; a character is text when its last
//                                     byte is there
//   invalid UTF-8                     U+FFFD for each maximal ill-formed part
//                                     (Unicode 15, section 3.9, table 3-8)
//   8-bit C1 controls                 are invalid UTF-8
//   escape sequences (ECMA-48, the    dropped: CSI, OSC, DCS, SOS, PM, APC,
//   Linux console's, screen's)        charset selection, two-byte escapes
//
// A sequence that is not finished after a bounded number of bytes, or at the
// end of its line, ends there: an ESC can't swallow a log. "[" can't be part of
// a CSI sequence: it is the kernel cutting in with "[    1.234567] ...".
//
// Carriage returns are decided late (a "\n" may follow), so the last of them is
// not text before the next character. The time of a character is that of the
// byte that made it text.
struct filter {
    uint8_t state;    // enum filter_state
    uint8_t need;     // continuation bytes that the character still lacks
    uint8_t low;      // range of the next continuation byte
    uint8_t high;     //
    uint8_t have;     // bytes in utf8[]
    bool cr;          // a carriage return waits for its "\n"
    bool line_start;  // nothing since the last "\n"
    uint8_t utf8[4];  // the incomplete character
    uint16_t skipped; // bytes of the escape sequence so far
};

void filter_init(struct filter *f);

// Appends the text of a piece to out, with its times.
void filter_feed(struct filter *f, struct text *out, const struct piece *in);

// False while an incomplete character is held back: what is text now is not
// all that was printed.
static inline bool filter_at_rest(const struct filter *f)
{
    return f->have == 0;
}
