// SPDX-License-Identifier: Apache-2.0
// See virtiofsd.h.
#include "src/daemon/virtiofsd.h"

#include "src/daemon/process.h"
#include "src/daemon/sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#define SHARED_FD 200 // above all that who starts it has open

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
        "virtiofsd can't share files: this system lets ordinary users have no "
        "user namespaces; run this as root (sudo), or allow them "
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
    const struct virtiofsd_spec *spec;
    int fd;
};

// Makes every mount that this process sees read-only, in a namespace of its
// own. 0, or a negative errno: old kernels and containers can't.
static int lock_mounts(void)
{
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};
    if (geteuid() == 0 && unshare(CLONE_NEWNS) < 0)
        return -errno;
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &attr, sizeof(attr)) < 0)
        return -errno;
    return 0;
}

static int lock_or_refuse(const struct virtiofsd_spec *spec, struct error *err)
{
    int code = lock_mounts();
    if (code == 0 || !spec->strict)
        return 0;
    return error_errno(err, -code,
                       "sharing %s: it can't be made read-only here (that "
                       "needs Linux 5.12 and a mount namespace); a share that "
                       "is `writable` needs neither",
                       spec->dir);
}

static int prepare(void *arg, struct error *err)
{
    const struct child *child = arg;
    const struct virtiofsd_spec *spec = child->spec;
    // Every file that the guest has looked up holds a descriptor.
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    int rc = virtiofsd_privileges(err);
    if (rc == 0 && !spec->writable)
        rc = lock_or_refuse(spec, err);
    if (rc < 0)
        return rc;
    // Its files are all that it needs. Where this can't be had it still has
    // its own list of system calls, and the sandbox below.
    if (spec->strict)
        (void)unshare(CLONE_NEWNET | CLONE_NEWIPC);
    // Opened here, so that it lies in the namespace made above.
    int dir = open(spec->dir, O_PATH | O_DIRECTORY);
    if (dir < 0 || dup2(dir, child->fd) < 0)
        return error_errno(err, errno, "sharing %s", spec->dir);
    return 0;
}

pid_t virtiofsd_start(const struct virtiofsd_spec *spec, int *socket,
                      struct error *err)
{
    int listening, connected;
    int rc = sockets_make("virtiofsd", &listening, &connected, err);
    if (rc < 0)
        return rc;
    struct child child = {.spec = spec, .fd = SHARED_FD};
    char fd[32], source[64];
    snprintf(fd, sizeof(fd), "--fd=%d", listening);
    // By number: a path would need the quoting of each virtiofsd's options.
    // That it can be reached from its place is why it is not told to make
    // namespaces of its own: prepare() has.
    snprintf(source, sizeof(source), "source=/proc/self/fd/%d/.", child.fd);
    const char *argv[] = {
        spec->program,
        fd,
        "--rlimit-nofile=0",
        "-o",
        source,
        "-o",
        spec->follows ? "cache=auto" : "cache=always",
        "-o",
        "sandbox=chroot",
        "-o",
        "log_level=err",
        NULL,
    };
    struct process_spec process = {
        .argv = argv,
        .out = spec->log,
        .err = spec->log,
        .keep = &listening,
        .nkeep = 1,
        .setup = prepare,
        .setup_arg = &child,
    };
    pid_t pid = process_spawn(&process, err);
    close(listening);
    if (pid < 0)
        close(connected);
    else
        *socket = connected;
    return pid;
}
