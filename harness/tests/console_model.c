// SPDX-License-Identifier: Apache-2.0
// The slow and obvious matcher (console_model.h).
#include "harness/tests/console_model.h"

#include "harness/console/filter.h"
#include "harness/console/kclock.h"
#include "harness/console/kmsg.h"
#include "harness/console/pattern_exec.h"

#include <stdlib.h>
#include <string.h>

struct view_text {
    char *text;
    size_t *src; // where each byte was received; src[len] is one more
    size_t len;
};

// A quiet moment: of all that is received, or of the lifted view only.
struct quiet {
    size_t at; // the text was so long
    uint64_t ns;
    bool all;
};

struct model {
    struct text text; // all of it, with times
    struct quiet *quiet;
    size_t nquiet;
    size_t from;
    uint64_t settle_ns;
    struct pattern *message;
    struct pattern_scratch scratch;
    bool *printed; // of each byte: a program's kernel message begins there
};

// What info_print_prefix of the kernel prints.
#define PREFIX                                                                 \
    "(?:<\\d{1,3}>)?\\[(?: {4}\\d| {3}\\d\\d| {2}\\d{3}| \\d{4}|\\d{5,11})"    \
    "\\.\\d{6}\\](?:\\[(?: {4}[TC]\\d| {3}[TC]\\d\\d| {2}[TC]\\d{3}| "         \
    "[TC]\\d{4}|[TC]\\d{5,11})\\])? "

static void view_free(struct view_text *v)
{
    free(v->text);
    free(v->src);
}

// The first `at` bytes of the text in one of the views; *held when the end may
// be half a kernel message.
static struct view_text view_of(struct model *m, bool lifted, size_t at,
                                bool *held)
{
    struct view_text v = {calloc(at + 1, 1), calloc(at + 1, sizeof *v.src), 0};
    cr_assert(v.text && v.src);
    *held = false;
    const char *text = at ? text_at(&m->text, 0) : "";
    for (size_t i = 0; i < at;) {
        size_t stop = at;
        size_t next = at;
        int code;
        const PCRE2_SIZE *o = pcre2_get_ovector_pointer(m->scratch.data);
        if (lifted) {
            switch (pattern_exec(m->message, &m->scratch, text, at, i,
                                 PCRE2_PARTIAL_HARD, false, &code)) {
            case EXEC_NONE:
                break;
            case EXEC_PARTIAL:
                stop = o[0];
                *held = true;
                break;
            case EXEC_FULL: {
                stop = m->printed[o[0]] ? o[1] : o[0];
                if (m->printed[o[0]]) {
                    next = o[1];
                    break;
                }
                const char *newline = memchr(text + o[1], '\n', at - o[1]);
                next = newline ? (size_t)(newline - text) + 1 : at;
                break;
            }
            case EXEC_LIMIT:
                cr_assert_fail("limit");
            }
        }
        for (; i < stop; i++) {
            v.text[v.len] = text[i];
            v.src[v.len++] = i;
        }
        i = next;
    }
    return v;
}

// Asks of each message whether a program printed it.
static void find_printed(struct model *m)
{
    size_t len = m->text.len;
    const char *text = len ? text_at(&m->text, 0) : "";
    struct kclock clock = {0};
    bool plain = false;
    bool mid_line = false;
    bool follows = false;
    // Of a message that stays: in this line and in the one above.
    enum kclock_answer here = KCLOCK_LIVE;
    enum kclock_answer above = KCLOCK_LIVE;
    m->printed = calloc(len + 1, sizeof *m->printed);
    cr_assert_not_null(m->printed);
    for (size_t i = 0; i < len; i++) {
        size_t used;
        if (kmsg_prefix(text + i, len - i, &used) != KMSG_YES) {
            plain |= (unsigned char)text[i] > ' ';
            mid_line = text[i] != '\n';
            above = text[i] == '\n' ? here : above;
            here = text[i] == '\n' ? KCLOCK_LIVE : here;
            follows = false;
            continue;
        }
        struct kclock_place p = {
            .clock_us = kmsg_clock_us(text + i, used),
            .ns = text_ns(&m->text, i),
            .before_ns = i ? text_ns(&m->text, i - 1) : 0,
            .first = !plain,
            .follows = follows,
            .above = above,
        };
        enum kclock_answer answer = kclock_judge(&clock, &p);
        if (answer == KCLOCK_LIVE || (answer == KCLOCK_EITHER && mid_line)) {
            const char *newline = memchr(text + i, '\n', len - i);
            size_t end = newline ? (size_t)(newline - text) + 1 : len;
            kclock_live(&clock, &p);
            kclock_end(&clock, p.ns, text_ns(&m->text, end - 1), end - i);
            follows = true;
            i = end - 1;
            continue;
        }
        m->printed[i] = true;
        here = answer;
        plain = true;
        mid_line = true;
        follows = false;
        i += used - 1;
    }
}

static void add_quiet(struct model *m, size_t at, uint64_t ns, bool all)
{
    m->quiet = realloc(m->quiet, (m->nquiet + 1) * sizeof *m->quiet);
    cr_assert_not_null(m->quiet);
    m->quiet[m->nquiet++] = (struct quiet){at, ns, all};
}

// The lifted view's own quiet, byte by byte: after a message, the time in which
// nothing came counts in full, that of messages a sixteenth.
struct counter {
    bool counting, told, in_message;
    uint64_t counted, since;
};

static void count(struct model *m, struct counter *c, size_t at, uint64_t from,
                  uint64_t to, unsigned weight)
{
    c->counted += (to - from) / weight;
    if (c->counting && !c->told && c->counted >= m->settle_ns) {
        uint64_t over = weight > 1 ? 0 : c->counted - m->settle_ns;
        add_quiet(m, at, to - over, false);
        c->told = true;
    }
}

static void find_lifted_quiet(struct model *m, const bool *message,
                              uint64_t end_ns)
{
    struct counter c = {0};
    size_t len = m->text.len;
    for (size_t i = 0; i < len; i++) {
        uint64_t ns = text_ns(&m->text, i);
        if (c.counting && !c.in_message) {
            count(m, &c, i, c.since, ns, 1);
            c.since = ns;
        }
        if (!message[i]) {
            c.counting = false;
            continue;
        }
        if (!c.in_message) {
            c = c.counting ? c : (struct counter){.counting = true};
            c.in_message = true;
            c.since = ns;
        }
        if (*text_at(&m->text, i) == '\n') {
            c.in_message = false;
            count(m, &c, i + 1, c.since, ns, 16);
            c.since = ns;
        }
    }
    if (c.counting && !c.in_message) {
        count(m, &c, len, c.since, end_ns, 1);
    }
}

static int by_time(const void *a, const void *b)
{
    const struct quiet *x = a;
    const struct quiet *y = b;
    if (x->at != y->at) {
        return x->at < y->at ? -1 : 1;
    }
    return x->ns != y->ns ? (x->ns < y->ns ? -1 : 1) : y->all - x->all;
}

// Which bytes of the text are a kernel message's; those at its end that may
// become one count as one.
static bool *find_messages(struct model *m)
{
    bool held;
    struct view_text v = view_of(m, true, m->text.len, &held);
    bool *message = malloc(m->text.len + 1);
    cr_assert_not_null(message);
    memset(message, true, m->text.len + 1);
    for (size_t i = 0; i < v.len; i++) {
        message[v.src[i]] = false;
    }
    view_free(&v);
    return message;
}

static void find_quiet(struct model *m, const struct stream *s)
{
    struct filter f;
    filter_init(&f);
    for (size_t i = 0; i <= s->len; i++) {
        bool gap =
            i == s->len || (i && s->ns[i] - s->ns[i - 1] >= m->settle_ns);
        bool again = m->nquiet && m->quiet[m->nquiet - 1].at == m->text.len;
        if (gap && i && filter_at_rest(&f) && !again) {
            add_quiet(m, m->text.len, s->ns[i - 1] + m->settle_ns, true);
        }
        if (i < s->len) {
            struct stamp stamp = {0, s->ns[i]};
            struct piece piece = {.bytes = s->bytes + i,
                                  .len = 1,
                                  .stamps = &stamp,
                                  .stamps_end = &stamp + 1};
            filter_feed(&f, &m->text, &piece);
        }
    }
    find_printed(m);
    bool *message = find_messages(m);
    find_lifted_quiet(m, message, s->ns[s->len - 1] + 1000 * MS);
    if (m->nquiet) {
        qsort(m->quiet, m->nquiet, sizeof *m->quiet, by_time);
    }
    free(message);
}

struct model *model_new(const struct stream *s, uint64_t settle_ns)
{
    struct model *m = calloc(1, sizeof *m);
    struct error err = {""};
    m->settle_ns = settle_ns;
    m->message = must_compile(PREFIX, 0);
    cr_assert_eq(pattern_scratch_init(&m->scratch, &err), 0);
    find_quiet(m, s);
    return m;
}

void model_free(struct model *m)
{
    text_free(&m->text);
    pattern_free(m->message);
    pattern_scratch_free(&m->scratch);
    free(m->quiet);
    free(m->printed);
    free(m);
}

static size_t first_from(const struct view_text *v, size_t src)
{
    size_t i = 0;
    while (i < v->len && v->src[i] < src) {
        i++;
    }
    return i;
}

static struct text_span copy(const char *text, size_t len)
{
    char *s = strndup(text, len); // the text has no NUL
    cr_assert_not_null(s);
    return (struct text_span){s, len};
}

// Copies are never written to, but it takes a pointer that may be to free them.
static void release(struct text_span span)
{
    void *p;
    memcpy(&p, &span.text, sizeof p);
    free(p);
}

void model_release(const struct match *match)
{
    release(match->before);
    for (size_t i = 0; i < match->ngroups; i++) {
        release(match->groups[i]);
    }
}

// Looks at the view with `at` bytes received; quiet NULL: not settled.
static bool look_at(struct model *m, const struct pattern *p, bool lifted,
                    size_t at, const struct quiet *quiet, struct match *out)
{
    bool held;
    struct view_text v = view_of(m, lifted, at, &held);
    size_t start = first_from(&v, m->from);
    uint32_t options = quiet ? 0 : PCRE2_PARTIAL_HARD;
    if (p->multiline && start && !strchr("\n\r", v.text[start - 1])) {
        options |= PCRE2_NOTBOL;
    }
    int code = 0;
    const PCRE2_SIZE *o = pcre2_get_ovector_pointer(m->scratch.data);
    bool found = !(quiet && held) &&
                 pattern_exec(p, &m->scratch, v.text + start, v.len - start, 0,
                              options, false, &code) == EXEC_FULL;
    if (found) {
        const char *s = v.text + start;
        *out = (struct match){.lifted = lifted, .ngroups = (size_t)code};
        for (size_t i = 0; i < out->ngroups; i++) {
            if (o[2 * i] != PCRE2_UNSET) {
                size_t n = o[2 * i + 1] - o[2 * i];
                out->groups[i] = copy(s + o[2 * i], n);
            }
        }
        out->all = out->groups[0];
        out->before = copy(s, o[0]);
        uint64_t last_ns = at ? text_ns(&m->text, at - 1) : 0;
        bool empty = o[0] == o[1];
        out->start_ns =
            empty ? last_ns : text_ns(&m->text, v.src[start + o[0]]);
        out->end_ns =
            empty ? last_ns : text_ns(&m->text, v.src[start + o[1] - 1]);
        out->decided_ns = quiet ? quiet->ns : last_ns;
        if (o[1]) {
            m->from = v.src[start + o[1] - 1] + 1;
        }
    }
    view_free(&v);
    return found;
}

// Looks at one moment: the views that are settled then, or both.
static bool look_at_both(struct model *m, const struct pattern *const *patterns,
                         size_t n, size_t at, const struct quiet *quiet,
                         struct match *out)
{
    for (int lifted = quiet && !quiet->all; lifted < 2; lifted++) {
        for (size_t i = 0; i < n; i++) {
            if (look_at(m, patterns[i], lifted, at, quiet, out)) {
                out->index = i;
                return true;
            }
        }
    }
    return false;
}

bool model_look(struct model *m, const struct pattern *const *patterns,
                size_t n, struct match *out)
{
    size_t q = 0;
    for (size_t at = m->from; at <= m->text.len; at++) {
        if (text_align(&m->text, at) != at) {
            continue;
        }
        if (look_at_both(m, patterns, n, at, NULL, out)) {
            return true;
        }
        for (; q < m->nquiet && m->quiet[q].at <= at; q++) {
            if (m->quiet[q].at == at &&
                look_at_both(m, patterns, n, at, &m->quiet[q], out)) {
                return true;
            }
        }
    }
    return false;
}
