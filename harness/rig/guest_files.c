// SPDX-License-Identifier: Apache-2.0
// See guest.h. Modules, devices and the file tree that the command sees.
#include "harness/rig/guest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define DEVICE_WAIT_MS 20000

struct mount_step {
    const char *type, *source, *target, *options;
    unsigned long flags;
};

static int mount_one(const struct mount_step *m, struct error *err)
{
    mkdir(m->target, 0755);
    if (mount(m->source, m->target, m->type, m->flags, m->options) < 0)
        return error_errno(err, errno, "the rig can't mount %s on %s",
                           m->type ? m->type : m->source, m->target);
    return 0;
}

static int mount_all(const struct mount_step *steps, size_t count,
                     struct error *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = mount_one(&steps[i], err);
    return rc;
}

int guest_mount_kernel(struct error *err)
{
    static const struct mount_step steps[] = {
        {"proc", "proc", "/proc", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC},
        {"sysfs", "sysfs", "/sys", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC},
        {"devtmpfs", "dev", "/dev", "mode=0755", MS_NOSUID},
    };
    return mount_all(steps, sizeof(steps) / sizeof(steps[0]), err);
}

int guest_load_modules(uint32_t from, uint32_t to, struct error *err)
{
    for (uint32_t i = from; i < to; i++) {
        char path[64];
        snprintf(path, sizeof(path), "%s%02u", JOB_MODULES, i);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        long rc = fd < 0 ? -1 : syscall(SYS_finit_module, fd, "", 0);
        int cause = errno;
        if (fd >= 0)
            close(fd);
        unlink(path); // its memory is the rig's
        if (rc < 0 && cause != EEXIST)
            return error_errno(err, cause,
                               "the rig's kernel refused its module %s", path);
    }
    return 0;
}

// The device whose port has our name, or false.
static bool find_port(char *device, size_t size)
{
    static const char ports[] = "/sys/class/virtio-ports";
    DIR *dir = opendir(ports);
    struct dirent *entry;
    bool found = false;
    while (dir && !found && (entry = readdir(dir))) {
        char path[PATH_MAX], name[64] = "";
        snprintf(path, sizeof(path), "%s/%s/name", ports, entry->d_name);
        FILE *f = fopen(path, "re");
        if (!f)
            continue;
        if (fgets(name, sizeof(name), f))
            found = strcmp(name, RIG_PORT_NAME "\n") == 0;
        fclose(f);
        snprintf(device, size, "/dev/%s", entry->d_name);
    }
    if (dir)
        closedir(dir);
    return found;
}

int guest_open_port(struct error *err)
{
    // The port is announced by a message from QEMU some time after the
    // driver is there; without udev nobody tells us when.
    for (int waited = 0; waited < DEVICE_WAIT_MS; waited++) {
        char device[PATH_MAX];
        int fd = -1;
        if (find_port(device, sizeof(device)))
            fd = open(device, O_RDWR | O_NONBLOCK | O_CLOEXEC);
        if (fd >= 0)
            return fd;
        struct timespec ms = {.tv_nsec = 1000000};
        nanosleep(&ms, NULL);
    }
    return error_set(err, -ENODEV, "the rig's port didn't appear");
}

// Overlayfs opens the host's files with the credentials of who mounts it, and
// adds O_NOATIME where these may. virtiofsd may not when it runs for an
// ordinary user and the file is somebody else's. Without CAP_FOWNER the
// overlay doesn't try.
static int forgo_noatime(struct error *err)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct caps[2];
    if (syscall(SYS_capget, &header, caps) < 0)
        return error_errno(err, errno, "reading the rig's capabilities");
    caps[0].effective &= ~(1u << CAP_FOWNER);
    if (syscall(SYS_capset, &header, caps) < 0)
        return error_errno(err, errno, "setting the rig's capabilities");
    return 0;
}

static int regain_all(struct error *err)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct caps[2];
    if (syscall(SYS_capget, &header, caps) < 0)
        return error_errno(err, errno, "reading the rig's capabilities");
    caps[0].effective = caps[0].permitted;
    caps[1].effective = caps[1].permitted;
    if (syscall(SYS_capset, &header, caps) < 0)
        return error_errno(err, errno, "setting the rig's capabilities");
    return 0;
}

static int mount_root(const struct job *job, struct error *err)
{
    static const struct mount_step below[] = {
        {"virtiofs", "fs0", "/lower", NULL, MS_RDONLY},
        {"tmpfs", "rig", "/upper", "mode=0755", 0},
    };
    static const struct mount_step overlay = {
        "overlay", "rig", "/root",
        "lowerdir=/lower,upperdir=/upper/data,workdir=/upper/work,"
        "redirect_dir=on,metacopy=off,index=off",
        0};
    int rc = mount_all(below, sizeof(below) / sizeof(below[0]), err);
    if (rc < 0)
        return rc;
    if (mkdir("/upper/data", 0755) < 0 || mkdir("/upper/work", 0755) < 0)
        return error_errno(err, errno, "preparing the rig's files");
    if (!job->state.unprivileged)
        return mount_one(&overlay, err);
    rc = forgo_noatime(err);
    if (rc == 0)
        rc = mount_one(&overlay, err);
    return rc < 0 ? rc : regain_all(err);
}

// What every program expects in /dev.
static int link_devices(struct error *err)
{
    static const char *const links[][2] = {
        {"/proc/self/fd", "/dev/fd"},
        {"/proc/self/fd/0", "/dev/stdin"},
        {"/proc/self/fd/1", "/dev/stdout"},
        {"/proc/self/fd/2", "/dev/stderr"},
    };
    for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
        if (symlink(links[i][0], links[i][1]) < 0 && errno != EEXIST)
            return error_errno(err, errno, "making %s", links[i][1]);
    return 0;
}

static int enter_root(struct error *err)
{
    static const struct mount_step steps[] = {
        {NULL, "/proc", "/root/proc", NULL, MS_MOVE},
        {NULL, "/sys", "/root/sys", NULL, MS_MOVE},
        {NULL, "/dev", "/root/dev", NULL, MS_MOVE},
        {"devpts", "devpts", "/root/dev/pts", "gid=5,mode=0620,ptmxmode=0666",
         MS_NOSUID | MS_NOEXEC},
        {"tmpfs", "shm", "/root/dev/shm", "mode=1777", MS_NOSUID | MS_NODEV},
    };
    int rc = mount_all(steps, sizeof(steps) / sizeof(steps[0]), err);
    if (rc < 0)
        return rc;
    if (chdir("/root") < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0 ||
        chroot(".") < 0 || chdir("/") < 0)
        return error_errno(err, errno, "entering the rig's files");
    return link_devices(err);
}

// Makes a directory and its parents; mount says what is still missing.
static void make_path(const char *path)
{
    char part[PATH_MAX];
    snprintf(part, sizeof(part), "%s", path);
    for (char *slash = part + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        mkdir(part, 0755);
        *slash = '/';
    }
}

int guest_mount_files(const struct job *job, struct error *err)
{
    int rc = mount_root(job, err);
    if (rc == 0)
        rc = enter_root(err);
    for (size_t i = 0; rc == 0 && i < job->shares.count; i++) {
        char tag[32];
        snprintf(tag, sizeof(tag), "fs%zu", i + 1);
        struct mount_step share = {"virtiofs", tag, job->shares.items[i], NULL,
                                   0};
        make_path(share.target);
        rc = mount_one(&share, err);
    }
    return rc;
}

int guest_enter_exact(const struct job *job, struct error *err)
{
    static const struct mount_step steps[] = {
        {"devpts", "devpts", "/dev/pts", "gid=5,mode=0620,ptmxmode=0666",
         MS_NOSUID | MS_NOEXEC},
        {"tmpfs", "shm", "/dev/shm", "mode=1777", MS_NOSUID | MS_NODEV},
    };
    int rc = mount_all(steps, sizeof(steps) / sizeof(steps[0]), err);
    if (rc == 0)
        rc = link_devices(err);
    mkdir("/tmp", 01777);
    for (size_t i = 0; rc == 0 && i < job->shares.count; i++) {
        make_path(job->shares.items[i]);
        mkdir(job->shares.items[i], 0755);
    }
    return rc;
}

void guest_sync(const struct job *job)
{
    for (size_t i = 0; i < job->shares.count; i++) {
        int fd = open(job->shares.items[i], O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            continue;
        syncfs(fd);
        close(fd);
    }
}
