// SPDX-License-Identifier: Apache-2.0
// See filter.h. What this code reads of a frame the library reads at the same
// place: there are no options or fragments that could move it.
#include "src/net/filter.h"

#include "src/net/packet.h"

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

static enum net_verdict judge_tcp(const struct net_filter *f,
                                  const uint8_t *tcp, size_t len)
{
    if (len < TCP_LEN)
        return NET_DROPPED;
    // With ACK it belongs to a connection that is there, or to none.
    if ((tcp[TCP_FLAGS] & (TCP_SYN | TCP_ACK)) != TCP_SYN)
        return NET_PASSES;
    return !f->full && is_reached(f, get16(tcp + TCP_DST)) ? NET_BEGINS
                                                           : NET_DROPPED;
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
    if (ip[IP_PROTOCOL] == PROTOCOL_TCP && to == NET_USER_GATEWAY)
        return judge_tcp(f, ip + IP_LEN, total - IP_LEN);
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
