// SPDX-License-Identifier: Apache-2.0
// See net_board.h.
#include "src/machine/net_board.h"

#include "src/net/tap.h"
#include "src/net/user.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(TOYVMM_FORWARDS_MAX == NET_FORWARDS_MAX &&
                   TOYVMM_REACH_MAX == NET_REACH_MAX,
               "as many ports as the network takes");

static int check_ports(const struct toyvmm_net *net, struct error *err)
{
    if (net->nforwards > TOYVMM_FORWARDS_MAX || net->nreach > TOYVMM_REACH_MAX)
        return error_set(err, -EINVAL,
                         "a network has at most %d forwards, and reaches %d "
                         "ports",
                         TOYVMM_FORWARDS_MAX, TOYVMM_REACH_MAX);
    return 0;
}

int toyvmm_check_net(const struct toyvmm_net *net, struct error *err)
{
    int code = 0;
    switch (net->kind) {
    case TOYVMM_NET_NONE:
        return 0;
    case TOYVMM_NET_USER:
        code = check_ports(net, err);
        return code < 0 ? code : net_user_check(err);
    case TOYVMM_NET_TAP:
        return net_tap_check(net->tap, err);
    }
    return error_set(err, -EINVAL, "no such kind of network");
}

static int open_user(struct net_board *net, const struct toyvmm_net *config,
                     struct error *err)
{
    struct net_user_setup setup = {.nforwards = config->nforwards};
    for (size_t i = 0; i < config->nforwards; i++)
        setup.forwards[i] = (struct net_forward){config->forwards[i].host,
                                                 config->forwards[i].guest};
    setup.filter.nreach = (unsigned)config->nreach;
    memcpy(setup.filter.reach, config->reach, sizeof setup.filter.reach);
    return net_user_open(&net->card.wire, net->loop, &setup, err);
}

static int build(struct net_board *net, const struct toyvmm_net *config,
                 struct error *err)
{
    int code = 0;
    if (config->pcap)
        net->card.wire.capture =
            net_capture_open(config->pcap, NET_CAPTURE_MAX, &code, err);
    if (code < 0)
        return code;
    return config->kind == TOYVMM_NET_TAP
               ? net_tap_open(&net->card.wire, net->loop, config->tap, err)
               : open_user(net, config, err);
}

struct net_board *net_board_new(const struct toyvmm_net *config,
                                struct loop *loop,
                                const struct guest_memory *memory, int *code,
                                struct error *err)
{
    struct net_board *net = calloc(1, sizeof *net);
    if (!net) {
        *code = error_set(err, -ENOMEM, "out of memory");
        return NULL;
    }
    *code = check_ports(config, err);
    if (*code < 0) {
        free(net);
        return NULL;
    }
    net->loop = loop;
    *code = virtio_net_init(&net->card, config->mac, net->loop, memory, err);
    if (*code == 0)
        *code = build(net, config, err);
    if (*code == 0)
        return net;
    net_board_free(net);
    return NULL;
}

void net_board_free(struct net_board *net)
{
    if (!net)
        return;
    virtio_net_destroy(&net->card);
    if (net->pci.device)
        virtio_pci_destroy(&net->pci);
    free(net);
}
