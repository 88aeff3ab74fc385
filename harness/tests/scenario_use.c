// SPDX-License-Identifier: Apache-2.0
// `use`: where the statements of other files stand, the limits that hold over
// all files, and how errors in them are shown.
#include "harness/tests/scenario_test.h"

#include <sys/stat.h>
#include <unistd.h>

#define FILES(...)                                                             \
    (const struct memory_file[])                                               \
    {                                                                          \
        __VA_ARGS__,                                                           \
        {                                                                      \
            NULL, NULL                                                         \
        }                                                                      \
    }

static struct parsed_text good_files(const struct memory_file *files)
{
    struct parsed_text p = parse_files(files);
    if (p.code || p.diags.count)
        cr_assert_fail("refused:\n%s%s", format_all(&p.diags), p.err.text);
    return p;
}

static void check_step(const struct step *s, const char *source,
                       const char *file, unsigned line, unsigned column)
{
    cr_expect_str_eq(s->source, source);
    cr_expect_str_eq(s->pos.file, file, "%s", source);
    cr_expect_eq(s->pos.line, line, "%s", source);
    cr_expect_eq(s->pos.column, column, "%s", source);
}

Test(scenario_use, statements_stand_where_the_use_stands)
{
    struct parsed_text p = good_files(FILES(
        {"t/a.tc", "use \"lib/head.tci\"\nkernel ${v}/k\nmark one\n"
                   "use 'lib/steps.tci' # c\ngroup \"g\" {\n"
                   "  use \"lib/steps.tci\"\n}\nmark last"},
        {"t/lib/head.tci", "\xef\xbb\xbfguest g\r\nset v x\r\ninitrd i\r\n"},
        {"t/lib/steps.tci", "\n  mark two\nuse \"../deep.tci\""},
        {"t/lib/../deep.tci", "use \"/abs.tci\"\nmark three"},
        {"/abs.tci", "mark zero"}));
    const struct scenario *sc = p.sc;
    cr_assert_str_eq(sc->guest, "g");
    cr_assert_str_eq(sc->guest_pos.file, "t/lib/head.tci");
    cr_assert_str_eq(sc->kernel.pos.file, "t/a.tc");
    cr_assert_str_eq(sc->initrd.pos.file, "t/lib/head.tci");
    cr_assert_eq(sc->steps.nsteps, 6);
    const struct step *s = sc->steps.steps;
    check_step(&s[0], "mark one", "t/a.tc", 3, 1);
    check_step(&s[1], "mark two", "t/lib/steps.tci", 2, 3);
    check_step(&s[2], "mark zero", "/abs.tci", 1, 1);
    check_step(&s[3], "mark three", "t/lib/../deep.tci", 2, 1);
    check_step(&s[4], "group \"g\"", "t/a.tc", 5, 1);
    check_step(&s[5], "mark last", "t/a.tc", 8, 1);
    const struct block *group = &s[4].u.group.body;
    cr_assert_eq(group->nsteps, 3);
    check_step(&group->steps[0], "mark two", "t/lib/steps.tci", 2, 3);
    // Both readings are told apart, and each says who asked for it.
    cr_assert_neq(group->steps[0].pos.file, s[1].pos.file);
    cr_assert_eq(sc->nincluded, 7);
    cr_assert_eq(sc->included[1].path, s[1].pos.file);
    cr_assert_eq(sc->included[1].pos.line, 4);
    cr_assert_eq(sc->included[2].pos.file, s[1].pos.file);
    cr_assert_eq(sc->included[4].path, group->steps[0].pos.file);
    cr_assert_eq(sc->included[4].pos.line, 6);
    parsed_free(&p);
}

Test(scenario_use, an_empty_file_and_one_of_comments)
{
    struct parsed_text p = good_files(
        FILES({"a.tc", "use \"e\"\nguest g\nuse \"c\"\nmark a\nuse \"e\""},
              {"e", ""}, {"c", "# nothing"}));
    cr_assert_eq(p.sc->steps.nsteps, 1);
    parsed_free(&p);
}

// Names that one file defines are known in those after it.
Test(scenario_use, names_go_through_all_files)
{
    struct parsed_text p = good_files(
        FILES({"a.tc", "guest g\nuse \"r\"\ncheck out has /${os}/\n"},
              {"r", "expect /(?<os>x)/\nrun \"${os}\" as out"}));
    parsed_free(&p);
    p = parse_files(FILES({"a.tc", "guest g\nuse \"c\"\nuse \"r\"\n"},
                          {"c", "check out has /x/"},
                          {"r", "run \"x\" as out"}));
    cr_assert_eq(p.diags.count, 1);
    cr_assert_str_eq(p.diags.list[0].message, "unknown name `out`");
    cr_assert_str_eq(p.diags.list[0].pos.file, "c");
    parsed_free(&p);
}

// ---- Errors -----------------------------------------------------------------

static void looks(const struct memory_file *files, const char *expected)
{
    struct parsed_text p = parse_files(files);
    char *all = format_all(&p.diags);
    cr_expect_str_eq(all, expected, "%s%s", all, p.err.text);
    free(all);
    parsed_free(&p);
}

Test(scenario_use, what_can_not_be_read)
{
    // Any name may be defined in what is missing: it is the one error.
    looks(FILES({"t/a.tc", "use \"x.tci\"\nsend \"${any}\"\ncheck out == 1"}),
          "t/a.tc:1:5: error: can't read `t/x.tci`: there is no such file\n"
          "    1 | use \"x.tci\"\n"
          "      |     ^~~~~~~\n"
          "      = a path is relative to the file that holds the `use`\n");
    looks(FILES({"a.tc", "guest g\nmark a\nuse \"/x.tci\"\n"}),
          "a.tc:3:5: error: can't read `/x.tci`: there is no such file\n"
          "    3 | use \"/x.tci\"\n"
          "      |     ^~~~~~~~\n");
    looks(FILES({"a.tc", "guest g\nuse \"b\"\nmark a"}, {"b", "\n\xc3(\n"}),
          "b:2:1: error: byte 0xc3: this is not UTF-8\n"
          "    2 | \xef\xbf\xbd(\n"
          "      | ^\n"
          "      = save the file as UTF-8\n"
          "      = included from a.tc:2:1\n");
}

Test(scenario_use, cycles_are_named)
{
    looks(FILES({"a.tc", "guest g\nuse \"b\"\nmark a"}, {"b", "use \"c\""},
                {"c", "mark b\nuse \"b\""}),
          "c:2:5: error: this file is being read already: it would use itself\n"
          "    2 | use \"b\"\n"
          "      |     ^~~\n"
          "      = b -> c -> b\n"
          "      = included from b:1:1\n"
          "      = included from a.tc:2:1\n");
    looks(FILES({"a.tc", "guest g\nuse \"a.tc\""}),
          "a.tc:2:5: error: this file is being read already: it would use "
          "itself\n"
          "    2 | use \"a.tc\"\n"
          "      |     ^~~~~~\n"
          "      = a.tc -> a.tc\n");
}

// In the order of the whole text, whatever pass finds them; an error of a file
// that is used twice is told once.
Test(scenario_use, errors_are_in_order_and_told_once)
{
    struct parsed_text p = parse_files(
        FILES({"a.tc", "guest g\nsend \"${x}\"\nuse \"b\"\nuse \"b\" 5\n"
                       "use \"b\"\nbogus\n"},
              {"b", "send \"${y}\"\nuse \"c\"\nbogus\nsend \"${y}\"\n"},
              {"c", "send \"${z}\"\nexpect /(/\n"}));
    static const struct {
        const char *file;
        unsigned line;
    } want[] = {{"a.tc", 2}, {"b", 1}, {"c", 1},    {"c", 2},
                {"b", 3},    {"b", 4}, {"a.tc", 4}, {"a.tc", 6}};
    cr_assert_eq(p.diags.count, 8);
    for (size_t i = 0; i < 8; i++) {
        cr_expect_str_eq(p.diags.list[i].pos.file, want[i].file, "%zu", i);
        cr_expect_eq(p.diags.list[i].pos.line, want[i].line, "%zu", i);
    }
    parsed_free(&p);
}

Test(scenario_use, places_in_other_files_are_named)
{
    looks(FILES({"a.tc", "use \"h\"\nguest g\nset x 1\nuse \"s\"\n"
                         "timeout 5s\nmark b"},
                {"h", "guest g\nset x 1"}, {"s", "mark a"}),
          "a.tc:2:1: error: `guest` stands here again: see h:1\n"
          "    2 | guest g\n"
          "      | ^~~~~\n"
          "a.tc:3:5: error: `x` is set already: see h:2\n"
          "    3 | set x 1\n"
          "      |     ^\n"
          "a.tc:5:1: error: `timeout` must stand before the first step\n"
          "    5 | timeout 5s\n"
          "      | ^~~~~~~\n"
          "      = steps begin at s:1\n");
}

// A block ends in the file that it begins in.
Test(scenario_use, blocks_do_not_reach_over_files)
{
    struct parsed_text p = parse_files(
        FILES({"a.tc", "guest g\ngroup \"x\" {\nuse \"b\"\n}\nmark a"},
              {"b", "}\nrepeat 2 {\nmark b"}));
    cr_assert_eq(p.diags.count, 2);
    cr_assert_str_eq(p.diags.list[0].message, "this `}` closes nothing");
    cr_assert_str_eq(p.diags.list[1].message, "this `{` is never closed");
    cr_assert_str_eq(p.diags.list[1].pos.file, "b");
    parsed_free(&p);
}

Test(scenario_use, wrong_statements)
{
    static const struct wrong table[] = {
        {"use", 2, 4,
         "expected the path of a file in quotes, found the end of the line",
         NULL},
        {"use a.tci", 2, 5,
         "expected the path of a file in quotes, found `a.tci`", NULL},
        {"use \"\"", 2, 5, "the path is empty", NULL},
        {"use \"a\\x00\"", 2, 5, "a path can't hold a NUL character", NULL},
        {"set k 1\nuse \"a-${k}\"", 3, 5,
         "the path of a `use` can't hold a variable",
         "put each `use` into a branch of an `if`"},
        {"use \"a\" \"b\"", 2, 9, "expected the end of `use`, found a text",
         NULL},
        {"use \"a\" { }", 2, 9, "expected the end of `use`, found `{`", NULL},
        {"use \"a\"\nmark a", 2, 5, "can't read `a`: this scenario is no file",
         NULL},
    };
    CHECK_ALL(table, "guest g\n");
}

// ---- Limits -----------------------------------------------------------------

// A chain of files, each of which uses the next.
static struct parsed_text parse_chain(unsigned depth)
{
    struct memory_file files[32] = {{"a.tc", "guest g\nmark a\nuse \"f1\""}};
    char names[32][8], texts[32][40];
    for (unsigned i = 1; i <= depth; i++) {
        snprintf(names[i], sizeof(names[i]), "f%u", i);
        snprintf(texts[i], sizeof(texts[i]), "use \"f%u\"\n", i + 1);
        if (i == depth)
            snprintf(texts[i], sizeof(texts[i]), "mark end\n");
        files[i] = (struct memory_file){names[i], texts[i]};
    }
    return parse_files(files);
}

Test(scenario_use, files_in_files_are_limited)
{
    struct parsed_text p = parse_chain(16);
    cr_assert_eq(p.code, 0);
    cr_assert_eq(p.sc->steps.nsteps, 2);
    parsed_free(&p);
    p = parse_chain(17);
    cr_assert_eq(p.diags.count, 1);
    cr_assert_str_eq(p.diags.list[0].message,
                     "files are used too deeply: at most 16");
    cr_assert_str_eq(p.diags.list[0].pos.file, "f16");
    cr_assert_eq(p.diags.list[0].nincluded, 16);
    parsed_free(&p);
}

// Blocks count through all files: a file can't begin anew.
Test(scenario_use, nesting_is_limited_over_all_files)
{
    char head[2000] = "guest g\n", inner[2000] = "";
    for (int i = 0; i < 40; i++)
        strcat(head, "repeat 2 {\n");
    strcat(head, "use \"b\"\n");
    for (int i = 0; i < 40; i++)
        strcat(head, "}\n");
    for (int i = 0; i < 30; i++)
        strcat(inner, "repeat 2 {\n");
    for (int i = 0; i < 30; i++)
        strcat(inner, "}\n");
    struct parsed_text p = parse_files(FILES({"a.tc", head}, {"b", inner}));
    cr_assert_eq(p.diags.count, 1);
    cr_assert_str_eq(p.diags.list[0].message,
                     "blocks are nested too deeply: at most 64");
    cr_assert_str_eq(p.diags.list[0].pos.file, "b");
    cr_assert_eq(p.diags.list[0].pos.line, 25);
    parsed_free(&p);
}

Test(scenario_use, statements_are_limited_over_all_files)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    for (int i = 0; i < 999; i++)
        fputs("mark a\n", out);
    fclose(out);
    // guest, then 1000 for each use with its file: one too many.
    char main[400] = "guest g\n";
    for (int i = 0; i < 20; i++)
        strcat(main, "use \"b\"\n");
    struct parsed_text p = parse_files(FILES({"a.tc", main}, {"b", text}));
    cr_assert_eq(p.diags.count, 1);
    cr_assert_str_eq(p.diags.list[0].message,
                     "more than 20000 statements in a scenario");
    cr_assert_eq(p.diags.list[0].pos.line, 999);
    parsed_free(&p);
    free(text);
}

Test(scenario_use, bytes_are_limited_over_all_files)
{
    size_t len = (size_t)2 << 20;
    char *text = malloc(len + 1);
    cr_assert(text);
    memset(text, '\n', len);
    text[len] = 0;
    struct parsed_text p = parse_files(FILES(
        {"a.tc", "guest g\nmark a\nuse \"b\"\nuse \"b\"\n"}, {"b", text}));
    cr_assert_eq(p.diags.count, 1);
    cr_assert_eq(p.diags.list[0].pos.line, 4);
    cr_assert_str_eq(p.diags.list[0].message,
                     "with `b` the scenario is larger than 4 MiB");
    parsed_free(&p);
    free(text);
}

// Two files that use one another's likes twice each: two to the power of 16.
Test(scenario_use, doubling_ends)
{
    struct memory_file files[32] = {{"a.tc", "guest g\nmark a\nuse \"f1\""}};
    char names[32][8], texts[32][40];
    for (unsigned i = 1; i <= 16; i++) {
        snprintf(names[i], sizeof(names[i]), "f%u", i);
        snprintf(texts[i], sizeof(texts[i]), "use \"f%u\"\nuse \"f%u\"\n",
                 i + 1, i + 1);
        files[i] = (struct memory_file){names[i], i < 16 ? texts[i] : ""};
    }
    struct parsed_text p = parse_files(files);
    cr_assert_eq(p.diags.count, 1);
    cr_assert_str_eq(p.diags.list[0].message,
                     "more than 20000 statements in a scenario");
    parsed_free(&p);
}

// ---- The disk ---------------------------------------------------------------

static void write_file(const char *path, const char *text)
{
    FILE *out = fopen(path, "w");
    cr_assert(out, "%s", path);
    fputs(text, out);
    cr_assert_eq(fclose(out), 0);
}

Test(scenario_use, from_the_disk)
{
    char folder[] = "/tmp/scenario_use.XXXXXX";
    cr_assert(mkdtemp(folder));
    cr_assert_eq(chdir(folder), 0);
    cr_assert_eq(mkdir("lib", 0700), 0);
    cr_assert_eq(mkfifo("pipe.tci", 0600), 0);
    write_file("a.tc", "use \"lib/one.tci\"\nuse \"pipe.tci\"\nuse \"lib\"\n"
                       "use \"/dev/zero\"\nuse \"lib/same.tci\"\n");
    write_file("lib/one.tci", "guest g\nmark a\n");
    cr_assert_eq(symlink("../a.tc", "lib/same.tci"), 0);
    struct parsed_text p = {0};
    p.code = scenario_load("a.tc", NULL, 0, &p.sc, &p.diags, &p.err);
    cr_assert_eq(p.code, -EINVAL);
    cr_expect_eq(p.diags.count, 4);
    static const char *const want[] = {
        "can't read `pipe.tci`: this is not a regular file",
        "can't read `lib`: this is a directory",
        "can't read `/dev/zero`: this is not a regular file",
        "this file is being read already: it would use itself",
    };
    for (size_t i = 0; i < p.diags.count && i < 4; i++)
        cr_expect_str_eq(p.diags.list[i].message, want[i]);
    parsed_free(&p);
    // What is shared is no scenario.
    p.code = scenario_load("lib/one.tci", NULL, 0, &p.sc, &p.diags, &p.err);
    cr_assert_eq(p.code, -ENOEXEC);
    cr_assert_str_eq(p.err.text, "lib/one.tci: a .tci is not run by itself: a "
                                 "scenario takes it in with `use`");
    cr_assert_eq(p.diags.count, 0);
    unlink("lib/one.tci");
    unlink("lib/same.tci");
    unlink("a.tc");
    unlink("pipe.tci");
    rmdir("lib");
    rmdir(folder);
}
