// SPDX-License-Identifier: Apache-2.0
// The programs that serve a machine's folders, and its disks that are not raw.
// They may outlive it, since a
// process that is confined can start no others for the next one. Private to
// src/machine.
#pragma once

#include "src/toyvmm.h"
#include "src/vhost/backend.h"
#include "src/virtio/disk_image.h"

struct toyvmm_servers {
    unsigned count;
    struct vhost_backend backends[TOYVMM_FOLDERS_MAX]; // in the folders' order
    unsigned ndisks;
    struct disk_server { // in the disks' order
        int image;       // open, locked; -1: nothing serves this one
        struct vhost_backend backend;
    } disks[TOYVMM_DISKS_MAX];
};

// What serves disk number i, or NULL: it is raw.
struct vhost_backend *servers_of_disk(struct toyvmm_servers *servers, size_t i);

// Whether config has what must be served, as far as its files can be read.
bool servers_are_needed(const struct toyvmm_config *config);

// How a disk is opened.
enum disk_mode servers_mode_of(enum toyvmm_disk_mode mode);
