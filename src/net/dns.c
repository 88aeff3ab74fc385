// SPDX-License-Identifier: Apache-2.0
// A name server that knows the names of its own network (RFC 1035).
#include "src/net/filter.h"
#include "src/net/packet.h"
#include "src/net/service.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

enum { // the header
    FLAGS = 2,
    QUESTIONS = 4,
    ANSWERS = 6,
    HEADER_LEN = 12,
};

enum {
    F_RESPONSE = 0x8000,
    F_OPCODE = 0x7800,
    F_AUTHORITATIVE = 0x0400,
    F_WANTS_RECURSION = 0x0100,
    F_RECURSES = 0x0080,
    NAME_ERROR = 3,
    NOT_IMPLEMENTED = 4,
};

enum { TYPE_A = 1, TYPE_ANY = 255, CLASS_IN = 1, CLASS_ANY = 255 };

#define TTL_S        60
#define NAME_LEN_MAX 255

static const struct {
    const char *name;
    uint32_t address;
} names[] = {
    {"gateway", NET_USER_GATEWAY},
    {"dns", NET_USER_NAMESERVER},
    {"guest", NET_USER_GUEST},
};

// Reads the name at HEADER_LEN as "a.b" into text, in small letters, and
// returns where it ends; 0 when it isn't one. A question's name is not
// compressed: there is nothing before it.
static size_t read_name(const uint8_t *in, size_t len,
                        char text[NAME_LEN_MAX + 1])
{
    size_t at = HEADER_LEN, n = 0;
    while (at < len && in[at]) {
        size_t label = in[at++];
        if (label > 63 || at + label > len || n + label + 1 > NAME_LEN_MAX)
            return 0;
        if (n)
            text[n++] = '.';
        for (size_t i = 0; i < label; i++)
            // A dot within a label, or a NUL, is no name of ours.
            text[n++] = isalnum(in[at + i]) ? (char)tolower(in[at + i]) : '-';
        at += label;
    }
    text[n] = '\0';
    return at < len ? at + 1 : 0;
}

static bool find(char *name, uint32_t *address)
{
    static const char domain[] = ".test";
    size_t len = strlen(name), tail = sizeof domain - 1;
    if (len > tail && !strcmp(name + len - tail, domain))
        name[len - tail] = '\0';
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!strcmp(names[i].name, name)) {
            *address = names[i].address;
            return true;
        }
    }
    return false;
}

// The record of the question's name, to which it points.
static size_t put_address(uint8_t *at, uint32_t address)
{
    put16(at, 0xc000 | HEADER_LEN);
    put16(at + 2, TYPE_A);
    put16(at + 4, CLASS_IN);
    put32(at + 6, TTL_S);
    put16(at + 10, 4);
    put32(at + 12, address);
    return 16;
}

size_t net_dns_answer(const uint8_t *in, size_t len, uint8_t *out)
{
    char name[NAME_LEN_MAX + 1];
    uint32_t address;
    if (len < HEADER_LEN || (get16(in + FLAGS) & F_RESPONSE) ||
        get16(in + QUESTIONS) != 1)
        return 0;
    size_t end = read_name(in, len, name);
    if (!end || end + 4 > len || end + 4 + 16 > NET_SERVICE_MAX)
        return 0;
    uint16_t type = get16(in + end), class = get16(in + end + 2);
    unsigned asked = get16(in + FLAGS);
    unsigned flags = F_RESPONSE | F_AUTHORITATIVE | F_RECURSES |
                     (asked & (F_WANTS_RECURSION | F_OPCODE));
    end += 4;
    // What stands behind the question (EDNS) is not answered.
    memcpy(out, in, end);
    memset(out + ANSWERS, 0, HEADER_LEN - ANSWERS);
    bool known = (class == CLASS_IN || class == CLASS_ANY) &&
                 !(asked & F_OPCODE) && find(name, &address);
    if (known && (type == TYPE_A || type == TYPE_ANY)) {
        put16(out + ANSWERS, 1);
        end += put_address(out + end, address);
    }
    if (asked & F_OPCODE)
        flags |= NOT_IMPLEMENTED;
    else if (!known)
        flags |= NAME_ERROR;
    put16(out + FLAGS, (uint16_t)flags);
    return end;
}
