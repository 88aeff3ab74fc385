// SPDX-License-Identifier: Apache-2.0
// A history with boots of two branches, judged by `gate` and `compare`.
#pragma once

#include "harness/cli/cli.h"
#include "harness/cli/compare_history.h"
#include "harness/history/history.h"
#include "harness/tests/cli_files.h"

#include <inttypes.h>

#define MS UINT64_C(1000000)

// In a folder of its own, without output; and its end.
void gate_begin(void);
void gate_end(void);

// An empty boot.db; closed by the caller.
struct history *gate_history(void);
// The number'th boot of main or topic (base and head), which passed.
struct history_run gate_run(bool topic, uint64_t number);
void gate_add(struct history *h, struct history_run run);

// Judges topic against main; the reports are c.json and c.md. The exit code.
int gate_judge(enum command command, const char *marks,
               const char *acknowledged);
