// SPDX-License-Identifier: Apache-2.0
// Valid scenarios, broken at random: whatever comes out, the reader ends, and
// says what is wrong or gives a tree. The sanitizers look on.
#include "harness/tests/scenario_test.h"

#include <stdint.h>

// Sanitizers make each ten times as long.
#ifdef __SANITIZE_ADDRESS__
#define ROUNDS 5000
#else
#define ROUNDS 20000
#endif

// xorshift64*: the same sequence everywhere.
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}

static size_t below(uint64_t *state, size_t limit)
{
    return limit ? (size_t)(next_random(state) % limit) : 0;
}

static const char *const seeds[] = {"good/everything.tc", "good/alpine.tc",
                                    "wrong/everything.tc"};

#define SCRAP(text)                                                            \
    {                                                                          \
        text, sizeof(text) - 1                                                 \
    }

static const struct {
    const char *text;
    size_t len;
} scraps[] = {
    SCRAP("{"),          SCRAP("}"),         SCRAP("\""),      SCRAP("'"),
    SCRAP("/"),          SCRAP("m{"),        SCRAP("${"),      SCRAP("${x}"),
    SCRAP("\\"),         SCRAP("\n"),        SCRAP("\r\n"),    SCRAP("#"),
    SCRAP("(?<n>"),      SCRAP("["),         SCRAP("=="),      SCRAP("within"),
    SCRAP("5s"),         SCRAP("999999"),    SCRAP("-1"),      SCRAP("0"),
    SCRAP("\xc3\xa9"),   SCRAP("\xff"),      SCRAP("\t"),      SCRAP("repeat"),
    SCRAP("if"),         SCRAP("else"),      SCRAP("expect"),  SCRAP("one"),
    SCRAP("mark"),       SCRAP("as"),        SCRAP("set x "),  SCRAP("\\x"),
    SCRAP("on ttyS1"),   SCRAP("use \"x\""), SCRAP("\\Q"),     SCRAP("[[:"),
    SCRAP("(?#"),        SCRAP("matrix x"),  SCRAP("timeout"), SCRAP("group"),
    SCRAP("allow oops"),
};

// Changes text (size bytes of room) in place; returns its new length.
static size_t mutate(char *text, size_t len, size_t size, uint64_t *state)
{
    for (size_t n = 1 + below(state, 4); n > 0; n--) {
        size_t at = below(state, len + 1), count = 1 + below(state, 30);
        size_t which = below(state, sizeof(scraps) / sizeof(scraps[0]));
        size_t grow = scraps[which].len;
        switch (below(state, 5)) {
        case 0: // cut a piece out
            if (count > len - at)
                count = len - at;
            memmove(text + at, text + at + count, len - at - count);
            len -= count;
            break;
        case 1: // put a scrap in
            if (len + grow > size)
                break;
            memmove(text + at + grow, text + at, len - at);
            memcpy(text + at, scraps[which].text, grow);
            len += grow;
            break;
        case 2: // change a byte
            if (at < len)
                text[at] = (char)next_random(state);
            break;
        case 3: // double a piece
            if (count > len - at)
                count = len - at;
            if (len + count > size)
                break;
            memmove(text + at + count, text + at, len - at);
            len += count;
            break;
        default: // cut the end off
            if (!below(state, 4))
                len = at;
            break;
        }
    }
    return len;
}

Test(scenario_mutations, always_an_answer, .timeout = 900)
{
    uint64_t state = 42;
    size_t good = 0, wrong = 0;
    for (size_t s = 0; s < sizeof(seeds) / sizeof(seeds[0]); s++) {
        size_t seed_len;
        char *seed = read_fixture_bytes(seeds[s], &seed_len);
        size_t size = seed_len + 1000;
        char *text = malloc(size);
        cr_assert(text);
        for (int round = 0; round < ROUNDS / 3; round++) {
            memcpy(text, seed, seed_len);
            size_t len = mutate(text, seed_len, size, &state);
            // A copy of the exact size, so that reading on is seen.
            char *exact = malloc(len ? len : 1);
            cr_assert(exact);
            memcpy(exact, text, len);
            struct parsed_text p = parse_bytes(exact, len);
            for (size_t i = 0; i < p.diags.count; i++) {
                const struct diagnostic *d = &p.diags.list[i];
                cr_assert(*d->message);
                cr_assert_geq(d->width, 1);
                char *shown = diagnostic_format(d);
                cr_assert(shown);
                free(shown);
            }
            good += p.code == 0;
            wrong += p.code == -EINVAL;
            parsed_free(&p);
            free(exact);
        }
        free(text);
        free(seed);
    }
    // Otherwise the mutations test only one side.
    cr_assert_gt(good, ROUNDS / 50);
    cr_assert_gt(wrong, ROUNDS / 4);
}
