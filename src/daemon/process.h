// SPDX-License-Identifier: Apache-2.0
// Child processes: the rig's QEMU, virtiofsd, decompressors; the servers of a
// guest's shares and disks. None of them outlives who started it, whatever ends
// that.
#pragma once

#include "src/base/error.h"

#include <stdint.h>
#include <sys/types.h>

// A child must look like this before its program runs; 0 or a negative errno
// and a sentence, which process_spawn returns as its own.
typedef int process_setup(void *arg, struct error *err);

struct process_spec {
    const char *const *argv; // argv[0] is a path or is searched in PATH
    int out, err;            // its stdout and stderr; stdin is /dev/null
    const int *keep;         // further descriptors that it inherits,
    size_t nkeep;            // under the same numbers
    process_setup *setup;    // may be NULL
    void *setup_arg;
};

// Starts the program in a process group of its own; the kernel kills it when
// the calling thread ends. Returns its pid, or a negative errno when it
// couldn't be started.
pid_t process_spawn(const struct process_spec *spec, struct error *err);

// Kills and reaps. A pid of 0 or less is nothing to do.
void process_kill(pid_t *pid);

// The same by its descriptor (pidfd_open(2)), or by its number where handle is
// 0. One that can't be sent a signal to is not waited for, and *pid stays.
void process_kill_by(int handle, pid_t *pid);

// The same, but it is asked to end (SIGTERM) first, and has wait_ns for it.
void process_end(pid_t *pid, uint64_t wait_ns);

// Runs a program and collects what it prints, at most max bytes; *bytes is
// for free(). Fails with -EIO when it does not exit with 0.
int process_capture(const char *const *argv, size_t max, uint8_t **bytes,
                    size_t *len, struct error *err);

// Reads a whole file of at most max bytes; *bytes is for free().
int file_read(const char *path, size_t max, uint8_t **bytes, size_t *len,
              struct error *err);

// Finds an executable file: name itself when it has a slash, else in PATH.
// 0 and the path in found[size], or -ENOENT.
int program_find(const char *name, char *found, size_t size);
