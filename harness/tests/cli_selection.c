// SPDX-License-Identifier: Apache-2.0
// Which files a command line means: folders, skipped ones, duplicates, names,
// filters, tags, errors.
#include "harness/cli/selection.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[] = "/tmp/toyvmm-selection-XXXXXX";

static void put(const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", root, name);
    FILE *f = fopen(path, "we");
    cr_assert_not_null(f, "%s", path);
    fputs(text, f);
    fclose(f);
}

static void folder(const char *name)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", root, name);
    cr_assert_eq(mkdir(path, 0700), 0);
}

static void build(void)
{
    cr_assert_not_null(mkdtemp(root));
    cr_assert_eq(chdir(root), 0);
    folder("t");
    folder("t/deep");
    folder("t/bad");
    put("t/b.tc", "test \"B\"\nkernel \"k\"\ntags smoke slow\nexpect /x/\n");
    put("t/a.tc", "test \"A\"\nkernel \"k\"\ntags smoke\nexpect /x/\n");
    put("t/deep/a.tc", "test \"DA\"\nkernel \"k\"\nexpect /x/\n");
    put("t/notes.txt", "no scenario");
    put("t/bad/.toyvmm-skip", "");
    put("t/bad/c.tc", "test \"C\"\nkernel \"k\"\nexpct /x/\nsnd \"y\"\n");
}

static void clean(void)
{
    char command[128];
    snprintf(command, sizeof(command), "rm -r '%s'", root);
    cr_assert_eq(chdir("/"), 0);
    cr_expect_eq(system(command), 0);
}

TestSuite(selection, .init = build, .fini = clean);

// "suite/name suite/name ..." of what is selected, or the error.
static const char *select_these(const char *filter, const char *tags,
                                char *first, char *second)
{
    static char out[1024];
    char *paths[] = {first, second, NULL};
    struct options o = {.filter = filter,
                        .tags = tags,
                        .paths = paths,
                        .npaths = second ? 2 : 1};
    struct selection s;
    struct error err = {""};
    FILE *log = fopen("log", "we");
    int code = selection_make(&s, &o, log, &err);
    fclose(log);
    *out = '\0';
    if (code)
        snprintf(out, sizeof(out), "%s", err.text);
    for (size_t i = 0; i < s.count; i++) {
        size_t len = strlen(out);
        snprintf(out + len, sizeof(out) - len, "%s%s/%s", i ? " " : "",
                 s.list[i].suite, s.list[i].name);
    }
    selection_free(&s);
    return out;
}

Test(selection, folders_are_searched)
{
    char t[] = "t";
    char dot[] = "./t/b.tc";
    char absolute[128];
    cr_expect_str_eq(select_these(NULL, NULL, t, NULL), "t/a t/b t/deep/a");
    cr_expect_str_eq(select_these(NULL, NULL, dot, t), "t/b t/a t/deep/a",
                     "a file twice is one");
    char slashes[] = ".//t/.//deep/", dots[] = "././//t/../t/deep/a.tc";
    cr_expect_str_eq(select_these(NULL, NULL, slashes, NULL), "t/deep/a");
    cr_expect_str_eq(select_these(NULL, NULL, dots, NULL), "t/../t/deep/a");
    snprintf(absolute, sizeof(absolute), "%s/t/deep", root);
    cr_expect_str_eq(select_these(NULL, NULL, absolute, NULL), "t/deep/a");
}

Test(selection, filters_and_tags)
{
    char t[] = "t";
    cr_expect_str_eq(select_these("a", NULL, t, NULL), "t/a t/deep/a");
    cr_expect_str_eq(select_these("t/?", NULL, t, NULL), "t/a t/b");
    cr_expect_str_eq(select_these("*deep*", NULL, t, NULL), "t/deep/a");
    cr_expect_str_eq(select_these(NULL, "smoke,-slow", t, NULL), "t/a");
    cr_expect_str_eq(select_these(NULL, "-smoke", t, NULL), "t/deep/a");
    cr_expect_str_eq(select_these("zzz", NULL, t, NULL),
                     "no scenario of 3 is selected by --filter zzz");
}

Test(selection, cases_have_names_of_their_own)
{
    char m[] = "t/m.tc";
    put("t/m.tc", "kernel \"k\"\nmatrix a 1 2\nmatrix b x \"y z\"\nnmi\n");
    cr_expect_str_eq(select_these(NULL, NULL, m, NULL),
                     "t/m[a=1,b=x] t/m[a=1,b=y_z] t/m[a=2,b=x] t/m[a=2,b=y_z]");
    static const char *const one[] = {"m[a=2,b=y_z]", "t/m[a=2,b=y_z]",
                                      "*a=2*y_z?", "t/m*2*z?"};
    for (size_t i = 0; i < sizeof(one) / sizeof(one[0]); i++)
        cr_expect_str_eq(select_these(one[i], NULL, m, NULL), "t/m[a=2,b=y_z]",
                         "%s", one[i]);
    cr_expect_str_eq(select_these("*b=x*", NULL, m, NULL),
                     "t/m[a=1,b=x] t/m[a=2,b=x]");
    // The file's own name means all of them.
    cr_expect(strstr(select_these("m", NULL, m, NULL), "t/m[a=2,b=y_z]"));
    cr_expect(strstr(select_these("t/?", NULL, m, NULL), "t/m[a=1,b=x]"));
}

Test(selection, errors_are_told_all_at_once)
{
    char bad[] = "t/bad";
    char missing[] = "t/nope.tc";
    cr_expect_str_eq(select_these(NULL, NULL, bad, NULL),
                     "1 scenario is wrong: nothing was run");
    FILE *f = fopen("log", "re");
    char text[2048] = "";
    cr_expect_gt(fread(text, 1, sizeof(text) - 1, f), 0U);
    fclose(f);
    cr_expect(strstr(text, "t/bad/c.tc:3:1"), "%s", text);
    cr_expect(strstr(text, "t/bad/c.tc:4:1"), "%s", text);
    cr_expect(strstr(select_these(NULL, NULL, missing, NULL), "t/nope.tc"));
}
