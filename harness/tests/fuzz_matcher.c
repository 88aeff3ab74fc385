// SPDX-License-Identifier: Apache-2.0
// libFuzzer target for the matcher: any pattern on any bytes, byte by byte and
// at once, must say the same, and what one search of PCRE2's own over all of
// the text says; nothing may crash or hang. Built with -DTOYVMM_FUZZERS=ON; a
// corpus to begin with is fixtures/corpus/matcher.
//
// The pattern is what stands before the first NUL, its flags the lowest bits of
// the size.
#include "harness/console/near_miss.h"
#include "harness/console/pattern_exec.h"

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
    // An empty match may be decided before there is any text.
    if (!at_once) {
        look(m, p, ns, &seen);
    }
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
    matcher_near_miss(m, p, 64, &miss);
    watch_free(w);
    matcher_free(m);
    free(stamps);
    return seen;
}

// The filtered text, as a heap copy, when nothing in it can be a kernel message
// and no quiet moment is inside: then the first match is that of one search.
static char *plain_text(const uint8_t *bytes, size_t size, size_t *len)
{
    struct error err;
    struct matcher *m = matcher_new(&(struct matcher_options){0}, &err);
    struct stamp stamp = {0, 1};
    if (!m)
        abort();
    if (size)
        matcher_feed(m, bytes, size, &stamp, 1);
    struct text_span all = matcher_pending(m);
    bool plain = !memchr(bytes, '[', size) && !memchr(bytes, '<', size) &&
                 !memchr(bytes, '~', size);
    // Nor may it end in half a character, after which nothing is decided.
    for (size_t i = size < 3 ? 0 : size - 3; i < size; i++)
        plain = plain && bytes[i] < 0x80;
    char *copy = plain ? malloc(all.len + 1) : NULL;
    if (copy)
        memcpy(copy, all.text, all.len);
    *len = all.len;
    matcher_free(m);
    return copy;
}

// Without JIT, without partial matching, all at once.
static void check_first(const struct pattern *p, const uint8_t *bytes,
                        size_t size, const struct seen *seen)
{
    size_t len;
    char *text = plain_text(bytes, size, &len);
    struct pattern_scratch s = {0};
    struct error err;
    if (text && !pattern_scratch_init(&s, &err)) {
        int found = pcre2_match(p->code, (PCRE2_SPTR)text, len, 0, PCRE2_NO_JIT,
                                s.data, s.context);
        const PCRE2_SIZE *at = pcre2_get_ovector_pointer(s.data);
        // The end after a last newline begins no line: no empty match there.
        bool edge = found > 0 && at[0] == len && at[1] == len;
        bool limit = found < 0 && found != PCRE2_ERROR_NOMATCH;
        bool turned = found > 0 && at[0] > at[1]; // by \K in a lookahead
        if (!edge && !limit && !turned && (found > 0) != (seen->n > 0))
            abort();
        if (found > 0 && seen->n && !edge && !turned &&
            (seen->match[0].before != at[0] ||
             seen->match[0].len != at[1] - at[0]))
            abort();
    }
    pattern_scratch_free(&s);
    free(text);
}

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
    if (each.status != MATCH_LIMIT)
        check_first(p, nul + 1, len, &each);
    pattern_free(p);
    return 0;
}
