// SPDX-License-Identifier: Apache-2.0
// See filter.h. What this code reads of a frame the library reads at the same
// place: there are no options or fragments that could move it.
#include "src/net/filter.h"

#include "src/net/packet.h"

#include <string.h>

enum { // RFC 826, from behind the Ethernet header
    ARP_HARDWARE = 0,
    ARP_PROTOCOL = 2,
    ARP_SIZES = 4,
    ARP_TARGET_IP = 24,
    ARP_LEN = 28,
    ARP_SIZES_IP = 0x0604,
};

static bool arp_passes(const uint8_t *arp, size_t len)
{
    return len >= ARP_LEN && get16(arp + ARP_HARDWARE) == 1 &&
           get16(arp + ARP_PROTOCOL) == TYPE_IP &&
           get16(arp + ARP_SIZES) == ARP_SIZES_IP &&
           (get32(arp + ARP_TARGET_IP) & NET_USER_MASK) == NET_USER_NETWORK;
}

static bool is_reached(const struct net_filter *f, uint16_t port)
{
    for (unsigned i = 0; i < f->nreach; i++)
        if (f->reach[i] == port)
            return true;
    return false;
}

static enum net_verdict judge_tcp(const struct net_filter *f, uint32_t to,
                                  const uint8_t *tcp, size_t len)
{
    if (len < TCP_LEN)
        return NET_DROPPED;
    bool gateway = to == NET_USER_GATEWAY;
    // With ACK it belongs to a connection that is there, or to none.
    if ((tcp[TCP_FLAGS] & (TCP_SYN | TCP_ACK)) != TCP_SYN)
        return gateway ? NET_PASSES : NET_DROPPED;
    return gateway && !f->full && is_reached(f, get16(tcp + TCP_DST))
               ? NET_BEGINS
               : NET_REFUSED;
}

static enum net_verdict judge_ip(const struct net_filter *f, const uint8_t *ip,
                                 size_t len)
{
    if (len < IP_LEN || ip[IP_VERSION] != IP_PLAIN ||
        (get16(ip + IP_FLAGS) & IP_FRAGMENT))
        return NET_DROPPED;
    // Short frames are padded: what is behind the packet is not looked at.
    size_t total = get16(ip + IP_TOTAL);
    uint32_t to = get32(ip + IP_DST);
    if (total < IP_LEN || total > len)
        return NET_DROPPED;
    if (ip[IP_PROTOCOL] == PROTOCOL_TCP)
        return judge_tcp(f, to, ip + IP_LEN, total - IP_LEN);
    bool ping = ip[IP_PROTOCOL] == PROTOCOL_ICMP &&
                (to == NET_USER_GATEWAY || to == NET_USER_NAMESERVER);
    return ping ? NET_PASSES : NET_DROPPED;
}

enum net_verdict net_filter_judge(const struct net_filter *filter,
                                  const uint8_t *frame, size_t len)
{
    if (len < ETH_LEN)
        return NET_DROPPED;
    const uint8_t *payload = frame + ETH_LEN;
    switch (get16(frame + ETH_TYPE)) {
    case TYPE_ARP:
        return arp_passes(payload, len - ETH_LEN) ? NET_PASSES : NET_DROPPED;
    case TYPE_IP:
        return judge_ip(filter, payload, len - ETH_LEN);
    default:
        return NET_DROPPED;
    }
}

// ---- The refusal -----------------------------------------------------------

// The Internet checksum of what the sum of its 16-bit words is.
static uint16_t fold(uint32_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static uint32_t sum_of(const uint8_t *at, unsigned len)
{
    uint32_t sum = 0;
    for (unsigned i = 0; i < len; i += 2)
        sum += get16(at + i);
    return sum;
}

size_t net_filter_refuse(const uint8_t *frame, uint8_t reply[NET_REFUSAL_LEN])
{
    const uint8_t *in_ip = frame + ETH_LEN, *in = in_ip + IP_LEN;
    uint8_t *ip = reply + ETH_LEN, *tcp = ip + IP_LEN;
    memset(reply, 0, NET_REFUSAL_LEN);
    memcpy(reply + ETH_DST, frame + ETH_SRC, ETH_SRC - ETH_DST);
    memcpy(reply + ETH_SRC, frame + ETH_DST, ETH_SRC - ETH_DST);
    put16(reply + ETH_TYPE, TYPE_IP);
    ip[IP_VERSION] = IP_PLAIN;
    put16(ip + IP_TOTAL, IP_LEN + TCP_LEN);
    ip[IP_TTL] = in_ip[IP_TTL];
    ip[IP_PROTOCOL] = PROTOCOL_TCP;
    memcpy(ip + IP_SRC, in_ip + IP_DST, 4);
    memcpy(ip + IP_DST, in_ip + IP_SRC, 4);
    put16(ip + IP_CHECKSUM, fold(sum_of(ip, IP_LEN)));
    memcpy(tcp + TCP_SRC, in + TCP_DST, 2);
    memcpy(tcp + TCP_DST, in + TCP_SRC, 2);
    put32(tcp + TCP_ANSWERS, get32(in + TCP_SEQUENCE) + 1);
    tcp[TCP_OFFSET] = TCP_PLAIN;
    tcp[TCP_FLAGS] = TCP_RST | TCP_ACK;
    put16(tcp + TCP_CHECKSUM, fold(sum_of(ip + IP_SRC, 8) + PROTOCOL_TCP +
                                   TCP_LEN + sum_of(tcp, TCP_LEN)));
    return NET_REFUSAL_LEN;
}
