// SPDX-License-Identifier: Apache-2.0
// A scenario's tree as text, without the places where things stand: two files
// that mean the same have the same text. For the tests of the scenario room.
#pragma once

#include "harness/scenario/scenario.h"

// A heap string.
char *tree_text(const struct scenario *s);
