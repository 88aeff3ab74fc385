// SPDX-License-Identifier: Apache-2.0
// Whole files against what they must give: scenarios/wrong/*.tc beside their
// *.expected, and scenarios/good/*.tc, which must be clean.
#include "harness/tests/scenario_test.h"

#include <dirent.h>

static struct parsed_text parse_fixture(const char *folder, const char *name,
                                        char **text)
{
    char path[300];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    *text = read_fixture(path);
    struct parsed_text p = {0};
    p.code = scenario_parse(name, *text, strlen(*text), NULL, 0, &p.sc,
                            &p.diags, &p.err);
    return p;
}

static void check_wrong(const char *name)
{
    char *text, path[300];
    struct parsed_text p = parse_fixture("wrong", name, &text);
    snprintf(path, sizeof(path), "wrong/%.*s.expected", (int)(strlen(name) - 3),
             name);
    char *expected = read_fixture(path);
    char *all = format_all(&p.diags);
    cr_expect_eq(p.code, -EINVAL, "%s", name);
    cr_expect_str_eq(all, expected, "%s gives:\n%s", name, all);
    free(all);
    free(expected);
    free(text);
    parsed_free(&p);
}

static void check_good(const char *name)
{
    char *text;
    struct parsed_text p = parse_fixture("good", name, &text);
    char *all = format_all(&p.diags);
    cr_expect_eq(p.code, 0, "%s", name);
    cr_expect_str_eq(all, "", "%s", all);
    free(all);
    free(text);
    parsed_free(&p);
}

static void each(const char *folder, void (*check)(const char *name))
{
    char path[512];
    struct dirent *entry;
    size_t seen = 0;
    snprintf(path, sizeof(path), "%s/harness/tests/scenarios/%s",
             TEST_SOURCE_DIR, folder);
    DIR *dir = opendir(path);
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
    each("wrong", check_wrong);
}

Test(scenario_golden, good)
{
    each("good", check_good);
}
