// SPDX-License-Identifier: Apache-2.0
// The sandbox of a thread: what is on its list works, what is not fails and is
// told by its name.
#include "src/host/sandbox.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
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
static struct sandbox_call confined(enum sandbox_thread kind, int (*call)(void),
                                    int *result)
{
    struct error err = {""};
    struct sandbox *s = sandbox_new(kind, &err);
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

// What a guest's look at its clock does.
static int tells_the_date(void)
{
    const time_t when = 1000000000;
    struct tm tm;
    return gmtime_r(&when, &tm) && tm.tm_year == 101 ? 0 : EINVAL;
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
        struct sandbox_call caught =
            confined(SANDBOX_VCPU, cases[i].call, &result);
        cr_expect_str_eq(caught.text, cases[i].text);
        cr_expect_eq(result, EPERM, "%s: %d", cases[i].text, result);
    }
}

// ---- What some kinds may and others not -------------------------------------
// On descriptors that there are not, so that nothing comes of it.

static int connects(void)
{
    const struct sockaddr_in at = {.sin_family = AF_INET};
    return connect(-1, (const struct sockaddr *)&at, sizeof(at)) < 0 ? errno
                                                                     : 0;
}

static int opens_a_raw_socket(void)
{
    return socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) < 0 ? errno : 0;
}

static int opens_a_unix_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM, 0) < 0 ? errno : 0;
}

static int accepts(void)
{
    return accept(-1, NULL, NULL) < 0 ? errno : 0;
}

static int listens(void)
{
    return listen(-1, 1) < 0 ? errno : 0;
}

static int sends_descriptors(void)
{
    struct msghdr m = {.msg_flags = 0};
    return sendmsg(-1, &m, 0) < 0 ? errno : 0;
}

static int reads_an_image(void)
{
    char byte;
    const struct iovec iov = {&byte, 1};
    return preadv(-1, &iov, 1, 0) < 0 ? errno : 0;
}

static int waits_for_events(void)
{
    struct epoll_event event;
    return epoll_wait(-1, &event, 1, 0) < 0 ? errno : 0;
}

static int closes(void)
{
    return close(-1) < 0 ? errno : 0;
}

static int duplicates(void)
{
    return fcntl(-1, F_DUPFD, 0) < 0 ? errno : 0;
}

static int runs_a_vcpu(void)
{
    return ioctl(-1, KVM_RUN, 0) < 0 ? errno : 0;
}

static int interrupts(void)
{
    return ioctl(-1, KVM_IRQ_LINE, NULL) < 0 ? errno : 0;
}

static int changes_the_guests_memory(void)
{
    return ioctl(-1, KVM_SET_USER_MEMORY_REGION, NULL) < 0 ? errno : 0;
}

static int ends_a_program(void)
{
    return syscall(SYS_pidfd_send_signal, -1, SIGKILL, NULL, 0) < 0 ? errno : 0;
}

static int disturbs_a_program(void)
{
    return syscall(SYS_pidfd_send_signal, -1, SIGCONT, NULL, 0) < 0 ? errno : 0;
}

static void *nothing(void *arg)
{
    return arg;
}

static int starts_a_thread(void)
{
    pthread_t thread;
    return pthread_create(&thread, NULL, nothing, NULL);
}

static int forks(void)
{
    return (int)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) < 0 ? errno : 0;
}

Test(sandbox, each_kind_has_a_list_of_its_own)
{
    enum { // bits
        VCPU = 1 << SANDBOX_VCPU,
        DISK = 1 << SANDBOX_DISK,
        SHARE = 1 << SANDBOX_SHARE,
        BOTH = 1 << SANDBOX_LOOP_BOTH,
        INET = BOTH | 1 << SANDBOX_LOOP_CONNECTS,
        UNIX = BOTH | 1 << SANDBOX_LOOP_UNIX,
        ACCEPTS = INET | UNIX | 1 << SANDBOX_LOOP_ACCEPTS,
        LOOPS = ACCEPTS | 1 << SANDBOX_LOOP,
        ALL = (1 << SANDBOX_THREADS) - 1,
    };
    static const struct {
        int (*call)(void);
        unsigned may;
    } cases[] = {
        {opens_a_socket, INET},
        {connects, INET | UNIX},
        {opens_a_raw_socket, 0},
        {opens_a_unix_socket, UNIX},
        {accepts, ACCEPTS},
        {listens, 0},
        {sends_descriptors, SHARE},
        {reads_an_image, DISK},
        {waits_for_events, LOOPS},
        {closes, DISK | SHARE | ACCEPTS},
        {duplicates, 0},
        {runs_a_vcpu, VCPU},
        {interrupts, ALL},
        {changes_the_guests_memory, 0},
        {ends_a_program, DISK | SHARE},
        {disturbs_a_program, 0},
        {starts_a_thread, 0},
        {forks, 0},
        {opens_a_file, 0},
        {runs_a_program, 0},
        {maps_code, 0},
        {kills_init, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        for (enum sandbox_thread kind = 0; kind < SANDBOX_THREADS; kind++) {
            int result = 0;
            struct sandbox_call caught = confined(kind, cases[i].call, &result);
            bool may = cases[i].may >> kind & 1;
            cr_expect_eq(caught.number < 0, may, "case %zu, kind %u: %s", i,
                         kind, caught.text);
            cr_expect(may || result == EPERM, "case %zu, kind %u: %d", i, kind,
                      result);
        }
}

Test(sandbox, what_is_on_the_list_works)
{
    for (enum sandbox_thread kind = 0; kind < SANDBOX_THREADS; kind++) {
        int result = -1;
        struct sandbox_call caught = confined(kind, allocates, &result);
        cr_expect_eq(result, 0);
        cr_expect_eq(caught.number, -1, "%u: %s", kind, caught.text);
        caught = confined(kind, tells_the_date, &result);
        cr_expect_eq(result, 0);
        cr_expect_eq(caught.number, -1, "%u: %s", kind, caught.text);
    }
}

// A stream's first byte asks what kind of file it is, and of a terminal more.
Test(sandbox, a_sink_may_print_with_stdio)
{
    static const enum sandbox_thread kinds[] = {SANDBOX_VCPU, SANDBOX_KEEPER};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        int ends[2], result = -1;
        int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
        cr_assert(pipe(ends) == 0 && terminal >= 0);
        cr_assert(grantpt(terminal) == 0 && unlockpt(terminal) == 0);
        pipe_stream = fdopen(ends[1], "w");
        terminal_stream = fopen(ptsname(terminal), "w");
        cr_assert(pipe_stream && terminal_stream);
        struct sandbox_call caught =
            confined(kinds[i], prints_with_stdio, &result);
        cr_expect_eq(result, 0);
        cr_expect_eq(caught.number, -1, "%s", caught.text);
        fclose(pipe_stream);
        fclose(terminal_stream);
        close(terminal);
        close(ends[0]);
    }
}
