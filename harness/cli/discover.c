// SPDX-License-Identifier: Apache-2.0
// Finds scenario files. See discover.h.
#include "harness/cli/discover.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SKIP_FILE ".toyvmm-skip"
#define DEPTH_MAX 32

static bool same_file(const char *a, const char *b)
{
    struct stat x, y;
    return !stat(a, &x) && !stat(b, &y) && x.st_dev == y.st_dev &&
           x.st_ino == y.st_ino;
}

int path_list_add(struct path_list *list, const char *path, struct error *err)
{
    char **paths = reallocarray(list->paths, list->count + 1, sizeof(*paths));
    if (paths)
        list->paths = paths;
    char *copy = strdup(path);
    if (!paths || !copy) {
        free(copy);
        return error_set(err, -ENOMEM, "out of memory");
    }
    paths[list->count++] = copy;
    return 0;
}

static int add(struct path_list *list, const char *path, struct error *err)
{
    for (size_t i = 0; i < list->count; i++) {
        if (same_file(list->paths[i], path))
            return 0;
    }
    // ".//x" is no absolute path.
    while (!strncmp(path, "./", 2)) {
        path += 2;
        path += strspn(path, "/");
    }
    return path_list_add(list, path, err);
}

static bool is_skipped(const char *folder)
{
    char *file = NULL;
    if (asprintf(&file, "%s/" SKIP_FILE, folder) < 0)
        return false;
    bool skipped = !access(file, F_OK);
    free(file);
    return skipped;
}

static bool ends_in(const char *name, const char *suffix)
{
    size_t len = strlen(name), end = strlen(suffix);
    return len > end && !strcmp(name + len - end, suffix);
}

static int search(struct path_list *list, const char *folder, bool shared,
                  int depth, struct error *err);

static int look_at(struct path_list *list, const char *path, bool shared,
                   int depth, struct error *err)
{
    struct stat st;
    if (stat(path, &st))
        return error_errno(err, errno, "%s", path);
    if (S_ISDIR(st.st_mode))
        return is_skipped(path) ? 0 : search(list, path, shared, depth, err);
    return ends_in(path, ".tc") || (shared && ends_in(path, ".tci"))
               ? add(list, path, err)
               : 0;
}

static int search(struct path_list *list, const char *folder, bool shared,
                  int depth, struct error *err)
{
    struct dirent **entries;
    if (depth > DEPTH_MAX)
        return error_set(err, -ELOOP, "%s: too many folders deep", folder);
    int n = scandir(folder, &entries, NULL, alphasort);
    if (n < 0)
        return error_errno(err, errno, "%s", folder);
    int code = 0;
    size_t len = strlen(folder);
    for (int i = 0; i < n; i++) {
        char *path = NULL;
        if (!code && *entries[i]->d_name != '.') {
            if (asprintf(&path, "%s%s%s", folder,
                         len && folder[len - 1] == '/' ? "" : "/",
                         entries[i]->d_name) < 0)
                code = error_set(err, -ENOMEM, "out of memory");
            else
                code = look_at(list, path, shared, depth + 1, err);
            free(path);
        }
        free(entries[i]);
    }
    free(entries);
    return code;
}

int discover(struct path_list *list, const char *path, bool shared,
             struct error *err)
{
    struct stat st;
    if (stat(path, &st))
        return error_errno(err, errno, "%s", path);
    if (S_ISDIR(st.st_mode))
        return search(list, path, shared, 0, err);
    return add(list, path, err);
}

void path_list_free(struct path_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->paths[i]);
    free(list->paths);
    *list = (struct path_list){0};
}
