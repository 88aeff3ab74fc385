// SPDX-License-Identifier: Apache-2.0
// The replay console: items at their times. See tape.h.
#include "harness/recording/tape_internal.h"
#include "src/base/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// A run whose waits begin a little earlier, because the bytes came in other
// pieces, is still the same: a recorded time-out so close is its time-out.
#define SAME_TIMEOUT (20 * NS_PER_MS)

// ---- The stream ------------------------------------------------------------

// True when it is an answer that can be asked for, and there is room.
static bool keep(struct tape *t, const struct record *r)
{
    if (r->kind == RECORD_INPUT && !r->code) {
        if (r->flags & INPUT_BREAK)
            typed_break(&t->typed, TYPED_THEN, r->port, r->ns);
        typed_add(&t->typed, TYPED_THEN, r->port, r->bytes, r->len,
                  r->flags & INPUT_SECRET, r->ns);
        return false;
    }
    if (t->nanswers == ANSWERS)
        return false;
    struct answer *a = &t->answers[t->nanswers++];
    a->record = *r;
    memset(a->text, 0, sizeof(a->text));
    if (r->text)
        memcpy(a->text, r->text,
               r->text_len < ERROR_MAX ? r->text_len : ERROR_MAX);
    if (r->seen)
        a->seen = *r->seen;
    a->shares = NULL;
    if (r->nshares)
        a->shares = calloc(r->nshares, sizeof(*a->shares));
    if (a->shares)
        memcpy(a->shares, r->shares, r->nshares * sizeof(*a->shares));
    return true;
}

bool tape_next_answer(struct tape *t)
{
    struct record r;
    while (!t->has_next && !t->ended && t->nanswers < ANSWERS) {
        if (!recording_next(t->reader, &r)) {
            t->ended = true;
        } else if (record_is_item(r.kind)) {
            t->next = r;
            t->has_next = true;
        } else if (keep(t, &r)) {
            return true;
        }
    }
    return false;
}

void tape_take_usage(struct tape *t, struct answer *a)
{
    t->usage = a->record.usage;
    free(t->shares);
    t->shares = a->shares;
    t->nshares = a->shares ? a->record.nshares : 0;
    a->shares = NULL;
}

static void forget_answers(struct tape *t)
{
    for (size_t i = 0; i < t->nanswers; i++)
        free(t->answers[i].shares);
    t->nanswers = 0;
}

void tape_look_ahead(struct tape *t)
{
    struct record r;
    while (tape_next_answer(t))
        ;
    // What there is no room for is passed over.
    while (!t->has_next && !t->ended) {
        if (!recording_next(t->reader, &r)) {
            t->ended = true;
        } else if (record_is_item(r.kind)) {
            t->next = r;
            t->has_next = true;
        } else
            keep(t, &r);
    }
}

// The next item becomes the present one; answers to older questions go.
static void commit(struct tape *t)
{
    for (size_t i = 0; i < t->nanswers; i++) {
        if (t->answers[i].record.kind == RECORD_USAGE)
            tape_take_usage(t, &t->answers[i]);
    }
    forget_answers(t);
    t->item = t->next;
    t->has_next = false;
    t->taken = 0;
}

// ---- Reading ---------------------------------------------------------------

static void advance(struct tape *t, uint64_t ns)
{
    if (ns > t->now_ns)
        t->now_ns = ns;
}

static int time_out(struct tape *t, struct console_batch *out, uint64_t ns,
                    struct error *err)
{
    int code = pace_until(&t->pace, ns, err);
    if (code)
        return code;
    advance(t, ns);
    out->kind = CONSOLE_TIMEOUT;
    out->now_ns = t->now_ns;
    return 0;
}

static void take_bytes(struct tape *t)
{
    const struct record *r = &t->next;
    memcpy(t->bytes, r->bytes, r->len);
    memcpy(t->memory.stamps, r->stamps, r->nstamps * sizeof(*r->stamps));
    if (r->nmasks)
        memcpy(t->memory.masks, r->masks, r->nmasks * sizeof(*r->masks));
    commit(t);
    t->item.bytes = t->bytes;
    t->item.stamps = t->memory.stamps;
    t->item.masks = t->memory.masks;
}

static uint64_t random_below(uint64_t *state, uint64_t n)
{
    // xorshift64*
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (*state * UINT64_C(0x2545f4914f6cdd1d) >> 16) % n;
}

// How many bytes of the item are given now, of those that have come by then.
static size_t piece(struct tape *t, uint64_t deadline_ns)
{
    const struct record *r = &t->item;
    size_t end = r->len;
    for (size_t i = 0; i < r->nstamps; i++) {
        if (r->stamps[i].ns > deadline_ns && r->stamps[i].at < end)
            end = r->stamps[i].at;
    }
    size_t n = end > t->taken ? end - t->taken : 0;
    size_t max = t->options.max_piece;
    if (max && t->options.random)
        max = 1 + random_below(&t->options.random, max);
    if (max && n > max)
        n = max;
    uint64_t cut = t->options.cut_at;
    uint64_t every = t->options.cut_every;
    if (every && cut <= t->given)
        cut += ((t->given - cut) / every + 1) * every;
    if (cut > t->given && cut - t->given < n)
        n = (size_t)(cut - t->given);
    return n;
}

// The secrets that this run typed stand where the recording has stars.
static void unmask(const struct tape *t, uint8_t *bytes, size_t from, size_t n)
{
    for (size_t i = 0; i < t->item.nmasks; i++) {
        const struct mask *m = &t->item.masks[i];
        if (m->index >= t->secrets.count ||
            (uint64_t)m->offset + m->len > t->secrets.list[m->index].len)
            continue;
        for (size_t k = 0; k < m->len; k++) {
            size_t at = m->at + k;
            if (at >= from && at < from + n)
                bytes[at - from] =
                    t->secrets.list[m->index].bytes[m->offset + k];
        }
    }
}

static void give(struct tape *t, struct console_batch *out, size_t n)
{
    const struct record *r = &t->item;
    size_t from = t->taken;
    out->kind = CONSOLE_BYTES;
    out->port = r->port;
    out->len = n;
    memcpy(out->bytes, t->bytes + from, n);
    unmask(t, out->bytes, from, n);
    for (size_t i = 0; i < r->nstamps && r->stamps[i].at < from + n; i++) {
        const struct stamp *s = &r->stamps[i];
        // The stamp that covers the piece's beginning may stand before it.
        if (s->at <= from)
            out->nstamps = 0;
        uint32_t at = s->at > from ? (uint32_t)(s->at - from) : 0;
        out->stamps[out->nstamps++] = (struct stamp){at, s->ns};
    }
    advance(t, out->stamps[out->nstamps - 1].ns);
    out->now_ns = t->now_ns;
    t->taken += n;
    t->given += n;
}

static int read_bytes(struct tape *t, struct console_batch *out,
                      uint64_t deadline_ns, struct error *err)
{
    size_t n = piece(t, deadline_ns);
    if (!n)
        return time_out(t, out, deadline_ns, err);
    uint64_t last = 0;
    for (size_t i = 0; i < t->item.nstamps; i++) {
        if (t->item.stamps[i].at < t->taken + n)
            last = t->item.stamps[i].ns;
    }
    int code = pace_until(&t->pace, last, err);
    if (!code)
        give(t, out, n);
    return code;
}

// The next item is a recorded time-out. 1: it is not this read's.
static int read_timeout(struct tape *t, struct console_batch *out,
                        uint64_t deadline_ns, struct error *err)
{
    uint64_t recorded = t->next.deadline_ns;
    uint64_t ns = t->next.ns;
    if (deadline_ns < recorded && recorded - deadline_ns > SAME_TIMEOUT)
        return time_out(t, out, deadline_ns, err);
    commit(t);
    if (deadline_ns > recorded)
        return 1;
    return time_out(t, out, deadline_ns == recorded ? ns : deadline_ns, err);
}

static int read_next(struct tape *t, struct console_batch *out,
                     uint64_t deadline_ns, struct error *err)
{
    tape_look_ahead(t);
    if (!t->has_next) {
        if (!t->ran_out)
            t->ran_out_ns = t->now_ns;
        t->ran_out = true;
        t->pace.speed = 0;
        return time_out(t, out, deadline_ns, err);
    }
    const struct record *r = &t->next;
    if (r->kind == RECORD_TIMEOUT)
        return read_timeout(t, out, deadline_ns, err);
    if (r->kind == RECORD_FAULT) {
        error_set(err, r->code, "%.*s", (int)r->text_len, r->text);
        int code = r->code;
        commit(t);
        return code;
    }
    uint64_t first = r->kind == RECORD_BYTES ? r->stamps[0].ns : r->ns;
    if (first > deadline_ns)
        return time_out(t, out, deadline_ns, err);
    if (r->kind == RECORD_BYTES) {
        take_bytes(t);
        return read_bytes(t, out, deadline_ns, err);
    }
    int code = pace_until(&t->pace, first, err);
    if (code)
        return code;
    out->kind = CONSOLE_EVENT;
    out->event = *r->event;
    advance(t, r->ns);
    out->now_ns = t->now_ns;
    commit(t);
    return 0;
}

int tape_read(struct console *c, struct console_batch *out,
              uint64_t deadline_ns, struct error *err)
{
    struct tape *t = (struct tape *)c;
    out->len = 0;
    out->nstamps = 0;
    int code = pace_until(&t->pace, 0, err);
    if (code)
        return code;
    if (t->item.kind == RECORD_BYTES && t->taken < t->item.len)
        return read_bytes(t, out, deadline_ns, err);
    do
        code = read_next(t, out, deadline_ns, err);
    while (code > 0);
    return code;
}

// ---- Its life --------------------------------------------------------------

struct tape *tape_new(struct recording_reader *reader,
                      const struct tape_options *options, struct error *err)
{
    struct tape *t = calloc(1, sizeof(*t));
    if (!t) {
        recording_close(reader);
        error_set(err, -ENOMEM, "out of memory");
        return NULL;
    }
    const struct recording_info *info = recording_info(reader);
    t->base.ops = &tape_ops;
    t->reader = reader;
    t->options = *options;
    t->now_ns = info->started_ns;
    if (pace_init(&t->pace, options->speed, info->started_ns, err)) {
        recording_close(reader);
        free(t);
        return NULL;
    }
    t->machine = tape_answers(t, info->abilities, info->vcpus);
    return t;
}

void tape_free(struct tape *t)
{
    if (!t)
        return;
    recording_close(t->reader);
    pace_free(&t->pace);
    conceal_free(&t->secrets);
    typed_free(&t->typed);
    forget_answers(t);
    free(t->shares);
    free(t);
}

struct console *tape_console(struct tape *t)
{
    return &t->base;
}

const struct run_machine *tape_machine(const struct tape *t)
{
    return recording_info(t->reader)->abilities ? &t->machine : NULL;
}

const struct recording_info *tape_info(const struct tape *t)
{
    return recording_info(t->reader);
}

bool tape_typed_differently(struct tape *t, uint64_t *ns)
{
    tape_look_ahead(t);
    typed_finish(&t->typed, tape_cut(t) != NULL);
    *ns = t->typed.differs_ns;
    return t->typed.differs;
}

bool tape_ran_out(const struct tape *t, uint64_t *ns)
{
    *ns = t->ran_out_ns;
    return t->ran_out;
}

const char *tape_cut(const struct tape *t)
{
    return recording_cut(t->reader);
}

void tape_skip_to_end(struct tape *t)
{
    struct record unused;
    t->has_next = false;
    while (recording_next(t->reader, &unused))
        ;
    t->ended = true;
}
