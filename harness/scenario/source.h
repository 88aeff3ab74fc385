// SPDX-License-Identifier: Apache-2.0
// The files that make up a scenario: its own and those that a `use` takes in.
// For harness/scenario only.
#pragma once

#include "harness/scenario/arena.h"
#include "harness/scenario/scenario.h"

// All files of a scenario together are at most so large.
#define SCENARIO_MAX_BYTES ((size_t)4 << 20)
// So many files may stand in one another.
#define MAX_USE_DEPTH 16

// One reading of a file: a file that is used twice has two. Lives in the
// scenario's arena.
struct source {
    const struct source *older; // the one that was opened before
    const struct source *user;  // what uses it; NULL: the scenario itself
    struct source_pos use;      // and where
    const char *path;           // source_pos.file of all in it: this pointer
    const char *text; // valid characters, lines ended by \n, NUL-terminated
    unsigned depth;   // 0: the scenario itself
    uint64_t identity[2];
};

// The source that pos stands in, among those from newest on; NULL: none.
const struct source *source_of_pos(const struct source *newest,
                                   const struct source_pos *pos);

// A copy of the text with its byte order mark dropped and lines ended by \n.
const char *source_text(struct arena *arena, const char *bytes, size_t *len);

// The path that `path`, as it stands in the file `from`, means.
const char *source_beside(struct arena *arena, const char *from,
                          const char *path);

// The files of the disk: owner is not used. What is used must be a regular
// file: opening a pipe would wait for its writer.
int disk_read(void *owner, const char *path, bool used, size_t most,
              struct file_text *out, struct error *err);

// One text for every path that isn't used: owner is a struct text_in_memory.
struct text_in_memory {
    const char *bytes;
    size_t len;
};
int memory_read(void *owner, const char *path, bool used, size_t most,
                struct file_text *out, struct error *err);
