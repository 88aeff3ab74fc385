// SPDX-License-Identifier: Apache-2.0
// Prints a recording for a person, or for a program. Used by the command.
#pragma once

#include "src/base/error.h"

#include <stdbool.h>
#include <stdio.h>

enum show_format {
    SHOW_TEXT, // a row for each line, input, event and mark, with its time
    SHOW_RAW,  // the bytes that one port sent
    SHOW_JSON, // a JSON object for each record
    SHOW_CAST, // an asciicast v2 of one port
};

struct show_options {
    enum show_format format;
    bool since_last; // text: how long after the row before; the longest gaps
    int port;        // this port alone; -1: all (raw and cast: ttyS0)
};

// 0; -EINVAL: path is no recording; other negative errno: it can't be read, or
// f can't be written. A recording that is cut off is shown up to there, and
// that it is.
int show_recording(FILE *f, const char *path,
                   const struct show_options *options, struct error *err);
