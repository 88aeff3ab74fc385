// SPDX-License-Identifier: Apache-2.0
// A scenario's network and sockets. See guest.h.
#include "harness/guests/guest_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// FNV-1a, 64 bits.
static uint64_t hash(uint64_t seed, const char *text)
{
    for (; *text; text++)
        seed = (seed ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
    return seed;
}

// The card's address: the same in each run of a test, wherever its files lie,
// and another one in another test, so that two on one tap bridge get along. It
// is a local one (bit 1 of the first byte).
static void make_mac(uint8_t mac[6], const struct scenario *s)
{
    const char *slash = strrchr(s->path, '/');
    uint64_t h =
        hash(UINT64_C(0xcbf29ce484222325), slash ? slash + 1 : s->path);
    h = hash(hash(h, "\n"), s->title);
    for (size_t i = 0; i < s->naxes; i++)
        for (size_t k = 0; k < s->nsettings; k++)
            if (!strcmp(s->settings[k].name, s->axes[i].name) &&
                s->settings[k].value.npieces)
                h = hash(hash(h, "\n"), s->settings[k].value.pieces[0].bytes);
    mac[0] = 0x02;
    for (unsigned i = 1; i < 6; i++)
        mac[i] = (uint8_t)(h >> (8 * i));
}

static int take_name(const char **field, const struct variables *v,
                     const struct text *t, struct error *err)
{
    size_t len;
    if (!t->npieces)
        return 0;
    *field = variables_expand(v, t, false, &len, err);
    return *field ? 0 : -EINVAL;
}

int guest_take_net(struct toyvmm_net *net, const struct scenario *s,
                   const struct variables *v, struct error *err)
{
    static const enum toyvmm_net_kind kinds[] = {
        [NET_NONE] = TOYVMM_NET_NONE,
        [NET_USER] = TOYVMM_NET_USER,
        [NET_TAP] = TOYVMM_NET_TAP,
    };
    *net = (struct toyvmm_net){.kind = kinds[s->net.kind]};
    for (size_t i = 0; i < s->net.nports; i++) {
        const struct net_port *p = &s->net.ports[i];
        if (p->forward && net->nforwards < TOYVMM_FORWARDS_MAX)
            net->forwards[net->nforwards++] =
                (struct toyvmm_forward){p->host, p->guest};
        else if (!p->forward && net->nreach < TOYVMM_REACH_MAX)
            net->reach[net->nreach++] = p->host;
    }
    make_mac(net->mac, s);
    char *pcap = NULL;
    int code = take_name(&net->tap, v, &s->net.tap, err);
    if (!code)
        code = guest_take_path(&pcap, s, v, &s->net.pcap, err);
    net->pcap = pcap;
    return code;
}

void guest_free_net(struct toyvmm_net *net)
{
    guest_free_text(net->tap);
    guest_free_text(net->pcap);
}

int guest_check_net(const struct scenario *s, struct error *err)
{
    struct variables v = {0};
    struct toyvmm_net net = {.kind = TOYVMM_NET_NONE};
    int code = variables_take_settings(&v, s, err);
    if (!code)
        code = guest_take_net(&net, s, &v, err);
    if (net.kind == TOYVMM_NET_NONE)
        net.kind = TOYVMM_NET_USER;
    if (!code)
        code = toyvmm_check_net(&net, err);
    guest_free_net(&net);
    variables_free(&v);
    return code;
}

int guest_take_vsock(struct toyvmm_vsock *vsock, const struct scenario *s,
                     const struct variables *v, struct error *err)
{
    char *path = NULL;
    int code = guest_take_path(&path, s, v, &s->vsock.path, err);
    *vsock = (struct toyvmm_vsock){.path = path, .cid = s->vsock.cid};
    return code;
}

void guest_free_vsock(struct toyvmm_vsock *vsock)
{
    guest_free_text(vsock->path);
}

int guest_check_vsock(const struct scenario *s, const struct variables *v,
                      struct error *err)
{
    struct toyvmm_vsock vsock = {.path = NULL};
    int code = guest_take_vsock(&vsock, s, v, err);
    if (!code)
        code = toyvmm_check_vsock(&vsock, err);
    guest_free_vsock(&vsock);
    return code == -EADDRINUSE ? 0 : code;
}
