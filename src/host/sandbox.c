// SPDX-License-Identifier: Apache-2.0
// Filters made of lists, and who is caught by them. See sandbox.h.
#include "src/host/sandbox.h"

#include "src/host/sandbox_list.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct sandbox {
    struct sock_fprog program; // its filter is owned
    bool watched;              // a call against it is told, not deadly
};

// ---- Compiling --------------------------------------------------------------

// The library's own way to load a filter keeps one descriptor for the process:
// each thread here has its own. So it compiles alone.
static int compile(scmp_filter_ctx list, struct sock_fprog *out)
{
    int fd = memfd_create("sandbox", MFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    int code = seccomp_export_bpf(list, fd);
    off_t size = lseek(fd, 0, SEEK_END);
    if (!code && size > 0)
        out->filter = malloc((size_t)size);
    if (!code && (!out->filter ||
                  pread(fd, out->filter, (size_t)size, 0) != (ssize_t)size)) {
        free(out->filter);
        code = -EIO;
    }
    close(fd);
    out->len = (unsigned short)((size_t)size / sizeof(struct sock_filter));
    return code;
}

bool sandbox_is_offered(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) ||           \
    defined(__SANITIZE_UNDEFINED__)
    return false;
#else
    return true;
#endif
}

struct sandbox *sandbox_new(enum sandbox_thread kind, struct error *err)
{
    struct sandbox *s = calloc(1, sizeof(*s));
    if (!s) {
        error_set(err, -ENOMEM, "out of memory");
        return NULL;
    }
    // The first time that the C library is asked for a date, also one of UTC,
    // it opens the zone's file: a guest that reads its clock would ask for
    // that.
    tzset();
    scmp_filter_ctx list = seccomp_init(SCMP_ACT_NOTIFY);
    s->watched = list != NULL;
    if (!list)
        list = seccomp_init(SCMP_ACT_KILL_PROCESS);
    int code = list ? sandbox_list_fill(list, kind) : -ENOSYS;
    if (!code)
        code = compile(list, &s->program);
    seccomp_release(list);
    if (!code)
        return s;
    free(s);
    error_errno(err, -code, "can't make the list of calls for the sandbox");
    return NULL;
}

void sandbox_free(struct sandbox *s)
{
    if (s)
        free(s->program.filter);
    free(s);
}

// ---- Entering ---------------------------------------------------------------

static int install(unsigned flags, const struct sock_fprog *program)
{
    long fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, program);
    return fd < 0 ? -errno : (int)fd;
}

int sandbox_enter(const struct sandbox *s)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -errno;
    int code =
        install(s->watched ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0, &s->program);
    if (code == 0 && !s->watched)
        return SANDBOX_UNWATCHED;
    // A listener of somebody else's is told then.
    if (code == -EBUSY && install(0, &s->program) == 0)
        return SANDBOX_UNWATCHED;
    return code;
}

int sandbox_confine_process(struct error *err)
{
    static const int refused[] = {
        SCMP_SYS(execve),        SCMP_SYS(execveat),
        SCMP_SYS(ptrace),        SCMP_SYS(process_vm_readv),
        SCMP_SYS(bpf),           SCMP_SYS(process_vm_writev),
        SCMP_SYS(init_module),   SCMP_SYS(finit_module),
        SCMP_SYS(kexec_load),    SCMP_SYS(kexec_file_load),
        SCMP_SYS(delete_module), SCMP_SYS(mount),
        SCMP_SYS(umount2),       SCMP_SYS(pivot_root),
        SCMP_SYS(reboot),        SCMP_SYS(keyctl),
        SCMP_SYS(add_key),       SCMP_SYS(request_key),
    };
    struct sock_fprog program = {0};
    scmp_filter_ctx list = seccomp_init(SCMP_ACT_ALLOW);
    int code = list ? 0 : -ENOSYS;
    for (size_t i = 0; !code && i < sizeof(refused) / sizeof(*refused); i++)
        code = seccomp_rule_add(list, SCMP_ACT_ERRNO(EPERM), refused[i], 0);
    if (!code)
        code = compile(list, &program);
    seccomp_release(list);
    if (!code && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        code = -errno;
    if (!code)
        code = install(SECCOMP_FILTER_FLAG_TSYNC, &program);
    // The number of a thread whose filters are others.
    if (code > 0)
        code = install(0, &program);
    free(program.filter);
    if (code < 0)
        return error_errno(err, -code,
                           "this process can't be confined (--no-sandbox runs "
                           "without that)");
    return 0;
}

// ---- Watching ---------------------------------------------------------------

static void describe(const struct seccomp_data *data, struct sandbox_call *out)
{
    char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, data->nr);
    out->number = data->nr;
    if (name && data->nr == SYS_ioctl)
        snprintf(out->text, sizeof(out->text), "ioctl 0x%x",
                 (unsigned)data->args[1]);
    else if (name)
        snprintf(out->text, sizeof(out->text), "%s", name);
    else
        snprintf(out->text, sizeof(out->text), "call %d", data->nr);
    free(name);
}

// A newer kernel's notes may be larger than those that we know. NULL when out
// of memory, or the kernel has none.
static void *new_note(void)
{
    struct seccomp_notif_sizes sizes;
    if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) < 0)
        return NULL;
    return calloc(1, sizes.seccomp_notif + sizes.seccomp_notif_resp +
                         sizeof(struct seccomp_notif) +
                         sizeof(struct seccomp_notif_resp));
}

bool sandbox_caught(int fd, struct sandbox_call *out)
{
    struct pollfd waits = {.fd = fd, .events = POLLIN};
    if (poll(&waits, 1, 0) <= 0 || !(waits.revents & POLLIN))
        return false;
    struct seccomp_notif *call = new_note();
    bool caught = call && ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, call) == 0;
    if (caught) {
        describe(&call->data, out);
        out->id = call->id;
    }
    free(call);
    return caught;
}

void sandbox_refuse(int fd, const struct sandbox_call *call)
{
    struct seccomp_notif_resp *answer = new_note();
    if (!answer)
        return;
    answer->id = call->id;
    answer->error = -EPERM;
    // It fails when the thread is gone meanwhile.
    (void)ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, answer);
    free(answer);
}
