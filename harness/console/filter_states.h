// SPDX-License-Identifier: Apache-2.0
// The states of the text filter and what each kind of byte does in them. For
// filter.c only.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum filter_state {
    GROUND,
    ESCAPE,    // after ESC
    CHARSET,   // ESC and intermediate bytes
    CSI,       // ESC [
    OSC_START, // ESC ]
    OSC,       // an operating system command: up to BEL or ST
    STRING,    // DCS, SOS, PM, APC, screen's title: up to ST
    PALETTE,   // the Linux console's ESC ] P and seven digits
    STATES,
};

enum byte_class {
    CTRL,   // a control character that prints nothing
    BELL,   //
    MOVE,   // tab, backspace
    NEWL,   //
    RETN,   //
    CANC,   // CAN, SUB: abort a sequence
    ESC,    //
    INTER,  // 20..2f
    PARAM,  // 30..3f
    BRACK,  // [
    CLOSE,  // ]
    BSLASH, // ST after ESC
    DCS,    // P
    SOS,    // X ^ _ k
    RESET,  // R: the Linux console's ESC ] R
    LETTER, // the rest of 40..7e
    HIGH,   // 80..ff
    CLASSES,
};

// Where a byte leads, and whether it is text there (or ends a sequence and is
// text in the ground state).
struct step {
    uint8_t next;
    bool text;
};

extern const uint8_t filter_classes[256]; // enum byte_class
extern const struct step filter_steps[STATES][CLASSES];
// After how many bytes a sequence is taken for finished.
extern const uint16_t filter_limits[STATES];
