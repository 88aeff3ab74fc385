// SPDX-License-Identifier: Apache-2.0
// Frames as a guest makes them, for the tests of src/net.
#pragma once

#include <stddef.h>
#include <stdint.h>

#define GATEWAY    UINT32_C(0x0a000202)
#define NAMESERVER UINT32_C(0x0a000203)
#define GUEST      UINT32_C(0x0a00020f)
#define ELSEWHERE  UINT32_C(0x08080808)

enum { F_SYN = 2, F_RST = 4, F_ACK = 16 };
enum { P_ICMP = 1, P_TCP = 6, P_UDP = 17 };

struct frame {
    size_t len;
    uint8_t bytes[1518];
};

// An IP packet of the guest's with a payload of len bytes, from buf.
struct frame frame_ip(uint32_t to, uint8_t protocol, const void *buf,
                      size_t len);
struct frame frame_udp(uint32_t to, uint16_t from_port, uint16_t to_port,
                       const void *buf, size_t len);
struct frame frame_tcp(uint32_t to, uint16_t from_port, uint16_t to_port,
                       uint8_t flags, uint32_t sequence, uint32_t answers);
struct frame frame_ping(uint32_t to);
struct frame frame_arp(uint32_t target);

// The IP header's checksum again, after a change.
void frame_seal(struct frame *f);

uint16_t frame_16(const uint8_t *at);
uint32_t frame_32(const uint8_t *at);
