// SPDX-License-Identifier: Apache-2.0
// A machine's ports, by which a guest talks to whoever runs it: numbers and
// names. Constants only; every room may include it.
#pragma once

// Ports 0 to 3 are the UARTs; then comes the virtio console, hvc0, and behind
// it the ports that a machine names itself.
#define PORT_UARTS 4
#define PORT_HVC   PORT_UARTS
#define PORT_NAMED (PORT_HVC + 1) // the first of them
#define PORT_NAMES 6              // how many there may be
#define PORT_COUNT (PORT_NAMED + PORT_NAMES)

// Longest name of a port, in bytes.
#define PORT_NAME_MAX 63

// ---- Within the project; left out where the header is installed ------------

// "ttyS0" to "ttyS3", "hvc0", "port1" to "port6"; "?" for any other number.
const char *port_name(unsigned port);
