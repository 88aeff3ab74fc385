// SPDX-License-Identifier: Apache-2.0
// The matcher against its slow model, and against itself with the input cut
// elsewhere: on random consoles and on every split of the recorded ones.
#include "harness/tests/console_model.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SETTLE (50 * MS)

// Of every kind: literals, alternatives, greedy and lazy ends, anchors,
// lookaround, backreferences, atomic groups, verbs, empty matches.
static const struct {
    const char *source;
    unsigned flags;
} pool[] = {
    {"login: $", 0},
    {"# $", 0},
    {"a", 0},
    {"ab|abab|b", 0},
    {"a+", 0},
    {"a+?", 0},
    {"a.*b", PATTERN_DOTALL},
    {"a.*?b$", PATTERN_DOTALL},
    {"^a", 0},
    {"^a", PATTERN_MULTILINE},
    {"^login", PATTERN_MULTILINE},
    {"b$", PATTERN_MULTILINE},
    {"^$", PATTERN_MULTILINE},
    {"^.*$", PATTERN_MULTILINE},
    {"foo(?=b)", 0},
    {"foo(?!b)", 0},
    {"(?<=o)b", 0},
    {"(?<!o)b", 0},
    {"\\bfoo\\b", 0},
    {"\\B.", 0},
    {"(a|b)\\1", 0},
    {"(?>a+)b", 0},
    {"(?<x>foo)|(?<y>login)", 0},
    {"LOGIN", PATTERN_CASELESS},
    {"\\R", 0},
    {"\\X$", 0},
    {"\xc3\xa9+", 0},
    {"[^a-z]{3,}", 0},
    {"random: .*\\n", 0},
    {"\\n(?!^)", PATTERN_MULTILINE},
    {"a(*COMMIT)b|c", 0},
    {"fo(*SKIP)o|b", 0},
    {"lo\\Kgin", 0},
    {"\\G[ab]", 0},
    {"$", 0},
    {"", 0},
    {"x*", 0},
    {"\\z", 0},
    {"a(*ACCEPT)b", 0},
    {"(?s)\\A.{5}", 0},
    {"o\\Z", 0},
    {"[[:punct:]] $", 0},
    {"(?m)^b|a$", 0},
    {"\\]\\s(\\w+)", 0},
    {"\\xef\\xbf\\xbd", 0},
    {"login:|gin: [^b]", 0},
};
#define POOL (sizeof pool / sizeof *pool)

static const char *const tokens[] = {
    "login: ",
    "# ",
    "[    1.234567] random: x\r\n",
    "[    1.2345",
    "\n",
    "\r\n",
    "\r",
    "a",
    "b",
    "ab",
    "foo",
    "\xc3\xa9",
    "\xff",
    "\xe2\x82",
    "\033[6n",
    "\033[1",
    "[",
    "<6>",
    "<6>[   12.345678][    T1] ",
    "[    2.000000] one\r\n[    2.000001] two\r\n[    2.000002] three\r\n",
    " ",
    "$",
    "gin",
    "lo",
    "o",
    "$ ",
    "] ",
};
#define TOKENS (sizeof tokens / sizeof *tokens)

static struct stream random_stream(uint64_t *random, size_t ntokens)
{
    struct stream s = {0};
    uint64_t ns = 1000 * MS;
    for (size_t i = 0; i < ntokens; i++) {
        const char *t = tokens[below(random, TOKENS)];
        for (; *t; t++) {
            size_t r = below(random, 24);
            ns += r < 2 ? 70 * MS : r < 4 ? 15 * MS : r < 10 ? MS : 0;
            stream_add(&s, t, 1, ns);
        }
    }
    return s;
}

// A few patterns for the n-th wait, the same for everybody.
#define MOST 3
static size_t patterns_for(struct pattern *const *all, uint64_t seed, size_t n,
                           const struct pattern **out)
{
    uint64_t random = seed + n * UINT64_C(0x9e3779b97f4a7c15) + 1;
    next_random(&random);
    size_t count = 1 + below(&random, MOST);
    for (size_t i = 0; i < count; i++) {
        out[i] = all[below(&random, POOL)];
    }
    return count;
}

// A log of what was matched, as text: easy to compare and to read.
struct journal {
    char *text;
    size_t len;
    FILE *file;
};

static void journal_open(struct journal *j)
{
    *j = (struct journal){0};
    j->file = open_memstream(&j->text, &j->len);
    cr_assert_not_null(j->file);
}

static void write_span(FILE *f, struct text_span s)
{
    fputc('"', f);
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.text[i];
        if (c < 32 || c >= 127) {
            fprintf(f, "\\x%02x", c);
        } else {
            fputc(c, f);
        }
    }
    fputs("\" ", f);
}

static void journal_match(struct journal *j, const struct match *m,
                          const char *source)
{
    fprintf(j->file, "%zu /%s/%s %lu..%lu decided %lu: ", m->index, source,
            m->lifted ? " lifted" : "", (unsigned long)m->start_ns,
            (unsigned long)m->end_ns, (unsigned long)m->decided_ns);
    write_span(j->file, m->before);
    for (size_t i = 0; i < m->ngroups; i++) {
        if (m->groups[i].text) {
            fprintf(j->file, "%zu=", i);
            write_span(j->file, m->groups[i]);
        }
    }
    fputc('\n', j->file);
}

// As many matches as there are, up to a limit (patterns may match nothing).
#define MATCHES 40

struct player {
    struct matcher *matcher;
    struct pattern *const *all;
    uint64_t seed;
    size_t matches;
    struct journal journal;
};

static void play_looks(struct player *p, uint64_t now_ns)
{
    const struct pattern *patterns[MOST];
    struct match match;
    struct error err = {""};
    while (p->matches < MATCHES) {
        size_t n = patterns_for(p->all, p->seed, p->matches, patterns);
        enum match_status status =
            matcher_look(p->matcher, patterns, n, now_ns, &match, &err);
        cr_assert_neq(status, MATCH_LIMIT, "%s", err.text);
        if (status == MATCH_PENDING) {
            return;
        }
        p->matches++;
        journal_match(&p->journal, &match,
                      pattern_source(patterns[match.index]));
    }
}

// Plays the stream in pieces that next() cuts; returns the journal's text.
static char *play(const struct stream *s, struct pattern *const *all,
                  uint64_t seed, size_t window, const size_t *cuts,
                  size_t ncuts, size_t piece)
{
    struct matcher_options options = {.window = window, .settle_ns = SETTLE};
    struct error err = {""};
    struct player p = {matcher_new(&options, &err), all, seed, 0, {0}};
    journal_open(&p.journal);
    size_t cut = 0;
    for (size_t at = 0; at < s->len;) {
        size_t to = piece ? at + piece : cut < ncuts ? cuts[cut++] : s->len;
        to = to < s->len ? to : s->len;
        if (to > at) {
            feed_matcher(p.matcher, s, at, to);
            play_looks(&p, s->ns[to - 1]);
            at = to;
        }
    }
    play_looks(&p, s->ns[s->len - 1] + 1000 * MS);
    fclose(p.journal.file);
    matcher_free(p.matcher);
    return p.journal.text;
}

static char *play_model(const struct stream *s, struct pattern *const *all,
                        uint64_t seed)
{
    struct model *m = model_new(s, SETTLE);
    struct journal j;
    journal_open(&j);
    const struct pattern *patterns[MOST];
    struct match match;
    for (size_t n = 0; n < MATCHES; n++) {
        size_t count = patterns_for(all, seed, n, patterns);
        if (!model_look(m, patterns, count, &match)) {
            break;
        }
        journal_match(&j, &match, pattern_source(patterns[match.index]));
        model_release(&match);
    }
    fclose(j.file);
    model_free(m);
    return j.text;
}

static void compile_pool(struct pattern **all)
{
    for (size_t i = 0; i < POOL; i++) {
        all[i] = must_compile(pool[i].source, pool[i].flags);
    }
}

static void free_pool(struct pattern **all)
{
    for (size_t i = 0; i < POOL; i++) {
        pattern_free(all[i]);
    }
}

static int rounds(int usual)
{
    const char *more = getenv("CONSOLE_PROPERTY_ROUNDS");
    return more ? (int)strtol(more, NULL, 10) : usual;
}

Test(console_property, agrees_with_the_model, .timeout = 900)
{
    struct pattern *all[POOL];
    compile_pool(all);
    uint64_t random = 0x123456789abcdef;
    int n = rounds(1500);
    for (int round = 0; round < n; round++) {
        struct stream s = random_stream(&random, 1 + below(&random, 25));
        uint64_t seed = next_random(&random);
        char *expected = play_model(&s, all, seed);
        for (int way = 0; way < 3; way++) {
            size_t piece = way == 0 ? 1 : way == 1 ? s.len : 0;
            size_t cuts[4];
            for (size_t i = 0; i < 4; i++) {
                cuts[i] = below(&random, s.len);
            }
            char *got = play(&s, all, seed, 0, cuts, 4, piece);
            cr_assert_str_eq(got, expected, "round %d, way %d\n%s\n%s", round,
                             way, got, expected);
            free(got);
        }
        free(expected);
        stream_free(&s);
    }
    free_pool(all);
}

// With a window that overflows all the time, what is seen is still the same.
Test(console_property, small_windows, .timeout = 900)
{
    struct pattern *all[POOL];
    compile_pool(all);
    uint64_t random = 0xfeedbeef;
    int n = rounds(300);
    for (int round = 0; round < n; round++) {
        struct stream s = random_stream(&random, 20 + below(&random, 200));
        uint64_t seed = next_random(&random);
        size_t window = 64 + below(&random, 64);
        char *expected = play(&s, all, seed, window, NULL, 0, 1);
        for (int way = 0; way < 3; way++) {
            size_t piece = 1 + below(&random, window);
            char *got = play(&s, all, seed, window, NULL, 0, piece);
            cr_assert_str_eq(got, expected,
                             "round %d, piece %zu, window %zu\n%s\n%s", round,
                             piece, window, got, expected);
            free(got);
        }
        free(expected);
        stream_free(&s);
    }
    free_pool(all);
}

// Plays a recording cut as told and compares.
static void compare_cuts(const char *name, const struct stream *s,
                         struct pattern *const *all, uint64_t seed,
                         const char *expected, const size_t *cuts, size_t ncuts)
{
    char *got = play(s, all, seed, 0, cuts, ncuts, 0);
    cr_assert_str_eq(got, expected, "%s cut at %zu, ...", name, cuts[0]);
    free(got);
}

#define RANDOM_WAYS 24
#define RANDOM_CUTS 6

// Byte by byte is right; then every way to cut it in two, or random ones.
static void play_recording(const char *name, struct pattern *const *all,
                           uint64_t *random, bool every)
{
    struct stream s = stream_recorded(name, 97);
    uint64_t seed = next_random(random);
    char *expected = play(&s, all, seed, 0, NULL, 0, 1);
    for (size_t cut = 0; every && cut <= s.len; cut++) {
        compare_cuts(name, &s, all, seed, expected, &cut, 1);
    }
    for (int way = 0; way < RANDOM_WAYS; way++) {
        size_t cuts[RANDOM_CUTS];
        for (size_t i = 0; i < RANDOM_CUTS; i++) {
            cuts[i] = below(random, s.len);
        }
        compare_cuts(name, &s, all, seed, expected, cuts, RANDOM_CUTS);
    }
    free(expected);
    stream_free(&s);
}

// Every *.raw of a folder of fixtures/consoles; in its subfolders, by random
// cuts alone: there are many.
static size_t play_folder(const char *folder, struct pattern *const *all,
                          uint64_t *random)
{
    char path[512];
    size_t n = 0;
    snprintf(path, sizeof path, TEST_SOURCE_DIR "/fixtures/consoles/%s",
             folder);
    DIR *d = opendir(path);
    cr_assert_not_null(d, "%s", path);
    for (struct dirent *e; (e = readdir(d));) {
        char name[400];
        size_t len = strlen(e->d_name);
        snprintf(name, sizeof name, "%s%s", folder, e->d_name);
        if (e->d_type == DT_DIR && *e->d_name != '.' && !*folder) {
            strcat(name, "/");
            n += play_folder(name, all, random);
        } else if (len > 4 && strcmp(e->d_name + len - 4, ".raw") == 0) {
            play_recording(name, all, random, !*folder);
            n++;
        }
    }
    closedir(d);
    return n;
}

Test(console_property, every_split_of_the_recordings, .timeout = 900)
{
    struct pattern *all[POOL];
    compile_pool(all);
    uint64_t random = 4711;
    cr_expect_geq(play_folder("", all, &random), 10U);
    free_pool(all);
}
