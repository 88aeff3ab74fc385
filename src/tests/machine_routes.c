// SPDX-License-Identifier: Apache-2.0
// Interrupt routes and events that KVM answers itself: what it takes, what it
// refuses. That the pins still work behind them every guest with a share shows.
#include "src/base/platform.h"
#include "src/machine/irq_routes.h"

#include <criterion/criterion.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct fixture {
    struct vm vm;
    struct irq_routes routes;
    const struct virtio_shortcuts *s;
    int fd;
};

static void set_up(struct fixture *f)
{
    struct error err = {""};
    *f = (struct fixture){.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    cr_assert_eq(vm_open(&f->vm, "/dev/kvm", 1, &err), 0, "%s", err.text);
    cr_assert(irq_routes_init(&f->routes, &f->vm));
    f->s = &f->routes.shortcuts;
}

static void tear_down(struct fixture *f)
{
    irq_routes_destroy(&f->routes);
    vm_close(&f->vm);
    close(f->fd);
}

Test(machine_routes, messages)
{
    struct fixture f;
    unsigned line = 0;
    set_up(&f);
    cr_expect(f.s->call(f.s->owner, &line, f.fd, 0xfee00000, 0x41, true));
    cr_expect_eq(line, 1U);
    // Another message of the same line, while its event is connected.
    cr_expect(f.s->call(f.s->owner, &line, f.fd, 0xfee01000, 0x42, true));
    cr_expect_eq(f.routes.routes[0].data, 0x42U);
    cr_expect_not(f.s->call(f.s->owner, &line, f.fd, 0, 0, false));
    // It is free again: KVM connects an event once.
    cr_expect(f.s->call(f.s->owner, &line, f.fd, 0xfee00000, 0x43, true));
    cr_expect_eq(line, 1U);
    tear_down(&f);
}

Test(machine_routes, as_many_as_there_is_room_for)
{
    struct fixture f;
    int fds[IRQ_ROUTES_MAX + 1];
    set_up(&f);
    for (unsigned i = 0; i <= IRQ_ROUTES_MAX; i++) {
        unsigned line = 0;
        fds[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        cr_expect_eq(
            f.s->call(f.s->owner, &line, fds[i], 0xfee00000, 0x41, true),
            i < IRQ_ROUTES_MAX);
    }
    for (unsigned i = 0; i <= IRQ_ROUTES_MAX; i++)
        close(fds[i]);
    tear_down(&f);
}

Test(machine_routes, writes_that_are_events)
{
    struct fixture f;
    const uint64_t at = PLATFORM_PCI_WINDOW_GPA + 0x3000;
    set_up(&f);
    cr_expect(f.s->kick(f.s->owner, f.fd, at, true));
    cr_expect_not(f.s->kick(f.s->owner, f.fd, at, true), "one of two at one "
                                                         "place");
    cr_expect(f.s->kick(f.s->owner, f.fd, at, false));
    cr_expect(f.s->kick(f.s->owner, f.fd, at + 4, true));
    tear_down(&f);
}
