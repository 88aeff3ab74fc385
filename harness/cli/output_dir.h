// SPDX-License-Identifier: Apache-2.0
// --output-dir: a folder for each scenario that is run, with what is known of
// its run. Private to the command.
//
//   DIR/SUITE.NAME/report.txt    what a person reads, with the marks
//                  report.json   one run of this scenario (report/SCHEMA.md)
//                  report.html   its page
//                  console.ttyS0.log and so on: the bytes of each port
//                  recording.tvr, with its casts: unless it is measured
//                  attempt1.txt, attempt1.ttyS0.log, recording.attempt1.tvr:
//                                an attempt before the last one
//
// SUITE is the scenario's folder with dots for slashes and _ for "..", left out
// for this one. Of two with the same folder the second one gets ~2. A boot of a
// series has a folder with its number behind the name: NAME#07.
#pragma once

#include "harness/cli/boots.h"
#include "harness/report/reports.h"

// All zero: there is none. Owned by the command.
struct output_dir {
    const char *path; // borrowed
    size_t count;
    char **folders; // of each selected case, below path
};

// Makes the folder DIR, and says where each case's recording goes, unless r is
// NULL or it replays. What is in the folders of these cases from a run before
// goes; of other folders nothing is touched. Before anything boots. 0, or a
// negative errno with a sentence.
int output_dir_make(struct output_dir *d, const char *path,
                    const struct selection *s, struct recordings *r,
                    struct error *err);
void output_dir_free(struct output_dir *d);

// Writes the files of each of the run's results, its case b's. What can't be
// written is told on complaints, and the others are written nevertheless. 0 or
// the last negative errno.
int output_dir_write(const struct output_dir *d, const struct boots *b,
                     const struct report_run *run, FILE *complaints);
