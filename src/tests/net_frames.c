// SPDX-License-Identifier: Apache-2.0
// See net_frames.h.
#include "src/tests/net_frames.h"

#include <string.h>

static const uint8_t guest_mac[] = {2, 0, 0, 0, 0, 1};
static const uint8_t gateway_mac[] = {0x52, 0x55, 10, 0, 2, 2};

uint16_t frame_16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

uint32_t frame_32(const uint8_t *at)
{
    return (uint32_t)frame_16(at) << 16 | frame_16(at + 2);
}

static void put16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
    put16(at, value >> 16);
    put16(at + 2, value & 0xffff);
}

static uint32_t sum(const uint8_t *at, size_t len)
{
    uint32_t total = 0;
    for (size_t i = 0; i < len; i++)
        total += i % 2 ? at[i] : (uint32_t)at[i] << 8;
    return total;
}

static uint16_t checksum(uint32_t total)
{
    while (total >> 16)
        total = (total & 0xffff) + (total >> 16);
    return (uint16_t)~total;
}

void frame_seal(struct frame *f)
{
    uint8_t *ip = f->bytes + 14;
    put16(ip + 10, 0);
    put16(ip + 10, checksum(sum(ip, 20)));
}

static struct frame begin(unsigned type)
{
    struct frame f = {.len = 14};
    memcpy(f.bytes, gateway_mac, 6);
    memcpy(f.bytes + 6, guest_mac, 6);
    put16(f.bytes + 12, type);
    return f;
}

struct frame frame_ip(uint32_t to, uint8_t protocol, const void *buf,
                      size_t len)
{
    struct frame f = begin(0x0800);
    uint8_t *ip = f.bytes + 14;
    ip[0] = 0x45;
    put16(ip + 2, (unsigned)(20 + len));
    ip[8] = 64;
    ip[9] = protocol;
    put32(ip + 12, GUEST);
    put32(ip + 16, to);
    memcpy(ip + 20, buf, len);
    f.len += 20 + len;
    frame_seal(&f);
    return f;
}

struct frame frame_udp(uint32_t to, uint16_t from_port, uint16_t to_port,
                       const void *buf, size_t len)
{
    uint8_t udp[1480] = {0};
    put16(udp, from_port);
    put16(udp + 2, to_port);
    put16(udp + 4, (unsigned)(8 + len));
    memcpy(udp + 8, buf, len);
    return frame_ip(to, P_UDP, udp, 8 + len);
}

struct frame frame_tcp(uint32_t to, uint16_t from_port, uint16_t to_port,
                       uint8_t flags, uint32_t sequence, uint32_t answers)
{
    uint8_t tcp[20] = {0}, addresses[8];
    put16(tcp, from_port);
    put16(tcp + 2, to_port);
    put32(tcp + 4, sequence);
    put32(tcp + 8, answers);
    tcp[12] = 0x50;
    tcp[13] = flags;
    put16(tcp + 14, 8192);
    put32(addresses, GUEST);
    put32(addresses + 4, to);
    put16(tcp + 16,
          checksum(sum(addresses, 8) + P_TCP + 20 + sum(tcp, sizeof tcp)));
    return frame_ip(to, P_TCP, tcp, sizeof tcp);
}

struct frame frame_ping(uint32_t to)
{
    uint8_t icmp[16] = {8, 0, 0, 0, 0, 1, 0, 1, 'p', 'i', 'n', 'g'};
    put16(icmp + 2, checksum(sum(icmp, sizeof icmp)));
    return frame_ip(to, P_ICMP, icmp, sizeof icmp);
}

struct frame frame_arp(uint32_t target)
{
    struct frame f = begin(0x0806);
    uint8_t *arp = f.bytes + 14;
    put16(arp, 1);
    put16(arp + 2, 0x0800);
    arp[4] = 6;
    arp[5] = 4;
    put16(arp + 6, 1);
    memcpy(arp + 8, guest_mac, 6);
    put32(arp + 14, GUEST);
    put32(arp + 24, target);
    f.len += 46; // as padded
    return f;
}
