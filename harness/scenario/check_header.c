// SPDX-License-Identifier: Apache-2.0
// The header's variables get their values, its texts and patterns are resolved
// with them. For harness/scenario only.
#include "harness/scenario/check.h"
#include "harness/scenario/pattern_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// Of an axis's values so many are named when an override is none of them.
#define AXIS_VALUES_SHOWN 20

// The value of a setting that was resolved already.
static const char *setting_value(void *owner, const char *name, size_t *len)
{
    const struct check *c = owner;
    unsigned index = symbols_find(&c->setting_index, name);
    if (!index)
        return NULL;
    const struct setting *s = c->p->settings.items;
    const struct text *t = &s[index - 1].value;
    *len = t->npieces ? t->pieces[0].len : 0;
    return t->npieces ? t->pieces[0].bytes : "";
}

// Checks t and puts the values of its variables in. Empty texts stay without
// pieces.
static void resolve(struct check *c, struct text *t)
{
    struct error err;
    char *joined;
    size_t len;
    check_text(c, t);
    if (!t->npieces)
        return;
    int code = text_join(t, setting_value, c, &joined, &len, &err);
    // An unknown variable is reported already.
    if (code && code != -ENOENT)
        diag_error(c->p->diags, t->pos, 1, NULL, "this text is %s", err.text);
    if (code)
        return;
    arena_adopt(c->p->arena, joined, len);
    *t = literal_text(c->p, t->pos, joined, len);
}

// The same for what becomes a C string.
void check_resolve_string(struct check *c, struct text *t, const char *what)
{
    resolve(c, t);
    if (t->npieces == 1 && memchr(t->pieces->bytes, 0, t->pieces->len))
        diag_error(c->p->diags, t->pos, 1, NULL,
                   "%s can't hold a NUL character", what);
}

// The same for the name of a guest: NULL when there is none, or a wrong one.
static const char *resolve_label(struct check *c, struct text *t)
{
    size_t errors = c->p->diags->errors;
    resolve(c, t);
    if (!t->npieces || c->p->diags->errors > errors)
        return NULL;
    if (t->pieces[0].variable)
        return NULL; // it stands in a statement that failed
    const char *name = t->pieces[0].bytes;
    size_t len = t->pieces[0].len, good = 0;
    while (good < len && (is_name(name[good]) || name[good] == '.'))
        good++;
    if (len && good == len && (is_alnum(*name) || *name == '_'))
        return name;
    diag_error(c->p->diags, t->pos, 1,
               "it is made of letters, digits, `_`, `-` and `.`",
               "`%.100s` is not the name of a guest", name);
    return NULL;
}

static void resolve_needs(struct check *c)
{
    struct need *needs = c->p->needs.items;
    struct text *guests = c->p->need_guests.items;
    for (size_t i = 0; i < c->p->needs.count; i++)
        needs[i].guest = resolve_label(c, &guests[i]);
}

static void free_pattern(void *what)
{
    pattern_free(what);
}

static void resolve_pattern(struct check *c, struct pattern_node *n)
{
    struct error err = {0};
    size_t errors = c->p->diags->errors;
    check_text(c, &n->source);
    if (n->compiled || !n->source.npieces || c->p->diags->errors > errors)
        return;
    struct pattern *compiled = pattern_node_compile(n, setting_value, c, &err);
    n->compiled = compiled;
    if (compiled)
        arena_defer(c->p->arena, free_pattern, compiled);
    else if (!c->p->tainted.count)
        diag_error(c->p->diags, n->pos, 1, NULL,
                   "with its variables' values this pattern is wrong: %s",
                   err.text);
}

// The override of a name, or NULL. The last one given counts.
static const struct override *find_override(struct check *c, const char *name)
{
    for (size_t i = c->noverrides; i-- > 0;)
        if (!strcmp(c->overrides[i].name, name))
            return &c->overrides[i];
    return NULL;
}

static void add_setting(struct check *c, const struct setting *s)
{
    struct parser *p = c->p;
    if (!s->name)
        return;
    *(struct setting *)list_add(p->arena, &p->settings, sizeof(*s)) = *s;
    symbols_add(&c->setting_index, p->arena, s->name,
                (unsigned)p->settings.count);
    check_define(c, s->name, SYMBOL_VARIABLE);
}

static struct text override_text(struct check *c, const struct override *o,
                                 struct source_pos pos)
{
    const char *copy = arena_string(c->p->arena, o->value);
    return literal_text(c->p, pos, copy, strlen(copy));
}

// An axis has only the values that it was given.
static void check_axis(struct check *c, const struct setting *s,
                       const struct override *o)
{
    const struct matrix_axis *axes = c->p->axes.items;
    unsigned index = symbols_find(&c->p->axis_names, s->name);
    if (!index || !o)
        return;
    const struct matrix_axis *axis = &axes[index - 1];
    struct nearest n = nearest_to(o->value, strlen(o->value));
    const char *names = "";
    for (size_t i = 0; i < axis->nvalues; i++) {
        const struct text *t = &axis->values[i];
        const char *value = t->npieces ? t->pieces->bytes : "";
        if (!strcmp(value, o->value))
            return;
        nearest_offer(&n, value);
        if (i < AXIS_VALUES_SHOWN)
            names = arena_printf(c->p->arena, "%s%s`%.60s`", names,
                                 i ? ", " : "", value);
        else if (i == AXIS_VALUES_SHOWN)
            names = arena_printf(c->p->arena, "%s ...", names);
    }
    diag_error(c->p->diags, axis->pos, (unsigned)strlen(axis->name),
               nearest_hint(&n, c->p->arena),
               "`%.100s` is no value of `%.100s`: it is one of %s", o->value,
               axis->name, names);
}

// Overrides first, so that `set` may use them; then the file's, in order.
static void resolve_settings(struct check *c)
{
    struct parser *p = c->p;
    struct list of_file = p->settings;
    p->settings = (struct list){0};
    for (size_t i = 0; i < c->noverrides; i++) {
        const struct override *o = &c->overrides[i];
        struct setting given = {.pos = {p->sc->path, 1, 1}};
        c->used[i] = symbols_find(&p->set_names, o->name) != 0;
        if (c->used[i] || find_override(c, o->name) != o)
            continue;
        given.name = arena_string(p->arena, o->name);
        given.value = override_text(c, o, given.pos);
        add_setting(c, &given);
    }
    const struct setting *s = of_file.items;
    for (size_t i = 0; i < of_file.count; i++) {
        struct setting given = s[i];
        const struct override *o =
            given.name ? find_override(c, given.name) : NULL;
        if (given.name)
            check_axis(c, &given, o);
        if (o)
            given.value = override_text(c, o, given.pos);
        else
            resolve(c, &given.value);
        if (!given.name || !symbols_find(&c->setting_index, given.name))
            add_setting(c, &given);
    }
}

static void resolve_cmdline(struct check *c)
{
    struct parser *p = c->p;
    struct list pieces = {0};
    const struct text *more = p->more_cmdline.items;
    struct text *out = &p->sc->cmdline;
    *out = p->base_cmdline;
    p->sc->cmdline_appends = p->more_cmdline.count && !out->pos.line;
    if (p->more_cmdline.count && !out->pos.line)
        out->pos = more[0].pos;
    for (size_t i = 0; i < out->npieces; i++)
        *(struct text_piece *)list_add(
            p->arena, &pieces, sizeof(struct text_piece)) = out->pieces[i];
    for (size_t i = 0; i < p->more_cmdline.count; i++) {
        struct text_piece blank = {.bytes = " ", .len = 1, .pos = more[i].pos};
        if (pieces.count)
            *(struct text_piece *)list_add(p->arena, &pieces, sizeof(blank)) =
                blank;
        for (size_t k = 0; k < more[i].npieces; k++)
            *(struct text_piece *)list_add(p->arena, &pieces, sizeof(blank)) =
                more[i].pieces[k];
    }
    out->npieces = pieces.count;
    out->pieces = pieces.items;
    check_resolve_string(c, out, "a kernel command line");
}

static void resolve_disks(struct check *c)
{
    struct disk *disks = c->p->disks.items;
    for (size_t i = 0; i < c->p->disks.count; i++) {
        struct disk *d = &disks[i];
        check_resolve_string(c, &d->path, "a path");
        check_resolve_string(c, &d->serial, "a serial number");
        if (d->serial.npieces == 1 && d->serial.pieces->len > DISK_SERIAL_MAX)
            diag_error(c->p->diags, d->serial.pos, 1, NULL,
                       "a serial number has at most %d bytes", DISK_SERIAL_MAX);
        if (i == DISKS_MAX)
            diag_error(c->p->diags, d->pos, 1, NULL,
                       "a machine has at most %d disks", DISKS_MAX);
    }
}

// foo of path/to/foo.tc.
static const char *title_of_file(struct check *c)
{
    const char *path = c->p->sc->path, *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    size_t len = strlen(name);
    if (len > 3 && !strcmp(name + len - 3, ".tc"))
        len -= 3;
    return arena_copy(c->p->arena, name, len);
}

// Reports tell the cases of a matrix apart by their titles.
static void note_axes_of_title(struct parser *p)
{
    struct matrix_axis *axes = p->axes.items;
    for (size_t i = 0; i < p->title.npieces; i++) {
        const struct text_piece *piece = &p->title.pieces[i];
        unsigned index =
            piece->variable ? symbols_find(&p->axis_names, piece->bytes) : 0;
        if (index)
            axes[index - 1].in_title = true;
    }
}

void check_header_texts(struct check *c)
{
    struct parser *p = c->p;
    struct scenario *sc = p->sc;
    resolve_settings(c);

    note_axes_of_title(p);
    check_resolve_string(c, &p->title, "a title");
    sc->title = p->title.npieces ? p->title.pieces[0].bytes : title_of_file(c);
    sc->title_pos = p->title.pos;
    sc->guest = resolve_label(c, &p->guest);
    sc->guest_pos = p->guest.pos;
    resolve_needs(c);
    check_resolve_string(c, &sc->kernel, "a path");
    check_resolve_string(c, &sc->initrd, "a path");
    check_resolve_string(c, &sc->symbols, "a path");
    resolve_cmdline(c);
    resolve_disks(c);
    check_net(c);
    check_shares(c);

    struct fail_rule *fails = p->fails.items;
    for (size_t i = 0; i < p->fails.count; i++) {
        resolve_pattern(c, &fails[i].pattern);
        resolve(c, &fails[i].why);
    }
    struct allow_rule *allows = p->allows.items;
    for (size_t i = 0; i < p->allows.count; i++)
        resolve_pattern(c, &allows[i].pattern);

    sc->ntags = p->tags.count;
    sc->tags = p->tags.items;
    sc->nsettings = p->settings.count;
    sc->settings = p->settings.items;
    sc->nfails = p->fails.count;
    sc->fails = fails;
    sc->nallows = p->allows.count;
    sc->allows = allows;
    sc->naxes = p->axes.count;
    sc->axes = p->axes.items;
    sc->nneeds = p->needs.count;
    sc->needs = p->needs.items;
    sc->ndisks = p->disks.count;
    sc->disks = p->disks.items;
    sc->nnamed = p->named.count;
    sc->named = p->named.items;
}
