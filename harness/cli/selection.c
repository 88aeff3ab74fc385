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

// A filter is a glob on the name, with its folder or without, and with the case
// or without; or a name as it is, whose brackets would be a glob's.
static bool filter_allows(const char *suite, const char *file,
                          const char *label, const char *filter)
{
    const char *const labels[] = {"", label};
    bool allowed = !filter;
    for (size_t i = 0; !allowed && i < 2; i++) {
        char *full = NULL;
        if (asprintf(&full, "%s/%s%s", suite, file, labels[i]) < 0)
            return false;
        const char *name = full + strlen(suite) + 1;
        allowed = !strcmp(filter, full) || !strcmp(filter, name) ||
                  !fnmatch(filter, full, 0) || !fnmatch(filter, name, 0);
        free(full);
    }
    return allowed;
}

const char *selected_name(const struct selected *one, char out[SELECTED_NAME])
{
    snprintf(out, SELECTED_NAME, "%s/%s", one->suite, one->name);
    return out;
}

bool selected_matches(const struct selected *one, const char *filter)
{
    // The file's name is before the label; a `~2` may be behind it.
    const char *label = strstr(one->name, one->what.label);
    char *file = *one->what.label && label
                     ? strndup(one->name, (size_t)(label - one->name))
                     : strdup(one->name);
    bool matches =
        file && filter_allows(one->suite, file,
                              *one->what.label && label ? label : "", filter);
    free(file);
    return matches;
}

const struct guest_overrides *
selected_machine(const struct selected *one, const struct guest_overrides *all)
{
    return one->has_machine ? &one->machine : all;
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

// The folders of a path without what is nothing in it: "a//./b" is "a/b".
static char *folders(const char *path, size_t len)
{
    char *out = malloc(len + 2);
    size_t n = 0;
    for (size_t i = 0; out && i < len;) {
        size_t part = strcspn(path + i, "/");
        part = part > len - i ? len - i : part;
        if (part && !(part == 1 && path[i] == '.')) {
            if (n)
                out[n++] = '/';
            memcpy(out + n, path + i, part);
            n += part;
        }
        i += part + 1;
    }
    if (out && !n)
        out[n++] = '.';
    if (out)
        out[n] = '\0';
    return out;
}

// The suite and the file's name of a path.
static int split(const char *path, char **suite, char **file)
{
    path = relative(path);
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    size_t len = strlen(name);
    if (len > 3 && !strcmp(name + len - 3, ".tc"))
        len -= 3;
    *suite = folders(path, slash ? (size_t)(slash - path) : 0);
    *file = strndup(name, len);
    return *suite && *file ? 0 : -ENOMEM;
}

// ---- Cases ------------------------------------------------------------------

static bool is_taken(const struct selection *s, const struct selected *one)
{
    for (size_t i = 0; i < s->count; i++) {
        if (!strcmp(s->list[i].suite, one->suite) &&
            !strcmp(s->list[i].name, one->name))
            return true;
    }
    return false;
}

// The file and the case; ~2, ~3 ... behind them when that is taken.
static int name_it(const struct selection *s, struct selected *one,
                   const char *file)
{
    for (unsigned n = 1; n == 1 || is_taken(s, one); n++) {
        free(one->name);
        one->name = NULL;
        char number[16] = "";
        if (n > 1)
            snprintf(number, sizeof(number), "~%u", n);
        if (asprintf(&one->name, "%s%s%s", file, one->what.label, number) < 0) {
            one->name = NULL;
            return -ENOMEM;
        }
    }
    return 0;
}

static void selected_clear(struct selected *one)
{
    case_free(&one->what);
    free(one->path);
    free(one->suite);
    free(one->name);
    free(one->skip);
    free(one->skip_where);
    free(one->known);
    free(one->known_where);
    free(one->seen);
}

// Adds a case, which goes over to the selection.
static int add_case(struct selection *s, const char *path, const char *suite,
                    const char *file, struct test_case *what)
{
    struct selected *list =
        reallocarray(s->list, s->count + 1, sizeof(*s->list));
    if (!list)
        return -ENOMEM;
    s->list = list;
    struct selected *one = &list[s->count];
    *one = (struct selected){
        .path = strdup(path), .suite = strdup(suite), .what = *what};
    *what = (struct test_case){0};
    int code = one->path && one->suite ? name_it(s, one, file) : -ENOMEM;
    if (code)
        selected_clear(one);
    else
        s->count++;
    return code;
}

// ---- Files ------------------------------------------------------------------

// Takes the cases of one file that are wanted. 0, or a negative errno; what is
// wrong with the file was told then.
static int read_one(struct selection *s, const struct options *o,
                    const char *path, FILE *log)
{
    struct case_list cases = {0};
    char *suite = NULL, *file = NULL;
    int code = split(path, &suite, &file);
    s->files++;
    if (!code)
        code = cases_read(&cases, path, o->sets, o->nsets, log, &s->tally);
    for (size_t i = 0; !code && i < cases.count; i++) {
        struct test_case *what = &cases.list[i];
        if (filter_allows(suite, file, what->label, o->filter) &&
            tags_allow(what->scenario, o->tags))
            code = add_case(s, path, suite, file, what);
    }
    case_list_free(&cases);
    free(suite);
    free(file);
    return code;
}

static int read_all(struct selection *s, const struct options *o,
                    const struct path_list *found, FILE *log, struct error *err)
{
    size_t wrong = 0;
    for (size_t i = 0; i < found->count; i++) {
        int code = read_one(s, o, found->paths[i], log);
        if (code == -ENOMEM)
            return error_set(err, -ENOMEM, "out of memory");
        wrong += code < 0;
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
        code = discover(&found, o->paths[i], false, err);
    if (!code)
        code = read_all(s, o, &found, log, err);
    path_list_free(&found);
    if (code) {
        // --check tells these even so.
        const struct selection told = {.files = s->files, .tally = s->tally};
        selection_free(s);
        *s = told;
    }
    return code;
}

void selection_drop(struct selection *s, size_t index)
{
    selected_clear(&s->list[index]);
    memmove(&s->list[index], &s->list[index + 1],
            (s->count - index - 1) * sizeof(*s->list));
    s->count--;
}

void selection_free(struct selection *s)
{
    for (size_t i = 0; i < s->count; i++)
        selected_clear(&s->list[i]);
    free(s->list);
    *s = (struct selection){0};
}

// ---- Told -------------------------------------------------------------------

void selection_list(FILE *f, const struct selection *s)
{
    for (size_t i = 0; i < s->count; i++)
        fprintf(f, "%s/%s  %s\n", s->list[i].suite, s->list[i].name,
                s->list[i].what.title);
}

void selection_tally(FILE *f, const struct selection *s)
{
    fprintf(f, "%zu file%s, %zu error%s, %zu warning%s\n", s->files,
            s->files == 1 ? "" : "s", s->tally.errors,
            s->tally.errors == 1 ? "" : "s", s->tally.warnings,
            s->tally.warnings == 1 ? "" : "s");
    fflush(f);
}
