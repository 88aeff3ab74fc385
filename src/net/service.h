// SPDX-License-Identifier: Apache-2.0
// The payloads of the gateway's services. Private to src/net.
#pragma once

#include <stddef.h>
#include <stdint.h>

// Longest answer of either: a DHCP message that everybody takes, and a DNS
// message over UDP (RFC 2131, 2; RFC 1035, 4.2.1).
#define NET_SERVICE_MAX 576

// Writes the answer to a message, up to NET_SERVICE_MAX bytes; its length, 0:
// none is due.
size_t net_dhcp_answer(const uint8_t *in, size_t len, uint8_t *out);
size_t net_dns_answer(const uint8_t *in, size_t len, uint8_t *out);
