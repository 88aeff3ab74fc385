// SPDX-License-Identifier: Apache-2.0
// The command line of toyvmm-test. Private to the command.
#pragma once

#include "harness/report/reports.h"
#include "harness/runner/guest.h"
#include "harness/scenario/scenario.h"

enum action {
    ACTION_RUN,
    ACTION_LIST,
    ACTION_CHECK,
    ACTION_FORMAT,
    ACTION_EXPLAIN,
    ACTION_PROBE,
    ACTION_INTERACTIVE,
    ACTION_HELP,
    ACTION_VERSION,
};

enum accelerator { ACCEL_AUTO, ACCEL_KVM, ACCEL_RIG };

// Strings point into argv; the lists are owned.
struct options {
    enum action action;
    unsigned asked; // a bit for each action that was given
    enum accelerator accelerator;
    const char *reports[REPORTS]; // a file for each kind, or NULL
    const char *record;           // file or folder, or NULL
    const char *replay;           // file or folder, or NULL
    double replay_speed;          // 0: without waiting
    const char *filter;           // glob on scenario names, or NULL
    const char *tags;             // "smoke,-slow", or NULL
    struct guest_overrides machine;
    size_t nsets;
    struct override *sets;
    double timeout_scale; // 0: by accelerator
    unsigned jobs;        // at least 1
    bool in_process;
    bool show_console;
    unsigned verbosity; // 0, 1 marks of passed scenarios, 2 each step
    bool quiet;         // no summary, no line on the accelerator
    bool write;         // of --format: rewrite the files
    bool format_check;  // of --format: --check was given too
    size_t npaths;
    char **paths; // files and directories
};

// Reads the command line. -EINVAL and a sentence when it can't be obeyed.
int options_parse(struct options *o, int argc, char **argv, struct error *err);
void options_free(struct options *o);

// The text of --help.
extern const char help_text[];
