// SPDX-License-Identifier: Apache-2.0
// The sandbox of a thread: what is on its list works, what is not fails and is
// told by its name; the process's own confinement.
#include "src/host/sandbox.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static void needs_a_sandbox(void)
{
    if (!sandbox_is_offered())
        cr_skip_test("a build with sanitizers has no sandbox");
}

TestSuite(sandbox, .init = needs_a_sandbox);

// A thread that enters and then makes one call.
struct confined {
    const struct sandbox *sandbox;
    int (*call)(void); // its errno, or 0
    int ready[2];      // a pipe: its descriptor comes through
    int result;
};

static void *run(void *arg)
{
    struct confined *c = arg;
    int fd = sandbox_enter(c->sandbox);
    if (write(c->ready[1], &fd, sizeof(fd)) != sizeof(fd))
        return NULL;
    c->result = c->call();
    return NULL;
}

// What the call was told as, or "" when it passed; *result gets its errno.
static struct sandbox_call confined(int (*call)(void), int *result)
{
    struct error err = {""};
    struct sandbox *s = sandbox_new(&err);
    cr_assert(s, "%s", err.text);
    struct confined c = {.sandbox = s, .call = call, .result = -1};
    struct sandbox_call caught = {.number = -1};
    pthread_t thread;
    int fd = -1;
    cr_assert_eq(pipe(c.ready), 0);
    cr_assert_eq(pthread_create(&thread, NULL, run, &c), 0);
    cr_assert_eq(read(c.ready[0], &fd, sizeof(fd)), (ssize_t)sizeof(fd));
    if (fd == SANDBOX_UNWATCHED)
        cr_skip_test("this kernel can't tell of a call");
    cr_assert_geq(fd, 0, "%d", fd);
    // Readable when a call waits, hung up when the thread is gone.
    struct pollfd waits = {.fd = fd, .events = POLLIN};
    cr_assert_eq(poll(&waits, 1, 30000), 1);
    if (waits.revents & POLLIN) {
        cr_assert(sandbox_caught(fd, &caught));
        sandbox_refuse(fd, &caught);
    }
    pthread_join(thread, NULL);
    cr_expect(!sandbox_caught(fd, &caught));
    close(fd);
    close(c.ready[0]);
    close(c.ready[1]);
    sandbox_free(s);
    *result = c.result;
    return caught;
}

static int opens_a_socket(void)
{
    return socket(AF_INET, SOCK_STREAM, 0) < 0 ? errno : 0;
}

static int opens_a_file(void)
{
    return open("/etc/passwd", O_RDONLY | O_CLOEXEC) < 0 ? errno : 0;
}

static int runs_a_program(void)
{
    char *const argv[] = {NULL};
    return execve("/bin/true", argv, argv) < 0 ? errno : 0;
}

static int asks_the_terminal(void)
{
    int n;
    return ioctl(0, FIONREAD, &n) < 0 ? errno : 0;
}

static int maps_code(void)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_EXEC,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? errno : 0;
}

static int kills_init(void)
{
    return kill(1, 0) < 0 ? errno : 0;
}

static int stats_a_path(void)
{
    struct stat st;
    return fstatat(AT_FDCWD, "/etc/passwd", &st, 0) < 0 ? errno : 0;
}

// Files that are open before the thread is confined, and not used yet.
static FILE *pipe_stream, *terminal_stream;

static int prints_with_stdio(void)
{
    bool good = fprintf(pipe_stream, "%s", "to a pipe\n") > 0 &&
                fflush(pipe_stream) == 0 &&
                fprintf(terminal_stream, "%s", "to a terminal\n") > 0 &&
                fflush(terminal_stream) == 0;
    return good ? 0 : errno;
}

static int allocates(void)
{
    char *p = malloc((size_t)4 << 20);
    if (!p)
        return ENOMEM;
    p[5] = 1;
    free(p);
    return sched_yield();
}

Test(sandbox, what_is_not_on_the_list_is_told_and_fails)
{
    static const struct {
        int (*call)(void);
        const char *text;
    } cases[] = {
        {opens_a_socket, "socket"},   {opens_a_file, "openat"},
        {runs_a_program, "execve"},   {asks_the_terminal, "ioctl 0x541b"},
        {maps_code, "mmap"},          {kills_init, "kill"},
        {stats_a_path, "newfstatat"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int result = 0;
        struct sandbox_call caught = confined(cases[i].call, &result);
        cr_expect_str_eq(caught.text, cases[i].text);
        cr_expect_eq(result, EPERM, "%s: %d", cases[i].text, result);
    }
}

Test(sandbox, what_is_on_the_list_works)
{
    int result = -1;
    struct sandbox_call caught = confined(allocates, &result);
    cr_expect_eq(result, 0);
    cr_expect_eq(caught.number, -1, "%s", caught.text);
}

// A stream's first byte asks what kind of file it is, and of a terminal more.
Test(sandbox, a_sink_may_print_with_stdio)
{
    int ends[2], result = -1;
    int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    cr_assert(pipe(ends) == 0 && terminal >= 0);
    cr_assert(grantpt(terminal) == 0 && unlockpt(terminal) == 0);
    pipe_stream = fdopen(ends[1], "w");
    terminal_stream = fopen(ptsname(terminal), "w");
    cr_assert(pipe_stream && terminal_stream);
    struct sandbox_call caught = confined(prints_with_stdio, &result);
    cr_expect_eq(result, 0);
    cr_expect_eq(caught.number, -1, "%s", caught.text);
    fclose(pipe_stream);
    fclose(terminal_stream);
    close(terminal);
    close(ends[0]);
}

Test(sandbox, a_confined_process_runs_no_program)
{
    struct error err = {""};
    cr_assert_eq(sandbox_confine_process(&err), 0, "%s", err.text);
    cr_expect_eq(runs_a_program(), EPERM);
    cr_expect_eq(opens_a_file(), 0);
    cr_expect_eq(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
}
