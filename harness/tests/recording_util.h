// SPDX-License-Identifier: Apache-2.0
// What the tests of harness/recording share: files of their own, results as
// text, recordings made of a scripted guest.
#pragma once

#include "harness/recording/reader.h"
#include "harness/recording/replay.h"
#include "harness/tests/runner_fake.h"

#include <criterion/criterion.h>

// Most lines of a script are of ttyS0 and leave the port out.
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

// A path below a folder that is the test's own; valid until the next call.
const char *own_file(const char *name);

// The result as text, a line for each of its fields: to be compared. Without
// times it lacks those that tell when the run noticed something, and what it
// read after that. The caller frees.
char *result_text(const struct result *r, bool times);

// Runs a scenario's text on a scripted guest and records it. What the result
// was, and what two replays make of it (at once; in pieces of one byte), as
// result_text gives it without properties. The caller frees the texts.
struct replayed {
    char *recorded, *replayed, *in_pieces;
    char *recorded_coarse; // without times
};
struct replayed record_and_replay(const char *path, const char *scenario,
                                  const struct script_line *script, size_t n);
void replayed_free(struct replayed *r);

#define RECORD(path, scenario, ...)                                            \
    record_and_replay(path, scenario,                                          \
                      (const struct script_line[]){__VA_ARGS__},               \
                      sizeof((const struct script_line[]){__VA_ARGS__}) /      \
                          sizeof(struct script_line))

// A whole file; the caller frees.
uint8_t *file_bytes(const char *path, size_t *len);
void write_file(const char *path, const void *bytes, size_t len);
