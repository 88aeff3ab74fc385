// SPDX-License-Identifier: Apache-2.0
// See virtiofsd.h.
#include "harness/rig/virtiofsd.h"

#include "harness/rig/process.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SHARED_FD 200 // above all that the launcher has open

int virtiofsd_find(char *path, size_t size, struct error *err)
{
    static const char *const places[] = {
        "/usr/lib/qemu/virtiofsd",
        "/usr/libexec/virtiofsd",
        "/usr/lib/virtiofsd",
        "virtiofsd",
    };
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
        if (program_find(places[i], path, size) == 0)
            return 0;
    return error_set(err, -ENOENT,
                     "virtiofsd is not installed: apt-get install "
                     "qemu-system-common (or virtiofsd)");
}

static int write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t n = write(fd, text, strlen(text));
    int rc = n < 0 ? -errno : 0;
    close(fd);
    return rc;
}

int virtiofsd_privileges(struct error *err)
{
    unsigned uid = geteuid(), gid = getegid();
    if (uid == 0)
        return 0;
    static const char cure[] =
        "the rig can't share files: this system lets ordinary users have no "
        "user namespaces; run it as root (sudo), or allow them "
        "(sysctl kernel.unprivileged_userns_clone=1, "
        "kernel.apparmor_restrict_unprivileged_userns=0)";
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
        return error_set(err, -EPERM, "%s", cure);
    char map[64];
    write_text("/proc/self/setgroups", "deny");
    snprintf(map, sizeof(map), "0 %u 1", uid);
    int rc = write_text("/proc/self/uid_map", map);
    snprintf(map, sizeof(map), "0 %u 1", gid);
    if (rc == 0)
        rc = write_text("/proc/self/gid_map", map);
    // Some systems give the namespace and then none of its powers.
    if (rc == 0 && chroot("/") < 0)
        rc = -errno;
    return rc < 0 ? error_set(err, -EPERM, "%s", cure) : 0;
}

// What the child shares; fd becomes the open directory.
struct child {
    const char *dir;
    bool writable;
    int fd;
};

// Makes every mount that this process sees read-only; a second lock besides
// the rig's own read-only mount. Old kernels and containers can't: no harm.
static void lock_mounts(void)
{
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};
    if (geteuid() == 0 && unshare(CLONE_NEWNS) < 0)
        return;
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return;
    mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &attr, sizeof(attr));
}

static int prepare(void *arg, struct error *err)
{
    const struct child *child = arg;
    // Every file that the rig has looked up holds a descriptor.
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    int rc = virtiofsd_privileges(err);
    if (rc < 0)
        return rc;
    if (!child->writable)
        lock_mounts();
    // Opened here, so that it lies in the namespace made above.
    int dir = open(child->dir, O_PATH | O_DIRECTORY);
    if (dir < 0 || dup2(dir, child->fd) < 0)
        return error_errno(err, errno, "sharing %s", child->dir);
    return 0;
}

// A listening socket and a connection to it. Without a name in the file
// system; a backlog of 0 lets in one peer, so that when it is not us, we
// notice.
static int make_sockets(int *listening, int *connected, struct error *err)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    socklen_t len = sizeof(sa_family_t); // the kernel picks a name
    int type = SOCK_STREAM | SOCK_CLOEXEC;
    *listening = socket(AF_UNIX, type, 0);
    *connected = socket(AF_UNIX, type | SOCK_NONBLOCK, 0);
    bool fine = *listening >= 0 && *connected >= 0 &&
                bind(*listening, (struct sockaddr *)&name, len) == 0;
    len = sizeof(name);
    if (fine && getsockname(*listening, (struct sockaddr *)&name, &len) == 0 &&
        listen(*listening, 0) == 0 &&
        connect(*connected, (struct sockaddr *)&name, len) == 0)
        return 0;
    int cause = errno;
    if (*listening >= 0)
        close(*listening);
    if (*connected >= 0)
        close(*connected);
    return error_errno(err, cause, "making virtiofsd's socket");
}

pid_t virtiofsd_start(const char *path, const char *dir, bool writable, int log,
                      int *socket, struct error *err)
{
    int listening, connected;
    int rc = make_sockets(&listening, &connected, err);
    if (rc < 0)
        return rc;
    struct child child = {.dir = dir, .writable = writable, .fd = SHARED_FD};
    char fd[32], source[64];
    snprintf(fd, sizeof(fd), "--fd=%d", listening);
    // By number: a path would need the quoting of each virtiofsd's options.
    snprintf(source, sizeof(source), "source=/proc/self/fd/%d/.", child.fd);
    const char *argv[] = {
        path,
        fd,
        "--rlimit-nofile=0",
        "-o",
        source,
        "-o",
        writable ? "cache=auto" : "cache=always",
        "-o",
        "sandbox=chroot",
        "-o",
        "log_level=err",
        NULL,
    };
    struct process_spec spec = {
        .argv = argv,
        .out = log,
        .err = log,
        .keep = &listening,
        .nkeep = 1,
        .setup = prepare,
        .setup_arg = &child,
    };
    pid_t pid = process_spawn(&spec, err);
    close(listening);
    if (pid < 0)
        close(connected);
    else
        *socket = connected;
    return pid;
}
