// SPDX-License-Identifier: Apache-2.0
// What came nearest to a pattern that was not found: the choice between the two
// searches and the two views of the text. See near_miss.h.
#include "harness/console/near_miss.h"

#include "harness/console/matcher_internal.h"
#include "harness/console/near_internal.h"

#include <ctype.h>
#include <string.h>

// Bytes looked at for all patterns of one failure.
#define BUDGET (UINT64_C(1) << 27)

// A line is shown so far to both sides of the near miss.
#define LINE_BEFORE ((size_t)200)
#define LINE_AFTER  ((size_t)100)

// What a search found in one view, in the offsets of its text.
struct found {
    enum view view;
    struct text_span text;
    bool partial;
    size_t start, end;
    size_t agree; // items or characters that are as they should be
    struct text_span wanted;
};

static struct text_span view_pending(const struct matcher *m, enum view v)
{
    const struct text *t = view_text(m, v);
    uint64_t from = m->kept[v].floor;
    return (struct text_span){text_at(t, from), text_end(t) - from};
}

struct text_span matcher_pending_lifted(const struct matcher *m)
{
    return view_pending(m, LIFTED);
}

static bool begins_a_line(const struct matcher *m, enum view v)
{
    const struct text *t = view_text(m, v);
    uint64_t from = m->kept[v].floor;
    return from == t->base || strchr("\r\n", *text_at(t, from - 1));
}

bool matcher_finds(const struct matcher *m, const struct pattern *p, bool quiet)
{
    struct pattern_scratch s = {0};
    struct error err;
    bool found = false;
    int code;
    if (pattern_scratch_init(&s, &err) < 0) {
        return false;
    }
    for (unsigned i = 0; i < VIEWS && !found; i++) {
        enum view v = (enum view)i;
        struct text_span text = view_pending(m, v);
        uint32_t options = quiet ? 0 : PCRE2_PARTIAL_HARD;
        if (p->multiline && !begins_a_line(m, v)) {
            options |= PCRE2_NOTBOL;
        }
        found = pattern_exec(p, &s, text.text, text.len, 0, options, false,
                             &code) == EXEC_FULL;
    }
    pattern_scratch_free(&s);
    return found;
}

uint64_t matcher_quiet_ns(const struct matcher *m, uint64_t now_ns)
{
    uint64_t last = m->arrival.last_ns;
    return now_ns > last ? now_ns - last : 0;
}

uint64_t matcher_settle_ns(const struct matcher *m)
{
    return m->arrival.settle_ns;
}

// A letter or two of many say nothing, unless all that lacks may still come.
static bool is_worth(const struct pattern *p, const struct near_partial *n,
                     size_t len)
{
    uint32_t least = 0; // characters of a match
    pcre2_pattern_info(p->code, PCRE2_INFO_MINLENGTH, &least);
    size_t items = n->items;
    if (items >= 2 && n->end == len) {
        return true;
    }
    return (least && items * 2 >= least) || (items >= 3 && items * 3 >= least);
}

static size_t characters(const struct literal *l)
{
    size_t n = 0;
    for (size_t i = 0; i < l->len; i++) {
        n += ((unsigned char)l->text[i] & 0xc0) != 0x80;
    }
    return n;
}

// An item at the beginning of groups is shown with them: "(\\d+)", not "\\d+)".
static size_t with_groups(const char *source, size_t item)
{
    for (size_t i = item; i > 0; i--) {
        char c = source[i - 1];
        if (c == '(' && (i < 2 || source[i - 2] != '\\')) {
            // Between it and the item stands nothing, or "?:", "?<name>".
            bool named = source[i] == '?' && strchr(":>'", source[item - 1]);
            if (i != item && !named) {
                return item;
            }
            item = i - 1;
        } else if (c != '?' && c != ':' && c != '<' && c != '>' && c != '_' &&
                   c != '\'' && !isalnum((unsigned char)c)) {
            return item;
        }
    }
    return item;
}

static bool find(const struct matcher *m, enum view v, const struct pattern *p,
                 struct near_budget *budget, struct found *out)
{
    struct text_span text = view_pending(m, v);
    struct near_partial partial;
    struct near_similar similar;
    *out = (struct found){.view = v, .text = text};
    size_t source = strlen(p->source);
    if (near_partial(p, text.text, text.len, begins_a_line(m, v), budget,
                     &partial) &&
        is_worth(p, &partial, text.len)) {
        out->partial = true;
        out->start = partial.start;
        out->end = partial.end;
        out->agree = partial.items;
        size_t item = with_groups(p->source, partial.item);
        out->wanted = (struct text_span){p->source + item, source - item};
    }
    if (near_similar(p, text.text, text.len, budget, &similar)) {
        const struct literal *l = &p->literals.branch[similar.branch];
        size_t n = characters(l);
        size_t agree = n > similar.different ? n - similar.different : 0;
        if (agree > out->agree) {
            out->partial = false;
            out->start = similar.start;
            out->end = similar.end;
            out->agree = agree;
            out->wanted = (struct text_span){l->text, l->len};
        }
    }
    return out->agree > 0;
}

// The first byte of the character that off lies in or before.
static size_t aligned(const char *text, size_t off, size_t len)
{
    while (off < len && ((unsigned char)text[off] & 0xc0) == 0x80) {
        off++;
    }
    return off;
}

static struct text_span line_of(const struct found *f)
{
    const char *text = f->text.text;
    size_t start = f->end;
    size_t least = f->end > LINE_BEFORE ? f->end - LINE_BEFORE : 0;
    while (start > least && text[start - 1] != '\n') {
        start--;
    }
    size_t most =
        f->text.len - f->end > LINE_AFTER ? f->end + LINE_AFTER : f->text.len;
    const char *newline = memchr(text + f->end, '\n', most - f->end);
    size_t end = newline ? (size_t)(newline - text) : most;
    start = aligned(text, start, f->end);
    return (struct text_span){text + start,
                              aligned(text, end, f->text.len) - start};
}

static void fill(const struct matcher *m, const struct found *f,
                 struct near_miss *out)
{
    const struct text *t = view_text(m, f->view);
    uint64_t last = m->kept[f->view].floor + (f->end ? f->end - 1 : 0);
    *out = (struct near_miss){
        .partial = f->partial,
        .at_end = f->partial && f->end == f->text.len,
        .lifted = f->view == LIFTED,
        .text = {f->text.text + f->start, f->end - f->start},
        .line = line_of(f),
        .wanted = f->wanted,
        .ns = text_ns(t, last),
    };
}

bool matcher_near_miss(struct matcher *m, const struct pattern *p,
                       unsigned share, struct near_miss *out)
{
    struct found best = {0};
    for (unsigned v = 0; v < VIEWS; v++) {
        struct near_budget budget = {BUDGET / VIEWS / (share ? share : 1)};
        struct found here;
        if (find(m, v, p, &budget, &here) && here.agree > best.agree) {
            best = here;
        }
    }
    if (!best.agree) {
        return false;
    }
    fill(m, &best, out);
    return true;
}

// ---- Patterns a little different --------------------------------------------

// The length of the source without the `$` that it ends with, or of all of it.
static size_t without_end(const char *source)
{
    size_t len = strlen(source);
    size_t escapes = 0;
    if (!len || source[len - 1] != '$') {
        return len;
    }
    while (escapes + 1 < len && source[len - 2 - escapes] == '\\') {
        escapes++;
    }
    return escapes % 2 ? len : len - 1;
}

struct pattern *near_variant(const struct pattern *p, enum near_change change)
{
    static const struct {
        unsigned flag;
        uint32_t option;
    } table[] = {
        {PATTERN_CASELESS, PCRE2_CASELESS},
        {PATTERN_MULTILINE, PCRE2_MULTILINE},
        {PATTERN_DOTALL, PCRE2_DOTALL},
        {PATTERN_EXTENDED, PCRE2_EXTENDED},
    };
    static const struct {
        unsigned flag;
        bool without_end;
    } changes[] = {
        [NEAR_ANY_CASE] = {PATTERN_CASELESS, false},
        [NEAR_WITHOUT_END] = {0, true},
        [NEAR_LINES] = {PATTERN_MULTILINE, false},
        [NEAR_LINES_WITHOUT_END] = {PATTERN_MULTILINE, true},
    };
    uint32_t options = 0;
    unsigned flags = 0;
    pcre2_pattern_info(p->code, PCRE2_INFO_ARGOPTIONS, &options);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        flags |= options & table[i].option ? table[i].flag : 0;
    }
    size_t whole = strlen(p->source);
    size_t len = changes[change].without_end ? without_end(p->source) : whole;
    if (flags == (flags | changes[change].flag) && len == whole) {
        return NULL;
    }
    if (changes[change].without_end && len == whole) {
        return NULL;
    }
    struct error err;
    return pattern_compile(p->source, len, flags | changes[change].flag, NULL,
                           &err);
}

// So many matches are looked at before the one found is taken for the last.
#define MATCHES_MAX 10000

bool near_last_match(const struct pattern *p, const char *text, size_t len,
                     size_t *start, size_t *end)
{
    struct pattern_scratch s = {0};
    struct error err;
    bool found = false;
    size_t from = 0;
    int code;
    if (pattern_scratch_init(&s, &err) < 0) {
        return false;
    }
    for (size_t i = 0; i < MATCHES_MAX && from <= len; i++) {
        if (pattern_exec(p, &s, text, len, from, 0, i == 0, &code) !=
            EXEC_FULL) {
            break;
        }
        const PCRE2_SIZE *at = pcre2_get_ovector_pointer(s.data);
        // \K can put the start behind the end.
        if (at[1] > at[0]) {
            *start = at[0];
            *end = at[1];
            found = true;
        }
        from = aligned(text, at[1] > from ? at[1] : from + 1, len);
    }
    pattern_scratch_free(&s);
    return found;
}
