// SPDX-License-Identifier: Apache-2.0
// A vCPU thread that calls what it has no need of ends its machine, with words;
// without a sandbox it may.
#include "src/host/sandbox.h"
#include "src/tests/machine_guests.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

TestSuite(machine_sandbox, .init = guest_needs_kvm);

// As if a guest had taken the thread over before its first instruction: the
// start is told there. What it prints may be handed on by the keeper's thread.
struct taken_over {
    struct guest_log log;
    struct toyvmm_sink inner;
    int result; // the call's errno
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
    if (event->kind == TOYVMM_EVENT_STARTED)
        t->result = call_out();
    t->inner.event(t->inner.owner, event);
}

static void run(struct taken_over *t, bool no_sandbox)
{
    t->result = -1;
    guest_log_init(&t->log);
    t->inner = guest_log_sink(&t->log);
    const struct toyvmm_sink sink = {t, hand_tx, hand_rx, hand_event};
    struct toyvmm *vm =
        guest_create_on(image_hi(),
                        (struct machine_shape){.memory = GUEST_MEMORY,
                                               .cpus = 1,
                                               .ports = 1,
                                               .no_sandbox = no_sandbox},
                        &sink);
    struct error err = {""};
    cr_assert_eq(toyvmm_start(vm, &err), 0, "%s", err.text);
    guest_wait_end(&t->log);
    toyvmm_destroy(vm);
}

Test(machine_sandbox, a_call_against_the_list_ends_the_machine)
{
    if (!sandbox_is_offered())
        cr_skip_test("a build with sanitizers has no sandbox");
    struct taken_over t;
    run(&t, false);
    const struct toyvmm_event *end = &t.log.events[t.log.nevents - 1];
    cr_expect_eq(t.result, EPERM);
    cr_expect(end->kind == TOYVMM_EVENT_INTERNAL_ERROR, "%s",
              toyvmm_event_name(end->kind));
    cr_expect(strstr(end->detail, "sandbox: the thread of vCPU 0"), "%s",
              end->detail);
    cr_expect(strstr(end->detail, ": socket"), "%s", end->detail);
}

Test(machine_sandbox, without_one_it_may)
{
    struct taken_over t;
    run(&t, true);
    const struct toyvmm_event *end = &t.log.events[t.log.nevents - 1];
    cr_expect_eq(t.result, 0);
    cr_expect(end->kind != TOYVMM_EVENT_INTERNAL_ERROR, "%s", end->detail);
}
