// SPDX-License-Identifier: Apache-2.0
// Whatever the layout of a scenario: --format never changes what it means, nor
// its comments, and laying out what it made changes nothing. On all scenarios
// of the tree, as they are and with their layout shaken.
#include "harness/scenario/format.h"
#include "harness/scenario/parser.h"
#include "harness/tests/scenario_test.h"
#include "harness/tests/scenario_tree.h"

#include <ftw.h>
#include <sys/stat.h>

// Of each file. Sanitizers make each six times as long.
#ifdef __SANITIZE_ADDRESS__
#define SHAKES  10
#define DAMAGES 50
#else
#define SHAKES  40
#define DAMAGES 200
#endif

// ---- Reading ----------------------------------------------------------------

// The scenario's own text from memory, what it uses from the disk.
struct own_text {
    const char *text;
    size_t len;
};

static int read_own(void *owner, const char *path, bool used, size_t most,
                    struct file_text *out, struct error *err)
{
    const struct own_text *own = owner;
    if (used)
        return disk_read(NULL, path, used, most, out, err);
    out->bytes = malloc(own->len + 1);
    cr_assert(out->bytes);
    memcpy(out->bytes, own->text, own->len);
    out->len = own->len;
    return 0;
}

// The tree of a text, a heap string; NULL when it is no scenario.
static char *tree_of(const char *path, const char *text, size_t len)
{
    struct own_text own = {text, len};
    struct file_reader reader = {read_own, &own};
    struct scenario *s;
    struct diagnostics diags;
    struct error err;
    int code = scenario_read(path, &reader, NULL, 0, &s, &diags, &err);
    char *tree = code ? NULL : tree_text(s);
    diagnostics_free(&diags);
    scenario_free(s);
    return tree;
}

// ---- Tokens -----------------------------------------------------------------

struct tokens {
    struct arena *arena;
    const char *source;
    size_t count;
    const struct token *list;
};

static struct tokens tokens_of(const char *text, size_t len)
{
    jmp_buf on_failure;
    struct arena *arena = arena_new((size_t)1 << 28);
    cr_assert(arena);
    if (setjmp(on_failure))
        cr_assert_fail("out of memory");
    arena_on_failure(arena, &on_failure);
    char *copy = arena_copy(arena, text, len);
    struct file_text file = {.bytes = copy, .len = len};
    struct list tape = {0};
    struct diag d = {.arena = arena, .path = "t.tc"};
    struct scenario *sc = arena_alloc(arena, sizeof(*sc));
    sc->path = d.path;
    struct parser p = {.arena = arena, .diags = &d, .sc = sc, .tape = &tape};
    parse_scenario(&p, &file);
    return (struct tokens){arena, p.source->text, tape.count, tape.items};
}

static const char *gap_of(const struct tokens *t, size_t i, size_t *len)
{
    const char *from = i ? t->list[i - 1].end.at : t->source;
    const char *to = i < t->count ? t->list[i].begin.at : from + strlen(from);
    *len = (size_t)(to - from);
    return from;
}

// All comments without the blanks behind them, a line each.
static char *comments_of(const char *text, size_t len)
{
    struct tokens t = tokens_of(text, len);
    char *out = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&out, &size);
    cr_assert(f);
    for (size_t i = 0; i <= t.count; i++) {
        size_t n;
        const char *gap = gap_of(&t, i, &n);
        for (const char *at = gap; at < gap + n; at++) {
            if (*at != '#')
                continue;
            size_t comment = strcspn(at, "\n");
            const char *next = at + comment;
            while (strchr(" \t", at[comment - 1]))
                comment--;
            fprintf(f, "%.*s\n", (int)comment, at);
            at = next;
        }
    }
    fclose(f);
    arena_free(t.arena);
    return out;
}

// ---- Shaking ----------------------------------------------------------------

// The same numbers in every run.
static unsigned dice(uint64_t *state, unsigned sides)
{
    *state = *state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (unsigned)(*state >> 33) % sides;
}

static void put_blanks(FILE *f, uint64_t *state, unsigned least)
{
    unsigned n = dice(state, 4);
    for (n = n < least ? least : n; n; n--)
        fputc(dice(state, 5) ? ' ' : '\t', f);
}

// Ends a line, perhaps with a comment, and perhaps with more of both.
static void put_break(FILE *f, uint64_t *state)
{
    do {
        put_blanks(f, state, 0);
        if (!dice(state, 4))
            fprintf(f, " #%.*s", (int)dice(state, 14), " note { } / \" x  ");
        fputs(dice(state, 3) ? "\n" : "\r\n", f);
    } while (!dice(state, 3));
    put_blanks(f, state, 0);
}

// Between two tokens a line may begin behind `{`, in front of `}` and of its
// `else`, and where one begins already; it may not end in front of `}`.
static void put_gap(FILE *f, uint64_t *state, const struct tokens *t, size_t i)
{
    size_t len;
    const char *gap = gap_of(t, i, &len);
    bool lines = memchr(gap, '\n', len);
    bool edge = i == 0 || i == t->count;
    bool open = !edge && t->list[i - 1].kind == TOKEN_OPEN;
    bool close = !edge && t->list[i].kind == TOKEN_CLOSE;
    bool otherwise = !edge && t->list[i - 1].kind == TOKEN_CLOSE &&
                     token_is(&t->list[i], "else");
    bool free = open || close || otherwise;
    if (edge ? dice(state, 2) : free ? dice(state, 3) == 0 : lines)
        put_break(f, state);
    else
        put_blanks(f, state, len > 0);
}

static char *shake(const struct tokens *t, uint64_t *state, size_t *len)
{
    char *out = NULL;
    FILE *f = open_memstream(&out, len);
    cr_assert(f);
    if (!dice(state, 4))
        fputs("\xef\xbb\xbf", f);
    for (size_t i = 0; i <= t->count; i++) {
        put_gap(f, state, t, i);
        if (i == t->count)
            break;
        const struct token *token = &t->list[i];
        fwrite(token->begin.at, 1, (size_t)(token->end.at - token->begin.at),
               f);
    }
    fclose(f);
    return out;
}

// ---- The properties ---------------------------------------------------------

// path's text means tree: it does so laid out, too.
static void check_text(const char *path, const char *text, size_t len,
                       const char *tree)
{
    struct diagnostics diags;
    struct error err = {""};
    char *once, *twice;
    size_t nonce, ntwice;
    cr_assert_eq(scenario_format(path, text, len, &once, &nonce, &diags, &err),
                 0, "%s: %s:\n%s", path, err.text, text);
    diagnostics_free(&diags);
    char *meaning = tree_of(path, once, nonce);
    cr_assert(meaning, "%s:\n%s\ngives:\n%s", path, text, once);
    cr_assert_str_eq(meaning, tree, "%s:\n%s\ngives:\n%s", path, text, once);
    cr_assert_eq(
        scenario_format(path, once, nonce, &twice, &ntwice, &diags, &err), 0);
    diagnostics_free(&diags);
    cr_assert_str_eq(once, twice, "%s:\n%s\nthen:\n%s\nthen:\n%s", path, text,
                     once, twice);
    char *before = comments_of(text, len), *after = comments_of(once, nonce);
    cr_assert_str_eq(before, after, "%s:\n%s\ngives:\n%s", path, text, once);
    cr_assert_null(strstr(once, "\n\n\n"), "%s", once);
    free(before);
    free(after);
    free(meaning);
    free(once);
    free(twice);
}

// ---- Damage -----------------------------------------------------------------

// Takes a character out, puts one in, or puts another token's text in.
static char *damage(const struct tokens *t, uint64_t *state, size_t *len)
{
    static const char odd[] = "#{}/\"'\n\t =!<+-m\\$x0";
    size_t size = strlen(t->source);
    char *out = NULL;
    FILE *f = open_memstream(&out, len);
    cr_assert(f);
    size_t at = dice(state, (unsigned)size);
    const struct token *token = &t->list[dice(state, (unsigned)t->count)];
    fwrite(t->source, 1, at, f);
    switch (dice(state, 3)) {
    case 0:
        at++;
        break;
    case 1:
        fputc(odd[dice(state, sizeof(odd) - 1)], f);
        break;
    default:
        fwrite(token->begin.at, 1, (size_t)(token->end.at - token->begin.at),
               f);
        break;
    }
    fwrite(t->source + at, 1, size - at, f);
    fclose(f);
    return out;
}

// A damaged text is refused, or is one like any other.
static void check_damaged(const char *path, const char *text, size_t len)
{
    struct diagnostics diags;
    struct error err = {""};
    char *out;
    size_t n;
    char *tree = tree_of(path, text, len);
    int code = scenario_format(path, text, len, &out, &n, &diags, &err);
    cr_assert_eq(code == -EINVAL, diags.errors > 0, "%s", text);
    cr_assert(code == 0 || !tree, "a scenario is refused:\n%s", text);
    diagnostics_free(&diags);
    free(out);
    if (tree)
        check_text(path, text, len, tree);
    free(tree);
}

// ---- All files --------------------------------------------------------------

static size_t files;

static int check_file(const char *path, const struct stat *st, int flag,
                      struct FTW *ftw)
{
    (void)ftw;
    size_t end = strlen(path);
    if (flag != FTW_F || end < 3 || strcmp(path + end - 3, ".tc") != 0)
        return 0;
    FILE *f = fopen(path, "re");
    char *text = calloc(1, (size_t)st->st_size + 1);
    cr_assert(f && text, "%s", path);
    size_t len = fread(text, 1, (size_t)st->st_size, f);
    fclose(f);
    char *tree = tree_of(path, text, len);
    if (tree) {
        check_text(path, text, len, tree);
        struct tokens t = tokens_of(text, len);
        uint64_t state = ++files;
        for (size_t i = 0; i < SHAKES; i++) {
            size_t n;
            char *shaken = shake(&t, &state, &n);
            char *same = tree_of(path, shaken, n);
            cr_assert(same, "%s became no scenario:\n%s", path, shaken);
            cr_assert_str_eq(same, tree, "%s became:\n%s", path, shaken);
            check_text(path, shaken, n, tree);
            free(same);
            free(shaken);
        }
        for (size_t i = 0; t.count && i < DAMAGES; i++) {
            size_t n;
            char *damaged = damage(&t, &state, &n);
            check_damaged(path, damaged, n);
            free(damaged);
        }
        arena_free(t.arena);
    }
    free(tree);
    free(text);
    return 0;
}

Test(scenario_format, keeps_the_meaning_of_any_layout)
{
    static const char *const folders[] = {"testcases",
                                          "harness/tests/scenarios", "scripts"};
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        char path[512];
        snprintf(path, sizeof(path), "%s/%s", TEST_SOURCE_DIR, folders[i]);
        cr_assert_eq(nftw(path, check_file, 16, FTW_PHYS), 0, "%s", path);
    }
    cr_assert_gt(files, 15);
}
