// SPDX-License-Identifier: Apache-2.0
// The text filter's tables (filter_states.h), after ECMA-48, xterm and the
// Linux console.
#include "harness/console/filter_states.h"

const uint16_t filter_limits[STATES] = {
    [CHARSET] = 16, [CSI] = 256,     [OSC_START] = 16,
    [OSC] = 4096,   [STRING] = 4096, [PALETTE] = 8, // "]" and 7 after "P"
};

const uint8_t filter_classes[256] = {
    [0x00 ... 0x06] = CTRL,
    [0x07] = BELL,
    [0x08 ... 0x09] = MOVE,
    [0x0a] = NEWL,
    [0x0b ... 0x0c] = CTRL,
    [0x0d] = RETN,
    [0x0e ... 0x17] = CTRL,
    [0x18] = CANC,
    [0x19] = CTRL,
    [0x1a] = CANC,
    [0x1b] = ESC,
    [0x1c ... 0x1f] = CTRL,
    [0x20 ... 0x2f] = INTER,
    [0x30 ... 0x3f] = PARAM,
    [0x40 ... 0x4f] = LETTER,
    ['P'] = DCS,
    ['Q'] = LETTER,
    ['R'] = RESET,
    ['S' ... 'W'] = LETTER,
    ['X'] = SOS,
    ['Y' ... 'Z'] = LETTER,
    ['['] = BRACK,
    ['\\'] = BSLASH,
    [']'] = CLOSE,
    ['^' ... '_'] = SOS,
    [0x60 ... 'j'] = LETTER,
    ['k'] = SOS,
    ['l' ... 0x7e] = LETTER,
    [0x7f] = CTRL,
    [0x80 ... 0xff] = HIGH,
};

#define SKIP(state)                                                            \
    {                                                                          \
        state, false                                                           \
    }
#define KEEP                                                                   \
    {                                                                          \
        GROUND, true                                                           \
    }

// In any sequence, these end or restart it.
#define LINE_ENDS                                                              \
    [NEWL] = KEEP, [RETN] = KEEP, [CANC] = SKIP(GROUND), [ESC] = SKIP(ESCAPE)
// In a string, all these are skipped.
#define IN_STRING(state)                                                       \
    [CTRL] = SKIP(state), [MOVE] = SKIP(state), [INTER] = SKIP(state),         \
    [PARAM] = SKIP(state), [BRACK] = SKIP(state), [CLOSE] = SKIP(state),       \
    [BSLASH] = SKIP(state), [SOS] = SKIP(state), [LETTER] = SKIP(state),       \
    [HIGH] = SKIP(state)

const struct step filter_steps[STATES][CLASSES] = {
    [GROUND] =
        {
            [CTRL] = SKIP(GROUND),
            [BELL] = SKIP(GROUND),
            [CANC] = SKIP(GROUND),
            [ESC] = SKIP(ESCAPE),
            [MOVE] = KEEP,
            [NEWL] = KEEP,
            [RETN] = KEEP,
            [INTER] = KEEP,
            [PARAM] = KEEP,
            [BRACK] = KEEP,
            [CLOSE] = KEEP,
            [BSLASH] = KEEP,
            [DCS] = KEEP,
            [SOS] = KEEP,
            [RESET] = KEEP,
            [LETTER] = KEEP,
            [HIGH] = KEEP,
        },
    [ESCAPE] =
        {
            LINE_ENDS,
            [MOVE] = KEEP,
            [HIGH] = KEEP,
            [CTRL] = SKIP(ESCAPE),
            [BELL] = SKIP(ESCAPE),
            [INTER] = SKIP(CHARSET),
            [BRACK] = SKIP(CSI),
            [CLOSE] = SKIP(OSC_START),
            [DCS] = SKIP(STRING),
            [SOS] = SKIP(STRING),
            [PARAM] = SKIP(GROUND),
            [BSLASH] = SKIP(GROUND),
            [RESET] = SKIP(GROUND),
            [LETTER] = SKIP(GROUND),
        },
    [CHARSET] =
        {
            LINE_ENDS,
            [MOVE] = KEEP,
            [HIGH] = KEEP,
            [CTRL] = SKIP(CHARSET),
            [BELL] = SKIP(CHARSET),
            [INTER] = SKIP(CHARSET),
            [PARAM] = SKIP(GROUND),
            [BRACK] = SKIP(GROUND),
            [CLOSE] = SKIP(GROUND),
            [BSLASH] = SKIP(GROUND),
            [DCS] = SKIP(GROUND),
            [SOS] = SKIP(GROUND),
            [RESET] = SKIP(GROUND),
            [LETTER] = SKIP(GROUND),
        },
    [CSI] =
        {
            LINE_ENDS,
            [MOVE] = KEEP,
            [HIGH] = KEEP,
            [BRACK] = KEEP,
            [CTRL] = SKIP(CSI),
            [BELL] = SKIP(CSI),
            [INTER] = SKIP(CSI),
            [PARAM] = SKIP(CSI),
            [CLOSE] = SKIP(GROUND),
            [BSLASH] = SKIP(GROUND),
            [DCS] = SKIP(GROUND),
            [SOS] = SKIP(GROUND),
            [RESET] = SKIP(GROUND),
            [LETTER] = SKIP(GROUND),
        },
    [OSC_START] = {LINE_ENDS, IN_STRING(OSC), [BELL] = SKIP(GROUND),
                   [DCS] = SKIP(PALETTE), [RESET] = SKIP(GROUND)},
    [OSC] = {LINE_ENDS, IN_STRING(OSC), [BELL] = SKIP(GROUND),
             [DCS] = SKIP(OSC), [RESET] = SKIP(OSC)},
    [STRING] = {LINE_ENDS, IN_STRING(STRING), [BELL] = SKIP(STRING),
                [DCS] = SKIP(STRING), [RESET] = SKIP(STRING)},
    [PALETTE] = {LINE_ENDS, IN_STRING(PALETTE), [BELL] = SKIP(GROUND),
                 [DCS] = SKIP(PALETTE), [RESET] = SKIP(PALETTE)},
};
