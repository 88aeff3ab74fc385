// SPDX-License-Identifier: Apache-2.0
// What a JUnit report calls its testcases. GitLab and others know a test by its
// class name and its name, and of two that share both they keep one: each pair
// comes once in a report, and is the same in each run. Used by junit.c.
//
//   scenario      class: folder.file              name: its title
//   guest's test  class: folder.file: title       name: suite/case
//
// The folder and the file are those of the path (for `.` there is no folder),
// the title has the values of the `matrix` and the number of the boot. None of
// this depends on which other scenarios were selected, and two files never
// share a class. Readers split a class name at its dots, so a dot that is part
// of a name is written as U+2024 (ONE DOT LEADER).
//
// What is equal all the same (the results of two runs merged, two names that
// differ in invisible characters only) gets " (2)" and so on behind its name,
// in the order of the report, and never one that another test has by itself.
#pragma once

#include "harness/report/junit.h"

// Names as visible text, at most about JUNIT_NAME_MAX bytes of each. Owned.
#define JUNIT_NAME_MAX 4000

struct junit_case {
    char *suite; // of its <testsuite>: the path and the title, unique too
    char *class_name, *name;
    char *guest_class;
    size_t ntests;
    char **tests; // names of the guest's own tests
};

struct junit_names {
    size_t count;
    struct junit_case *list; // one for each result, in its order
};

// 0, or -ENOMEM. junit_names_free must follow either way.
int junit_names_make(struct junit_names *names, const struct result_list *all);
void junit_names_free(struct junit_names *names);
