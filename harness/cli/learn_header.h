// SPDX-License-Identifier: Apache-2.0
// The header of a scenario that boots the machine that was booted. Private to
// the command.
#pragma once

#include "harness/guests/guest.h"
#include "harness/scenario/scenario.h"

// The statements, a line each, for a scenario at path: what s (NULL: none) says
// of its machine, with the values of its variables, and what the command line
// or the project's file has put in its place. Files below path's folder are
// named as seen from there, others by their whole path. A heap string, or NULL
// with err.
char *learn_header(const char *path, const struct scenario *s,
                   const struct guest_overrides *overrides,
                   const struct guest *guest, struct error *err);
