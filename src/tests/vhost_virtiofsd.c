// SPDX-License-Identifier: Apache-2.0
// The distribution's virtiofsd as a back end: how it begins, that it can change
// nothing of a read-only share, how it ends.
#include "src/base/clock.h"
#include "src/daemon/process.h"
#include "src/daemon/virtiofsd.h"
#include "src/vhost/front.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE (60 * NS_PER_S)

// Starts one for dir; skips the test where there is none, or none can be.
static pid_t start(const char *dir, bool writable, int *socket)
{
    static char program[PATH_MAX];
    struct error err = {""};
    if (virtiofsd_find(program, sizeof program, &err) < 0)
        cr_skip_test("%s", err.text);
    const struct virtiofsd_spec spec = {
        .program = program,
        .dir = dir,
        .writable = writable,
        .strict = true,
        .follows = true,
        .log = 2,
    };
    pid_t pid = virtiofsd_start(&spec, socket, &err);
    if (pid == -EPERM)
        cr_skip_test("%s", err.text);
    cr_assert_gt(pid, 0, "%s", err.text);
    return pid;
}

// Reads how the process's mounts are mounted: how many there are, how many of
// them can be written to.
static unsigned count_mounts(pid_t pid, unsigned *writable)
{
    char path[64], *line = NULL;
    size_t size = 0;
    unsigned count = 0;
    snprintf(path, sizeof path, "/proc/%d/mountinfo", (int)pid);
    FILE *f = fopen(path, "re");
    cr_assert_not_null(f);
    *writable = 0;
    while (getline(&line, &size, f) > 0) {
        char options[256] = "";
        cr_assert_eq(sscanf(line, "%*s %*s %*s %*s %*s %255s", options), 1);
        *writable += strncmp(options, "ro", 2) != 0;
        count++;
    }
    free(line);
    fclose(f);
    return count;
}

Test(vhost_virtiofsd, it_can_change_nothing)
{
    struct vhost_front front;
    struct error err = {""};
    int socket;
    unsigned writable;
    pid_t pid = start("/", false, &socket);
    cr_assert_eq(vhost_front_open(&front, socket, 2, PATIENCE, &err), 0, "%s",
                 err.text);
    // Its mounts, that of the share with them: by the kernel, not by its will.
    cr_expect_gt(count_mounts(pid, &writable), 0U);
    cr_expect_eq(writable, 0U);
    vhost_front_close(&front);
    process_kill(&pid);
}

Test(vhost_virtiofsd, it_ends_with_the_connection)
{
    struct vhost_front front;
    struct error err = {""};
    int socket, status;
    pid_t pid = start("/tmp", true, &socket);
    cr_assert_eq(vhost_front_open(&front, socket, 2, PATIENCE, &err), 0, "%s",
                 err.text);
    vhost_front_close(&front);
    cr_expect_eq(waitpid(pid, &status, 0), pid);
}

// Who started it is killed: the kernel kills it, too.
Test(vhost_virtiofsd, it_ends_with_who_started_it)
{
    int told[2];
    pid_t pid = 0, parent;
    cr_assert_eq(pipe(told), 0);
    parent = fork();
    if (parent == 0) {
        int socket;
        pid = start("/tmp", true, &socket);
        (void)!write(told[1], &pid, sizeof pid);
        for (;;)
            pause();
    }
    close(told[1]);
    if (read(told[0], &pid, sizeof pid) != sizeof pid) {
        kill(parent, SIGKILL);
        waitpid(parent, NULL, 0);
        cr_skip_test("there is no virtiofsd here");
    }
    close(told[0]);
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    cr_assert_geq(fd, 0);
    kill(parent, SIGKILL);
    waitpid(parent, NULL, 0);
    struct pollfd ended = {.fd = fd, .events = POLLIN};
    cr_expect_eq(poll(&ended, 1, 60000), 1);
    close(fd);
}

Test(vhost_virtiofsd, no_such_folder)
{
    struct error err = {""};
    int socket;
    const struct virtiofsd_spec spec = {
        .program = "/bin/true",
        .dir = "/no/such/folder",
        .writable = true,
        .log = 2,
    };
    cr_expect_lt(virtiofsd_start(&spec, &socket, &err), 0);
    cr_expect(strstr(err.text, "/no/such/folder") ||
                  strstr(err.text, "user namespaces"),
              "%s", err.text);
}

// A program that is no back end: its end is seen, nothing hangs.
Test(vhost_virtiofsd, one_that_ends_at_once)
{
    struct vhost_front front;
    struct error err = {""};
    int socket;
    const struct virtiofsd_spec spec = {
        .program = "/bin/true",
        .dir = "/",
        .writable = true,
        .log = 2,
    };
    pid_t pid = virtiofsd_start(&spec, &socket, &err);
    if (pid == -EPERM)
        cr_skip_test("%s", err.text);
    cr_assert_gt(pid, 0, "%s", err.text);
    cr_expect_eq(vhost_front_open(&front, socket, 2, PATIENCE, &err), -EPIPE);
    cr_expect(strstr(err.text, "closed the connection"), "%s", err.text);
    vhost_front_close(&front);
    process_kill(&pid);
}
