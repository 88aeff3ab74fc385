// SPDX-License-Identifier: Apache-2.0
// The rig as processes on the host: QEMU, and one virtiofsd for each shared
// directory.
#pragma once

#include "harness/rig/kernel.h"
#include "harness/rig/options.h"

#include <sys/types.h>

#define SHARES_MAX 17 // the root and 16 read-write directories

// The programs that a machine is made of.
struct machine_tools {
    char qemu[PATH_MAX]; // empty: the machine is options' vmm
    char virtiofsd[PATH_MAX];
};

// A running rig. All descriptors are owned and non-blocking.
struct machine {
    pid_t qemu; // or what stands for it
    bool is_vmm;
    pid_t virtiofsd[SHARES_MAX];
    size_t nshares;
    int port;     // the protocol's link
    int console;  // what the rig's kernel prints
    int messages; // what QEMU and virtiofsd print
};

// Finds QEMU, where that is the machine, and virtiofsd. -ENOENT names the
// package.
int machine_find_tools(struct machine_tools *tools,
                       const struct options *options, struct error *err);

// Whether this user can share files: 0, or what forbids it and the cure.
int machine_can_share(struct error *err);

// True when virtiofsd will run in a user namespace: files of other users then
// have no owner in the rig.
bool machine_is_unprivileged(void);

struct machine_plan {
    const struct machine_tools *tools;
    const struct options *options;
    const struct kernel *kernel;
    int initramfs;                 // a memfd
    const struct job_list *shares; // read-write, absolute, real paths
    unsigned tsc_khz;
};

// Starts everything. On failure nothing runs.
int machine_start(struct machine *machine, const struct machine_plan *plan,
                  struct error *err);

// Kills and reaps everything, closes the descriptors; harmless when repeated.
void machine_stop(struct machine *machine);

// -ECHILD, and that its emulator ended.
int machine_ended(const struct machine *machine, struct error *err);

// Reaps what has ended. 0 while all of it runs, else -ECHILD and who ended.
int machine_reap(struct machine *machine, struct error *err);
