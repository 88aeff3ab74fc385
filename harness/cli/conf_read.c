// SPDX-License-Identifier: Apache-2.0
// The lines and blocks of toyvmm.conf, read by the table of the options. See
// conf.h.
#include "harness/cli/conf_internal.h"

#include "harness/scenario/nearest.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

// Where a line stands: block NULL is outside of blocks. seen: the line of the
// file on which each row was given there; 0: not yet.
struct place {
    struct conf_block *block;
    unsigned seen[OPTIONS_MOST];
};

void conf_folder(const struct conf *c, char *out, size_t size)
{
    const char *slash = strrchr(c->path, '/');
    snprintf(out, size, "%.*s", slash ? (int)(slash + 1 - c->path) : 0,
             c->path);
}

// ---- Names ------------------------------------------------------------------

static void wrong_name(struct conf_words *w, const struct conf_word *word,
                       unsigned where)
{
    const char *name = word->value;
    char hint[128];
    size_t count, len = strcspn(name, "=:");
    const struct row *rows = options_rows(&count);
    struct nearest n = nearest_to(name, strlen(name));
    for (size_t i = 0; i < count; i++) {
        if (!(rows[i].conf & where))
            continue;
        nearest_offer(&n, rows[i].name);
        if (strlen(rows[i].name) == len && name[len] &&
            !strncmp(rows[i].name, name, len)) {
            snprintf(hint, sizeof(hint), "a blank stands between: `%s %s`",
                     rows[i].name, rows[i].metavar ? rows[i].metavar : "");
            conf_wrong(w, word, hint, "unknown option `%.100s`", name);
            return;
        }
    }
    if (where == CONF_DEFAULT)
        nearest_offer(&n, "for");
    snprintf(hint, sizeof(hint), "did you mean `%s`?", n.best ? n.best : "");
    conf_wrong(w, word, n.best ? hint : NULL, "unknown option `%.100s`", name);
}

// An option that is one, but not here.
static void misplaced(struct conf_words *w, const struct conf_word *word,
                      const struct row *row)
{
    char hint[128];
    snprintf(hint, sizeof(hint), "give --%s on the command line", row->name);
    if (row->conf & CONF_DEFAULT)
        conf_wrong(w, word, "put it in front of the blocks, or behind them",
                   "`%s` is for all scenarios, not for a block", row->name);
    else if (row->conf & CONF_NEVER)
        conf_wrong(w, word, hint,
                   "`%s` is never taken from a file: who runs this decides",
                   row->name);
    else
        conf_wrong(w, word, hint, "`%s` has no default: it is of one run",
                   row->name);
}

// The row that a word names here, or NULL after telling.
static const struct row *
find(struct conf_words *w, const struct conf_word *word, const struct place *p)
{
    unsigned where = p->block ? CONF_BLOCK : CONF_DEFAULT;
    const char *bare = word->value + strspn(word->value, "-");
    const struct row *row = options_row(word->value);
    const struct row *dashed = bare > word->value ? options_row(bare) : NULL;
    if (row && row->conf & where)
        return row;
    if (row)
        misplaced(w, word, row);
    else if (dashed)
        conf_wrong(w, word, NULL,
                   "options have no dashes in this file: write `%s`", bare);
    else
        wrong_name(w, word, where);
    return NULL;
}

// ---- Values -----------------------------------------------------------------

// Whether what is written there stays below the file's folder, by any link.
static bool is_inside(const struct conf *c, const char *path, const char *value)
{
    char folder[PATH_MAX], home[PATH_MAX], parent[PATH_MAX], where[PATH_MAX];
    struct stat st;
    if (*value == '/' || !*value || !strcmp(value, "-") ||
        strstr(value, "://") || strlen(path) >= PATH_MAX)
        return false;
    for (const char *at = value; *at; at += strcspn(at, "/"), at += *at == '/')
        if (!strncmp(at, "..", 2) && (!at[2] || at[2] == '/'))
            return false;
    conf_folder(c, folder, sizeof(folder));
    snprintf(parent, sizeof(parent), "%s", path);
    char *slash = strrchr(parent, '/');
    if (slash)
        *slash = '\0';
    // A link would be written through.
    if (!lstat(path, &st) && S_ISLNK(st.st_mode))
        return false;
    if (!realpath(*folder ? folder : ".", home) ||
        !realpath(slash ? parent : ".", where))
        return errno == ENOENT; // nothing can be written there
    size_t len = strlen(home);
    return !strncmp(home, where, len) && (!where[len] || where[len] == '/');
}

// The path as seen from the working directory, owned by c. NULL: out of memory.
static char *from_here(struct conf *c, const char *value)
{
    char folder[PATH_MAX];
    char *path = NULL;
    conf_folder(c, folder, sizeof(folder));
    char **paths = reallocarray(c->paths, c->npaths + 1, sizeof(*paths));
    if (!paths)
        return NULL;
    c->paths = paths;
    if (asprintf(&path, "%s%s", *value == '/' ? "" : folder, value) < 0)
        return NULL;
    return paths[c->npaths++] = path;
}

// Of "--jobs 0: give a number": what stands behind the value.
static const char *cure(const char *sentence, const char *value)
{
    const char *at = strstr(sentence, value);
    at = at ? strstr(at + strlen(value), ": ") : NULL;
    return at ? at + 2 : sentence;
}

static int take_value(struct conf *c, const struct row *row,
                      const struct conf_word *word, struct options *into,
                      char **value)
{
    struct error err = {""};
    char hint[96];
    *value = word->value;
    if (row->conf & (CONF_READ | CONF_WRITTEN))
        *value = from_here(c, word->value);
    if (!*value)
        return -ENOMEM;
    if (row->conf & CONF_WRITTEN && !is_inside(c, *value, word->value)) {
        snprintf(hint, sizeof(hint), "give --%s on the command line",
                 row->name);
        conf_wrong(&c->words, word, hint,
                   "`%s` of this file writes below its folder only", row->name);
        return 0;
    }
    int code = row->take(into, row, *value, &err);
    if (code == -ENOMEM)
        return code;
    if (code)
        conf_wrong(&c->words, word, cure(err.text, *value),
                   "`%.100s` is no value of `%s`", word->value, row->name);
    return 0;
}

// ---- Lines ------------------------------------------------------------------

static int add_line(struct conf *c, const struct row *row, char *value,
                    unsigned line)
{
    struct conf_line *lines =
        reallocarray(c->lines, c->nlines + 1, sizeof(*lines));
    if (!lines)
        return -ENOMEM;
    c->lines = lines;
    lines[c->nlines++] = (struct conf_line){row, value, line};
    return 0;
}

// A name of `set` may come once, every other option, too.
static unsigned earlier(const struct conf *c, const struct place *p,
                        const struct row *row, const char *value)
{
    size_t count, len = strcspn(value, "=");
    if (row->take != take_set)
        return p->seen[row - options_rows(&count)];
    for (size_t i = 0; i < c->nlines; i++) {
        if (c->lines[i].row == row && !strncmp(c->lines[i].value, value, len) &&
            c->lines[i].value[len] == '=')
            return c->lines[i].line;
    }
    return 0;
}

// A value may follow: what is behind it, *word is then. 0 or -ENOMEM.
static int read_option(struct conf *c, struct place *p, struct conf_word *word)
{
    struct conf_words *w = &c->words;
    const struct conf_word name = *word;
    const struct row *row = find(w, word, p);
    struct options scratch = {.timeout_ns = 0};
    struct options *into = p->block ? &p->block->values : &scratch;
    char *value = NULL;
    size_t count;
    int code = 0;
    if (row && row->metavar)
        *word = conf_next(w);
    if (!row || word->kind == CONF_BAD) {
        if (!p->block)
            conf_skip_line(w, &name);
        do
            *word = conf_next(w);
        while (word->kind == CONF_WORD || word->kind == CONF_TEXT);
        return 0;
    }
    bool has = word->kind == CONF_WORD || word->kind == CONF_TEXT;
    if (row->metavar && !has) {
        conf_wrong(w, &name, NULL, "`%s` needs a value: %s", row->name,
                   row->metavar);
        return 0;
    }
    unsigned before = earlier(c, p, row, word->value);
    if (before)
        conf_wrong(w, &name, "make one of the two", "`%s` has line %u already",
                   row->name, before);
    if (row->metavar)
        code = take_value(c, row, word, into, &value);
    p->seen[row - options_rows(&count)] = name.line;
    if (p->block)
        options_set_given(into, row);
    else if (!code)
        code = add_line(c, row, value, name.line);
    options_free(&scratch);
    *word = conf_next(w);
    return code;
}

// ---- Blocks -----------------------------------------------------------------

static int read_lines(struct conf *c, const struct conf_word *opening,
                      struct conf_block *block)
{
    struct conf_words *w = &c->words;
    struct place p = {.block = block};
    struct conf_word word = conf_next(w);
    int code = 0;
    while (!code && word.kind != CONF_CLOSE) {
        bool nested = word.kind == CONF_WORD && !strcmp(word.value, "for");
        if (nested || word.kind == CONF_END) {
            conf_wrong(w, opening, "a `}` ends it", "this block has no end");
            // What follows is read as if it had one.
            if (nested)
                w->at = word.begin;
            return 0;
        }
        if (word.kind == CONF_WORD) {
            code = read_option(c, &p, &word);
            continue;
        }
        if (word.kind != CONF_NEWLINE && word.kind != CONF_BAD)
            conf_wrong(w, &word, NULL, "an option's name is expected here");
        word = conf_next(w);
    }
    return code;
}

static int read_block(struct conf *c, const struct conf_word *opening)
{
    struct conf_words *w = &c->words;
    struct conf_word glob = conf_next(w);
    if (glob.kind != CONF_WORD && glob.kind != CONF_TEXT) {
        if (glob.kind != CONF_BAD)
            conf_wrong(w, opening, "as in `for \"boot*\" { retries 3 }`",
                       "`for` is followed by a name, path or title");
        conf_skip_line(w, opening);
        return 0;
    }
    struct conf_word brace = conf_next(w);
    if (brace.kind != CONF_OPEN) {
        if (brace.kind != CONF_BAD)
            conf_wrong(w, &brace, "as in `for \"boot*\" { retries 3 }`",
                       "a `{` is expected here");
        conf_skip_line(w, opening);
        return 0;
    }
    struct conf_block *blocks =
        reallocarray(c->blocks, c->nblocks + 1, sizeof(*blocks));
    if (!blocks)
        return -ENOMEM;
    c->blocks = blocks;
    struct conf_block *block = &blocks[c->nblocks++];
    *block = (struct conf_block){.glob = glob.value, .line = opening->line};
    return read_lines(c, opening, block);
}

static int read_all(struct conf *c)
{
    struct conf_words *w = &c->words;
    struct place p = {.block = NULL};
    struct conf_word word = conf_next(w);
    int code = 0;
    while (!code && word.kind != CONF_END) {
        struct conf_word first = word;
        if (word.kind == CONF_WORD && !strcmp(word.value, "for")) {
            code = read_block(c, &word);
            word = conf_next(w);
            continue;
        }
        if (word.kind == CONF_WORD) {
            code = read_option(c, &p, &word);
            if (word.kind == CONF_NEWLINE || word.kind == CONF_END ||
                word.kind == CONF_BAD || word.line != first.line)
                continue;
            conf_wrong(w, &word, "a line has one option",
                       "`%.*s` is too much here", (int)(word.end - word.begin),
                       word.begin);
        } else if (word.kind == CONF_CLOSE) {
            conf_wrong(w, &word, NULL, "this ends no block");
        } else if (word.kind != CONF_NEWLINE && word.kind != CONF_BAD) {
            conf_wrong(w, &word, NULL, "an option's name is expected here");
        }
        if (word.kind != CONF_NEWLINE && word.kind != CONF_CLOSE)
            conf_skip_line(w, &word);
        word = conf_next(w);
    }
    return code;
}

int conf_read(struct conf *c, FILE *log, struct error *err)
{
    int code = conf_words_open(&c->words, c->path, log, err);
    if (code)
        return code;
    code = read_all(c);
    return code ? error_set(err, code, "out of memory") : 0;
}
