// SPDX-License-Identifier: Apache-2.0
// The confinement of a whole process, with the threads that it has.
#include "src/tests/guard_fixture.h"

#include <fcntl.h>
#include <sys/prctl.h>

TestSuite(sandbox_process, .init = guard_needs_a_sandbox);

static int opens_a_file(void)
{
    int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    close(fd);
    return 0;
}

static int runs_a_program(void)
{
    char *const argv[] = {NULL};
    return execve("/bin/true", argv, argv) < 0 ? errno : 0;
}

Test(sandbox_process, a_confined_process_runs_no_program)
{
    struct error err = {""};
    cr_assert_eq(sandbox_confine_process(&err), 0, "%s", err.text);
    cr_expect_eq(runs_a_program(), EPERM);
    cr_expect_eq(opens_a_file(), 0);
    cr_expect_eq(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
}

static void *wait_and_run(void *arg)
{
    static int result;
    char byte;
    (void)!read(*(int *)arg, &byte, 1);
    result = runs_a_program();
    return &result;
}

Test(sandbox_process, with_all_threads_that_there_are)
{
    struct error err = {""};
    pthread_t thread;
    void *result = NULL;
    int go[2];
    cr_assert_eq(pipe(go), 0);
    cr_assert_eq(pthread_create(&thread, NULL, wait_and_run, &go[0]), 0);
    cr_assert_eq(sandbox_confine_process(&err), 0, "%s", err.text);
    close(go[1]);
    pthread_join(thread, &result);
    cr_expect_eq(*(int *)result, EPERM);
    close(go[0]);
}

static int confines_the_process_of(pthread_t *thread, int *go)
{
    struct error err = {""};
    int code = sandbox_confine_process(&err);
    close(go[1]);
    pthread_join(*thread, NULL);
    return code;
}

static void *enter_and_wait(void *arg)
{
    int *go = arg;
    struct error err = {""};
    struct sandbox *s = sandbox_new(SANDBOX_VCPU, &err);
    int fd = sandbox_enter(s);
    char byte = fd >= 0;
    (void)!write(go[3], &byte, 1);
    (void)!read(go[0], &byte, 1);
    return NULL;
}

// One that has a list of its own can't be given another one by somebody else.
Test(sandbox_process, beside_a_thread_with_its_own_list)
{
    pthread_t thread;
    char entered = 0;
    int go[4];
    cr_assert(pipe(go) == 0 && pipe(go + 2) == 0);
    cr_assert_eq(pthread_create(&thread, NULL, enter_and_wait, go), 0);
    cr_assert_eq(read(go[2], &entered, 1), 1);
    cr_assert_eq(entered, 1);
    cr_expect_eq(confines_the_process_of(&thread, go), 0);
    cr_expect_eq(runs_a_program(), EPERM);
}
