// SPDX-License-Identifier: Apache-2.0
// The programs that serve a machine's folders. They may outlive it, since a
// process that is confined can start no others for the next one. Private to
// src/machine.
#pragma once

#include "src/toyvmm.h"
#include "src/vhost/backend.h"

struct toyvmm_servers {
    unsigned count;
    struct vhost_backend backends[TOYVMM_FOLDERS_MAX]; // in the folders' order
};
