// SPDX-License-Identifier: Apache-2.0
// The line with the echo. See echo.h. Only what line editors use of a terminal
// is done (readline, BusyBox, linenoise on a vt100); all else is passed over.
#include "harness/learn/echo.h"

#include "harness/console/lines.h"

#include <stdlib.h>
#include <string.h>

#define ESC '\x1b'

static size_t put_utf8(char *out, uint32_t point)
{
    unsigned char *b = (unsigned char *)out;
    if (point < 0x80) {
        b[0] = (unsigned char)point;
        return 1;
    }
    size_t n = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = n; i-- > 1; point >>= 6)
        b[i] = (unsigned char)(0x80 | (point & 0x3f));
    b[0] = (unsigned char)(lead[n] | point);
    return n;
}

static size_t to_text(const uint32_t *cells, size_t n, char out[ECHO_TEXT])
{
    size_t len = 0;
    for (size_t i = 0; i < n; i++)
        len += put_utf8(out + len, cells[i]);
    out[len] = '\0';
    return len;
}

static void put_cell(struct echo *e, uint32_t point)
{
    if (e->at >= ECHO_CELLS) {
        e->long_line = true;
        return;
    }
    while (e->len < e->at)
        e->cells[e->len++] = ' ';
    e->cells[e->at++] = point;
    if (e->len < e->at)
        e->len = e->at;
}

static void clear_line(struct echo *e)
{
    e->len = e->at = 0;
    e->long_line = false;
}

// A kernel message in it was the kernel's, and so is the line's end.
static bool drop_message(struct echo *e)
{
    char text[ECHO_TEXT];
    struct console_line line;
    size_t len = to_text(e->cells, e->len, text);
    console_line_split(text, len, &line);
    if (!line.kernel)
        return false;
    // Back from bytes to characters.
    size_t n = 0;
    for (size_t i = 0; i < line.plain; i++)
        n += ((unsigned char)text[i] & 0xc0) != 0x80;
    e->len = e->at = n;
    return true;
}

static void end_line(struct echo *e)
{
    if (drop_message(e))
        return;
    if (e->armed) {
        memcpy(e->kept, e->cells, e->len * sizeof(*e->cells));
        e->kept_len = e->len;
        e->armed = false;
        e->caught = true;
    }
    clear_line(e);
}

static size_t param(const struct echo *e, size_t otherwise)
{
    size_t n = strtoul(e->params, NULL, 10);
    return n ? n < ECHO_CELLS ? n : ECHO_CELLS : otherwise;
}

static void erase(struct echo *e)
{
    size_t row = e->at - e->at % ECHO_WIDTH;
    if (e->params[0] == '1' || e->params[0] == '2')
        for (size_t i = row; i <= e->at && i < e->len; i++)
            e->cells[i] = ' ';
    if (e->params[0] != '1' && e->len > e->at)
        e->len = e->at;
}

static void delete_cells(struct echo *e, size_t n)
{
    if (e->at >= e->len)
        return;
    n = n < e->len - e->at ? n : e->len - e->at;
    memmove(e->cells + e->at, e->cells + e->at + n,
            (e->len - e->at - n) * sizeof(*e->cells));
    e->len -= n;
}

static void insert_cells(struct echo *e, size_t n)
{
    if (e->at >= e->len)
        return;
    size_t room = ECHO_CELLS - e->len;
    n = n < room ? n : room;
    memmove(e->cells + e->at + n, e->cells + e->at,
            (e->len - e->at) * sizeof(*e->cells));
    for (size_t i = 0; i < n; i++)
        e->cells[e->at + i] = ' ';
    e->len += n;
}

static void move(struct echo *e, size_t back, size_t forth)
{
    e->at -= back < e->at ? back : e->at;
    e->at = e->at + forth < ECHO_CELLS ? e->at + forth : ECHO_CELLS;
}

// CSI ... final (ECMA-48, 8.3).
static void control(struct echo *e, char final)
{
    size_t row = e->at - e->at % ECHO_WIDTH;
    bool private = e->params[0] == '?';
    switch (final) {
    case 'A':
        move(e, param(e, 1) * ECHO_WIDTH, 0);
        break;
    case 'B':
        move(e, 0, param(e, 1) * ECHO_WIDTH);
        break;
    case 'C':
        move(e, 0, param(e, 1));
        break;
    case 'D':
        move(e, param(e, 1), 0);
        break;
    case 'G':
        e->at = row + (param(e, 1) - 1) % ECHO_WIDTH;
        break;
    case 'K':
    case 'J':
        erase(e);
        break;
    case 'P':
        delete_cells(e, param(e, 1));
        break;
    case '@':
        insert_cells(e, param(e, 1));
        break;
    case 'H':
    case 'f':
        e->addressed = true;
        clear_line(e);
        break;
    case 'h':
        if (private && strstr(e->params, "1049"))
            e->addressed = true;
        break;
    default:
        break;
    }
}

static void take_text(struct echo *e, uint8_t byte)
{
    if (e->need && (byte & 0xc0) == 0x80) {
        e->point = e->point << 6 | (byte & 0x3f);
        if (--e->need == 0)
            put_cell(e, e->point);
        return;
    }
    e->need = 0;
    if (byte >= 0xc2 && byte <= 0xf4) {
        e->need = byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : 1;
        e->point = byte & (0x3fU >> e->need);
        return;
    }
    if (byte >= 0x20 && byte < 0x7f)
        put_cell(e, byte);
    else if (byte >= 0x80)
        put_cell(e, 0xfffd);
    else if (byte == '\n')
        end_line(e);
    else if (byte == '\r')
        e->at -= e->at % ECHO_WIDTH;
    else if (byte == '\b')
        move(e, 1, 0);
    else if (byte == '\t')
        move(e, 0, 8 - e->at % 8);
}

static void take_escape(struct echo *e, uint8_t byte)
{
    e->nparams = 0;
    memset(e->params, 0, sizeof(e->params));
    e->state = byte == '['                      ? ECHO_CSI
               : byte && strchr("]P_^X", byte)  ? ECHO_STRING
               : byte && strchr("()*+#%", byte) ? ECHO_CHARSET
                                                : ECHO_GROUND;
}

static void take_csi(struct echo *e, uint8_t byte)
{
    // The kernel cuts in.
    if (byte < 0x20 || byte >= 0x7f || byte == '[') {
        e->state = ECHO_GROUND;
        take_text(e, byte);
    } else if (byte < 0x40) {
        if (e->nparams < sizeof(e->params) - 1)
            e->params[e->nparams++] = (char)byte;
    } else {
        e->state = ECHO_GROUND;
        control(e, (char)byte);
    }
}

void echo_feed(struct echo *e, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        uint8_t byte = bytes[i];
        switch (e->state) {
        case ECHO_GROUND:
            if (byte == ESC)
                e->state = ECHO_ESC;
            else
                take_text(e, byte);
            break;
        case ECHO_ESC:
            take_escape(e, byte);
            break;
        case ECHO_CSI:
            take_csi(e, byte);
            break;
        case ECHO_STRING: // ends with its line at the latest
            if (byte == '\a' || byte == '\n')
                e->state = ECHO_GROUND;
            else if (byte == ESC)
                e->state = ECHO_ESC;
            break;
        case ECHO_CHARSET:
            e->state = ECHO_GROUND;
            break;
        }
    }
}

void echo_begin(struct echo *e)
{
    e->prompt_len = e->at < e->len ? e->at : e->len;
    memcpy(e->prompt, e->cells, e->prompt_len * sizeof(*e->cells));
    e->armed = e->caught = false;
}

void echo_enter(struct echo *e)
{
    e->armed = true;
    e->caught = false;
}

enum echo_found echo_find(const struct echo *e, char out[ECHO_TEXT],
                          size_t *len)
{
    const uint32_t *line = e->caught ? e->kept : e->cells;
    size_t n = e->caught ? e->kept_len : e->len;
    size_t skip = e->prompt_len;
    *len = 0;
    out[0] = '\0';
    // Blanks at a prompt's end may not have been painted again.
    while (skip > n && e->prompt[skip - 1] == ' ')
        skip--;
    bool lost = e->long_line || n < skip ||
                memcmp(line, e->prompt, skip * sizeof(*line)) != 0;
    skip = lost ? 0 : skip;
    *len = to_text(line + skip, n - skip, out);
    while (*len && out[*len - 1] == ' ')
        out[--*len] = '\0';
    if (lost)
        return ECHO_LOST;
    return strspn(out, "*") == *len ? ECHO_HIDDEN : ECHO_SHOWN;
}
