// SPDX-License-Identifier: Apache-2.0
// What the kernel prints when something is wrong with it. Read by the runner
// and by `allow NAME`; a name never changes its meaning.
#include "harness/scenario/scenario.h"

// A kernel message begins at the beginning of a line (a console without time
// stamps) or after its time stamp, wherever that stands: a message may cut
// into a prompt. printk puts a task or CPU behind the time when it is built
// with PRINTK_CALLER. Without one of the two, a line that only quotes the
// kernel or uses the same words ("WARNING: ...", "DEBUG: ...") does not fire.
#define STAMP "\\[ *[0-9]+\\.[0-9]{6}\\](?:\\[ *[TC][0-9]+\\])? "
#define BEGIN "(?m)(?:^(?:<[0-7]>)?|" STAMP ")"

// A line with several causes belongs to the first here, so the special stands
// before the general.
static const struct builtin_fail builtin_fails[] = {
    {"init-killed", BEGIN "Kernel panic - not syncing: Attempted to kill init!",
     "the init process ended"},
    {"rootfs",
     BEGIN "(?:Kernel panic - not syncing: )?"
           "VFS: (?:Unable to mount root fs|Cannot open root device)",
     "the root file system can't be mounted"},
    {"panic",
     BEGIN "(?:Kernel panic - not syncing: |PANIC: early exception 0x)",
     "kernel panic"},
    {"double-fault",
     BEGIN "(?:(?:traps: )?PANIC: double fault|"
           "(?:Oops: )?double fault: [0-9a-f]{4} \\[#[0-9]+\\])",
     "double fault in the kernel"},
    {"general-protection",
     BEGIN "(?:Oops: )?general protection fault(?:, [^:\\n]{0,99})?: "
           "[0-9a-f]{4} \\[#[0-9]+\\]",
     "general protection fault in the kernel"},
    {"page-fault",
     BEGIN "BUG: (?:unable to handle |kernel NULL pointer dereference)",
     "the kernel touched memory that isn't there"},
    {"oops",
     BEGIN "(?:Oops: )?[A-Za-z][^:\\n]{0,99}: [0-9a-f]{4} \\[#[0-9]+\\]",
     "kernel oops"},
    {"kasan", BEGIN "BUG: KASAN: ", "KASAN found a memory error"},
    {"kcsan", BEGIN "BUG: KCSAN: ", "KCSAN found a data race"},
    {"kmsan", BEGIN "BUG: KMSAN: ", "KMSAN found uninitialized memory"},
    {"kfence", BEGIN "BUG: KFENCE: ", "KFENCE found a memory error"},
    {"ubsan", BEGIN "UBSAN: [^\\n]{1,99} in [^ \\n]+:[0-9]+",
     "UBSAN found undefined behaviour"},
    {"soft-lockup",
     BEGIN "(?:(?:NMI )?watchdog: )?BUG: soft lockup - CPU#[0-9]+ stuck for",
     "a CPU does not schedule"},
    {"hard-lockup",
     BEGIN "(?:(?:NMI )?watchdog: )?Watchdog detected hard LOCKUP on cpu",
     "a CPU does not take interrupts"},
    {"rcu-stall",
     BEGIN "(?:rcu: )?INFO: rcu_[a-z_]+ (?:self-detected stall on CPU|"
           "detected (?:expedited )?stalls on )",
     "RCU is stalled"},
    {"hung-task",
     BEGIN "INFO: task [^\\n]{1,99}:[0-9]+ blocked (?:in I/O wait )?"
           "for more than [0-9]+ seconds",
     "a task hangs"},
    {"oom",
     BEGIN "(?:Memory cgroup out of memory|Out of memory(?: \\([a-z_]+\\))?): "
           "Kill(?:ed)? process [0-9]+",
     "a process was killed for want of memory"},
    {"lockdep",
     BEGIN "(?:\\[ )?(?:WARNING|INFO|BUG): (?:possible (?:circular|recursive) "
           "locking|possible irq lock inversion|inconsistent lock state|"
           "suspicious RCU usage|bad (?:unlock|contention) |held lock freed|"
           "lock held (?:when|at)|nested lock was not taken|"
           "trying to register non-static key|"
           "[A-Z-]+-safe -> [A-Z-]+-unsafe lock order|"
           "Invalid wait context|MAX_LOCK)",
     "lockdep found a locking error"},
    {"warning",
     BEGIN "WARNING: (?:CPU: [0-9]+ PID: [0-9]+ at |"
           "[^ \\n]+:[0-9]+ at [^\\n]{1,99}, CPU#[0-9]+: )",
     "kernel warning"},
    // "BUG: " alone is anybody's word: behind a time stamp it is the kernel's.
    // The look-ahead waits for as many characters as its longest word has, so
    // that half a line is not taken for another.
    {"bug",
     "(?m)(?:(?:^(?:<[0-7]>)?|" STAMP ")(?:kernel BUG at [^ \\n]+:[0-9]+!|"
     "BUG [^ \\n]+ \\((?:Not tainted|Tainted: [^)\\n]*)\\): |"
     "BUG: (?:sleeping function called from|scheduling while atomic|"
     "Bad (?:page|rss)|using [a-z_]+\\(\\) in preemptible|"
     "(?:spin|rw)lock |workqueue (?:lockup|leaked)|stack guard page))|" STAMP
     "BUG: (?!K[ACM]SAN|KFENCE|soft lockup|unable to handle|kernel NULL)"
     "(?=[^\\n]{16})[^\\n])",
     "kernel BUG"},
};

const struct builtin_fail *builtin_fail_at(size_t index)
{
    size_t count = sizeof(builtin_fails) / sizeof(builtin_fails[0]);
    return index < count ? &builtin_fails[index] : NULL;
}
