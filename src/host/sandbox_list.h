// SPDX-License-Identifier: Apache-2.0
// What each kind of thread may call, as rules. Private to the sandbox.
#pragma once

#include "src/host/sandbox.h"

#include <seccomp.h>

// Adds the rules of a kind to a list that allows nothing. 0, or a negative
// errno of libseccomp's.
int sandbox_list_fill(scmp_filter_ctx list, enum sandbox_thread kind);
