// SPDX-License-Identifier: Apache-2.0
// Which scenarios a command line means. See selection.h.
#include "harness/cli/selection.h"

#include "harness/cli/discover.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool has_tag(const struct scenario *s, const char *tag, size_t len)
{
    for (size_t i = 0; i < s->ntags; i++) {
        if (strlen(s->tags[i]) == len && !memcmp(s->tags[i], tag, len))
            return true;
    }
    return false;
}

// "a,b,-c": one of the tags without a minus (if there are any), none of those
// with one.
static bool tags_allow(const struct scenario *s, const char *tags)
{
    bool wanted = false;
    bool found = false;
    for (const char *at = tags; at && *at;) {
        size_t len = strcspn(at, ",");
        if (*at == '-') {
            if (has_tag(s, at + 1, len - 1))
                return false;
        } else if (len) {
            wanted = true;
            found |= has_tag(s, at, len);
        }
        at += len + (at[len] == ',');
    }
    return found || !wanted;
}

static bool filter_allows(const struct selected *s, const char *filter)
{
    if (!filter || !fnmatch(filter, s->name, 0))
        return true;
    char *full = NULL;
    if (asprintf(&full, "%s/%s", s->suite, s->name) < 0)
        return false;
    bool ok = !fnmatch(filter, full, 0);
    free(full);
    return ok;
}

// The path as seen from the working directory, where it lies below it.
static const char *relative(const char *path)
{
    char cwd[4096];
    if (*path != '/' || !getcwd(cwd, sizeof(cwd)))
        return path;
    size_t len = strlen(cwd);
    if (!strncmp(path, cwd, len) && path[len] == '/')
        return path + len + 1;
    return path + 1;
}

static bool same(const char *a, const char *b)
{
    return a && b && !strcmp(a, b);
}

static bool is_taken(const struct selection *s, const struct selected *one)
{
    for (size_t i = 0; i < s->count; i++) {
        if (same(s->list[i].suite, one->suite) &&
            same(s->list[i].name, one->name))
            return true;
    }
    return false;
}

// Folder and file; ~2, ~3 ... after the name when that is taken.
static int name_it(const struct selection *s, struct selected *one)
{
    const char *path = relative(one->path);
    const char *slash = strrchr(path, '/');
    const char *file = slash ? slash + 1 : path;
    size_t len = strlen(file);
    if (len > 3 && !strcmp(file + len - 3, ".tc"))
        len -= 3;
    one->suite = slash ? strndup(path, (size_t)(slash - path)) : strdup(".");
    if (!one->suite)
        return -ENOMEM;
    for (unsigned n = 1; n == 1 || is_taken(s, one); n++) {
        free(one->name);
        one->name = NULL;
        char number[16] = "";
        if (n > 1)
            snprintf(number, sizeof(number), "~%u", n);
        if (asprintf(&one->name, "%.*s%s", (int)len, file, number) < 0)
            return -ENOMEM;
    }
    return 0;
}

static void selected_clear(struct selected *one)
{
    scenario_free(one->scenario);
    free(one->path);
    free(one->suite);
    free(one->name);
}

static void tell(FILE *log, const struct diagnostics *d)
{
    for (size_t i = 0; i < d->count; i++) {
        char *text = diagnostic_format(&d->list[i]);
        if (text)
            fprintf(log, "%s%s", text,
                    *text && text[strlen(text) - 1] == '\n' ? "" : "\n");
        free(text);
    }
}

// Reads one file. 1: selected, 0: not, -1: it has errors, which were told.
static int read_one(struct selection *s, const struct options *o,
                    const char *path, FILE *log, struct selected *out)
{
    struct diagnostics diags = {0};
    struct error err = {""};
    *out = (struct selected){.path = strdup(path)};
    int code =
        scenario_load(path, o->sets, o->nsets, &out->scenario, &diags, &err);
    tell(log, &diags);
    if (code && !diags.errors)
        fprintf(log, "%s\n", err.text);
    diagnostics_free(&diags);
    if (code || !out->path || name_it(s, out))
        return -1;
    return filter_allows(out, o->filter) && tags_allow(out->scenario, o->tags);
}

static int read_all(struct selection *s, const struct options *o,
                    const struct path_list *found, FILE *log, struct error *err)
{
    size_t wrong = 0;
    s->list = calloc(found->count + 1, sizeof(*s->list));
    if (!s->list)
        return error_set(err, -ENOMEM, "out of memory");
    for (size_t i = 0; i < found->count; i++) {
        struct selected one;
        int code = read_one(s, o, found->paths[i], log, &one);
        wrong += code < 0;
        if (code > 0)
            s->list[s->count++] = one;
        else
            selected_clear(&one);
    }
    if (wrong)
        return error_set(err, -EINVAL, "%zu scenario%s wrong: nothing was run",
                         wrong, wrong == 1 ? " is" : "s are");
    if (!found->count)
        return error_set(err, -EINVAL, "there is no *.tc file");
    if (!s->count)
        return error_set(err, -EINVAL,
                         "no scenario of %zu is selected by%s%s%s%s",
                         found->count, o->filter ? " --filter " : "",
                         o->filter ? o->filter : "", o->tags ? " --tags " : "",
                         o->tags ? o->tags : "");
    return 0;
}

int selection_make(struct selection *s, const struct options *o, FILE *log,
                   struct error *err)
{
    *s = (struct selection){0};
    struct path_list found = {0};
    int code = 0;
    for (size_t i = 0; !code && i < o->npaths; i++)
        code = discover(&found, o->paths[i], err);
    if (!code)
        code = read_all(s, o, &found, log, err);
    path_list_free(&found);
    if (code)
        selection_free(s);
    return code;
}

void selection_free(struct selection *s)
{
    for (size_t i = 0; i < s->count; i++)
        selected_clear(&s->list[i]);
    free(s->list);
    *s = (struct selection){0};
}
