// SPDX-License-Identifier: Apache-2.0
// Is this host quiet enough to time anything? Looked at before and after the
// measured runs. Used by the command line.
#pragma once

#include <stdbool.h>
#include <stdint.h>

// Counters at one moment; what can't be read is 0 and known says so.
struct noise_look {
    bool cpu_known, load_known, frequency_known;
    uint64_t busy, idle, steal;        // of all processors, in clock ticks
    double load;                       // over the last minute
    unsigned processors;               // that are online
    uint64_t slowest_khz, fastest_khz; // of them now
};

// root is "" unless a test has a /proc and /sys of its own.
void noise_look(const char *root, struct noise_look *out);

// What two looks tell about the time between them, as a warning of one
// sentence for a person, or "" when the host seems quiet: stolen time of 1 %
// and more, others' load of more than a processor in four, frequencies that
// differ by more than 15 %. own: processors that the runs kept busy
// themselves. Returns out.
#define NOISE_TEXT 400
const char *noise_warning(const struct noise_look *before,
                          const struct noise_look *after, unsigned own,
                          char out[NOISE_TEXT]);
