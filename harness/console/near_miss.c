// SPDX-License-Identifier: Apache-2.0
// What came nearest to a pattern that was not found: for failure reports.
#include "harness/console/matcher_internal.h"

#include <ctype.h>
#include <string.h>

// How much of the text's end is compared, and of each of its lines.
#define SIMILAR_TEXT ((uint64_t)64 << 10)
#define SIMILAR_LINE 512

static bool partial_match(struct matcher *m, enum view v,
                          const struct pattern *p, struct text_span *out)
{
    uint64_t start = view_from(m, v, m->floor);
    uint64_t end = text_end(view_text(m, v));
    int code;
    if (start >= end ||
        cursor_exec(m, v, p, start, end, start, false, &code) != EXEC_PARTIAL) {
        return false;
    }
    start += pcre2_get_ovector_pointer(m->scratch.data)[0];
    if (start == end) {
        return false;
    }
    *out = (struct text_span){text_at(view_text(m, v), start), end - start};
    return true;
}

// The length of the longest text that both have, without regard to case.
static size_t common(const struct literal *l, const char *line, size_t len)
{
    size_t best = 0;
    size_t ending[LITERAL_MAX + 1] = {0}; // at literal char i, so far
    for (size_t j = 0; j < len; j++) {
        int c = tolower((unsigned char)line[j]);
        for (size_t i = l->len; i > 0; i--) {
            bool same = c == tolower((unsigned char)l->text[i - 1]);
            ending[i] = same ? ending[i - 1] + 1 : 0;
            best = ending[i] > best ? ending[i] : best;
        }
    }
    return best;
}

static size_t score(const struct literals *l, const char *line, size_t len)
{
    size_t best = 0;
    for (size_t i = 0; i < l->n; i++) {
        size_t n = common(&l->branch[i], line, len);
        // A few letters in common say nothing.
        if (n >= 3 && n * 2 >= l->branch[i].len && n > best) {
            best = n;
        }
    }
    return best;
}

static bool similar_line(const struct matcher *m, const struct pattern *p,
                         struct text_span *out)
{
    struct text_span text = matcher_pending(m);
    const char *s = text.text;
    const char *end = s + text.len;
    s += text.len > SIMILAR_TEXT ? text.len - SIMILAR_TEXT : 0;
    size_t best = 0;
    while (s < end) {
        const char *newline = memchr(s, '\n', (size_t)(end - s));
        const char *line_end = newline ? newline : end;
        size_t len = (size_t)(line_end - s);
        size_t n =
            score(&p->literals, s, len < SIMILAR_LINE ? len : SIMILAR_LINE);
        if (n && n >= best) {
            best = n;
            *out = (struct text_span){s, len};
        }
        s = newline ? newline + 1 : end;
    }
    return best > 0;
}

bool matcher_near_miss(struct matcher *m, const struct pattern *p,
                       struct near_miss *out)
{
    struct text_span received = {NULL, 0};
    struct text_span lifted = {NULL, 0};
    bool as_received = partial_match(m, AS_RECEIVED, p, &received);
    bool in_lifted = partial_match(m, LIFTED, p, &lifted);
    if (as_received || in_lifted) {
        out->partial = true;
        out->text = received.len >= lifted.len ? received : lifted;
        return true;
    }
    out->partial = false;
    return similar_line(m, p, &out->text);
}
