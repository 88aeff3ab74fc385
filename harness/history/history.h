// SPDX-License-Identifier: Apache-2.0
// The history of boots: runs with their marks, and what they depend on. Kept in
// an SQLite file or on a PostgreSQL server (db.h); several processes may write
// at a time. SCHEMA.md describes the tables.
#pragma once

#include "src/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// What a time depends on beside the software under test: only runs of equal
// environments are compared.
struct history_environment {
    const char *host_cpu;    // the model's name, as the CPU tells it
    const char *microcode;   // "0x..." or NULL
    const char *accelerator; // "kvm", "rig", "exact"
    const char *version;     // of toyvmm-test
    uint64_t memory;         // the guest's, bytes
    uint64_t vcpus;
    const char *fingerprint; // of the exact rig, whose times depend on no host
                             // but on each byte of it; or NULL
};

// The software under test.
struct history_subject {
    const char *kernel_sha256;
    const char *initrd_sha256; // or NULL
    const char *cmdline;
};

struct history_mark {
    const char *name;
    uint64_t wall_ns; // since process start
    uint64_t cpu_ns;  // of the vCPU threads
    uint64_t exits;
};

#define HISTORY_ID 33 // 128 random bits as text

// One boot. Strings are borrowed; what may be NULL says so.
struct history_run {
    char id[HISTORY_ID];
    const char *session; // the same for all runs of one command
    uint64_t position;   // within the session, from 0
    bool warmup;         // measured to be thrown away
    const char *scenario, *guest;
    const char *commit, *branch, *job; // of the CI, or NULL
    uint64_t started_unix_ns, duration_ns;
    const char *verdict;
    bool seeded;   // in the exact rig:
    uint64_t seed; // its chance, 0..2^63-1
    struct history_environment environment;
    char environment_id[65]; // filled by history_read
    struct history_subject subject;
    size_t nmarks;
    const struct history_mark *marks;
};

struct history; // one connection, one thread

// Opens (makes, migrates) the history at a path or a postgresql:// URI. 0 or a
// negative errno; a schema that is newer than this program is -EPROTO.
int history_open(const char *url, struct history **out, struct error *err);
void history_close(struct history *h); // NULL is fine

// A new id for a run or a session: getrandom(2).
void history_new_id(char out[HISTORY_ID]);

// The id of an environment: runs that share it may be compared.
void history_environment_id(const struct history_environment *e, char out[65]);

// Adds all runs or none. A run whose id is there already is left as it is, so
// that a merge may be repeated.
int history_add(struct history *h, const struct history_run *runs, size_t n,
                struct error *err);

// Which runs; NULL is any. Warm-ups are never among them.
struct history_query {
    const char *scenario, *guest, *commit, *branch, *environment_id, *session;
    bool passed_only;
    uint64_t since_unix_ns;
    uint64_t newest; // at most so many, the newest; 0: all
};

// Calls run() for each of them, oldest first, with its marks in the order of
// their times. What it gets is valid during the call. A code other than 0 ends
// it and is returned.
int history_read(struct history *h, const struct history_query *query,
                 int (*run)(void *owner, const struct history_run *run,
                            struct error *err),
                 void *owner, struct error *err);
