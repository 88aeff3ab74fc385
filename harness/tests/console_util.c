// SPDX-License-Identifier: Apache-2.0
// What the tests of the console share (console_util.h).
#include "harness/tests/console_util.h"

#include "harness/tests/kernel_time.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const recorded[] = {
    "alpine-login.raw",
    "alpine-pty.raw",
    "kernel-cuts.raw",
    "hostile.raw",
    "bash-readline.raw",
    "ash-progress.raw",
    "screens.raw",
    "noise-levels.raw",
    "noise-daemon.raw",
    "noise-sysrq.raw",
    NULL,
};

struct live_console *live_fresh(void)
{
    struct error err = {""};
    struct live_console *lc = live_console_new(&err);
    cr_assert_not_null(lc, "%s", err.text);
    return lc;
}

struct pattern *must_compile(const char *source, unsigned flags)
{
    struct error err = {""};
    size_t at = 0;
    struct pattern *p =
        pattern_compile(source, strlen(source), flags, &at, &err);
    cr_assert_not_null(p, "/%s/ at %zu: %s", source, at, err.text);
    return p;
}

void stream_add(struct stream *s, const void *bytes, size_t len, uint64_t ns)
{
    if (s->len + len > s->cap) {
        s->cap = (s->len + len) * 2;
        s->bytes = realloc(s->bytes, s->cap);
        s->ns = realloc(s->ns, s->cap * sizeof *s->ns);
        cr_assert(s->bytes && s->ns);
    }
    if (len) {
        memcpy(s->bytes + s->len, bytes, len);
    }
    for (size_t i = 0; i < len; i++) {
        s->ns[s->len++] = ns;
    }
}

void stream_free(struct stream *s)
{
    free(s->bytes);
    free(s->ns);
    *s = (struct stream){0};
}

struct stream stream_recorded(const char *name, size_t pause_every)
{
    char path[512];
    snprintf(path, sizeof path, "%s/fixtures/consoles/%s", TEST_SOURCE_DIR,
             name);
    FILE *f = fopen(path, "rb");
    cr_assert_not_null(f, "can't open %s", path);
    static char bytes[1 << 20];
    size_t len = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    cr_assert_gt(len, 0);
    struct stream s = {0};
    struct kernel_time k = {0};
    uint64_t ns = 1000 * MS;
    for (size_t i = 0; i < len; i++) {
        bool pause = pause_every && i && i % pause_every == 0;
        ns += pause ? 80 * MS : MS / 100;
        ns = kernel_time(&k, bytes + i, len - i, ns);
        stream_add(&s, bytes + i, 1, ns);
    }
    return s;
}

// The stamps of bytes [from, to), as a console gives them.
static struct stamp *stamps_of(const struct stream *s, size_t from, size_t to,
                               size_t *n)
{
    struct stamp *stamps = malloc((to - from + 1) * sizeof *stamps);
    cr_assert_not_null(stamps);
    *n = 0;
    for (size_t i = from; i < to; i++) {
        if (i == from || s->ns[i] != s->ns[i - 1]) {
            stamps[(*n)++] = (struct stamp){(uint32_t)(i - from), s->ns[i]};
        }
    }
    return stamps;
}

void feed_matcher(struct matcher *m, const struct stream *s, size_t from,
                  size_t to)
{
    size_t n;
    struct stamp *stamps = stamps_of(s, from, to, &n);
    matcher_feed(m, s->bytes + from, to - from, stamps, n);
    free(stamps);
}

bool feed_watch(struct watch *w, const struct stream *s, size_t from, size_t to,
                struct watch_hit *hit)
{
    size_t n;
    struct stamp *stamps = stamps_of(s, from, to, &n);
    bool fired = watch_feed(w, s->bytes + from, to - from, stamps, n, hit);
    free(stamps);
    return fired;
}

void feed_text(struct matcher *m, const char *text, uint64_t ns)
{
    struct stamp stamp = {0, ns};
    matcher_feed(m, (const uint8_t *)text, strlen(text), &stamp, 1);
}

uint64_t next_random(uint64_t *state)
{
    uint64_t x = *state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return (x * UINT64_C(0x2545f4914f6cdd1d)) >> 16;
}

bool is(struct text_span span, const char *text)
{
    return span.text && span.len == strlen(text) &&
           memcmp(span.text, text, span.len) == 0;
}
