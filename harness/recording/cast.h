// SPDX-License-Identifier: Apache-2.0
// A recording as an asciicast v2 (https://docs.asciinema.org/manual/asciicast/
// v2), for asciinema's players. A function from one file to another. Used by
// the suite and the command.
#pragma once

#include "harness/recording/reader.h"

// Writes one port's cast: "o" what the guest printed, "i" what was typed, "m"
// the machine's events; times since the process start. Reads the reader to its
// end. 0, or a negative errno when f failed.
int cast_write(FILE *f, struct recording_reader *reader, unsigned port);

// Writes RECORDING.cast for ttyS0, and RECORDING.ttyS1.cast and so on for each
// other port that printed. 0, or a negative errno with a sentence.
int cast_files(const char *recording, struct error *err);
