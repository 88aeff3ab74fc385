// SPDX-License-Identifier: Apache-2.0
// What lies in a folder. See init.h. Level by level, so that what lies near is
// seen before the bound is met.
#include "harness/cli/init.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct level {
    char **folders; // below the root; "" is the root itself
    size_t count;
};

struct scan {
    const char *root;
    struct init_found *found;
    struct level next;
    size_t entries;
    struct error *err;
};

static int no_memory(struct error *err)
{
    return error_set(err, -ENOMEM, "out of memory");
}

static void free_level(struct level *l)
{
    for (size_t i = 0; i < l->count; i++)
        free(l->folders[i]);
    free(l->folders);
    *l = (struct level){.count = 0};
}

static int add_folder(struct scan *s, const char *path)
{
    char **more =
        reallocarray(s->next.folders, s->next.count + 1, sizeof(*more));
    if (!more)
        return no_memory(s->err);
    s->next.folders = more;
    char *copy = strdup(path);
    if (!copy)
        return no_memory(s->err);
    more[s->next.count++] = copy;
    return 0;
}

static void count_unreadable(struct scan *s, const char *path)
{
    if (!s->found->unreadable++)
        snprintf(s->found->unreadable_name, sizeof(s->found->unreadable_name),
                 "%s", path);
}

static bool is_known(const struct init_found *found, const struct init_file *f)
{
    for (size_t i = 0; i < found->count; i++) {
        if (found->files[i].device == f->device &&
            found->files[i].inode == f->inode)
            return true;
    }
    return false;
}

// path is below the root.
static int look_at_file(struct scan *s, const char *path)
{
    char whole[PATH_MAX];
    struct init_file f = {.no_unpacking =
                              s->found->unpacked >= INIT_UNPACKED_MAX};
    struct init_found *found = s->found;
    if (snprintf(whole, sizeof(whole), "%s/%s", s->root, path) >= PATH_MAX)
        return 0;
    found->looked_at++;
    int code = init_sniff(whole, &f, s->err);
    if (code == -ENOMEM)
        return code;
    found->unpacked += f.unpacked;
    if (code)
        count_unreadable(s, path);
    if (code || f.kind == INIT_OTHER || is_known(found, &f))
        return 0;
    if (!init_name_is_plain(path))
        snprintf(f.refused, sizeof(f.refused),
                 "its name is no UTF-8, or has control characters");
    struct init_file *more =
        reallocarray(found->files, found->count + 1, sizeof(*more));
    f.path = more ? strdup(path) : NULL;
    if (more)
        found->files = more;
    if (!f.path)
        return no_memory(s->err);
    more[found->count++] = f;
    return 0;
}

// ---- Kernel trees -----------------------------------------------------------

void init_config_read(const char *path, struct init_config *c)
{
    const struct {
        const char *line;
        bool *flag;
    } flags[] = {
        {"CONFIG_SERIAL_8250_CONSOLE=y\n", &c->serial_console},
        {"CONFIG_BLK_DEV_INITRD=y\n", &c->initrd},
        {"CONFIG_VIRTIO_BLK=y\n", &c->virtio_blk},
        {"CONFIG_KUNIT=y\n", &c->kunit},
    };
    static const char source[] = "CONFIG_INITRAMFS_SOURCE=\"";
    char line[512];
    *c = (struct init_config){.read = false};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
    if (!f && fd >= 0)
        close(fd);
    while (f && fgets(line, sizeof(line), f)) {
        c->read = c->read || !strncmp(line, "CONFIG_", 7);
        for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
            *flags[i].flag = *flags[i].flag || !strcmp(line, flags[i].line);
        if (!strncmp(line, source, sizeof(source) - 1))
            c->initramfs = line[sizeof(source) - 1] != '"';
        // CONFIG_EXT4_KUNIT_TESTS=y and its like, not the framework itself.
        const char *test = strstr(line, "KUNIT");
        if (test && strncmp(line, "CONFIG_KUNIT", 12) != 0 && *line != '#' &&
            strstr(test, "=y\n"))
            c->kunit_tests = true;
        c->kunit_tests =
            c->kunit_tests || !strcmp(line, "CONFIG_KUNIT_TEST=y\n");
    }
    if (f)
        fclose(f);
}

static bool is_there(const struct scan *s, const char *folder, const char *name)
{
    char path[PATH_MAX];
    struct stat st;
    int n = snprintf(path, sizeof(path), "%s/%s%s%s", s->root, folder,
                     *folder ? "/" : "", name);
    return n < PATH_MAX && !stat(path, &st);
}

// A source tree, or the folder that one was built in.
static bool is_tree(const struct scan *s, const char *folder)
{
    return is_there(s, folder, "arch/x86") &&
           ((is_there(s, folder, "Kconfig") && is_there(s, folder, "Kbuild")) ||
            is_there(s, folder, ".config"));
}

// Images are where kbuild puts them. The first tree is the one.
static int look_at_tree(struct scan *s, const char *folder)
{
    static const char *const images[] = {"arch/x86/boot/bzImage", "vmlinux"};
    struct init_found *found = s->found;
    char path[PATH_MAX];
    size_t before = found->count;
    int code = 0;
    for (size_t i = 0; !code && i < sizeof(images) / sizeof(images[0]); i++) {
        snprintf(path, sizeof(path), "%s%s%s", folder, *folder ? "/" : "",
                 images[i]);
        if (is_there(s, "", path))
            code = look_at_file(s, path);
    }
    if (code || found->tree)
        return code;
    found->tree = strdup(*folder ? folder : ".");
    if (!found->tree)
        return no_memory(s->err);
    found->tree_built = found->count > before;
    snprintf(path, sizeof(path), "%s/%s/.config", s->root, found->tree);
    init_config_read(path, &found->config);
    return 0;
}

// ---- The folders ------------------------------------------------------------

// in_tree: only the files that lie in the tree's own folder, not its parts.
static int look_at_entry(struct scan *s, int fd, const char *folder,
                         const char *name, bool in_tree)
{
    char path[PATH_MAX];
    struct stat st;
    if (*name == '.' || snprintf(path, sizeof(path), "%s%s%s", folder,
                                 *folder ? "/" : "", name) >= PATH_MAX)
        return 0;
    if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW))
        return 0;
    if (S_ISDIR(st.st_mode))
        return in_tree ? 0 : add_folder(s, path);
    // A link to a folder is not followed: it may lead in a circle.
    if (S_ISLNK(st.st_mode) && fstatat(fd, name, &st, 0))
        return 0;
    return S_ISREG(st.st_mode) ? look_at_file(s, path) : 0;
}

static int look_at_folder(struct scan *s, const char *folder)
{
    int code = 0;
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/%s", s->root, folder);
    DIR *d = opendir(path);
    if (!d && !*folder)
        return error_errno(s->err, errno, "%s can't be read", s->root);
    if (!d) {
        count_unreadable(s, folder);
        return 0;
    }
    bool in_tree = is_tree(s, folder);
    if (in_tree)
        code = look_at_tree(s, folder);
    const struct dirent *e;
    while (!code && (e = readdir(d))) {
        if (++s->entries > INIT_ENTRIES_MAX) {
            s->found->cut_short = true;
            break;
        }
        code = look_at_entry(s, dirfd(d), folder, e->d_name, in_tree);
    }
    closedir(d);
    return code;
}

// Newest first; of files of the same time the one that sorts before.
static int compare_files(const void *a, const void *b)
{
    const struct init_file *x = a, *y = b;
    if (x->modified_ns != y->modified_ns)
        return x->modified_ns > y->modified_ns ? -1 : 1;
    return strcmp(x->path, y->path);
}

int init_scan(const char *folder, struct init_found *found, struct error *err)
{
    struct scan s = {.root = folder, .found = found, .err = err};
    *found = (struct init_found){.count = 0};
    int code = add_folder(&s, "");
    for (int depth = 0; !code && depth < INIT_DEPTH_MAX; depth++) {
        struct level level = s.next;
        s.next = (struct level){.count = 0};
        for (size_t i = 0; !code && i < level.count && !found->cut_short; i++)
            code = look_at_folder(&s, level.folders[i]);
        free_level(&level);
    }
    free_level(&s.next);
    if (code)
        init_found_free(found);
    else if (found->count)
        qsort(found->files, found->count, sizeof(*found->files), compare_files);
    return code;
}

void init_found_free(struct init_found *found)
{
    for (size_t i = 0; i < found->count; i++)
        free(found->files[i].path);
    free(found->files);
    free(found->tree);
    *found = (struct init_found){.count = 0};
}
