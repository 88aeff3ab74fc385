// SPDX-License-Identifier: Apache-2.0
// Records as files: one visitor writes a record and reads it back, so that the
// two can't differ. What is read is checked like foreign data: no length is
// believed that the file is too short for. Private to harness/report.
//
// Integers are 8 bytes, little endian; a text is its length (UINT64_MAX: NULL)
// and its bytes; a list is its length and its items.
#pragma once

#include "harness/report/result.h"

#include <stdio.h>

// One direction of the visit: a writer has saving set. failed sticks, and what
// is read after it is empty.
struct codec {
    FILE *f;
    bool saving;
    bool failed;
    uint64_t left; // of a reader: bytes of the file that are not read yet
};

// Opens a file for reading. The caller closes f.
int codec_open(struct codec *c, const char *path, struct error *err);

// Fixed bytes, which must be found there again.
void codec_seal(struct codec *c, const char magic[8]);
void codec_raw(struct codec *c, void *bytes, size_t len);
void codec_number(struct codec *c, uint64_t *value);
void codec_flag(struct codec *c, bool *value);
// At most max.
void codec_length(struct codec *c, size_t *value, uint64_t max);
// A text of known length; NULL is kept apart from "". Reading allocates it.
void codec_bytes(struct codec *c, char **text, size_t *len);
void codec_string(struct codec *c, char **text);
// A list's length, and when reading its memory, zeroed.
void codec_list(struct codec *c, void **items, size_t *n, size_t size);

// A whole result (result_file.c).
void result_visit(struct codec *c, struct result *r);
