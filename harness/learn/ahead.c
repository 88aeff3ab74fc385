// SPDX-License-Identifier: Apache-2.0
// What was typed while a command still ran: for the shell, which reads it when
// that has ended, or for the command. See internal.h.
#include "harness/learn/internal.h"

#include <string.h>

static const struct sight nothing = {.quiet = true};

// Where the shell has read the line that was typed ahead: behind its prompt it
// stands again. *before becomes what there was until then.
static bool find_read(const struct turn *done, const struct turn *ahead,
                      const struct text_span *text, struct sight *before,
                      size_t *end)
{
    const char *line = text->text;
    const char *stop = line + text->len;
    const char *newline;
    size_t n = ahead->typed.len;
    for (; line && line < stop; line = newline + 1) {
        newline = memchr(line, '\n', (size_t)(stop - line));
        if (!newline)
            return false;
        size_t len = (size_t)(newline - line);
        if (len <= n || memcmp(newline - n, ahead->typed.text, n) != 0)
            continue;
        *before = nothing;
        before->text =
            (struct text_span){text->text, (size_t)(newline - n - text->text)};
        prompt_take(&before->prompt, before->text.text, before->text.len);
        if (prompt_same_shell(&done->before.prompt, &before->prompt)) {
            *end = (size_t)(newline + 1 - text->text);
            return true;
        }
    }
    return false;
}

// A program has read what was typed ahead. What has followed on the line tells
// whether it was at a prompt after all, which was only very new, and whether it
// was echoed; it isn't to be known of text that is kept no more.
static void read_ahead(const struct learn *l, struct turn *t,
                       const struct text_span *all)
{
    const struct typed *line = &t->typed;
    struct sight *s = &t->before;
    size_t at = t->began_at;
    bool known = at <= all->len && all->len &&
                 !matcher_overflowed(l->ports[t->port].matcher);
    if (known && !memchr(all->text, '\n', at)) {
        // The echo of what has started the program was not whole.
        const char *end = memchr(all->text, '\n', all->len);
        at = end ? (size_t)(end + 1 - all->text) : all->len;
        s->prompt = nothing.prompt;
    }
    const char *follows = known ? all->text + at : "";
    const char *newline = known ? memchr(follows, '\n', all->len - at) : NULL;
    size_t n = newline ? (size_t)(newline - follows) : 0;
    bool echoed = n >= line->len && line->len &&
                  memmem(follows, n, line->text, line->len);
    bool at_prompt = newline && s->prompt.kind == PROMPT_OTHER &&
                     (!n || (echoed && n == line->len));
    t->secret = line->len && !echoed;
    s->quiet &= s->above_is_echo;
    if (!at_prompt)
        s->prompt = nothing.prompt;
    t->bare = !at_prompt && !s->above_len;
}

// The echo of what has started the program was not there yet.
static void await_echo(struct turn *next, const struct turn *done)
{
    const struct typed *line = &done->typed;
    struct sight *s = &next->before;
    if (s->above_len || done->secret || line->edited || !line->len ||
        line->len >= ABOVE_MAX)
        return;
    for (size_t i = 0; i < line->len; i++)
        if (line->text[i] < ' ' || line->text[i] > '~')
            return;
    memcpy(s->above, line->text, line->len);
    s->above_len = line->len;
    s->above_is_echo = true;
    s->quiet = false;
}

void learn_settle_ahead(struct learn *l, const struct text_span *all,
                        struct sight *seen)
{
    struct turn *done = l->done;
    struct turn *next = l->ahead[0];
    struct sight before;
    size_t end;
    if (find_read(done, next, &seen->text, &before, &end)) {
        next->before.prompt = before.prompt;
        next->waited_ns = 0;
        learn_settle_one(l, done, &before, 0);
        seen->text.text += end - next->typed.len - 1;
        seen->text.len -= end - next->typed.len - 1;
    } else {
        await_echo(next, done);
        learn_settle_one(l, done, &nothing, 0);
        read_ahead(l, next, all);
    }
    l->nahead--;
    for (size_t i = 0; i < l->nahead; i++)
        l->ahead[i] = l->ahead[i + 1];
    l->done = next;
}
