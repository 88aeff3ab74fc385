// SPDX-License-Identifier: Apache-2.0
// See path.h.
#include "src/vsock/path.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

_Static_assert(VSOCK_PATH_MAX + sizeof "_4294967295" <=
                   sizeof((struct sockaddr_un *)0)->sun_path,
               "the longest one fits");

// Connections that wait until they are accepted.
#define BACKLOG 128

static int new_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

static struct sockaddr_un address_of(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    return address;
}

// A descriptor, or a negative errno.
static int connect_to(const char *path)
{
    const struct sockaddr_un address = address_of(path);
    int fd = new_socket();
    if (fd < 0)
        return -errno;
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    int code = -errno;
    close(fd);
    return code;
}

static int check_folder(const char *path, struct error *err)
{
    char folder[VSOCK_PATH_MAX + 1] = ".";
    struct stat st;
    const char *slash = strrchr(path, '/');
    if (slash)
        snprintf(folder, sizeof folder, "%.*s",
                 slash == path ? 1 : (int)(slash - path), path);
    if (stat(folder, &st) < 0)
        return error_errno(err, errno, "%s: there is no folder %s for it", path,
                           folder);
    if (!S_ISDIR(st.st_mode))
        return error_set(err, -ENOTDIR, "%s: %s is no folder", path, folder);
    if (access(folder, W_OK | X_OK) < 0)
        return error_errno(err, errno, "%s: no socket can be made in %s", path,
                           folder);
    return 0;
}

// What stands there now; *stale: a socket of nobody's.
static int check_place(const char *path, bool *stale, struct error *err)
{
    struct stat st;
    *stale = false;
    if (lstat(path, &st) < 0)
        return errno == ENOENT ? 0 : error_errno(err, errno, "%s", path);
    if (!S_ISSOCK(st.st_mode))
        return error_set(err, -EEXIST,
                         "%s is there already and is no socket: remove it, or "
                         "name another path",
                         path);
    int fd = connect_to(path);
    if (fd == -ECONNREFUSED) {
        *stale = true;
        return 0;
    }
    if (fd >= 0)
        close(fd);
    return error_set(err, -EADDRINUSE,
                     "%s is in use by another program: each machine needs a "
                     "path of its own",
                     path);
}

static int check(const char *path, bool *stale, struct error *err)
{
    size_t len = strlen(path);
    if (!len)
        return error_set(err, -EINVAL, "a vsock needs the path of a socket");
    if (len > VSOCK_PATH_MAX)
        return error_set(err, -ENAMETOOLONG,
                         "%s: the path of a vsock has at most %d bytes, and "
                         "this one %zu: a shorter one, like \"/tmp/vsock\", "
                         "will do",
                         path, VSOCK_PATH_MAX, len);
    int code = check_folder(path, err);
    return code < 0 ? code : check_place(path, stale, err);
}

int vsock_path_check(const char *path, struct error *err)
{
    bool stale;
    return check(path, &stale, err);
}

int vsock_path_listen(const char *path, struct vsock_file *file,
                      struct error *err)
{
    bool stale = false;
    struct stat st;
    file->path[0] = 0;
    int code = check(path, &stale, err);
    if (code < 0)
        return code;
    if (stale)
        unlink(path);
    const struct sockaddr_un address = address_of(path);
    int fd = new_socket();
    if (fd < 0)
        return error_errno(err, errno, "can't make a socket");
    if (bind(fd, (const struct sockaddr *)&address, sizeof address) < 0) {
        code = error_errno(err, errno, "can't make the socket %s", path);
        close(fd);
        return code;
    }
    snprintf(file->path, sizeof file->path, "%s", path);
    if (stat(path, &st) == 0) {
        file->dev = st.st_dev;
        file->ino = st.st_ino;
    }
    if (listen(fd, BACKLOG) < 0) {
        code = error_errno(err, errno, "can't listen at %s", path);
        vsock_path_remove(file);
        close(fd);
        return code;
    }
    return fd;
}

void vsock_path_remove(struct vsock_file *file)
{
    struct stat st;
    if (file->path[0] && lstat(file->path, &st) == 0 &&
        st.st_dev == file->dev && st.st_ino == file->ino)
        unlink(file->path);
    file->path[0] = 0;
}

int vsock_path_dial(const struct vsock_file *file, uint32_t port)
{
    char path[VSOCK_PATH_MAX + sizeof "_4294967295"];
    snprintf(path, sizeof path, "%s_%" PRIu32, file->path, port);
    return connect_to(path);
}
