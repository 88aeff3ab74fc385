// SPDX-License-Identifier: Apache-2.0
// The lists. See sandbox_list.h. A call stands here because the code of that
// thread, or the C library under it, makes it while a machine runs; the tests
// of the machine and the scenarios run inside of these lists.
#include "src/host/sandbox_list.h"

#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <linux/sockios.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

// ---- What they have in common -----------------------------------------------

// Events, locks, time, memory, their end.
static const int common[] = {
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(futex),
    SCMP_SYS(sched_yield),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(gettid),
    SCMP_SYS(getpid),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(brk),
    SCMP_SYS(madvise),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(rseq),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
};

// A device interrupts its guest, by a line or a message.
static const unsigned long interrupts[] = {
    KVM_IRQ_LINE,
    KVM_SIGNAL_MSI,
};

// What a sink (toyvmm.h) needs, which prints perhaps.
static const int sink[] = {
    SCMP_SYS(readv),    SCMP_SYS(writev), SCMP_SYS(pread64),
    SCMP_SYS(pwrite64), SCMP_SYS(fstat),  SCMP_SYS(clock_nanosleep),
};

// ---- Each kind's own --------------------------------------------------------

static const unsigned long vcpu_ioctls[] = {
    KVM_RUN,       KVM_GET_REGS,        KVM_GET_SREGS,       KVM_GET_MP_STATE,
    KVM_GET_LAPIC, KVM_GET_VCPU_EVENTS, KVM_SET_LAPIC,       KVM_GET_MSRS,
    KVM_TRANSLATE, KVM_GET_IRQCHIP,     KVM_GET_PIT2,        KVM_NMI,
    KVM_IRQFD,     KVM_IOEVENTFD,       KVM_SET_GSI_ROUTING,
};

static const int vcpu[] = {
    SCMP_SYS(rt_sigtimedwait), // takes kicks
    SCMP_SYS(getrandom),       // virtio's entropy
};

// A raw image and its changes, what of it is in memory and what will be read;
// the conversation with the program that reads
// another one, which it ends when it is lost.
static const int disk[] = {
    SCMP_SYS(preadv),    SCMP_SYS(pwritev),   SCMP_SYS(fdatasync),
    SCMP_SYS(fallocate), SCMP_SYS(poll),      SCMP_SYS(recvfrom),
    SCMP_SYS(shutdown),  SCMP_SYS(close),     SCMP_SYS(wait4),
    SCMP_SYS(preadv2),   SCMP_SYS(fadvise64),
};

// The conversation with a folder's virtiofsd, which hands descriptors over.
static const int share[] = {
    SCMP_SYS(poll),    SCMP_SYS(preadv2),  SCMP_SYS(sendmsg),
    SCMP_SYS(recvmsg), SCMP_SYS(recvfrom), SCMP_SYS(shutdown),
    SCMP_SYS(close),   SCMP_SYS(wait4),
};

// A loop's own; the end of a capture that a full disk has cut.
static const int loop[] = {
    SCMP_SYS(epoll_wait), SCMP_SYS(epoll_ctl), SCMP_SYS(timerfd_settime),
    SCMP_SYS(lseek),      SCMP_SYS(ftruncate),
};

// Connections that there are, and those that come to a socket that listens.
static const int accepts[] = {
    SCMP_SYS(accept),      SCMP_SYS(accept4),    SCMP_SYS(getsockname),
    SCMP_SYS(getpeername), SCMP_SYS(getsockopt), SCMP_SYS(setsockopt),
    SCMP_SYS(sendto),      SCMP_SYS(recvfrom),   SCMP_SYS(readv),
    SCMP_SYS(writev),      SCMP_SYS(shutdown),   SCMP_SYS(close),
};

static const int connects[] = {
    SCMP_SYS(connect),
};

// ---- Rules ------------------------------------------------------------------

#define COUNT(list) (sizeof(list) / sizeof(*(list)))

static int allow_calls(scmp_filter_ctx list, const int *calls, size_t n)
{
    int code = 0;
    for (size_t i = 0; !code && i < n; i++)
        code = seccomp_rule_add(list, SCMP_ACT_ALLOW, calls[i], 0);
    return code;
}

static int allow_ioctls(scmp_filter_ctx list, const unsigned long *ioctls,
                        size_t n)
{
    int code = 0;
    for (size_t i = 0; !code && i < n; i++)
        code = seccomp_rule_add(
            list, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
            SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, ioctls[i]));
    return code;
}

static int allow_common(scmp_filter_ctx list)
{
    int code = allow_calls(list, common, COUNT(common));
    // Memory, but none that runs.
    if (!code)
        code = seccomp_rule_add(list, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
                                SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    if (!code)
        code = seccomp_rule_add(list, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                                SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    // Kicks, and nobody else's processes.
    if (!code)
        code =
            seccomp_rule_add(list, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
                             SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0));
    return code;
}

// A sink that prints with stdio looks what kind of file it has before its first
// byte: the C library's fstat is a newfstatat without a path.
static int allow_sink(scmp_filter_ctx list)
{
    static const unsigned long terminal[] = {TCGETS};
    int code = allow_calls(list, sink, COUNT(sink));
    if (!code)
        code = seccomp_rule_add(list, SCMP_ACT_ALLOW, SCMP_SYS(newfstatat), 1,
                                SCMP_A3(SCMP_CMP_EQ, AT_EMPTY_PATH, 0));
    return code ? code : allow_ioctls(list, terminal, COUNT(terminal));
}

// A program of ours, by a descriptor of it that is open: no other process has
// one.
static int allow_kill(scmp_filter_ctx list)
{
    return seccomp_rule_add(list, SCMP_ACT_ALLOW, SCMP_SYS(pidfd_send_signal),
                            1, SCMP_A1(SCMP_CMP_EQ, SIGKILL, 0));
}

static int allow_accepts(scmp_filter_ctx list)
{
    static const unsigned long ioctls[] = {FIONREAD, FIONBIO, SIOCATMARK};
    static const int flags[] = {F_GETFD, F_SETFD, F_GETFL, F_SETFL};
    int code = allow_calls(list, accepts, COUNT(accepts));
    for (size_t i = 0; !code && i < COUNT(flags); i++)
        code =
            seccomp_rule_add(list, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
                             SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t)flags[i], 0));
    return code ? code : allow_ioctls(list, ioctls, COUNT(ioctls));
}

// Streams, of one domain: IPv4, where a scenario's `reach` names ports of the
// loopback, or Unix, where its `vsock` does.
static int allow_streams(scmp_filter_ctx list, int domain)
{
    int code = allow_calls(list, connects, COUNT(connects));
    if (!code)
        code = seccomp_rule_add(
            list, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2,
            SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)domain, 0),
            SCMP_A1(SCMP_CMP_MASKED_EQ,
                    (scmp_datum_t) ~(SOCK_CLOEXEC | SOCK_NONBLOCK),
                    SOCK_STREAM));
    return code;
}

// takes: connections; domains: of those that it makes, 0 ends the list.
static int allow_loop(scmp_filter_ctx list, bool takes, const int *domains)
{
    int code = allow_calls(list, loop, COUNT(loop));
    if (!code && takes)
        code = allow_accepts(list);
    for (; !code && *domains; domains++)
        code = allow_streams(list, *domains);
    return code;
}

static int allow_own(scmp_filter_ctx list, enum sandbox_thread kind)
{
    int code = 0;
    switch (kind) {
    case SANDBOX_VCPU:
        code = allow_calls(list, vcpu, COUNT(vcpu));
        return code ? code : allow_sink(list);
    case SANDBOX_KEEPER:
        return allow_sink(list);
    case SANDBOX_DISK:
        code = allow_calls(list, disk, COUNT(disk));
        return code ? code : allow_kill(list);
    case SANDBOX_SHARE:
        code = allow_calls(list, share, COUNT(share));
        return code ? code : allow_kill(list);
    case SANDBOX_LOOP:
        return allow_loop(list, false, (const int[]){0});
    case SANDBOX_LOOP_ACCEPTS:
        return allow_loop(list, true, (const int[]){0});
    case SANDBOX_LOOP_CONNECTS:
        return allow_loop(list, true, (const int[]){AF_INET, 0});
    case SANDBOX_LOOP_UNIX:
        return allow_loop(list, true, (const int[]){AF_UNIX, 0});
    case SANDBOX_LOOP_BOTH:
        return allow_loop(list, true, (const int[]){AF_INET, AF_UNIX, 0});
    }
    return -EINVAL;
}

int sandbox_list_fill(scmp_filter_ctx list, enum sandbox_thread kind)
{
    // The first are looked at first: KVM_RUN is made most often.
    int code = kind == SANDBOX_VCPU
                   ? allow_ioctls(list, vcpu_ioctls, COUNT(vcpu_ioctls))
                   : 0;
    if (!code)
        code = allow_ioctls(list, interrupts, COUNT(interrupts));
    if (!code)
        code = allow_common(list);
    return code ? code : allow_own(list, kind);
}
