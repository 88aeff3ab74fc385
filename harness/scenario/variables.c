// SPDX-License-Identifier: Apache-2.0
// A scenario's variables. See variables.h.
#include "harness/scenario/variables.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void variables_free(struct variables *v)
{
    for (size_t i = 0; i < v->count; i++) {
        free(v->list[i].name);
        free(v->list[i].text);
    }
    free(v->list);
    *v = (struct variables){0};
}

static struct variable *find(const struct variables *v, const char *name)
{
    for (size_t i = 0; i < v->count; i++) {
        if (!strcmp(v->list[i].name, name))
            return &v->list[i];
    }
    return NULL;
}

const struct variable *variables_find(const struct variables *v,
                                      const char *name)
{
    return find(v, name);
}

static struct variable *append(struct variables *v, const char *name)
{
    struct variable *list =
        reallocarray(v->list, v->count + 1, sizeof(*v->list));
    if (!list)
        return NULL;
    v->list = list;
    char *copy = strdup(name);
    if (!copy)
        return NULL;
    list[v->count] = (struct variable){.name = copy};
    return &list[v->count++];
}

struct variable *variables_set(struct variables *v, const char *name,
                               const char *text, size_t len)
{
    char *copy = malloc(len + 1);
    if (!copy)
        return NULL;
    if (len)
        memcpy(copy, text, len);
    copy[len] = '\0';
    struct variable *var = find(v, name);
    if (!var)
        var = append(v, name);
    if (!var) {
        free(copy);
        return NULL;
    }
    free(var->text);
    *var = (struct variable){.name = var->name, .text = copy, .len = len};
    return var;
}

// In a pattern, with and without the x flag, a backslash makes every character
// that is no ASCII letter, digit or control stand for itself: x ignores blanks
// that are not ASCII, too.
static void write_quoted(FILE *f, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        bool word = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                    (c >= 'A' && c <= 'Z') || c == '_';
        if (c < 0x20 || c == 0x7f)
            fprintf(f, "\\x{%x}", c);
        else if (word || (c >= 0x80 && c < 0xc0))
            fputc(c, f);
        else
            fprintf(f, "\\%c", c);
    }
}

char *variables_expand(const struct variables *v, const struct text *t,
                       bool quoted, size_t *len, struct error *err)
{
    char *text = NULL;
    FILE *f = open_memstream(&text, len);
    if (!f) {
        error_set(err, -ENOMEM, "out of memory");
        return NULL;
    }
    bool ok = true;
    for (size_t i = 0; ok && i < t->npieces; i++) {
        const struct text_piece *p = &t->pieces[i];
        if (!p->variable) {
            fwrite(p->bytes, 1, p->len, f);
            continue;
        }
        const struct variable *var = variables_find(v, p->bytes);
        ok = var != NULL;
        if (!ok)
            error_set(err, -ENOENT, "the variable `%s` is not set", p->bytes);
        else if (quoted)
            write_quoted(f, var->text, var->len);
        else
            fwrite(var->text, 1, var->len, f);
    }
    if (fclose(f) && ok) {
        error_set(err, -ENOMEM, "out of memory");
        ok = false;
    }
    if (ok)
        return text;
    free(text);
    return NULL;
}

int variables_take_settings(struct variables *v, const struct scenario *s,
                            struct error *err)
{
    for (size_t i = 0; i < s->nsettings; i++) {
        size_t len;
        char *value =
            variables_expand(v, &s->settings[i].value, false, &len, err);
        if (!value)
            return -EINVAL;
        bool ok = variables_set(v, s->settings[i].name, value, len);
        free(value);
        if (!ok)
            return error_set(err, -ENOMEM, "out of memory");
    }
    return 0;
}
