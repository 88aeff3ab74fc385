// SPDX-License-Identifier: Apache-2.0
// A process that runs machines and nothing else: it makes one after another, as
// after resets, and opens nothing but what they need.
#include "src/host/sandbox.h"
#include "src/machine/pci_board.h"
#include "src/net/user.h"
#include "src/tests/machine_guests.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void needs_lists(void)
{
    if (!sandbox_is_offered())
        cr_skip_test("a build with sanitizers has no sandbox");
}

TestSuite(machine_confined, .init = needs_lists);

// Files of a test, in a folder of theirs. This process can't remove them when
// it is confined: another one waits for that.
struct fixture {
    char dir[64], written[96], disk[96], pcap[96], other[96];
    int done[2]; // a pipe that ends
    pid_t cleaner;
    struct toyvmm_disk disks[1];
    struct toyvmm_config config;
};

static void make_file(const char *path, off_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    cr_assert_eq(ftruncate(fd, size), 0);
    close(fd);
}

static void clean(const struct fixture *f)
{
    char byte;
    close_range(3, (unsigned)f->done[0] - 1, 0);
    close_range((unsigned)f->done[0] + 1, ~0U, 0);
    (void)!read(f->done[0], &byte, 1);
    unlink(f->disk);
    unlink(f->pcap);
    unlink(f->other);
    rmdir(f->written);
    rmdir(f->dir);
    _exit(0);
}

static void set_up(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    snprintf(f->dir, sizeof f->dir, "/tmp/toyvmm-test-confined-XXXXXX");
    cr_assert_not_null(mkdtemp(f->dir));
    snprintf(f->written, sizeof f->written, "%s/written", f->dir);
    snprintf(f->disk, sizeof f->disk, "%s/disk", f->dir);
    snprintf(f->pcap, sizeof f->pcap, "%s/pcap", f->dir);
    snprintf(f->other, sizeof f->other, "%s/other", f->dir);
    cr_assert_eq(mkdir(f->written, 0700), 0);
    make_file(f->disk, 4096);
    make_file(f->other, 1);
    cr_assert_eq(pipe(f->done), 0);
    f->cleaner = fork();
    if (f->cleaner == 0)
        clean(f);
    close(f->done[0]);
    f->disks[0] = (struct toyvmm_disk){.path = f->disk};
    f->config = (struct toyvmm_config){
        .ndisks = 1,
        .disks = f->disks,
        .kept = toyvmm_kept_new(),
        .net = {.pcap = f->pcap},
    };
}

static void tear_down(struct fixture *f)
{
    toyvmm_kept_free(f->config.kept);
    close(f->done[1]);
    waitpid(f->cleaner, NULL, 0);
}

static void confine(struct fixture *f)
{
    const char *const written[] = {f->written};
    const struct toyvmm_paths more = {.nwritten = 1, .written = written};
    struct error err = {""};
    cr_assert_eq(toyvmm_kept_open(&f->config, &err), 0, "%s", err.text);
    cr_assert_eq(toyvmm_confine(&err), 0, "%s", err.text);
    cr_assert_eq(toyvmm_confine_files(&f->config, &more, &err), 0, "%s",
                 err.text);
}

// A machine with the disk, and the network if it has one, until it powers off.
static void run_one(struct fixture *f)
{
    struct guest_log log;
    struct error err = {""};
    guest_log_init(&log);
    const struct toyvmm_sink sink = guest_log_sink(&log);
    struct toyvmm *vm = guest_create_on(
        image_hi(),
        (struct machine_shape){.memory = GUEST_MEMORY, .cpus = 1, .ports = 1},
        &sink);
    cr_assert_eq(pci_board_add(&vm->board, vm->guard, &vm->kvm, &vm->memory,
                               &f->config, &err),
                 0, "%s", err.text);
    cr_assert_eq(toyvmm_start(vm, &err), 0, "%s", err.text);
    struct toyvmm_event end = guest_wait_end(&log);
    cr_expect_eq(end.kind, TOYVMM_EVENT_POWEROFF, "%s", end.detail);
    toyvmm_destroy(vm);
}

static int try_open(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);
    int code = fd < 0 ? errno : 0;
    if (fd >= 0)
        close(fd);
    return code;
}

Test(machine_confined, one_machine_after_another)
{
    struct fixture f;
    guest_needs_kvm();
    set_up(&f);
    confine(&f);
    for (unsigned i = 0; i < 3; i++)
        run_one(&f);
    tear_down(&f);
}

Test(machine_confined, with_a_network_and_its_capture)
{
    struct fixture f;
    struct error err;
    guest_needs_kvm();
    if (net_user_check(&err))
        cr_skip_test("no libslirp here");
    set_up(&f);
    f.config.net.kind = TOYVMM_NET_USER;
    confine(&f);
    for (unsigned i = 0; i < 2; i++)
        run_one(&f);
    tear_down(&f);
}

Test(machine_confined, it_opens_nothing_else)
{
    struct fixture f;
    char fresh[128];
    if (!toyvmm_confines_files())
        cr_skip_test("this kernel has no landlock");
    int kvm = try_open("/dev/kvm", O_RDWR);
    set_up(&f);
    snprintf(fresh, sizeof fresh, "%s/fresh", f.written);
    confine(&f);
    cr_expect_eq(try_open("/etc/passwd", O_RDONLY), EACCES);
    cr_expect_eq(try_open("/proc/self/mem", O_RDWR), EACCES);
    cr_expect_eq(try_open(f.other, O_RDONLY), EACCES);
    cr_expect_eq(try_open(f.other, O_WRONLY), EACCES);
    cr_expect_eq(unlink(f.other) < 0 ? errno : 0, EACCES);
    // The disk is open; by its name it is as closed as all others.
    cr_expect_eq(try_open(f.disk, O_RDONLY), EACCES);
    cr_expect_eq(try_open(fresh, O_WRONLY | O_CREAT), 0);
    cr_expect_eq(unlink(fresh), 0);
    cr_expect_eq(try_open("/dev/kvm", O_RDWR), kvm);
    tear_down(&f);
}

// TCP goes nowhere without a network that names it.
Test(machine_confined, it_connects_to_nothing)
{
    struct fixture f;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(9)};
    set_up(&f);
    confine(&f);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int code =
        connect(fd, (const struct sockaddr *)&at, sizeof at) < 0 ? errno : 0;
    close(fd);
    tear_down(&f);
    if (code == ECONNREFUSED || code == 0)
        cr_skip_test("this kernel's landlock has no ports (Linux 6.7)");
    cr_expect_eq(code, EACCES, "%d", code);
}
