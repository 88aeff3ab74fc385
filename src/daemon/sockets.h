// SPDX-License-Identifier: Apache-2.0
// How a program that is started here is talked to.
#pragma once

#include "src/base/error.h"

// A listening socket, which the program is to inherit, and a connection to it,
// which does not block. Neither has a name in the file system, and it lets in
// one peer: when it is not us, we notice. name is the program's, for messages.
// 0, or a negative errno with a sentence.
int sockets_make(const char *name, int *listening, int *connected,
                 struct error *err);
