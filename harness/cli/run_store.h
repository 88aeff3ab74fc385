// SPDX-License-Identifier: Apache-2.0
// What became of the last runs: a file for each in a folder of the user's, for
// --rerun. Private to the command.
//
// The folder is $XDG_STATE_HOME/toyvmm/runs, or ~/.local/state/toyvmm/runs. A
// file is written under a temporary name and renamed: it is whole or not there.
// Its name begins with its time and is like no other's, so runs at one time
// don't meet. A run that is added takes away what is too old or too much.
#pragma once

#include "src/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RUN_STORE_PATH 4200

// What is kept: so many runs, of so many bytes together, and so old.
#define RUN_STORE_RUNS  200
#define RUN_STORE_BYTES ((uint64_t)8 << 20)
#define RUN_STORE_AGE_S ((int64_t)30 * 86400)

enum run_fate {
    FATE_PASSED,
    FATE_FAILED, // its verdict fails a run
    FATE_UNRUN,  // it was to run, and did not, or not to its end
    FATE_SKIPPED,
    FATES
};

struct stored_case {
    const char *name; // SUITE/NAME
    enum run_fate fate;
};

// Strings are borrowed, or, of a run that was read, in memory.
struct stored_run {
    const char *folder; // that it was started in
    size_t npaths;
    char **paths; // as they were given
    size_t count;
    struct stored_case *cases;
    char *memory;
};

// The store's folder, made if it isn't there. 0, or a negative errno where
// there is none to be had.
int run_store_open(char out[RUN_STORE_PATH], struct error *err);

// Adds a run that ended at now_ns (of the day), and tidies up. 0, or a negative
// errno; -EINVAL of one whose names have line breaks, which are not kept.
int run_store_add(const char *store, const struct stored_run *run,
                  uint64_t now_ns, struct error *err);

// The newest run that was started in this folder; its file's name in *file
// (heap). Files that are damaged, or no runs, are passed over. -ENOENT when
// there is none, or another negative errno.
int run_store_last(const char *store, const char *folder,
                   struct stored_run *run, char **file, struct error *err);
// The one of a file. -EINVAL when it is damaged.
int run_store_read(const char *store, const char *file, struct stored_run *run,
                   struct error *err);
void stored_run_free(struct stored_run *run);
