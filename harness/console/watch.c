// SPDX-License-Identifier: Apache-2.0
// Watches: patterns that must not occur, line by line, on all that a console
// says (matcher.h). One pass finds the lines that have a pattern's literal in
// them; only those are searched.
#include "harness/console/kmsg.h"
#include "harness/console/watch_internal.h"
#include "src/base/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct watch *watch_new(struct error *err)
{
    struct watch *w = calloc(1, sizeof *w);
    if (!w) {
        error_set(err, -ENOMEM, "out of memory");
        return NULL;
    }
    w->arrival.settle_ns = SETTLE_DEFAULT_NS;
    filter_init(&w->filter);
    if (pattern_scratch_init(&w->scratch, err) < 0) {
        free(w);
        return NULL;
    }
    return w;
}

void watch_free(struct watch *w)
{
    if (w) {
        text_free(&w->text);
        text_free(&w->joined);
        pattern_scratch_free(&w->scratch);
        free(w->fail.items);
        free(w->allow.items);
        free(w);
    }
}

static int add(struct watch *w, struct watch_list *list,
               const struct pattern *p, struct error *err)
{
    if (w->fed) {
        return error_set(err, -EBUSY, "the console is being watched already");
    }
    struct watched *grown = realloc(list->items, (list->n + 1) * sizeof *grown);
    if (!grown) {
        return error_set(err, -ENOMEM, "out of memory");
    }
    list->items = grown;
    list->items[list->n++].pattern = p;
    return 0;
}

int watch_add_fail(struct watch *w, const struct pattern *p, struct error *err)
{
    int code = add(w, &w->fail, p, err);
    if (code < 0) {
        return code;
    }
    uint64_t bit = UINT64_C(1) << ((w->fail.n - 1) % 64);
    const struct literals *l = &p->literals;
    bool quick = l->n > 0;
    for (size_t i = 0; i < l->n && quick; i++) {
        quick = pairs_add(&w->pairs, &l->branch[i], l->caseless, bit);
    }
    w->always |= quick ? 0 : bit;
    return 0;
}

int watch_add_allow(struct watch *w, const struct pattern *p, struct error *err)
{
    return add(w, &w->allow, p, err);
}

void watch_follow(struct watch *w, const struct matcher *m)
{
    w->heard = m;
}

// ---- Complete lines --------------------------------------------------------

// What comes next in the complete lines up to `end` that is to be judged.
struct ahead {
    uint64_t end;
    uint64_t literal; // one of the fail patterns' literals; end when none
    uint64_t message; // a kernel message that cuts a line
};

static uint64_t next_literal(const struct watch *w, uint64_t end)
{
    const char *s = text_at(&w->text, w->line_start);
    uint64_t bits;
    return w->line_start +
           pairs_find(&w->pairs, s, end - w->line_start, 0, &bits);
}

static uint64_t next_message(const struct watch *w, uint64_t end)
{
    const char *s = text_at(&w->text, w->line_start);
    size_t n = end - w->line_start;
    size_t at = 0;
    while ((at += kmsg_candidate(s + at, n - at)) < n) {
        size_t used;
        bool cuts = at && s[at - 1] != '\n';
        if (cuts && kmsg_prefix(s + at, n - at, &used) == KMSG_YES) {
            break;
        }
        at++;
    }
    return w->line_start + at;
}

// Moves w->line_start over the lines that need no judging.
static void skip_lines(struct watch *w, struct ahead *ahead)
{
    if (w->always || w->joining) {
        return;
    }
    if (ahead->literal < w->line_start) {
        ahead->literal = next_literal(w, ahead->end);
    }
    if (ahead->message < w->line_start) {
        ahead->message = next_message(w, ahead->end);
    }
    uint64_t stop =
        ahead->literal < ahead->message ? ahead->literal : ahead->message;
    const char *s = text_at(&w->text, w->line_start);
    const char *newline = memrchr(s, '\n', stop - w->line_start);
    if (newline) {
        w->line_start += (uint64_t)(newline - s) + 1;
        w->fired = false;
        w->continued = false;
    }
}

// Judges the lines up to end, where one is complete.
static void judge_lines(struct watch *w, uint64_t end, struct watch_hit *hit)
{
    struct ahead ahead = {.end = end};
    if (w->line_start == 0) { // "below w->line_start" is "not known"
        ahead.literal = next_literal(w, end);
        ahead.message = next_message(w, end);
    }
    while (w->line_start < end) {
        skip_lines(w, &ahead);
        if (w->line_start == end) {
            return;
        }
        const char *s = text_at(&w->text, w->line_start);
        const char *newline = memchr(s, '\n', end - w->line_start);
        uint64_t line_end = w->line_start + (uint64_t)(newline - s);
        uint64_t start = w->line_start;
        watch_judge_line(w, line_end, true, line_end + 1, hit);
        watch_judge_joined(w, start, line_end, w->fired, hit);
        w->line_start = line_end + 1;
        w->fired = false;
        w->continued = false;
    }
}

// The guest is quiet in the middle of a line.
static void judge_unfinished(struct watch *w, struct watch_hit *hit)
{
    uint64_t end = text_end(&w->text);
    if (w->line_start == end || w->looked == end) {
        return;
    }
    w->looked = end;
    watch_judge_line(w, end, true, end, hit);
}

static void take_piece(struct watch *w, const struct piece *piece,
                       struct watch_hit *hit)
{
    uint64_t before = text_end(&w->text);
    filter_feed(&w->filter, &w->text, piece);
    size_t n = text_end(&w->text) - before;
    if (n == 0) {
        return;
    }
    const char *s = text_at(&w->text, before);
    const char *newline = memrchr(s, '\n', n);
    if (newline) {
        judge_lines(w, before + (uint64_t)(newline - s) + 1, hit);
    }
    watch_judge_line(w, text_end(&w->text), false, 0, hit);
    text_drop(&w->text, w->line_start);
}

bool watch_feed(struct watch *w, const uint8_t *bytes, size_t len,
                const struct stamp *stamps, size_t nstamps,
                struct watch_hit *hit)
{
    struct arrival_feed feed = {bytes, len, stamps, nstamps, 0, 0};
    struct piece piece;
    w->fed = true;
    w->has_hit = false;
    w->has_allowed = false;
    while (arrival_next(&w->arrival, &feed, &piece)) {
        if (piece.quiet) {
            judge_unfinished(w, hit);
        }
        take_piece(w, &piece, hit);
    }
    if (w->text.failed && w->fail.n && !w->has_hit) {
        // Not watching is no reason to pass.
        *hit = (struct watch_hit){.limit = true,
                                  .ns = w->arrival.last_ns,
                                  .line = "(out of memory for the watch)"};
        w->has_hit = true;
    }
    return w->has_hit;
}

bool watch_tick(struct watch *w, uint64_t now_ns, struct watch_hit *hit)
{
    w->has_hit = false;
    w->has_allowed = false;
    if (w->arrival.started && now_ns >= arrival_quiet_ns(&w->arrival)) {
        judge_unfinished(w, hit);
    }
    return w->has_hit;
}

bool watch_allowed(const struct watch *w, struct watch_hit *hit)
{
    if (w->has_allowed) {
        *hit = w->allowed_hit;
    }
    return w->has_allowed;
}

uint64_t watch_wake_ns(const struct watch *w)
{
    uint64_t end = text_end(&w->text);
    return w->line_start == end || w->looked == end
               ? CLOCK_NEVER
               : arrival_quiet_ns(&w->arrival);
}
