// SPDX-License-Identifier: Apache-2.0
// toyvmm.conf: a project's defaults for options of `run`, and what is different
// for some of its scenarios. CONFIG.md is its manual. Private to the command.
#pragma once

#include "harness/cli/selection.h"

#include <stdio.h>

#define CONF_NAME "toyvmm.conf"

// One file that was read; owned by the options, which point into it.
struct conf;

// Of options that were read and not settled yet: finds the file (in the working
// directory or the next folder above that has one, no further than one with
// .git; or --config's) and takes its defaults where neither the command line
// nor the environment says something, nor something that they would not go
// with. All that is wrong with the file is written to log. 0, also when there
// is none, or -EINVAL and a sentence.
int conf_take(struct options *o, FILE *log, struct error *err);

// The file that was taken, as it was found from the working directory; NULL:
// there is none.
const char *conf_path(const struct conf *c);

// Gives each selected case its machine, attempts and deadline: the command
// line's, else those of the last block that has its name, path or title (with
// folders as the file sees them, wherever the command is called), else
// the file's defaults. Also without a file.
void conf_select(const struct options *o, struct selection *s);

// "toyvmm.conf, blocks of lines 5, 9": what of it is about the case.
void conf_tell(FILE *f, const struct conf *c, const struct selected *one);

void conf_free(struct conf *c);
