// SPDX-License-Identifier: Apache-2.0
// Offsets and numbers of Ethernet, IPv4, UDP and TCP (RFC 791, 768, 9293).
// Private to src/net.
#pragma once

#include <stdint.h>

enum {
    ETH_DST = 0,
    ETH_SRC = 6,
    ETH_TYPE = 12,
    ETH_LEN = 14,

    // From the IP header on, which has no options here.
    IP_VERSION = 0,
    IP_TOTAL = 2,
    IP_FLAGS = 6,
    IP_TTL = 8,
    IP_PROTOCOL = 9,
    IP_CHECKSUM = 10,
    IP_SRC = 12,
    IP_DST = 16,
    IP_LEN = 20,
    IP_PLAIN = 0x45,      // version 4, five words
    IP_FRAGMENT = 0xbfff, // all but "don't fragment"
    IP_DONT_FRAGMENT = 0x4000,

    UDP_SRC = 0,
    UDP_DST = 2,
    UDP_TOTAL = 4,
    UDP_LEN = 8,

    TCP_SRC = 0,
    TCP_DST = 2,
    TCP_SEQUENCE = 4,
    TCP_ANSWERS = 8,
    TCP_OFFSET = 12,
    TCP_FLAGS = 13,
    TCP_CHECKSUM = 16,
    TCP_LEN = 20,
    TCP_PLAIN = 0x50, // five words
    TCP_SYN = 0x02,
    TCP_RST = 0x04,
    TCP_ACK = 0x10,
};

enum { TYPE_IP = 0x0800, TYPE_ARP = 0x0806 };
enum { PROTOCOL_ICMP = 1, PROTOCOL_TCP = 6, PROTOCOL_UDP = 17 };

static inline uint16_t get16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static inline uint32_t get32(const uint8_t *at)
{
    return (uint32_t)get16(at) << 16 | get16(at + 2);
}

static inline void put16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static inline void put32(uint8_t *at, uint32_t value)
{
    put16(at, (uint16_t)(value >> 16));
    put16(at + 2, (uint16_t)value);
}
