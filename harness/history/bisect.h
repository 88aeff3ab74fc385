// SPDX-License-Identifier: Apache-2.0
// Which of these images was the first slow one? A binary search whose
// questions are answered by statistics, with as few boots as the noise allows.
// Pure but for the boots, which the caller makes. One thread.
#pragma once

#include "src/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bisect_options {
    double alpha;      // chance of a wrong answer: 0.01
    double min_effect; // a smaller slow-down is none: 0.02
    size_t most_runs;  // of one image for one question: 64
    bool exact;        // a boot's time is the same each time: one of each image
                       // is enough, alpha and most_runs are not used
};

extern const struct bisect_options bisect_defaults;

// Boots image `index` once and says when it reached the mark (any unit, above
// 0), or NAN when it did not: such an image can't be judged and is passed over.
// A negative errno ends the search.
struct bisect_boots {
    void *owner;
    int (*boot)(void *owner, size_t index, double *value, struct error *err);
    // Told of each answer; may be NULL. ratio: to the good image.
    void (*answer)(void *owner, size_t index, int slow, double ratio,
                   size_t boots);
};

enum bisect_status {
    BISECT_FOUND,
    BISECT_SAME,   // the last image is not slower than the first
    BISECT_UNSURE, // noise: most_runs did not settle a question
    BISECT_ABSENT, // the first or the last can't be judged
};

struct bisect_result {
    enum bisect_status status;
    size_t last_good, first_slow; // of FOUND: neighbours, or images between
                                  // them could not be judged; of UNSURE: what
                                  // the search is narrowed down to
    bool narrowed; // the last one is slow; else UNSURE knows nothing yet
    double ratio;  // of the last image to the first
    size_t boots;  // all that were made
};

// Searches images 0..n-1, of which the first is taken for good. 0, -EINVAL
// (fewer than two), -ENOMEM, or what boot returned.
int bisect_search(size_t n, const struct bisect_boots *boots,
                  const struct bisect_options *options,
                  struct bisect_result *out, struct error *err);
