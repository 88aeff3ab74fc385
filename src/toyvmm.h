// SPDX-License-Identifier: Apache-2.0
// libtoyvmm's one public header: a KVM machine that boots a kernel, its serial
// ports as a stream of stamped bytes, and its life as events. A machine is a
// value; several can live in one process.
#pragma once

#include "src/base/error.h"
#include "src/base/ports.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// 16550 UARTs at the PC's addresses: 0x3f8/4, 0x2f8/3, 0x3e8/4, 0x2e8/3.
#define TOYVMM_UARTS PORT_UARTS

// The ports by which a machine talks: its UARTs, then hvc0 and the ports with
// names, where it has them (base/ports.h).
#define TOYVMM_PORTS PORT_COUNT

// Most processors of a machine: their APIC ids are 0 to 253, the next one is
// the I/O APIC's, and 255 is everybody's. More would need x2APIC ids of 32
// bits, to which neither the I/O APIC nor an MSI can send an interrupt without
// an interrupt remapping unit, which this machine has not.
#define TOYVMM_CPUS 254

struct toyvmm;      // one machine, opaque
struct toyvmm_kept; // its disks, beyond its end

// The library exports what this header declares, and nothing else.
#pragma GCC visibility push(default)

// ---- What happens to a machine --------------------------------------------

enum toyvmm_event_kind {
    TOYVMM_EVENT_STARTED,   // immediately before the first KVM_RUN
    TOYVMM_EVENT_USERSPACE, // the guest wrote 123 to the boot timer: port
                            // 0x3f0, or memory at 0xc0000000 or 0xd0000000
    // All below end the machine: exactly one of them is reported, last.
    TOYVMM_EVENT_RESET,          // keyboard controller, 0xcf9, ACPI register
    TOYVMM_EVENT_POWEROFF,       // ACPI S5
    TOYVMM_EVENT_HALT,           // hlt that nothing can wake any more
    TOYVMM_EVENT_TRIPLE_FAULT,   // KVM_EXIT_SHUTDOWN
    TOYVMM_EVENT_INTERNAL_ERROR, // KVM can't go on; detail says why
    TOYVMM_EVENT_STOPPED,        // toyvmm_stop was called
};

// Why the guest was left, as far as user space saw it.
enum toyvmm_exit {
    TOYVMM_EXIT_IO,
    TOYVMM_EXIT_MMIO,
    TOYVMM_EXIT_HLT,
    TOYVMM_EXIT_INTR,
    TOYVMM_EXIT_OTHER,
    TOYVMM_EXITS,
};

// What a machine has spent since its first KVM_RUN.
struct toyvmm_usage {
    uint64_t cpu_ns; // CPU time of the vCPU threads (user and guest)
    uint64_t exits;  // VM exits to user space of all vCPUs, and by reason
    uint64_t exits_by[TOYVMM_EXITS];
};

// What one vCPU has of that.
struct toyvmm_share {
    uint64_t cpu_ns, exits;
};

// A vCPU's registers (KVM_GET_REGS, KVM_GET_SREGS).
struct toyvmm_regs {
    uint64_t rip, rflags, rsp, rbp, rax, rbx, rcx, rdx, rsi, rdi;
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t cr0, cr2, cr3, cr4, efer;
    uint16_t cs, ss;
};

struct toyvmm_event {
    enum toyvmm_event_kind kind;
    uint64_t ns;       // CLOCK_MONOTONIC, at the VM exit that showed it
    uint64_t ready_ns; // STARTED: when memory and images were in place; else 0
    struct toyvmm_usage usage; // until then, taken on the vCPU thread
    unsigned vcpu;             // whose exit showed it
    bool has_regs;             // not when KVM has lost them (a triple fault)
    struct toyvmm_regs regs;   // that vCPU's
    char detail[160]; // one sentence: "ACPI reset register", "emulation ..."
};

// "reset", "power-off", "halt", ...: for messages. Never NULL.
const char *toyvmm_event_name(enum toyvmm_event_kind kind);

// True for the kinds that end a machine.
bool toyvmm_event_is_end(enum toyvmm_event_kind kind);

// ---- The console seam ------------------------------------------------------

// What rx says in place of a count: a serial break comes before the next byte.
#define TOYVMM_RX_BREAK SIZE_MAX

// What the machine talks to. The callbacks run on a vCPU thread or the
// machine's keeper (rx also inside toyvmm_input_ready, event also on the thread
// that calls toyvmm_stop) and must not block or call back into the machine.
// Those of one machine never run at the same time; bytes, times and events of
// one machine come in one order, and the times never go back.
struct toyvmm_sink {
    void *owner;
    // The guest transmitted n bytes, 1 or more; all that one VM exit sent on a
    // port comes in few calls. Take them all. False: enough; then the guest
    // waits, and goes on after toyvmm_output_room. Of what it has sent already
    // some more may come, for each vCPU no more than an exit can send (4 KiB)
    // and 170 bytes that KVM may hold.
    //
    // ns is the time of the VM exit that brought them; reading the clock is
    // the first thing that happens then, so it is within 100 us of it on a
    // thread that has its CPU. KVM may keep bytes back until the guest's next
    // exit (KVM_CAP_COALESCED_PIO), where the guest does not wait for an
    // answer; that exit is theirs, and when there is none the keeper fetches
    // them in 4 ms (10 ms when the guest sleeps).
    bool (*tx)(void *owner, unsigned port, const uint8_t *bytes, size_t n,
               uint64_t ns);
    // The guest will have input: its UART's receive FIFO is empty, and its
    // receive interrupt enabled or it polls. Give up to max (1..16) bytes of
    // waiting input, return how many, or TOYVMM_RX_BREAK. (A port of the virtio
    // console: it has the port open and a buffer there; a break is nothing.)
    size_t (*rx)(void *owner, unsigned port, uint8_t *bytes, size_t max);
    void (*event)(void *owner, const struct toyvmm_event *event);
};

// ---- A machine's life ------------------------------------------------------

// The host's CPU that the vCPU threads run on, and no other; not set: any.
struct toyvmm_pin {
    bool set;
    unsigned cpu;
};

// Entropy for the guest's random generator: 32 bytes.
struct toyvmm_seed {
    uint8_t bytes[32];
};

// A disk of the guest, on virtio-blk: /dev/vda, /dev/vdb, ... in their order.
// Its image is a raw file, a block device, or by its content a qcow2, VHDX or
// VMDK image in one file: such a one is served by a qemu-storage-daemon of its
// own, which is killed with who started it, and of whose end or lies the
// machine ends (TOYVMM_EVENT_INTERNAL_ERROR). What the guest writes to a disk
// whose image shall not change that never sees.
#define TOYVMM_DISKS_MAX  24
#define TOYVMM_SERIAL_MAX 20

enum toyvmm_disk_mode {
    TOYVMM_DISK_DROPS,    // what is written is forgotten with the machine; up
                          // to 4 GiB of it
    TOYVMM_DISK_READONLY, // the guest can't write
    TOYVMM_DISK_WRITABLE, // what is written changes the image
};

struct toyvmm_disk {
    const char *path;
    enum toyvmm_disk_mode mode;
    const char *serial; // at most TOYVMM_SERIAL_MAX bytes; NULL: none
};

// Where the guest's memory comes from.
enum toyvmm_backing {
    TOYVMM_MEMORY_PRIVATE, // this process's, in large pages where it can be
    TOYVMM_MEMORY_SHARED,  // a memfd, which other processes may be given
    TOYVMM_MEMORY_HUGE,    // huge pages of 2 MiB that the host has set aside
};

// A network card of the guest's, on virtio-net: its first one is eth0.
#define TOYVMM_FORWARDS_MAX 16
#define TOYVMM_REACH_MAX    16

enum toyvmm_net_kind {
    TOYVMM_NET_NONE, // no card
    // 10.0.2.0/24 with DHCP, a gateway (10.0.2.2, `gateway.test`) that answers
    // pings, and a name server (10.0.2.3) that knows this network's names. The
    // guest (10.0.2.15) reaches nothing else but what is said here.
    TOYVMM_NET_USER,
    TOYVMM_NET_TAP, // what is behind a tap interface of the host's
};

struct toyvmm_forward {
    uint16_t host, guest; // TCP ports, 1 to 65535
};

struct toyvmm_net {
    enum toyvmm_net_kind kind;
    uint8_t mac[6];
    // USER: connections to a port of the host's loopback arrive at the guest's.
    size_t nforwards; // to TOYVMM_FORWARDS_MAX
    struct toyvmm_forward forwards[TOYVMM_FORWARDS_MAX];
    // USER: the gateway's ports that are those of the host's loopback.
    size_t nreach; // to TOYVMM_REACH_MAX
    uint16_t reach[TOYVMM_REACH_MAX];
    const char *tap;  // TAP: the interface's name
    const char *pcap; // a file of all frames, up to 64 MiB of it; NULL: none
};

// Folders of the host's that the guest may mount, by virtio-fs:
// `mount -t virtiofs TAG DIR`. Each has a virtiofsd of its own, which is killed
// with who started it, whatever ends that.
#define TOYVMM_FOLDERS_MAX 8
#define TOYVMM_TAG_MAX     36

struct toyvmm_folder {
    const char *path;
    const char *tag; // 1 to TOYVMM_TAG_MAX bytes
    bool writable;   // else the host's kernel refuses each change
};

// A socket device (virtio-vsock): a program of the host's that connects to the
// Unix socket path, writes "CONNECT PORT\n" and reads "OK HOSTPORT\n" has a
// stream to the guest's program that listens on that port; a program of the
// guest's that connects to CID 2 and a port has one to who listens on the
// host's Unix socket path_PORT. 256 of them at a time; more are turned away.
#define TOYVMM_VSOCK_CID     3 // the guest's, where nothing else is said
#define TOYVMM_VSOCK_CID_MAX 0xfffffffeU

struct toyvmm_vsock {
    const char *path; // made for the machine, at most 96 bytes; NULL: no device
    uint32_t cid;     // 3 to TOYVMM_VSOCK_CID_MAX; 0: TOYVMM_VSOCK_CID
};

struct toyvmm_servers; // the programs that serve folders and disks, opaque

struct toyvmm_config {
    const char *kernel;  // path: src/boot/README.md says what boots
    const char *initrd;  // path, or NULL
    const char *cmdline; // NULL is ""
    // Bytes; at least 16 MiB for a Linux kernel. What is beyond 3 GiB lies from
    // 4 GiB on. No page exists before the guest touches it.
    uint64_t memory;
    enum toyvmm_backing backing;
    unsigned cpus; // 1 to TOYVMM_CPUS, and to what KVM can
    struct toyvmm_pin pin;
    unsigned ports; // how many UARTs, 1 to TOYVMM_UARTS; 0: all
    // Handed to a Linux kernel (SETUP_RNG_SEED); NULL: fresh from the host.
    const struct toyvmm_seed *seed;
    // A virtio console: port PORT_HVC, and a port from PORT_NAMED on for each
    // of these names (at most PORT_NAMES; 1 to PORT_NAME_MAX bytes, each once),
    // which the guest sees as /dev/virtio-ports/NAME. Names alone make one too.
    bool console;
    size_t nnamed;
    const char *const *named;
    // With a disk, a network, a folder, sockets or a console it has virtio-rng
    // and a balloon besides, and all of it lies on PCI; or, with mmio, behind
    // registers in memory that ACPI names (LNRO0005), and there is no PCI.
    bool mmio;
    size_t ndisks; // up to TOYVMM_DISKS_MAX
    const struct toyvmm_disk *disks;
    // NULL: each machine opens its disks anew. With disks that are served it
    // needs servers, too.
    struct toyvmm_kept *kept;
    struct toyvmm_net net;
    struct toyvmm_vsock vsock;
    // With a folder the machine's memory is shared.
    size_t nfolders; // up to TOYVMM_FOLDERS_MAX
    const struct toyvmm_folder *folders;
    // Of toyvmm_serve, for these folders and disks, of one machine at a time;
    // NULL: the machine has its own, which end with it.
    struct toyvmm_servers *servers;
    // Its threads are not confined: for debuggers that make them call what
    // their lists of calls do not have.
    bool no_sandbox;
    struct toyvmm_sink sink;
};

// The disks of machines that follow each other, as after a reset: toyvmm_create
// takes from it what a machine before it has left, where what its guest wrote
// is still there, and toyvmm_destroy puts them back. It outlives these
// machines, which all have the same disks and are never two at a time, and is
// freed before their servers end. NULL: no memory.
struct toyvmm_kept *toyvmm_kept_new(void);
// Opens the disks of config (its kept, and servers) before there is a machine,
// for a process that can open nothing later. 0, or as toyvmm_create; those that
// are open stay so.
int toyvmm_kept_open(const struct toyvmm_config *config, struct error *err);
void toyvmm_kept_free(struct toyvmm_kept *kept);

// Checks the files, loads them, creates the VM; nothing runs yet. NULL with
// err filled: -EINVAL (the images or the shape are wrong), -ENOENT and other
// file errors, -ENODEV (no usable KVM); code, if not NULL, gets the number.
struct toyvmm *toyvmm_create(const struct toyvmm_config *config, int *code,
                             struct error *err);

// What is odd about the files, though they boot: a sentence for the user, from
// index 0 on, NULL beyond the last. Lives as long as vm.
const char *toyvmm_note(const struct toyvmm *vm, size_t index);

// The part of toyvmm_create that needs no KVM: opens and checks kernel, initrd,
// command line and memory size against each other. 0, or a negative errno.
int toyvmm_check(const struct toyvmm_config *config, struct error *err);

// Whether there could be such a network here: 0; -ENODEV (no libslirp, no such
// tap interface), -EPERM, -EBUSY, ... with a sentence that says what cures it.
// Of no network nothing is asked. toyvmm_check asks it, too.
int toyvmm_check_net(const struct toyvmm_net *net, struct error *err);

// Whether its socket can be made: 0; -ENAMETOOLONG; -ENOENT, -ENOTDIR, -EACCES
// of its folder; -EEXIST: what is there is no socket; -EADDRINUSE: somebody
// listens there; each with a sentence. toyvmm_check asks it, too.
int toyvmm_check_vsock(const struct toyvmm_vsock *vsock, struct error *err);

// Whether the folder is there, and what serves it: 0, -ENOENT (no such folder,
// or no virtiofsd: names its package), -ENOTDIR, ... toyvmm_check asks it, too.
int toyvmm_check_folder(const struct toyvmm_folder *folder, struct error *err);

// Whether the image is there and can be used so, and what serves it where it is
// not raw: 0, -ENOENT (no such file, or no qemu-storage-daemon: names its
// packages), -EINVAL (no image; one that names other files), -EBUSY, ...
// toyvmm_check asks it, too.
int toyvmm_check_disk(const struct toyvmm_disk *disk, struct error *err);

// "raw", "qcow2", "vhdx", "vmdk"; NULL: it can't be read, or used.
const char *toyvmm_disk_format(const char *path);

// Starts what serves config's folders and disks. A process that is to be
// confined does this before: it can start no program afterwards. They end with
// toyvmm_servers_end, when the machine is gone, or with the calling thread.
// NULL with a sentence, and a negative errno in *code.
struct toyvmm_servers *toyvmm_serve(const struct toyvmm_config *config,
                                    int *code, struct error *err);
// NULL is nothing.
void toyvmm_servers_end(struct toyvmm_servers *servers);

// Whether threads of this process may run where pin says: 0, or -EINVAL with a
// sentence that names the CPUs there are. toyvmm_create asks it, too.
int toyvmm_check_pin(struct toyvmm_pin pin, struct error *err);

// For a process that has nothing else to do than to run machines: its threads
// gain no privileges, run no programs, trace nobody. There is no way back. 0,
// or a negative errno.
int toyvmm_confine(struct error *err);

// What a process uses beside the files of its machines: files, or folders with
// all that is in them.
struct toyvmm_paths {
    size_t nread, nwritten;
    const char *const *read;
    const char *const *written; // and read; in folders, made and removed
};

// After toyvmm_confine: the calling thread, and those that are started from now
// on, open nothing but what machines of config need, which may be made again
// and again, the system's libraries, and more. Connections of TCP, since
// Linux 6.7, are those of config's network alone. What is open stays so; paths
// are followed now, and a capture is made that isn't there. There is no way
// back. 0, also where toyvmm_confines_files says false, and in builds with
// sanitizers, where nothing has changed; or a negative errno.
int toyvmm_confine_files(const struct toyvmm_config *config,
                         const struct toyvmm_paths *more, struct error *err);

// Whether this kernel keeps such lists (landlock, Linux 5.13).
bool toyvmm_confines_files(void);

// Starts the vCPU threads. Before its guest's first instruction each, like
// those of its devices, is confined to the calls that it needs
// (src/host/sandbox.h), unless config said no_sandbox; a call against that ends
// the machine with TOYVMM_EVENT_INTERNAL_ERROR, which names both. Once for each
// machine.
int toyvmm_start(struct toyvmm *vm, struct error *err);

// Input is waiting in the sink for port. Any thread, any time, cheap; the
// machine takes it through rx as soon as the guest will have it.
void toyvmm_input_ready(struct toyvmm *vm, unsigned port);

// The sink can take output again, after its tx said enough. Any thread, any
// time, cheap.
void toyvmm_output_room(struct toyvmm *vm);

// Ends the vCPU threads and waits for them; reports EVENT_STOPPED when the
// machine had not ended by itself. A vCPU that KVM does not give back within 5
// s is given up: -ETIMEDOUT, else 0. No callback runs after that either. Any
// thread but a vCPU's; idempotent.
int toyvmm_stop(struct toyvmm *vm);

// Stops if need be, frees everything (nothing when a vCPU had to be given up:
// it may still be using it). No callback runs after it returned.
void toyvmm_destroy(struct toyvmm *vm);

// Presses the NMI button: an interrupt at LINT1 of vCPU 0's local APIC, which
// delivers it as the guest has set that up (Intel SDM volume 3, 11.5.1; Linux
// takes it as an NMI). 0; -ESRCH: the machine does not run; -EBUSY: the guest
// has masked the pin or uses it otherwise; -ETIMEDOUT: KVM did not give the
// vCPU back within a second. Milliseconds. Any thread but a vCPU's.
int toyvmm_nmi(struct toyvmm *vm, struct error *err);

// Presses the power button (ACPI's fixed one): the guest is asked to power off.
// 0; -ESRCH: the machine does not run; -EBUSY: the guest does not listen to it
// (its kernel has no driver for it, or it is not loaded). Any thread.
int toyvmm_press_power(struct toyvmm *vm, struct error *err);

// ---- Looking at it ---------------------------------------------------------

// VM exits that reached user space, by reason and by I/O port, and gaps: for
// "where does a boot's time go". Counters may be read while it runs.
struct toyvmm_port_count {
    uint16_t port;
    uint64_t reads, writes;
};
struct toyvmm_stats {
    struct toyvmm_usage usage;
    size_t nports; // busiest first, at most 32
    struct toyvmm_port_count ports[32];
};
void toyvmm_stats(struct toyvmm *vm, struct toyvmm_stats *out);

// How many vCPUs it has, numbered from 0.
unsigned toyvmm_vcpus(const struct toyvmm *vm);

// What one of them has spent until now. Any thread, also after the end.
void toyvmm_vcpu_usage(struct toyvmm *vm, unsigned vcpu,
                       struct toyvmm_usage *out);

// What it had spent by ns (CLOCK_MONOTONIC), when ns is the time of an event or
// of a byte that it sent: exact for an event, at most 100 us too little for a
// byte. Of a byte as old as 4,096 such times it may be too much, up to the
// oldest that is still known. Of a time after the last of them it is what was
// spent until now. each, which may be NULL, has room for toyvmm_vcpus of them
// and gets what each vCPU has of it. Any thread, also after the end.
void toyvmm_usage_at(struct toyvmm *vm, uint64_t ns, struct toyvmm_usage *out,
                     struct toyvmm_share *each);

// Kicks a vCPU out of the guest and reads its registers (milliseconds); false
// when the machine does not run, or KVM did not give it back within a second.
bool toyvmm_read_regs(struct toyvmm *vm, unsigned vcpu,
                      struct toyvmm_regs *out);

// Copies up to len bytes of guest memory from a virtual address on, as the page
// tables that regs.cr3 names map it now (4 and 5 levels; one to one without
// paging), until the first byte that is not mapped to RAM. Returns how many.
// Also after the end; a guest that runs may change it meanwhile. Any thread.
size_t toyvmm_read_virtual(struct toyvmm *vm, const struct toyvmm_regs *regs,
                           uint64_t address, void *to, size_t len);

// What drivers did against the rules of virtio, and was not done: such a device
// waits until its driver resets it; of sockets it may be one connection that is
// reset. And writes for which a disk had no room,
// frames for which the guest had none, connections beyond those that there may
// be, folders that nobody serves any more.
struct toyvmm_refusal {
    char device[48]; // "disk vda", "net eth0", "share src"
    uint64_t count;
    uint64_t dropped; // frames that came while the guest had no room for them
    uint64_t turned_away; // connections of a socket device
    char why[96]; // the last one, part of a sentence; "" when count is 0
    // A folder: what became of what serves it; "": nothing. The guest waits for
    // it in vain.
    char lost[256];
    bool full; // TOYVMM_DISK_DROPS: more was written than is kept
    bool cut;  // its capture lacks frames: too many, or a full disk
};

// As many devices tell of it at most.
#define TOYVMM_REFUSALS_MAX (TOYVMM_DISKS_MAX + TOYVMM_FOLDERS_MAX + 5)

// Tells of each device that refused something, at most max; returns how many.
// Any thread, also after the end.
size_t toyvmm_refusals(struct toyvmm *vm, struct toyvmm_refusal *out,
                       size_t max);

// What a machine was seen to do.
enum toyvmm_activity {
    TOYVMM_IDLE,    // sleeps (hlt) until an interrupt
    TOYVMM_SPINS,   // never leaves a few instructions
    TOYVMM_PORT_IO, // busy with an I/O port
    TOYVMM_RUNS,    // none of these
    TOYVMM_WAITS,   // no other processor has started this one yet
    TOYVMM_ENDED,   // it has ended: one sample, its last state
};

struct toyvmm_sample {
    uint64_t rip;
    uint16_t cs; // bits 0 and 1: the privilege level
    bool halted;
    bool waits;      // for its INIT or SIPI
    bool interrupts; // RFLAGS.IF
};

#define TOYVMM_SAMPLES 12

struct toyvmm_observation {
    enum toyvmm_activity activity;
    size_t nsamples; // 1..TOYVMM_SAMPLES, in time's order
    struct toyvmm_sample samples[TOYVMM_SAMPLES];
    uint64_t low, high; // SPINS: the instructions it was seen at
    uint16_t io_port;   // PORT_IO: the busiest
    bool lost; // ENDED by a triple fault, and KVM has reset the vCPU: what is
               // below is INIT's, not the guest's
    // At the last sample.
    struct toyvmm_regs regs;
    uint64_t idt_base; // what the kernel told the processor of itself
    uint16_t idt_limit;
    uint64_t lstar; // MSR 0xc0000082: where `syscall` enters it; 0: none
    struct {
        bool listens; // the receive interrupt is on: a program has it open
        bool polls;   // it is off, but the guest looks for input by itself
        bool holds;   // the UART has input that the guest did not read
        // Of a virtio console's port only listens is told: the guest has it
        // open.
    } ports[TOYVMM_PORTS];
};

// Looks at a vCPU several times over some tens of milliseconds, kicking it out
// of the guest each time, and judges what was seen within within_ns. After the
// end it tells the last state. False when it never ran, KVM refuses, or nothing
// was seen in time. Any thread but a vCPU's.
bool toyvmm_observe(struct toyvmm *vm, unsigned vcpu, uint64_t within_ns,
                    struct toyvmm_observation *out);

// ---- The host --------------------------------------------------------------

// What the probe found out about /dev/kvm by running a tiny guest.
struct toyvmm_probe {
    bool usable;
    char reason[256]; // one sentence: why not, or what was proved
    char vendor[16];  // host CPUID vendor string
    uint64_t took_ns; // how long the probe took
    size_t nmissing;  // what a stock kernel needs and this KVM lacks
    char missing[8][48];
};

// Runs the probe (reach long mode, set and read CPUID, take #BP through
// an IDT, cmpxchg16b, popcnt, xsave where offered), bounded in time. path is
// "/dev/kvm" unless a test gives another.
void toyvmm_probe(const char *path, struct toyvmm_probe *out);

#pragma GCC visibility pop
