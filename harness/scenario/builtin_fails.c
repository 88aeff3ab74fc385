// SPDX-License-Identifier: Apache-2.0
// What the kernel prints when something is wrong with it, and how its report
// ends. Read by the runner and by `allow NAME`; a name never changes its
// meaning.
#include "harness/scenario/scenario.h"

// A kernel message begins at the beginning of a line (a console without time
// stamps) or after its time stamp, wherever that stands: a message may cut
// into a prompt. printk puts a task or CPU behind the time when it is built
// with PRINTK_CALLER. Without one of these, a line that only quotes the kernel
// or uses the same words ("WARNING: ...", "DEBUG: ...") does not fire.
#define CALLER "\\[ *[TC][0-9]+\\]"
#define STAMP  "\\[ *[0-9]+\\.[0-9]{6}\\](?:" CALLER ")? "
#define BEGIN  "(?m)(?:^(?:<[0-7]>)?(?:" CALLER " )?|" STAMP ")"

// What stops a test by default is what says that the kernel itself is wrong.
// Not here is what a test may provoke in a healthy kernel: I/O errors, errors
// of a file system's medium, page allocation failures, segmentation faults,
// machine checks. A scenario names those with `fail`.
//
// A line with several causes belongs to the first here, so the special stands
// before the general.
static const struct builtin_fail builtin_fails[] = {
    {
        .name = "init-killed",
        .pattern = BEGIN "Kernel panic - not syncing: Attempted to kill init!",
        .meaning = "the init process ended",
        .end = REPORT_PANIC,
        .grade = REPORT_DIES,
        .label = "kernel panic: ",
        .from = {"not syncing: "},
    },
    {
        .name = "rootfs",
        .pattern =
            BEGIN "(?:Kernel panic - not syncing: )?"
                  "VFS: (?:Unable to mount root fs|Cannot open root device)",
        .meaning = "the root file system can't be mounted",
        .end = REPORT_PANIC,
        .grade = REPORT_DIES,
        .label = "root file system not mountable: ",
        .from = {"VFS: "},
    },
    {
        .name = "panic",
        .pattern =
            BEGIN "(?:Kernel panic - not syncing: |PANIC: early exception 0x)",
        .meaning = "kernel panic",
        .end = REPORT_PANIC,
        .grade = REPORT_DIES,
        .label = "kernel panic: ",
        .from = {"not syncing: ", "PANIC: "},
    },
    {
        .name = "double-fault",
        .pattern = BEGIN "(?:(?:traps: )?PANIC: double fault|"
                         "(?:Oops: )?double fault: [0-9a-f]{4} \\[#[0-9]+\\])",
        .meaning = "double fault in the kernel",
        .end = REPORT_TRACE,
        .grade = REPORT_KILLS,
        .parts = "double-fault oops",
        .from = {"PANIC: ", "Oops: "},
        .until = " [#",
        .where = true,
    },
    {
        .name = "general-protection",
        .pattern =
            BEGIN "(?:Oops: )?general protection fault(?:, [^:\\n]{0,99})?: "
                  "[0-9a-f]{4} \\[#[0-9]+\\]",
        .meaning = "general protection fault in the kernel",
        .end = REPORT_TRACE,
        .grade = REPORT_KILLS,
        .parts = "oops",
        .from = {"Oops: "},
        .until = " [#",
        .where = true,
    },
    {
        .name = "page-fault",
        .pattern = BEGIN
        "(?:BUG: (?:unable to handle |kernel NULL pointer dereference)|"
        "Unable to handle kernel )",
        .meaning = "the kernel touched memory that isn't there",
        .end = REPORT_TRACE,
        .grade = REPORT_KILLS,
        .parts = "oops",
        .from = {"BUG: "},
        .where = true,
    },
    {
        .name = "oops",
        .pattern = BEGIN "(?:(?:Oops|Internal error): )?[A-Za-z][^:\\n]{0,99}: "
                         "[0-9a-f]{4,16} \\[#[0-9]+\\]",
        .meaning = "kernel oops",
        .end = REPORT_TRACE,
        .grade = REPORT_KILLS,
        .from = {"Internal error: "},
        .until = " [#",
        .where = true,
    },
    {
        .name = "kasan",
        .pattern = BEGIN "BUG: KASAN: ",
        .meaning = "KASAN found a memory error",
        .end = REPORT_RULE,
        .from = {"BUG: "},
    },
    {
        .name = "kcsan",
        .pattern = BEGIN "BUG: KCSAN: ",
        .meaning = "KCSAN found a data race",
        .end = REPORT_RULE,
        .from = {"BUG: "},
    },
    {
        .name = "kmsan",
        .pattern = BEGIN "BUG: KMSAN: ",
        .meaning = "KMSAN found uninitialized memory",
        .end = REPORT_RULE,
        .from = {"BUG: "},
    },
    {
        .name = "kfence",
        .pattern = BEGIN "BUG: KFENCE: ",
        .meaning = "KFENCE found a memory error",
        .end = REPORT_RULE,
        .from = {"BUG: "},
    },
    {
        .name = "ubsan",
        .pattern = BEGIN "UBSAN: [^\\n]{1,99} in [^ \\n]+:[0-9]+",
        .meaning = "UBSAN found undefined behaviour",
        .end = REPORT_RULE,
    },
    {
        .name = "soft-lockup",
        .pattern = BEGIN
        "(?:(?:NMI )?watchdog: )?BUG: soft lockup - CPU#[0-9]+ stuck for",
        .meaning = "a CPU does not schedule",
        .end = REPORT_STACK,
        .from = {"BUG: "},
        .where = true,
    },
    {
        .name = "hard-lockup",
        .pattern = BEGIN
        "(?:(?:NMI )?watchdog: )?Watchdog detected hard LOCKUP on cpu",
        .meaning = "a CPU does not take interrupts",
        .end = REPORT_STACK,
        .from = {"detected "},
        .where = true,
    },
    {
        .name = "rcu-stall",
        .pattern =
            BEGIN "(?:rcu: )?INFO: rcu_[a-z_]+ (?:self-detected stall on CPU|"
                  "detected (?:expedited )?stalls on )",
        .meaning = "RCU is stalled",
        .end = REPORT_STACK,
        .parts = "rcu-stall",
        .label = "RCU stall: ",
        .from = {"INFO: "},
        .where = true,
    },
    // The tasks that hang with it are told one after the other.
    {
        .name = "hung-task",
        .pattern =
            BEGIN "INFO: task [^\\n]{1,99}:[0-9]+ blocked (?:in I/O wait )?"
                  "for more than [0-9]+ seconds",
        .meaning = "a task hangs",
        .end = REPORT_STACK,
        .parts = "hung-task",
        .label = "hung ",
        .from = {"INFO: "},
        .where = true,
    },
    {
        .name = "oom",
        .pattern = BEGIN
        "(?:(?:Memory cgroup out of memory|"
        "Out of memory(?: \\([a-z_]+\\))?): Kill(?:ed)? process [0-9]+|"
        "Out of memory and no killable processes)",
        .meaning = "a process was killed for want of memory",
        .parts = "oom",
        .until = ") ",
    },
    {
        .name = "lockdep",
        .pattern = BEGIN
        "(?:\\[ )?(?:WARNING|INFO|BUG): (?:possible (?:circular|recursive) "
        "locking|possible irq lock inversion|inconsistent lock state|"
        "suspicious RCU usage|bad (?:unlock|contention) |held lock freed|"
        "lock held (?:when|at)|nested lock was not taken|"
        "trying to register non-static key|"
        "[A-Z-]+-safe -> [A-Z-]+-unsafe lock order|"
        "Invalid wait context|MAX_LOCK)",
        .meaning = "lockdep found a locking error",
        .end = REPORT_STACK,
        .label = "lockdep: ",
        .from = {": "},
        .until = " ]",
    },
    {
        .name = "warning",
        .pattern = BEGIN "WARNING: (?:CPU: [0-9]+ PID: [0-9]+ at |"
                         "[^ \\n]+:[0-9]+ at [^\\n]{1,99}, CPU#[0-9]+: )",
        .meaning = "kernel warning",
        .end = REPORT_TRACE,
        .label = "WARNING: ",
        .from = {"WARNING: "},
        .until = ", CPU#",
    },
    {
        .name = "kmemleak",
        .pattern = BEGIN "kmemleak: [0-9]+ new suspected memory leaks",
        .meaning = "kmemleak found memory that nobody frees",
        .until = " (",
    },
    {
        .name = "netdev-leak",
        .pattern = BEGIN
        "unregister_netdevice: waiting for [^\\n]{1,64} to become free",
        .meaning = "a network device can't go, somebody holds it",
        .parts = "netdev-leak",
        .until = ". Usage",
    },
    // "BUG: " alone is anybody's word: behind a time stamp it is the kernel's.
    // The look-ahead waits for as many characters as its longest word has, so
    // that half a line is not taken for another.
    {
        .name = "bug",
        .pattern =
            "(?m)(?:(?:^(?:<[0-7]>)?(?:" CALLER " )?|" STAMP
            ")(?:kernel BUG at [^ \\n]+:[0-9]+!|"
            "BUG [^ \\n]+ \\((?:Not tainted|Tainted: [^)\\n]*)\\): |"
            "VFS: Busy inodes after unmount of |"
            "BUG: (?:sleeping function called from|scheduling while atomic|"
            "Bad (?:page|rss)|using [a-z_]+\\(\\) in preemptible|"
            "(?:spin|rw)lock |workqueue (?:lockup|leaked)|"
            "[A-Za-z]+ stack guard page|stack guard page))|" STAMP
            "BUG: (?!K[ACM]SAN|KFENCE|soft lockup|unable to handle|kernel NULL)"
            "(?=[^\\n]{16})[^\\n])",
        .meaning = "kernel BUG",
        .end = REPORT_STACK,
        .grade = REPORT_KILLS,
        .parts = "oops",
        .from = {"BUG: "},
        .until = " (stack is ",
        .where = true,
    },
};

const struct builtin_fail *builtin_fail_at(size_t index)
{
    size_t count = sizeof(builtin_fails) / sizeof(builtin_fails[0]);
    return index < count ? &builtin_fails[index] : NULL;
}
