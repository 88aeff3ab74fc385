// SPDX-License-Identifier: Apache-2.0
// Replays whose recordings change from round to round.
#pragma once

#include "harness/suite/attempts.h"

#include <criterion/criterion.h>

#define RECORDINGS TEST_SOURCE_DIR "/fixtures/recordings/"

// In a folder of its own, with a.tvr, which does not do what secret.tc wants,
// and b.tvr, which does; and its end.
void attempts_begin(void);
void attempts_end(void);

// Copies a recording.
void put_recording(const char *from, const char *to);
