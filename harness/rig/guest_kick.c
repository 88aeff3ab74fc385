// SPDX-License-Identifier: Apache-2.0
// See guest_kick.h.
#include "harness/rig/guest_kick.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TRACING "/sys/kernel/tracing"

// One instruction: operation, registers, offset, constant.
#define OP(op, dst, src, offset, constant)                                     \
    {                                                                          \
        .code = (op), .dst_reg = (dst), .src_reg = (src), .off = (offset),     \
        .imm = (constant)                                                      \
    }

// r0 = the address of the flag, the only element of the map.
#define FIND_FLAG(map)                                                         \
    OP(BPF_ST | BPF_MEM | BPF_W, 10, 0, -4, 0),                                \
        OP(BPF_LD | BPF_DW | BPF_IMM, 1, BPF_PSEUDO_MAP_FD, 0, map),           \
        OP(0, 0, 0, 0, 0), OP(BPF_ALU64 | BPF_MOV | BPF_X, 2, 10, 0, 0),       \
        OP(BPF_ALU64 | BPF_ADD | BPF_K, 2, 0, 0, -4),                          \
        OP(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_map_lookup_elem)

// What makes an event of the kernel count.
struct trigger {
    const char *event;
    int program;
    bool wakes;
};

static int bpf(int command, union bpf_attr *attr)
{
    return (int)syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static int make_flag(void)
{
    union bpf_attr attr;
    memset(&attr, 0, sizeof(attr));
    attr.map_type = BPF_MAP_TYPE_ARRAY;
    attr.key_size = 4;
    attr.value_size = 8;
    attr.max_entries = 1;
    return bpf(BPF_MAP_CREATE, &attr);
}

static int load(const struct bpf_insn *program, size_t count)
{
    static const char license[] = "Apache-2.0";
    union bpf_attr attr;
    memset(&attr, 0, sizeof(attr));
    attr.prog_type = BPF_PROG_TYPE_TRACEPOINT;
    attr.insns = (uint64_t)(uintptr_t)program;
    attr.insn_cnt = (uint32_t)count;
    attr.license = (uint64_t)(uintptr_t)license;
    return bpf(BPF_PROG_LOAD, &attr);
}

// flag = 1, and no sample.
static int load_setter(int flag)
{
    const struct bpf_insn program[] = {
        FIND_FLAG(flag),
        OP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1, 0),
        OP(BPF_ST | BPF_MEM | BPF_DW, 0, 0, 0, 1),
        OP(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0),
        OP(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
    };
    return load(program, sizeof(program) / sizeof(program[0]));
}

// A sample if flag was 1; flag = 0.
static int load_taker(int flag)
{
    const struct bpf_insn program[] = {
        FIND_FLAG(flag),
        OP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 4, 0),
        OP(BPF_LDX | BPF_MEM | BPF_DW, 1, 0, 0, 0),
        OP(BPF_ST | BPF_MEM | BPF_DW, 0, 0, 0, 0),
        OP(BPF_ALU64 | BPF_MOV | BPF_X, 0, 1, 0, 0),
        OP(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
        OP(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0),
        OP(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
    };
    return load(program, sizeof(program) / sizeof(program[0]));
}

// The number that perf knows a tracepoint of KVM by; 0 is none's.
static uint64_t tracepoint(const char *name)
{
    char path[128], text[32] = "";
    snprintf(path, sizeof(path), TRACING "/events/kvm/%s/id", name);
    FILE *f = fopen(path, "re");
    if (!f)
        return 0;
    bool read = fgets(text, sizeof(text), f) != NULL;
    fclose(f);
    return read ? strtoul(text, NULL, 10) : 0;
}

// The event stays for as long as its descriptor, which nobody closes.
static int attach(const struct trigger *t)
{
    struct perf_event_attr attr;
    memset(&attr, 0, sizeof(attr));
    attr.size = sizeof(attr);
    attr.type = PERF_TYPE_TRACEPOINT;
    attr.config = tracepoint(t->event);
    attr.sample_period = 1;
    attr.wakeup_events = 1;
    int fd = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1,
                          PERF_FLAG_FD_CLOEXEC);
    if (fd < 0)
        return -errno;
    // Mapped read-only, old samples make room for new ones unread.
    size_t size = 2 * (size_t)sysconf(_SC_PAGESIZE);
    if (t->wakes &&
        mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED)
        return -errno;
    return ioctl(fd, PERF_EVENT_IOC_SET_BPF, t->program) < 0 ? -errno : 0;
}

int guest_arm_kick(struct error *err)
{
    if (mount("tracefs", TRACING, "tracefs", 0, NULL) < 0)
        return error_errno(err, errno, "the rig's kernel has no tracepoints");
    int flag = make_flag();
    const struct trigger triggers[] = {
        {"kvm_inj_virq", flag < 0 ? -1 : load_setter(flag), false},
        {"kvm_entry", flag < 0 ? -1 : load_taker(flag), true},
    };
    int rc = 0;
    if (triggers[0].program < 0 || triggers[1].program < 0)
        rc = error_errno(err, errno, "the rig's kernel takes no BPF program");
    for (size_t i = 0; rc == 0 && i < 2; i++)
        rc = attach(&triggers[i]);
    if (rc < 0 && err && !*err->text)
        error_errno(err, -rc, "the rig's kernel can't watch its own KVM");
    // The command finds /sys as any other has it.
    umount(TRACING);
    return rc;
}
