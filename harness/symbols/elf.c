// SPDX-License-Identifier: Apache-2.0
// Symbols of an ELF vmlinux: its symbol table (System V ABI, "Symbol Table"),
// or the kernel's own symbols in what it loads. See table.h.
#include "harness/symbols/table.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PHDRS_MAX 128
// Of a symbol table with its names: a debug kernel's has some tens of MiB.
#define TABLE_MAX (UINT64_C(512) << 20)

struct file {
    int fd;
    uint64_t size;
    const char *path;
    Elf64_Ehdr header;
    Elf64_Shdr *sections; // header.e_shnum of them
};

static int damaged(const struct file *f, struct error *err, const char *what)
{
    return error_set(err, -EINVAL, "%s is damaged: %s", f->path, what);
}

// Exactly [offset, offset + len). False when the file has not so many bytes.
static bool read_at(const struct file *f, uint64_t offset, void *to,
                    uint64_t len)
{
    if (len > f->size || offset > f->size - len)
        return false;
    for (uint64_t done = 0; done < len;) {
        ssize_t n =
            pread(f->fd, (char *)to + done, len - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        done += (uint64_t)n;
    }
    return true;
}

static void *read_new(const struct file *f, uint64_t offset, uint64_t len)
{
    if (len > f->size || len > TABLE_MAX)
        return NULL;
    void *to = calloc(1, len + 1);
    if (to && read_at(f, offset, to, len))
        return to;
    free(to);
    return NULL;
}

// ---- .symtab ----------------------------------------------------------------

static char type_of(const struct file *f, const Elf64_Sym *symbol)
{
    unsigned type = ELF64_ST_TYPE(symbol->st_info);
    unsigned bind = ELF64_ST_BIND(symbol->st_info);
    if (symbol->st_shndx == SHN_UNDEF || symbol->st_shndx >= f->header.e_shnum)
        return '\0';
    if (type != STT_FUNC && type != STT_NOTYPE && type != STT_OBJECT)
        return '\0';
    const Elf64_Shdr *section = &f->sections[symbol->st_shndx];
    if (!(section->sh_flags & SHF_ALLOC))
        return '\0';
    if (!(section->sh_flags & SHF_EXECINSTR) || type == STT_OBJECT)
        return 'd';
    if (bind == STB_LOCAL)
        return 't';
    return bind == STB_WEAK ? 'W' : 'T';
}

static int add_symbols(struct ksyms *s, const struct file *f,
                       const Elf64_Sym *symbols, size_t n, const char *names,
                       uint64_t names_len, struct error *err)
{
    int code = 0;
    for (size_t i = 0; !code && i < n; i++) {
        const Elf64_Sym *symbol = &symbols[i];
        char type = type_of(f, symbol);
        if (!type)
            continue;
        if (symbol->st_name >= names_len)
            return damaged(f, err, "a symbol's name lies outside its table");
        const char *name = names + symbol->st_name;
        code = table_add(s, symbol->st_value, type, name,
                         strnlen(name, names_len - symbol->st_name), err);
    }
    return code;
}

static int read_table(struct ksyms *s, const struct file *f,
                      const Elf64_Shdr *table, struct error *err)
{
    if (table->sh_entsize != sizeof(Elf64_Sym) ||
        table->sh_link >= f->header.e_shnum)
        return damaged(f, err, "its symbol table's header makes no sense");
    const Elf64_Shdr *strings = &f->sections[table->sh_link];
    Elf64_Sym *symbols = read_new(f, table->sh_offset, table->sh_size);
    char *names =
        symbols ? read_new(f, strings->sh_offset, strings->sh_size) : NULL;
    int code = -EINVAL;
    if (names)
        code = add_symbols(s, f, symbols, table->sh_size / sizeof(*symbols),
                           names, strings->sh_size, err);
    else
        damaged(f, err, "its symbol table is not whole");
    free(symbols);
    free(names);
    return code;
}

// ---- What it loads ----------------------------------------------------------

struct loads {
    const struct file *file;
    size_t n;
    Elf64_Phdr list[PHDRS_MAX];
};

static size_t read_loaded(void *owner, uint64_t address, void *to, size_t len)
{
    const struct loads *loads = owner;
    for (size_t i = 0; i < loads->n; i++) {
        const Elf64_Phdr *p = &loads->list[i];
        if (address < p->p_vaddr || address - p->p_vaddr >= p->p_filesz)
            continue;
        uint64_t skip = address - p->p_vaddr;
        uint64_t left = p->p_filesz - skip;
        uint64_t n = left < len ? left : len;
        return read_at(loads->file, p->p_offset + skip, to, n) ? n : 0;
    }
    return 0;
}

static int read_kallsyms(struct ksyms *s, const struct file *f,
                         struct error *err)
{
    struct loads loads = {.file = f};
    struct ksyms_range ranges[PHDRS_MAX];
    const Elf64_Ehdr *h = &f->header;
    if (h->e_phentsize != sizeof(Elf64_Phdr) || h->e_phnum > PHDRS_MAX ||
        !read_at(f, h->e_phoff, loads.list, h->e_phnum * sizeof(Elf64_Phdr)))
        return damaged(f, err, "its program headers can't be read");
    for (size_t i = 0; i < h->e_phnum; i++) {
        const Elf64_Phdr *p = &loads.list[i];
        // Read from the file's end or over the address space's: neither.
        if (p->p_type != PT_LOAD || p->p_filesz > f->size ||
            p->p_offset > f->size - p->p_filesz ||
            p->p_vaddr > UINT64_MAX - p->p_filesz)
            continue;
        ranges[loads.n] =
            (struct ksyms_range){p->p_vaddr, p->p_vaddr + p->p_filesz};
        loads.list[loads.n++] = *p;
    }
    const struct ksyms_memory memory = {&loads, read_loaded};
    int code = kallsyms_read(s, &memory, ranges, loads.n, err);
    if (code == -ENOENT)
        return error_set(err, -EINVAL,
                         "%s has neither a symbol table nor kallsyms: give the "
                         "vmlinux that was not stripped, or a System.map",
                         f->path);
    return code;
}

// ---- The file ---------------------------------------------------------------

static int check_header(const struct file *f, struct error *err)
{
    const Elf64_Ehdr *h = &f->header;
    if (h->e_ident[EI_CLASS] != ELFCLASS64 ||
        h->e_ident[EI_DATA] != ELFDATA2LSB || h->e_machine != EM_X86_64)
        return error_set(err, -EINVAL, "%s is no ELF file for x86-64", f->path);
    if (h->e_type != ET_EXEC && h->e_type != ET_DYN)
        return error_set(err, -EINVAL,
                         "%s is an object file or a module: give the linked "
                         "vmlinux",
                         f->path);
    return 0;
}

int elf_read(struct ksyms *s, int fd, uint64_t size, const char *path,
             struct error *err)
{
    struct file f = {.fd = fd, .size = size, .path = path};
    if (!read_at(&f, 0, &f.header, sizeof(f.header)))
        return damaged(&f, err, "it is shorter than its header");
    int code = check_header(&f, err);
    if (code)
        return code;
    // Without section headers there is no symbol table either.
    if (f.header.e_shentsize != sizeof(Elf64_Shdr))
        f.header.e_shnum = 0;
    f.sections =
        read_new(&f, f.header.e_shoff, f.header.e_shnum * sizeof(Elf64_Shdr));
    if (!f.sections)
        return damaged(&f, err, "its section headers can't be read");
    const Elf64_Shdr *table = NULL;
    for (size_t i = 0; !table && i < f.header.e_shnum; i++) {
        if (f.sections[i].sh_type == SHT_SYMTAB)
            table = &f.sections[i];
    }
    code = table ? read_table(s, &f, table, err) : read_kallsyms(s, &f, err);
    free(f.sections);
    return code;
}
