// SPDX-License-Identifier: Apache-2.0
// --jobs auto: what room there is, by pretended files of the kernel's, and what
// is made of it.
#include "harness/cli/jobs.h"
#include "harness/tests/cli_files.h"

TestSuite(jobs, .init = enter_folder, .fini = leave_folder);

#define MIB (UINT64_C(1) << 20)

// A file in a pretended tree, with the folders that it needs.
static void pretend(const char *path, const char *text)
{
    char folder[256];
    snprintf(folder, sizeof(folder), ".%s", path);
    for (char *at = strchr(folder + 2, '/'); at; at = strchr(at + 1, '/')) {
        *at = '\0';
        (void)mkdir(folder, 0700);
        *at = '/';
    }
    put_file(folder, text);
}

static struct jobs_room look(unsigned cpus)
{
    const struct jobs_host host = {.root = ".", .cpus = cpus};
    struct jobs_room room;
    jobs_look(&host, &room);
    return room;
}

static void pretend_memory(void)
{
    pretend("/proc/meminfo", "MemTotal:       16384000 kB\n"
                             "MemFree:          100000 kB\n"
                             "MemAvailable:    4194304 kB\n");
}

Test(jobs, what_is_available)
{
    struct jobs_room room = look(3);
    cr_expect_eq(room.cpus, 3);
    cr_expect_eq(room.memory, UINT64_MAX);
    pretend_memory();
    room = look(0);
    cr_expect_geq(room.cpus, 1);
    cr_expect_eq(room.memory, 4096 * MIB);
    cr_expect_str_eq(room.by, "MemAvailable");
}

Test(jobs, a_limit_of_version_2)
{
    pretend_memory();
    pretend("/proc/self/cgroup", "0::/ci/job\n");
    pretend("/sys/fs/cgroup/ci/job/memory.max", "max\n");
    pretend("/sys/fs/cgroup/ci/job/memory.current", "104857600\n");
    cr_expect_eq(look(1).memory, 4096 * MIB);
    // The one above has less; caches that can go are free.
    pretend("/sys/fs/cgroup/ci/memory.max", "1073741824\n");
    pretend("/sys/fs/cgroup/ci/memory.current", "536870912\n");
    pretend("/sys/fs/cgroup/ci/memory.stat",
            "anon 1\ninactive_file 268435456\nactive_file 5\n");
    struct jobs_room room = look(1);
    cr_expect_eq(room.memory, 768 * MIB);
    cr_expect_str_eq(room.by, "the cgroup's limit");
    // More than it may: nothing is left.
    pretend("/sys/fs/cgroup/ci/job/memory.max", "1048576\n");
    cr_expect_eq(look(1).memory, 0);
}

// In a container the path may be the host's, and the mount begins at its group.
Test(jobs, a_limit_of_version_1)
{
    pretend_memory();
    pretend("/proc/self/cgroup", "9:cpu,cpuacct:/x\n"
                                 "4:blkio,memory:/docker/abc\n"
                                 "0::/\n");
    pretend("/sys/fs/cgroup/memory/memory.limit_in_bytes", "2147483648\n");
    pretend("/sys/fs/cgroup/memory/memory.usage_in_bytes", "1073741824\n");
    pretend("/sys/fs/cgroup/memory/memory.stat",
            "inactive_file 1\ntotal_inactive_file 536870912\n");
    cr_expect_eq(look(1).memory, 1536 * MIB);
    // No limit, as version 1 writes it.
    pretend("/sys/fs/cgroup/memory/memory.limit_in_bytes",
            "9223372036854771712\n");
    cr_expect_eq(look(1).memory, 4096 * MIB);
}

Test(jobs, as_many_as_fit)
{
    static const struct {
        unsigned cpus;
        uint64_t memory, each;
        unsigned beside;
    } table[] = {
        {4, 4096, 1024, 4}, {4, 4095, 1024, 3},
        {4, 100, 1024, 1},  {1, 4096, 1, 1},
        {64, 10, 5, 2},     {1000, UINT64_MAX >> 20, 1, 256},
        {4, 0, 1, 1},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        const struct jobs_room room = {table[i].cpus, table[i].memory * MIB,
                                       "x"};
        cr_expect_eq(jobs_beside(&room, table[i].each * MIB), table[i].beside,
                     "%zu", i);
    }
}

// Three guests: one is too large for all there is and runs alone.
Test(jobs, each_by_its_own_size_and_told)
{
    static const char *const sizes[] = {"192M", "448M", "8G"};
    char names[3][8] = {"a.tc", "b.tc", "c.tc"};
    char *paths[] = {names[0], names[1], names[2]};
    struct options o = {.paths = paths, .npaths = 3};
    const struct jobs_room room = {4, 1024 * MIB, "MemAvailable"};
    const struct boot_order once = {.nsides = 1};
    struct selection s;
    struct boots b;
    struct error err = {""};
    for (size_t i = 0; i < 3; i++) {
        char text[128];
        snprintf(text, sizeof(text), "kernel /k\nmemory %s\nexpect /x/\n",
                 sizes[i]);
        put_file(names[i], text);
    }
    cr_assert_eq(selection_make(&s, &o, stderr, &err), 0, "%s", err.text);
    cr_assert_eq(boots_make(&b, &s, NULL, &once), 0);
    cr_expect_eq(jobs_settle(&room, &s, &b, 0, false), 1);
    cr_expect_eq(b.cases[0].beside, 4);
    cr_expect_eq(b.cases[1].beside, 2);
    cr_expect_eq(b.cases[2].beside, 1);
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    jobs_tell(f, &room, &b);
    fclose(f);
    cr_expect_str_eq(text,
                     "jobs: 4 processors, 1024 MiB free by MemAvailable; 1 "
                     "boot of at most 256 MiB 4 at a time; 1 boot of at most "
                     "512 MiB 2 at a time; 1 boot of at most 8256 MiB alone\n");
    free(text);
    // A replay has no guest; an exact rig is a machine of its own.
    cr_expect_eq(jobs_settle(&room, &s, &b, 0, true), 4);
    cr_expect_eq(jobs_settle(&room, &s, &b, 640 * MIB, true), 1);
    boots_free(&b);
    selection_free(&s);
}
