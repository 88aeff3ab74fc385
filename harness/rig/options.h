// SPDX-License-Identifier: Apache-2.0
// The command line of toyvmm-rig.
#pragma once

#include "harness/rig/job.h"

enum rig_action { RIG_RUN, RIG_CHECK, RIG_HELP, RIG_VERSION };

// Where the exact rig's command leaves what --out is to get.
#define RIG_OUT "/rig.out"

// What numbers a seed is drawn for: see mix64.
enum rig_seed { SEED_CLOCK, SEED_PHASE };

enum rig_machine { RIG_MICROVM, RIG_Q35 };

// Strings point into argv; the list of directories is owned.
struct options {
    enum rig_action action;
    enum rig_machine machine;
    uint64_t memory;    // bytes, whole MiB
    unsigned cpus;      // 1..16
    unsigned timeout_s; // for the rig to come up
    bool verbose;       // the rig's console and times go to stderr
    bool exact;         // nothing of the host's timing reaches the command
    uint64_t seed;      // of exact's chance, 0..2^63-1
    const char *out;    // directory that gets what is in RIG_OUT; NULL: none
    const char *kernel; // NULL: kernel_find decides
    const char *modules;
    const char *qemu;
    bool plain;      // nobody wants a /dev/kvm in there
    const char *vmm; // plain, and the machine is this program of ours, on the
                     // host's own /dev/kvm; NULL: an emulated one
    const char *append;   // more words for the kernel's command line, or NULL
    struct job_list rw;   // as given
    struct job_list pack; // files that exact brings along, as given
    struct job_list as;   // their paths inside: as given, unless --as says else
    char **command;       // NULL-terminated
    int ncommand;
};

// Reads argv. -EINVAL and a sentence when it can't be obeyed.
int options_parse(struct options *options, int argc, char **argv,
                  struct error *err);
void options_free(struct options *options);

// The text of --help.
extern const char options_help[];
