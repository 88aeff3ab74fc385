// SPDX-License-Identifier: Apache-2.0
// toyvmm.conf: what is taken from it, what gives way, what is wrong with it.
#include "harness/cli/conf.h"
#include "harness/tests/cli_files.h"

#include <errno.h>

TestSuite(conf, .init = enter_folder, .fini = leave_folder);

// As the command does it; what is told of the file goes to *told, a heap
// string, unless that is NULL. The words live as long as the test.
static int take(struct options *o, const char *line, char **told,
                struct error *err)
{
    static char words[512];
    static char *argv[32];
    int argc = 0;
    char *text = NULL;
    size_t size;
    snprintf(words, sizeof(words), "t %s", line);
    for (char *w = strtok(words, " "); w; w = strtok(NULL, " "))
        argv[argc++] = w;
    argv[argc] = NULL;
    FILE *log = open_memstream(&text, &size);
    cr_assert(log);
    int code = options_read(o, COMMAND_RUN, argc, argv, err);
    if (!code)
        code = conf_take(o, log, err);
    if (!code)
        code = options_settle(o, err);
    fclose(log);
    if (told)
        *told = text;
    else
        free(text);
    return code;
}

// The file is good, and so is the line.
static struct options taken(const char *line)
{
    struct options o;
    struct error err = {""};
    char *told;
    cr_assert_eq(take(&o, line, &told, &err), 0, "%s\n%s", err.text, told);
    cr_expect_str_eq(told, "");
    free(told);
    return o;
}

static void wrong(const char *file, const char *wanted)
{
    struct options o;
    struct error err = {""};
    char *told;
    put_file("toyvmm.conf", file);
    cr_expect_eq(take(&o, "a.tc", &told, &err), -EINVAL);
    cr_expect_str_eq(told, wanted);
    cr_expect(strstr(err.text, "nothing was run"), "%s", err.text);
    free(told);
    options_free(&o);
}

Test(conf, defaults_are_the_options)
{
    put_file("toyvmm.conf", "# a comment\n"
                            "jobs 4   # behind it\r\n"
                            "retries \"2\"\n"
                            "fail-fast\n\n"
                            "  accel rig\n"
                            "memory 1G,huge\n"
                            "tags '-slow'\n"
                            "junit \"out \\\"1\\\".xml\"\n"
                            "set \"name=a b\"\n"
                            "set other=\n"
                            "timeout 90s");
    struct options o = taken("a.tc");
    cr_expect_eq(o.jobs, 4);
    cr_expect_eq(o.retries, 2);
    cr_expect(o.fail_fast);
    cr_expect_eq(o.accelerator, ACCEL_RIG);
    cr_expect_eq(o.machine.memory, UINT64_C(1) << 30);
    cr_expect_str_eq(o.tags, "-slow");
    cr_expect_str_eq(o.reports[REPORT_JUNIT], "out \"1\".xml");
    cr_assert_eq(o.nsets, 2);
    cr_expect_str_eq(o.sets[0].name, "name");
    cr_expect_str_eq(o.sets[0].value, "a b");
    cr_expect_str_eq(o.sets[1].value, "");
    cr_expect_eq(o.timeout_ns, UINT64_C(90000000000));
    cr_expect_str_eq(conf_path(o.conf), "toyvmm.conf");
    options_free(&o);
}

Test(conf, the_command_line_wins)
{
    put_file("toyvmm.conf", "jobs 4\naccel rig\nset a=1\nset b=1\n"
                            "memory 1G\nretries 2\n");
    struct options o = taken("--jobs 1 --accel kvm --set b=2 --memory 64M "
                             "--retries 0 a.tc");
    cr_expect_eq(o.jobs, 1);
    cr_expect_eq(o.accelerator, ACCEL_KVM);
    cr_expect_eq(o.machine.memory, UINT64_C(64) << 20);
    cr_expect_eq(o.retries, 0);
    cr_assert_eq(o.nsets, 2);
    cr_expect_str_eq(o.sets[0].value, "2");
    cr_expect_str_eq(o.sets[1].name, "a");
    cr_expect_eq(o.nsets_given, 1);
    options_free(&o);
    o = taken("--no-config a.tc");
    cr_expect_eq(o.jobs, 1);
    cr_expect_null(conf_path(o.conf));
    options_free(&o);
    setenv("TOYVMM_ACCEL", "kvm", 1);
    o = taken("a.tc");
    cr_expect_eq(o.accelerator, ACCEL_KVM);
    options_free(&o);
}

Test(conf, a_seed_is_for_the_exact_rig_wherever_it_stands)
{
    put_file("toyvmm.conf", "seed 7\naccel exact\n");
    struct options o = taken("a.tc");
    cr_expect(o.exact && o.seed.value == 7);
    options_free(&o);
    o = taken("--accel rig a.tc");
    cr_expect(!o.exact && !o.seed.given);
    options_free(&o);
}

// Nobody asked for a default this time.
Test(conf, a_default_gives_way_to_what_it_does_not_go_with)
{
    put_file("toyvmm.conf", "retries 2\njobs auto\nhistory h.db\n"
                            "output-dir out\nstat\naccel exact\n");
    struct options o = taken("--stress 3 a.tc");
    cr_expect(!o.retries && !o.stat && !o.history && !o.exact);
    cr_expect(o.jobs_auto);
    options_free(&o);
    o = taken("--pin 0 --record r a.tc");
    cr_expect(!o.jobs_auto && o.jobs == 1 && !o.output_dir && o.stat);
    options_free(&o);
    o = taken("--replay r a.tc");
    cr_expect(!o.history && !o.exact && o.retries == 2);
    options_free(&o);
}

Test(conf, found_above_but_not_above_a_repository)
{
    cr_assert_eq(mkdir("a", 0700) | mkdir("a/b", 0700) | mkdir("a/b/c", 0700),
                 0);
    put_file("toyvmm.conf", "jobs 7\njunit out.xml\nkernel boot/vmlinux\n"
                            "known-failures /known\n");
    cr_assert_eq(chdir("a/b/c"), 0);
    struct options o = taken("a.tc");
    cr_expect_eq(o.jobs, 7);
    cr_expect_str_eq(conf_path(o.conf), "../../../toyvmm.conf");
    cr_expect_str_eq(o.reports[REPORT_JUNIT], "../../../out.xml");
    cr_expect_str_eq(o.machine.kernel, "../../../boot/vmlinux");
    cr_expect_str_eq(o.known, "/known");
    options_free(&o);
    // The nearest one, and no other with it.
    put_file("../toyvmm.conf", "retries 1\n");
    o = taken("a.tc");
    cr_expect(o.jobs == 1 && o.retries == 1);
    options_free(&o);
    cr_assert_eq(unlink("../toyvmm.conf"), 0);
    put_file("../.git", "gitdir: elsewhere\n");
    o = taken("a.tc");
    cr_expect_null(conf_path(o.conf));
    options_free(&o);
    o = taken("--config ../../../toyvmm.conf a.tc");
    cr_expect_eq(o.jobs, 7);
    options_free(&o);
    cr_assert_eq(chdir("../../.."), 0);
}

Test(conf, all_that_is_wrong_is_told_at_once)
{
    wrong("jbos 4\n"
          "jobs 0\n"
          "retries\n"
          "--junit x\n"
          "jobs=3\n"
          "tags 'a\n"
          "record r.tvr\n"
          "no-sandbox\n"
          "jobs 2 3\n"
          "fail-fast\n"
          "fail-fast\n"
          "set a=1\n"
          "set a=2\n"
          "}\n"
          "set \"a=${b}\"\n",
          "toyvmm.conf:1:1: error: unknown option `jbos`\n"
          "    1 | jbos 4\n"
          "      | ^~~~\n"
          "      = did you mean `jobs`?\n"
          "toyvmm.conf:2:6: error: `0` is no value of `jobs`\n"
          "    2 | jobs 0\n"
          "      |      ^\n"
          "      = give a number from 1 to 256, or auto\n"
          "toyvmm.conf:3:1: error: `retries` needs a value: N\n"
          "    3 | retries\n"
          "      | ^~~~~~~\n"
          "toyvmm.conf:4:1: error: options have no dashes in this file: write "
          "`junit`\n"
          "    4 | --junit x\n"
          "      | ^~~~~~~\n"
          "toyvmm.conf:5:1: error: unknown option `jobs=3`\n"
          "    5 | jobs=3\n"
          "      | ^~~~~~\n"
          "      = a blank stands between: `jobs N|auto`\n"
          "toyvmm.conf:6:6: error: this text is never closed\n"
          "    6 | tags 'a\n"
          "      |      ^\n"
          "      = a text ends on its line, with a `'`\n"
          "toyvmm.conf:7:1: error: `record` has no default: it is of one run\n"
          "    7 | record r.tvr\n"
          "      | ^~~~~~\n"
          "      = give --record on the command line\n"
          "toyvmm.conf:8:1: error: `no-sandbox` is never taken from a file: "
          "who runs this decides\n"
          "    8 | no-sandbox\n"
          "      | ^~~~~~~~~~\n"
          "      = give --no-sandbox on the command line\n"
          "toyvmm.conf:9:1: error: `jobs` has line 2 already\n"
          "    9 | jobs 2 3\n"
          "      | ^~~~\n"
          "      = make one of the two\n"
          "toyvmm.conf:9:8: error: `3` is too much here\n"
          "    9 | jobs 2 3\n"
          "      |        ^\n"
          "      = a line has one option\n"
          "toyvmm.conf:11:1: error: `fail-fast` has line 10 already\n"
          "   11 | fail-fast\n"
          "      | ^~~~~~~~~\n"
          "      = make one of the two\n"
          "toyvmm.conf:13:1: error: `set` has line 12 already\n"
          "   13 | set a=2\n"
          "      | ^~~\n"
          "      = make one of the two\n"
          "toyvmm.conf:14:1: error: this ends no block\n"
          "   14 | }\n"
          "      | ^\n"
          "toyvmm.conf:15:8: error: there are no variables in this file\n"
          "   15 | set \"a=${b}\"\n"
          "      |        ^\n"
          "      = '...' is taken as it is; in \"...\" a `\\$` is a `$`\n");
}

Test(conf, blocks_that_are_wrong)
{
    wrong("for \"b\xc3\xb6ot*\" { retrys 3  timeout 2m }\n"
          "for x { jobs 3 retries many }\n"
          "for { retries 1 }\n"
          "for x retries 1\n"
          "for y {\n"
          "    cpus 1\n"
          "for z { cpus 1 cpus 2 }\n"
          "for z { \n",
          "toyvmm.conf:1:15: error: unknown option `retrys`\n"
          "    1 | for \"b\xc3\xb6ot*\" { retrys 3  timeout 2m }\n"
          "      |               ^~~~~~\n"
          "      = did you mean `retries`?\n"
          "toyvmm.conf:2:9: error: `jobs` is for all scenarios, not for a "
          "block\n"
          "    2 | for x { jobs 3 retries many }\n"
          "      |         ^~~~\n"
          "      = put it in front of the blocks, or behind them\n"
          "toyvmm.conf:3:1: error: `for` is followed by a name, path or "
          "title\n"
          "    3 | for { retries 1 }\n"
          "      | ^~~\n"
          "      = as in `for \"boot*\" { retries 3 }`\n"
          "toyvmm.conf:4:7: error: a `{` is expected here\n"
          "    4 | for x retries 1\n"
          "      |       ^~~~~~~\n"
          "      = as in `for \"boot*\" { retries 3 }`\n"
          "toyvmm.conf:5:1: error: this block has no end\n"
          "    5 | for y {\n"
          "      | ^~~\n"
          "      = a `}` ends it\n"
          "toyvmm.conf:7:16: error: `cpus` has line 7 already\n"
          "    7 | for z { cpus 1 cpus 2 }\n"
          "      |                ^~~~\n"
          "      = make one of the two\n"
          "toyvmm.conf:8:1: error: this block has no end\n"
          "    8 | for z { \n"
          "      | ^~~\n"
          "      = a `}` ends it\n");
}

// A repository's file does not write where it likes.
Test(conf, nothing_is_written_outside_of_its_folder)
{
    static const char *const values[] = {
        "/tmp/x", "../x", "a/../../x", "..",
        "-",      "link", "dir/in",    "postgresql://host/x",
    };
    cr_assert_eq(symlink("/tmp/elsewhere", "link"), 0);
    cr_assert_eq(symlink("/tmp", "dir"), 0);
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        struct options o;
        struct error err = {""};
        char line[128], *told;
        snprintf(line, sizeof(line), "history \"%s\"\n", values[i]);
        put_file("toyvmm.conf", line);
        cr_expect_eq(take(&o, "a.tc", &told, &err), -EINVAL, "%s", line);
        cr_expect(strstr(told, "`history` of this file writes below its "
                               "folder only"),
                  "%s%s", line, told);
        free(told);
        options_free(&o);
    }
    cr_assert_eq(mkdir("sub", 0700), 0);
    put_file("toyvmm.conf", "history sub/..x\njunit sub/x.xml\nhtml none/x\n");
    struct options o = taken("a.tc");
    cr_expect_str_eq(o.history, "sub/..x");
    options_free(&o);
}

Test(conf, files_that_are_none)
{
    struct options o;
    struct error err = {""};
    cr_expect_eq(take(&o, "--config none a.tc", NULL, &err), -EINVAL);
    cr_expect_str_eq(err.text, "none can't be read: No such file or directory");
    options_free(&o);
    cr_assert_eq(mkfifo("toyvmm.conf", 0600), 0);
    cr_expect_eq(take(&o, "a.tc", NULL, &err), -EINVAL);
    cr_expect_str_eq(err.text, "toyvmm.conf can't be read: it is no regular "
                               "file");
    options_free(&o);
    cr_expect_eq(take(&o, "--config a --no-config a.tc", NULL, &err), -EINVAL);
    options_free(&o);
    // What does not look at it is not disturbed by it.
    o = taken("--help");
    options_free(&o);
}

// ---- Scenarios --------------------------------------------------------------

static void select_all(const struct options *o, struct selection *s)
{
    struct error err = {""};
    (void)mkdir("t", 0700);
    put_file("t/a.tc", "test \"The first\"\nguest busybox\nmatrix n 1 2\n"
                       "expect /${n}/\n");
    put_file("b.tc", "guest busybox\ntimeout 7s\nexpect /x/\n");
    cr_assert_eq(selection_make(s, o, stderr, &err), 0, "%s", err.text);
    conf_select(o, s);
    cr_assert_eq(s->count, 3);
}

#define MIB (UINT64_C(1) << 20)

Test(conf, the_last_block_that_is_about_a_scenario)
{
    struct selection s;
    put_file("toyvmm.conf", "memory 100M\ncmdline +quiet\nretries 1\n"
                            "for t/a* { memory 200M retries 2\n timeout 2m }\n"
                            "for \"The *\" { cpus 3 }\n"
                            "for a[n=2] { memory 300M\n kernel k }\n"
                            "for b.tc { retries 0 }\n");
    struct options o = taken("t/a.tc b.tc");
    select_all(&o, &s);
    const struct selected *a1 = &s.list[0], *a2 = &s.list[1], *b = &s.list[2];
    cr_expect_eq(a1->machine.memory, 200 * MIB);
    cr_expect_eq(a2->machine.memory, 300 * MIB);
    cr_expect_eq(b->machine.memory, 100 * MIB);
    cr_expect_eq(a1->machine.cpus, 3);
    cr_expect_eq(b->machine.cpus, 0);
    cr_expect_str_eq(a1->machine.cmdline, "+quiet");
    cr_expect_str_eq(a2->machine.kernel, "k");
    cr_expect_null(a1->machine.kernel);
    cr_expect_eq(a1->attempts, 3);
    cr_expect_eq(a2->attempts, 3);
    cr_expect_eq(b->attempts, 1);
    cr_expect_eq(a1->what.scenario->timeout_ns, UINT64_C(120000000000));
    cr_expect_eq(b->what.scenario->timeout_ns, UINT64_C(7000000000));
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    conf_tell(f, o.conf, a2);
    fclose(f);
    cr_expect_str_eq(text, "toyvmm.conf, blocks of lines 4, 6, 7");
    free(text);
    selection_free(&s);
    options_free(&o);
}

Test(conf, folders_are_as_the_file_sees_them)
{
    struct selection s;
    put_file("toyvmm.conf", "for sub/t/a { cpus 2 }\n"
                            "for sub/t/a.tc { memory 200M }\n"
                            "for t/a { cpus 9 }\n"
                            "for 'sub/b*' { cpus 4 }\n");
    cr_assert_eq(mkdir("sub", 0700), 0);
    cr_assert_eq(chdir("sub"), 0);
    struct options o = taken("t/a.tc b.tc");
    select_all(&o, &s);
    cr_expect_eq(s.list[0].machine.cpus, 2);
    cr_expect_eq(s.list[1].machine.memory, 200 * MIB);
    cr_expect_eq(s.list[2].machine.cpus, 4);
    selection_free(&s);
    options_free(&o);
    cr_assert_eq(chdir(".."), 0);
}

Test(conf, the_command_line_wins_over_blocks)
{
    struct selection s;
    put_file("toyvmm.conf", "for '*' { memory 200M retries 2 timeout 2m "
                            "cpus 2 }\n");
    struct options o = taken("--memory 64M --retries 5 --timeout 1500ms t/a.tc "
                             "b.tc");
    select_all(&o, &s);
    cr_expect_eq(s.list[2].machine.memory, 64 * MIB);
    cr_expect_eq(s.list[2].machine.cpus, 2);
    cr_expect_eq(s.list[2].attempts, 6);
    cr_expect_eq(s.list[2].what.scenario->timeout_ns, UINT64_C(1500000000));
    selection_free(&s);
    options_free(&o);
    o = taken("--exact t/a.tc b.tc");
    select_all(&o, &s);
    cr_expect_eq(s.list[0].attempts, 1, "an exact run has one");
    selection_free(&s);
    options_free(&o);
}
