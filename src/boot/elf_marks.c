// SPDX-License-Identifier: Apache-2.0
// What an ELF file says of itself: notes (System V ABI, "Note Section"), kinds
// of segments, texts; see elf.h.
#include "src/boot/elf.h"

#include <elf.h>
#include <string.h>

// A kernel's notes are hundreds of bytes.
#define NOTES_MAX 16384

// What all PT_LOADs together are searched for texts at most.
#define TEXTS_MAX (UINT64_C(512) << 20)

// Xen's public/elfnote.h; all under the owner "Xen".
#define XEN_GUEST_OS     6
#define XEN_PHYS32_ENTRY 18

struct note {
    uint32_t type;
    const char *owner; // owner_len bytes, the NUL among them
    size_t owner_len;
    const uint8_t *desc;
    size_t desc_len;
};

static bool owner_is(const struct note *note, const char *owner)
{
    size_t len = strlen(owner);
    // Some linkers' scripts leave the NUL out.
    return (note->owner_len == len || note->owner_len == len + 1) &&
           memcmp(note->owner, owner, len) == 0;
}

static void take_xen_note(const struct note *note, struct elf_marks *marks)
{
    if (note->type == XEN_GUEST_OS && note->desc_len >= 5 &&
        memcmp(note->desc, "linux", 5) == 0)
        marks->linux_kernel = true;
    if (note->type != XEN_PHYS32_ENTRY || note->desc_len < 4)
        return;
    marks->pvh = true;
    // Four bytes or eight, as the assembler's word was.
    memcpy(&marks->pvh_entry, note->desc, note->desc_len < 8 ? 4 : 8);
}

static const char *system_of_abi_tag(const struct note *note)
{
    static const char *const names[] = {
        NULL, "GNU/Hurd", "Solaris", "FreeBSD", "NetBSD", "Syllable",
    };
    uint32_t os;
    if (note->desc_len < sizeof(os))
        return NULL;
    memcpy(&os, note->desc, sizeof(os));
    return os < sizeof(names) / sizeof(names[0]) ? names[os] : NULL;
}

static void take_note(const struct note *note, struct elf_marks *marks)
{
    static const char *const systems[] = {"FreeBSD", "NetBSD", "OpenBSD",
                                          "DragonFly"};
    if (owner_is(note, "Xen"))
        take_xen_note(note, marks);
    // The build's salt (4.19), link-time optimisation (5.18), ...
    if (owner_is(note, "Linux"))
        marks->linux_kernel = true;
    if (owner_is(note, "GNU") && note->type == NT_GNU_ABI_TAG) {
        marks->program = true;
        marks->system = system_of_abi_tag(note);
    }
    if (owner_is(note, "Go"))
        marks->program = true;
    for (size_t i = 0; i < sizeof(systems) / sizeof(systems[0]); i++)
        if (owner_is(note, systems[i]))
            marks->system = systems[i];
}

// Takes one note off bytes; how many bytes it was, 0 at the end or when what
// is left is no note.
static size_t next_note(const uint8_t *bytes, size_t len, size_t align,
                        struct note *note)
{
    Elf64_Nhdr nh; // both classes have the same
    if (len < sizeof(nh))
        return 0;
    memcpy(&nh, bytes, sizeof(nh));
    if (nh.n_namesz > len || nh.n_descsz > len)
        return 0;
    const size_t mask = align - 1;
    size_t desc = (sizeof(nh) + nh.n_namesz + mask) & ~mask;
    size_t end = (desc + nh.n_descsz + mask) & ~mask;
    if (desc > len || nh.n_descsz > len - desc)
        return 0;
    *note = (struct note){
        .type = nh.n_type,
        .owner = (const char *)bytes + sizeof(nh),
        .owner_len = nh.n_namesz,
        .desc = bytes + desc,
        .desc_len = nh.n_descsz,
    };
    return end < len ? end : len;
}

static int read_notes(const struct elf_file *elf, const struct elf_segment *s,
                      struct elf_marks *marks, struct error *err)
{
    uint8_t bytes[NOTES_MAX];
    const uint64_t size = elf->image->size;
    if (s->offset >= size)
        return 0;
    uint64_t len = s->file_size;
    if (len > size - s->offset)
        len = size - s->offset;
    if (len > sizeof(bytes))
        len = sizeof(bytes);
    int rc = image_read(elf->image, s->offset, bytes, len, err);
    if (rc < 0)
        return rc;
    // Only a segment that says so has notes that are aligned to 8.
    const size_t align = s->align == 8 ? 8 : 4;
    struct note note;
    size_t at = 0;
    size_t n;
    while ((n = next_note(bytes + at, (size_t)len - at, align, &note)) != 0) {
        take_note(&note, marks);
        at += n;
    }
    return 0;
}

static const char *system_of_abi(uint8_t os)
{
    switch (os) {
    case ELFOSABI_NETBSD:
        return "NetBSD";
    case ELFOSABI_SOLARIS:
        return "Solaris";
    case ELFOSABI_FREEBSD:
        return "FreeBSD";
    case ELFOSABI_OPENBSD:
        return "OpenBSD";
    default:
        return NULL;
    }
}

int elf_read_marks(const struct elf_file *elf, struct elf_marks *marks,
                   struct error *err)
{
    *marks = (struct elf_marks){0};
    for (size_t i = 0; i < elf->count; i++) {
        const struct elf_segment *s = &elf->segments[i];
        if (s->type == PT_INTERP || s->type == PT_TLS)
            marks->program = true;
        if (s->type != PT_NOTE)
            continue;
        int rc = read_notes(elf, s, marks, err);
        if (rc < 0)
            return rc;
    }
    if (system_of_abi(elf->os))
        marks->system = system_of_abi(elf->os);
    return 0;
}

int elf_read_texts(const struct elf_file *elf, struct elf_texts *texts,
                   struct error *err)
{
    // Linux's banner goes on with its number; a boot loader's messages about
    // Linux don't. The last is what opens each of Limine's requests.
    static const struct image_needle needles[] = {
        {"Linux version 2.", 16},
        {"Linux version 3.", 16},
        {"Linux version 4.", 16},
        {"Linux version 5.", 16},
        {"Linux version 6.", 16},
        {"Linux version 7.", 16},
        {"U-Boot 20", 9},
        {"\x88\x8b\x4c\xdf\x30\xdd\xb1\xc7"
         "\x7b\xf0\x94\xa1\x83\xe8\x82\x0a",
         16},
    };
    enum { LINUX = 0x3f, U_BOOT = 0x40, LIMINE = 0x80 };
    uint32_t found = 0;
    uint64_t left = TEXTS_MAX;
    *texts = (struct elf_texts){0};
    for (size_t i = 0; i < elf->count && !(found & LINUX); i++) {
        const struct elf_segment *s = &elf->segments[i];
        if (s->type != PT_LOAD || s->offset >= elf->image->size)
            continue;
        uint64_t len = elf->image->size - s->offset;
        len = s->file_size < len ? s->file_size : len;
        len = len < left ? len : left;
        left -= len;
        uint32_t here;
        int rc = image_search(elf->image, s->offset, len, needles,
                              sizeof(needles) / sizeof(needles[0]), LINUX,
                              &here, err);
        if (rc < 0)
            return rc;
        found |= here;
    }
    texts->linux_kernel = found & LINUX;
    texts->u_boot = found & U_BOOT;
    texts->limine = found & LIMINE;
    return 0;
}
