// SPDX-License-Identifier: Apache-2.0
// --rerun: what is kept of runs, for how long, and what of it is run again.
#include "harness/cli/rerun.h"
#include "harness/tests/cli_files.h"

#include <dirent.h>
#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#define DAY_NS (UINT64_C(86400) * 1000000000)
#define NOW    (DAY_NS * 20000)

static void begin(void)
{
    char state[256];
    enter_folder();
    snprintf(state, sizeof(state), "%s/state", test_folder);
    setenv("XDG_STATE_HOME", state, 1);
}

TestSuite(rerun, .init = begin, .fini = leave_folder);

static char *the_paths[] = {NULL, NULL};

static int add(const char *store, const char *folder, const char *name,
               enum run_fate fate, uint64_t now_ns)
{
    char path[] = "t";
    struct stored_case one = {name, fate};
    struct error err = {""};
    the_paths[0] = path;
    const struct stored_run run = {.folder = folder,
                                   .npaths = 1,
                                   .paths = the_paths,
                                   .count = 1,
                                   .cases = &one};
    return run_store_add(store, &run, now_ns, &err);
}

static size_t count(const char *store)
{
    size_t n = 0;
    DIR *d = opendir(store);
    cr_assert_not_null(d);
    for (struct dirent *e; (e = readdir(d));)
        n += *e->d_name != '.';
    closedir(d);
    return n;
}

static void open_store(char store[RUN_STORE_PATH])
{
    struct error err = {""};
    cr_assert_eq(run_store_open(store, &err), 0, "%s", err.text);
}

Test(rerun, the_newest_run_of_a_folder_counts)
{
    char store[RUN_STORE_PATH], *file;
    struct stored_run run;
    struct error err = {""};
    open_store(store);
    cr_expect_eq(run_store_last(store, "/a", &run, &file, &err), -ENOENT);
    cr_expect(strstr(err.text, "no run in this folder is known"));
    cr_assert_eq(add(store, "/a", "t/x[k=1 2]", FATE_FAILED, NOW), 0);
    cr_assert_eq(add(store, "/a", "t/y", FATE_UNRUN, NOW + 1), 0);
    cr_assert_eq(add(store, "/b", "t/z", FATE_PASSED, NOW + 2), 0);
    cr_assert_eq(run_store_last(store, "/a", &run, &file, &err), 0);
    cr_assert(run.count == 1 && run.npaths == 1);
    cr_expect_str_eq(run.cases[0].name, "t/y");
    cr_expect_eq(run.cases[0].fate, FATE_UNRUN);
    cr_expect_str_eq(run.paths[0], "t");
    stored_run_free(&run);
    cr_assert_eq(run_store_read(store, file, &run, &err), 0);
    stored_run_free(&run);
    free(file);
}

Test(rerun, what_has_line_breaks_is_not_kept)
{
    char store[RUN_STORE_PATH];
    open_store(store);
    cr_expect_eq(add(store, "/a", "t/x\nend", FATE_FAILED, NOW), -EINVAL);
    cr_expect_eq(add(store, "/a\n", "t/x", FATE_FAILED, NOW), -EINVAL);
    cr_expect_eq(count(store), 0);
}

// Cut off at any byte, it is no run; the one before it is.
Test(rerun, damaged_files_are_passed_over)
{
    char store[RUN_STORE_PATH], *file, path[RUN_STORE_PATH + 64];
    struct stored_run run;
    struct error err = {""};
    open_store(store);
    cr_assert_eq(add(store, "/a", "t/old", FATE_FAILED, NOW), 0);
    cr_assert_eq(add(store, "/a", "t/new", FATE_FAILED, NOW + 1), 0);
    cr_assert_eq(run_store_last(store, "/a", &run, &file, &err), 0);
    cr_expect_str_eq(run.cases[0].name, "t/new");
    stored_run_free(&run);
    snprintf(path, sizeof(path), "%s/%s", store, file);
    char *text = get_file(path);
    // Without its last newline it is whole.
    for (size_t len = strlen(text) - 2; len > 0; len--) {
        char *found;
        cr_assert_eq(truncate(path, (off_t)len), 0);
        cr_assert_eq(run_store_last(store, "/a", &run, &found, &err), 0);
        cr_expect_str_eq(run.cases[0].name, "t/old", "cut at %zu", len);
        stored_run_free(&run);
        free(found);
    }
    put_file(path, "toyvmm-run 1\nfolder /a\nnonsense\nend\n");
    cr_expect_eq(run_store_read(store, file, &run, &err), -EINVAL);
    free(text);
    free(file);
}

Test(rerun, the_store_stays_small_and_young)
{
    char store[RUN_STORE_PATH], mine[RUN_STORE_PATH + 16];
    open_store(store);
    snprintf(mine, sizeof(mine), "%s/mine.run", store);
    put_file(mine, "of somebody else");
    for (unsigned i = 0; i < RUN_STORE_RUNS + 5; i++)
        cr_assert_eq(add(store, "/a", "t/x", FATE_PASSED, NOW + i), 0);
    cr_expect_eq(count(store), RUN_STORE_RUNS + 1);
    cr_assert_eq(add(store, "/a", "t/x", FATE_PASSED, NOW + 31 * DAY_NS), 0);
    cr_expect_eq(count(store), 2);
    // One run alone is never too large.
    char *name = calloc(1, RUN_STORE_BYTES + 1);
    memset(name, 'x', RUN_STORE_BYTES);
    cr_assert_eq(add(store, "/a", name, FATE_PASSED, NOW + 31 * DAY_NS + 1), 0);
    cr_expect_eq(count(store), 2);
    cr_expect(file_is(mine, "of somebody else"));
    free(name);
}

// Processes that add and tidy up at one time: each of their runs is there,
// whole.
Test(rerun, runs_at_one_time)
{
    char store[RUN_STORE_PATH], name[16];
    open_store(store);
    for (unsigned p = 0; p < 4; p++) {
        if (fork())
            continue;
        for (unsigned i = 0; i < 20; i++) {
            snprintf(name, sizeof(name), "t/p%u-%u", p, i);
            if (add(store, "/a", name, FATE_FAILED, NOW + i))
                _exit(1);
        }
        _exit(0);
    }
    for (unsigned p = 0; p < 4; p++) {
        int status = 0;
        cr_assert_gt(wait(&status), 0);
        cr_expect_eq(status, 0);
    }
    cr_expect_eq(count(store), 80);
}

Test(rerun, without_a_place_there_is_no_store)
{
    struct options o = {.rerun = RERUN_NOTHING};
    struct rerun r;
    struct error err = {""};
    unsetenv("HOME");
    setenv("XDG_STATE_HOME", "relative", 1);
    cr_expect_eq(rerun_begin(&r, &o, &err), 0);
    cr_expect_str_empty(r.store);
    rerun_free(&r);
    o.rerun = RERUN_LAST;
    cr_expect_eq(rerun_begin(&r, &o, &err), -ENOENT);
    cr_expect(strstr(err.text, "--rerun: neither XDG_STATE_HOME nor HOME"));
    rerun_free(&r);
    put_file("state", "a file in its place");
    unsetenv("XDG_STATE_HOME");
    setenv("HOME", "/proc/nowhere", 1);
    cr_expect_eq(rerun_begin(&r, &(struct options){0}, &err), 0);
    cr_expect_str_empty(r.store);
}

// ---- From one run to the next -----------------------------------------------

#define CASES 6
#define LEFT  128 // room for their names

static const struct {
    char name[8];
    enum verdict verdict;
} results_of[CASES] = {
    {"passed", VERDICT_PASSED}, {"failed", VERDICT_FAILED},
    {"flaky", VERDICT_FLAKY},   {"unrun", VERDICT_UNRUN},
    {"broken", VERDICT_ERROR},  {"skipped", VERDICT_SKIPPED},
};

// A selection of the cases whose bit is set, run with the verdicts above, or
// all passed.
static void run(struct options *o, unsigned bits, bool pass, struct rerun *r,
                char *left)
{
    struct selection s = {0};
    struct boot list[CASES];
    struct result results[CASES] = {{.title = NULL}};
    struct error err = {""};
    s.list = calloc(CASES, sizeof(*s.list));
    cr_assert_eq(rerun_begin(r, o, &err), 0, "%s", err.text);
    for (size_t i = 0; i < CASES; i++) {
        if (bits & 1U << i)
            s.list[s.count++] = (struct selected){
                .suite = strdup("t"), .name = strdup(results_of[i].name)};
    }
    rerun_select(r, o, &s);
    *left = '\0';
    for (size_t i = 0; i < s.count; i++) {
        size_t len = strlen(left);
        snprintf(left + len, LEFT - len, " %s", s.list[i].name);
        list[i] = (struct boot){.selected = i};
        for (size_t k = 0; k < CASES; k++)
            if (!strcmp(results_of[k].name, s.list[i].name))
                results[i].verdict =
                    pass ? VERDICT_PASSED : results_of[k].verdict;
    }
    const struct boots b = {.count = s.count, .list = list};
    const struct suite_run run = {.results = results, .count = s.count};
    static uint64_t now;
    rerun_keep(r, o, &s, &b, &run, NOW + now++);
    rerun_free(r);
    selection_free(&s);
}

Test(rerun, failed_unrun_and_last)
{
    char path[] = "t", left[LEFT];
    char *paths[] = {path};
    struct options given = {.npaths = 1, .paths = paths};
    struct options again = {.rerun = RERUN_FAILED};
    struct rerun r;
    const unsigned all = (1U << CASES) - 1;
    run(&given, all, false, &r, left);
    cr_expect_str_eq(left, " passed failed flaky unrun broken skipped");
    // Those that were chosen pass; the others are as they were.
    run(&again, all, true, &r, left);
    cr_expect_str_eq(left, " failed flaky broken");
    again = (struct options){.rerun = RERUN_UNRUN};
    run(&again, all, false, &r, left);
    cr_expect_str_eq(left, " unrun");
    again = (struct options){.rerun = RERUN_FAILED};
    run(&again, all, true, &r, left);
    cr_expect_str_eq(left, "");
    again = (struct options){.rerun = RERUN_LAST};
    run(&again, all, true, &r, left);
    cr_expect_str_eq(left, " passed failed flaky unrun broken skipped");
    // What is forgiven has not failed.
    given.flaky_ok = true;
    run(&given, all, false, &r, left);
    again = (struct options){.rerun = RERUN_FAILED};
    run(&again, all, true, &r, left);
    cr_expect_str_eq(left, " failed broken");
}

Test(rerun, files_of_the_last_run)
{
    char path[] = "t", left[LEFT];
    char *paths[] = {path};
    struct options given = {.npaths = 1, .paths = paths};
    struct options again = {.rerun = RERUN_LAST};
    struct rerun r;
    struct error err = {""};
    run(&given, 2, false, &r, left);
    cr_assert_eq(rerun_begin(&r, &again, &err), 0, "%s", err.text);
    cr_assert_eq(again.npaths, 1);
    cr_expect_str_eq(again.paths[0], "t");
    rerun_free(&r);
    cr_assert_eq(chdir("/"), 0);
    again = (struct options){.rerun = RERUN_LAST};
    cr_expect_eq(rerun_begin(&r, &again, &err), -ENOENT);
    rerun_free(&r);
}
