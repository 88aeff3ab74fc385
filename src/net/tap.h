// SPDX-License-Identifier: Apache-2.0
// A network behind a tap interface of the host's, which somebody with the
// permission has made: what is on its other side is theirs to say.
#pragma once

#include "src/base/error.h"
#include "src/loop/loop.h"
#include "src/net/wire.h"

// Makes the network of wire from the interface, which is there already;
// net_wire_close ends it. 0, or a negative errno with a sentence that says what
// cures it: -ENODEV (no such interface, no tun driver), -EPERM, -EBUSY.
int net_tap_open(struct net_wire *wire, struct loop *loop, const char *name,
                 struct error *err);

// Whether it could be opened now.
int net_tap_check(const char *name, struct error *err);
