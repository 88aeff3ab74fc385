// SPDX-License-Identifier: Apache-2.0
// Much output between two matches, streamed: what is kept of it is bounded,
// counted in bytes of memory and not in time.
#include "harness/console/record.h"
#include "harness/tests/console_util.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A window of 1 MiB is kept of each view, doubled as it grows, and its times; a
// record of 1.25 MiB.
#define MEMORY_MAX ((size_t)24 << 20)

static size_t allocated(void)
{
    struct mallinfo2 m = mallinfo2();
    return m.uordblks + m.hblkhd;
}

// CONSOLE_STREAM_MB: as much as one likes.
static size_t megabytes(void)
{
    const char *more = getenv("CONSOLE_STREAM_MB");
    return more ? (size_t)strtoul(more, NULL, 10) : 100;
}

// What a guest prints, about 64 KiB: lines, kernel messages that cut some of
// them, colours, a progress bar, bytes of all kinds.
static size_t make_piece(uint8_t *piece, size_t room, uint64_t *random)
{
    size_t n = 0;
    while (n + 200 < room) {
        char line[200];
        int len = 0;
        unsigned value = (unsigned)below(random, 1000000);
        switch (below(random, 5)) {
        case 0:
            len = sprintf(line, "[%5u.%06u] usb 1-1: device %u\r\n",
                          value % 100000, value, value);
            break;
        case 1:
            len = sprintf(
                line, "  CC [M]  drivers/net/%u.o[ 1234.567890] x\r\n", value);
            break;
        case 2:
            len = sprintf(line, "\r\033[32m%3u%%\033[0m [####   ] %u kB",
                          value % 100, value);
            break;
        case 3:
            len = sprintf(line, "\xc3\xa9t\xc3\xa9 \xff\xfe %u # \r\n", value);
            break;
        default:
            len = sprintf(line, "a line of a build, as long as they are %u\r\n",
                          value);
        }
        memcpy(piece + n, line, (size_t)len);
        n += (size_t)len;
    }
    return n;
}

static void expect_match(struct matcher *m, const struct pattern *p,
                         uint64_t now_ns)
{
    struct match match;
    struct error err = {""};
    enum match_status status = matcher_look(m, &p, 1, now_ns, &match, &err);
    cr_assert_eq(status, MATCH_FOUND, "%s", err.text);
}

Test(console_stream, memory_is_bounded, .timeout = 600)
{
    enum { PIECE = 65536 };
    struct error err = {""};
    struct pattern *begin = must_compile("^BEGIN$", PATTERN_MULTILINE);
    struct pattern *end = must_compile("^END (\\d+)\\n", PATTERN_MULTILINE);
    struct pattern *fail = must_compile("Kernel panic - not syncing", 0);
    struct matcher *m = matcher_new(NULL, &err);
    struct watch *w = watch_new(&err);
    struct console_record *record = console_record_new(0, 0, &err);
    uint8_t *piece = malloc(PIECE);
    cr_assert(m && w && record && piece);
    cr_assert_eq(watch_add_fail(w, fail, &err), 0);
    size_t before = allocated();
    uint64_t random = 99;
    uint64_t ns = 1000 * MS;

    feed_text(m, "BEGIN\n", ns);
    expect_match(m, begin, ns + 1000 * MS);
    const struct pattern *list[] = {end};
    struct match match;
    for (size_t fed = 0; fed < megabytes() << 20;) {
        struct stamp stamp = {0, ns += MS};
        size_t n = make_piece(piece, PIECE, &random);
        struct watch_hit hit;
        matcher_feed(m, piece, n, &stamp, 1);
        console_record_feed(record, piece, n, &stamp, 1);
        cr_assert_not(watch_feed(w, piece, n, &stamp, 1, &hit));
        cr_assert_eq(matcher_look(m, list, 1, ns, &match, &err), MATCH_PENDING,
                     "%s", err.text);
        fed += n;
        size_t used = allocated();
        cr_assert_lt(used < before ? 0 : used - before, MEMORY_MAX,
                     "after %zu bytes", fed);
    }
    feed_text(m, "\nEND 5\n", ns += MS);
    expect_match(m, end, ns + 1000 * MS);
    matcher_free(m);
    watch_free(w);
    console_record_free(record);
    pattern_free(begin);
    pattern_free(end);
    pattern_free(fail);
    free(piece);
}
