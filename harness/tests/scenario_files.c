// SPDX-License-Identifier: Apache-2.0
// Files that are no scenarios, limits, warnings, and how diagnostics look.
#include "harness/tests/scenario_test.h"

#include "harness/scenario/arena.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

static int load(const char *path, char *message, size_t size)
{
    struct scenario *sc = NULL;
    struct diagnostics diags;
    struct error err = {0};
    int code = scenario_load(path, NULL, 0, &sc, &diags, &err);
    snprintf(message, size, "%s", err.text);
    scenario_free(sc);
    diagnostics_free(&diags);
    return code;
}

Test(scenario_files, what_is_no_scenario)
{
    char message[512];
    cr_assert_eq(load("/", message, sizeof(message)), -EISDIR);
    cr_assert_str_eq(message,
                     "/: can't read the scenario: this is a directory");
    cr_assert_eq(load("/nowhere/a.tc", message, sizeof(message)), -ENOENT);
    cr_assert_str_eq(message, "/nowhere/a.tc: can't read the scenario: No such "
                              "file or directory");
    cr_assert_eq(load("/dev/null", message, sizeof(message)), -ENODATA);
    cr_assert_str_eq(message, "/dev/null: the file is empty");
    cr_assert_eq(load("/dev/zero", message, sizeof(message)), -EFBIG);
    cr_assert_str_eq(message,
                     "/dev/zero: larger than 4 MiB: this is not a scenario");
}

Test(scenario_files, a_pipe_is_read_to_its_end)
{
    int ends[2];
    char path[64];
    static const char text[] = "guest g\npoweroff\n";
    cr_assert_eq(pipe(ends), 0);
    cr_assert_eq(write(ends[1], text, sizeof(text) - 1), sizeof(text) - 1);
    close(ends[1]);
    snprintf(path, sizeof(path), "/dev/fd/%d", ends[0]);
    char message[512];
    cr_assert_eq(load(path, message, sizeof(message)), 0, "%s", message);
    close(ends[0]);
}

// The scenarios of the project itself.
Test(scenario_files, shipped_scenarios_are_clean)
{
    struct dirent *entry;
    DIR *dir = opendir(TEST_SOURCE_DIR "/testcases");
    size_t seen = 0;
    cr_assert(dir);
    while ((entry = readdir(dir))) {
        char path[512];
        size_t len = strlen(entry->d_name);
        if (len < 3 || strcmp(entry->d_name + len - 3, ".tc") != 0)
            continue;
        snprintf(path, sizeof(path), "%s/testcases/%s", TEST_SOURCE_DIR,
                 entry->d_name);
        struct scenario *sc = NULL;
        struct diagnostics diags;
        struct error err;
        int code = scenario_load(path, NULL, 0, &sc, &diags, &err);
        char *all = format_all(&diags);
        cr_expect_eq(code, 0, "%s", all);
        cr_expect_eq(diags.count, 0, "%s", all);
        free(all);
        scenario_free(sc);
        diagnostics_free(&diags);
        seen++;
    }
    closedir(dir);
    cr_assert_geq(seen, 1);
}

// ---- Encoding ---------------------------------------------------------------

Test(scenario_files, byte_order_mark_and_crlf)
{
    struct parsed_text p = parse_good("\xef\xbb\xbfguest g\r\n"
                                      "\tsend \"x\"   # end\r\n\r\npoweroff");
    cr_assert_eq(p.sc->guest_pos.column, 7);
    cr_assert_eq(p.sc->steps.nsteps, 2);
    cr_assert_eq(p.sc->steps.steps[0].pos.column, 2);
    cr_assert_str_eq(p.sc->steps.steps[0].source, "send \"x\"");
    cr_assert_eq(p.sc->steps.steps[1].pos.line, 4);
    parsed_free(&p);
}

static void refused_bytes(const char *text, size_t len, unsigned line,
                          unsigned column, const char *message)
{
    struct parsed_text p = parse_bytes(text, len);
    cr_assert_eq(p.diags.count, 1, "%s", message);
    cr_assert_eq(p.diags.list[0].pos.line, line);
    cr_assert_eq(p.diags.list[0].pos.column, column);
    cr_assert_str_eq(p.diags.list[0].message, message);
    char *all = format_all(&p.diags);
    for (const char *c = all; *c; c++)
        cr_assert((unsigned char)*c >= 0x20 || *c == '\n' || *c == '\t');
    free(all);
    parsed_free(&p);
}

Test(scenario_files, what_is_no_text)
{
#define REFUSED(text, ...) refused_bytes(text, sizeof(text) - 1, __VA_ARGS__)
    REFUSED("guest g\n# caf\xe9\n", 2, 6, "byte 0xe9: this is not UTF-8");
    REFUSED("# \xc3\xa9\xc0\xaf\n", 1, 4, "byte 0xc0: this is not UTF-8");
    REFUSED("# \xed\xa0\x80\n", 1, 3, "byte 0xed: this is not UTF-8");
    REFUSED("# x\xe2\x82", 1, 4, "byte 0xe2: this is not UTF-8");
    REFUSED("guest g\0\n", 1, 8, "a NUL character in the scenario");
    REFUSED("send \"\x1b[A\"\n", 1, 7, "a control character, 0x1b");
    REFUSED("guest g\rreset\n", 1, 8, "a carriage return inside of a line");
    REFUSED("guest g\n\xff\n", 2, 1, "byte 0xff: this is not UTF-8");
}

// ---- Limits -----------------------------------------------------------------

Test(scenario_files, too_many_errors)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    for (int i = 0; i < 5000; i++)
        fprintf(out, "nonsense\n");
    fclose(out);
    struct parsed_text p = parse_bytes(text, len);
    cr_assert_eq(p.code, -EINVAL);
    cr_assert_leq(p.diags.count, 102);
    cr_assert_str_eq(p.diags.list[p.diags.count - 1].message,
                     "too many errors: the rest is not shown");
    parsed_free(&p);
    free(text);
}

static char *repeated(const char *head, const char *part, int times)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    fputs(head, out);
    for (int i = 0; i < times; i++)
        fputs(part, out);
    fclose(out);
    return text;
}

Test(scenario_files, nesting_is_limited)
{
    char *text = repeated("guest g\n", "repeat 2 {\n", 100000);
    struct parsed_text p = parse_bytes(text, strlen(text));
    cr_assert_eq(p.code, -EINVAL);
    bool told = false;
    for (size_t i = 0; i < p.diags.count; i++)
        told |= !strcmp(p.diags.list[i].message,
                        "blocks are nested too deeply: at most 64");
    cr_assert(told);
    parsed_free(&p);
    free(text);
}

Test(scenario_files, statements_are_limited)
{
    char *text = repeated("guest g\n", "poweroff\n", 19999);
    struct parsed_text p = parse_good(text);
    cr_assert_eq(p.sc->steps.nsteps, 19999);
    parsed_free(&p);
    free(text);
    text = repeated("guest g\n", "repeat 2 { poweroff }\n", 20000);
    p = parse_bytes(text, strlen(text));
    cr_assert_eq(p.diags.count, 1);
    cr_assert_str_eq(p.diags.list[0].message,
                     "more than 20000 statements in a scenario");
    parsed_free(&p);
    free(text);
}

Test(scenario_files, lines_of_a_pattern_are_limited)
{
    char *lines = repeated("", "\n", 199), *text = NULL;
    cr_assert_geq(asprintf(&text, "guest g\nexpect m{a%s}x\n", lines), 0);
    struct parsed_text p = parse_good(text);
    parsed_free(&p);
    free(text);
    cr_assert_geq(asprintf(&text, "guest g\nexpect m{\n%s}x\n", lines), 0);
    p = parse_bytes(text, strlen(text));
    cr_assert_str_eq(p.diags.list[0].message,
                     "this pattern is not closed on its line");
    parsed_free(&p);
    free(text);
    free(lines);
    // Each of many that are never closed is not looked for to the end.
    text = repeated("guest g\ngroup x {\n", "m{\n", 1000000);
    p = parse_bytes(text, strlen(text));
    cr_assert_eq(p.code, -EINVAL);
    parsed_free(&p);
    free(text);
}

Test(scenario_files, one_huge_line)
{
    char *text = repeated("guest g\nsend \"", "\xc3\xa9x", 1000000);
    struct parsed_text p = parse_bytes(text, strlen(text));
    cr_assert_eq(p.diags.count, 1);
    char *all = format_all(&p.diags);
    cr_assert_lt(strlen(all), 1000);
    free(all);
    parsed_free(&p);
    free(text);
}

// The arena jumps instead of giving NULL.
Test(scenario_files, memory_runs_out)
{
    jmp_buf on_failure;
    struct arena *a = arena_new(100000);
    cr_assert(a);
    volatile int given = 0;
    if (!setjmp(on_failure)) {
        arena_on_failure(a, &on_failure);
        for (;;) {
            memset(arena_alloc(a, 1000), 1, 1000);
            given++;
        }
    }
    cr_assert_gt(given, 80);
    cr_assert_leq(given, 100);
    arena_free(a);
}

// ---- Warnings ---------------------------------------------------------------

static void warns(const char *text, unsigned line, unsigned column,
                  const char *message)
{
    struct parsed_text p = parse_bytes(text, strlen(text));
    cr_assert_eq(p.code, 0);
    cr_assert_eq(p.diags.errors, 0);
    cr_assert_eq(p.diags.count, 1);
    cr_assert_eq(p.diags.list[0].severity, SEVERITY_WARNING);
    cr_assert_eq(p.diags.list[0].pos.line, line);
    cr_assert_eq(p.diags.list[0].pos.column, column);
    cr_assert_str_eq(p.diags.list[0].message, message);
    parsed_free(&p);
}

Test(scenario_files, warnings)
{
    warns("guest g\ntimeout 5s\nexpect /x/ within 6s\n", 3, 19,
          "within 6s is longer than the scenario's timeout, 5s");
    warns("guest g\nexpect idle 150s\n", 2, 13,
          "idle 150s is longer than the scenario's timeout, 2m unless it is "
          "set");
    warns("guest g\nstep-timeout 90s\ntimeout 1m\npoweroff\n", 2, 14,
          "step-timeout 90s is longer than the scenario's timeout, 1m");
    warns("guest g\n", 1, 1, "no steps: this scenario checks nothing");
}

// ---- How they look ----------------------------------------------------------

static void looks(const char *text, const char *expected)
{
    struct parsed_text p = parse_bytes(text, strlen(text));
    char *all = format_all(&p.diags);
    cr_assert_str_eq(all, expected);
    free(all);
    parsed_free(&p);
}

Test(scenario_files, carets)
{
    looks("guest g\nexpct /x/\n", "t.tc:2:1: error: unknown statement `expct`\n"
                                  "    2 | expct /x/\n"
                                  "      | ^~~~~\n"
                                  "      = did you mean `expect`?\n");
    // Tabs stay tabs; a wide character takes two columns, a combining none.
    looks("guest g\n\tlog '\346\274\242e\314\201' \tfoo\n",
          "t.tc:2:13: error: expected the end of `log`, found `foo`\n"
          "    2 | \tlog '\346\274\242e\314\201' \tfoo\n"
          "      | \t          \t^~~\n"
          "      = each statement stands on its own line\n");
    looks("guest g\nmark",
          "t.tc:2:5: error: expected the name of a mark, found "
          "the end of the file\n"
          "    2 | mark\n"
          "      |     ^\n");
}

Test(scenario_files, long_lines_are_cut_round_the_caret)
{
    char text[700];
    memset(text, ' ', sizeof(text));
    memcpy(text, "guest g\nlog ''", 14);
    memcpy(text + 500, "foo", 3);
    text[sizeof(text) - 2] = '#';
    text[sizeof(text) - 1] = 0;
    struct parsed_text p = parse_bytes(text, strlen(text));
    char *all = format_all(&p.diags);
    char *line = strstr(all, "    2 | ...");
    cr_assert(line, "%s", all);
    char *caret = strchr(line, '\n') + 1;
    cr_assert_eq(strcspn(line, "f"), strcspn(caret, "^"), "%s", all);
    cr_assert(strstr(line, "...\n"), "%s", all);
    free(all);
    parsed_free(&p);
}

// Variables that hold variables that hold variables.
Test(scenario_files, values_do_not_explode)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    fprintf(out, "guest g\nset b0 '%0200d'\n", 0);
    for (int i = 1; i < 40; i++)
        fprintf(out, "set b%d \"${b%d}${b%d}${b%d}${b%d}\"\n", i, i - 1, i - 1,
                i - 1, i - 1);
    fprintf(out, "poweroff\n");
    fclose(out);
    struct parsed_text p = parse_bytes(text, len);
    cr_assert_eq(p.code, -EINVAL);
    cr_assert_str_eq(p.diags.list[0].message,
                     "this text is longer than 1 MiB with the values of its "
                     "variables");
    parsed_free(&p);
    free(text);
}
