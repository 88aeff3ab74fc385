// SPDX-License-Identifier: Apache-2.0
// The header's machine: guest, kernel, initrd, cmdline, memory, cpus, disk,
// share, serial, machine, symbols, from. For the parser only.
#include "harness/scenario/parser.h"

#include <string.h>

#define MEMORY_MIN (UINT64_C(16) << 20)
#define MEMORY_MAX (UINT64_C(1) << 40)
#define HUGE_PAGE  (UINT64_C(2) << 20)

enum parsed parse_guest(struct parser *p, struct step *out)
{
    (void)out;
    parse_path(p, "the name of a guest", &p->guest);
    return PARSED_HEADER;
}

enum parsed parse_kernel(struct parser *p, struct step *out)
{
    (void)out;
    parse_path(p, "a path", &p->sc->kernel);
    return PARSED_HEADER;
}

enum parsed parse_initrd(struct parser *p, struct step *out)
{
    (void)out;
    parse_path(p, "a path", &p->sc->initrd);
    return PARSED_HEADER;
}

enum parsed parse_cmdline(struct parser *p, struct step *out)
{
    (void)out;
    struct text text;
    bool more = p->tok.kind == TOKEN_PLUS;
    if (more)
        parser_next(p);
    if (!parse_text(p, more ? "a text" : "a text or `+`", &text))
        return PARSED_HEADER;
    if (more)
        *(struct text *)list_add(p->arena, &p->more_cmdline, sizeof(text)) =
            text;
    else if (p->base_cmdline.pos.line)
        parse_error(p, &p->st.begin, (unsigned)strlen("cmdline"),
                    "`cmdline + \"...\"` appends",
                    "`cmdline` stands here again: see %s",
                    place_name(p, &p->base_cmdline.pos));
    else
        p->base_cmdline = text;
    return PARSED_HEADER;
}

enum parsed parse_memory(struct parser *p, struct step *out)
{
    (void)out;
    const struct token t = p->tok;
    uint64_t size;
    bool odd = false;
    if (!parse_size(p, &size))
        return PARSED_HEADER;
    if (size < MEMORY_MIN)
        parse_error(p, &t.begin, t.width, NULL,
                    "memory %s is too small: at least 16M",
                    token_spelling(&p->lx, &t));
    else if (size > MEMORY_MAX)
        parse_error(p, &t.begin, t.width, NULL,
                    "memory %s is too large: at most 1T",
                    token_spelling(&p->lx, &t));
    else if (size % HUGE_PAGE)
        odd = true;
    p->sc->memory = size;
    p->sc->memory_pos = lexer_pos(&p->lx, &t.begin);
    parser_next(p);
    const struct token word = p->tok;
    p->sc->memory_huge = accept_word(p, "huge");
    p->sc->memory_shared = !p->sc->memory_huge && accept_word(p, "shared");
    if (p->sc->memory_huge && odd)
        parse_error(p, &word.begin, word.width, NULL,
                    "huge pages have 2M: memory %s is no multiple of that",
                    token_spelling(&p->lx, &t));
    else if (!p->st.failed && !p->sc->memory_huge && !p->sc->memory_shared &&
             !at_end_of_statement(p))
        parse_expected(p, "`huge` or `shared`", NULL);
    return PARSED_HEADER;
}

enum parsed parse_cpus(struct parser *p, struct step *out)
{
    (void)out;
    uint64_t cpus;
    if (parse_integer(p, "the number of CPUs", 1, SCENARIO_CPUS, &cpus))
        p->sc->cpus = (unsigned)cpus;
    return PARSED_HEADER;
}

enum parsed parse_disk(struct parser *p, struct step *out)
{
    (void)out;
    struct disk *d = list_add(p->arena, &p->disks, sizeof(*d));
    d->pos = lexer_pos(&p->lx, &p->tok.begin);
    if (!parse_path(p, "a path", &d->path))
        return PARSED_HEADER;
    d->readonly = accept_word(p, "readonly");
    d->writable = !d->readonly && accept_word(p, "writable");
    if (accept_word(p, "serial"))
        parse_text(p, "the serial number, a text", &d->serial);
    else if (!p->st.failed && !at_end_of_statement(p))
        parse_expected(p,
                       d->readonly || d->writable
                           ? "`serial \"...\"`"
                           : "`readonly`, `writable` or `serial \"...\"`",
                       NULL);
    return PARSED_HEADER;
}

enum parsed parse_share(struct parser *p, struct step *out)
{
    (void)out;
    struct share *s = list_add(p->arena, &p->shares, sizeof(*s));
    s->pos = lexer_pos(&p->lx, &p->tok.begin);
    if (!parse_path(p, "a folder", &s->path))
        return PARSED_HEADER;
    if (!accept_word(p, "as")) {
        parse_expected(p, "`as` and the tag by which the guest mounts it",
                       NULL);
        return PARSED_HEADER;
    }
    if (!parse_path(p, "a tag", &s->tag))
        return PARSED_HEADER;
    s->writable = accept_word(p, "writable");
    if (!p->st.failed && !at_end_of_statement(p))
        parse_expected(p,
                       s->writable ? "the end of the line"
                                   : "`writable` or the end of the line",
                       NULL);
    return PARSED_HEADER;
}

enum parsed parse_serial(struct parser *p, struct step *out)
{
    (void)out;
    uint64_t ports;
    if (parse_integer(p, "the number of serial ports", 1, 4, &ports))
        p->sc->serial_ports = (unsigned)ports;
    return PARSED_HEADER;
}

enum parsed parse_machine(struct parser *p, struct step *out)
{
    (void)out;
    p->sc->mmio = accept_word(p, "mmio");
    if (!p->sc->mmio && !accept_word(p, "pci"))
        parse_expected(p, "`pci` or `mmio`",
                       "they say how virtio's devices are found");
    return PARSED_HEADER;
}

enum parsed parse_symbols(struct parser *p, struct step *out)
{
    (void)out;
    parse_path(p, "a path", &p->sc->symbols);
    return PARSED_HEADER;
}

enum parsed parse_from(struct parser *p, struct step *out)
{
    (void)out;
    if (!parse_name(p, "the name of a snapshot", &p->sc->from))
        return PARSED_HEADER;
    if (!accept_word(p, "of"))
        parse_expected(p, "`of` and the file that makes the snapshot", NULL);
    else
        parse_text(p, "the scenario's path in quotes", &p->sc->from_file);
    return PARSED_HEADER;
}
