// SPDX-License-Identifier: Apache-2.0
// What the exact rig must bring along.
#include "harness/cli/exact.h"

#include "harness/cli/compare_exact.h"
#include "harness/cli/exact_unit.h"
#include "harness/report/result.h"
#include "harness/tests/cli_files.h"

#include <errno.h>

static size_t times(const struct exact_files *f, const char *end)
{
    size_t n = 0;
    for (size_t i = 0; i < f->count; i++) {
        size_t len = strlen(f->paths[i]), tail = strlen(end);
        n += len >= tail && !strcmp(f->paths[i] + len - tail, end);
    }
    return n;
}

// The scenarios that these words mean.
static void choose(struct selection *s, char **words, size_t count)
{
    struct options o = {.jobs = 1, .npaths = count, .paths = words};
    struct error err = {""};
    cr_assert_eq(selection_make(s, &o, stderr, &err), 0, "%s", err.text);
}

TestSuite(exact, .init = enter_folder, .fini = leave_folder);

Test(exact, all_that_is_opened_comes_along_once)
{
    static char both[] = ".";
    char *words[] = {both};
    struct selection s = {0};
    struct exact_files f;
    struct error err = {""};
    struct guest_overrides none = {0};
    put_file("one.tc", "kernel \"image\"\nneeds guest x-y\n"
                       "needs guest gone\nuse \"shared.tci\"\n");
    put_file("two.tc", "kernel \"image\"\ninitrd \"files\"\n"
                       "use \"shared.tci\"\n");
    put_file("shared.tci", "expect /x/\n");
    put_file("image", "0123456789");
    put_file("files", "01234");
    put_file("x.conf", "name x\n");
    put_file("x2.conf", "name x\n");
    cr_assert_eq(setenv("TOYVMM_GUEST_X_Y", "x.conf", 1), 0);
    cr_assert_eq(setenv("TOYVMM_GUEST_X_Y2", "x2.conf", 1), 0);
    cr_assert_eq(setenv("TOYVMM_GUEST_GONE", "gone.conf", 1), 0);
    choose(&s, words, 1);
    cr_assert_eq(exact_collect(&f, &s, &none, &err), 0, "%s", err.text);
    static const char *const wanted[] = {"one.tc", "two.tc", "shared.tci",
                                         "image",  "files",  "x.conf"};
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        cr_expect_eq(times(&f, wanted[i]), 1, "%s", wanted[i]);
    cr_expect_eq(times(&f, "gone.conf"), 0);
    // A guest of another scenario, which makes no difference to these.
    cr_expect_eq(times(&f, "x2.conf"), 0);
    exact_forget_guests(&s);
    cr_expect_not_null(getenv("TOYVMM_GUEST_X_Y"));
    cr_expect_null(getenv("TOYVMM_GUEST_X_Y2"));
    // This program, and what it can't start without.
    cr_expect_eq(times(&f, "test-cli"), 1);
    cr_expect_gt(times(&f, "libc.so.6"), 0);
    cr_expect_gt(f.bytes, 100000);
    exact_free(&f);
    selection_free(&s);
}

Test(exact, a_kernel_of_the_command_line_is_the_one)
{
    static char only[] = "one.tc";
    char *words[] = {only};
    struct selection s = {0};
    struct exact_files f;
    struct error err = {""};
    struct guest_overrides other = {0};
    other.kernel = "other";
    put_file("one.tc", "kernel \"image\"\nexpect /x/\n");
    put_file("other", "0");
    choose(&s, words, 1);
    cr_assert_eq(exact_collect(&f, &s, &other, &err), 0, "%s", err.text);
    cr_expect_eq(times(&f, "other"), 1);
    cr_expect_eq(times(&f, "image"), 0);
    exact_free(&f);
    other.kernel = "nowhere";
    cr_expect_eq(exact_collect(&f, &s, &other, &err), -ENOENT);
    cr_expect_not_null(strstr(err.text, "nowhere"), "%s", err.text);
    exact_free(&f);
    selection_free(&s);
}

// A scenario with this line has something that no exact rig can have.
static void refuse(const char *line, const char *why)
{
    static char only[] = "one.tc";
    char *words[] = {only};
    char text[128];
    struct selection s = {0};
    struct exact_files f;
    struct error err = {""};
    struct guest_overrides none = {0};
    snprintf(text, sizeof(text), "kernel \"image\"\n%s\nexpect /x/\n", line);
    put_file("one.tc", text);
    put_file("image", "0");
    choose(&s, words, 1);
    cr_expect_eq(exact_collect(&f, &s, &none, &err), -EINVAL);
    cr_expect_not_null(strstr(err.text, why), "%s", err.text);
    exact_free(&f);
    selection_free(&s);
}

Test(exact, no_share_comes_along)
{
    refuse("share . as x", "one.tc: the exact rig has no shares");
}

Test(exact, no_socket_comes_along)
{
    refuse("vsock v.sock", "one.tc: the exact rig has no vsock");
}

Test(exact, no_image_that_is_served_comes_along)
{
    static char only[] = "one.tc";
    char *words[] = {only};
    struct selection s = {0};
    struct exact_files f;
    struct error err = {""};
    struct guest_overrides none = {0};
    put_file("one.tc", "kernel \"image\"\ndisk raw\ndisk q\nexpect /x/\n");
    put_file("image", "0");
    put_file("raw", "0");
    put_file("q", "vhdxfile");
    choose(&s, words, 1);
    cr_expect_eq(exact_collect(&f, &s, &none, &err), -EINVAL);
    cr_expect_not_null(strstr(err.text, "q is a vhdx image"), "%s", err.text);
    exact_free(&f);
    selection_free(&s);
}

// What a scenario writes here would be lost in there.
Test(exact, nothing_is_written_here)
{
    static const char *const writers[] = {
        "net user pcap \"frames.pcap\"\n",
        "disk \"disk\" writable\n",
    };
    static char only[] = "one.tc";
    char *words[] = {only};
    put_file("image", "0");
    put_file("disk", "0");
    for (size_t i = 0; i < sizeof(writers) / sizeof(writers[0]); i++) {
        char text[128];
        snprintf(text, sizeof(text), "kernel \"image\"\n%sexpect /x/\n",
                 writers[i]);
        put_file("one.tc", text);
        struct selection s = {0};
        choose(&s, words, 1);
        struct options o = {.jobs = 1};
        struct plan_case boot = {.number = 0};
        struct plan plan = {.cases = &boot};
        struct exact_suite x = {.options = &o, .plan = &plan};
        static const size_t first = 0;
        struct exact_unit u = {
            .what = s.list, .seed = 1, .count = 1, .boots = &first};
        struct error err = {""};
        cr_expect_eq(exact_unit_start(&u, &x, &err), -ENOTSUP, "%s", err.text);
        cr_expect_not_null(strstr(err.text, "would be lost: captures and"),
                           "%s", err.text);
        selection_free(&s);
    }
}

// A boot that was made twice: anything that differs is told.
Test(exact, what_two_boots_differ_in)
{
    struct result a, b;
    char what[COMPARE_DIFFERENCE];
    result_init(&a);
    result_init(&b);
    a.verdict = b.verdict = VERDICT_PASSED;
    a.duration_ns = b.duration_ns = 10;
    result_add_mark(&a, "login", 500, 300, 9);
    result_add_mark(&b, "login", 500, 300, 9);
    cr_expect(!compare_difference(&a, &b, what));
    cr_expect_str_empty(what);
    b.duration_ns = 11;
    cr_expect(compare_difference(&a, &b, what));
    cr_expect_str_eq(what, "it ended after 10 and 11 ns");
    b.verdict = VERDICT_FAILED;
    cr_expect(compare_difference(&a, &b, what));
    cr_expect_str_eq(what, "it passed and it failed");
    b.marks[0].cpu_ns = 301;
    cr_expect(compare_difference(&a, &b, what));
    cr_expect_str_eq(what, "login after 500 and login after 500 ns (CPU time "
                           "300 and 301 ns)");
    result_free(&b);
    result_init(&b);
    cr_expect(compare_difference(&a, &b, what));
    cr_expect_str_eq(what, "1 and 0 marks");
    result_free(&a);
    result_free(&b);
}
