// SPDX-License-Identifier: Apache-2.0
// libslirp, a TCP/IP stack in a library, which makes sockets of a guest's
// frames. It and what it stands on are loaded when a network is asked for: a
// boot without one pays nothing. Private to src/net.
#pragma once

#include "src/base/error.h"

#include <slirp/libslirp.h>

struct slirp_library {
    void *handle;
    __typeof__(&slirp_new) new;
    __typeof__(&slirp_cleanup) cleanup;
    __typeof__(&slirp_pollfds_fill) fill;
    __typeof__(&slirp_pollfds_poll) poll;
    __typeof__(&slirp_input) input;
    __typeof__(&slirp_add_hostfwd) add_forward;
};

// 0; -ENODEV with a sentence that names the package.
int slirp_library_load(struct slirp_library *lib, struct error *err);
void slirp_library_unload(struct slirp_library *lib);
