// SPDX-License-Identifier: Apache-2.0
// The list of files of a program that reads foreign data: what it may open, and
// that it may open nothing else.
#include "src/daemon/files_lock.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

// 0, or why it can't be opened.
static int try_open(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);
    int code = fd < 0 ? errno : 0;
    if (fd >= 0)
        close(fd);
    return code;
}

enum { NO_LIST = 99 };

// The first of these that is not as it should be, from 1 on.
static int look(const char *image, const char *other, const char *fresh,
                bool writable)
{
    char by_number[64];
    int fd = open(image, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC);
    snprintf(by_number, sizeof by_number, "/proc/self/fd/%d", fd);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        !files_lock("/usr/bin/true", fd, writable))
        return NO_LIST;
    const bool as_expected[] = {
        try_open(by_number, O_RDONLY) == 0,
        try_open(by_number, O_RDWR) == (writable ? 0 : EACCES),
        try_open(image, O_RDONLY) == 0,
        try_open("/dev/null", O_RDWR) == 0,
        try_open("/etc/passwd", O_RDONLY) == 0,
        try_open("/etc/passwd", O_RDWR) != 0,
        try_open(other, O_RDONLY) == EACCES,
        try_open(other, O_WRONLY) == EACCES,
        try_open(fresh, O_WRONLY | O_CREAT) == EACCES,
        unlink(other) < 0 && errno == EACCES,
        mkdir(fresh, 0700) < 0 && errno == EACCES,
    };
    for (size_t i = 0; i < sizeof as_expected / sizeof *as_expected; i++)
        if (!as_expected[i])
            return (int)i + 1;
    return 0;
}

static void in_a_child(bool writable)
{
    char dir[] = "/tmp/toyvmm-test-lock-XXXXXX";
    char image[64], other[64], fresh[64];
    int status;
    cr_assert_not_null(mkdtemp(dir));
    snprintf(image, sizeof image, "%s/image", dir);
    snprintf(other, sizeof other, "%s/other", dir);
    snprintf(fresh, sizeof fresh, "%s/fresh", dir);
    cr_assert_eq(try_open(image, O_WRONLY | O_CREAT), 0);
    cr_assert_eq(try_open(other, O_WRONLY | O_CREAT), 0);
    pid_t pid = fork();
    if (pid == 0)
        _exit(look(image, other, fresh, writable));
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    unlink(image);
    unlink(other);
    rmdir(dir);
    cr_assert(WIFEXITED(status));
    if (WEXITSTATUS(status) == NO_LIST)
        cr_skip_test("this kernel has no landlock");
    cr_expect_eq(WEXITSTATUS(status), 0, "expectation %d", WEXITSTATUS(status));
}

Test(vhost_files_lock, an_image_that_is_read)
{
    in_a_child(false);
}

Test(vhost_files_lock, an_image_that_is_written)
{
    in_a_child(true);
}
