// SPDX-License-Identifier: Apache-2.0
// Files: the scenario's own, and `use`, whose statements stand where it stands.
// For the parser only.
#include "harness/scenario/parser.h"
#include "harness/scenario/utf8.h"

#include <string.h>

// ---- Characters -------------------------------------------------------------

static void report_character(struct diag *d, struct source_pos pos,
                             const char *at, bool valid)
{
    unsigned char c = (unsigned char)*at;
    if (!valid)
        diag_error(d, pos, 1, "save the file as UTF-8",
                   "byte 0x%02x: this is not UTF-8", c);
    else if (!c)
        diag_error(d, pos, 1, NULL, "a NUL character in the scenario");
    else if (c == '\r')
        diag_error(d, pos, 1, "lines end in \\n or \\r\\n",
                   "a carriage return inside of a line");
    else
        diag_error(d, pos, 1,
                   "in a text or a pattern, write it as an escape: \\xHH",
                   "a control character, 0x%02x", c);
}

// Reports the first wrong character of each line. False when there was one.
static bool check_characters(struct diag *d, const struct source *s, size_t len)
{
    struct source_pos pos = {s->path, 1, 1};
    unsigned bad_line = 0;
    for (size_t at = 0; at < len;) {
        uint32_t c = 0;
        size_t n = utf8_decode(s->text + at, len - at, &c);
        bool control = (c < 0x20 && c != '\t' && c != '\n') || c == 0x7f;
        if ((!n || control) && bad_line != pos.line) {
            bad_line = pos.line;
            report_character(d, pos, s->text + at, n != 0);
        }
        pos.column++;
        if (n && c == '\n') {
            pos.line++;
            pos.column = 1;
        }
        at += n ? n : 1;
    }
    return !bad_line;
}

// ---- One file ---------------------------------------------------------------

// `use` is where it is used; line 0: it is the scenario's own. p->no_text tells
// whether it is text.
static const struct source *add_source(struct parser *p, const char *path,
                                       struct source_pos use,
                                       const struct file_text *file)
{
    size_t len = file->len;
    struct source *s = arena_alloc(p->arena, sizeof(*s));
    p->bytes_read += file->len;
    s->path = path;
    s->user = p->source;
    s->use = use;
    s->depth = s->user ? s->user->depth + 1 : 0;
    memcpy(s->identity, file->identity, sizeof(s->identity));
    s->text = source_text(p->arena, file->bytes, &len);
    s->older = p->diags->sources;
    p->diags->sources = s;
    p->no_text = !check_characters(p->diags, s, len);
    return s;
}

void parse_scenario(struct parser *p, const struct file_text *file)
{
    struct list steps = {0};
    p->seen = arena_alloc(p->arena, statement_count() * sizeof(*p->seen));
    p->source = add_source(p, p->sc->path, (struct source_pos){0}, file);
    if (p->no_text)
        return;
    p->lx = lexer_new(p->sc->path, p->source->text, p->arena);
    parse_statements(p, &steps);
    p->sc->steps.nsteps = steps.count;
    p->sc->steps.steps = steps.items;
    p->sc->nincluded = p->included.count;
    p->sc->included = p->included.items;
}

// ---- use --------------------------------------------------------------------

enum parsed parse_use(struct parser *p, struct step *out)
{
    (void)out;
    const struct token path = p->tok;
    if (!parse_text(p, "the path of a file in quotes", &p->st.use))
        return PARSED_NOTHING;
    if (!p->st.use.npieces)
        parse_error(p, &path.begin, path.width, NULL, "the path is empty");
    for (size_t i = 0; i < p->st.use.npieces; i++) {
        const struct text_piece *piece = &p->st.use.pieces[i];
        if (piece->variable)
            parse_error(p, &path.begin, path.width,
                        "put each `use` into a branch of an `if`",
                        "the path of a `use` can't hold a variable");
        else if (memchr(piece->bytes, 0, piece->len))
            parse_error(p, &path.begin, path.width, NULL,
                        "a path can't hold a NUL character");
    }
    p->st.use_width = path.width;
    return PARSED_NOTHING;
}

// "a.tci -> b.tci -> a.tci": the way round that ends in s once more.
static const char *name_cycle(struct parser *p, const struct source *s)
{
    const char *chain = s->path;
    for (const struct source *at = p->source; at != s; at = at->user)
        chain = arena_printf(p->arena, "%s -> %s", at->path, chain);
    return arena_printf(p->arena, "%s -> %s", s->path, chain);
}

static bool use_error(struct parser *p, const char *hint, const char *message)
{
    p->unread = true;
    diag_error(p->diags, p->st.use.pos, p->st.use_width, hint, "%s", message);
    return false;
}

// Whether a file may be used here that was read: not too large, not a file that
// is being read.
static bool may_use(struct parser *p, const char *path,
                    const struct file_text *file)
{
    if (file->len > SCENARIO_MAX_BYTES - p->bytes_read)
        return use_error(p, NULL,
                         arena_printf(p->arena,
                                      "with `%s` the scenario is larger than "
                                      "%zu MiB",
                                      path, SCENARIO_MAX_BYTES >> 20));
    for (const struct source *s = p->source; s; s = s->user)
        if (!memcmp(s->identity, file->identity, sizeof(s->identity)))
            return use_error(p, name_cycle(p, s),
                             "this file is being read already: it would use "
                             "itself");
    return true;
}

static bool read_used(struct parser *p, const char *path,
                      struct file_text *file)
{
    struct error why = {""};
    if (p->source->depth == MAX_USE_DEPTH)
        return use_error(p, NULL,
                         arena_printf(p->arena,
                                      "files are used too deeply: at most %d",
                                      MAX_USE_DEPTH));
    if (p->reader->read(p->reader->owner, path, true,
                        SCENARIO_MAX_BYTES - p->bytes_read, file, &why))
        return use_error(
            p,
            *path == '/' ? NULL
                         : "a path is relative to the file that "
                           "holds the `use`",
            arena_printf(p->arena, "can't read `%s`: %s", path, why.text));
    arena_adopt(p->arena, file->bytes, file->len);
    return may_use(p, path, file);
}

void include_file(struct parser *p, struct list *steps)
{
    const struct parser outer = *p;
    struct file_text file = {0};
    const char *path =
        source_beside(p->arena, p->source->path, p->st.use.pieces[0].bytes);
    if (!read_used(p, path, &file))
        return;
    struct inclusion *i = list_add(p->arena, &p->included, sizeof(*i));
    *i = (struct inclusion){path, lexer_pos(&p->lx, &p->st.begin)};
    const struct source *s = add_source(p, path, i->pos, &file);
    if (p->no_text) {
        p->no_text = false;
        p->unread = true;
        return;
    }
    p->source = s;
    p->lx = lexer_new(path, s->text, p->arena);
    parse_statements(p, steps);
    p->source = outer.source;
    p->lx = outer.lx;
    p->tok = outer.tok;
    p->last_end = outer.last_end;
    p->st = outer.st;
}
