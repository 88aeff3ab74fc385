// SPDX-License-Identifier: Apache-2.0
// What --check says of files that aren't there.
#include "harness/cli/check_files.h"
#include "harness/tests/cli_files.h"

TestSuite(check_files, .init = enter_folder, .fini = leave_folder);

// The warnings about a.tc; their number is in *count.
static char *warnings(const char *scenario, const char *kernel, size_t *count)
{
    char path[] = "a.tc";
    char *paths[] = {path};
    struct options o = {
        .paths = paths, .npaths = 1, .machine = {.kernel = kernel}};
    struct selection s;
    struct error err = {""};
    char *text = NULL;
    size_t len = 0;
    put_file(path, scenario);
    cr_assert_eq(selection_make(&s, &o, stderr, &err), 0, "%s", err.text);
    FILE *f = open_memstream(&text, &len);
    cr_assert_not_null(f);
    cr_assert_eq(check_files(&o, &s, f, &err), 0, "%s", err.text);
    fclose(f);
    *count = s.tally.warnings;
    selection_free(&s);
    return text;
}

Test(check_files, each_that_the_header_names)
{
    size_t n;
    put_file("k", "");
    cr_assert_eq(truncate("k", 512), 0);
    char *text = warnings("kernel k\ninitrd no-i\nsymbols no-s\n"
                          "disk k\ndisk no-a\ndisk no-b readonly\nnmi\n",
                          NULL, &n);
    cr_expect_eq(n, 4U);
    cr_expect_str_eq(text, "a.tc:2:8: warning: can't read the initrd no-i: No "
                           "such file or directory\n"
                           "a.tc:3:9: warning: can't read the symbols no-s: No "
                           "such file or directory\n"
                           "a.tc:5:6: warning: can't read the disk image no-a: "
                           "No such file or directory\n"
                           "a.tc:6:6: warning: can't read the disk image no-b: "
                           "No such file or directory\n");
    free(text);
}

Test(check_files, images_that_can_not_be_used)
{
    size_t n;
    put_file("k", "");
    put_file("odd.img", "odd");
    put_file("old.qcow2", "QFI\xfb");
    char *text =
        warnings("kernel k\ndisk odd.img\ndisk old.qcow2\nnmi\n", NULL, &n);
    cr_expect_eq(n, 2U, "%s", text);
    cr_expect(strstr(text, "a.tc:2:6: warning: odd.img is no disk image: 3 "
                           "bytes, not whole sectors of 512\n"),
              "%s", text);
    cr_expect(strstr(text, "a.tc:3:6: warning: old.qcow2 is a qcow image of "
                           "version 0: "),
              "%s", text);
    free(text);
}

Test(check_files, what_the_command_line_replaces_is_not_looked_at)
{
    size_t n;
    char *text = warnings("kernel no-k\nnmi\n", "other", &n);
    cr_expect_eq(n, 0U);
    cr_expect_str_eq(text, "");
    free(text);
}

Test(check_files, once_for_all_cases)
{
    size_t n;
    put_file("k", "");
    put_file("d1.img", "");
    cr_assert_eq(truncate("d1.img", 512), 0);
    char *text = warnings("kernel k\nmatrix x 1 2\nmatrix y a b\n"
                          "disk d${x}.img\nset z old\ndisk ${z}.img\nnmi\n",
                          NULL, &n);
    cr_expect_eq(n, 2U, "%s", text);
    cr_expect(strstr(text, "image d2.img: No such"), "%s", text);
    cr_expect(strstr(text, "image old.img: No such"), "%s", text);
    free(text);
}

Test(check_files, beside_the_file_that_names_them)
{
    size_t n;
    cr_assert_eq(mkdir("lib", 0700), 0);
    put_file("k", "");
    put_file("lib/h.tc", "kernel ../k\ndisk d.img\n");
    char *text = warnings("use \"lib/h.tc\"\nnmi\n", NULL, &n);
    cr_expect_eq(n, 1U);
    cr_expect(strstr(text, "h.tc:2:6: warning: can't read the disk image "
                           "lib/d.img: "),
              "%s", text);
    free(text);
}

// A path that is in use now may be free when the test runs.
Test(check_files, a_socket_that_can_not_be_made)
{
    size_t n;
    put_file("k", "");
    put_file("file", "");
    char *text = warnings("kernel k\nvsock file\nnmi\n", NULL, &n);
    cr_expect_eq(n, 1U);
    cr_expect_str_eq(text, "a.tc:2:7: warning: file is there already and is no "
                           "socket: remove it, or name another path\n");
    free(text);
    text = warnings("kernel k\nvsock no/v\nnmi\n", NULL, &n);
    cr_expect_str_eq(text, "a.tc:2:7: warning: no/v: there is no folder no for "
                           "it: No such file or directory\n");
    free(text);
    text = warnings("kernel k\nset x xxxxxxxxxxxxxxxxxxxxxxxxx\n"
                    "vsock ${x}${x}${x}${x} cid 7\nnmi\n",
                    NULL, &n);
    cr_expect(strstr(text, "a.tc:3:7: warning: xxx"), "%s", text);
    cr_expect(strstr(text, "at most 96 bytes, and this one 100"), "%s", text);
    free(text);
    text = warnings("kernel k\nvsock v\nnmi\n", NULL, &n);
    cr_expect_str_eq(text, "");
    cr_expect_neq(access("v", F_OK), 0);
    free(text);
}
