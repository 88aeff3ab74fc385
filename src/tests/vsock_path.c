// SPDX-License-Identifier: Apache-2.0
// Where programs of the host's meet a guest: what stands in the way, and what
// is left there.
#include "src/vsock/path.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64], path[200];
static struct vsock_file file;
static struct error err;

static void set_up(void)
{
    snprintf(folder, sizeof folder, "/tmp/vsock-path-XXXXXX");
    cr_assert(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/v", folder);
    memset(&file, 0, sizeof file);
}

static void tear_down(void)
{
    cr_assert_eq(rmdir(folder), 0);
}

TestSuite(vsock_path, .init = set_up, .fini = tear_down);

static void expect_error(int code, const char *text)
{
    cr_assert_eq(vsock_path_check(path, &err), code, "%s", err.text);
    cr_assert(strstr(err.text, text), "%s", err.text);
    cr_assert(strstr(err.text, path), "%s", err.text);
    cr_assert_eq(vsock_path_listen(path, &file, &err), code);
    cr_assert_eq(file.path[0], 0);
    // It removes nothing then.
    vsock_path_remove(&file);
}

Test(vsock_path, a_socket_is_made_and_removed)
{
    struct stat st;
    cr_assert_eq(vsock_path_check(path, &err), 0);
    cr_assert_neq(access(path, F_OK), 0, "a check makes nothing");
    int fd = vsock_path_listen(path, &file, &err);
    cr_assert_geq(fd, 0, "%s", err.text);
    cr_assert_eq(stat(path, &st), 0);
    cr_assert(S_ISSOCK(st.st_mode));
    close(fd);
    vsock_path_remove(&file);
    cr_assert_neq(access(path, F_OK), 0);
}

Test(vsock_path, a_file_is_there)
{
    close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
    expect_error(-EEXIST, "is there already and is no socket");
    cr_assert_eq(access(path, F_OK), 0);
    unlink(path);
}

// Not what it leads to, either.
Test(vsock_path, a_link_is_there)
{
    cr_assert_eq(symlink("/nowhere", path), 0);
    expect_error(-EEXIST, "is there already and is no socket");
    unlink(path);
}

Test(vsock_path, no_folder)
{
    snprintf(path, sizeof path, "%s/not/v", folder);
    expect_error(-ENOENT, "there is no folder");
}

Test(vsock_path, a_file_for_a_folder)
{
    char name[100];
    snprintf(name, sizeof name, "%s/not", folder);
    close(open(name, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
    snprintf(path, sizeof path, "%s/not/v", folder);
    expect_error(-ENOTDIR, "is no folder");
    unlink(name);
}

Test(vsock_path, no_path)
{
    cr_assert_eq(vsock_path_check("", &err), -EINVAL);
}

// The longest one has room for the longest port.
Test(vsock_path, a_path_that_is_too_long)
{
    size_t len = strlen(path);
    memset(path + len, 'x', sizeof path - len);
    path[VSOCK_PATH_MAX + 1] = 0;
    expect_error(-ENAMETOOLONG, "at most 96 bytes, and this one 97");
    path[VSOCK_PATH_MAX] = 0;
    int fd = vsock_path_listen(path, &file, &err);
    cr_assert_geq(fd, 0, "%s", err.text);
    cr_assert_eq(vsock_path_dial(&file, UINT32_MAX - 1), -ENOENT);
    close(fd);
    vsock_path_remove(&file);
}

Test(vsock_path, somebody_listens_there)
{
    struct vsock_file other;
    int fd = vsock_path_listen(path, &other, &err);
    cr_assert_geq(fd, 0);
    expect_error(-EADDRINUSE, "is in use by another program");
    cr_assert_eq(access(path, F_OK), 0);
    // One that was killed before it could remove it is no obstacle.
    close(fd);
    cr_assert_eq(vsock_path_check(path, &err), 0, "%s", err.text);
    fd = vsock_path_listen(path, &file, &err);
    cr_assert_geq(fd, 0, "%s", err.text);
    close(fd);
    vsock_path_remove(&file);
}

Test(vsock_path, another_one_has_taken_its_place)
{
    struct vsock_file other;
    int fd = vsock_path_listen(path, &other, &err);
    cr_assert_geq(fd, 0);
    cr_assert_eq(unlink(path), 0);
    int mine = vsock_path_listen(path, &file, &err);
    cr_assert_geq(mine, 0, "%s", err.text);
    vsock_path_remove(&other);
    cr_assert_eq(access(path, F_OK), 0);
    close(fd);
    vsock_path_remove(&file);
    cr_assert_neq(access(path, F_OK), 0);
    close(mine);
}

Test(vsock_path, connects)
{
    struct vsock_file other;
    char name[sizeof path + 8];
    snprintf(name, sizeof name, "%s_52", path);
    int mine = vsock_path_listen(path, &file, &err);
    cr_assert_eq(vsock_path_dial(&file, 52), -ENOENT);
    int fd = vsock_path_listen(name, &other, &err);
    cr_assert_geq(fd, 0, "%s", err.text);
    int end = vsock_path_dial(&file, 52);
    cr_assert_geq(end, 0);
    int accepted = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    cr_assert_geq(accepted, 0);
    close(accepted);
    close(end);
    close(fd);
    cr_assert_eq(vsock_path_dial(&file, 52), -ECONNREFUSED);
    vsock_path_remove(&other);
    close(mine);
    vsock_path_remove(&file);
}
