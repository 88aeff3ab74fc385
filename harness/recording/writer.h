// SPDX-License-Identifier: Apache-2.0
// Writes a recording to a file, a block at a time: memory is one block, however
// long the recording, and what was flushed survives whatever happens to this
// process. For harness/recording and its tests.
#pragma once

#include "harness/recording/record.h"

struct recording_writer;

// 0 when a recording can be written to path: it is writable, and what is there
// is a recording or empty; nothing else is ever overwritten. Leaves the file
// as it is. A negative errno with a sentence.
int recording_check(const char *path, struct error *err);

// Makes the file (or empties it) and writes the header. NULL with a sentence;
// *code, if not NULL, gets the negative errno.
struct recording_writer *recording_writer_new(const char *path,
                                              const struct recording_info *info,
                                              int *code, struct error *err);

// Appends a record. What fails is told by the end or by
// recording_writer_failed; records after a failure are dropped, so that what is
// in the file is whole.
void recording_put(struct recording_writer *w, const struct record *r);

// Hands what was put to the operating system.
void recording_flush(struct recording_writer *w);

// True when there is something that recording_flush would write.
bool recording_pending(const struct recording_writer *w);
bool recording_writer_failed(const struct recording_writer *w);

// Writes the trailer (NULL: none) and the end, closes, frees. 0, or the
// negative errno with a sentence of the first failure: the file is cut off
// there then. w may be NULL.
int recording_writer_end(struct recording_writer *w,
                         const struct recording_info *trailer,
                         struct error *err);
