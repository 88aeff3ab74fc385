// SPDX-License-Identifier: Apache-2.0
// A recording as rows of text. For show.c only.
#pragma once

#include "harness/recording/reader.h"
#include "harness/recording/show.h"

// Reads the reader to its end; path is read besides, for the marks. 0, or a
// negative errno.
int show_text(FILE *f, const char *path, struct recording_reader *reader,
              const struct show_options *options, struct error *err);
