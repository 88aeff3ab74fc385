// SPDX-License-Identifier: Apache-2.0
// How the tests of the machine room load and watch their tiny guests.
#include "src/tests/machine_guests.h"

#include "src/base/clock.h"
#include "src/boot/cpustate.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

// Far beyond what any guest here takes, even on an emulated processor.
#define PATIENCE_NS (60 * NS_PER_S)

void guest_needs_kvm(void)
{
    struct toyvmm_probe probe;
    toyvmm_probe("/dev/kvm", &probe);
    if (!probe.usable)
        cr_skip_test("no usable KVM: %s", probe.reason);
}

// ---- The sink --------------------------------------------------------------

static bool on_tx(void *owner, unsigned port, const uint8_t *bytes, size_t n,
                  uint64_t ns)
{
    struct guest_log *log = owner;
    pthread_mutex_lock(&log->lock);
    if (ns < log->last_ns)
        log->stamps_in_order = false;
    log->last_ns = ns;
    log->calls++;
    log->bytes += n;
    for (size_t i = 0; i < n && log->nout + 1 < sizeof log->out; i++) {
        log->ports[log->nout] = (uint8_t)port;
        log->stamps[log->nout] = ns;
        log->out[log->nout++] = (char)bytes[i];
    }
    bool more = !log->enough || log->bytes < log->enough;
    pthread_cond_broadcast(&log->changed);
    pthread_mutex_unlock(&log->lock);
    return more;
}

static size_t on_rx(void *owner, unsigned port, uint8_t *bytes, size_t max)
{
    struct guest_log *log = owner;
    size_t n = 0;
    pthread_mutex_lock(&log->lock);
    while (port == log->input_port && log->input && *log->input && n < max)
        bytes[n++] = (uint8_t)*log->input++;
    pthread_mutex_unlock(&log->lock);
    return n;
}

static void on_event(void *owner, const struct toyvmm_event *event)
{
    struct guest_log *log = owner;
    pthread_mutex_lock(&log->lock);
    if (event->ns < log->last_ns)
        log->stamps_in_order = false;
    log->last_ns = event->ns;
    if (log->nevents < sizeof log->events / sizeof *log->events)
        log->events[log->nevents++] = *event;
    if (toyvmm_event_is_end(event->kind))
        log->ended = true;
    pthread_cond_broadcast(&log->changed);
    pthread_mutex_unlock(&log->lock);
}

void guest_log_init(struct guest_log *log)
{
    *log = (struct guest_log){.stamps_in_order = true};
    pthread_mutex_init(&log->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&log->changed, &attr);
    pthread_condattr_destroy(&attr);
}

struct toyvmm_sink guest_log_sink(struct guest_log *log)
{
    return (struct toyvmm_sink){
        .owner = log,
        .tx = on_tx,
        .rx = on_rx,
        .event = on_event,
    };
}

// Waits once for a change; false when patience is at its end. Holds lock.
static bool wait_change(struct guest_log *log, uint64_t deadline_ns)
{
    const struct timespec when = {
        .tv_sec = (time_t)(deadline_ns / NS_PER_S),
        .tv_nsec = (long)(deadline_ns % NS_PER_S),
    };
    return pthread_cond_timedwait(&log->changed, &log->lock, &when) !=
           ETIMEDOUT;
}

struct toyvmm_event guest_wait_end(struct guest_log *log)
{
    uint64_t deadline = clock_after(clock_now_ns(), PATIENCE_NS);
    pthread_mutex_lock(&log->lock);
    while (!log->ended && wait_change(log, deadline))
        ;
    bool ended = log->ended;
    struct toyvmm_event last = {0};
    if (log->nevents)
        last = log->events[log->nevents - 1];
    pthread_mutex_unlock(&log->lock);
    cr_assert(ended, "the guest did not end");
    return last;
}

bool guest_has_ended(struct guest_log *log)
{
    pthread_mutex_lock(&log->lock);
    bool ended = log->ended;
    pthread_mutex_unlock(&log->lock);
    return ended;
}

void guest_wait_output(struct guest_log *log, const char *text)
{
    uint64_t deadline = clock_after(clock_now_ns(), PATIENCE_NS);
    pthread_mutex_lock(&log->lock);
    while (!strstr(log->out, text) && wait_change(log, deadline))
        ;
    bool there = strstr(log->out, text);
    pthread_mutex_unlock(&log->lock);
    cr_assert(there, "\"%s\" did not come, but \"%s\"", text, log->out);
}

void guest_wait_bytes(struct guest_log *log, size_t n)
{
    uint64_t deadline = clock_after(clock_now_ns(), PATIENCE_NS);
    pthread_mutex_lock(&log->lock);
    while (log->bytes < n && wait_change(log, deadline))
        ;
    size_t bytes = log->bytes;
    pthread_mutex_unlock(&log->lock);
    cr_assert_geq(bytes, n, "only %zu of %zu bytes came", bytes, n);
}

void guest_read_regs(struct toyvmm *vm, unsigned vcpu, struct toyvmm_regs *out)
{
    uint64_t deadline = clock_after(clock_now_ns(), PATIENCE_NS);
    bool read;
    do
        read = toyvmm_read_regs(vm, vcpu, out);
    while (!read && clock_now_ns() < deadline);
    cr_assert(read, "vCPU %u", vcpu);
}

// ---- The machine -----------------------------------------------------------

static int load(void *owner, const struct guest_memory *mem,
                struct boot_state *out, struct error *err)
{
    const struct guest_image *image = owner;
    *out = (struct boot_state){0};
    if (!guest_memory_write(mem, GUEST_GPA, image->start,
                            (uint64_t)(image->end - image->start)))
        return error_set(err, -EINVAL, "the guest does not fit");
    return cpustate_enter_64(mem, GUEST_GPA, out, err);
}

struct toyvmm *guest_create(struct guest_image image, struct guest_log *log)
{
    return guest_create_with_ports(image, TOYVMM_UARTS, log);
}

struct toyvmm *guest_create_with_ports(struct guest_image image, unsigned ports,
                                       struct guest_log *log)
{
    return guest_create_shaped(image,
                               (struct machine_shape){.memory = GUEST_MEMORY,
                                                      .cpus = 1,
                                                      .ports = ports},
                               log);
}

struct toyvmm *guest_create_shaped(struct guest_image image,
                                   struct machine_shape shape,
                                   struct guest_log *log)
{
    const struct toyvmm_sink sink = guest_log_sink(log);
    return guest_create_on(image, shape, &sink);
}

struct toyvmm *guest_create_on(struct guest_image image,
                               struct machine_shape shape,
                               const struct toyvmm_sink *sink)
{
    struct error err = {0};
    struct toyvmm *vm = machine_create(&shape, sink, load, &image, NULL, &err);
    cr_assert(vm, "%s", err.text);
    return vm;
}

struct toyvmm *guest_start(struct guest_image image, struct guest_log *log)
{
    struct toyvmm *vm = guest_create(image, log);
    struct error err = {0};
    cr_assert_eq(toyvmm_start(vm, &err), 0, "%s", err.text);
    return vm;
}

void guest_type_on(struct toyvmm *vm, struct guest_log *log, unsigned port,
                   const char *text)
{
    pthread_mutex_lock(&log->lock);
    log->input_port = port;
    log->input = text;
    pthread_mutex_unlock(&log->lock);
    toyvmm_input_ready(vm, port);
}

void guest_type(struct toyvmm *vm, struct guest_log *log, const char *text)
{
    guest_type_on(vm, log, 0, text);
}

struct toyvmm_event guest_run(struct guest_image image, struct guest_log *log)
{
    struct toyvmm *vm = guest_start(image, log);
    struct toyvmm_event end = guest_wait_end(log);
    toyvmm_destroy(vm);
    return end;
}
