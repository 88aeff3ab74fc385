// SPDX-License-Identifier: Apache-2.0
// The header's network, and its sockets. For the parser only.
#include "harness/scenario/parser.h"

// Reads what stands behind `forward` or `reach`.
static bool parse_port(struct parser *p, bool forward)
{
    struct net_port *port = list_add(p->arena, &p->net_ports, sizeof(*port));
    *port = (struct net_port){.forward = forward};
    port->pos = lexer_pos(&p->lx, &p->tok.begin);
    return parse_path(p,
                      forward ? "`HOST:GUEST`, two ports"
                              : "a port of this machine's loopback",
                      &port->text);
}

// Options in any order; `forward` and `reach` may be repeated.
static void parse_options_of(struct parser *p, bool user)
{
    bool good = true;
    while (good && !at_end_of_statement(p)) {
        if (user && accept_word(p, "forward"))
            good = parse_port(p, true);
        else if (user && accept_word(p, "reach"))
            good = parse_port(p, false);
        else if (!p->sc->net.pcap.npieces && accept_word(p, "pcap"))
            good = parse_path(p, "a path", &p->sc->net.pcap);
        else
            good = parse_expected(
                p,
                user ? "`forward HOST:GUEST`, `reach PORT` or `pcap PATH`"
                     : "`pcap PATH`",
                NULL);
    }
}

enum parsed parse_net(struct parser *p, struct step *out)
{
    (void)out;
    struct net *net = &p->sc->net;
    net->pos = lexer_pos(&p->lx, &p->tok.begin);
    if (accept_word(p, "none"))
        return PARSED_HEADER;
    if (accept_word(p, "user")) {
        net->kind = NET_USER;
    } else if (accept_word(p, "tap")) {
        net->kind = NET_TAP;
        if (!parse_path(p, "the name of a tap interface", &net->tap))
            return PARSED_HEADER;
    } else {
        parse_expected(p, "`user`, `tap NAME` or `none`", NULL);
        return PARSED_HEADER;
    }
    parse_options_of(p, net->kind == NET_USER);
    return PARSED_HEADER;
}

enum parsed parse_vsock(struct parser *p, struct step *out)
{
    (void)out;
    struct vsock *vsock = &p->sc->vsock;
    uint64_t cid;
    vsock->pos = lexer_pos(&p->lx, &p->tok.begin);
    if (!parse_path(p, "the path of a socket", &vsock->path))
        return PARSED_HEADER;
    if (accept_word(p, "cid")) {
        if (parse_integer(p, "a guest's CID", VSOCK_CID_MIN, VSOCK_CID_MAX,
                          &cid))
            vsock->cid = (uint32_t)cid;
    } else if (!at_end_of_statement(p)) {
        parse_expected(p, "`cid N` or the end of the line", NULL);
    }
    return PARSED_HEADER;
}
