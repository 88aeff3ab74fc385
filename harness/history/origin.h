// SPDX-License-Identifier: Apache-2.0
// Where runs come from: this host, these images, this commit. Filled once for
// a command; used by the command line.
#pragma once

#include "harness/history/history.h"

// SHA-256 of a file's bytes in lower-case hexadecimal. 0 or a negative errno.
int origin_file_sha256(const char *path, char out[65], struct error *err);

// The host's processor as it tells itself: "model name" and "microcode" of
// /proc/cpuinfo's first processor ("unknown", "" where there is none). path is
// "/proc/cpuinfo" unless a test gives another.
struct origin_cpu {
    char model[128];
    char microcode[32];
};
void origin_cpu(const char *path, struct origin_cpu *out);

// What the CI says in its environment: GitHub Actions, GitLab, Jenkins, Azure
// Pipelines, CircleCI, Buildkite, Cirrus; or TOYVMM_COMMIT, TOYVMM_BRANCH and
// TOYVMM_JOB, which come before all of them. NULL where nothing is said.
// Strings belong to the environment that get reads (getenv, but for tests).
struct origin_commit {
    const char *commit, *branch, *job;
};
void origin_commit(char *(*get)(const char *name), struct origin_commit *out);
