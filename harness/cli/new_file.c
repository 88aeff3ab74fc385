// SPDX-License-Identifier: Apache-2.0
// Files of the user's tree: written whole, never over another one unless that
// is asked for. See new_file.h.
#include "harness/cli/new_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int make_folders(const char *path, struct error *err)
{
    char folder[PATH_MAX];
    snprintf(folder, sizeof(folder), "%s", path);
    for (char *at = folder + 1; (at = strchr(at, '/')); at++) {
        *at = '\0';
        if (mkdir(folder, 0777) && errno != EEXIST)
            return error_errno(err, errno, "the folder %s can't be made",
                               folder);
        *at = '/';
    }
    return 0;
}

static int fill(int fd, const char *text, mode_t mode)
{
    size_t len = strlen(text);
    while (len) {
        ssize_t n = write(fd, text, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        text += n;
        len -= (size_t)n;
    }
    mode_t mask = umask(0);
    umask(mask);
    if (fchmod(fd, mode & ~mask) || fsync(fd))
        return -errno;
    return 0;
}

// A link never replaces a file that came meanwhile. Where the file system has
// no links, the look before must do.
static int put_in_place(const char *name, const char *path, bool force)
{
    struct stat st;
    if (!force) {
        if (!link(name, path))
            return 0;
        if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS)
            return -errno;
        if (!lstat(path, &st))
            return -EEXIST;
    }
    return rename(name, path) ? -errno : 0;
}

int new_file_write(const char *path, const char *text, mode_t mode, bool force,
                   struct error *err)
{
    char name[PATH_MAX];
    int code = make_folders(path, err);
    if (code)
        return code;
    if (snprintf(name, sizeof(name), "%s.XXXXXX", path) >= PATH_MAX)
        return error_errno(err, ENAMETOOLONG, "%s", path);
    int fd = mkostemp(name, O_CLOEXEC);
    if (fd < 0)
        return error_errno(err, errno, "%s can't be written", path);
    code = fill(fd, text, mode);
    if (close(fd) && !code)
        code = -errno;
    if (!code)
        code = put_in_place(name, path, force);
    unlink(name);
    if (code == -EEXIST)
        return error_set(err, code, "%s is there already", path);
    return code ? error_errno(err, -code, "%s can't be written", path) : 0;
}
