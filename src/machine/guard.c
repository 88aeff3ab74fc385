// SPDX-License-Identifier: Apache-2.0
// The guard's thread: when a vCPU thread makes a call that is not on its list
// (src/host/sandbox.h), that thread waits, and this one ends the machine with
// words. It is no part of the keeper, which may wait for a lock that the caught
// thread holds.
#include "src/host/sandbox.h"
#include "src/machine/machine.h"

#include <poll.h>
#include <stdlib.h>

// Until every thread has entered its sandbox, or the machine has ended.
static void wait_for_all(struct toyvmm *vm)
{
    unsigned in = 0;
    pthread_mutex_lock(&vm->lock);
    while (in < vm->nprocessors && vm->phase == MACHINE_RUNNING) {
        if (vm->processors[in].confined)
            in++;
        else
            pthread_cond_wait(&vm->changed, &vm->lock);
    }
    pthread_mutex_unlock(&vm->lock);
}

// One descriptor has something to say: a call, or that its thread is gone.
static void look(struct processor *cpu, struct pollfd *fd)
{
    struct sandbox_call call;
    if (fd->revents & POLLIN && sandbox_caught(fd->fd, &call)) {
        // In this order: what the thread does next is no other end.
        machine_end_caught(cpu, call.text);
        sandbox_refuse(fd->fd, &call);
    } else if (fd->revents & (POLLHUP | POLLERR | POLLNVAL)) {
        fd->fd = -1;
    }
}

void *machine_run_guard(void *arg)
{
    struct toyvmm *vm = arg;
    unsigned n = vm->nprocessors;
    struct pollfd fds[TOYVMM_CPUS + 1];
    wait_for_all(vm);
    // Negative ones are passed over.
    for (unsigned i = 0; i < n; i++)
        fds[i] = (struct pollfd){vm->processors[i].caught, POLLIN, 0};
    fds[n] = (struct pollfd){vm->guard_ends, POLLIN, 0};
    while (!(fds[n].revents & POLLIN)) {
        if (poll(fds, n + 1, -1) < 0)
            continue;
        for (unsigned i = 0; i < n; i++)
            look(&vm->processors[i], &fds[i]);
    }
    return NULL;
}
