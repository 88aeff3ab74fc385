// SPDX-License-Identifier: Apache-2.0
// See services.h. The two services are in dhcp.c and dns.c; here are their
// datagrams.
#include "src/net/services.h"

#include "src/net/filter.h"
#include "src/net/packet.h"
#include "src/net/service.h"

#include <string.h>

enum { DHCP_SERVER = 67, DNS_SERVER = 53, TTL = 64 };

#define HEADERS   (ETH_LEN + IP_LEN + UDP_LEN)
#define BROADCAST UINT32_C(0xffffffff)

// The payload of a UDP datagram, whose IP header is plain; NULL: it is none.
static const uint8_t *udp_payload(const uint8_t *frame, size_t len,
                                  size_t *payload_len)
{
    if (len < HEADERS || get16(frame + ETH_TYPE) != TYPE_IP)
        return NULL;
    const uint8_t *ip = frame + ETH_LEN, *udp = ip + IP_LEN;
    size_t total = get16(ip + IP_TOTAL), udp_len = get16(udp + UDP_TOTAL);
    if (ip[IP_VERSION] != IP_PLAIN || (get16(ip + IP_FLAGS) & IP_FRAGMENT) ||
        ip[IP_PROTOCOL] != PROTOCOL_UDP || total > len - ETH_LEN ||
        udp_len < UDP_LEN || udp_len + IP_LEN > total)
        return NULL;
    *payload_len = udp_len - UDP_LEN;
    return udp + UDP_LEN;
}

static uint16_t ip_checksum(const uint8_t *ip)
{
    uint32_t sum = 0;
    for (unsigned i = 0; i < IP_LEN; i += 2)
        sum += get16(ip + i);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

// The addresses of an answer.
struct route {
    uint32_t from, to;
    uint16_t from_port, to_port;
};

// Puts the headers before a payload. 0 as the datagram's own checksum says that
// it has none.
static size_t put_headers(uint8_t *reply, const uint8_t *to_mac,
                          const struct route *r, size_t payload_len)
{
    uint8_t *ip = reply + ETH_LEN, *udp = ip + IP_LEN;
    memset(reply, 0, HEADERS);
    memcpy(reply + ETH_DST, to_mac, NET_MAC_LEN);
    // As the library makes the addresses of its hosts.
    reply[ETH_SRC] = 0x52;
    reply[ETH_SRC + 1] = 0x55;
    put32(reply + ETH_SRC + 2, r->from);
    put16(reply + ETH_TYPE, TYPE_IP);
    ip[IP_VERSION] = IP_PLAIN;
    put16(ip + IP_TOTAL, (uint16_t)(IP_LEN + UDP_LEN + payload_len));
    put16(ip + IP_FLAGS, IP_DONT_FRAGMENT);
    ip[IP_TTL] = TTL;
    ip[IP_PROTOCOL] = PROTOCOL_UDP;
    put32(ip + IP_SRC, r->from);
    put32(ip + IP_DST, r->to);
    put16(ip + IP_CHECKSUM, ip_checksum(ip));
    put16(udp + UDP_SRC, r->from_port);
    put16(udp + UDP_DST, r->to_port);
    put16(udp + UDP_TOTAL, (uint16_t)(UDP_LEN + payload_len));
    return HEADERS + payload_len;
}

size_t net_services_answer(const uint8_t *frame, size_t len,
                           uint8_t reply[NET_FRAME_MAX])
{
    static const uint8_t everybody[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    size_t in_len;
    const uint8_t *in = udp_payload(frame, len, &in_len);
    if (!in)
        return 0;
    const uint8_t *ip = frame + ETH_LEN;
    uint16_t port = get16(ip + IP_LEN + UDP_DST);
    uint32_t to = get32(ip + IP_DST);
    uint8_t *out = reply + HEADERS;
    if (port == DHCP_SERVER && (to == NET_USER_GATEWAY || to == BROADCAST)) {
        const struct route back = {NET_USER_GATEWAY, BROADCAST, DHCP_SERVER,
                                   DHCP_SERVER + 1};
        size_t n = net_dhcp_answer(in, in_len, out);
        return n ? put_headers(reply, everybody, &back, n) : 0;
    }
    if (port == DNS_SERVER && to == NET_USER_NAMESERVER) {
        const struct route back = {NET_USER_NAMESERVER, get32(ip + IP_SRC),
                                   DNS_SERVER, get16(ip + IP_LEN + UDP_SRC)};
        size_t n = net_dns_answer(in, in_len, out);
        return n ? put_headers(reply, frame + ETH_SRC, &back, n) : 0;
    }
    return 0;
}
