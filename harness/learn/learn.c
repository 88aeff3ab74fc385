// SPDX-License-Identifier: Apache-2.0
// The learner: from bytes to turns. See learn.h; what becomes of a turn is in
// settle.c.
#include "harness/learn/internal.h"

#include "harness/console/near_miss.h"
#include "src/base/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// Text that is kept of each port, since the last turn.
#define WINDOW ((size_t)64 << 10)
// A terminal's user who waits for so long has looked at what is painted.
#define LOOKED_NS (700 * NS_PER_MS)

struct learn *learn_new(uint64_t started_ns, struct error *err)
{
    struct learn *l = calloc(1, sizeof(*l));
    if (!l) {
        error_set(err, -ENOMEM, "out of memory");
        return NULL;
    }
    l->started_ns = started_ns;
    for (unsigned i = 0; i < LEARN_PORTS; i++)
        l->ports[i].turned_ns = started_ns;
    return l;
}

void learn_turn_free(struct turn *t)
{
    if (t)
        typed_forget(&t->typed);
    free(t);
}

static void forget_marks(struct learn *l)
{
    while (l->nmarks)
        free(l->marks[--l->nmarks]);
}

void learn_free(struct learn *l)
{
    if (!l)
        return;
    learn_kernel_free(l);
    for (unsigned i = 0; i < LEARN_PORTS; i++)
        matcher_free(l->ports[i].matcher);
    learn_turn_free(l->open);
    learn_turn_free(l->done);
    learn_turn_free(l->name);
    for (size_t i = 0; i < l->nahead; i++)
        learn_turn_free(l->ahead[i]);
    forget_marks(l);
    for (size_t i = 0; i < l->nsecrets; i++) {
        explicit_bzero(l->secrets[i].value, l->secrets[i].len);
        free(l->secrets[i].value);
        free(l->secrets[i].name);
    }
    prompts_free(&l->prompts);
    steps_free(&l->steps);
    explicit_bzero(l, sizeof(*l));
    free(l);
}

// ---- What the guest prints --------------------------------------------------

static bool open_port(struct learn *l, struct learn_port *p)
{
    static const struct matcher_options options = {.window = WINDOW};
    struct error err;
    if (p->watch)
        return true;
    if (l->failed)
        return false;
    p->matcher = matcher_new(&options, &err);
    if (p->matcher)
        matcher_started(p->matcher, l->started_ns);
    l->failed = !p->matcher || !learn_kernel_watch(l, p);
    return !l->failed;
}

void learn_output(struct learn *l, unsigned port, const uint8_t *bytes,
                  size_t len, const struct stamp *stamps, size_t nstamps)
{
    struct learn_port *p = &l->ports[port < LEARN_PORTS ? port : 0];
    if (port >= LEARN_PORTS || !len || !open_port(l, p))
        return;
    matcher_feed(p->matcher, bytes, len, stamps, nstamps);
    echo_feed(&p->echo, bytes, len);
    learn_kernel_take(l, p, bytes, len, stamps, nstamps);
}

static bool is_blank(const char *text, size_t from, size_t end)
{
    while (from < end && strchr(" \t\r\b", text[from]))
        from++;
    return from == end;
}

// The last line that isn't blank, as a carriage return has left it.
static void find_above(struct sight *s)
{
    const char *text = s->text.text;
    const char *newline = memrchr(text, '\n', s->text.len);
    size_t end = newline ? (size_t)(newline - text) : 0;
    size_t from = end;
    for (;;) {
        while (from && text[from - 1] != '\n')
            from--;
        if (!from || !is_blank(text, from, end))
            break;
        end = --from;
    }
    for (size_t i = from; i < end; i++)
        if ((text[i] == '\r' || text[i] == '\b') && !is_blank(text, i, end))
            from = i + 1;
    if (is_blank(text, from, end))
        return;
    s->above_is_echo = !memchr(text, '\n', from);
    while (end - from >= ABOVE_MAX ||
           (from < end && (text[from] & 0xc0) == 0x80)) {
        from++;
        s->above_cut = true;
    }
    s->above_len = end - from;
    memcpy(s->above, text + from, s->above_len);
    s->above[s->above_len] = '\0';
}

void learn_look(const struct learn *l, unsigned port, uint64_t ns,
                struct sight *out)
{
    const struct learn_port *p = &l->ports[port];
    *out = (struct sight){.quiet = true};
    if (!p->matcher)
        return;
    out->text = matcher_pending_lifted(p->matcher);
    out->came_ns = matcher_last_plain_ns(p->matcher);
    out->quiet = out->came_ns + matcher_settle_ns(p->matcher) <= ns;
    out->painted = p->echo.addressed;
    if (!out->text.len)
        return;
    prompt_take(&out->prompt, out->text.text, out->text.len);
    find_above(out);
    out->above_is_echo &= p->typed;
    // A shell that has cleared the screen.
    if (out->prompt.kind == PROMPT_SHELL)
        out->painted = false;
}

// ---- Turns ------------------------------------------------------------------

static uint64_t since(uint64_t from, uint64_t to)
{
    return to > from ? to - from : 0;
}

// The turn goes on while something is typed already: at a prompt of no kind,
// before the output has stopped.
static bool is_ahead(const struct learn *l, unsigned port,
                     const struct sight *seen, const struct stroke *k)
{
    const struct turn *t = l->done;
    if (!t || t->port != port || t->keys || k->kind == STROKE_STOP ||
        t->before.prompt.kind != PROMPT_SHELL || seen->painted)
        return false;
    return seen->prompt.kind == PROMPT_NONE ||
           (seen->prompt.kind == PROMPT_OTHER && !seen->quiet);
}

static void begin_turn(struct learn *l, unsigned port, const struct stroke *k,
                       uint64_t ns)
{
    struct learn_port *p = &l->ports[port];
    struct turn *t = calloc(1, sizeof(*t));
    if (!t) {
        l->failed = true;
        return;
    }
    t->port = port;
    t->began_ns = t->key_ns = ns;
    learn_look(l, port, ns, &t->before);
    t->waited_ns = since(p->turned_ns, t->before.came_ns);
    t->paused_ns = since(t->before.came_ns, ns);
    if (!l->done)
        learn_settle_marks(l, port);
    t->ahead = l->nahead < AHEAD_MAX && is_ahead(l, port, &t->before, k);
    t->keys = t->before.painted;
    t->began_at = t->before.text.len;
    l->open = t;
    if (t->ahead)
        return;
    if (l->done && l->done->port == port)
        learn_settle(l, &t->before, t->waited_ns);
    if (p->matcher)
        matcher_skip(p->matcher);
    p->typed = true;
    if (t->before.prompt.kind == PROMPT_SHELL)
        p->shell = t->before.prompt;
    t->before.text = (struct text_span){NULL, 0};
    p->echo.addressed = false;
    echo_begin(&p->echo);
}

static void end_turn(struct learn *l, uint64_t ns)
{
    struct turn *t = l->open;
    struct learn_port *p = &l->ports[t->port];
    t->ended_ns = ns;
    p->turned_ns = ns;
    l->open = NULL;
    if (t->ahead && l->done) {
        l->ahead[l->nahead++] = t;
        return;
    }
    if (!t->keys)
        echo_enter(&p->echo);
    learn_turn_free(l->done);
    l->done = t;
}

// Keys that a program has read one by one: it has answered with lines, where a
// line editor would still wait for the Enter.
static bool was_answered(const struct learn *l, const struct turn *t,
                         uint64_t ns)
{
    struct sight now;
    enum prompt_kind kind = t->before.prompt.kind;
    learn_look(l, t->port, ns, &now);
    if (t->keys)
        return now.text.len && (since(t->key_ns, ns) > LOOKED_NS ||
                                now.prompt.kind == PROMPT_SHELL);
    if (t->ahead || t->typed.edited || !now.text.len || kind == PROMPT_SHELL ||
        kind == PROMPT_LOGIN || kind == PROMPT_PASSWORD)
        return false;
    // With lines, or with the shell's prompt behind the key's echo.
    const struct prompt *shell = &l->ports[t->port].shell;
    return memchr(now.text.text, '\n', now.text.len) ||
           (shell->len > 1 && now.text.len >= shell->len &&
            !memcmp(now.text.text + now.text.len - shell->len, shell->text,
                    shell->len));
}

// Turns of one port are decided before another port's begin.
static void leave_port(struct learn *l, unsigned port, uint64_t ns)
{
    if (l->open && l->open->port != port) {
        l->open->keys = true;
        end_turn(l, ns);
    }
    if (l->done && l->done->port != port) {
        struct sight seen;
        unsigned other = l->done->port;
        learn_look(l, other, ns, &seen);
        learn_settle(l, &seen, since(l->ports[other].turned_ns, seen.came_ns));
    }
}

struct typing {
    struct learn *l;
    unsigned port;
};

static void take_stroke(void *owner, const struct stroke *k, uint64_t ns)
{
    struct learn *l = ((struct typing *)owner)->l;
    unsigned port = ((struct typing *)owner)->port;
    leave_port(l, port, ns);
    if (l->open && was_answered(l, l->open, ns)) {
        l->open->keys = true;
        end_turn(l, ns);
    }
    if (!l->open)
        begin_turn(l, port, k, ns);
    struct turn *t = l->open;
    if (!t)
        return;
    t->key_ns = ns;
    if (k->kind == STROKE_ENTER && !t->keys) {
        end_turn(l, ns);
        return;
    }
    typed_take(&t->typed, k);
    // In the middle of a line Ctrl-D is an editor's key.
    bool inner = k->bytes[0] == ('D' & 0x1f) && t->typed.len;
    if (k->kind == STROKE_STOP && !t->keys && !inner) {
        t->keys = t->stopped = true;
        end_turn(l, ns);
    }
}

void learn_typed(struct learn *l, unsigned port, const void *bytes, size_t len,
                 uint64_t ns)
{
    struct typing typing = {l, port};
    if (port < LEARN_PORTS)
        strokes_feed(&l->ports[port].strokes, bytes, len, ns, take_stroke,
                     &typing);
}

const char *learn_expect(struct learn *l, unsigned port)
{
    struct sight seen;
    if (port >= LEARN_PORTS || l->nmarks == MARKS_MAX || l->open)
        return NULL;
    learn_look(l, port, 0, &seen);
    if (!seen.above_len || seen.above_is_echo || seen.above_cut ||
        (l->done && l->done->port != port))
        return NULL;
    // Once is enough.
    if (l->nmarks && !strcmp(l->marks[l->nmarks - 1], seen.above))
        return l->marks[l->nmarks - 1];
    l->marks[l->nmarks] = strdup(seen.above);
    if (!l->marks[l->nmarks]) {
        l->failed = true;
        return NULL;
    }
    return l->marks[l->nmarks++];
}

// ---- The end ----------------------------------------------------------------

static void add_event(struct learn *l, enum learn_end end, uint64_t ns,
                      uint64_t from_ns)
{
    static const char *const names[] = {
        [LEARN_RESET] = "reset",
        [LEARN_POWEROFF] = "poweroff",
        [LEARN_HALT] = "halt",
        [LEARN_TRIPLE_FAULT] = "triple-fault",
    };
    const char *name = l->panicked ? "panic" : names[end];
    if (!name)
        return;
    struct learnt *step =
        steps_add(&l->steps, LEARNT_EVENT, 0, name, strlen(name));
    if (step)
        step->waited_ns = since(from_ns, ns);
}

void learn_end(struct learn *l, enum learn_end end, uint64_t ns)
{
    unsigned port = l->open ? l->open->port : l->done ? l->done->port : 0;
    struct typing typing = {l, port};
    struct sight seen;
    strokes_end(&l->ports[port].strokes, take_stroke, &typing);
    // A line without its Enter was not given to the guest.
    if (l->open && (l->open->keys || was_answered(l, l->open, ns))) {
        l->open->keys = true;
        end_turn(l, ns);
    }
    learn_kernel_end(l);
    if (!l->done)
        learn_settle_marks(l, port);
    learn_look(l, port, ns, &seen);
    if (l->open && !l->open->ahead)
        seen = l->open->before;
    learn_turn_free(l->open);
    l->open = NULL;
    uint64_t turned_ns = l->ports[port].turned_ns;
    uint64_t waited_ns = since(turned_ns, seen.came_ns);
    if (end != LEARN_LEFT || l->panicked) {
        // No prompt can follow any more.
        seen.prompt = (struct prompt){.kind = PROMPT_NONE};
        learn_settle(l, &seen, 0);
        learn_flush_name(l);
        add_event(l, end, ns, turned_ns);
    } else {
        learn_settle(l, &seen, waited_ns);
        learn_settle_last(l, &seen, waited_ns, port);
    }
    forget_marks(l);
}
