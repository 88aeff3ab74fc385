// SPDX-License-Identifier: Apache-2.0
// A list of files: what is on it can be used as it says, and nothing else.
#include "src/base/files_list.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PORTS_ABI 4

static void needs_landlock(void)
{
    if (files_list_version() < 1)
        cr_skip_test("this kernel has no landlock");
}

TestSuite(files_list, .init = needs_landlock);

// Folders and files of a test: read/ and written/ with a `there`, and other/.
struct fixture {
    char dir[64];
    char path[128];
};

static const char *const names[] = {"read", "written", "other"};

static const char *path(struct fixture *f, const char *name)
{
    snprintf(f->path, sizeof f->path, "%s/%s", f->dir, name);
    return f->path;
}

static void set_up(struct fixture *f)
{
    char name[32];
    snprintf(f->dir, sizeof f->dir, "/tmp/toyvmm-test-files-XXXXXX");
    cr_assert_not_null(mkdtemp(f->dir));
    for (size_t i = 0; i < 3; i++) {
        cr_assert_eq(mkdir(path(f, names[i]), 0700), 0);
        snprintf(name, sizeof name, "%s/there", names[i]);
        int fd = open(path(f, name), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        cr_assert_geq(fd, 0);
        close(fd);
    }
}

static void tear_down(struct fixture *f)
{
    static const char *const files[] = {"there", "fresh", "moved"};
    char name[32];
    for (size_t i = 0; i < 3; i++) {
        for (size_t k = 0; k < 3; k++) {
            snprintf(name, sizeof name, "%s/%s", names[i], files[k]);
            unlink(path(f, name));
        }
        rmdir(path(f, names[i]));
    }
    rmdir(f->dir);
}

// 0, or why it can't be opened.
static int try_open(struct fixture *f, const char *name, int flags)
{
    int fd = open(path(f, name), flags | O_CLOEXEC, 0600);
    int code = fd < 0 ? errno : 0;
    if (fd >= 0)
        close(fd);
    return code;
}

static int try_rename(const struct fixture *f, const char *from, const char *to)
{
    char a[128], b[128];
    snprintf(a, sizeof a, "%s/%s", f->dir, from);
    snprintf(b, sizeof b, "%s/%s", f->dir, to);
    return rename(a, b) < 0 ? errno : 0;
}

// The child's: the first of these that is not as it should be, from 1 on.
static int look(struct fixture *f)
{
    struct files_list list;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        files_list_open(&list, false, NULL) ||
        files_list_add(&list, path(f, "read"), FILES_READ) ||
        files_list_add(&list, path(f, "written"),
                       FILES_READ | FILES_WRITE | FILES_MAKE) ||
        files_list_add(&list, path(f, "no/such/file"), FILES_READ) ||
        files_list_enforce(&list))
        return 99;
    files_list_close(&list);
    const bool as_expected[] = {
        try_open(f, "read/there", O_RDONLY) == 0,
        try_open(f, "read", O_RDONLY | O_DIRECTORY) == 0,
        try_open(f, "read/there", O_WRONLY) == EACCES,
        try_open(f, "read/fresh", O_WRONLY | O_CREAT) == EACCES,
        unlink(path(f, "read/there")) < 0 && errno == EACCES,
        try_open(f, "written/there", O_RDWR | O_TRUNC) == 0,
        try_open(f, "written/fresh", O_WRONLY | O_CREAT) == 0,
        try_rename(f, "written/fresh", "written/moved") == 0,
        // Not from folder to folder, which may change what may be done.
        try_rename(f, "written/moved", "read/moved") != 0,
        unlink(path(f, "written/moved")) == 0,
        mkdir(path(f, "written/fresh"), 0700) < 0 && errno == EACCES,
        mkfifo(path(f, "written/fresh"), 0600) < 0 && errno == EACCES,
        symlink("/", path(f, "written/fresh")) < 0 && errno == EACCES,
        try_open(f, "other/there", O_RDONLY) == EACCES,
        try_open(f, "other", O_RDONLY | O_DIRECTORY) == EACCES,
        try_open(f, "written/../other/there", O_RDONLY) == EACCES,
        try_open(f, "other/fresh", O_WRONLY | O_CREAT) == EACCES,
        open("/etc/passwd", O_RDONLY | O_CLOEXEC) < 0 && errno == EACCES,
        // What can't be opened can still be asked for.
        access(path(f, "other/there"), R_OK) == 0,
    };
    for (size_t i = 0; i < sizeof as_expected / sizeof *as_expected; i++)
        if (!as_expected[i])
            return (int)i + 1;
    return 0;
}

Test(files_list, what_is_on_it_and_what_is_not)
{
    struct fixture f;
    int status;
    set_up(&f);
    pid_t pid = fork();
    if (pid == 0)
        _exit(look(&f));
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    tear_down(&f);
    cr_assert(WIFEXITED(status));
    cr_expect_eq(WEXITSTATUS(status), 0, "expectation %d", WEXITSTATUS(status));
}

// ---- Ports ------------------------------------------------------------------

static int listen_somewhere(uint16_t *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t len = sizeof at;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    cr_assert_eq(listen(fd, 4), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    *port = ntohs(at.sin_port);
    return fd;
}

typedef int use_address(int fd, const struct sockaddr *at, socklen_t len);

static int try_port(use_address *use, uint16_t port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int code = use(fd, (const struct sockaddr *)&at, sizeof at) < 0 ? errno : 0;
    close(fd);
    return code;
}

static int look_at_ports(uint16_t one, uint16_t another, uint16_t gone)
{
    struct files_list list;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        files_list_open(&list, true, NULL) ||
        files_list_add_port(&list, FILES_CONNECT, one) ||
        files_list_add_port(&list, FILES_BIND, gone) ||
        files_list_enforce(&list))
        return 99;
    const bool as_expected[] = {
        try_port(connect, one) == 0,   try_port(connect, another) == EACCES,
        try_port(bind, gone) == 0,     try_port(bind, 0) == EACCES,
        try_port(bind, one) == EACCES, try_port(connect, gone) == EACCES,
    };
    for (size_t i = 0; i < sizeof as_expected / sizeof *as_expected; i++)
        if (!as_expected[i])
            return (int)i + 1;
    return 0;
}

Test(files_list, ports)
{
    uint16_t one, another, gone;
    int status;
    if (files_list_version() < PORTS_ABI)
        cr_skip_test("this kernel's landlock has no ports (Linux 6.7)");
    int first = listen_somewhere(&one);
    int second = listen_somewhere(&another);
    close(listen_somewhere(&gone));
    pid_t pid = fork();
    if (pid == 0)
        _exit(look_at_ports(one, another, gone));
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    close(first);
    close(second);
    cr_assert(WIFEXITED(status));
    cr_expect_eq(WEXITSTATUS(status), 0, "expectation %d", WEXITSTATUS(status));
}

Test(files_list_errors, what_can_not_be_listed)
{
    struct files_list list = {.fd = -1, .version = 1};
    cr_expect_eq(files_list_add_open(&list, -1, FILES_READ), -EBADF);
    cr_expect_lt(files_list_enforce(&list), 0);
    files_list_close(&list);
}
