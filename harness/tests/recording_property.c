// SPDX-License-Identifier: Apache-2.0
// The recordings of real guests in fixtures/recordings: a replay gives what the
// recorded run gave, however its bytes are cut.
#include "harness/scenario/scenario.h"
#include "harness/tests/recording_util.h"

#include <glob.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

// Every recording that is there, by its name.
static glob_t recordings(void)
{
    glob_t found;
    cr_assert_eq(
        glob(TEST_SOURCE_DIR "/fixtures/recordings/*.tvr", 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        char *name = strrchr(found.gl_pathv[i], '/') + 1;
        *strrchr(name, '.') = '\0';
        memmove(found.gl_pathv[i], name, strlen(name) + 1);
    }
    return found;
}

static const char *fixture(const char *name, const char *suffix)
{
    static char path[512];
    snprintf(path, sizeof(path), "%s/fixtures/recordings/%s.%s",
             TEST_SOURCE_DIR, name, suffix);
    return path;
}

static struct scenario *load(const char *name)
{
    struct diagnostics diags = {0};
    struct error err = {""};
    struct scenario *s = NULL;
    int code = scenario_load(fixture(name, "tc"), NULL, 0, &s, &diags, &err);
    cr_assert_eq(code, 0, "%s: %s %s", name, err.text,
                 diags.count ? diags.list[0].message : "");
    diagnostics_free(&diags);
    return s;
}

static void replay(const char *name, const struct scenario *s,
                   struct tape_options tape, struct result *r)
{
    struct replay_options o = {
        .scenario = s, .path = fixture(name, "tvr"), .tape = tape};
    result_init(r);
    cr_assert_eq(replay_run(&o, r), 0);
}

static char *coarse(const char *name, const struct scenario *s,
                    struct tape_options tape)
{
    struct result r;
    replay(name, s, tape, &r);
    char *text = result_text(&r, false);
    result_free(&r);
    return text;
}

// "file:line:column" without the folders, which depend on who recorded it.
static const char *file_of(const char *where)
{
    const char *slash = where ? strrchr(where, '/') : NULL;
    return slash ? slash + 1 : where ? where : "";
}

// A recording outlives the wording of messages and how long a report reads on
// after a death: those are compared where one program records and replays.
static void compare(const char *name, const struct result *then,
                    const struct result *now)
{
    cr_assert_eq(then->verdict, now->verdict, "%s: %s", name, now->message);
    cr_assert_str_eq(then->kind ? then->kind : "", now->kind ? now->kind : "",
                     "%s", name);
    cr_assert_str_eq(file_of(then->where), file_of(now->where), "%s", name);
    cr_assert_eq(then->nmarks, now->nmarks, "%s", name);
    for (size_t i = 0; i < now->nmarks; i++) {
        const struct result_mark *a = &then->marks[i], *b = &now->marks[i];
        cr_assert_str_eq(a->name, b->name, "%s", name);
        cr_assert(a->wall_ns == b->wall_ns && a->cpu_ns == b->cpu_ns &&
                      a->exits == b->exits,
                  "%s: mark %s: %" PRIu64 " then, %" PRIu64 " now", name,
                  a->name, a->wall_ns, b->wall_ns);
    }
    for (size_t i = 0; i < now->nnotes; i++)
        cr_assert_null(strstr(now->notes[i].text, "record"), "%s: %s", name,
                       now->notes[i].text);
}

// To the nanosecond, against what the recorded run wrote at its end.
Test(recording_property, replays_give_the_recorded_result)
{
    glob_t found = recordings();
    for (size_t i = 0; i < found.gl_pathc; i++) {
        const char *name = found.gl_pathv[i];
        struct result r;
        struct record unused;
        struct scenario *s = load(name);
        struct recording_reader *reader =
            recording_open(fixture(name, "tvr"), NULL, NULL);
        cr_assert_not_null(reader, "%s", name);
        while (recording_next(reader, &unused))
            ;
        cr_assert_null(recording_cut(reader), "%s", name);
        cr_assert(recording_info(reader)->has_verdict);
        replay(name, s, (struct tape_options){0}, &r);
        compare(name, &recording_info(reader)->run, &r);
        result_free(&r);
        recording_close(reader);
        scenario_free(s);
    }
    globfree(&found);
}

static unsigned rounds(unsigned usual)
{
    const char *more = getenv("RECORDING_PROPERTY_ROUNDS");
    return more ? (unsigned)strtoul(more, NULL, 10) : usual;
}

static void same(const char *name, const struct scenario *s,
                 const char *expected, struct tape_options tape)
{
    char *got = coarse(name, s, tape);
    cr_assert_str_eq(got, expected,
                     "%s in pieces of %zu, seed %" PRIu64 ", cut at %" PRIu64,
                     name, tape.max_piece, tape.random, tape.cut_at);
    free(got);
}

Test(recording_property, random_pieces, .timeout = 900)
{
    glob_t found = recordings();
    for (size_t i = 0; i < found.gl_pathc; i++) {
        const char *name = found.gl_pathv[i];
        struct scenario *s = load(name);
        char *expected = coarse(name, s, (struct tape_options){0});
        for (size_t piece = 1; piece <= 8; piece++)
            same(name, s, expected, (struct tape_options){.max_piece = piece});
        for (unsigned n = 1; n <= rounds(40); n++)
            same(name, s, expected,
                 (struct tape_options){.max_piece = 1 + n % 97, .random = n});
        free(expected);
        scenario_free(s);
    }
    globfree(&found);
}

// So far apart are the cuts where there are many.
#define COMB 64

// The splits are there: a test that cuts nothing proves nothing.
Test(recording_property, pieces_are_as_asked)
{
    static struct console_batch b;
    static const struct tape_options ways[] = {
        {.max_piece = 3},
        {.max_piece = 5, .random = 7},
        {.cut_at = 100},
        {.cut_at = 100, .cut_every = COMB}};
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        struct error err = {""};
        uint64_t ns, at = 0;
        bool cut = false;
        unsigned teeth = 0;
        struct tape *t =
            tape_new(recording_open(fixture("secret", "tvr"), NULL, NULL),
                     &ways[i], &err);
        cr_assert_not_null(t, "%s", err.text);
        while (!tape_ran_out(t, &ns)) {
            uint64_t never = UINT64_MAX - 1;
            cr_assert_eq(console_read(tape_console(t), &b, never, &err), 0);
            cr_assert(!ways[i].max_piece || b.len <= ways[i].max_piece);
            cr_assert(!ways[i].cut_every || at < 100 || b.len <= COMB);
            at += b.kind == CONSOLE_BYTES ? b.len : 0;
            cut |= at == 100;
            teeth += at > 100 && (at - 100) % COMB == 0;
        }
        cr_assert(cut || !ways[i].cut_at);
        cr_assert(!ways[i].cut_every || teeth >= (at - 100) / COMB);
        tape_free(t);
    }
}

static uint64_t total_bytes(const char *name)
{
    uint64_t n = 0;
    struct record r;
    struct recording_reader *reader =
        recording_open(fixture(name, "tvr"), NULL, NULL);
    while (recording_next(reader, &r))
        n += r.kind == RECORD_BYTES ? r.len : 0;
    recording_close(reader);
    return n;
}

// A sanitizer makes each replay ten times as long.
#ifdef __SANITIZE_ADDRESS__
#define SPLIT_STEP 29
#else
#define SPLIT_STEP 7
#endif

// Each recording cut at each of its bytes, with some cuts in a replay; and in
// two, at some of them.
Test(recording_property, every_split, .timeout = 900)
{
    glob_t found = recordings();
    for (size_t i = 0; i < found.gl_pathc; i++) {
        const char *name = found.gl_pathv[i];
        struct scenario *s = load(name);
        char *expected = coarse(name, s, (struct tape_options){0});
        uint64_t len = total_bytes(name);
        for (uint64_t at = 1; at <= COMB; at++)
            same(name, s, expected,
                 (struct tape_options){.cut_at = at, .cut_every = COMB});
        for (uint64_t at = 1; at < len; at += SPLIT_STEP)
            same(name, s, expected, (struct tape_options){.cut_at = at});
        free(expected);
        scenario_free(s);
    }
    globfree(&found);
}
