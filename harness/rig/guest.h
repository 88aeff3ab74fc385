// SPDX-License-Identifier: Apache-2.0
// Inside the rig: init, its files and its command. Only guest*.c and main.c
// include this. Everything runs in process 1, on one thread.
#pragma once

#include "harness/rig/job.h"
#include "harness/rig/relay.h"

#include <sys/types.h>

// Init's own life; ends with the machine.
_Noreturn void guest_main(void);

// Mounts what init needs before it can read its job.
int guest_mount_kernel(struct error *err);

// Loads the modules [from, to) of the initramfs, in order.
int guest_load_modules(uint32_t from, uint32_t to, struct error *err);

// Opens the protocol's port, waiting for its device. Returns the descriptor,
// non-blocking, or a negative errno.
int guest_open_port(struct error *err);

// Mounts the host's root, an overlay for what is written to it and the
// read-write shares, and makes that this process's root.
int guest_mount_files(const struct job *job, struct error *err);

// Makes the initramfs itself the command's root: the exact rig's files.
int guest_enter_exact(const struct job *job, struct error *err);

// Once the exact rig's command has ended: mounts the read-write shares and
// writes to them what the command wrote to the directories that they are.
int guest_hand_out(const struct job *job, struct error *err);

// Writes what shared mappings still hold back to the host.
void guest_sync(const struct job *job);

// The command, and init's side of its streams.
struct command {
    pid_t pid;
    int pty;     // its terminal's other side, or -1; owned
    int tty;     // the terminal itself, held so that it never hangs up
    int ours[3]; // our ends of its streams until they are a relay's, or -1
};

// Starts the job's command. On failure nothing runs. A command that can't be
// executed has started and says so itself, as in a shell.
int guest_start_command(struct command *command, const struct job *job,
                        struct error *err);

// Gives its streams to the relay.
int guest_add_streams(struct relay *relay, struct command *command,
                      struct error *err);
