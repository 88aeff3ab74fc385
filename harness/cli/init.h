// SPDX-License-Identifier: Apache-2.0
// `toyvmm-test init`: from what lies in a folder to a scenario and a CI file.
// Shared by init*.c only. What is found is foreign: names and contents are
// nobody's word, and no program is started on them but the decompressors.
#pragma once

#include "harness/cli/options.h"

#include <stdio.h>
#include <sys/types.h>

// ---- What a file is (init_sniff.c) ------------------------------------------

enum init_kind { INIT_OTHER, INIT_KERNEL, INIT_INITRD, INIT_DISK };

// Where a disk's root file system is: not known, on the whole disk, or in the
// partition of that number.
#define INIT_ROOT_UNKNOWN (-1)
#define INIT_ROOT_WHOLE   0

struct init_file {
    char *path; // owned; as the scenario shall name it
    enum init_kind kind;
    char what[96];     // "bzImage, Linux 6.1.0", "cpio archive, gzip"
    char version[64];  // of a kernel, "" where it doesn't say
    char refused[512]; // why it can't be used; "": it can
    int root;          // of a disk
    uint64_t size;     // bytes
    int64_t modified_ns;
    dev_t device;
    ino_t inode;
    // For init_sniff: no decompressor is run, an initrd is known by its name.
    bool no_unpacking;
    bool unpacked; // one was run
};

// Looks at the content of the regular file at path; fills all of f but its
// path and no_unpacking. 0 also for a file that is nothing of these
// (INIT_OTHER); a negative errno when it can't be read. Any thread.
int init_sniff(const char *path, struct init_file *f, struct error *err);

// Whether a scenario can name it: UTF-8 without control characters.
bool init_name_is_plain(const char *name);

// ---- What is in a folder (init_scan.c) --------------------------------------

// What a kernel's .config says, and what matters here.
struct init_config {
    bool read; // there is one
    bool serial_console, initrd, initramfs, virtio_blk, kunit, kunit_tests;
};

// A folder's files, newest first of each kind. Paths are relative to it.
// All zero is ready to be freed.
struct init_found {
    size_t count;
    struct init_file *files;
    char *tree; // of a kernel's source or build: "." or a folder; or NULL
    bool tree_built;
    struct init_config config; // the tree's
    size_t looked_at;          // files
    size_t unpacked;           // of them
    bool cut_short;            // there was more than is looked at
    size_t unreadable;         // files and folders, and one of them
    char unreadable_name[256];
};

// How much is looked at: entries of folders, and folders below each other.
#define INIT_ENTRIES_MAX 20000
#define INIT_DEPTH_MAX   5
// Packed files that are looked into: each takes a process.
#define INIT_UNPACKED_MAX 100

// Looks through folder: not into hidden folders, nor through links to folders;
// of a kernel tree at its images only. -ENOTDIR, -ENOENT, -EACCES, -ENOMEM.
int init_scan(const char *folder, struct init_found *found, struct error *err);
void init_found_free(struct init_found *found);

// Reads one; a file that isn't there leaves all false.
void init_config_read(const char *path, struct init_config *config);

// ---- The scenario (init_scenario.c) -----------------------------------------

// What is known to come on the console, the more telling first.
enum init_end {
    INIT_END_LOGIN,    // a login with a known password, and a command
    INIT_END_PROMPT,   // a login prompt
    INIT_END_SHELL,    // a shell's prompt
    INIT_END_TARGET,   // a target of systemd's
    INIT_END_POWEROFF, // the guest powers itself off
    INIT_END_RESET,
    INIT_END_INIT, // the kernel has started user space
    INIT_ENDS,     // of init_scenario: nothing more is waited for
};
const char *init_end_words(enum init_end end);

// What is booted. Borrows from found and the options.
struct init_machine {
    const struct init_file *kernel, *initrd, *disk; // NULL: the guest's, none
    const char *symbols;
    bool guest;       // on `guest busybox`, for what is not there
    bool known;       // its user space is that guest's
    int root;         // of the disk, for the kernel's command line
    bool root_guess;  // ... nobody knows
    const char *base; // folder/ before relative paths, or ""
};

// Which files are booted (init_pick.c).
struct init_picked {
    struct init_machine machine;
    struct init_file given[3]; // by the command line; their paths are owned
    bool in_tree;              // the kernel is found->tree's
};
// folder is the real path of what found is of. -EINVAL, -ENOENT, ...: what the
// command line names can't be used. Free it either way.
int init_pick(const struct init_found *found, const char *folder,
              const struct options *o, struct init_picked *p,
              struct error *err);
void init_picked_free(struct init_picked *p);

// What else a scenario has.
enum init_parts {
    INIT_BANNER = 1 << 0, // the kernel's first line is waited for
    INIT_KTAP = 1 << 1,   // the kernel's own tests are read
    INIT_TRIED = 1 << 2,  // it says that it was seen to pass
};

// The text of boot.tc, on the heap; NULL: no memory. parts: of init_parts.
char *init_scenario(const struct init_machine *m, enum init_end end,
                    unsigned parts);
// One that passes unless the guest panics or halts, and ends when it is up.
char *init_probe(const struct init_machine *m);

// ---- Trying it (init_trial.c) -----------------------------------------------

enum init_outcome {
    INIT_SEEN,   // *end came
    INIT_UNSEEN, // booted, but nothing that could be waited for
    INIT_UNRUN,  // guests can't run here, or this one can't be had
};

struct init_trial {
    enum init_outcome outcome;
    enum init_end end;
    unsigned parts;
    char *words;  // why it could not run, or the console's last lines
    char *reason; // why it failed; both owned, or NULL
};

// Boots m once (or takes a recording: o->replay) and finds the most telling end
// that the console showed, each tried as the very scenario that would be
// written, on the recording of that boot. 0 or a negative errno.
int init_try(const struct init_machine *m, const struct options *o, bool ktap,
             struct init_trial *trial, struct error *err);

// ---- The CI's file (init_ci.c) ----------------------------------------------

enum init_service { INIT_PLAIN, INIT_GITHUB, INIT_GITLAB, INIT_JENKINS };

struct init_ci {
    enum init_service service;
    char root[4096];     // of the repository, or the folder itself
    char scenario[4096]; // the scenario's path below it
    char definition[64]; // the service's file below root, "" for none
    const char *why;     // it is this service
    bool include;        // the definition must be included by one that is there
};

// Finds out which service the folder's repository uses. folder is absolute.
void init_ci_find(const char *folder, struct init_ci *ci);
// The script and the definition, on the heap; NULL: no memory. tree: the
// kernel's tree below the root, which is built where it isn't; or NULL.
char *init_ci_script(const struct init_ci *ci, const char *tree);
char *init_ci_definition(const struct init_ci *ci, const char *tree);
// Text as one word of the shell's.
void init_put_word(FILE *f, const char *text);
