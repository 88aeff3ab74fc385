// SPDX-License-Identifier: Apache-2.0
// A DHCP server with one address to give (RFC 2131, 2132).
#include "src/net/filter.h"
#include "src/net/packet.h"
#include "src/net/service.h"

#include <stdbool.h>
#include <string.h>

enum { // fields of a message
    OP = 0,
    HARDWARE = 1,
    HARDWARE_LEN = 2,
    HOPS = 3,
    CIADDR = 12,
    YIADDR = 16,
    SIADDR = 20,
    CHADDR = 28,
    COOKIE = 236,
    OPTIONS = 240,
    MESSAGE_LEN = 300, // shorter ones are dropped by some relays
};
#define COOKIE_VALUE UINT32_C(0x63825363)

enum { REQUEST_OP = 1, REPLY_OP = 2, ETHERNET = 1, MAC_LEN = 6 };

enum { // options
    O_PAD = 0,
    O_MASK = 1,
    O_ROUTER = 3,
    O_NAMESERVER = 6,
    O_DOMAIN = 15,
    O_REQUESTED = 50,
    O_LEASE = 51,
    O_TYPE = 53,
    O_SERVER = 54,
    O_END = 255,
};

enum { DISCOVER = 1, OFFER = 2, REQUEST = 3, ACK = 5, NAK = 6, INFORM = 8 };

#define LEASE_S 86400

// The value of an option of len bytes, NULL when it isn't there.
static const uint8_t *option(const uint8_t *in, size_t len, uint8_t wanted,
                             size_t wanted_len)
{
    for (size_t at = OPTIONS; at < len && in[at] != O_END;) {
        if (in[at] == O_PAD) {
            at++;
            continue;
        }
        if (at + 2 > len || at + 2 + in[at + 1] > len)
            return NULL;
        if (in[at] == wanted)
            return in[at + 1] == wanted_len ? in + at + 2 : NULL;
        at += 2U + in[at + 1];
    }
    return NULL;
}

static uint8_t *put_number(uint8_t *at, uint8_t code, uint32_t value)
{
    at[0] = code;
    at[1] = 4;
    put32(at + 2, value);
    return at + 6;
}

// Of another network's address the client lets go (RFC 2131, 4.3.2).
static uint8_t answer_type(const uint8_t *in, size_t len, uint8_t type)
{
    if (type == DISCOVER)
        return OFFER;
    if (type == INFORM)
        return ACK;
    const uint8_t *requested = option(in, len, O_REQUESTED, 4);
    uint32_t address = get32(requested ? requested : in + CIADDR);
    return address == NET_USER_GUEST ? ACK : NAK;
}

static uint8_t *put_network(uint8_t *at)
{
    static const uint8_t domain[] = {O_DOMAIN, 4, 't', 'e', 's', 't'};
    at = put_number(at, O_MASK, NET_USER_MASK);
    at = put_number(at, O_ROUTER, NET_USER_GATEWAY);
    at = put_number(at, O_NAMESERVER, NET_USER_NAMESERVER);
    memcpy(at, domain, sizeof domain);
    return at + sizeof domain;
}

size_t net_dhcp_answer(const uint8_t *in, size_t len, uint8_t *out)
{
    if (len < OPTIONS || in[OP] != REQUEST_OP || in[HARDWARE] != ETHERNET ||
        in[HARDWARE_LEN] != MAC_LEN || get32(in + COOKIE) != COOKIE_VALUE)
        return 0;
    const uint8_t *type = option(in, len, O_TYPE, 1);
    const uint8_t *server = option(in, len, O_SERVER, 4);
    if (!type || (*type != DISCOVER && *type != REQUEST && *type != INFORM) ||
        (server && get32(server) != NET_USER_GATEWAY))
        return 0;
    uint8_t answer = answer_type(in, len, *type);
    memset(out, 0, MESSAGE_LEN);
    memcpy(out, in, OPTIONS);
    // What the request says of a server, a file and a relay.
    memset(out + CIADDR, 0, CHADDR - CIADDR);
    memset(out + CHADDR + MAC_LEN, 0, COOKIE - CHADDR - MAC_LEN);
    out[OP] = REPLY_OP;
    out[HOPS] = 0;
    uint8_t *at = out + OPTIONS;
    at[0] = O_TYPE;
    at[1] = 1;
    at[2] = answer;
    at = put_number(at + 3, O_SERVER, NET_USER_GATEWAY);
    if (*type == INFORM)
        memcpy(out + CIADDR, in + CIADDR, 4);
    if (*type != INFORM && answer != NAK) {
        put32(out + YIADDR, NET_USER_GUEST);
        put32(out + SIADDR, NET_USER_GATEWAY);
        at = put_number(at, O_LEASE, LEASE_S);
    }
    if (answer != NAK)
        at = put_network(at);
    *at = O_END;
    return MESSAGE_LEN;
}
