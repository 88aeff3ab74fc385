// SPDX-License-Identifier: Apache-2.0
// The launcher's half of a job: what this process is, where it stands and
// which directories the command may write to.
#pragma once

#include "harness/rig/options.h"
#include "harness/rig/terminal.h"

#include <limits.h>

// A job and the strings that it points to. Init with zeros.
struct preparation {
    struct job job;
    char cwd[PATH_MAX];
    char hostname[65];
    uint64_t ignored;    // bit n: the calling process ignores signal n
    struct job_list out; // --out: the directory here that RIG_OUT is; or none
};

// Fills it from the options and the calling process. -EINVAL for a directory
// that can't be shared.
int prepare_job(struct preparation *p, const struct options *options,
                const struct terminal *terminal, struct error *err);
void prepare_free(struct preparation *p);
