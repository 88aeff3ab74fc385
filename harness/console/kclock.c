// SPDX-License-Identifier: Apache-2.0
// Telling live kernel messages from printed ones. See kclock.h.
#include "harness/console/kclock.h"

#include "src/base/clock.h"

// From the machine's start until the kernel's clock runs: unpacking, and in an
// emulated machine all that slowly; there, too, the clock may lose half of the
// time while the kernel boots. Only a clock that was seen to keep time is
// trusted.
#define LOADER_NS    (5 * NS_PER_S)
#define BOOT_DRIFT   2 // half of the time since the last message
#define STEADY_DRIFT 20
#define STEADY_NS    (10 * NS_PER_MS)
#define STEADY_GAP   (100 * NS_PER_MS)
#define EITHER_NS    (2 * NS_PER_S)
// The first message has a clock that shows at least so much of the machine's
// time, or it is old.
#define FIRST_PART 4

// Where all messages are shown their order decides, and times need only be
// plausible. Where most are hidden, one that was printed right after it was
// logged differs from a live one by the time that starting a program takes.
#define SHOWN_NS     (250 * NS_PER_MS)
#define SHOWN_DRIFT  100
#define HIDDEN_NS    (2 * NS_PER_MS)
#define HIDDEN_BYTES 8
#define HIDDEN_DRIFT 1000

// A queue leaves no time between its messages; nor do the lines of one message,
// which share their clock.
#define QUEUE_NS    (20 * NS_PER_MS)
#define QUEUE_BYTES 16
#define SAME_NS     (NS_PER_MS / 4)
#define SAME_BYTES  8
// Two CPUs, or an interrupt, may change the order of two messages.
#define DISORDER_US UINT64_C(10000)

// What says that the clock is another one.
#define PAUSE_NS      (50 * NS_PER_MS)
#define AGREE_COUNT   4
#define AGREE_SPAN_NS NS_PER_S
#define AGREE_NS      (10 * NS_PER_MS)
#define AGREE_DRIFT   25
#define ROW_COUNT     8
#define ROW_SPAN_NS   (50 * NS_PER_MS)

static int64_t offset_of(const struct kclock_place *p)
{
    return (int64_t)(p->ns - p->clock_us * 1000);
}

static uint64_t since(uint64_t ns, uint64_t then)
{
    return ns > then ? ns - then : 0;
}

// Offsets that lie no further apart than this.
static bool within(int64_t more, uint64_t ns)
{
    return more <= 0 || (uint64_t)more <= ns;
}

// Before any live message: the kernel's clock can't have begun before the
// machine, nor long after it.
static enum kclock_answer judge_first(const struct kclock *c,
                                      const struct kclock_place *p)
{
    if (p->first) {
        return KCLOCK_LIVE;
    }
    if (p->above == KCLOCK_PRINTED) {
        return KCLOCK_PRINTED;
    }
    uint64_t clock_ns = p->clock_us * 1000;
    uint64_t elapsed = since(p->ns, c->started_ns);
    bool ahead = c->started_ns && clock_ns / 2 > elapsed + LOADER_NS;
    bool old = clock_ns < elapsed / FIRST_PART &&
               elapsed - clock_ns > LOADER_NS && c->started_ns;
    return ahead || old ? KCLOCK_PRINTED : KCLOCK_EITHER;
}

// Its clock is not above the last live one's.
static enum kclock_answer judge_old(const struct kclock *c,
                                    const struct kclock_place *p)
{
    uint64_t gap = since(p->ns, c->end_ns);
    bool same = p->clock_us == c->clock_us;
    uint64_t most = same ? SAME_NS + SAME_BYTES * c->byte_ns
                         : QUEUE_NS + QUEUE_BYTES * c->byte_ns;
    bool near = c->clock_us - p->clock_us <= DISORDER_US;
    bool stands = c->clock_us == 0; // it does not run yet
    bool live =
        (p->follows || same) && near && (gap <= most || (stands && p->follows));
    return live ? KCLOCK_LIVE : KCLOCK_PRINTED;
}

static bool is_queued(const struct kclock *c, const struct kclock_place *p)
{
    return p->follows &&
           since(p->ns, c->end_ns) <= QUEUE_NS + QUEUE_BYTES * c->byte_ns;
}

// Its clock is above the last live one's.
static enum kclock_answer judge_new(const struct kclock *c,
                                    const struct kclock_place *p)
{
    uint64_t gap = since(p->ns, c->end_ns);
    int64_t more = offset_of(p) - c->offset_ns;
    uint64_t drift = gap / (c->steady ? STEADY_DRIFT : BOOT_DRIFT);
    if (is_queued(c, p)) {
        return KCLOCK_LIVE;
    }
    if (!within(-more, SHOWN_NS + drift)) {
        return KCLOCK_PRINTED;
    }
    if (!c->hides && p->follows) {
        return KCLOCK_LIVE; // the kernel boots: nobody else has said a word
    }
    bool sure = within(more, c->hides ? HIDDEN_NS + HIDDEN_BYTES * c->byte_ns +
                                            gap / HIDDEN_DRIFT
                                      : SHOWN_NS + gap / SHOWN_DRIFT);
    if (p->above == KCLOCK_PRINTED) {
        return sure ? KCLOCK_EITHER : KCLOCK_PRINTED;
    }
    if (p->above == KCLOCK_EITHER && sure) {
        return KCLOCK_EITHER; // the end of the same log
    }
    return sure                              ? KCLOCK_LIVE
           : within(more, EITHER_NS + drift) ? KCLOCK_EITHER
                                             : KCLOCK_PRINTED;
}

// True when messages that were not taken for live have shown that they are.
static bool is_another_clock(struct kclock *c, const struct kclock_place *p)
{
    int64_t offset = offset_of(p);
    uint64_t span = since(p->ns, c->agreeing_ns);
    int64_t more = offset - c->agreeing_offset_ns;
    uint64_t most = AGREE_NS + span / AGREE_DRIFT;
    bool pause = since(p->ns, p->before_ns) >= PAUSE_NS;
    if (!pause) {
        return false;
    }
    if (c->agreeing && p->clock_us > c->agreeing_us && within(more, most) &&
        within(-more, most)) {
        c->agreeing++;
        c->agreeing_us = p->clock_us;
        return c->agreeing >= AGREE_COUNT && span >= AGREE_SPAN_NS;
    }
    c->agreeing = 1;
    c->agreeing_us = p->clock_us;
    c->agreeing_ns = p->ns;
    c->agreeing_offset_ns = offset;
    return false;
}

// The same of a row of messages that may be either.
static bool is_live_row(struct kclock *c, const struct kclock_place *p)
{
    struct kclock_row *row = &c->row;
    int64_t offset = offset_of(p);
    int64_t more = offset - row->offset_ns;
    uint64_t most = HIDDEN_NS + HIDDEN_BYTES * c->byte_ns;
    if (p->above != KCLOCK_EITHER || !row->n || !within(more, most) ||
        !within(-more, most)) {
        *row = (struct kclock_row){0, p->ns, offset};
    }
    row->n++;
    return row->n >= ROW_COUNT && since(p->ns, row->ns) >= ROW_SPAN_NS;
}

enum kclock_answer kclock_judge(struct kclock *c, const struct kclock_place *p)
{
    enum kclock_answer answer = !c->known                   ? judge_first(c, p)
                                : p->clock_us > c->clock_us ? judge_new(c, p)
                                                            : judge_old(c, p);
    if (answer == KCLOCK_LIVE) {
        return answer;
    }
    bool row = answer == KCLOCK_EITHER && is_live_row(c, p);
    if (is_another_clock(c, p) || row) {
        c->known = false;
        return KCLOCK_LIVE;
    }
    return answer;
}

void kclock_live(struct kclock *c, const struct kclock_place *p)
{
    int64_t offset = offset_of(p);
    bool queued = c->known && is_queued(c, p);
    uint64_t gap = since(p->ns, c->end_ns);
    if (c->known && gap >= STEADY_GAP) {
        int64_t more = offset - c->offset_ns;
        uint64_t most = STEADY_NS + gap / HIDDEN_DRIFT;
        c->steady = within(more, most) && within(-more, most);
    }
    // A console that shows all begins with the kernel's first words.
    if (!c->known) {
        c->hides = !p->first || p->clock_us > 0;
        c->steady = false;
    }
    // Before the clock runs it stands, and the offset grows.
    if (!queued || offset < c->offset_ns || p->clock_us == 0) {
        c->offset_ns = offset;
    }
    if (!c->known || p->clock_us > c->clock_us) {
        c->clock_us = p->clock_us;
    }
    c->known = true;
    c->end_ns = p->ns;
    c->agreeing = 0;
    c->row.n = 0;
}

void kclock_end(struct kclock *c, uint64_t began_ns, uint64_t ns, uint64_t len)
{
    c->end_ns = ns;
    c->byte_ns = len ? since(ns, began_ns) / len : 0;
}
