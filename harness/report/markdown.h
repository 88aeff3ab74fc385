// SPDX-License-Identifier: Apache-2.0
// Text in a Markdown page (GitHub flavoured) that stays text. Used by the
// summary of a run and by that of a comparison.
#pragma once

#include <stdio.h>

// Writes s on one line, as visible_text does, with all that would be markup,
// a table's border, a mention or a formula escaped. Of more than about 500
// bytes the end is "...". NULL writes nothing.
void markdown_text(FILE *f, const char *s);

// A name: as code where it is a word, else as markdown_text has it.
void markdown_name(FILE *f, const char *s);
