// SPDX-License-Identifier: Apache-2.0
// Report files: temporary name first, then renamed. See output.h.
#include "harness/report/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_stdout(const char *path)
{
    return !strcmp(path, "-");
}

// Pipes and devices have no "beside" and can't be replaced by a rename.
static bool is_special(const char *path)
{
    struct stat st;
    return !stat(path, &st) && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

// Makes and opens PATH.XXXXXX; *name is the caller's to free. 0 or a negative
// errno.
static int make_temporary(const char *path, char **name, int *fd,
                          struct error *err)
{
    struct stat st;
    *name = NULL;
    *fd = -1;
    if (!*path)
        return error_set(err, -EINVAL, "the report's file name is empty");
    if (!stat(path, &st) && S_ISDIR(st.st_mode))
        return error_set(err, -EISDIR, "%s is a directory, not a file", path);
    if (asprintf(name, "%s.XXXXXX", path) < 0) {
        *name = NULL;
        return error_set(err, -ENOMEM, "out of memory");
    }
    *fd = mkostemp(*name, O_CLOEXEC);
    if (*fd >= 0)
        return 0;
    return error_errno(err, errno, "%s can't be written", path);
}

int output_check(const char *path, struct error *err)
{
    if (is_stdout(path))
        return 0;
    if (is_special(path)) {
        if (!access(path, W_OK))
            return 0;
        return error_errno(err, errno, "%s can't be written", path);
    }
    char *name;
    int fd;
    int code = make_temporary(path, &name, &fd, err);
    if (fd >= 0) {
        close(fd);
        unlink(name);
    }
    free(name);
    return code;
}

// Runs the writer and makes sure that all of it arrived.
static int fill(FILE *f, int (*write)(FILE *, const void *), const void *owner,
                const char *path, struct error *err)
{
    int code = write(f, owner);
    if (!code && (fflush(f) || ferror(f)))
        code = errno ? -errno : -EIO;
    return code ? error_errno(err, -code, "%s can't be written", path) : 0;
}

static int write_directly(const char *path, const char *mode,
                          int (*write)(FILE *, const void *), const void *owner,
                          struct error *err)
{
    FILE *f = is_stdout(path) ? stdout : fopen(path, mode);
    if (!f)
        return error_errno(err, errno, "%s can't be written", path);
    int code = fill(f, write, owner, path, err);
    if (f != stdout)
        fclose(f);
    return code;
}

// mkstemp makes files that only the owner may read; a new report is for all
// whom the umask lets, and one that replaces a file for whom that was.
static void open_permissions(int fd, const char *path)
{
    struct stat st;
    mode_t mask = umask(0);
    umask(mask);
    mode_t mode = stat(path, &st) ? 0666 & ~mask : st.st_mode & 0777;
    (void)!fchmod(fd, mode);
}

// Fills the temporary file and puts it in path's place.
static int write_and_rename(const char *name, int fd, const char *path,
                            int (*write)(FILE *f, const void *owner),
                            const void *owner, struct error *err)
{
    open_permissions(fd, path);
    FILE *f = fdopen(fd, "w");
    if (!f) {
        close(fd);
        return error_errno(err, errno, "%s can't be written", path);
    }
    int code = fill(f, write, owner, path, err);
    if (fclose(f) && !code)
        code = error_errno(err, errno, "%s can't be written", path);
    if (!code && rename(name, path))
        code = error_errno(err, errno, "%s can't be written", path);
    return code;
}

int output_write(const char *path, int (*write)(FILE *f, const void *owner),
                 const void *owner, struct error *err)
{
    if (is_stdout(path) || is_special(path))
        return write_directly(path, "we", write, owner, err);
    char *name;
    int fd;
    int code = make_temporary(path, &name, &fd, err);
    if (fd >= 0) {
        code = write_and_rename(name, fd, path, write, owner, err);
        if (code)
            unlink(name);
    }
    free(name);
    return code;
}

int output_append(const char *path, int (*write)(FILE *f, const void *owner),
                  const void *owner, struct error *err)
{
    return write_directly(path, "ae", write, owner, err);
}
