// SPDX-License-Identifier: Apache-2.0
// --format as a command: what it prints, what it rewrites, what it leaves
// alone.
#include "harness/cli/cli.h"
#include "harness/cli/format.h"
#include "harness/tests/cli_files.h"

TestSuite(format, .init = enter_folder, .fini = leave_folder);

#define UGLY   "guest   x\nrun \"a\"   # b\n"
#define PRETTY "guest   x\nrun     \"a\"  # b\n"
#define WRONG  "guest x\nexpct /x/\n"

// Runs --format; what it says is in the files out and log.
static int format(const char *first, const char *second, bool write, bool check)
{
    char paths[2][64] = {"", ""};
    char *list[] = {paths[0], paths[1]};
    snprintf(paths[0], sizeof(paths[0]), "%s", first ? first : "");
    snprintf(paths[1], sizeof(paths[1]), "%s", second ? second : "");
    struct options o = {.action = ACTION_FORMAT,
                        .write = write,
                        .format_check = check,
                        .paths = list,
                        .npaths = (size_t)(!!first + !!second)};
    FILE *out = fopen("out", "we");
    FILE *log = fopen("log", "we");
    int code = format_run(&o, out, log);
    fclose(out);
    fclose(log);
    return code;
}

static bool says(const char *file, const char *what)
{
    char *text = get_file(file);
    bool found = strstr(text, what) != NULL;
    if (!found)
        cr_log_error("%s says: %s", file, text);
    free(text);
    return found;
}

Test(format, prints)
{
    put_file("a.tc", UGLY);
    cr_expect_eq(format("a.tc", NULL, false, false), EXIT_PASSED);
    cr_expect(file_is("out", PRETTY));
    cr_expect(file_is("a.tc", UGLY));
}

Test(format, standard_input)
{
    put_file("a.tc", UGLY);
    cr_assert_not_null(freopen("a.tc", "r", stdin));
    cr_expect_eq(format(NULL, NULL, false, false), EXIT_PASSED);
    cr_expect(file_is("out", PRETTY));
    cr_assert_not_null(freopen("a.tc", "r", stdin));
    cr_expect_eq(format("-", NULL, false, true), EXIT_FAILED);
    cr_expect(says("out", "--- <stdin>\n"));
    cr_expect_eq(format("-", NULL, true, false), EXIT_WRONG);
    cr_expect_eq(format(NULL, NULL, true, false), EXIT_WRONG);
}

Test(format, writes_what_differs)
{
    struct stat before, after;
    put_file("a.tc", UGLY);
    put_file("b.tci", UGLY);
    put_file("c.tc", PRETTY);
    cr_assert_eq(chmod("a.tc", 0640), 0);
    cr_assert_eq(stat("c.tc", &before), 0);
    cr_expect_eq(format(".", NULL, true, false), EXIT_PASSED);
    cr_expect(file_is("a.tc", PRETTY));
    cr_expect(file_is("b.tci", PRETTY));
    cr_expect(file_is("out", "a.tc\nb.tci\n"));
    cr_assert_eq(stat("c.tc", &after), 0);
    cr_expect_eq(before.st_ino, after.st_ino, "c.tc was rewritten");
    cr_assert_eq(stat("a.tc", &after), 0);
    cr_expect_eq(after.st_mode & 0777, 0640U);
    cr_expect_eq(format(".", NULL, true, false), EXIT_PASSED);
    cr_expect(file_is("out", ""));
}

Test(format, a_link_stays_a_link)
{
    struct stat st;
    put_file("a.tc", UGLY);
    cr_assert_eq(symlink("a.tc", "b.tc"), 0);
    cr_expect_eq(format("b.tc", NULL, true, false), EXIT_PASSED);
    cr_assert_eq(lstat("b.tc", &st), 0);
    cr_expect(S_ISLNK(st.st_mode));
    cr_expect(file_is("a.tc", PRETTY));
}

Test(format, checks)
{
    put_file("a.tc", UGLY);
    put_file("c.tc", PRETTY);
    cr_expect_eq(format("c.tc", NULL, false, true), EXIT_PASSED);
    cr_expect(file_is("out", "1 file, 0 to be formatted\n"));
    cr_expect_eq(format("a.tc", "c.tc", false, true), EXIT_FAILED);
    cr_expect(file_is("out", "--- a.tc\n+++ a.tc (formatted)\n"
                             "@@ -1,2 +1,2 @@\n"
                             " guest   x\n"
                             "-run \"a\"   # b\n"
                             "+run     \"a\"  # b\n"
                             "2 files, 1 to be formatted: toyvmm-test --format "
                             "--write does it\n"));
    cr_expect(file_is("a.tc", UGLY));
}

Test(format, wrong_files_stay_as_they_are)
{
    put_file("a.tc", WRONG);
    put_file("b.tc", UGLY);
    cr_expect_eq(format("a.tc", "b.tc", true, false), EXIT_WRONG);
    cr_expect(file_is("a.tc", WRONG));
    cr_expect(file_is("b.tc", PRETTY), "the others are done nevertheless");
    cr_expect(says("log", "a.tc:2:1: error: unknown statement `expct`"));
    cr_expect_eq(format("a.tc", NULL, false, true), EXIT_WRONG);
    cr_expect_eq(format("a.tc", NULL, false, false), EXIT_WRONG);
    cr_expect(file_is("out", ""));
    cr_expect_eq(format("no.tc", NULL, false, false), EXIT_WRONG);
    cr_expect(says("log", "no.tc: No such file"));
}
