// SPDX-License-Identifier: Apache-2.0
// What is wrong with scenarios, for people. Private to the command.
#pragma once

#include "harness/scenario/scenario.h"

#include <stdio.h>

// All of them, each with its line and caret.
void tell_diagnostics(FILE *log, const struct diagnostics *d);
