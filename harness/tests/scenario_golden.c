// SPDX-License-Identifier: Apache-2.0
// Whole files against what they must give: scenarios/wrong/*.tc beside their
// *.expected, and scenarios/good/*.tc, which must be clean.
#include "harness/tests/scenario_test.h"

#include <dirent.h>
#include <unistd.h>

// A file of the working directory, so that its name alone is in the messages.
static struct parsed_text load(const char *name)
{
    struct parsed_text p = {0};
    p.code = scenario_load(name, NULL, 0, &p.sc, &p.diags, &p.err);
    return p;
}

static void check_wrong_file(const char *name)
{
    char path[300];
    struct parsed_text p = load(name);
    snprintf(path, sizeof(path), "wrong/%.*s.expected", (int)(strlen(name) - 3),
             name);
    char *expected = read_fixture(path);
    char *all = format_all(&p.diags);
    cr_expect_eq(p.code, -EINVAL, "%s", name);
    cr_expect_str_eq(all, expected, "%s gives:\n%s", name, all);
    free(all);
    free(expected);
    parsed_free(&p);
}

static void check_good_file(const char *name)
{
    struct parsed_text p = load(name);
    char *all = format_all(&p.diags);
    cr_expect_eq(p.code, 0, "%s", name);
    cr_expect_str_eq(all, "", "%s", all);
    free(all);
    parsed_free(&p);
}

static void each(const char *folder, void (*check)(const char *name))
{
    char path[512];
    struct dirent *entry;
    size_t seen = 0;
    snprintf(path, sizeof(path), "%s/harness/tests/scenarios/%s",
             TEST_SOURCE_DIR, folder);
    cr_assert_eq(chdir(path), 0, "%s", path);
    DIR *dir = opendir(".");
    cr_assert(dir, "%s", path);
    while ((entry = readdir(dir))) {
        size_t len = strlen(entry->d_name);
        if (len > 3 && !strcmp(entry->d_name + len - 3, ".tc")) {
            check(entry->d_name);
            seen++;
        }
    }
    closedir(dir);
    cr_assert_geq(seen, 1, "%s", path);
}

Test(scenario_golden, wrong)
{
    each("wrong", check_wrong_file);
}

Test(scenario_golden, good)
{
    each("good", check_good_file);
}
