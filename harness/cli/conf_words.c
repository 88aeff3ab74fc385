// SPDX-License-Identifier: Apache-2.0
// The words of toyvmm.conf. See conf_words.h.
#include "harness/cli/conf_words.h"

#include "harness/scenario/scenario.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLANKS "\t\r "

// ---- The file ---------------------------------------------------------------

static int read_all(struct conf_words *w, int fd, struct error *err)
{
    struct stat st;
    size_t len = 0;
    ssize_t n;
    if (fstat(fd, &st) < 0)
        return error_set(err, -errno, "%s", strerror(errno));
    // Opening a pipe would wait for its writer.
    if (!S_ISREG(st.st_mode))
        return error_set(err, -EINVAL, "it is no regular file");
    w->text = calloc(CONF_MAX_BYTES + 2, 1);
    w->values = calloc(CONF_MAX_BYTES + 2, 2);
    if (!w->text || !w->values)
        return error_set(err, -ENOMEM, "out of memory");
    while ((n = read(fd, w->text + len, CONF_MAX_BYTES + 1 - len)) > 0)
        len += (size_t)n;
    if (n < 0)
        return error_set(err, -errno, "%s", strerror(errno));
    if (len > CONF_MAX_BYTES)
        return error_set(err, -EFBIG, "it is larger than 1 MiB");
    if (memchr(w->text, '\0', len))
        return error_set(err, -EINVAL, "it is no text: it holds a NUL");
    return 0;
}

int conf_words_open(struct conf_words *w, const char *path, FILE *log,
                    struct error *err)
{
    *w = (struct conf_words){.path = path, .log = log, .line = 1};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return error_set(err, -errno, "%s", strerror(errno));
    int code = read_all(w, fd, err);
    close(fd);
    if (code)
        return code;
    w->room = w->values;
    w->at = w->text + (strncmp(w->text, "\xef\xbb\xbf", 3) ? 0 : 3);
    w->line_begin = w->at;
    return 0;
}

void conf_words_free(struct conf_words *w)
{
    free(w->text);
    free(w->values);
    *w = (struct conf_words){.path = NULL};
}

// ---- What is told -----------------------------------------------------------

// Characters, as columns are counted.
static unsigned characters(const char *begin, const char *end)
{
    unsigned n = 0;
    for (; begin < end; begin++)
        n += ((unsigned char)*begin & 0xc0) != 0x80;
    return n;
}

void conf_wrong(struct conf_words *w, const struct conf_word *word,
                const char *hint, const char *fmt, ...)
{
    char message[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof(message), fmt, args);
    va_end(args);
    w->errors++;
    unsigned width = characters(word->begin, word->end);
    char *line = strndup(word->line_begin, strcspn(word->line_begin, "\r\n"));
    const struct diagnostic d = {
        .pos = {.file = w->path,
                .line = word->line,
                .column = characters(word->line_begin, word->begin) + 1},
        .width = width && word->kind != CONF_NEWLINE ? width : 1,
        .message = message,
        .hint = hint,
        .line = line,
    };
    char *text = diagnostic_format(&d);
    if (text)
        fputs(text, w->log);
    free(text);
    free(line);
}

// ---- Words ------------------------------------------------------------------

// Adds a character to the last value.
static void put(struct conf_words *w, char c)
{
    *w->room++ = c;
}

static struct conf_word end_word(struct conf_words *w, struct conf_word word,
                                 enum conf_kind kind)
{
    word.kind = kind;
    word.end = w->at;
    // No word has more characters in memory than twice those in the file.
    if (kind == CONF_WORD || kind == CONF_TEXT)
        put(w, '\0');
    return word;
}

static struct conf_word bad(struct conf_words *w, struct conf_word word,
                            const char *from, const char *message,
                            const char *hint)
{
    struct conf_word place = word;
    place.kind = CONF_BAD;
    place.begin = from;
    place.end = from + (*from && *from != '\n');
    conf_wrong(w, &place, hint, "%s", message);
    w->at = w->line_begin + strcspn(w->line_begin, "\n");
    return end_word(w, word, CONF_BAD);
}

static struct conf_word quoted(struct conf_words *w, struct conf_word word)
{
    static const char escapes[] = "nrte\"\\$", means[] = "\n\r\t\x1b\"\\$";
    char quote = *w->at++;
    for (; *w->at != quote; w->at++) {
        const char *escape = NULL;
        if (!*w->at || *w->at == '\n')
            return bad(w, word, word.begin, "this text is never closed",
                       quote == '"' ? "a text ends on its line, with a `\"`"
                                    : "a text ends on its line, with a `'`");
        if (quote == '\'' || (*w->at != '\\' && *w->at != '$')) {
            put(w, *w->at);
            continue;
        }
        if (*w->at == '$' && w->at[1] == '{')
            return bad(w, word, w->at, "there are no variables in this file",
                       "'...' is taken as it is; in \"...\" a `\\$` is a `$`");
        if (*w->at == '$') {
            put(w, '$');
            continue;
        }
        if (w->at[1])
            escape = strchr(escapes, w->at[1]);
        if (!escape)
            return bad(w, word, w->at, "there is no such escape",
                       "`\\\\` is a backslash; '...' is taken as it is");
        put(w, means[escape - escapes]);
        w->at++;
    }
    w->at++;
    return end_word(w, word, CONF_TEXT);
}

struct conf_word conf_next(struct conf_words *w)
{
    w->at += strspn(w->at, BLANKS);
    if (*w->at == '#')
        w->at += strcspn(w->at, "\n");
    struct conf_word word = {.begin = w->at,
                             .line_begin = w->line_begin,
                             .line = w->line,
                             .value = w->room};
    switch (*w->at) {
    case '\0':
        return end_word(w, word, CONF_END);
    case '\n':
        w->line_begin = ++w->at;
        w->line++;
        return end_word(w, word, CONF_NEWLINE);
    case '{':
    case '}':
        w->at++;
        return end_word(w, word, *word.begin == '{' ? CONF_OPEN : CONF_CLOSE);
    case '"':
    case '\'':
        return quoted(w, word);
    default:
        break;
    }
    while (*w->at && !strchr(BLANKS "\n{}\"'", *w->at))
        put(w, *w->at++);
    return end_word(w, word, CONF_WORD);
}

void conf_skip_line(struct conf_words *w, const struct conf_word *word)
{
    if (w->line != word->line)
        return;
    w->at += strcspn(w->at, "\n");
}
