// SPDX-License-Identifier: Apache-2.0
// Key names and their bytes as xterm and a VT220 send them. For
// harness/scenario and harness/learn.
#include "harness/scenario/keys.h"

#include <stdio.h>
#include <string.h>

#define KEY(name, bytes)                                                       \
    {                                                                          \
        name, bytes, sizeof(bytes) - 1, false                                  \
    }

static const struct key keys[] = {
    KEY("enter", "\r"),       KEY("tab", "\t"),
    KEY("esc", "\x1b"),       KEY("space", " "),
    KEY("backspace", "\x7f"), KEY("delete", "\x1b[3~"),
    KEY("insert", "\x1b[2~"), KEY("up", "\x1b[A"),
    KEY("down", "\x1b[B"),    KEY("right", "\x1b[C"),
    KEY("left", "\x1b[D"),    KEY("home", "\x1b[H"),
    KEY("end", "\x1b[F"),     KEY("pgup", "\x1b[5~"),
    KEY("pgdn", "\x1b[6~"),   KEY("f1", "\x1bOP"),
    KEY("f2", "\x1bOQ"),      KEY("f3", "\x1bOR"),
    KEY("f4", "\x1bOS"),      KEY("f5", "\x1b[15~"),
    KEY("f6", "\x1b[17~"),    KEY("f7", "\x1b[18~"),
    KEY("f8", "\x1b[19~"),    KEY("f9", "\x1b[20~"),
    KEY("f10", "\x1b[21~"),   KEY("f11", "\x1b[23~"),
    KEY("f12", "\x1b[24~"),   {"break", "", 0, true},
};

static const char ctrl[] = "ctrl-";
#define CTRL_LEN (sizeof(ctrl) - 1)

// Control characters are the letter's code without its upper bits; DEL is the
// one that is written with a question mark (ECMA-48 and its caret notation).
static bool control_code(char letter, char *code)
{
    if (letter >= 'a' && letter <= 'z')
        *code = (char)(letter - 'a' + 1);
    else if (letter >= '@' && letter <= '_' &&
             !(letter >= 'A' && letter <= 'Z'))
        *code = (char)(letter - '@');
    else if (letter == '?')
        *code = '\x7f';
    else
        return false;
    return true;
}

bool key_find(const char *name, size_t len, struct arena *arena,
              struct key *out)
{
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (strlen(keys[i].name) == len && !memcmp(keys[i].name, name, len)) {
            *out = keys[i];
            return true;
        }
    }
    char code;
    if (len != CTRL_LEN + 1 || memcmp(name, ctrl, CTRL_LEN) != 0 ||
        !control_code(name[CTRL_LEN], &code))
        return false;
    out->name = arena_copy(arena, name, len);
    out->bytes = arena_copy(arena, &code, 1);
    out->len = 1;
    out->serial_break = false;
    return true;
}

size_t key_name(const char *bytes, size_t len, char name[KEY_NAME_MAX])
{
    size_t used = 0;
    unsigned char first = len ? (unsigned char)*bytes : ' ';
    if (first >= ' ' && first != '\x7f')
        return 0;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        const struct key *k = &keys[i];
        if (k->len > used && k->len <= len &&
            !memcmp(k->bytes, bytes, k->len)) {
            used = k->len;
            snprintf(name, KEY_NAME_MAX, "%s", k->name);
        }
    }
    if (used)
        return used;
    snprintf(name, KEY_NAME_MAX, "%s%c", ctrl,
             first && first <= 26 ? first - 1 + 'a' : first + '@');
    return 1;
}

void key_offer_all(struct nearest *n, struct arena *arena)
{
    // Of the many ctrl- keys only the one with the same last letter.
    char code;
    if (n->len && control_code(n->word[n->len - 1], &code))
        nearest_offer(n,
                      arena_printf(arena, "%s%c", ctrl, n->word[n->len - 1]));
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        nearest_offer(n, keys[i].name);
}
