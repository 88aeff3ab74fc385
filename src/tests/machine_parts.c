// SPDX-License-Identifier: Apache-2.0
// What of the machine room needs no KVM: counters, event names, and what
// toyvmm_create and toyvmm_check refuse.
#include "src/machine/coalesced.h"
#include "src/machine/counters.h"
#include "src/toyvmm.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

Test(machine_parts, counters_rank_ports)
{
    struct counters *counters = counters_new();
    cr_assert(counters);
    // Port p is used p times for 1..40, half of them writes, and 0xffff most.
    for (uint16_t port = 1; port <= 40; port++)
        for (unsigned i = 0; i < port; i++) {
            counters_exit(counters, TOYVMM_EXIT_IO);
            counters_port(counters, port, i % 2);
        }
    for (unsigned i = 0; i < 100; i++)
        counters_port(counters, 0xffff, true);
    for (int i = TOYVMM_EXIT_MMIO; i < TOYVMM_EXITS; i++)
        counters_exit(counters, (enum toyvmm_exit)i);

    struct toyvmm_usage usage = {0};
    counters_add(counters, &usage);
    cr_assert_eq(usage.exits, 40u * 41 / 2 + 4);
    cr_assert_eq(usage.exits_by[TOYVMM_EXIT_IO], 40u * 41 / 2);
    for (int i = TOYVMM_EXIT_MMIO; i < TOYVMM_EXITS; i++)
        cr_assert_eq(usage.exits_by[i], 1u);
    struct toyvmm_stats stats = {0};
    for (unsigned i = 0; i < 0x10000; i++) {
        struct toyvmm_port_count port = {.port = (uint16_t)i};
        counters_add_port(counters, &port);
        counters_rank(&stats, &port);
    }
    cr_assert_eq(stats.nports, 32);
    cr_assert_eq(stats.ports[0].port, 0xffff);
    cr_assert_eq(stats.ports[0].writes, 100);
    for (uint16_t i = 1; i < 32; i++) {
        cr_assert_eq(stats.ports[i].port, 41 - i);
        cr_assert_eq(stats.ports[i].reads + stats.ports[i].writes, 41u - i);
    }
    free(counters);
}

// ---- Writes that KVM kept back ---------------------------------------------

struct taking {
    struct coalesced ring;
    char out[8];
    unsigned n;
    bool waited_at_each, waited_at_done;
};

static void on_late_write(void *owner, uint16_t port, uint8_t value)
{
    struct taking *t = owner;
    t->waited_at_each &= coalesced_waits(&t->ring);
    t->out[t->n++] = (char)(value + port);
}

static void on_late_done(void *owner)
{
    struct taking *t = owner;
    t->waited_at_done = coalesced_waits(&t->ring);
}

// Another thread that comes while the last byte is handed on must wait for it:
// what it sends itself comes after.
Test(machine_parts, late_writes_are_there_until_they_are_done)
{
    enum { ENTRIES = 4 };
    struct taking t = {.waited_at_each = true};
    t.ring.ring = calloc(1, sizeof *t.ring.ring +
                                ENTRIES * sizeof *t.ring.ring->coalesced_mmio);
    cr_assert(t.ring.ring);
    t.ring.entries = ENTRIES;
    pthread_mutex_init(&t.ring.lock, NULL);
    t.ring.ring->first = 2; // the third of these is at the ring's begin
    for (unsigned i = 0; i < 3; i++) {
        struct kvm_coalesced_mmio *e =
            &t.ring.ring->coalesced_mmio[(2 + i) % ENTRIES];
        e->phys_addr = 1;
        e->data[0] = (uint8_t)('a' + i - 1);
    }
    t.ring.ring->last = 1;

    cr_assert(coalesced_waits(&t.ring));
    coalesced_fetch(&t.ring, on_late_write, on_late_done, &t);
    cr_assert_str_eq(t.out, "abc");
    cr_assert(t.waited_at_each);
    cr_assert(t.waited_at_done);
    cr_assert_not(coalesced_waits(&t.ring));
    pthread_mutex_destroy(&t.ring.lock);
    free(t.ring.ring);
}

Test(machine_parts, every_event_has_a_name)
{
    for (int kind = TOYVMM_EVENT_STARTED; kind <= TOYVMM_EVENT_STOPPED;
         kind++) {
        const char *name = toyvmm_event_name((enum toyvmm_event_kind)kind);
        cr_assert(name && *name);
        cr_assert_eq(toyvmm_event_is_end((enum toyvmm_event_kind)kind),
                     kind >= TOYVMM_EVENT_RESET);
    }
    cr_assert_str_eq(toyvmm_event_name((enum toyvmm_event_kind)99),
                     "unknown event");
    cr_assert(!toyvmm_event_is_end((enum toyvmm_event_kind)99));
}

// Where virtiofsd is not installed that is said first of a folder that is fine.
Test(machine_parts, folders_that_can_not_be_shared)
{
    static const struct {
        struct toyvmm_folder folder;
        int code;
        const char *part;
    } list[] = {
        {{"/no/such/folder", "x", false}, -ENOENT, "share /no/such/folder"},
        {{"/dev/null", "x", false}, -ENOTDIR, "it is no folder"},
        {{"/", "", false}, -EINVAL, "a tag has 1 to 36 bytes"},
        {{"/", "1234567890123456789012345678901234567", false},
         -EINVAL,
         "a tag has 1 to 36 bytes"},
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        struct error err = {""};
        cr_expect_eq(toyvmm_check_folder(&list[i].folder, &err), list[i].code,
                     "%s", err.text);
        cr_expect(strstr(err.text, list[i].part), "%s", err.text);
    }
}

// Nothing is made by a check.
Test(machine_parts, sockets_that_can_not_be_made)
{
    static const struct {
        struct toyvmm_vsock vsock;
        int code;
        const char *part;
    } list[] = {
        {{"/tmp/toyvmm-v", 2}, -EINVAL, "no guest can have the CID 2"},
        {{"/tmp/toyvmm-v", UINT32_MAX}, -EINVAL, "it is 3 to 4294967294"},
        {{"/dev/null", 0}, -EEXIST, "/dev/null is there already"},
        {{"/no/such/folder/v", 3}, -ENOENT, "there is no folder"},
        {{"/tmp/toyvmm-v", TOYVMM_VSOCK_CID_MAX}, 0, ""},
        {{NULL, 2}, 0, ""},
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        struct error err = {""};
        cr_expect_eq(toyvmm_check_vsock(&list[i].vsock, &err), list[i].code,
                     "%s", err.text);
        cr_expect(strstr(err.text, list[i].part), "%s", err.text);
    }
    cr_expect_neq(access("/tmp/toyvmm-v", F_OK), 0);
}

// A file with this head; its path.
static const char *image_of(const char *head, size_t len)
{
    static char path[] = "/tmp/toyvmm-test-parts-XXXXXX";
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, head, len), (ssize_t)len);
    cr_assert_eq(ftruncate(fd, 65536), 0);
    close(fd);
    return path;
}

Test(machine_parts, servers_of_disks)
{
    struct error err = {""};
    int code = 1;
    // What the program says of a damaged image is told.
    struct toyvmm_disk disk = {
        .path = image_of("QFI\xfb\0\0\0\2", 8),
        .mode = TOYVMM_DISK_READONLY,
    };
    const struct toyvmm_config config = {.ndisks = 1, .disks = &disk};
    cr_expect_str_eq(toyvmm_disk_format(disk.path), "qcow2");
    if (toyvmm_check_disk(&disk, &err) == -ENOENT)
        cr_skip_test("%s", err.text);
    cr_expect_null(toyvmm_serve(&config, &code, &err));
    cr_expect_lt(code, 0);
    cr_expect(strstr(err.text, "can't use the disk /tmp/"), "%s", err.text);
    cr_expect(strstr(err.text, "qemu-storage-daemon"), "%s", err.text);
    cr_expect(strstr(err.text, "last it said: "), "%s", err.text);
    cr_expect_null(strstr(err.text, "--blockdev"), "%s", err.text);
    // A raw one needs none.
    cr_assert_eq(truncate(disk.path, 0), 0);
    cr_assert_eq(truncate(disk.path, 65536), 0);
    cr_expect_str_eq(toyvmm_disk_format(disk.path), "raw");
    struct toyvmm_servers *servers = toyvmm_serve(&config, &code, &err);
    cr_assert(servers, "%s", err.text);
    cr_expect_eq(code, 0);
    toyvmm_servers_end(servers);
    unlink(disk.path);
    cr_expect_null(toyvmm_disk_format(disk.path));
    cr_expect_null(toyvmm_serve(&config, &code, &err));
    cr_expect_eq(code, -ENOENT);
}

static void check_refused(struct toyvmm_config config, int code,
                          const char *part)
{
    struct error err = {0};
    cr_assert_eq(toyvmm_check(&config, &err), code, "%s", err.text);
    cr_assert(strstr(err.text, part), "%s", err.text);
    int created = 0;
    err.text[0] = 0;
    cr_assert_null(toyvmm_create(&config, &created, &err));
    cr_assert_eq(created, code);
    cr_assert(strstr(err.text, part), "%s", err.text);
    cr_assert_null(toyvmm_create(&config, NULL, NULL));
}

Test(machine_parts, refusals_come_before_kvm)
{
    struct toyvmm_config config = {
        .kernel = "/nonexistent/vmlinux",
        .memory = 64u << 20,
        .cpus = 1,
    };
    check_refused(config, -ENOENT, "/nonexistent/vmlinux");
    config.cpus = TOYVMM_CPUS + 1;
    check_refused(config, -EINVAL, "255 CPUs");
    config.cpus = 0;
    check_refused(config, -EINVAL, "0 CPUs");
    config.cpus = 1;
    config.ports = 5;
    check_refused(config, -EINVAL, "5 serial ports");
}
