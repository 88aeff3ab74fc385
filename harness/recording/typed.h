// SPDX-License-Identifier: Apache-2.0
// Compares what a scenario types in a replay with what was typed when it was
// recorded. For tape.c only.
#pragma once

#include "harness/console/console.h"

// Bytes that one of the two has typed and the other not yet.
struct typed_piece {
    struct typed_piece *next;
    uint64_t ns;
    bool secret;       // the bytes are stars: any will do
    bool serial_break; // instead of a byte, which is 0
    size_t len, at;
    uint8_t bytes[];
};

enum typed_side { TYPED_THEN, TYPED_NOW };

// One thread. All zero is ready. How the bytes were cut into writes means
// nothing, nor does at which moment they were typed.
struct typed {
    struct {
        struct typed_piece *first, **end;
        size_t len;
    } waiting[TOYVMM_PORTS][2];
    bool differs;        // for good
    uint64_t differs_ns; // by the console's clock, when it was recorded
};

void typed_add(struct typed *t, enum typed_side side, unsigned port,
               const uint8_t *bytes, size_t len, bool secret, uint64_t ns);

// A break on the serial port, between the bytes before and those after.
void typed_break(struct typed *t, enum typed_side side, unsigned port,
                 uint64_t ns);

// Nothing more is typed: what one of the two typed alone is a difference, too.
// A recording that is cut off can't tell what was typed after that.
void typed_finish(struct typed *t, bool cut_off);

void typed_free(struct typed *t);
