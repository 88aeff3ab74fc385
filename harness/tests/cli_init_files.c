// SPDX-License-Identifier: Apache-2.0
// What `init` writes: scenarios that this project's reader reads, a CI's files,
// and never over another file.
#include "harness/cli/new_file.h"
#include "harness/scenario/format.h"
#include "harness/tests/cli_init.h"

TestSuite(init_files, .init = enter_folder, .fini = leave_folder);

// Without an error or a warning, and in the canonical layout.
static void read_back(const char *text)
{
    struct scenario *s = NULL;
    struct diagnostics diags = {.count = 0};
    struct error err = {""};
    char *laid_out = NULL;
    size_t len = 0;
    cr_expect_eq(scenario_parse("boot.tc", text, strlen(text), NULL, 0, &s,
                                &diags, &err),
                 0, "%s\n%s", diags.count ? diags.list[0].message : err.text,
                 text);
    cr_expect_eq(diags.count, 0U, "%s\n%s",
                 diags.count ? diags.list[0].message : "", text);
    scenario_free(s);
    diagnostics_free(&diags);
    cr_expect_eq(scenario_format("boot.tc", text, strlen(text), &laid_out, &len,
                                 &diags, &err),
                 0);
    cr_expect_str_eq(laid_out, text);
    free(laid_out);
    diagnostics_free(&diags);
}

Test(init_files, every_scenario_can_be_read)
{
    static char odd[] = "a \"b\" ${c} $d \\ 'e' \xc3\xa9#";
    struct init_file kernel = {.path = odd, .what = "bzImage"};
    struct init_file initrd = {.path = odd, .size = 20 << 20};
    struct init_file disk = {.path = odd, .what = "raw"};
    for (unsigned i = 0; i < 64; i++) {
        const struct init_machine m = {
            .kernel = i & 1 ? &kernel : NULL,
            .initrd = i & 2 ? &initrd : NULL,
            .disk = i & 4 ? &disk : NULL,
            .symbols = i & 1 ? odd : NULL,
            .guest = !(i & 1) || i & 8,
            .known = i & 8,
            .root = i & 16 ? 1 : INIT_ROOT_WHOLE,
            .root_guess = i & 16,
            .base = i & 32 ? "/a \"folder\"/" : "",
        };
        char *text = init_probe(&m);
        cr_assert_not_null(text);
        read_back(text);
        free(text);
        for (int end = 0; end <= INIT_ENDS; end++) {
            for (unsigned parts = i % 4; parts < 8; parts += 4) {
                // A header alone is no scenario.
                if (end == INIT_ENDS && !(parts & (INIT_BANNER | INIT_KTAP)))
                    continue;
                text = init_scenario(&m, (enum init_end)end, parts);
                cr_assert_not_null(text);
                read_back(text);
                free(text);
            }
        }
    }
}

Test(init_files, names_mean_themselves)
{
    static char odd[] = "a \"b\" ${c} $d \\ 'e'";
    struct init_file kernel = {.path = odd, .what = "bzImage"};
    const struct init_machine m = {.kernel = &kernel, .base = ""};
    struct scenario *s = NULL;
    struct diagnostics diags = {.count = 0};
    struct error err = {""};
    char *text = init_scenario(&m, INIT_END_INIT, 0);
    put_file("boot.tc", text);
    cr_assert_eq(scenario_load("boot.tc", NULL, 0, &s, &diags, &err), 0);
    struct guest guest;
    const struct guest_overrides none = {.memory = 0};
    cr_assert_eq(guest_make(&guest, s, &none, &err), 0, "%s", err.text);
    cr_expect_str_eq(guest.kernel, odd);
    guest_free(&guest);
    scenario_free(s);
    diagnostics_free(&diags);
    free(text);
    cr_expect(init_name_is_plain(odd));
    cr_expect(!init_name_is_plain("a\nb") && !init_name_is_plain("\xff") &&
              !init_name_is_plain("\xc2\x9b"));
}

// ---- The CI -----------------------------------------------------------------

static void write_config(const char *url)
{
    char text[256];
    run_shell("mkdir -p .git");
    snprintf(text, sizeof(text),
             "[core]\n\tbare = false\n[remote \"up\"]\n\turl = "
             "https://github.com/x/y\n[remote \"origin\"]\n\turl = %s\n",
             url);
    put_file(".git/config", text);
}

static struct init_ci ci_here(const char *below)
{
    char folder[256];
    struct init_ci ci;
    snprintf(folder, sizeof(folder), "%s%s", test_folder, below);
    init_ci_find(folder, &ci);
    return ci;
}

Test(init_files, the_service_is_the_repositorys)
{
    cr_expect_eq(ci_here("").service, INIT_PLAIN);
    cr_expect_str_eq(ci_here("").scenario, "boot.tc");
    write_config("git@gitlab.example.org:x/y.git");
    struct init_ci ci = ci_here("/a/it's");
    cr_expect_eq(ci.service, INIT_GITLAB);
    cr_expect_str_eq(ci.definition, ".gitlab-ci.yml");
    cr_expect_str_eq(ci.root, test_folder);
    cr_expect_str_eq(ci.scenario, "a/it's/boot.tc");
    write_config("https://git.example.org/x/y.git");
    cr_expect_eq(ci_here("").service, INIT_PLAIN, "origin's word is the one");
    put_file("Jenkinsfile", "");
    cr_expect_eq(ci_here("").service, INIT_JENKINS);
    run_shell("mkdir -p .github/workflows");
    cr_expect_eq(ci_here("").service, INIT_GITHUB);
    put_file(".gitlab-ci.yml", "");
    cr_expect_eq(ci_here("").service, INIT_GITLAB);
    cr_expect(ci_here("").include);
    cr_expect_str_eq(ci_here("").definition, "ci/boot.gitlab-ci.yml");
}

Test(init_files, a_worktree_has_its_repositorys_remote)
{
    write_config("https://gitlab.com/x/y");
    run_shell("mkdir -p .git/worktrees/w w && echo ../.. >"
              ".git/worktrees/w/commondir &&"
              "echo 'gitdir: ../.git/worktrees/w' >w/.git");
    struct init_ci ci = ci_here("/w");
    cr_expect_eq(ci.service, INIT_GITLAB);
    cr_expect_str_eq(ci.scenario, "boot.tc");
}

// The script runs what it is told to, wherever it is called from.
Test(init_files, the_script_runs_the_scenario)
{
    run_shell("mkdir -p \"it's a\" ci bin elsewhere && printf "
              "'#!/bin/sh\\nprintf \"%%s\\\\n\" \"$@\" >ran\\nexit 1\\n' "
              ">bin/pretended && chmod +x bin/pretended");
    struct init_ci ci = ci_here("/it's a");
    snprintf(ci.root, sizeof(ci.root), "%s", test_folder);
    snprintf(ci.scenario, sizeof(ci.scenario), "it's a/boot.tc");
    char *script = init_ci_script(&ci, NULL);
    put_file("ci/boot-test.sh", script);
    free(script);
    run_shell("cd elsewhere && ! TOYVMM_TEST=$PWD/../bin/pretended sh "
              "../ci/boot-test.sh");
    cr_expect(file_is("ran", "--junit\nboot.xml\n--html\nboot.html\n"
                             "it's a/boot.tc\n"));
    // Without the command, and without a word where to have it from.
    run_shell("TOYVMM_TEST=none sh ci/boot-test.sh 2>words; test $? = 3 &&"
              "grep -q TOYVMM_DEB words");
    // A kernel tree is built where it isn't; what is there is left alone.
    script = init_ci_script(&ci, "it's a");
    put_file("ci/boot-test.sh", script);
    free(script);
    run_shell("touch \"it's a/vmlinux\" && ! TOYVMM_TEST=$PWD/bin/pretended sh "
              "ci/boot-test.sh");
}

Test(init_files, nothing_is_overwritten)
{
    struct error err = {""};
    cr_assert_eq(new_file_write("a/b/c", "one", 0777, false, &err), 0, "%s",
                 err.text);
    cr_expect_eq(access("a/b/c", X_OK), 0);
    cr_expect_eq(new_file_write("a/b/c", "two", 0666, false, &err), -EEXIST);
    cr_expect(strstr(err.text, "a/b/c is there already"), "%s", err.text);
    cr_expect(file_is("a/b/c", "one"));
    cr_expect_eq(new_file_write("a/b/c", "two", 0666, true, &err), 0);
    cr_expect(file_is("a/b/c", "two"));
    // A link that leads nowhere is there, too.
    run_shell("ln -s nowhere link");
    cr_expect_eq(new_file_write("link", "two", 0666, false, &err), -EEXIST);
    cr_expect_lt(new_file_write("a/b/c/d", "two", 0666, false, &err), 0);
    // Nothing is left beside them.
    run_shell("test \"$(ls a/b)\" = c && test \"$(ls)\" = \"$(printf "
              "'a\\nlink')\"");
}
