// SPDX-License-Identifier: Apache-2.0
// The room's door: reads the file, checks that it is text, has it parsed and
// checked.
#include "harness/scenario/check.h"
#include "harness/scenario/utf8.h"
#include "src/base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SCENARIO_MAX_BYTES ((size_t)4 << 20)
// A tree is at most this large: some hundred times the text it is made of.
#define TREE_MAX_BYTES ((size_t)512 << 20)

#define DEFAULT_TIMEOUT_NS      (120 * NS_PER_S)
#define DEFAULT_STEP_TIMEOUT_NS (30 * NS_PER_S)

// ---- Text
// -----------------------------------------------------------------------

// The text with its byte order mark dropped and lines ended by \n.
static char *normalize(struct arena *arena, const char *text, size_t *len)
{
    size_t n = 0, at = 0;
    if (*len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
        at = 3;
    char *out = arena_alloc(arena, *len + 1);
    for (; at < *len; at++)
        if (text[at] != '\r' || at + 1 == *len || text[at + 1] != '\n')
            out[n++] = text[at];
    *len = n;
    return out;
}

static void report_character(struct diag *d, struct source_pos pos,
                             const char *at, bool valid)
{
    unsigned char c = (unsigned char)*at;
    if (!valid)
        diag_error(d, pos, 1, "save the file as UTF-8",
                   "byte 0x%02x: this is not UTF-8", c);
    else if (!c)
        diag_error(d, pos, 1, NULL, "a NUL character in the scenario");
    else if (c == '\r')
        diag_error(d, pos, 1, "lines end in \\n or \\r\\n",
                   "a carriage return inside of a line");
    else
        diag_error(d, pos, 1,
                   "in a text or a pattern, write it as an escape: \\xHH",
                   "a control character, 0x%02x", c);
}

// Reports the first wrong character of each line.
static void check_characters(struct diag *d, const char *text, size_t len)
{
    struct source_pos pos = {d->file, 1, 1};
    unsigned bad_line = 0;
    for (size_t at = 0; at < len;) {
        uint32_t c = 0;
        size_t n = utf8_decode(text + at, len - at, &c);
        bool control = (c < 0x20 && c != '\t' && c != '\n') || c == 0x7f;
        if ((!n || control) && bad_line != pos.line) {
            bad_line = pos.line;
            report_character(d, pos, text + at, n != 0);
        }
        pos.column++;
        if (n && c == '\n') {
            pos.line++;
            pos.column = 1;
        }
        at += n ? n : 1;
    }
}

// ---- Parsing
// --------------------------------------------------------------------

static void parse(struct scenario *sc, struct arena *arena, struct diag *d,
                  const char *text, size_t len,
                  const struct override *overrides, size_t noverrides)
{
    d->source = "";
    char *source = normalize(arena, text, &len);
    d->source = source;
    check_characters(d, source, len);
    if (d->errors)
        return;
    struct parser p = {
        .lx = lexer_new(sc->path, source, arena),
        .arena = arena,
        .diags = d,
        .sc = sc,
    };
    parse_file(&p);
    if (!diag_full(d))
        check_scenario(&p, overrides, noverrides);
}

int scenario_parse(const char *path, const char *text, size_t len,
                   const struct override *overrides, size_t noverrides,
                   struct scenario **out, struct diagnostics *diags,
                   struct error *err)
{
    *out = NULL;
    memset(diags, 0, sizeof(*diags));
    if (len > SCENARIO_MAX_BYTES)
        return error_set(err, -EFBIG,
                         "%s: larger than %zu MiB: this is not a scenario",
                         path, SCENARIO_MAX_BYTES >> 20);
    if (!len)
        return error_set(err, -ENODATA, "%s: the file is empty", path);

    // Both arenas jump back here when memory is out. Nothing that is changed
    // after setjmp and read after a jump is a local variable.
    jmp_buf on_failure;
    struct arena *tree = arena_new(TREE_MAX_BYTES);
    struct arena *words = arena_new(TREE_MAX_BYTES);
    if (!tree || !words || setjmp(on_failure)) {
        arena_free(tree);
        arena_free(words);
        return error_set(err, -ENOMEM,
                         "%s: out of memory, or too large a scenario", path);
    }
    arena_on_failure(tree, &on_failure);
    arena_on_failure(words, &on_failure);

    struct scenario *sc = arena_alloc(tree, sizeof(*sc));
    sc->arena = tree;
    sc->path = arena_string(tree, path);
    sc->timeout_ns = DEFAULT_TIMEOUT_NS;
    sc->step_timeout_ns = DEFAULT_STEP_TIMEOUT_NS;
    struct diag d = {.arena = words};
    d.file = arena_string(words, path);
    parse(sc, tree, &d, text, len, overrides, noverrides);
    diag_finish(&d, diags);

    if (diags->errors) {
        arena_free(tree);
        return error_set(err, -EINVAL, "%s: %zu error%s", path, diags->errors,
                         diags->errors == 1 ? "" : "s");
    }
    *out = sc;
    return 0;
}

void scenario_free(struct scenario *s)
{
    if (s)
        arena_free(s->arena);
}

// ---- Files
// ----------------------------------------------------------------------

// Reads all of fd, at most SCENARIO_MAX_BYTES + 1. A heap block, or NULL with
// errno set.
static char *read_all(int fd, size_t *len)
{
    size_t room = (size_t)64 * 1024;
    char *text = malloc(room);
    *len = 0;
    while (text && *len <= SCENARIO_MAX_BYTES) {
        if (*len == room) {
            char *more = realloc(text, room * 2);
            if (!more)
                break;
            text = more;
            room *= 2;
        }
        ssize_t n = read(fd, text + *len, room - *len);
        if (n == 0)
            return text;
        if (n > 0)
            *len += (size_t)n;
        else if (errno != EINTR)
            break;
    }
    if (text && *len > SCENARIO_MAX_BYTES)
        return text;
    int saved = errno;
    free(text);
    errno = saved;
    return NULL;
}

int scenario_load(const char *path, const struct override *overrides,
                  size_t noverrides, struct scenario **out,
                  struct diagnostics *diags, struct error *err)
{
    struct stat st;
    *out = NULL;
    memset(diags, 0, sizeof(*diags));
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_errno(err, errno, "%s: can't open the scenario", path);
    if (!fstat(fd, &st) && S_ISDIR(st.st_mode)) {
        close(fd);
        return error_set(err, -EISDIR,
                         "%s: this is a directory, not a scenario", path);
    }
    size_t len;
    char *text = read_all(fd, &len);
    int failure = errno;
    close(fd);
    if (!text)
        return error_errno(err, failure, "%s: can't read the scenario", path);
    int code =
        scenario_parse(path, text, len, overrides, noverrides, out, diags, err);
    free(text);
    return code;
}
