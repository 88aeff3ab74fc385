// SPDX-License-Identifier: Apache-2.0
// What a recording is made of: the records, in memory and as bytes. FORMAT.md
// describes the file. Used by the files of harness/recording.
#pragma once

#include "harness/console/console.h"
#include "harness/recording/bytes.h"
#include "harness/report/result.h"

// A file is the magic, then blocks: length (u32), CRC (u32), payload. The CRC
// goes on from block to block.
#define RECORDING_MAGIC     "TVMREC1\n"
#define RECORDING_MAGIC_LEN 8
#define BLOCK_MAX           ((size_t)64 << 10)
#define BLOCK_HEAD          8
// A record is its kind (u8), the length of its body (varint), its body.
#define RECORD_HEAD_MAX 11
#define RECORD_MAX      (BLOCK_MAX - RECORD_HEAD_MAX)

// Longer texts of a header are cut, longer input is cut into pieces.
#define META_TEXT_MAX ((size_t)16 << 10)
#define INPUT_PIECE   ((size_t)16 << 10)
#define ERROR_MAX     500

// The numbers are the file's: they never change.
enum record_kind {
    RECORD_META = 1,  // a field of the header or the trailer
    RECORD_START = 2, // the header is over; the two clocks
    // What the console gave, one for each read:
    RECORD_BYTES = 3,
    RECORD_EVENT = 4,
    RECORD_TIMEOUT = 5,
    RECORD_FAULT = 6, // the read failed
    // What the run asked and was answered, in its place in the stream:
    RECORD_INPUT = 7,
    RECORD_NOW = 8,
    RECORD_USAGE = 9,
    RECORD_REGS = 10,
    RECORD_UNREAD = 11,
    RECORD_CALL = 12,
    RECORD_OBSERVATION = 13,
    RECORD_END = 14,
};

// True for what a read gives: the time goes on there.
static inline bool record_is_item(enum record_kind kind)
{
    return kind >= RECORD_BYTES && kind <= RECORD_FAULT;
}

// What was asked of the machine without an answer but success or an error.
enum machine_call { CALL_STOP, CALL_RESTART, CALL_NMI, CALL_POWER };

enum input_flags {
    INPUT_SECRET = 1 << 0, // the bytes are stars
    INPUT_MORE = 1 << 1,   // the next record is a part of the same write
    INPUT_BREAK = 1 << 2,  // no bytes: a serial break
};

// bytes[at .. at + len) are stars: in truth they are a part of the secret that
// was the index-th to be typed.
struct mask {
    uint32_t at, len;
    uint32_t index, offset;
};
#define MASKS_MAX 512

// One record. What pointers point to belongs to whoever filled it.
struct record {
    enum record_kind kind;
    uint64_t ns; // BYTES: of the last byte. Others: when
    unsigned port;
    int code;         // FAULT, INPUT, REGS, CALL: 0 or a negative errno
    const char *text; // with code: the error's sentence, text_len bytes
    size_t text_len;
    const uint8_t *bytes; // BYTES, INPUT
    size_t len;
    const struct stamp *stamps; // BYTES: at least one
    size_t nstamps;
    const struct mask *masks; // BYTES: ascending, disjoint
    size_t nmasks;
    const struct toyvmm_event *event;
    uint64_t deadline_ns;              // TIMEOUT
    unsigned flags;                    // INPUT
    unsigned call;                     // CALL
    unsigned vcpu;                     // REGS, OBSERVATION: whose
    struct toyvmm_usage usage;         // USAGE
    const struct toyvmm_share *shares; // and nshares of several vCPUs
    size_t nshares;
    uint64_t unread;
    struct toyvmm_regs regs;
    const struct toyvmm_observation *seen; // OBSERVATION
};

// The header and, once it was read, the trailer. Owner of its texts.
struct recording_info {
    // Header: path, title, guest, guest_note, accelerator, started_unix_ns,
    // properties. Trailer: verdict, kind, message, where,
    // marks, duration_ns.
    struct result run;
    char *version;          // of the program that wrote it
    uint64_t scenario_hash; // recording_hash of the scenario's file
    double timeout_scale;
    bool judge_marks;
    uint64_t nonce;
    unsigned abilities;  // 1 << enum machine_ability
    unsigned vcpus;      // of the machine; 0 is 1
    uint64_t started_ns; // process start, by the console's clock
    bool has_verdict;    // the trailer was read
};

// Which functions the recorded run's machine had.
enum machine_ability {
    ABLE_STOP,
    ABLE_REGS,
    ABLE_USAGE,
    ABLE_RESTART,
    ABLE_NMI,
    ABLE_OBSERVE,
    ABLE_POWER,
};

void recording_info_free(struct recording_info *info);

// Encodes and decodes the body of a record. last_ns is the time of the last
// item (started_ns before the first), which times are told relative to. What
// decoding finds malformed sets in->bad. The event, stamps and masks that `out`
// points to go to `memory`.
struct record_memory {
    struct toyvmm_event event;
    struct toyvmm_observation seen;
    struct toyvmm_share shares[TOYVMM_CPUS];
    struct stamp stamps[CONSOLE_BATCH];
    struct mask masks[MASKS_MAX];
};
void record_encode(struct bytes_out *o, const struct record *r,
                   uint64_t last_ns);
void record_decode(struct bytes_in *in, enum record_kind kind, uint64_t last_ns,
                   struct record *out, struct record_memory *memory);

// Registers and an observation, as parts of a body (record_regs.c).
void put_regs(struct bytes_out *o, const struct toyvmm_regs *regs);
void get_regs(struct bytes_in *in, struct toyvmm_regs *regs);
void put_observation(struct bytes_out *o,
                     const struct toyvmm_observation *seen);
void get_observation(struct bytes_in *in, struct toyvmm_observation *seen);

// Who had what of a usage, at the end of a body; of one vCPU nothing.
void put_shares(struct bytes_out *o, const struct toyvmm_share *shares,
                size_t n);
// Returns how many there were.
size_t get_shares(struct bytes_in *in, struct toyvmm_share out[TOYVMM_CPUS]);

// Calls put() with the body of each META record that info makes: of the header,
// or of the trailer.
void meta_encode(const struct recording_info *info, bool trailer,
                 void (*put)(void *owner, const struct bytes_out *body),
                 void *owner);
// Takes one. Unknown fields are skipped. 0, -EINVAL, or -ENOMEM.
int meta_decode(struct recording_info *info, struct bytes_in *in);

// The number by which a file knows an event, and back; false for none.
bool event_code(enum toyvmm_event_kind kind, uint8_t *code);
bool event_kind(uint8_t code, enum toyvmm_event_kind *kind);

// FNV-1a, 64 bits, of a file's bytes; 0 when it can't be read.
uint64_t recording_hash(const char *path);
