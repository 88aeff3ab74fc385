// SPDX-License-Identifier: Apache-2.0
// The built-in fail patterns: what real kernels print must fire under the right
// name, what healthy guests print must not.
#include "harness/tests/scenario_test.h"

#define MAX_BUILTINS 40

struct builtins {
    size_t count;
    struct pattern *compiled[MAX_BUILTINS];
};

static struct builtins compile_all(void)
{
    struct builtins b = {0};
    const struct builtin_fail *f;
    struct error err = {0};
    size_t offset;
    for (; (f = builtin_fail_at(b.count)); b.count++) {
        cr_assert_lt(b.count, MAX_BUILTINS);
        b.compiled[b.count] =
            pattern_compile(f->pattern, strlen(f->pattern), 0, &offset, &err);
        cr_assert(b.compiled[b.count], "%s: %s at %zu", f->name, err.text,
                  offset);
        cr_assert(*f->meaning);
    }
    return b;
}

static void free_all(struct builtins *b)
{
    for (size_t i = 0; i < b->count; i++)
        pattern_free(b->compiled[i]);
}

// The name of the first pattern that matches a line, or NULL.
static const char *fires(const struct builtins *b, const char *line, size_t len)
{
    for (size_t i = 0; i < b->count; i++) {
        size_t start, end;
        struct error err = {0};
        int found =
            pattern_search(b->compiled[i], line, len, 0, &start, &end, &err);
        cr_assert_geq(found, 0, "%s", err.text);
        if (found)
            return builtin_fail_at(i)->name;
    }
    return NULL;
}

struct death {
    const char *name, *line;
};

// One or more messages for each name; the kernels' own words, from 4.14 on.
static const struct death deaths[] = {
    {"panic", "Kernel panic - not syncing: Fatal exception in interrupt"},
    {"panic", "Kernel panic - not syncing: No working init found.  Try passing "
              "init= option to kernel."},
    {"panic", "PANIC: early exception 0x0e IP 10:ffffffff81000110 error 0 cr2 "
              "0x0"},
    {"init-killed", "Kernel panic - not syncing: Attempted to kill init! "
                    "exitcode=0x0000000b"},
    {"rootfs", "Kernel panic - not syncing: VFS: Unable to mount root fs on "
               "unknown-block(0,0)"},
    {"rootfs", "VFS: Cannot open root device \"vda\" or unknown-block(0,0): "
               "error -6"},
    {"oops", "Oops: 0000 [#1] PREEMPT SMP PTI"},
    {"oops", "Oops: Oops: 0002 [#1] PREEMPT SMP NOPTI"},
    {"oops", "invalid opcode: 0000 [#1] SMP"},
    {"oops", "divide error: 0000 [#2] SMP KASAN"},
    {"page-fault", "BUG: kernel NULL pointer dereference, address: "
                   "0000000000000008"},
    {"page-fault", "BUG: unable to handle page fault for address: "
                   "ffffc90000700000"},
    {"page-fault", "BUG: unable to handle kernel NULL pointer dereference at "
                   "(null)"},
    {"page-fault", "BUG: unable to handle kernel paging request at ffffeb04"},
    {"general-protection", "general protection fault: 0000 [#1] SMP"},
    {"general-protection",
     "general protection fault, probably for non-canonical address "
     "0xdead000000000100: 0000 [#1] PREEMPT SMP"},
    {"general-protection", "Oops: general protection fault, maybe for address "
                           "0x0: 0000 [#1] SMP"},
    {"double-fault", "traps: PANIC: double fault, error_code: 0x0"},
    {"double-fault", "double fault: 0000 [#1] SMP"},
    {"bug", "kernel BUG at fs/ext4/inode.c:2721!"},
    {"bug", "BUG: sleeping function called from invalid context at "
            "mm/slab.h:421"},
    {"bug", "BUG: scheduling while atomic: swapper/0/0/0x00000100"},
    {"bug", "BUG: Bad page state in process init  pfn:07c01"},
    {"bug", "BUG: Bad rss-counter state mm:00000000 idx:1 val:2"},
    {"bug", "BUG: using smp_processor_id() in preemptible [00000000] code: "
            "init/1"},
    {"bug", "BUG: workqueue lockup - pool cpus=0 node=0 flags=0x0 nice=0 stuck "
            "for 31s!"},
    {"bug", "BUG: spinlock bad magic on CPU#0, swapper/0"},
    {"bug", "BUG kmalloc-64 (Not tainted): Redzone overwritten"},
    {"bug", "BUG kmalloc-64 (Tainted: G    B     ): Object already free"},
    {"warning", "WARNING: CPU: 0 PID: 1 at kernel/workqueue.c:2911 "
                "__flush_work.isra.0+0x1a4/0x1b0"},
    {"warning", "WARNING: CPU: 1 PID: 43 at 0xffffffff81000000"},
    {"warning", "WARNING: kernel/sched/core.c:11 at sched_init+0x7, CPU#0: "
                "swapper/0"},
    {"kasan", "BUG: KASAN: slab-out-of-bounds in kmalloc_oob_right+0x8/0x10"},
    {"kasan", "BUG: KASAN: use-after-free in foo+0x1/0x2"},
    {"kcsan", "BUG: KCSAN: data-race in find_get_block / find_get_block"},
    {"kmsan", "BUG: KMSAN: uninit-value in foo+0x1/0x2"},
    {"kfence", "BUG: KFENCE: out-of-bounds read in test_out_of_bounds_read"},
    {"ubsan", "UBSAN: array-index-out-of-bounds in drivers/net/foo.c:1231:9"},
    {"ubsan", "UBSAN: Undefined behaviour in lib/bar.c:12:3"},
    {"soft-lockup",
     "watchdog: BUG: soft lockup - CPU#0 stuck for 23s! [sh:57]"},
    {"soft-lockup", "NMI watchdog: BUG: soft lockup - CPU#3 stuck for 22s!"},
    {"hard-lockup", "NMI watchdog: Watchdog detected hard LOCKUP on cpu 0"},
    {"hard-lockup", "watchdog: Watchdog detected hard LOCKUP on cpu 2"},
    {"rcu-stall", "rcu: INFO: rcu_sched self-detected stall on CPU"},
    {"rcu-stall", "rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:"},
    {"rcu-stall", "INFO: rcu_sched self-detected stall on CPU"},
    {"rcu-stall", "INFO: rcu_tasks detected stalls on tasks:"},
    {"rcu-stall",
     "rcu: INFO: rcu_sched detected expedited stalls on CPUs/tasks: { 0-... }"},
    {"hung-task", "INFO: task kworker/u2:1:33 blocked for more than 120 "
                  "seconds."},
    {"hung-task", "INFO: task my task:812 blocked for more than 241 seconds."},
    {"oom", "Out of memory: Killed process 82 (busybox) total-vm:131872kB"},
    {"oom", "Out of memory: Kill process 123 (foo) score 900 or sacrifice "
            "child"},
    {"oom", "Memory cgroup out of memory: Killed process 7 (a)"},
    {"oom", "Out of memory (oom_kill_allocating_task): Killed process 9 (b)"},
    {"oom", "Out of memory and no killable processes..."},
    {"kmemleak", "kmemleak: 5 new suspected memory leaks (see "
                 "/sys/kernel/debug/kmemleak)"},
    {"netdev-leak", "unregister_netdevice: waiting for lo to become free. "
                    "Usage count = 2"},
    {"page-fault", "Unable to handle kernel paging request at virtual address "
                   "ffff800008000000"},
    {"oops", "Internal error: Oops: 0000000096000004 [#1] SMP"},
    {"bug", "BUG: TASK stack guard page was hit at 00000000221b5d34 (stack is "
            "00000000c8c9507e..00000000206b7881)"},
    {"bug", "BUG: IRQ stack guard page was hit at 00000000221b5d34"},
    {"bug", "VFS: Busy inodes after unmount of vda. Self-destruct in 5 "
            "seconds."},
    {"lockdep", "WARNING: possible circular locking dependency detected"},
    {"lockdep", "WARNING: possible recursive locking detected"},
    {"lockdep", "WARNING: inconsistent lock state"},
    {"lockdep", "WARNING: suspicious RCU usage"},
    {"lockdep", "WARNING: HARDIRQ-safe -> HARDIRQ-unsafe lock order detected"},
    {"lockdep", "WARNING: bad unlock balance detected!"},
    {"lockdep", "[ BUG: Invalid wait context ]"},
    {"lockdep", "[ INFO: possible circular locking dependency detected ]"},
    {"lockdep", "INFO: trying to register non-static key."},
};

// What the console shows before a message: nothing, a time stamp, one with a
// caller, a prompt that it cuts into, a level.
static const char *const prefixes[] = {
    "",
    "[    3.141592] ",
    "[12345.000001][    T1] ",
    "[    0.000000][    C0] ",
    "(none) login: [   61.000000] ",
    "<4>",
    "[    T1] ",
    "<4>[   C12] ",
    "<4>[    3.141592][    T1] ",
};

Test(scenario_builtin, deaths_fire_under_their_names)
{
    struct builtins b = compile_all();
    for (size_t i = 0; i < sizeof(deaths) / sizeof(deaths[0]); i++) {
        for (size_t f = 0; f < sizeof(prefixes) / sizeof(prefixes[0]); f++) {
            char line[512];
            snprintf(line, sizeof(line), "%s%s", prefixes[f], deaths[i].line);
            const char *name = fires(&b, line, strlen(line));
            cr_expect(name && !strcmp(name, deaths[i].name), "%s fires %s",
                      line, name ? name : "nothing");
        }
    }
    free_all(&b);
}

Test(scenario_builtin, every_name_has_a_death)
{
    const struct builtin_fail *f;
    for (size_t i = 0; (f = builtin_fail_at(i)); i++) {
        bool tested = false;
        for (size_t d = 0; d < sizeof(deaths) / sizeof(deaths[0]); d++)
            tested |= !strcmp(deaths[d].name, f->name);
        cr_expect(tested, "%s", f->name);
    }
}

// An unknown BUG is one behind a time stamp only, and not before it can be told
// from the known ones.
Test(scenario_builtin, unknown_bugs)
{
    static const char line[] = "[    1.000000] BUG: KASAN: slab-out-of-bounds";
    static const char other[] = "[    1.000000] BUG: Kernel froze over again";
    struct builtins b = compile_all();
    for (size_t len = 0; len < sizeof(line) - 1; len++) {
        const char *name = fires(&b, line, len);
        cr_expect(!name || !strcmp(name, "kasan"), "%.*s", (int)len, line);
    }
    cr_expect_str_eq(fires(&b, other, sizeof(other) - 1), "bug");
    cr_expect_null(fires(&b, other + 15, sizeof(other) - 16));
    free_all(&b);
}

Test(scenario_builtin, healthy_lines_do_not_fire)
{
    static const char *const lines[] = {
        "Warning: Permanently added 'host' to the list of known hosts.",
        "WARNING: Unsupported terminal",
        "WARNING: CPU frequency scaling is off",
        "[    0.010000] WARNING: Unprivileged eBPF is enabled",
        "DEBUG: soft lockup test skipped",
        "[    1.000000] foo: DEBUG: Kernel panic - not syncing: off",
        "BUG: something in a program",
        "[    0.000000] ACPI BIOS Error (bug): Could not resolve symbol",
        "[    0.000000] ACPI BIOS Warning (bug): Optional FADT field",
        "[    0.000000] [Firmware Bug]: TSC_DEADLINE disabled due to Errata",
        "[    0.010000] Spectre V2 : WARNING: Unprivileged eBPF is enabled",
        "[    0.100000] use \"pci=nocrs\" and report a bug",
        "[    0.000000] Kernel command line: panic=1 oops=panic panic_on_warn",
        "[    0.200000] rcu: Hierarchical RCU implementation.",
        "[    0.200000] rcu: Offload RCU callbacks from CPUs: (none).",
        "[    0.300000] NMI watchdog: Enabled. Permanently consumes one",
        "[    0.300000] watchdog: Delayed init of the lockup detector failed",
        "[    1.100000] INFO: task list is empty",
        "[    1.2] unregister_netdevice: done",
        "kmemleak: 5 memory leaks",
        "[    1.100000] kmemleak: Kernel memory leak detector initialized",
        "[    1.100000] I/O error, dev vda, sector 0 op 0x0:(READ)",
        "[    1.100000] Buffer I/O error on dev vda, logical block 0",
        "[    1.100000] EXT4-fs error (device vda): ext4_lookup:1855: inode #2",
        "[    1.100000] sh: page allocation failure: order:9, mode:0x40dc0",
        "[    1.100000] mce: [Hardware Error]: Machine check events logged",
        "[    1.100000] unchecked MSR access error: RDMSR from 0x852",
        "[    1.100000] INFO: lockdep is turned off.",
        "[    9.000000] traps: foo[123] general protection fault ip:7f sp:7f",
        "[    9.000000] foo[123]: segfault at 0 ip 00 sp 00 error 4 in foo",
        "[    9.000000] sh invoked oom-killer: gfp_mask=0x140cca, order=0",
        "[    2.000000] VFS: Mounted root (ext4 filesystem) on device 254:0.",
        "[    2.000000] EXT4-fs (vda): warning: mounting unchecked fs",
        "[    2.000000] systemd[1]: Started Out of memory: the game.",
        "   * WARNING: clock skew detected!",
        "make: *** [Makefile:3: all] Error 2",
        "value: 00ff [#notanumber]",
        "(none):~# echo \"Kernel panic - not syncing: x\"",
        "(none):~# dmesg | grep 'BUG: KASAN: '",
        " * Starting networking ... [ ok ]",
    };
    struct builtins b = compile_all();
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        const char *name = fires(&b, lines[i], strlen(lines[i]));
        cr_expect_null(name, "%s fires %s", lines[i], name);
    }
    free_all(&b);
}

Test(scenario_builtin, a_healthy_boot_does_not_fire)
{
    char *log = read_fixture("debian_boot.log");
    struct builtins b = compile_all();
    size_t lines = 0;
    for (char *at = log; *at; lines++) {
        size_t len = strcspn(at, "\n");
        const char *name = fires(&b, at, len);
        cr_expect_null(name, "%.*s fires %s", (int)len, at, name);
        at += len + (at[len] != 0);
    }
    cr_assert_gt(lines, 300);
    // Nor does it in one piece.
    cr_expect_null(fires(&b, log, strlen(log)));
    free_all(&b);
    free(log);
}

// Recorded deaths: each section fires its own name and no other.
Test(scenario_builtin, recorded_deaths)
{
    char *log = read_fixture("kernel_deaths.log");
    struct builtins b = compile_all();
    char section[64] = "";
    size_t sections = 0, hits = 1;
    for (char *at = log; *at;) {
        size_t len = strcspn(at, "\n");
        if (!strncmp(at, "== ", 3)) {
            cr_expect_gt(hits, 0, "%s", section);
            snprintf(section, sizeof(section), "%.*s", (int)len - 3, at + 3);
            sections++;
            hits = 0;
        } else if (*section) {
            const char *name = fires(&b, at, len);
            cr_expect(!name || !strcmp(name, section), "%s: %.*s", section,
                      (int)len, at);
            hits += name != NULL;
        }
        at += len + (at[len] != 0);
    }
    cr_expect_gt(hits, 0, "%s", section);
    cr_assert_eq(sections, 4);
    free_all(&b);
    free(log);
}
