// SPDX-License-Identifier: Apache-2.0
// The canonical layout of a scenario: how `toyvmm-test --format` writes it.
// Used by the command line.
#pragma once

#include "harness/scenario/scenario.h"

// Lays the text of a scenario, or of a file that scenarios `use`, out anew: the
// same tokens and comments in the same order, other blanks and line ends. What
// it means stays the same, and laying out the result gives the result again.
//
// - A statement's word is followed by blanks up to column 9, in a header with a
//   longer word up to one column for all of it; everything else stands one
//   blank apart. Blocks are indented by four.
// - Neighbouring `set`, `matrix`, `check NAME has|lacks|count` and one-line
//   branches of `expect one` stand in columns, as do comments behind them,
//   where the lines then fit into 80 columns.
// - A block that stands on one line stays there when it holds one statement at
//   most and fits; any other is opened out.
// - Of several empty lines one is left, none at a block's or the file's ends.
//   Comments, texts, and patterns, also those of several lines, stay as they
//   are.
//
// path is used in messages only; no other file is read. 0 with *out, a heap
// block of *out_len bytes and a NUL (the caller frees). -EINVAL when the text
// is no scenario: what is wrong is in diags, which the caller frees in any
// case. Another negative errno when the text is too large or memory is out.
int scenario_format(const char *path, const char *text, size_t len, char **out,
                    size_t *out_len, struct diagnostics *diags,
                    struct error *err);
