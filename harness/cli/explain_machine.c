// SPDX-License-Identifier: Apache-2.0
// --explain: the machine that would be booted. See explain_internal.h.
#include "harness/cli/explain_internal.h"
#include "harness/guests/guest.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

// How the note of a guest begins that runs instead of another.
#define FALLBACK "fell back to "

// ---- The machine ------------------------------------------------------------

static void put_disks(const struct explainer *e, const struct guest *g)
{
    static const char *const modes[] = {
        [TOYVMM_DISK_DROPS] = "what the guest writes is dropped",
        [TOYVMM_DISK_READONLY] = "read-only",
        [TOYVMM_DISK_WRITABLE] = "what the guest writes changes it",
    };
    for (size_t i = 0; i < g->ndisks; i++) {
        const struct toyvmm_disk *d = &g->disks[i];
        const char *format = toyvmm_disk_format(d->path);
        FILE *f = explain_line(e, i ? "" : "disks");
        fprintf(f, "vd%c: %s, ", (char)('a' + i), d->path);
        if (format && strcmp(format, "raw") != 0)
            fprintf(f, "%s by qemu-storage-daemon, ", format);
        fputs(modes[d->mode], f);
        if (d->serial)
            fprintf(e->w.f, ", serial number %s", d->serial);
        fputc('\n', e->w.f);
    }
}

// "02:...": the address of the guest's card.
static void put_mac(FILE *f, const uint8_t mac[6])
{
    for (unsigned i = 0; i < 6; i++)
        fprintf(f, "%s%02x", i ? ":" : "", mac[i]);
}

static void put_net(const struct explainer *e, const struct toyvmm_net *net)
{
    if (net->kind == TOYVMM_NET_NONE)
        return;
    FILE *f = explain_line(e, "network");
    if (net->kind == TOYVMM_NET_TAP)
        fprintf(f, "eth0: the tap interface %s, address ", net->tap);
    else
        fputs("eth0: 10.0.2.15 by DHCP, gateway 10.0.2.2, nothing else, "
              "address ",
              f);
    put_mac(f, net->mac);
    fputc('\n', f);
    for (size_t i = 0; i < net->nforwards; i++)
        fprintf(explain_line(e, ""),
                "port %u of this machine's loopback is the "
                "guest's port %u\n",
                net->forwards[i].host, net->forwards[i].guest);
    for (size_t i = 0; i < net->nreach; i++)
        fprintf(explain_line(e, ""),
                "the gateway's port %u is that of this machine's "
                "loopback\n",
                net->reach[i]);
    if (net->pcap)
        fprintf(explain_line(e, ""), "its frames are written to %s\n",
                net->pcap);
}

static void put_vsock(const struct explainer *e,
                      const struct toyvmm_vsock *vsock)
{
    if (!vsock->path)
        return;
    fprintf(explain_line(e, "sockets"),
            "CID %" PRIu32 ": a program here reaches the guest's port by %s "
            "and \"CONNECT PORT\",\n",
            vsock->cid ? vsock->cid : TOYVMM_VSOCK_CID, vsock->path);
    fprintf(explain_line(e, ""),
            "the guest that connects to CID 2 one that listens on %s_PORT\n",
            vsock->path);
}

static void put_shares(const struct explainer *e, const struct guest *g)
{
    for (size_t i = 0; i < g->nfolders; i++) {
        const struct toyvmm_folder *folder = &g->folders[i];
        fprintf(explain_line(e, i ? "" : "shares"), "%s: %s, %s\n", folder->tag,
                folder->path,
                folder->writable ? "what the guest writes changes it"
                                 : "read-only");
    }
}

static int put_guest(const struct explainer *e, const struct guest *g)
{
    const struct scenario *s = e->w.scenario;
    FILE *f = explain_line(e, "guest");
    if (s->guest && strcmp(s->guest, g->name) != 0)
        fprintf(f, "%s, which is %s\n", s->guest, g->name);
    else
        fprintf(f, "%s\n", g->name);
    if (g->note)
        fprintf(explain_line(e, ""), "%s\n", g->note);
    if (g->note && !strncmp(g->note, FALLBACK, strlen(FALLBACK)))
        fprintf(explain_line(e, ""), "a run tries to build or fetch %s first\n",
                s->guest);
    fprintf(explain_line(e, "kernel"), "%s\n", g->kernel);
    fprintf(explain_line(e, "initrd"), "%s\n", g->initrd ? g->initrd : "none");
    fprintf(explain_line(e, "command line"), "%s\n", g->cmdline);
    const char *backing = guest_backing_word(g->backing);
    fprintf(explain_line(e, "memory"), "%" PRIu64 "M%s%s\n", g->memory >> 20,
            backing ? ", " : "", backing ? backing : "");
    fprintf(explain_line(e, "cpus"), "%u\n", g->cpus);
    uint64_t boots = e->o->repeat ? (uint64_t)e->o->repeat : s->repeats;
    if (boots > 1 || e->o->warmups)
        fprintf(explain_line(e, "boots"), "%" PRIu64 "\n", boots ? boots : 1);
    if (e->o->warmups)
        fprintf(explain_line(e, ""), "and %d before them, not counted\n",
                e->o->warmups);
    fprintf(explain_line(e, "serial ports"), "ttyS0");
    unsigned ports = s->serial_ports ? s->serial_ports : TOYVMM_UARTS;
    fprintf(f, ports > 1 ? " to ttyS%u\n" : "\n", ports - 1);
    if (g->mmio)
        fprintf(explain_line(e, "machine"),
                "virtio behind registers in memory, no PCI\n");
    if (g->console || g->nnamed)
        fprintf(explain_line(e, "console"), "hvc0, on virtio\n");
    for (size_t i = 0; i < g->nnamed; i++)
        fprintf(explain_line(e, port_name(PORT_NAMED + (unsigned)i)),
                "%s, /dev/virtio-ports/%s in the guest\n", g->named[i],
                g->named[i]);
    put_disks(e, g);
    put_net(e, &g->net);
    put_vsock(e, &g->vsock);
    put_shares(e, g);
    struct error err = {""};
    int code = guest_check(g, &err);
    if (code)
        fprintf(explain_line(e, "but"), "%s\n", err.text);
    return code == -EINVAL ? code : 0;
}

int explain_machine(const struct explainer *e)
{
    const struct scenario *s = e->w.scenario;
    struct guest guest = {0};
    struct error err = {""};
    explain_title(e, "machine");
    // Found now, a guest is not built when it is asked for again.
    int code = s->guest ? guest_conf_look(&guest, s->guest, &err) : 0;
    guest_free(&guest);
    if (code)
        fprintf(explain_line(e, "guest"), "%s: %s\n", s->guest,
                code == -EINVAL ? err.text
                                : "not there yet: a run builds or fetches it");
    if (!code) {
        code = guest_make(&guest, s, selected_machine(e->one, &e->o->machine),
                          &err);
        if (code)
            fprintf(explain_line(e, "guest"), "%s\n", err.text);
        else
            code = put_guest(e, &guest);
        guest_free(&guest);
    }
    return code == -EINVAL ? code : 0;
}
