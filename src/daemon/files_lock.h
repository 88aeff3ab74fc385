// SPDX-License-Identifier: Apache-2.0
// A list of the files that a process may use, which the kernel keeps (landlock,
// Linux 5.13): for programs that read foreign data.
#pragma once

#include <stdbool.h>

// The calling process, and what it executes, opens from now on nothing but: for
// reading what lies in the system's folders (/usr, /etc, /proc, ...) and in
// that of program; the file behind the descriptor file, for writing too when it
// is writable; /dev/null. It makes and removes no files. What is open already
// stays so. It must have PR_SET_NO_NEW_PRIVS. False: the kernel has no such
// lists, and nothing has changed.
bool files_lock(const char *program, int file, bool writable);
