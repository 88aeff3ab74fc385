// SPDX-License-Identifier: Apache-2.0
// The gateway's DHCP and names.
#include "src/net/services.h"
#include "src/tests/net_frames.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define HEADERS 42

static struct frame answer(struct frame question)
{
    struct frame reply = {.len = 0};
    reply.len = net_services_answer(question.bytes, question.len, reply.bytes);
    return reply;
}

// ---- DHCP ------------------------------------------------------------------

static struct frame dhcp(const uint8_t *options, size_t len)
{
    uint8_t m[400] = {1, 1, 6, 0, 0xde, 0xad, 0xbe, 0xef};
    memcpy(m + 28, "\2\0\0\0\0\1", 6);
    memcpy(m + 236, "\x63\x82\x53\x63", 4);
    memcpy(m + 240, options, len);
    return frame_udp(0xffffffff, 68, 67, m, 240 + len);
}

// The value of an option of an answer; NULL: not there.
static const uint8_t *option(const struct frame *f, uint8_t wanted)
{
    const uint8_t *at = f->bytes + HEADERS + 240;
    while (*at != 255 && *at != wanted)
        at += 2 + at[1];
    return *at == wanted ? at + 2 : NULL;
}

Test(net_dhcp, a_lease)
{
    struct frame offer = answer(dhcp((uint8_t[]){53, 1, 1, 255}, 4));
    const uint8_t *m = offer.bytes + HEADERS;
    cr_assert_eq(offer.len, HEADERS + 300U);
    cr_assert_eq(offer.bytes[0], 0xff);
    cr_assert_eq(frame_16(offer.bytes + 36), 68);
    cr_assert_eq(m[0], 2);
    cr_assert_eq(frame_32(m + 4), 0xdeadbeefU);
    cr_assert_eq(frame_32(m + 16), GUEST);
    cr_assert_eq(memcmp(m + 28, "\2\0\0\0\0\1\0\0", 8), 0);
    cr_assert_eq(*option(&offer, 53), 2);
    cr_assert_eq(frame_32(option(&offer, 54)), GATEWAY);
    cr_assert_eq(frame_32(option(&offer, 1)), 0xffffff00U);
    cr_assert_eq(frame_32(option(&offer, 3)), GATEWAY);
    cr_assert_eq(frame_32(option(&offer, 6)), NAMESERVER);
    cr_assert_eq(frame_32(option(&offer, 51)), 86400U);
    cr_assert_eq(memcmp(option(&offer, 15), "test", 4), 0);
    // Behind pads and options that nobody asked for.
    const uint8_t request[] = {0,  0, 61, 2,  9,  9, 53, 1, 3, 50, 4,
                               10, 0, 2,  15, 54, 4, 10, 0, 2, 2,  255};
    struct frame ack = answer(dhcp(request, sizeof request));
    cr_assert_eq(*option(&ack, 53), 5);
    cr_assert_eq(frame_32(ack.bytes + HEADERS + 16), GUEST);
}

Test(net_dhcp, what_cant_be_had)
{
    const uint8_t other[] = {53, 1, 3, 50, 4, 192, 168, 1, 7, 255};
    struct frame nak = answer(dhcp(other, sizeof other));
    cr_assert_eq(*option(&nak, 53), 6);
    cr_assert_eq(frame_32(nak.bytes + HEADERS + 16), 0U);
    cr_assert_null(option(&nak, 3));
    const uint8_t elsewhere[] = {53, 1, 3, 54, 4, 10, 0, 2, 9, 255};
    cr_assert_eq(answer(dhcp(elsewhere, sizeof elsewhere)).len, 0U);
    cr_assert_eq(answer(dhcp((uint8_t[]){53, 1, 7, 255}, 4)).len, 0U);
    cr_assert_eq(answer(dhcp((uint8_t[]){53, 4, 1}, 3)).len, 0U);
    cr_assert_eq(answer(dhcp((uint8_t[]){53}, 1)).len, 0U);
    cr_assert_eq(answer(dhcp((uint8_t[]){255}, 1)).len, 0U);
}

// ---- Names -----------------------------------------------------------------

static struct frame question(const char *name, uint16_t type)
{
    uint8_t m[300] = {0x12, 0x34, 1, 0, 0, 1};
    size_t at = 12;
    while (*name) {
        size_t n = strcspn(name, ".");
        m[at++] = (uint8_t)n;
        memcpy(m + at, name, n);
        at += n;
        name += n + (name[n] == '.');
    }
    m[at + 2] = (uint8_t)type;
    m[at + 4] = 1;
    return frame_udp(NAMESERVER, 5353, 53, m, at + 5);
}

static unsigned code(const struct frame *f)
{
    return f->bytes[HEADERS + 3] & 15U;
}

Test(net_dns, names)
{
    const struct {
        const char *name;
        uint32_t address;
    } known[] = {{"gateway", GATEWAY},
                 {"GateWay.TEST", GATEWAY},
                 {"dns.test", NAMESERVER},
                 {"guest", GUEST}};
    for (unsigned i = 0; i < 4; i++) {
        struct frame f = answer(question(known[i].name, 1));
        cr_assert(f.len > 16);
        cr_assert_eq(frame_32(f.bytes + 26), NAMESERVER);
        cr_assert_eq(frame_16(f.bytes + 36), 5353);
        cr_assert_eq(frame_16(f.bytes + HEADERS), 0x1234);
        cr_assert_eq(frame_16(f.bytes + HEADERS + 2), 0x8580);
        cr_assert_eq(frame_16(f.bytes + HEADERS + 6), 1);
        cr_assert_eq(frame_32(f.bytes + f.len - 4), known[i].address);
    }
    // No other kind of record of a name that is there is no error.
    struct frame f = answer(question("gateway", 28));
    cr_assert_eq(code(&f), 0U);
    cr_assert_eq(frame_16(f.bytes + HEADERS + 6), 0);
    const char *unknown[] = {"www.example.com", "gateway.example", "test",
                             "gateway.test.test", ""};
    for (unsigned i = 0; i < 5; i++) {
        f = answer(question(unknown[i], 1));
        cr_assert_eq(code(&f), 3U, "%s", unknown[i]);
        cr_assert_eq(frame_16(f.bytes + HEADERS + 6), 0);
    }
}

Test(net_dns, hostile)
{
    uint8_t m[64] = {0, 1, 1, 0, 0, 1};
    // A name without end, a pointer to itself, a label past the message.
    memset(m + 12, 1, 52);
    cr_assert_eq(answer(frame_udp(NAMESERVER, 9, 53, m, 64)).len, 0U);
    m[12] = 0xc0;
    m[13] = 12;
    cr_assert_eq(answer(frame_udp(NAMESERVER, 9, 53, m, 64)).len, 0U);
    m[12] = 63;
    cr_assert_eq(answer(frame_udp(NAMESERVER, 9, 53, m, 64)).len, 0U);
    m[2] = 0x80; // an answer is not answered
    m[12] = 0;
    cr_assert_eq(answer(frame_udp(NAMESERVER, 9, 53, m, 17)).len, 0U);
    for (size_t len = 0; len < 17; len++)
        cr_assert_eq(answer(frame_udp(NAMESERVER, 9, 53, m, len)).len, 0U);
}

// Bytes that are nobody's: the answer, if any, is a frame.
Test(net_services, noise)
{
    struct frame good[] = {dhcp((uint8_t[]){53, 1, 1, 255}, 4),
                           question("gateway.test", 1)};
    srand(1);
    for (unsigned i = 0; i < 200000; i++) {
        struct frame f = good[i & 1];
        for (int k = rand() % 6; k >= 0; k--)
            f.bytes[12 + (size_t)rand() % (f.len - 12)] = (uint8_t)rand();
        if (rand() % 4 == 0)
            f.len = (size_t)rand() % f.len;
        cr_assert_leq(answer(f).len, HEADERS + 576U);
    }
}
