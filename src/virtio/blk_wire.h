// SPDX-License-Identifier: Apache-2.0
// What a block device and its driver say to each other (virtio 1.2, section
// 5.2), little-endian. Private to src/virtio.
#pragma once

#include <stdint.h>

struct virtio_blk_config { // 5.2.4
    uint64_t capacity;     // sectors
    uint32_t size_max, seg_max;
    uint8_t geometry[4];
    uint32_t blk_size;
    uint8_t topology[8];
    uint8_t writeback, unused0;
    uint16_t num_queues;
    uint32_t max_discard_sectors, max_discard_seg, discard_sector_alignment;
    uint32_t max_write_zeroes_sectors, max_write_zeroes_seg;
    uint8_t write_zeroes_may_unmap, unused1[3];
};

// Without the padding at its end.
#define BLK_CONFIG_LEN 60

_Static_assert(sizeof(struct virtio_blk_config) == 64,
               "5.2.4, and its padding");

enum { // 5.2.3
    BLK_F_SEG_MAX = 1 << 2,
    BLK_F_RO = 1 << 5,
    BLK_F_BLK_SIZE = 1 << 6,
    BLK_F_FLUSH = 1 << 9,
    BLK_F_DISCARD = 1 << 13,
    BLK_F_WRITE_ZEROES = 1 << 14,
};

enum blk_type { // 5.2.6
    BLK_T_IN = 0,
    BLK_T_OUT = 1,
    BLK_T_FLUSH = 4,
    BLK_T_GET_ID = 8,
    BLK_T_DISCARD = 11,
    BLK_T_WRITE_ZEROES = 13,
};

enum { BLK_S_OK = 0, BLK_S_IOERR = 1, BLK_S_UNSUPP = 2 };

struct blk_header {
    uint32_t type, reserved;
    uint64_t sector;
};

struct blk_range { // of discard and write zeroes
    uint64_t sector;
    uint32_t sectors, flags;
};
enum { BLK_RANGE_UNMAP = 1 };
