// SPDX-License-Identifier: Apache-2.0
// A thread of a machine's that calls what it has no need of ends the machine,
// with words, whichever it is; without a sandbox it may.
#include "src/daemon/virtiofsd.h"
#include "src/machine/pci_board.h"
#include "src/net/user.h"
#include "src/tests/machine_guests.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

TestSuite(machine_sandbox, .init = guest_needs_kvm);

static void needs_a_sandbox(void)
{
    if (!sandbox_is_offered())
        cr_skip_test("a build with sanitizers has no sandbox");
}

// As if a guest had taken a thread over with its first deed: the first one of
// that kind calls out when it has entered its sandbox, or when its machine is
// told to have started, if there is none.
struct taken_over {
    struct guest_log log;
    struct toyvmm_sink inner;
    enum sandbox_thread kind;
    atomic_int result; // the call's errno
    atomic_uint entered;
};

static int call_out(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0)
        return errno;
    close(fd);
    return 0;
}

static bool hand_tx(void *owner, unsigned port, const uint8_t *bytes, size_t n,
                    uint64_t ns)
{
    struct taken_over *t = owner;
    return t->inner.tx(t->inner.owner, port, bytes, n, ns);
}

static size_t hand_rx(void *owner, unsigned port, uint8_t *bytes, size_t max)
{
    struct taken_over *t = owner;
    return t->inner.rx(t->inner.owner, port, bytes, max);
}

static void hand_event(void *owner, const struct toyvmm_event *event)
{
    struct taken_over *t = owner;
    if (event->kind == TOYVMM_EVENT_STARTED && !atomic_load(&t->entered))
        atomic_store(&t->result, call_out());
    t->inner.event(t->inner.owner, event);
}

static void on_entered(void *owner, const struct guard_thread *who)
{
    const struct toyvmm *vm = owner;
    struct taken_over *t = vm->sink.owner;
    atomic_fetch_add(&t->entered, 1);
    if (who->kind == t->kind && who->index == 0)
        atomic_store(&t->result, call_out());
}

static struct toyvmm *create(struct taken_over *t, struct guest_image image,
                             bool no_sandbox)
{
    atomic_init(&t->result, -1);
    atomic_init(&t->entered, 0);
    guest_log_init(&t->log);
    t->inner = guest_log_sink(&t->log);
    const struct toyvmm_sink sink = {t, hand_tx, hand_rx, hand_event};
    return guest_create_on(image,
                           (struct machine_shape){
                               .memory = GUEST_MEMORY,
                               .backing = GUEST_BACKING_SHARED,
                               .cpus = 2,
                               .ports = 1,
                               .no_sandbox = no_sandbox,
                               .entered = on_entered,
                           },
                           &sink);
}

// What config names of devices.
static void plug(struct toyvmm *vm, const struct toyvmm_config *config)
{
    struct error err = {""};
    cr_assert_eq(pci_board_add(&vm->board, vm->guard, &vm->kvm, &vm->memory,
                               config, &err),
                 0, "%s", err.text);
}

static struct toyvmm_event run(struct taken_over *t, struct toyvmm *vm)
{
    struct error err = {""};
    cr_assert_eq(toyvmm_start(vm, &err), 0, "%s", err.text);
    guest_wait_end(&t->log);
    toyvmm_destroy(vm);
    return t->log.events[t->log.nevents - 1];
}

// The guest does not end by itself: it is ended.
static void expect_caught(struct taken_over *t, struct toyvmm *vm,
                          const char *who)
{
    char words[160];
    snprintf(words, sizeof words,
             "sandbox: the thread of %s made a call that it has no need of: "
             "socket",
             who);
    struct toyvmm_event end = run(t, vm);
    cr_expect_eq(atomic_load(&t->result), EPERM, "%s: %d", who,
                 atomic_load(&t->result));
    cr_expect(end.kind == TOYVMM_EVENT_INTERNAL_ERROR, "%s: %s", who,
              toyvmm_event_name(end.kind));
    cr_expect_str_eq(end.detail, words);
}

Test(machine_sandbox, a_vcpu_that_was_taken_over)
{
    needs_a_sandbox();
    struct taken_over t = {.kind = SANDBOX_VCPU};
    expect_caught(&t, create(&t, image_spin(), false), "vCPU 0");
}

Test(machine_sandbox, the_keeper)
{
    needs_a_sandbox();
    struct taken_over t = {.kind = SANDBOX_KEEPER};
    expect_caught(&t, create(&t, image_spin(), false), "the keeper");
}

// It begins before the machine is started, and so may its end.
Test(machine_sandbox, a_disk)
{
    needs_a_sandbox();
    char path[] = "/tmp/toyvmm-test-disk-XXXXXX";
    int fd = mkstemp(path);
    cr_assert_eq(ftruncate(fd, 4096), 0);
    close(fd);
    struct taken_over t = {.kind = SANDBOX_DISK};
    struct toyvmm *vm = create(&t, image_spin(), false);
    const struct toyvmm_disk disk = {.path = path};
    plug(vm, &(struct toyvmm_config){.ndisks = 1, .disks = &disk});
    unlink(path);
    expect_caught(&t, vm, "disk vda");
}

Test(machine_sandbox, the_network)
{
    struct error err;
    needs_a_sandbox();
    if (net_user_check(&err))
        cr_skip_test("no libslirp here");
    struct taken_over t = {.kind = SANDBOX_LOOP};
    struct toyvmm *vm = create(&t, image_spin(), false);
    plug(vm, &(struct toyvmm_config){.net.kind = TOYVMM_NET_USER});
    expect_caught(&t, vm, "the network");
}

Test(machine_sandbox, a_share)
{
    char program[PATH_MAX], dir[] = "/tmp/toyvmm-test-share-XXXXXX";
    struct error err;
    needs_a_sandbox();
    if (virtiofsd_find(program, sizeof program, &err))
        cr_skip_test("no virtiofsd here");
    cr_assert_not_null(mkdtemp(dir));
    struct taken_over t = {.kind = SANDBOX_SHARE};
    struct toyvmm *vm = create(&t, image_spin(), false);
    const struct toyvmm_folder folder = {.path = dir, .tag = "files"};
    plug(vm, &(struct toyvmm_config){.nfolders = 1, .folders = &folder});
    expect_caught(&t, vm, "share files");
    rmdir(dir);
}

Test(machine_sandbox, without_one_it_may)
{
    struct taken_over t = {.kind = SANDBOX_VCPU};
    struct toyvmm *vm = create(&t, image_hi(), true);
    struct toyvmm_event end = run(&t, vm);
    cr_expect_eq(atomic_load(&t.entered), 0U);
    cr_expect_eq(atomic_load(&t.result), 0);
    cr_expect(end.kind == TOYVMM_EVENT_POWEROFF, "%s", end.detail);
    cr_expect(!strncmp(t.log.out, "hi", 2), "%s", t.log.out);
}
