// SPDX-License-Identifier: Apache-2.0
// When bytes arrived: cuts what a console gave into pieces without a quiet
// moment inside, so that a moment of quiet means the same whether somebody
// waited through it or finds it in the stamps later. For harness/console only.
#pragma once

#include "harness/console/console.h"

#define SETTLE_DEFAULT_NS (50 * UINT64_C(1000000))

// Kept from feed to feed by a reader of the stream.
struct arrival {
    uint64_t settle_ns; // how long a gap must be to count as quiet
    bool started;       // a byte has arrived,
    uint64_t last_ns;   // the last one at this time
};

// Bytes to cut up, and how far that is.
struct arrival_feed {
    const uint8_t *bytes;
    size_t len;
    const struct stamp *stamps;
    size_t nstamps;
    size_t at;    // cut so far
    size_t stamp; // stamps[stamp] is in force at `at`
};

// bytes[0..len) of a feed; stamps->at counts from `base` bytes before them, and
// stamps[0] is in force at bytes[0].
struct piece {
    const uint8_t *bytes;
    size_t len, base;
    const struct stamp *stamps, *stamps_end;
    bool quiet;        // the settle time passed between what was before and it
    uint64_t quiet_ns; // when it had
};

// The next piece (1 byte to 64 KiB); false when all is cut.
bool arrival_next(struct arrival *a, struct arrival_feed *feed,
                  struct piece *out);

// When the quiet after what has arrived is long enough; CLOCK_NEVER when
// nothing has arrived.
uint64_t arrival_quiet_ns(const struct arrival *a);
