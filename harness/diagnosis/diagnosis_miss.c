// SPDX-License-Identifier: Apache-2.0
// The "near-miss" section: what came nearest to each pattern that was waited
// for, and what would have made it match. See parts.h.
#include "harness/diagnosis/parts.h"

#include "harness/console/near_miss.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

// Patterns that are told about; an `expect one` may have many.
#define PATTERNS_MAX 8

// Of a pattern's rest so much is shown.
#define WANTED_MAX ((size_t)32)

// ---- Text in columns --------------------------------------------------------

static bool is_first(char byte)
{
    return ((unsigned char)byte & 0xc0) != 0x80;
}

// So many characters of text as fill the columns, each in its place.
static void fill(FILE *f, const char *text, size_t len, char with)
{
    for (size_t i = 0; i < len; i++) {
        if (is_first(text[i]))
            fputc(text[i] == '\t' ? '\t' : with, f);
    }
}

// A line with its time, and a mark under a part of it: ~~~ is what matched, ^
// where it did not go on.
static void show_line(FILE *f, const struct diagnosis *d,
                      const struct near_miss *n)
{
    const char *line = n->line.text;
    size_t len = n->line.len;
    // A match that began lines before is marked from here on.
    size_t start = n->text.text > line ? (size_t)(n->text.text - line) : 0;
    size_t end = (size_t)(n->text.text + n->text.len - line);
    start = start < end ? start : end;
    fprintf(f, "  %8.3f  ", diagnose_seconds(d, n->ns));
    fwrite(line, 1, len, f);
    fputs("\n            ", f);
    fill(f, line, start, ' ');
    if (n->partial) {
        fill(f, line + start, end - start, '~');
        fputc('^', f);
    } else {
        fill(f, line + start, end - start, '^');
    }
    fputc('\n', f);
}

// Text in quotes, in which line ends can be seen.
static void quote(FILE *f, const char *text, size_t len)
{
    fputc('"', f);
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\n')
            fputs("\\n", f);
        else if (text[i] == '\r')
            fputs("\\r", f);
        else
            fputc(text[i], f);
    }
    fputc('"', f);
}

// At most max bytes of text, not cutting a character.
static size_t cut(const char *text, size_t len, size_t max)
{
    if (len <= max)
        return len;
    while (max && !is_first(text[max]))
        max--;
    return max;
}

// ---- The nearest ------------------------------------------------------------

static void tell_partial(FILE *f, const struct near_miss *n)
{
    const char *at = n->text.text + n->text.len;
    size_t left = (size_t)(n->line.text + n->line.len - at);
    fputs("matched as far as ", f);
    size_t shown = cut(n->text.text, n->text.len, 2 * WANTED_MAX);
    quote(f, n->text.text, shown);
    if (shown < n->text.len)
        fputs("...", f);
    if (n->at_end) {
        fputs(", and the text ends there", f);
    } else if (left) {
        fputs(", then came ", f);
        quote(f, at, cut(at, left, WANTED_MAX));
    } else {
        fputs(", then the line ended", f);
    }
    size_t wanted = cut(n->wanted.text, n->wanted.len, WANTED_MAX);
    if (n->wanted.len == 1 && *n->wanted.text == '$')
        fputs(" where `$` wants the text to end", f);
    else if (wanted)
        fprintf(f, " where `%.*s%s` must follow", (int)wanted, n->wanted.text,
                wanted < n->wanted.len ? "..." : "");
}

static void tell_nearest(FILE *f, struct diagnosis *d, const struct pattern *p,
                         const char *name, unsigned share)
{
    struct near_miss n;
    if (!matcher_near_miss(d->run->matcher, p, share, &n))
        return;
    fprintf(f, "%s ", name);
    if (n.partial) {
        tell_partial(f, &n);
    } else {
        fputs("is nearest to this: expected ", f);
        quote(f, n.wanted.text, n.wanted.len);
        fputs(", saw ", f);
        quote(f, n.text.text, n.text.len);
    }
    if (n.lifted)
        fputs(" (with kernel messages taken out)", f);
    fputs(":\n", f);
    show_line(f, d, &n);
}

// ---- What would have matched ------------------------------------------------

static bool is_quiet(const struct diagnosis *d, const struct matcher *m)
{
    return matcher_quiet_ns(m, d->run->now_ns) >= matcher_settle_ns(m);
}

// The pattern as it is would match, were the text quiet. True when that is the
// reason, and no other is to be looked for.
static bool tell_unsettled(FILE *f, const struct diagnosis *d,
                           const struct pattern *p, const char *name)
{
    const struct matcher *m = d->run->matcher;
    if (!matcher_finds(m, p, true))
        return false;
    uint64_t quiet = matcher_quiet_ns(m, d->run->now_ns);
    uint64_t settle = matcher_settle_ns(m);
    if (quiet < settle) {
        char was[SPAN_TEXT];
        char wanted[SPAN_TEXT];
        fprintf(f,
                "%s matches what is there, but the text was quiet for %s only "
                "and not for %s\n",
                name, span_text(was, quiet), span_text(wanted, settle));
    }
    return true;
}

static void tell_changes(FILE *f, struct diagnosis *d, const struct pattern *p,
                         const char *name)
{
    static const struct {
        enum near_change change;
        const char *text;
    } changes[] = {
        {NEAR_ANY_CASE, "would match if case were ignored (flag i)"},
        {NEAR_LINES, "would match a line's end or beginning (flag m)"},
        {NEAR_WITHOUT_END,
         "would match without the `$`: more text follows, or comes too soon"},
    };
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        struct pattern *v = near_variant(p, changes[i].change);
        const struct matcher *m = d->run->matcher;
        bool found = v && matcher_finds(m, v, is_quiet(d, m));
        pattern_free(v);
        if (found) {
            fprintf(f, "%s %s\n", name, changes[i].text);
            return;
        }
    }
}

static void tell_other_ports(FILE *f, struct diagnosis *d,
                             const struct pattern *p, const char *name)
{
    struct pattern *v = near_variant(p, NEAR_LINES);
    for (unsigned i = 0; i < TOYVMM_PORTS; i++) {
        const struct matcher *m = d->run->ports[i].matcher;
        if (i == d->run->port || !m)
            continue;
        if (matcher_finds(m, p, is_quiet(d, m)))
            fprintf(f, "%s matches on %s, not on %s\n", name, port_name(i),
                    port_name(d->run->port));
        else if (v && matcher_finds(m, v, is_quiet(d, m)))
            fprintf(f, "%s would match a line on %s (flag m)\n", name,
                    port_name(i));
    }
    pattern_free(v);
}

// ---- What earlier steps consumed --------------------------------------------

// The record of the port as text, with the times of its lines.
struct past {
    char *text;
    size_t len;
    struct past_line {
        size_t at;
        uint64_t ns;
    } * lines;
    size_t n;
    bool failed;
};

static void past_line(void *owner, uint64_t ns, const char *text, size_t len)
{
    struct past *p = owner;
    // Both double when their length is a power of two.
    if (!p->failed && (p->n & (p->n - 1)) == 0) {
        void *grown =
            reallocarray(p->lines, p->n ? p->n * 2 : 1, sizeof(*p->lines));
        p->failed = !grown;
        p->lines = grown ? grown : p->lines;
    }
    if (p->failed)
        return;
    p->lines[p->n++] = (struct past_line){p->len, ns};
    memcpy(p->text + p->len, text, len);
    p->len += len;
    p->text[p->len++] = '\n';
}

static bool past_read(const struct diagnosis_run *r, struct past *p)
{
    // As text no record is longer than its bytes are as U+FFFD.
    uint64_t bytes =
        console_record_total(r->record) - console_record_elided(r->record);
    *p = (struct past){.text = malloc(4 * bytes + 16)};
    if (!p->text)
        return false;
    console_record_tail(r->record, SIZE_MAX, past_line, p);
    // What this wait has looked at is at its end.
    struct text_span pending = matcher_pending(r->matcher);
    bool open = pending.len && pending.text[pending.len - 1] != '\n';
    size_t behind = pending.len + (open ? 1 : 0);
    p->len = p->len > behind ? p->len - behind : 0;
    return !p->failed;
}

static void past_free(struct past *p)
{
    free(p->text);
    free(p->lines);
}

static size_t line_at(const struct past *p, size_t at)
{
    size_t low = 0;
    size_t high = p->n;
    while (high - low > 1) {
        size_t mid = low + (high - low) / 2;
        if (p->lines[mid].at <= at)
            low = mid;
        else
            high = mid;
    }
    return low;
}

// Only the unchanged pattern is said to have matched: what one that looks at
// lines finds may never have been the end, or the beginning, of a text.
static void tell_past(FILE *f, struct diagnosis *d, const struct past *past,
                      const struct pattern *p, const char *name)
{
    static const struct {
        enum near_change change;
        const char *text;
    } changes[] = {
        {NEAR_LINES, "would have matched a line before this wait began, with "
                     "flag m, "},
        {NEAR_LINES_WITHOUT_END,
         "would have matched before this wait began, without the `$`, "},
    };
    const char *how = "matched before this wait began, ";
    size_t start = 0;
    size_t end = 0;
    bool found = near_last_match(p, past->text, past->len, &start, &end);
    for (size_t i = 0; !found && i < sizeof(changes) / sizeof(*changes); i++) {
        struct pattern *v = near_variant(p, changes[i].change);
        found = v && near_last_match(v, past->text, past->len, &start, &end);
        how = changes[i].text;
        pattern_free(v);
    }
    if (!found || !past->n)
        return;
    size_t line = line_at(past, start);
    fprintf(f, "%s %s", name, how);
    if (!console_record_elided(d->run->record))
        fprintf(f, "on line %zu, ", line + 1);
    fprintf(f, "at %.3f s: an earlier step has consumed that\n",
            diagnose_seconds(d, past->lines[line].ns));
}

// Of the patterns those that the scenario's writer knows. `login` looks for
// much at once, but only for a prompt at first.
static size_t told_patterns(const struct diagnosis_run *r,
                            const struct diagnosis_wait *w)
{
    enum step_kind kind = r->step ? r->step->kind : STEP_EXPECT;
    size_t n = w->npatterns < PATTERNS_MAX ? w->npatterns : PATTERNS_MAX;
    if (kind == STEP_EXPECT || kind == STEP_EXPECT_ONE)
        return n;
    return kind == STEP_LOGIN && n <= 2 && n > 0;
}

// What it is called: its source as written, or what the harness waited for.
static char *name_of(const struct diagnosis_run *r,
                     const struct diagnosis_wait *w, const struct pattern *p)
{
    char *name = NULL;
    bool own = r->step && r->step->kind == STEP_LOGIN;
    int n = own ? asprintf(&name, "%s", w->what)
                : asprintf(&name, "/%s/", pattern_source(p));
    return n < 0 ? NULL : name;
}

void tell_near_miss(FILE *f, struct diagnosis *d)
{
    const struct diagnosis_run *r = d->run;
    const struct diagnosis_wait *w = d->wait;
    size_t n = w ? told_patterns(r, w) : 0;
    struct past past;
    if (!n || !diagnose_printed(r))
        return; // nothing is near to anything
    // What overflowed the window was not consumed.
    bool has_past = past_read(r, &past) && !matcher_overflowed(r->matcher);
    for (size_t i = 0; i < n; i++) {
        const struct pattern *p = w->patterns[i];
        char *name = name_of(r, w, p);
        if (!name)
            break;
        if (diagnose_is_over(d)) {
            fprintf(f,
                    "what came nearest to %s was not looked for: there was "
                    "no time left for it\n",
                    name);
            free(name);
            continue;
        }
        if (tell_unsettled(f, d, p, name)) {
            free(name);
            continue;
        }
        tell_nearest(f, d, p, name, (unsigned)n);
        tell_changes(f, d, p, name);
        tell_other_ports(f, d, p, name);
        if (has_past)
            tell_past(f, d, &past, p, name);
        free(name);
    }
    past_free(&past);
}
