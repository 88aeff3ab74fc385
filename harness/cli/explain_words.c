// SPDX-License-Identifier: Apache-2.0
// Texts, patterns and quantities for people. See explain_words.h.
#include "harness/cli/explain_words.h"

#include <inttypes.h>
#include <string.h>

// ---- Variables --------------------------------------------------------------

static bool block_sets(const struct block *b, const char *name);

static bool pattern_sets(const struct pattern_node *n, const char *name)
{
    for (size_t i = 0; i < n->ngroups; i++)
        if (!strcmp(n->groups[i], name))
            return true;
    return false;
}

static bool branches_set(const struct step *s, const char *name)
{
    for (size_t i = 0; i < s->u.one.nbranches; i++) {
        const struct branch *b = &s->u.one.branches[i];
        if (pattern_sets(&b->pattern, name) || block_sets(&b->body, name))
            return true;
    }
    return false;
}

static bool step_sets(const struct step *s, const char *name)
{
    switch (s->kind) {
    case STEP_EXPECT:
        return pattern_sets(&s->u.expect.pattern, name);
    case STEP_EXPECT_ONE:
        return branches_set(s, name);
    case STEP_RUN:
        return s->u.run.as && !strcmp(s->u.run.as, name);
    case STEP_REPEAT:
        return block_sets(&s->u.repeat.body, name);
    case STEP_IF:
        return block_sets(&s->u.cond.then, name) ||
               block_sets(&s->u.cond.otherwise, name);
    case STEP_GROUP:
        return block_sets(&s->u.group.body, name);
    case STEP_NEVER:
        return block_sets(&s->u.never.body, name);
    case STEP_EXPECT_EVENT:
    case STEP_EXPECT_IDLE:
    case STEP_SEND:
    case STEP_KEY:
    case STEP_LOGIN:
    case STEP_KTAP:
    case STEP_CHECK:
    case STEP_MARK:
    case STEP_METRIC:
    case STEP_LOG:
    case STEP_SNAPSHOT:
    case STEP_RESET:
    case STEP_POWEROFF:
    case STEP_NMI:
    case STEP_POWER:
    case STEP_CONSOLE:
        break;
    }
    return false;
}

static bool block_sets(const struct block *b, const char *name)
{
    for (size_t i = 0; i < b->nsteps; i++)
        if (step_sets(&b->steps[i], name))
            return true;
    return false;
}

// The value that a variable has all the time; NULL: nobody knows yet.
static const struct text *constant(const struct scenario *s, const char *name)
{
    for (size_t i = 0; i < s->nsettings; i++)
        if (!strcmp(s->settings[i].name, name))
            return block_sets(&s->steps, name) ? NULL : &s->settings[i].value;
    return NULL;
}

// ---- Texts ------------------------------------------------------------------

static void put_bytes(FILE *f, const char *bytes, size_t len)
{
    static const char from[] = "\n\r\t\x1b\"\\", to[] = "nrte\"\\";
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)bytes[i];
        const char *known = c ? strchr(from, c) : NULL;
        if (known)
            fprintf(f, "\\%c", to[known - from]);
        else if (c < 0x20 || c == 0x7f)
            fprintf(f, "\\x%02x", c);
        else
            fputc(c, f);
    }
}

void words_text(const struct words *w, const struct text *t)
{
    fputc('"', w->f);
    for (size_t i = 0; i < t->npieces; i++) {
        const struct text_piece *piece = &t->pieces[i];
        const struct text *value =
            piece->variable ? constant(w->scenario, piece->bytes) : NULL;
        if (!piece->variable)
            put_bytes(w->f, piece->bytes, piece->len);
        else if (!value)
            fprintf(w->f, "${%s}", piece->bytes);
        else if (value->npieces)
            put_bytes(w->f, value->pieces[0].bytes, value->pieces[0].len);
    }
    fputc('"', w->f);
}

// A pattern of several lines becomes one; its blanks and line ends mean
// nothing.
static void put_pattern_bytes(FILE *f, const char *bytes, bool extended)
{
    for (; *bytes; bytes++) {
        if (extended && strchr(" \t\n", *bytes)) {
            bytes += strspn(bytes, " \t\n") - 1;
            fputc(' ', f);
        } else {
            fputc(*bytes, f);
        }
    }
}

// A `/` that stands for itself.
static bool has_slash(const struct pattern_node *n)
{
    for (size_t i = 0; i < n->source.npieces; i++)
        for (const char *at = n->source.pieces[i].bytes; *at; at++) {
            if (*at == '/')
                return true;
            at += *at == '\\' && at[1];
        }
    return false;
}

void words_pattern(const struct words *w, const struct pattern_node *n)
{
    static const struct {
        unsigned flag;
        char letter;
    } flags[] = {{PATTERN_CASELESS, 'i'},
                 {PATTERN_MULTILINE, 'm'},
                 {PATTERN_DOTALL, 's'},
                 {PATTERN_EXTENDED, 'x'}};
    bool slashes = has_slash(n);
    fputs(slashes ? "m{" : "/", w->f);
    for (size_t i = 0; i < n->source.npieces; i++) {
        const struct text_piece *piece = &n->source.pieces[i];
        if (piece->variable)
            fprintf(w->f, "${%s}", piece->bytes);
        else
            put_pattern_bytes(w->f, piece->bytes, n->flags & PATTERN_EXTENDED);
    }
    fputc(slashes ? '}' : '/', w->f);
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
        if (n->flags & flags[i].flag)
            fputc(flags[i].letter, w->f);
}

// ---- Quantities -------------------------------------------------------------

void words_duration(FILE *f, uint64_t ns)
{
    if (ns < 1000000000)
        fprintf(f, "%.15g ms", (double)ns / 1e6);
    else
        fprintf(f, "%.15g s", (double)ns / 1e9);
}

static void put_size(FILE *f, uint64_t bytes)
{
    static const char units[] = "KMGT";
    unsigned shift = 10;
    while (shift < 40 && !(bytes & ((UINT64_C(1) << (shift + 10)) - 1)))
        shift += 10;
    fprintf(f, "%.15g%c", (double)bytes / (double)(UINT64_C(1) << shift),
            units[shift / 10 - 1]);
}

void words_value(const struct words *w, const struct value *v)
{
    switch (v->kind) {
    case VALUE_TEXT:
        words_text(w, &v->text);
        break;
    case VALUE_NUMBER:
        fprintf(w->f, "%.15g", v->number);
        break;
    case VALUE_DURATION:
        words_duration(w->f, v->quantity);
        break;
    case VALUE_SIZE:
        put_size(w->f, v->quantity);
        break;
    }
}

const char *words_compare(enum compare_op op)
{
    static const char *const names[] = {
        [OP_EQ] = "==", [OP_NE] = "!=", [OP_LT] = "<",
        [OP_LE] = "<=", [OP_GT] = ">",  [OP_GE] = ">=",
    };
    return names[op];
}

void words_place(const struct words *w, const struct source_pos *pos)
{
    if (!pos->file || !strcmp(pos->file, w->scenario->path))
        fprintf(w->f, "line %u", pos->line);
    else
        fprintf(w->f, "%s:%u", pos->file, pos->line);
}
