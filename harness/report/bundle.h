// SPDX-License-Identifier: Apache-2.0
// A whole run for later: its results, and what a history and a merge of several
// runs must know of them. A file of --results. Used by the command line and the
// history.
#pragma once

#include "harness/report/result.h"

// One case that ran, or was skipped.
struct bundle_entry {
    char *id;   // 32 hexadecimal digits, unlike any other's
    char *name; // of the case; with its result's suite it is unique in the run
    char *side; // of a comparison: "base", "head"; or NULL
    uint64_t number; // of a measured boot, from 1 on; 0: booted once
    bool warmup;
    char *kernel_sha256, *initrd_sha256; // of what it booted, or NULL
    struct result result;
};

// Texts may be NULL where a thing is not known.
struct bundle {
    char *id;          // of the run
    char *version;     // of the program that made it
    char *accelerator; // "kvm", "rig", "exact", "replay"
    char *host_cpu, *microcode;
    char *fingerprint;           // of the exact rig
    char *commit, *branch, *job; // of the CI
    uint64_t started_unix_ns, duration_ns;
    bool interrupted;
    uint64_t shard, shards; // "2/5"; 0, 0: no part of anything
    char *split; // what the shards' runs must agree on: which case is whose
    size_t count;
    struct bundle_entry *entries;
    bool borrows; // the entries' results belong to somebody else
};

void bundle_free(struct bundle *b);

// Adds a case; r is copied shallowly (set borrows). 0 or -ENOMEM.
int bundle_add(struct bundle *b, const char *id, const char *name,
               const char *side, uint64_t number, bool warmup,
               const struct result *r);

// Versioned, length-checked, written under a temporary name and renamed. A file
// that is none or is damaged is -EINVAL, of another version -EPROTO.
int bundle_save(const struct bundle *b, const char *path, struct error *err);
int bundle_load(struct bundle *b, const char *path, struct error *err);
