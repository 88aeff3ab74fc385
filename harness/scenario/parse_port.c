// SPDX-License-Identifier: Apache-2.0
// Ports: `port "NAME"` in the header, `console ttyS1`, and `on ttyS1` behind a
// statement's word. For the parser only.
#include "harness/scenario/parser.h"

#include "src/base/ports.h"

#include <string.h>

#define PORTS_HINT "ports are ttyS0 to ttyS3, hvc0 and those of `port \"NAME\"`"

// ---- In the header ---------------------------------------------------------

// The characters that names of ports have: they become names of files.
static bool is_port_name(const char *name, size_t len)
{
    static const char others[] = "._-";
    bool good = len > 0 && len <= PORT_NAME_MAX && name[0] != '.';
    for (size_t i = 0; good && i < len; i++)
        good = is_alnum(name[i]) || strchr(others, name[i]);
    return good;
}

static const struct named_port *named_port(const struct parser *p,
                                           const char *name, size_t len)
{
    const struct named_port *ports = p->named.items;
    for (size_t i = 0; i < p->named.count; i++)
        if (strlen(ports[i].name) == len && !memcmp(ports[i].name, name, len))
            return &ports[i];
    return NULL;
}

static bool is_other_port(const char *name, size_t len)
{
    for (unsigned i = 0; i < PORT_COUNT; i++)
        if (strlen(port_name(i)) == len && !memcmp(port_name(i), name, len))
            return true;
    return false;
}

// A text or a word without variables, at the present token; NULL: neither.
static const char *name_at(struct parser *p, size_t *len)
{
    const struct token *t = &p->tok;
    if (t->kind == TOKEN_WORD) {
        *len = (size_t)(t->end.at - t->begin.at);
        return t->begin.at;
    }
    if (t->kind != TOKEN_TEXT || t->text.npieces != 1 ||
        t->text.pieces[0].variable)
        return NULL;
    *len = t->text.pieces[0].len;
    return t->text.pieces[0].bytes;
}

enum parsed parse_named_port(struct parser *p, struct step *out)
{
    size_t len = 0;
    const struct cursor begin = p->tok.begin;
    const char *name = name_at(p, &len);
    (void)out;
    if (!name) {
        parse_expected(p, "the name of a port, a text without variables", NULL);
        return PARSED_HEADER;
    }
    if (!is_port_name(name, len))
        parse_error(p, &begin, p->tok.width, NULL,
                    "the name of a port has 1 to %d letters, digits, `.`, `_` "
                    "and `-`, and no `.` first",
                    PORT_NAME_MAX);
    else if (named_port(p, name, len) || is_other_port(name, len))
        parse_error(p, &begin, p->tok.width, NULL,
                    "this port is there already");
    else if (p->named.count == PORT_NAMES)
        parse_error(p, &begin, p->tok.width, NULL,
                    "a machine has at most %d ports with names", PORT_NAMES);
    else
        *(struct named_port *)list_add(p->arena, &p->named,
                                       sizeof(struct named_port)) =
            (struct named_port){lexer_pos(&p->lx, &begin),
                                arena_printf(p->arena, "%.*s", (int)len, name)};
    parser_next(p);
    return PARSED_HEADER;
}

// ---- In steps --------------------------------------------------------------

// The port must be there: a machine has four UARTs unless `serial` says fewer.
static bool check_port(struct parser *p, unsigned port)
{
    unsigned given = p->sc->serial_ports;
    if (!given || port < given || port >= PORT_UARTS)
        return true;
    parse_error(
        p, &p->tok.begin, p->tok.width,
        arena_printf(p->arena, "write `serial %u` in the header", port + 1),
        "the machine has no %s: `serial %u` gives it %s%s", port_name(port),
        given, given > 1 ? "ttyS0 to " : "", port_name(given - 1));
    return false;
}

// A port of the header's, by its name. One of a file that was not read may be
// any.
static bool find_named(struct parser *p, unsigned *out)
{
    size_t len = 0;
    const char *name = name_at(p, &len);
    const struct named_port *port = name ? named_port(p, name, len) : NULL;
    if (port)
        *out = PORT_NAMED +
               (unsigned)(port - (const struct named_port *)p->named.items);
    else if (name && (p->tape || p->unread))
        *out = PORT_NAMED;
    else
        return false;
    return true;
}

static bool parse_which(struct parser *p, unsigned *out)
{
    struct nearest n = nearest_to(p->tok.begin.at, p->tok.width);
    bool found = find_named(p, out);
    for (unsigned i = 0; !found && i < PORT_NAMED; i++) {
        if (token_is(&p->tok, port_name(i))) {
            if (!check_port(p, i))
                return false;
            *out = i;
            found = true;
        }
        nearest_offer(&n, port_name(i));
    }
    if (found) {
        p->sc->hvc |= *out == PORT_HVC;
        parser_next(p);
        return true;
    }
    if (p->tok.kind == TOKEN_TEXT) {
        parse_error(p, &p->tok.begin, p->tok.width,
                    "write `port \"NAME\"` in the header",
                    "no port has this name");
        return false;
    }
    if (p->tok.kind != TOKEN_WORD)
        return parse_expected(p, "a port", PORTS_HINT);
    bool numbered = !strncmp(p->tok.begin.at, "ttyS", 4);
    parse_error(p, &p->tok.begin, p->tok.width,
                n.best && !numbered ? nearest_hint(&n, p->arena) : PORTS_HINT,
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
        if (!parse_which(p, &port))
            return false;
        out->port = (int)port;
    }
    return true;
}

enum parsed parse_console(struct parser *p, struct step *out)
{
    out->kind = STEP_CONSOLE;
    parse_which(p, &out->u.console);
    return PARSED_STEP;
}
