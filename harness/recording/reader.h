// SPDX-License-Identifier: Apache-2.0
// Reads a recording, a block at a time: memory is one block, however long the
// recording. The file may be cut off, damaged or hostile. For
// harness/recording, its tests and its fuzz target.
#pragma once

#include "harness/recording/record.h"

#include <stdio.h>

struct recording_reader;

// Opens a recording and reads its header. NULL with a sentence: -EINVAL when it
// is none or its header is damaged, else what the file system says; *code, if
// not NULL, gets the number. recording_reader_from takes a file that is open
// and closes it, also on failure.
struct recording_reader *recording_open(const char *path, int *code,
                                        struct error *err);
struct recording_reader *recording_reader_from(FILE *f, const char *name,
                                               int *code, struct error *err);
void recording_close(struct recording_reader *r); // NULL is fine

// The header; with the trailer, once it was read.
const struct recording_info *recording_info(const struct recording_reader *r);

// The next record but META, START and END; what it points to is good until the
// next call. 1, or 0 at the end, be it the right one or where the file is cut
// off or damaged.
int recording_next(struct recording_reader *r, struct record *out);

// After the end: NULL, or how the file ends too early, as a clause ("it is cut
// off after 4096 bytes").
const char *recording_cut(const struct recording_reader *r);
