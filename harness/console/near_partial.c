// SPDX-License-Identifier: Apache-2.0
// How much of a pattern matched, and where: near_miss.h. The pattern is
// compiled once more with automatic callouts: PCRE2 then reports each item it
// is about to match, with its place in the pattern and in the text.
#include "harness/console/near_internal.h"

#include <string.h>

// The text is searched from its end on, in blocks of so many starting points:
// when the budget is spent, what came last has been looked at.
#define BLOCK ((size_t)64 << 10)

// A report costs as much as so many bytes.
#define CALLOUT_COST 16

// The items on the way to where the search is now. More than this are not
// followed.
#define PATH_MAX_ITEMS 512

struct place {
    size_t item; // offset in the pattern
    size_t at;   // offset in the text: the item begins here
    size_t items;
};

struct walk {
    struct near_budget *budget;
    struct near_partial best;
    size_t first, last; // starting points of this block: [first, last)
    size_t start;       // the present one
    size_t at;          // where the last report was
    size_t n;
    struct place path[PATH_MAX_ITEMS];
};

static bool better(const struct near_partial *a, const struct near_partial *b)
{
    if (a->items != b->items) {
        return a->items > b->items;
    }
    size_t a_len = a->end - a->start;
    size_t b_len = b->end - b->start;
    if (a_len != b_len) {
        return a_len > b_len;
    }
    // Of one place the item that was tried last: what an option or the end of
    // a group lets follow.
    return a->start >= b->start;
}

// Going back to an alternative takes the items that it replaces off the path:
// those that lie behind it in the text, and those not before it in the
// pattern. So the second turn of a repeat counts once more from its beginning.
static void step(struct walk *w, size_t item, size_t at)
{
    while (w->n &&
           (w->path[w->n - 1].at > at || w->path[w->n - 1].item >= item)) {
        w->n--;
    }
    size_t items = 0;
    if (w->n) {
        const struct place *before = &w->path[w->n - 1];
        items = before->items + (at > before->at);
    }
    if (w->n < PATH_MAX_ITEMS) {
        w->path[w->n++] = (struct place){item, at, items};
    }
    const struct near_partial here = {items, w->start, at, item};
    if (items && better(&here, &w->best)) {
        w->best = here;
    }
}

static int on_item(pcre2_callout_block *block, void *owner)
{
    struct walk *w = owner;
    size_t at = block->current_position;
    if (block->start_match >= w->last) {
        return PCRE2_ERROR_CALLOUT; // the next block's
    }
    uint64_t moved = at > w->at ? at - w->at : w->at - at;
    uint64_t cost = CALLOUT_COST + moved;
    if (cost > w->budget->left) {
        w->budget->left = 0;
        return PCRE2_ERROR_CALLOUT;
    }
    w->budget->left -= cost;
    w->at = at;
    if (block->start_match != w->start) {
        w->start = block->start_match;
        w->n = 0;
    }
    // A lookbehind looks at what lies before the match.
    if (at >= w->start) {
        step(w, block->pattern_position, at);
    }
    return 0;
}

static pcre2_code *with_callouts(const struct pattern *p)
{
    uint32_t options = 0;
    pcre2_pattern_info(p->code, PCRE2_INFO_ARGOPTIONS, &options);
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    if (!context) {
        return NULL;
    }
    pcre2_set_newline(context, PCRE2_NEWLINE_ANYCRLF);
    int code;
    PCRE2_SIZE at;
    // Without the start optimizations: they pass over text that lacks
    // something of the pattern, and that is what is wanted here.
    pcre2_code *compiled =
        pcre2_compile((PCRE2_SPTR)p->source, PCRE2_ZERO_TERMINATED,
                      options | PCRE2_AUTO_CALLOUT | PCRE2_NO_START_OPTIMIZE,
                      &code, &at, context);
    pcre2_compile_context_free(context);
    if (compiled) {
        pcre2_jit_compile(compiled, PCRE2_JIT_COMPLETE);
    }
    return compiled;
}

// Whether a byte is the first of a character.
static bool is_first(char byte)
{
    return ((unsigned char)byte & 0xc0) != 0x80;
}

static void search_block(const pcre2_code *code, struct pattern_scratch *s,
                         const char *text, size_t len, uint32_t options,
                         struct walk *w)
{
    w->start = SIZE_MAX;
    w->at = w->first;
    for (size_t from = w->first; from < w->last && w->budget->left;) {
        int rc = pcre2_match(code, (PCRE2_SPTR)text, len, from,
                             options | PCRE2_NO_UTF_CHECK, s->data, s->context);
        // A starting point that explodes is passed over. One that matches
        // (the text did not settle there) was reported to its end.
        if (rc == PCRE2_ERROR_NOMATCH || rc == PCRE2_ERROR_CALLOUT) {
            return;
        }
        from =
            w->start != SIZE_MAX && w->start >= from ? w->start + 1 : from + 1;
        while (from < len && !is_first(text[from])) {
            from++;
        }
    }
}

bool near_partial(const struct pattern *p, const char *text, size_t len,
                  bool line_start, struct near_budget *budget,
                  struct near_partial *out)
{
    struct walk w = {.budget = budget};
    struct pattern_scratch s = {0};
    struct error err;
    pcre2_code *code = len ? with_callouts(p) : NULL;
    if (!code || pattern_scratch_init(&s, &err) < 0) {
        pcre2_code_free(code);
        return false;
    }
    pcre2_set_callout(s.context, on_item, &w);
    uint32_t options = p->multiline && !line_start ? PCRE2_NOTBOL : 0;
    for (w.last = len; w.last && budget->left; w.last = w.first) {
        w.first = w.last > BLOCK ? w.last - BLOCK : 0;
        while (w.first && !is_first(text[w.first])) {
            w.first--;
        }
        search_block(code, &s, text, len, options, &w);
    }
    pattern_scratch_free(&s);
    pcre2_code_free(code);
    *out = w.best;
    return w.best.items > 0;
}
