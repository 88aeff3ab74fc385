// SPDX-License-Identifier: Apache-2.0
// Judging lines for a watch: does a fail pattern match and no allow pattern?
// Also lines that a kernel message cut in two, joined again.
#include "harness/console/kmsg.h"
#include "harness/console/watch_internal.h"

#include <string.h>

// A line or a piece of one, to be judged.
struct judged {
    const char *text;
    size_t len;
    uint32_t options; // PCRE2_NOTBOL, PCRE2_NOTEOL where it was cut
    uint64_t at;      // the text was so long when it was complete
};

static enum exec_result search(struct watch *w, const struct pattern *p,
                               const struct judged *line)
{
    int code;
    return pattern_exec(p, &w->scratch, line->text, line->len, 0, line->options,
                        false, &code);
}

static bool allowed(struct watch *w, const struct judged *line)
{
    for (size_t i = 0; i < w->allow.n; i++) {
        if (search(w, w->allow.items[i].pattern, line) == EXEC_FULL) {
            return true;
        }
    }
    return false;
}

static uint64_t literal_bits(const struct watch *w, const struct judged *line)
{
    uint64_t all = w->always;
    uint64_t bits = 0;
    size_t at = 0;
    while ((at = pairs_find(&w->pairs, line->text, line->len, at, &bits)) <
           line->len) {
        all |= bits;
        at++;
    }
    return all;
}

static void fill_hit(const struct watch *w, const struct judged *line,
                     size_t index, bool limit, struct watch_hit *hit)
{
    size_t n = line->len < sizeof hit->line ? line->len : sizeof hit->line - 1;
    while (n < line->len && (line->text[n] & 0xc0) == 0x80) {
        n--; // never half a character
    }
    *hit = (struct watch_hit){
        .index = index,
        .ns = text_ns(&w->text, line->at - 1),
        .limit = limit,
    };
    memcpy(hit->line, line->text, n);
}

// True when the line fires; the earliest of a feed is kept in hit.
static bool judge(struct watch *w, const struct judged *line,
                  struct watch_hit *hit)
{
    uint64_t bits = literal_bits(w, line);
    for (size_t i = 0; i < w->fail.n; i++) {
        if (!(bits >> (i % 64) & 1)) {
            continue;
        }
        enum exec_result r = search(w, w->fail.items[i].pattern, line);
        if (r == EXEC_NONE || r == EXEC_PARTIAL) {
            continue;
        }
        if (allowed(w, line)) {
            fill_hit(w, line, i, r == EXEC_LIMIT, &w->allowed_hit);
            w->has_allowed = true;
            return false;
        }
        if (!w->has_hit || line->at < w->hit_at) {
            fill_hit(w, line, i, r == EXEC_LIMIT, hit);
            w->has_hit = true;
            w->hit_at = line->at;
        }
        return true;
    }
    return false;
}

uint64_t watch_message_in(const struct watch *w, uint64_t at, uint64_t end,
                          size_t *used, bool *printed)
{
    *printed = false;
    while (at < end) {
        const char *s = text_at(&w->text, at);
        size_t n = kmsg_candidate(s, end - at);
        if (n < end - at &&
            kmsg_prefix(s + n, end - at - n, used) == KMSG_YES) {
            if (w->heard) {
                uint64_t ns = text_ns(&w->text, at + n);
                uint64_t clock_us = kmsg_clock_us(s + n, *used);
                *printed = matcher_was_printed(w->heard, clock_us, ns, ns);
            }
            return at + n;
        }
        at += n + 1;
    }
    return end;
}

// The first message in [at, end) that the kernel itself printed, or end.
static uint64_t message_in(const struct watch *w, uint64_t at, uint64_t end)
{
    size_t used;
    bool printed = true;
    while (at < end) {
        at = watch_message_in(w, at, end, &used, &printed);
        if (!printed) {
            return at;
        }
        at += used;
    }
    return end;
}

// The first message in [at, end) that a program printed, or end.
static uint64_t printed_in(const struct watch *w, uint64_t at, uint64_t end,
                           size_t *used)
{
    bool printed = false;
    *used = 0;
    while (w->heard && at < end && !printed) {
        at = watch_message_in(w, at + *used, end, used, &printed);
    }
    return w->heard ? at : end;
}

// Judges the line that begins at `start`, but for what a program printed of the
// kernel's log: what stands before that, and from a live message on that cuts
// into it. True when it fires.
static bool judge_live(struct watch *w, uint64_t start,
                       const struct judged *line, struct watch_hit *hit)
{
    struct judged part = *line;
    uint64_t end = start + line->len;
    size_t used;
    for (;;) {
        uint64_t printed = printed_in(w, start, end, &used);
        part.text = text_at(&w->text, start);
        part.len = (size_t)(printed - start);
        part.options |= printed < end ? PCRE2_NOTEOL : 0;
        if ((part.len || printed == end) && judge(w, &part, hit)) {
            return true;
        }
        start = printed < end ? message_in(w, printed + used, end) : end;
        if (start == end) {
            return false;
        }
        part.options = line->options & PCRE2_NOTEOL;
    }
}

void watch_judge_line(struct watch *w, uint64_t end, bool complete, uint64_t at,
                      struct watch_hit *hit)
{
    for (;;) {
        size_t len = end - w->line_start;
        bool cut = len >= JUDGED_MAX;
        uint64_t stop =
            cut ? text_align(&w->text, w->line_start + JUDGED_MAX - 4) : end;
        if (!cut && !complete) {
            return;
        }
        struct judged line = {
            .text = text_at(&w->text, w->line_start),
            .len = stop - w->line_start,
            .options =
                (w->continued ? PCRE2_NOTBOL : 0) | (cut ? PCRE2_NOTEOL : 0),
            .at = cut ? stop : at,
        };
        if (!w->fired) {
            w->fired = judge_live(w, w->line_start, &line, hit);
        }
        if (!cut) {
            return;
        }
        w->line_start = text_align(&w->text, stop - JUDGED_OVERLAP);
        w->continued = true;
    }
}

// ---- Lines that a kernel message cut in two --------------------------------

static void join(struct watch *w, uint64_t start, uint64_t end)
{
    size_t used;
    end = printed_in(w, start, end, &used);
    size_t room = JUDGED_MAX - w->joined.len;
    size_t n = end - start < room ? end - start : room;
    if (n) {
        text_append(&w->joined, text_at(&w->text, start), n);
    }
}

void watch_judge_joined(struct watch *w, uint64_t start, uint64_t end,
                        bool fired, struct watch_hit *hit)
{
    uint64_t message = message_in(w, start, end);
    if (!w->joining && (message == start || message == end)) {
        return;
    }
    w->joined_fired = fired || (w->joining && w->joined_fired);
    join(w, start, message);
    w->joining = message < end;
    if (w->joining) {
        return;
    }
    struct judged line = {text_at(&w->joined, w->joined.base), w->joined.len, 0,
                          end + 1};
    if (!w->joined_fired && w->joined.len) {
        judge(w, &line, hit);
    }
    text_drop(&w->joined, text_end(&w->joined));
}
