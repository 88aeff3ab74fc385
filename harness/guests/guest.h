// SPDX-License-Identifier: Apache-2.0
// From a scenario's words to the files that are booted: the guest definition
// that it names, its own overrides, those of the command line. The room's only
// header; used by live.h and the command line.
#pragma once

#include "harness/scenario/ast.h"
#include "src/toyvmm.h"

// What the command line says about the machine; NULL and 0 are "not given". A
// cmdline that begins with "+" is appended.
struct guest_overrides {
    const char *kernel, *initrd, *cmdline;
    uint64_t memory;
    enum toyvmm_backing backing; // with memory
    unsigned cpus;
};

// One machine's files and shape. Strings are owned; guest_free frees them.
struct guest {
    char *name; // the guest that really runs; "custom" without a definition
    char *note; // e.g. that it is a fallback, or NULL
    char *kernel, *initrd, *cmdline;
    char *symbols;   // of the kernel, for failure reports, or NULL
    uint64_t memory; // bytes
    enum toyvmm_backing backing;
    unsigned cpus;
    unsigned ports; // UARTs; 0: as many as a machine has
    bool console;   // it has hvc0
    bool mmio;      // its virtio is not on PCI
    size_t nnamed;
    char *named[PORT_NAMES];   // its ports with names
    size_t ndisks;             // the definition's, then the scenario's
    struct toyvmm_disk *disks; // their texts are owned, too
    struct toyvmm_net net;     // the same
    struct toyvmm_vsock vsock; // the same
    size_t nfolders;
    struct toyvmm_folder *folders; // the same
};

// Finds out what scenario boots. s may be NULL: then the overrides say all. A
// definition is asked for once and remembered in the environment as
// TOYVMM_GUEST_<NAME> (a path to its guest.conf), where child processes find
// it. Paths are relative to the file that names them. -EINVAL: the scenario or
// the options are wrong; other negative errno: the guest can't be had here.
int guest_make(struct guest *guest, const struct scenario *s,
               const struct guest_overrides *overrides, struct error *err);
void guest_free(struct guest *guest);

// Opens and checks the files, without KVM. Errors as toyvmm_check.
int guest_check(const struct guest *guest, struct error *err);

// Tells of each file that the scenario's header names and that can't be used as
// it is asked for (read; a writable disk written), of a network or a socket
// that can't be had here, and of a share: where it is named, and a sentence,
// both valid during the call. What the overrides replace is not looked at,
// nothing is opened or built. 0, or a negative errno.
int guest_missing(const struct scenario *s,
                  const struct guest_overrides *overrides,
                  void (*missing)(void *owner, const struct source_pos *pos,
                                  const char *text),
                  void *owner, struct error *err);

// Whether s has a network that could be had here, or one of `net user` when it
// has none: 0, or a negative errno as toyvmm_check_net.
int guest_check_net(const struct scenario *s, struct error *err);

// The machine's configuration, borrowing the guest's strings.
struct toyvmm_config guest_config(const struct guest *guest);

// ---- Guest definitions (guest_conf.c) ---------------------------------------

// A definition is the file that describes a built guest; a script builds one.

// Fills guest from the definition of that name. -EINVAL for a name that nobody
// knows, another negative errno when it can't be had.
int guest_conf_find(struct guest *guest, const char *name, struct error *err);
// The same, but nothing is built or downloaded: a guest that isn't there
// already is an error.
int guest_conf_look(struct guest *guest, const char *name, struct error *err);

// Reads a guest.conf: lines `key value` with the keys requested, name, kernel,
// initrd, cmdline, memory, note, and a disk for each of the guest's own.
int guest_conf_read(struct guest *guest, const char *path, struct error *err);

// "256M" and its like, in bytes. False when it isn't that.
bool guest_parse_size(const char *text, uint64_t *bytes);

// The word for it in a scenario: "huge", "shared"; NULL for private memory, and
// for what isn't one.
const char *guest_backing_word(enum toyvmm_backing backing);
