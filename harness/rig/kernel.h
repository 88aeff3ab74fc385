// SPDX-License-Identifier: Apache-2.0
// The kernel that the rig boots and the modules that it loads: where they are
// found, in which order they load.
#pragma once

#include "src/base/error.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kernel {
    char image[PATH_MAX];   // vmlinuz or vmlinux
    char modules[PATH_MAX]; // a lib/modules/VERSION tree
};

// Chooses the kernel: image and modules (either may be NULL) as the user gave
// them, then TOYVMM_RIG_KERNEL and TOYVMM_RIG_MODULES, then the cache of
// built fixtures, then the host's own. -ENOENT says how to get one.
int kernel_find(struct kernel *kernel, const char *image, const char *modules,
                struct error *err);

// A module's file, uncompressed.
struct module {
    char *name; // with underscores, as in modinfo's "depends"
    char *path;
    uint8_t *bytes;
    size_t len;
};

// Modules in the order of loading: each after those it depends on. Owned.
struct module_list {
    struct module *items;
    size_t count;
};

// Adds the named module and what it depends on. A name that the tree doesn't
// have but lists as built in is nothing to do; otherwise -ENOENT. dir is the
// tree; xz, zstd and gzip are run for compressed modules.
int modules_add(struct module_list *list, const char *dir, const char *name,
                struct error *err);
void modules_free(struct module_list *list);
