// SPDX-License-Identifier: Apache-2.0
// What the launcher tells init: the command and the process state that it
// must find. It travels as the file /rig.job in the initramfs. Both ends are
// the same executable, so plain structs are its encoding.
#pragma once

#include "src/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <termios.h>

#define JOB_PATH    "/rig.job"
#define JOB_MODULES "/modules/" // followed by a two-digit index

// What one of the descriptors 0, 1, 2 is on the host. AS_STDOUT: stderr is
// the same file as stdout. FILE: whatever it is, the exact rig's command has a
// file there.
enum job_fd {
    JOB_FD_CLOSED,
    JOB_FD_STREAM,
    JOB_FD_TTY,
    JOB_FD_AS_STDOUT,
    JOB_FD_FILE,
};

struct job_state {
    uint32_t umask;
    uint32_t modules;       // kernel modules in the initramfs
    uint32_t early_modules; // of which so many are wanted before the mounts
    uint64_t ignored;       // bit n: signal n is ignored
    bool unprivileged;      // files of other users have no owner here
    bool exact;             // the command is alone until its end
    bool plain;             // no rig: there is no /dev/kvm, and nobody wants it
    uint32_t phase_ns;      // it starts so long after all is ready for it
    enum job_fd fds[3];
    struct termios termios; // of the host's terminal, when an fd is one
    struct rlimit limits[RLIM_NLIMITS];
};

// A list of strings that is also a NULL-terminated vector.
struct job_list {
    char **items;
    size_t count;
};

// The launcher's job points to its own strings; a decoded job points into the
// buffer that was decoded. Lists are owned.
struct job {
    struct job_state state;
    const char *cwd;
    const char *hostname;
    struct job_list args;
    struct job_list env;
    struct job_list shares; // directories that are read-write, absolute
};

// Appends a string; -ENOMEM.
int job_list_add(struct job_list *list, char *item);
void job_free(struct job *job);

// *bytes is allocated, for free(). -ENOMEM.
int job_encode(const struct job *job, uint8_t **bytes, size_t *len,
               struct error *err);

// Reads what job_encode wrote; bytes must stay as long as *job lives.
// -EINVAL for anything else.
int job_decode(struct job *job, uint8_t *bytes, size_t len, struct error *err);

// Fills umask, limits and ignored signals from the calling process.
void job_state_capture(struct job_state *state);

// Gives the calling process that state, as far as it is allowed to.
void job_state_apply(const struct job_state *state);
