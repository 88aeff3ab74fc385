// SPDX-License-Identifier: Apache-2.0
// See cli_gate_util.h.
#include "harness/tests/cli_gate_util.h"

#include <criterion/redirect.h>

void gate_begin(void)
{
    enter_folder();
    cr_redirect_stdout();
    cr_redirect_stderr();
}

void gate_end(void)
{
    leave_folder();
}

struct history *gate_history(void)
{
    struct history *h = NULL;
    struct error err = {""};
    remove("boot.db");
    cr_assert_eq(history_open("boot.db", &h, &err), 0, "%s", err.text);
    return h;
}

struct history_run gate_run(bool topic, uint64_t number)
{
    const char *commit = topic ? "bbbb2222" : "aaaa1111";
    const char *branch = topic ? "topic" : "main";
    return (struct history_run){
        .session = branch,
        .scenario = "t/boot",
        .guest = "busybox",
        .commit = commit,
        .branch = branch,
        .started_unix_ns = 1000 * MS * (number + 1),
        .verdict = "passed",
        .environment = {"cpu", NULL, "kvm", "1", 1 << 20, 1, NULL},
        .subject = {commit, NULL, "quiet"},
    };
}

void gate_add(struct history *h, struct history_run run)
{
    struct error err = {""};
    history_new_id(run.id);
    cr_assert_eq(history_add(h, &run, 1, &err), 0, "%s", err.text);
}

int gate_judge(enum command command, const char *marks,
               const char *acknowledged)
{
    char main_[] = "main", topic[] = "topic";
    char *paths[] = {main_, topic};
    const struct options o = {
        .command = command,
        .paths = paths,
        .npaths = 2,
        .history = "boot.db",
        .marks = marks,
        .acknowledged = acknowledged,
        .reports = {[REPORT_JSON] = "c.json", [REPORT_SUMMARY] = "c.md"}};
    remove("c.json");
    remove("c.md");
    return compare_history(&o);
}
