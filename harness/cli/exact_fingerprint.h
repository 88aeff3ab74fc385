// SPDX-License-Identifier: Apache-2.0
// Which exact rig it was. Private to the command.
#pragma once

#include "src/base/error.h"

// What the times of its boots depend on beside guest and scenario, as a SHA-256
// in hexadecimal digits, on the heap: QEMU's version, the rig's kernel, this
// program, the rig's (which knows all of QEMU's options). 0 or a negative
// errno.
int exact_fingerprint(char **out, struct error *err);
