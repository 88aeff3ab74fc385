// SPDX-License-Identifier: Apache-2.0
// Trends for programs of others that watch benchmarks: Apache Otava (formerly
// Hunter) and Bencher. Used by the command line.
#pragma once

#include "harness/history/trend.h"

// Otava reads a file for each test, and of a metric that a row lacks it reads
// nothing at all. So each trend is a test with a file of its own, and its
// columns are the marks that all of its points have, in seconds (medians).

// The test's name, which is a file's name without .csv, into out; returns it.
// Names of one t differ.
#define OTAVA_NAME 160
const char *otava_name(const struct trends *t, size_t index,
                       char out[OTAVA_NAME]);

// A row for each point: time, commit (or session), branch where one is known,
// and the marks.
void otava_csv(FILE *f, const struct trend *t);

// The configuration that names these files, as Otava reads it (otava.yaml).
void otava_config(FILE *f, const struct trends *t);

// Bencher Metric Format: of each mark's newest point median and 95 % interval
// in nanoseconds, as the measure "latency", of CPU time "cpu-time". Of a
// scenario that was measured in several environments the newest counts, for a
// testbed is not in this format.
void bencher_json(FILE *f, const struct trends *t);
