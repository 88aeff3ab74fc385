// SPDX-License-Identifier: Apache-2.0
// Walks the steps in their order and looks each name up among those that were
// defined before it. A name that only one branch defines counts as defined.
// For harness/scenario only.
#include "harness/scenario/check.h"

#include <string.h>

static const char *const builtin_marks[] = {
    "process_start", "memory_ready", "first_kvm_run", "first_byte",
    "kernel_banner", "init_started", "userspace",     "login_prompt",
    "shell_prompt",  "reset",
};

// Of a boot after the first a mark is called boot2_NAME, boot3_NAME, ...
#define BOOTS_NAMED 9

const char *builtin_mark_at(size_t index)
{
    size_t count = sizeof(builtin_marks) / sizeof(builtin_marks[0]);
    return index < count ? builtin_marks[index] : NULL;
}

// ---- Names ------------------------------------------------------------------

void check_define(struct check *c, const char *name, unsigned kinds)
{
    if (name)
        symbols_add(&c->names, c->p->arena, name, kinds);
}

static void define_builtin_mark(struct check *c, const char *mark)
{
    check_define(c, mark, SYMBOL_MARK);
    for (unsigned boot = 2; boot <= BOOTS_NAMED; boot++)
        check_define(c, arena_printf(c->p->arena, "boot%u_%s", boot, mark),
                     SYMBOL_MARK);
}

// What may help with an unknown name, or NULL.
static const char *hint_for(struct check *c, const char *name, unsigned wanted,
                            unsigned known)
{
    struct arena *arena = c->p->arena;
    struct nearest n = nearest_to(name, strlen(name));
    if (known & SYMBOL_MARK)
        return arena_printf(arena, "it is a mark: `check mark %.100s ...`",
                            name);
    if (known & SYMBOL_METRIC)
        return arena_printf(arena, "it is a metric: `check metric %.100s ...`",
                            name);
    if (known)
        return "it is not the output of a `run ... as`";
    symbols_offer(&c->names, wanted | SYMBOL_PERHAPS, &n);
    return nearest_hint(&n, arena);
}

void check_use(struct check *c, const char *name, struct source_pos pos,
               unsigned width, unsigned kinds, const char *what)
{
    if (!name)
        return;
    for (size_t i = 0; i < c->noverrides; i++)
        if (!strcmp(c->overrides[i].name, name))
            c->used[i] = true;
    unsigned known = symbols_find(&c->names, name);
    if (c->unread || known & (kinds | SYMBOL_PERHAPS) || diag_full(c->p->diags))
        return;
    diag_error(c->p->diags, pos, width, hint_for(c, name, kinds, known),
               "unknown %s `%.200s`", what, name);
}

void check_text(struct check *c, const struct text *t)
{
    for (size_t i = 0; i < t->npieces; i++) {
        const struct text_piece *piece = &t->pieces[i];
        if (!piece->variable)
            continue;
        unsigned wanted = SYMBOL_VARIABLE | SYMBOL_CAPTURE;
        unsigned known = symbols_find(&c->names, piece->bytes);
        size_t errors = c->p->diags->errors;
        check_use(c, piece->bytes, piece->pos, (unsigned)piece->len + 3, wanted,
                  "variable");
        // Without a better idea: it was meant for the guest's shell.
        struct list *items = &c->p->diags->items;
        struct diagnostic *last = items->items;
        if (c->p->diags->errors > errors && !known &&
            !last[items->count - 1].hint)
            last[items->count - 1].hint =
                arena_printf(c->p->diags->arena,
                             "set it, or write `\\${%.100s}` for the guest's "
                             "own",
                             piece->bytes);
    }
}

static void check_value(struct check *c, const struct value *v)
{
    if (v->kind == VALUE_TEXT)
        check_text(c, &v->text);
}

static void define_groups(struct check *c, const struct pattern_node *n)
{
    check_text(c, &n->source);
    for (size_t i = 0; i < n->ngroups; i++)
        check_define(c, n->groups[i], SYMBOL_VARIABLE);
}

// ---- Steps ------------------------------------------------------------------

static void check_check(struct check *c, const struct step *s)
{
    static const struct {
        unsigned kinds;
        const char *what;
    } wants[] = {
        [CHECK_HAS] = {SYMBOL_VARIABLE | SYMBOL_CAPTURE, "name"},
        [CHECK_LACKS] = {SYMBOL_VARIABLE | SYMBOL_CAPTURE, "name"},
        [CHECK_COUNT] = {SYMBOL_VARIABLE | SYMBOL_CAPTURE, "name"},
        [CHECK_STATUS] = {SYMBOL_CAPTURE, "captured output"},
        [CHECK_MARK] = {SYMBOL_MARK, "mark"},
        [CHECK_METRIC] = {SYMBOL_METRIC, "metric"},
        [CHECK_VALUE] = {SYMBOL_VARIABLE | SYMBOL_CAPTURE, "name"},
    };
    if (!s->u.check.name)
        return;
    check_use(c, s->u.check.name, s->u.check.name_pos,
              (unsigned)strlen(s->u.check.name), wants[s->u.check.kind].kinds,
              wants[s->u.check.kind].what);
    check_text(c, &s->u.check.pattern.source);
    check_value(c, &s->u.check.value);
}

static void check_block(struct check *c, const struct block *b);

static void check_branches(struct check *c, const struct step *s)
{
    for (size_t i = 0; i < s->u.one.nbranches; i++) {
        define_groups(c, &s->u.one.branches[i].pattern);
        check_block(c, &s->u.one.branches[i].body);
    }
}

static void check_if(struct check *c, const struct step *s)
{
    if (s->u.cond.name)
        check_use(c, s->u.cond.name, s->u.cond.name_pos,
                  (unsigned)strlen(s->u.cond.name),
                  SYMBOL_VARIABLE | SYMBOL_CAPTURE, "variable");
    check_value(c, &s->u.cond.value);
    check_block(c, &s->u.cond.then);
    check_block(c, &s->u.cond.otherwise);
}

static void check_step(struct check *c, const struct step *s)
{
    switch (s->kind) {
    case STEP_EXPECT:
        define_groups(c, &s->u.expect.pattern);
        check_define(c, s->u.expect.mark, SYMBOL_MARK);
        break;
    case STEP_EXPECT_ONE:
        check_branches(c, s);
        break;
    case STEP_SEND:
        check_text(c, &s->u.send.text);
        break;
    case STEP_LOGIN:
        check_text(c, &s->u.login.user);
        check_text(c, &s->u.login.password);
        check_text(c, &s->u.login.prompt.source);
        break;
    case STEP_RUN:
        check_text(c, &s->u.run.command);
        check_define(c, s->u.run.as, SYMBOL_CAPTURE);
        break;
    case STEP_CHECK:
        check_check(c, s);
        break;
    case STEP_MARK:
        check_define(c, s->u.mark, SYMBOL_MARK);
        break;
    case STEP_METRIC:
        check_value(c, &s->u.metric.value);
        check_define(c, s->u.metric.name, SYMBOL_METRIC);
        break;
    case STEP_LOG:
        check_text(c, &s->u.log);
        break;
    case STEP_REPEAT:
        check_block(c, &s->u.repeat.body);
        break;
    case STEP_IF:
        check_if(c, s);
        break;
    case STEP_GROUP:
        check_text(c, &s->u.group.title);
        check_block(c, &s->u.group.body);
        break;
    case STEP_NEVER:
        check_text(c, &s->u.never.pattern.source);
        check_block(c, &s->u.never.body);
        break;
    case STEP_EXPECT_EVENT:
    case STEP_EXPECT_IDLE:
    case STEP_KEY:
    case STEP_KTAP:
    case STEP_SNAPSHOT:
    case STEP_RESET:
    case STEP_POWEROFF:
    case STEP_NMI:
    case STEP_POWER:
    case STEP_CONSOLE:
        break;
    }
}

static void check_block(struct check *c, const struct block *b)
{
    for (size_t i = 0; i < b->nsteps; i++)
        check_step(c, &b->steps[i]);
}

// ---- The whole --------------------------------------------------------------

// Any name in a statement that failed may have been defined there.
static void excuse_tainted(struct check *c)
{
    const struct tainted *t = c->p->tainted.items;
    for (size_t i = 0; i < c->p->tainted.count; i++) {
        for (const char *at = t[i].begin; at < t[i].end;) {
            size_t len = name_length(at);
            if (len)
                check_define(c, arena_copy(c->p->arena, at, len),
                             SYMBOL_PERHAPS);
            at += len ? len : 1;
        }
    }
}

static bool was_seen(const struct parser *p, const char *word)
{
    return p->seen[statement_find(word, strlen(word)) - statements].line;
}

static void check_completeness(struct check *c)
{
    struct parser *p = c->p;
    struct source_pos pos = p->first_step;
    if (!pos.line)
        pos = (struct source_pos){p->sc->path, 1, 1};
    bool bootable = was_seen(p, "guest") || was_seen(p, "kernel") ||
                    was_seen(p, "from") || c->unread;
    if (!bootable)
        diag_error(p->diags, pos, 1,
                   "add `guest NAME` or `kernel PATH` before the first step",
                   "no guest and no kernel: nothing to boot");
    if (!p->sc->steps.nsteps && !p->diags->errors)
        diag_warning(p->diags, pos, 1, NULL,
                     "no steps: this scenario checks nothing");
    const struct scenario *sc = p->sc;
    char step[32], whole[32];
    if (sc->step_timeout_pos.line && sc->step_timeout_ns > sc->timeout_ns)
        diag_warning(p->diags, sc->step_timeout_pos, 1, NULL,
                     "step-timeout %s is longer than the scenario's timeout, "
                     "%s%s",
                     duration_name(sc->step_timeout_ns, step, sizeof(step)),
                     duration_name(sc->timeout_ns, whole, sizeof(whole)),
                     sc->timeout_pos.line ? "" : " unless it is set");
}

static void check_overrides(struct check *c)
{
    for (size_t i = 0; i < c->noverrides; i++) {
        if (c->used[i] || c->unread)
            continue;
        const char *name = c->overrides[i].name;
        if (symbols_find(&c->names, name) & SYMBOL_PERHAPS)
            continue;
        const struct setting *s = c->p->settings.items;
        struct nearest n = nearest_to(name, strlen(name));
        for (size_t k = 0; k < c->p->settings.count; k++)
            if (strcmp(s[k].name, name) != 0)
                nearest_offer(&n, s[k].name);
        diag_error(c->p->diags, (struct source_pos){.line = 0}, 1,
                   nearest_hint(&n, c->p->arena),
                   "--set %.200s: this scenario has no such variable", name);
    }
}

void check_scenario(struct parser *p, const struct override *overrides,
                    size_t noverrides)
{
    struct check c = {.p = p, .overrides = overrides, .noverrides = noverrides};
    c.used = arena_alloc(p->arena, (noverrides + 1) * sizeof(*c.used));
    c.unread = p->unread;
    const char *mark;
    for (size_t i = 0; (mark = builtin_mark_at(i)); i++)
        define_builtin_mark(&c, mark);
    excuse_tainted(&c);
    check_header_texts(&c);
    check_block(&c, &p->sc->steps);
    check_completeness(&c);
    check_overrides(&c);
}
