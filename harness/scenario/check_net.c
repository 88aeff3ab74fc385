// SPDX-License-Identifier: Apache-2.0
// The header's network and sockets: their texts are resolved, ports are
// numbers. For harness/scenario only.
#include "harness/scenario/check.h"

#include <net/if.h>
#include <string.h>

// Reads a port, 1 to 65535, from *text on, and goes behind it.
static bool read_port(const char **text, uint16_t *out)
{
    unsigned value = 0;
    const char *at = *text;
    while (*at >= '0' && *at <= '9' && value <= UINT16_MAX)
        value = value * 10 + (unsigned)(*at++ - '0');
    bool good = at > *text && value >= 1 && value <= UINT16_MAX;
    *text = at;
    *out = (uint16_t)value;
    return good;
}

static bool read_ports(struct net_port *port)
{
    const char *at = port->text.pieces[0].bytes;
    if (!read_port(&at, &port->host))
        return false;
    if (port->forward && (*at++ != ':' || !read_port(&at, &port->guest)))
        return false;
    return !*at;
}

// The same port of this machine twice: the second one would get nothing.
static bool is_there(const struct net_port *ports, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (ports[k].forward == ports[i].forward &&
            ports[k].host == ports[i].host)
            return true;
    return false;
}

static void check_port(struct check *c, struct net_port *ports, size_t i)
{
    struct net_port *port = &ports[i];
    const char *word = port->forward ? "forward" : "reach";
    size_t same = 0;
    // It holds a variable that is not known, which is reported.
    if (port->text.npieces != 1 || port->text.pieces[0].variable)
        return;
    if (!read_ports(port)) {
        diag_error(c->p->diags, port->pos, 1, "a port is 1 to 65535",
                   port->forward
                       ? "`%.60s` is not `HOST:GUEST`, a port of this machine "
                         "and one of the guest"
                       : "`%.60s` is not a port",
                   port->text.pieces[0].bytes);
        return;
    }
    if (is_there(ports, i))
        diag_error(c->p->diags, port->pos, 1, NULL,
                   "`%s` has port %u of this machine already", word,
                   port->host);
    for (size_t k = 0; k <= i; k++)
        same += ports[k].forward == port->forward;
    if (same == NET_PORTS_MAX + 1)
        diag_error(c->p->diags, port->pos, 1, NULL,
                   "a network has at most %d of `%s`", NET_PORTS_MAX, word);
}

static void check_tap(struct check *c, const struct text *tap)
{
    if (tap->npieces != 1 || tap->pieces[0].variable)
        return;
    if (tap->pieces[0].len >= IF_NAMESIZE ||
        memchr(tap->pieces[0].bytes, '/', tap->pieces[0].len))
        diag_error(c->p->diags, tap->pos, 1,
                   "`ip tuntap list` shows those that there are",
                   "`%.60s` is not the name of an interface: it has at most "
                   "%d characters, and no `/`",
                   tap->pieces[0].bytes, IF_NAMESIZE - 1);
}

void check_net(struct check *c)
{
    struct net *net = &c->p->sc->net;
    struct net_port *ports = c->p->net_ports.items;
    check_resolve_string(c, &net->tap, "the name of an interface");
    check_resolve_string(c, &net->pcap, "a path");
    for (size_t i = 0; i < c->p->net_ports.count; i++) {
        check_resolve_string(c, &ports[i].text, "a port");
        check_port(c, ports, i);
    }
    check_tap(c, &net->tap);
    check_resolve_string(c, &c->p->sc->vsock.path, "a path");
    net->nports = c->p->net_ports.count;
    net->ports = ports;
}
