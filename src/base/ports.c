// SPDX-License-Identifier: Apache-2.0
// See ports.h.
#include "src/base/ports.h"

const char *port_name(unsigned port)
{
    static const char *const names[PORT_COUNT] = {
        "ttyS0", "ttyS1", "ttyS2", "ttyS3", "hvc0",  "port1",
        "port2", "port3", "port4", "port5", "port6",
    };
    return port < PORT_COUNT ? names[port] : "?";
}
