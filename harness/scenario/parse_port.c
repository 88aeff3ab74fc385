// SPDX-License-Identifier: Apache-2.0
// Serial ports: `console ttyS1`, and `on ttyS1` behind a statement's word. For
// the parser only.
#include "harness/scenario/parser.h"

#include <string.h>

static const char *const ports[] = {"ttyS0", "ttyS1", "ttyS2", "ttyS3"};
#define PORTS (sizeof(ports) / sizeof(ports[0]))

// The port must be there: a machine has four unless `serial` says fewer.
static bool check_port(struct parser *p, unsigned port)
{
    unsigned given = p->sc->serial_ports;
    if (!given || port < given)
        return true;
    parse_error(
        p, &p->tok.begin, p->tok.width,
        arena_printf(p->arena, "write `serial %u` in the header", port + 1),
        "the machine has no %s: `serial %u` gives it %s%s", ports[port], given,
        given > 1 ? "ttyS0 to " : "", ports[given - 1]);
    return false;
}

static bool parse_port(struct parser *p, unsigned *out)
{
    struct nearest n = nearest_to(p->tok.begin.at, p->tok.width);
    for (unsigned i = 0; i < PORTS; i++) {
        if (token_is(&p->tok, ports[i])) {
            if (!check_port(p, i))
                return false;
            *out = i;
            parser_next(p);
            return true;
        }
        nearest_offer(&n, ports[i]);
    }
    if (p->tok.kind != TOKEN_WORD)
        return parse_expected(p, "a port", "ports are ttyS0 to ttyS3");
    bool numbered = !strncmp(p->tok.begin.at, "ttyS", 4);
    parse_error(p, &p->tok.begin, p->tok.width,
                n.best && !numbered ? nearest_hint(&n, p->arena)
                                    : "ports are ttyS0 to ttyS3",
                "unknown port `%.200s`", token_spelling(&p->lx, &p->tok));
    return false;
}

bool parse_on_port(struct parser *p, struct step *out)
{
    while (token_is(&p->tok, "on")) {
        unsigned port;
        if (out->port != PORT_CURRENT) {
            parse_error(p, &p->tok.begin, p->tok.width, NULL,
                        "`on` stands here twice");
            return false;
        }
        parser_next(p);
        if (!parse_port(p, &port))
            return false;
        out->port = (int)port;
    }
    return true;
}

enum parsed parse_console(struct parser *p, struct step *out)
{
    out->kind = STEP_CONSOLE;
    parse_port(p, &out->u.console);
    return PARSED_STEP;
}
