// SPDX-License-Identifier: Apache-2.0
// What passes between a guest and the machine: the console both ways, string
// I/O, accesses that nobody claims, the counters, registers on request.
#include "src/tests/machine_guests.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(machine_io, .init = guest_needs_kvm);

static const struct toyvmm_port_count *
find_port(const struct toyvmm_stats *stats, uint16_t port)
{
    for (size_t i = 0; i < stats->nports; i++)
        if (stats->ports[i].port == port)
            return &stats->ports[i];
    return NULL;
}

Test(machine_io, output_and_its_exits)
{
    struct guest_log log;
    guest_log_init(&log);
    struct toyvmm *vm = guest_start(image_hi(), &log);
    struct toyvmm_event end = guest_wait_end(&log);
    cr_assert_str_eq(log.out, "hi!");

    struct toyvmm_stats stats;
    toyvmm_stats(vm, &stats);
    toyvmm_destroy(vm);
    cr_assert_eq(stats.usage.exits, end.usage.exits);
    cr_assert_gt(stats.usage.cpu_ns, 0);
    const struct toyvmm_port_count *com1 = find_port(&stats, 0x3f8);
    cr_assert(com1);
    // `rep outsb` may be one exit or one for each byte, or none, as KVM likes.
    cr_assert(com1->writes == 2 || com1->writes == 3, "%lu",
              (unsigned long)com1->writes);
    cr_assert_eq(com1->reads, 0);
    const struct toyvmm_port_count *pm = find_port(&stats, 0x604);
    cr_assert(pm && pm->writes == 1);
    cr_assert_leq(stats.usage.exits_by[TOYVMM_EXIT_IO], com1->writes + 1);
    cr_assert_geq(stats.usage.exits_by[TOYVMM_EXIT_IO], 1);
}

// More than the FIFO holds, in two portions; the second one is typed after the
// guest said that it had the first.
static struct guest_log echo(struct guest_image image, const char *ready)
{
    struct guest_log log;
    guest_log_init(&log);
    struct toyvmm *vm = guest_start(image, &log);
    guest_type(vm, &log, "the lazy dog jumps over a fox, 0123456789.");
    guest_wait_output(&log, ready);
    guest_type(vm, &log, " And it q");
    struct toyvmm_event end = guest_wait_end(&log);
    toyvmm_destroy(vm);
    cr_assert_eq(end.kind, TOYVMM_EVENT_POWEROFF);
    return log;
}

Test(machine_io, echo_polled)
{
    struct guest_log log = echo(image_echo_polled(), "789.");
    cr_assert_str_eq(log.out,
                     "the lazy dog jumps over a fox, 0123456789. And it q");
}

Test(machine_io, echo_by_interrupt)
{
    struct guest_log log = echo(image_echo_irq(), "789.>");
    // One interrupt for each portion.
    cr_assert_str_eq(log.out,
                     ">the lazy dog jumps over a fox, 0123456789.> And it q");
}

Test(machine_io, input_for_no_port)
{
    struct guest_log log;
    guest_log_init(&log);
    struct toyvmm *vm = guest_start(image_spin(), &log);
    toyvmm_input_ready(vm, TOYVMM_PORTS);
    toyvmm_input_ready(vm, UINT32_MAX);
    toyvmm_destroy(vm);
}

Test(machine_io, string_input)
{
    struct guest_log log;
    guest_log_init(&log);
    guest_run(image_string_in(), &log);
    cr_assert_str_eq(log.out, "SSS");
}

Test(machine_io, unclaimed_reads_are_ones)
{
    struct guest_log log;
    guest_log_init(&log);
    struct toyvmm *vm = guest_start(image_nobody(), &log);
    guest_wait_end(&log);
    struct toyvmm_stats stats;
    toyvmm_stats(vm, &stats);
    toyvmm_destroy(vm);
    cr_assert_str_eq(log.out, "pm");
    cr_assert_eq(stats.usage.exits_by[TOYVMM_EXIT_MMIO], 2);
    cr_assert(find_port(&stats, 0x1234));
}

Test(machine_io, registers_of_a_running_guest)
{
    struct guest_log log;
    guest_log_init(&log);
    struct toyvmm *vm = guest_start(image_spin(), &log);
    struct toyvmm_regs regs = {0};
    guest_wait_output(&log, ".");
    guest_read_regs(vm, 0, &regs);
    cr_assert_eq(regs.rbx, 0x5bad);
    cr_assert_geq(regs.rip, GUEST_GPA);
    cr_assert_lt(regs.rip, GUEST_GPA + 32);
    cr_assert_eq(regs.efer & 0x500, 0x500); // LME, LMA
    cr_assert_eq(regs.cs, 0x10);
    toyvmm_stop(vm);
    cr_assert(!toyvmm_read_regs(vm, 0, &regs));
    toyvmm_destroy(vm);
}

// ---- A sink that has enough ------------------------------------------------

static size_t bytes_of(struct guest_log *log)
{
    pthread_mutex_lock(&log->lock);
    size_t n = log->bytes;
    pthread_mutex_unlock(&log->lock);
    return n;
}

static void set_enough(struct guest_log *log, size_t enough)
{
    pthread_mutex_lock(&log->lock);
    log->enough = enough;
    pthread_mutex_unlock(&log->lock);
}

// The guest waits, is still there for who looks at it, and goes on.
Test(machine_io, a_sink_that_has_enough_makes_the_guest_wait)
{
    enum { ENOUGH = 1000, MORE = 4096 + 170 };
    struct guest_log log;
    guest_log_init(&log);
    log.enough = ENOUGH;
    struct toyvmm *vm = guest_start(image_print_on(), &log);
    guest_wait_bytes(&log, ENOUGH);
    for (int i = 0; i < 20; i++) {
        struct toyvmm_regs regs;
        guest_read_regs(vm, 0, &regs);
    }
    cr_assert_leq(bytes_of(&log), ENOUGH + MORE);
    cr_assert_lt(log.calls, bytes_of(&log), "many bytes in one call");

    set_enough(&log, 3 * ENOUGH + MORE);
    toyvmm_output_room(vm);
    guest_wait_bytes(&log, 3 * ENOUGH + MORE);
    // Nobody makes room any more: it ends at once all the same.
    cr_assert_eq(toyvmm_stop(vm), 0);
    toyvmm_destroy(vm);
    cr_assert_eq(guest_wait_end(&log).kind, TOYVMM_EVENT_STOPPED);
    cr_assert(log.stamps_in_order);
}

// A guest that writes and makes no other exit is heard soon.
Test(machine_io, what_is_kept_back_is_fetched)
{
    struct guest_log log;
    guest_log_init(&log);
    struct toyvmm *vm = guest_start(image_spin_off(), &log);
    guest_wait_output(&log, ".");
    toyvmm_destroy(vm);
}
