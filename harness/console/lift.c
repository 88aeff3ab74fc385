// SPDX-License-Identifier: Apache-2.0
// Lifting kernel messages out of the text (lift.h).
#include "harness/console/lift.h"

#include "harness/console/kmsg.h"
#include "src/base/clock.h"

#include <stdlib.h>
#include <string.h>

#define RUNS_FIRST_CAP 64

// A message's time counts so much less than time between messages.
#define MESSAGE_WEIGHT 16

void lift_free(struct lift *l)
{
    text_free(&l->text);
    free(l->runs);
    *l = (struct lift){0};
}

static struct lift_run *last_run(const struct lift *l)
{
    return l->n ? l->runs + l->head + l->n - 1 : NULL;
}

static bool runs_room(struct lift *l)
{
    if (l->runs && l->head + l->n < l->cap) {
        return true;
    }
    if (l->runs && l->head * 2 > l->n) {
        memmove(l->runs, l->runs + l->head, l->n * sizeof *l->runs);
        l->head = 0;
        return true;
    }
    size_t cap = l->cap ? l->cap * 2 : RUNS_FIRST_CAP;
    struct lift_run *grown = malloc(cap * sizeof *grown);
    if (!grown) {
        l->text.failed = true;
        return false;
    }
    if (l->runs) {
        memcpy(grown, l->runs + l->head, l->n * sizeof *grown);
    }
    free(l->runs);
    l->runs = grown;
    l->cap = cap;
    l->head = 0;
    return true;
}

// Which line the view is in, after n bytes were added to it.
static void follow_lines(struct lift *l, const char *s, size_t n)
{
    for (size_t i = 0; i < n && !l->plain; i++) {
        l->plain = (unsigned char)s[i] > ' ';
    }
    while (l->here != KCLOCK_LIVE || l->above != KCLOCK_LIVE) {
        const char *newline = memchr(s, '\n', n);
        if (!newline) {
            break;
        }
        l->above = l->here;
        l->here = KCLOCK_LIVE;
        n -= (size_t)(newline + 1 - s);
        s = newline + 1;
    }
}

// Adds [src, end) of the text as received to the view.
static void keep(struct lift *l, const struct text *received, uint64_t src,
                 uint64_t end, uint64_t late)
{
    if (src == end) {
        return;
    }
    l->counting = false;
    uint64_t off = text_end(&l->text);
    struct lift_run *last = last_run(l);
    bool goes_on =
        last && !late && !last->late && last->src + (off - last->off) == src;
    if (!goes_on) {
        if (!runs_room(l)) {
            return;
        }
        l->runs[l->head + l->n++] = (struct lift_run){
            off, src, late, late ? text_ns(received, late - 1) : 0, l->lifted};
    }
    text_copy(&l->text, received, src, end);
    const char *s = text_at(received, src);
    l->mid_line = s[end - src - 1] != '\n';
    if (!l->plain || l->here != KCLOCK_LIVE || l->above != KCLOCK_LIVE) {
        follow_lines(l, s, end - src);
    }
}

static void begin_message(struct lift *l, uint64_t ns)
{
    l->lifted++;
    l->began = l->done;
    l->began_ns = ns;
    if (!l->counting) {
        l->counting = true;
        l->told = false;
        l->counted_ns = 0;
    }
    l->in_message = true;
    l->since_ns = ns;
}

// True when what has been counted is enough for the first time.
static bool now_quiet(struct lift *l)
{
    bool enough = l->counting && !l->told && l->counted_ns >= l->settle_ns;
    l->told |= enough;
    return enough;
}

static bool end_message(struct lift *l, uint64_t ns, struct lift_quiet *quiet)
{
    l->in_message = false;
    kclock_end(&l->clock, l->began_ns, ns, l->done - l->began);
    uint64_t took = ns > l->since_ns ? ns - l->since_ns : 0;
    l->counted_ns = clock_after(l->counted_ns, took / MESSAGE_WEIGHT);
    l->since_ns = ns;
    *quiet = (struct lift_quiet){l->done, ns};
    return now_quiet(l);
}

// Counts the time since the last message; what comes now begins at l->done.
static bool count_gap(struct lift *l, uint64_t ns, struct lift_quiet *quiet)
{
    if (!l->counting || l->told || ns <= l->since_ns) {
        return false;
    }
    l->counted_ns = clock_after(l->counted_ns, ns - l->since_ns);
    l->since_ns = ns;
    *quiet = (struct lift_quiet){l->done, ns - (l->counted_ns - l->settle_ns)};
    return now_quiet(l);
}

// Whether the message whose prefix of `used` bytes stands at l->done, and came
// at ns, is to be lifted out.
static bool is_live(struct lift *l, const struct text *received, size_t used,
                    uint64_t ns, enum kclock_answer *answer)
{
    struct kclock_place p = {
        .clock_us = kmsg_clock_us(text_at(received, l->done), used),
        .ns = ns,
        .before_ns = l->counting ? l->clock.end_ns : lift_plain_ns(l),
        .first = !l->plain,
        .follows = l->counting,
        .above = l->above,
    };
    *answer = kclock_judge(&l->clock, &p);
    if (*answer == KCLOCK_LIVE || (*answer == KCLOCK_EITHER && l->mid_line)) {
        kclock_live(&l->clock, &p);
        return true;
    }
    if (*answer == KCLOCK_PRINTED) {
        l->printed[l->nprinted++ % LIFT_PRINTED] =
            (struct lift_printed){p.clock_us, p.ns};
    }
    return false;
}

// At a "[" or "<": false when more text is needed to know what it is.
static bool take_candidate(struct lift *l, const struct text *received)
{
    uint64_t at = l->done;
    const char *s = text_at(received, at);
    size_t used = 0;
    uint64_t ns;
    enum kclock_answer answer;
    switch (kmsg_prefix(s, text_end(received) - at, &used)) {
    case KMSG_MAYBE:
        return false;
    case KMSG_YES:
        ns = text_ns(received, at);
        if (!is_live(l, received, used, ns, &answer)) {
            keep(l, received, at, at + used, at + used);
            l->here = answer;
            l->done = at + used;
            return true;
        }
        begin_message(l, ns);
        l->done = at + used;
        l->last = l->done;
        return true;
    case KMSG_NO:
        break;
    }
    // All of it was held back until the byte that showed that it is none; but
    // another prefix may begin within.
    size_t plain = 1 + kmsg_candidate(s + 1, used - 1);
    plain = plain < used ? plain : used;
    keep(l, received, at, at + plain, at + used);
    l->done = at + plain;
    return true;
}

bool lift_feed(struct lift *l, const struct text *received,
               struct lift_quiet *quiet)
{
    uint64_t end = text_end(received);
    while (l->done < end) {
        const char *s = text_at(received, l->done);
        size_t n = end - l->done;
        if (l->in_message) {
            const char *newline = memchr(s, '\n', n);
            l->done = newline ? l->done + (size_t)(newline - s) + 1 : end;
            l->last = l->done;
            if (newline &&
                end_message(l, text_ns(received, l->done - 1), quiet)) {
                return true;
            }
            continue;
        }
        if (l->counting && !l->told &&
            count_gap(l, text_ns(received, l->done), quiet)) {
            return true;
        }
        size_t plain = kmsg_candidate(s, n);
        keep(l, received, l->done, l->done + plain, 0);
        l->done += plain;
        if (plain < n && !take_candidate(l, received)) {
            return false;
        }
    }
    return false;
}

uint64_t lift_wake_ns(const struct lift *l, const struct text *received)
{
    bool waits =
        l->counting && !l->told && !l->in_message && lift_at_rest(l, received);
    return waits ? clock_after(l->since_ns, l->settle_ns - l->counted_ns)
                 : CLOCK_NEVER;
}

bool lift_tick(struct lift *l, const struct text *received, uint64_t now_ns,
               struct lift_quiet *quiet)
{
    return now_ns >= lift_wake_ns(l, received) && count_gap(l, now_ns, quiet);
}

bool lift_at_rest(const struct lift *l, const struct text *received)
{
    return l->done == text_end(received);
}

// The last of the runs for which key(run) <= value; NULL when there is none.
static const struct lift_run *find(const struct lift *l, uint64_t value,
                                   uint64_t (*key)(const struct lift_run *))
{
    if (!l->runs) {
        return NULL;
    }
    const struct lift_run *runs = l->runs + l->head;
    size_t lo = 0;
    size_t hi = l->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (key(runs + mid) <= value) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo ? runs + lo - 1 : NULL;
}

static uint64_t key_off(const struct lift_run *run)
{
    return run->off;
}

static uint64_t key_src(const struct lift_run *run)
{
    return run->src;
}

// When the first byte of the run joined the view.
static uint64_t key_joined(const struct lift_run *run)
{
    return run->late ? run->late : run->src + 1;
}

static uint64_t run_end(const struct lift *l, const struct lift_run *run)
{
    return run == last_run(l) ? text_end(&l->text) : run[1].off;
}

uint64_t lift_len(const struct lift *l, uint64_t at)
{
    const struct lift_run *run = find(l, at, key_joined);
    if (!run) {
        return l->text.base;
    }
    uint64_t end = run_end(l, run);
    uint64_t until = run->off + (at - run->src);
    return run->late || until > end ? end : until;
}

uint64_t lift_from(const struct lift *l, uint64_t src)
{
    const struct lift_run *run = find(l, src, key_src);
    if (!run) {
        return l->text.base;
    }
    uint64_t end = run_end(l, run);
    uint64_t off = run->off + (src - run->src);
    off = off < end ? off : end;
    return off > l->text.base ? off : l->text.base;
}

uint64_t lift_source(const struct lift *l, uint64_t off)
{
    const struct lift_run *run = find(l, off, key_off);
    return run ? run->src + (off - run->off) : 0;
}

uint64_t lift_joined(const struct lift *l, uint64_t off)
{
    const struct lift_run *run = find(l, off, key_off);
    if (!run) {
        return 0;
    }
    return run->late ? run->late : run->src + (off - run->off) + 1;
}

uint64_t lift_count(const struct lift *l, uint64_t off)
{
    const struct lift_run *run = find(l, off, key_off);
    return !run || off == text_end(&l->text) ? l->lifted : run->lifted;
}

bool lift_was_printed(const struct lift *l, uint64_t clock_us, uint64_t from_ns,
                      uint64_t to_ns)
{
    uint64_t n = l->nprinted < LIFT_PRINTED ? l->nprinted : LIFT_PRINTED;
    for (uint64_t i = 1; i <= n; i++) {
        const struct lift_printed *p =
            &l->printed[(l->nprinted - i) % LIFT_PRINTED];
        if (p->clock_us == clock_us && p->ns >= from_ns && p->ns <= to_ns) {
            return true;
        }
    }
    return false;
}

uint64_t lift_plain_ns(const struct lift *l)
{
    uint64_t end = text_end(&l->text);
    return end ? text_ns(&l->text, end - 1) : 0;
}

uint64_t lift_joined_ns(const struct lift *l, uint64_t off)
{
    const struct lift_run *run = find(l, off, key_off);
    return run && run->late ? run->late_ns : text_ns(&l->text, off);
}

void lift_drop(struct lift *l, uint64_t off)
{
    text_drop(&l->text, off);
    while (l->n > 1 && l->runs[l->head + 1].off <= l->text.base) {
        l->head++;
        l->n--;
    }
}
