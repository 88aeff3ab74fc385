// SPDX-License-Identifier: Apache-2.0
// What the tests of the console share: patterns in one call, bytes with times,
// recorded consoles, reproducible random numbers.
#pragma once

#include "harness/console/live.h"
#include "harness/console/matcher.h"

#include <criterion/criterion.h>

#define MS UINT64_C(1000000)

// A live console without a machine. The caller closes it.
struct live_console *live_fresh(void);

// A pattern that must compile.
struct pattern *must_compile(const char *source, unsigned flags);

// Bytes, each with its time.
struct stream {
    uint8_t *bytes;
    uint64_t *ns;
    size_t len, cap;
};
void stream_add(struct stream *s, const void *bytes, size_t len, uint64_t ns);
void stream_free(struct stream *s);

// A file of fixtures/consoles: each byte 10 us after the one before it, and a
// pause of 80 ms before each byte whose number is a multiple of pause_every (0:
// no pauses). A kernel message does not come before its own clock.
struct stream stream_recorded(const char *name, size_t pause_every);

// Feeds bytes [from, to) of the stream in one call.
void feed_matcher(struct matcher *m, const struct stream *s, size_t from,
                  size_t to);
bool feed_watch(struct watch *w, const struct stream *s, size_t from, size_t to,
                struct watch_hit *hit);

// Feeds text whose bytes all arrive at ns.
void feed_text(struct matcher *m, const char *text, uint64_t ns);

// Names of the recorded consoles, NULL at the end.
extern const char *const recorded[];

// xorshift64*: state must not be 0.
uint64_t next_random(uint64_t *state);
static inline size_t below(uint64_t *state, size_t n)
{
    return (size_t)(next_random(state) % n);
}

// True when a span is exactly this text.
bool is(struct text_span span, const char *text);
