// SPDX-License-Identifier: Apache-2.0
// libFuzzer target for the console: any pattern on any bytes, byte by byte and
// at once, must say the same; nothing may crash or hang. Built with
// -DTOYVMM_FUZZERS=ON; a corpus to begin with is fixtures/consoles.
#include "harness/console/matcher.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MATCHES 8

struct seen {
    enum match_status status;
    size_t n;
    struct {
        bool lifted;
        uint64_t start_ns, end_ns, decided_ns;
        size_t len, before;
    } match[MATCHES];
};

// Half of the bytes come 60 ms after the byte before them has this value.
static uint64_t next_ns(const uint8_t *bytes, size_t i, uint64_t ns)
{
    return ns + (i && bytes[i - 1] == '~' ? 60000000 : 1000);
}

static void look(struct matcher *m, const struct pattern *p, uint64_t now_ns,
                 struct seen *seen)
{
    struct match match;
    struct error err;
    while (seen->n < MATCHES && seen->status != MATCH_LIMIT) {
        seen->status = matcher_look(m, &p, 1, now_ns, &match, &err);
        if (seen->status != MATCH_FOUND) {
            return;
        }
        seen->match[seen->n].lifted = match.lifted;
        seen->match[seen->n].start_ns = match.start_ns;
        seen->match[seen->n].end_ns = match.end_ns;
        seen->match[seen->n].decided_ns = match.decided_ns;
        seen->match[seen->n].len = match.all.len;
        seen->match[seen->n++].before = match.before.len;
    }
}

static struct seen play(const struct pattern *p, const uint8_t *bytes,
                        size_t size, bool at_once)
{
    struct error err;
    struct seen seen = {0};
    struct watch_hit hit;
    struct near_miss miss;
    struct matcher_options options = {.window = at_once ? 0 : 1 << 20};
    struct matcher *m = matcher_new(&options, &err);
    struct watch *w = watch_new(&err);
    struct stamp *stamps = calloc(size + 1, sizeof *stamps);
    if (!m || !w || !stamps || watch_add_fail(w, p, &err) < 0) {
        abort();
    }
    uint64_t ns = 1;
    for (size_t i = 0; i < size; i++) {
        ns = next_ns(bytes, i, ns);
        stamps[i] = (struct stamp){at_once ? (uint32_t)i : 0, ns};
        if (!at_once) {
            matcher_feed(m, bytes + i, 1, stamps + i, 1);
            watch_feed(w, bytes + i, 1, stamps + i, 1, &hit);
            look(m, p, ns, &seen);
        }
    }
    if (at_once) {
        matcher_feed(m, bytes, size, stamps, size);
        watch_feed(w, bytes, size, stamps, size, &hit);
        look(m, p, ns, &seen);
    }
    look(m, p, ns + 1000000000, &seen);
    watch_tick(w, ns + 1000000000, &hit);
    matcher_near_miss(m, p, &miss);
    watch_free(w);
    matcher_free(m);
    free(stamps);
    return seen;
}

// The pattern is what stands before the first NUL.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *nul = size ? memchr(data, '\0', size) : NULL;
    if (!nul || size > 2000) {
        return 0;
    }
    struct error err;
    struct pattern *p =
        pattern_compile((const char *)data, (size_t)(nul - data),
                        (unsigned)size % 8, NULL, &err);
    if (!p) {
        return 0;
    }
    size_t len = size - (size_t)(nul - data) - 1;
    struct seen each = play(p, nul + 1, len, false);
    struct seen all = play(p, nul + 1, len, true);
    // Where a limit is hit, the rest is not looked at.
    if (each.status != MATCH_LIMIT && all.status != MATCH_LIMIT &&
        (each.n != all.n ||
         memcmp(each.match, all.match, sizeof each.match) != 0)) {
        abort();
    }
    pattern_free(p);
    return 0;
}
