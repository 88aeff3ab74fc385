// SPDX-License-Identifier: Apache-2.0
// See kernel.h. Modules, their dependencies and their order.
#include "harness/rig/kernel.h"

#include "src/daemon/process.h"

#include <elf.h>
#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MODULE_MAX (64u << 20) // bytes, unpacked
#define DEPTH_MAX  16          // of dependencies

// Copies a module's name out of a file name or a list, '-' as '_', up to one
// of the bytes in end.
static void copy_name(char *to, size_t size, const char *from, const char *end)
{
    size_t n = strcspn(from, end);
    if (n >= size)
        n = size - 1;
    for (size_t i = 0; i < n; i++)
        to[i] = from[i] == '-' ? '_' : from[i];
    to[n] = '\0';
}

// The path of NAME.ko[.xz|.zst|.gz] under dir, for free(), or NULL.
static char *find_file(const char *dir, const char *name)
{
    char *root = strdup(dir);
    char *roots[] = {root, NULL};
    int how = FTS_COMFOLLOW | FTS_PHYSICAL | FTS_NOCHDIR | FTS_NOSTAT;
    FTS *tree = root ? fts_open(roots, how, NULL) : NULL;
    char *found = NULL;
    FTSENT *entry;
    while (tree && !found && (entry = fts_read(tree))) {
        const char *dot = strstr(entry->fts_name, ".ko");
        if (!dot || (dot[3] != '\0' && dot[3] != '.'))
            continue;
        char stem[128];
        copy_name(stem, sizeof(stem), entry->fts_name, ".");
        if (strcmp(stem, name) == 0)
            found = strdup(entry->fts_path);
    }
    if (tree)
        fts_close(tree);
    free(root);
    return found;
}

static bool is_builtin(const char *dir, const char *name)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof(path), "%s/modules.builtin", dir);
    FILE *list = n > 0 && n < PATH_MAX ? fopen(path, "re") : NULL;
    char line[512], stem[128];
    bool found = false;
    while (list && !found && fgets(line, sizeof(line), list)) {
        const char *base = strrchr(line, '/');
        copy_name(stem, sizeof(stem), base ? base + 1 : line, ".\n");
        found = strcmp(stem, name) == 0;
    }
    if (list)
        fclose(list);
    return found;
}

static bool ends_in(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

static int read_module(const char *path, uint8_t **bytes, size_t *len,
                       struct error *err)
{
    static const struct {
        const char *suffix, *program;
    } packers[] = {{".ko.xz", "xz"}, {".ko.zst", "zstd"}, {".ko.gz", "gzip"}};
    for (size_t i = 0; i < sizeof(packers) / sizeof(packers[0]); i++) {
        if (!ends_in(path, packers[i].suffix))
            continue;
        const char *argv[] = {packers[i].program, "-dc", path, NULL};
        int rc = process_capture(argv, MODULE_MAX, bytes, len, err);
        return rc < 0 ? error_prefix(err, rc, "unpacking %s", path) : 0;
    }
    return file_read(path, MODULE_MAX, bytes, len, err);
}

// The value of "depends=" in the module's .modinfo section, or NULL. Every
// offset is checked: the file may be anything.
static const char *depends_of(const struct module *m)
{
    Elf64_Ehdr h;
    if (m->len < sizeof(h))
        return NULL;
    memcpy(&h, m->bytes, sizeof(h));
    if (memcmp(h.e_ident, ELFMAG, SELFMAG) != 0 ||
        h.e_shentsize != sizeof(Elf64_Shdr) || h.e_shoff > m->len ||
        h.e_shnum > (m->len - h.e_shoff) / sizeof(Elf64_Shdr) ||
        h.e_shstrndx >= h.e_shnum)
        return NULL;
    Elf64_Shdr names, s;
    memcpy(&names, m->bytes + h.e_shoff + h.e_shstrndx * sizeof(s), sizeof(s));
    static const char wanted[] = ".modinfo";
    for (size_t i = 0; i < h.e_shnum; i++) {
        memcpy(&s, m->bytes + h.e_shoff + i * sizeof(s), sizeof(s));
        if (names.sh_offset > m->len ||
            m->len - names.sh_offset < s.sh_name + sizeof(wanted) ||
            memcmp(m->bytes + names.sh_offset + s.sh_name, wanted,
                   sizeof(wanted)) != 0)
            continue;
        if (s.sh_offset > m->len || s.sh_size > m->len - s.sh_offset ||
            s.sh_size == 0 || m->bytes[s.sh_offset + s.sh_size - 1] != 0)
            return NULL;
        const char *at = (const char *)m->bytes + s.sh_offset;
        const char *end = at + s.sh_size;
        for (; at < end; at += strlen(at) + 1)
            if (strncmp(at, "depends=", 8) == 0)
                return at + 8;
    }
    return NULL;
}

static void module_free(struct module *m)
{
    free(m->name);
    free(m->path);
    free(m->bytes);
}

static int add(struct module_list *list, const char *dir, const char *name,
               int depth, struct error *err);

// Adds what a module depends on.
static int add_needs(struct module_list *list, const char *dir,
                     const struct module *m, int depth, struct error *err)
{
    const char *needs = depends_of(m);
    if (!needs)
        return error_set(err, -ENOEXEC, "%s is no kernel module", m->path);
    int rc = 0;
    while (rc >= 0 && *needs) {
        char name[128];
        copy_name(name, sizeof(name), needs, ",");
        rc = add(list, dir, name, depth + 1, err);
        needs += strcspn(needs, ",");
        needs += *needs == ',';
    }
    return rc;
}

// Takes m over, whatever happens.
static int append(struct module_list *list, struct module *m, struct error *err)
{
    struct module *items =
        realloc(list->items, (list->count + 1) * sizeof(*items));
    if (!items) {
        module_free(m);
        return error_set(err, -ENOMEM, "no memory for the rig's modules");
    }
    items[list->count++] = *m;
    list->items = items;
    return 0;
}

static int add(struct module_list *list, const char *dir, const char *name,
               int depth, struct error *err)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i].name, name) == 0)
            return 0;
    if (depth > DEPTH_MAX)
        return error_set(err, -ELOOP,
                         "the modules under %s depend on each "
                         "other in a circle",
                         dir);
    char *path = find_file(dir, name);
    if (!path && is_builtin(dir, name))
        return 0;
    if (!path)
        return error_set(err, -ENOENT,
                         "the kernel modules under %s lack %s, which is needed "
                         "here: use Debian's linux-image-cloud-amd64",
                         dir, name);
    uint8_t *bytes = NULL;
    size_t len = 0;
    int rc = read_module(path, &bytes, &len, err);
    struct module m = {strdup(name), path, bytes, len};
    if (!m.name)
        rc = error_set(err, -ENOMEM, "no memory for the rig's modules");
    if (rc >= 0)
        rc = add_needs(list, dir, &m, depth, err);
    if (rc >= 0)
        return append(list, &m, err);
    module_free(&m);
    return rc;
}

int modules_add(struct module_list *list, const char *dir, const char *name,
                struct error *err)
{
    return add(list, dir, name, 0, err);
}

void modules_free(struct module_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        module_free(&list->items[i]);
    free(list->items);
    *list = (struct module_list){NULL, 0};
}
