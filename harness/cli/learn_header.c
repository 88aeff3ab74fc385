// SPDX-License-Identifier: Apache-2.0
// From a machine to a header. See learn_header.h.
#include "harness/cli/learn_header.h"

#include "harness/learn/learn.h"
#include "harness/scenario/variables.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct header {
    FILE *f;
    char folder[PATH_MAX]; // of the new file, with a slash at its end
    const struct scenario *s;
    const struct guest_overrides *overrides;
    const struct guest *guest;
};

static void put_text(FILE *f, const char *text)
{
    learn_put_text(f, text, strlen(text));
}

// The folder that a file is in, as the kernel calls it.
static int find_folder(const char *path, char out[PATH_MAX], struct error *err)
{
    char given[PATH_MAX], real[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int n = slash ? (int)(slash - path + 1) : 0;
    snprintf(given, sizeof(given), "%.*s.", n, path);
    if (!realpath(given, real))
        return error_errno(err, errno, "%.*s", n ? n : 1, n ? path : ".");
    snprintf(out, PATH_MAX, "%.*s%s", PATH_MAX - 2, real,
             strcmp(real, "/") ? "/" : "");
    return 0;
}

static void put_path(const struct header *h, const char *path)
{
    char real[PATH_MAX];
    const char *name = realpath(path, real) ? real : path;
    size_t n = strlen(h->folder);
    if (!strncmp(name, h->folder, n) && name[n])
        name += n;
    put_text(h->f, name);
}

static void put_file(const struct header *h, const char *word,
                     const struct text *given, const char *override,
                     const char *path)
{
    if (!path || (!override && !(given && given->npieces)))
        return;
    fprintf(h->f, "%s ", word);
    put_path(h, path);
    fputc('\n', h->f);
}

static void put_files(const struct header *h)
{
    const struct scenario *s = h->s;
    const struct guest_overrides *o = h->overrides;
    put_file(h, "kernel", s ? &s->kernel : NULL, o->kernel, h->guest->kernel);
    put_file(h, "initrd", s ? &s->initrd : NULL, o->initrd, h->guest->initrd);
    put_file(h, "symbols", s ? &s->symbols : NULL, NULL, h->guest->symbols);
}

static bool is_more(const char *cmdline)
{
    return cmdline && *cmdline == '+';
}

static int put_scenarios_words(const struct header *h, struct error *err)
{
    struct variables v = {0};
    size_t len;
    int code = variables_take_settings(&v, h->s, err);
    char *text =
        code ? NULL : variables_expand(&v, &h->s->cmdline, false, &len, err);
    if (text) {
        fputs("cmdline + ", h->f);
        learn_put_text(h->f, text, len);
        fputc('\n', h->f);
    }
    free(text);
    variables_free(&v);
    return text ? 0 : -EINVAL;
}

// What is behind the guest's own stays behind it; else all of it is named.
static int put_cmdline(const struct header *h, struct error *err)
{
    const char *more = h->overrides->cmdline;
    bool given = h->s && h->s->cmdline.npieces;
    bool adds = !more || is_more(more);
    if (!given && !more)
        return 0;
    if (!adds || (given && !h->s->cmdline_appends) || !h->s || !h->s->guest) {
        fputs("cmdline ", h->f);
        put_text(h->f, h->guest->cmdline);
        fputc('\n', h->f);
        return 0;
    }
    int code = given ? put_scenarios_words(h, err) : 0;
    if (more) {
        fputs("cmdline + ", h->f);
        put_text(h->f, more + 1 + strspn(more + 1, " "));
        fputc('\n', h->f);
    }
    return code;
}

static void put_size(const struct header *h)
{
    uint64_t k = h->guest->memory >> 10;
    const char *word = guest_backing_word(h->guest->backing);
    if (h->overrides->memory || (h->s && h->s->memory))
        fprintf(h->f, "memory %" PRIu64 "%c %s\n", k % 1024 ? k : k / 1024,
                k % 1024 ? 'K' : 'M', word ? word : "");
    if (h->guest->cpus > 1)
        fprintf(h->f, "cpus %u\n", h->guest->cpus);
}

// Those behind the guest's own.
static void put_disks(const struct header *h)
{
    static const char *const modes[] = {
        [TOYVMM_DISK_DROPS] = "",
        [TOYVMM_DISK_READONLY] = " readonly",
        [TOYVMM_DISK_WRITABLE] = " writable",
    };
    size_t n = h->guest->ndisks;
    for (size_t i = n - (h->s ? h->s->ndisks : 0); i < n; i++) {
        const struct toyvmm_disk *d = &h->guest->disks[i];
        fputs("disk ", h->f);
        put_path(h, d->path);
        fputs(modes[d->mode], h->f);
        if (d->serial) {
            fputs(" serial ", h->f);
            put_text(h->f, d->serial);
        }
        fputc('\n', h->f);
    }
}

static void put_net(const struct header *h)
{
    const struct toyvmm_net *net = &h->guest->net;
    switch (net->kind) {
    case TOYVMM_NET_NONE:
        return;
    case TOYVMM_NET_USER:
        fputs("net user", h->f);
        break;
    case TOYVMM_NET_TAP:
        fputs("net tap ", h->f);
        put_text(h->f, net->tap);
        break;
    }
    for (size_t i = 0; i < net->nforwards; i++)
        fprintf(h->f, " forward %u:%u", net->forwards[i].host,
                net->forwards[i].guest);
    for (size_t i = 0; i < net->nreach; i++)
        fprintf(h->f, " reach %u", net->reach[i]);
    if (net->pcap) {
        fputs(" pcap ", h->f);
        put_path(h, net->pcap);
    }
    fputc('\n', h->f);
}

static void put_devices(const struct header *h)
{
    const struct guest *g = h->guest;
    put_disks(h);
    put_net(h);
    if (g->vsock.path) {
        fputs("vsock ", h->f);
        put_path(h, g->vsock.path);
        if (g->vsock.cid)
            fprintf(h->f, " cid %u", g->vsock.cid);
        fputc('\n', h->f);
    }
    for (size_t i = 0; i < g->nfolders; i++) {
        fputs("share ", h->f);
        put_path(h, g->folders[i].path);
        fputs(" as ", h->f);
        put_text(h->f, g->folders[i].tag);
        fputs(g->folders[i].writable ? " writable\n" : "\n", h->f);
    }
    if (g->ports)
        fprintf(h->f, "serial %u\n", g->ports);
    for (size_t i = 0; i < g->nnamed; i++) {
        fputs("port ", h->f);
        put_text(h->f, g->named[i]);
        fputc('\n', h->f);
    }
    if (g->mmio)
        fputs("machine mmio\n", h->f);
}

static void put_needs(const struct header *h)
{
    static const char *const words[] = {
        [NEED_KVM] = "kvm",
        [NEED_RIG] = "rig",
        [NEED_NET] = "net",
        [NEED_GUEST] = "guest",
    };
    for (size_t i = 0; h->s && i < h->s->nneeds; i++) {
        const struct need *need = &h->s->needs[i];
        fprintf(h->f, "needs %s %s\n", words[need->kind],
                need->guest ? need->guest : "");
    }
}

static int put_all(const struct header *h, struct error *err)
{
    if (h->s && h->s->guest)
        fprintf(h->f, "guest %s\n", h->s->guest);
    put_files(h);
    int code = put_cmdline(h, err);
    put_size(h);
    put_devices(h);
    put_needs(h);
    return code;
}

char *learn_header(const char *path, const struct scenario *s,
                   const struct guest_overrides *overrides,
                   const struct guest *guest, struct error *err)
{
    struct header h = {.s = s, .overrides = overrides, .guest = guest};
    char *text = NULL;
    size_t len;
    int code = find_folder(path, h.folder, err);
    if (code)
        return NULL;
    h.f = open_memstream(&text, &len);
    code = h.f ? put_all(&h, err) : error_set(err, -ENOMEM, "out of memory");
    if (h.f && fclose(h.f) && !code)
        code = error_set(err, -ENOMEM, "out of memory");
    if (!code)
        return text;
    free(text);
    return NULL;
}
