// SPDX-License-Identifier: Apache-2.0
// libFuzzer target for the console's filters: any bytes become clean text, the
// same in whatever pieces they come. Built with -DTOYVMM_FUZZERS=ON; a corpus
// to begin with is fixtures/consoles.
#include "harness/console/matcher.h"
#include "harness/console/record.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SIZE_MAX_FED 1024

// What the filters make of a stream: the text as received, and with kernel
// messages lifted out.
struct views {
    char *received, *lifted;
    size_t received_len, lifted_len;
};

static char *copy(struct text_span s)
{
    char *text = malloc(s.len + 1);
    if (!text)
        abort();
    if (s.len)
        memcpy(text, s.text, s.len);
    return text;
}

// Some bytes come 60 ms after the one before them.
static void stamp(const uint8_t *bytes, size_t size, uint64_t *ns)
{
    uint64_t now = 1;
    for (size_t i = 0; i < size; i++) {
        now += i && bytes[i - 1] == '~' ? 60000000 : 1000;
        ns[i] = now;
    }
}

struct sinks {
    struct matcher *matcher;
    struct watch *watch;
    struct console_record *record;
};

static void feed(struct sinks *s, const uint8_t *bytes, const uint64_t *ns,
                 size_t len)
{
    static struct stamp stamps[SIZE_MAX_FED];
    struct watch_hit hit;
    for (size_t i = 0; i < len; i++)
        stamps[i] = (struct stamp){(uint32_t)i, ns[i]};
    matcher_feed(s->matcher, bytes, len, stamps, len);
    watch_feed(s->watch, bytes, len, stamps, len, &hit);
    console_record_feed(s->record, bytes, len, stamps, len);
}

static void take_line(void *owner, uint64_t ns, const char *text, size_t len)
{
    uint64_t *last = owner;
    // Lines come in order, and without their ends.
    if (ns < *last || (len && memchr(text, '\n', len)))
        abort();
    *last = ns;
}

static struct views play(const struct pattern *end, const uint8_t *bytes,
                         const uint64_t *ns, size_t size, size_t piece)
{
    struct error err;
    // Quiet only at the end, where `$` is then found.
    struct matcher_options options = {.settle_ns = 3600 * UINT64_C(1000000000)};
    struct sinks s = {matcher_new(&options, &err), watch_new(&err),
                      console_record_new(256, 1024, &err)};
    if (!s.matcher || !s.watch || !s.record ||
        watch_add_fail(s.watch, end, &err))
        abort();
    for (size_t at = 0; at < size; at += piece)
        feed(&s, bytes + at, ns + at, size - at < piece ? size - at : piece);
    struct views v = {0};
    struct text_span all = matcher_pending(s.matcher);
    v.received = copy(all);
    v.received_len = all.len;
    struct match m;
    uint64_t later = (size ? ns[size - 1] : 0) + 2 * options.settle_ns;
    if (matcher_look(s.matcher, &end, 1, later, &m, &err) == MATCH_FOUND) {
        v.lifted = copy(m.before_lifted);
        v.lifted_len = m.before_lifted.len;
    }
    size_t len;
    uint64_t last = 0;
    free(console_record_text(s.record, &len));
    console_record_tail(s.record, 10, take_line, &last);
    if (console_record_total(s.record) != size)
        abort();
    matcher_free(s.matcher);
    watch_free(s.watch);
    console_record_free(s.record);
    return v;
}

// UTF-8, and no control characters but those that filter.h keeps.
static void check(const struct pattern *never, const char *text, size_t len)
{
    size_t start, stop;
    struct error err;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if ((c < 0x20 && !memchr("\n\t\b\r", c, 4)) || c == 0x7f)
            abort();
    }
    if (pattern_search(never, text, len, 0, &start, &stop, &err))
        abort();
}

static bool same(const char *a, size_t an, const char *b, size_t bn)
{
    return an == bn && !a == !b && (!an || !memcmp(a, b, an));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint64_t ns[SIZE_MAX_FED];
    static const size_t pieces[] = {1, 2, 7, 64};
    if (size > SIZE_MAX_FED)
        return 0;
    struct error err;
    struct pattern *end = pattern_compile("$", 1, 0, NULL, &err);
    struct pattern *never = pattern_compile("(?!)", 4, 0, NULL, &err);
    if (!end || !never)
        abort();
    stamp(data, size, ns);
    struct views whole = play(end, data, ns, size, SIZE_MAX_FED);
    check(never, whole.received, whole.received_len);
    if (whole.lifted)
        check(never, whole.lifted, whole.lifted_len);
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        struct views v = play(end, data, ns, size, pieces[i]);
        if (!same(v.received, v.received_len, whole.received,
                  whole.received_len) ||
            !same(v.lifted, v.lifted_len, whole.lifted, whole.lifted_len))
            abort();
        free(v.received);
        free(v.lifted);
    }
    free(whole.received);
    free(whole.lifted);
    pattern_free(end);
    pattern_free(never);
    return 0;
}
