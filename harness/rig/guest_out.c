// SPDX-License-Identifier: Apache-2.0
// What the exact rig's command wrote goes to the host, once it has ended.
#include "harness/rig/guest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define OUTSIDE "/rig.outside"
// The directories in one another that are followed.
#define DEPTH_MAX 32

// One directory, here and on the host.
struct pair {
    int here, there;
    unsigned depth;
};

static int copy_tree(const struct pair *p, struct error *err);

static int copy_bytes(int from, int to, off_t len)
{
    while (len > 0) {
        ssize_t n = sendfile(to, from, NULL, (size_t)len);
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        len -= n;
    }
    return 0;
}

static int copy_file(const struct pair *p, const char *name,
                     const struct stat *st, struct error *err)
{
    const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW;
    int from = openat(p->here, name, O_RDONLY | O_CLOEXEC);
    int to = from < 0 ? -1 : openat(p->there, name, flags, st->st_mode & 0777);
    int rc = to < 0 ? -errno : copy_bytes(from, to, st->st_size);
    if (from >= 0)
        close(from);
    if (to >= 0 && close(to) < 0 && rc == 0)
        rc = -errno;
    return rc < 0 ? error_errno(err, -rc, "writing %s", name) : 0;
}

static int copy_directory(const struct pair *p, const char *name,
                          const struct stat *st, struct error *err)
{
    const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
    if (p->depth == DEPTH_MAX)
        return error_set(err, -ELOOP, "%s: too deep", name);
    if (mkdirat(p->there, name, st->st_mode & 0777) < 0 && errno != EEXIST)
        return error_errno(err, errno, "making %s", name);
    struct pair below = {openat(p->here, name, flags | O_NOFOLLOW),
                         openat(p->there, name, flags), p->depth + 1};
    int rc = 0;
    if (below.here < 0 || below.there < 0)
        rc = error_errno(err, errno, "opening %s", name);
    else
        rc = copy_tree(&below, err);
    if (below.here >= 0)
        close(below.here);
    if (below.there >= 0)
        close(below.there);
    return rc;
}

// What came along in the initramfs is as old as its archive says: 0 seconds.
static int copy_entry(const struct pair *p, const char *name, struct error *err)
{
    struct stat st;
    if (fstatat(p->here, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return error_errno(err, errno, "reading %s", name);
    if (S_ISDIR(st.st_mode))
        return copy_directory(p, name, &st, err);
    if (S_ISREG(st.st_mode) && st.st_mtime != 0)
        return copy_file(p, name, &st, err);
    return 0;
}

// Takes over neither of the descriptors.
static int copy_tree(const struct pair *p, struct error *err)
{
    int copy = fcntl(p->here, F_DUPFD_CLOEXEC, 3);
    DIR *dir = copy < 0 ? NULL : fdopendir(copy);
    if (!dir) {
        if (copy >= 0)
            close(copy);
        return error_errno(err, errno, "reading what the command wrote");
    }
    struct dirent *entry;
    int rc = 0;
    while (rc == 0 && (entry = readdir(dir)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            rc = copy_entry(p, entry->d_name, err);
    closedir(dir);
    return rc;
}

static int hand_out(const char *share, const char *tag, struct error *err)
{
    const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
    mkdir(OUTSIDE, 0755);
    if (mount(tag, OUTSIDE, "virtiofs", 0, NULL) < 0)
        return error_errno(err, errno, "the rig can't mount %s", share);
    struct pair top = {open(share, flags), open(OUTSIDE, flags), 0};
    int rc;
    if (top.here < 0 || top.there < 0)
        rc = error_errno(err, errno, "opening %s", share);
    else
        rc = copy_tree(&top, err);
    if (top.here >= 0)
        close(top.here);
    if (top.there >= 0) {
        syncfs(top.there);
        close(top.there);
    }
    umount(OUTSIDE);
    return rc < 0 ? error_prefix(err, rc, "%s", share) : 0;
}

int guest_hand_out(const struct job *job, struct error *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < job->shares.count; i++) {
        char tag[32];
        snprintf(tag, sizeof(tag), "fs%zu", i + 1);
        rc = hand_out(job->shares.items[i], tag, err);
    }
    return rc;
}
