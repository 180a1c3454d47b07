/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_TILES_CUBE_PRIV_H
#define MULTIMS_TILES_CUBE_PRIV_H
/** @file cube_priv.h  Hypercubes and the map from rows to them, shared by lib/tiles.
 *
 *  Inside lib/tiles shapes are in the order of the files: the fastest axis first. */

#include <pthread.h>

#include "tiles_priv.h"

enum { PAGE = 4096 };

/** Fewer blocks are not worth sharing. */
enum { SHARE_BLOCKS = 4 };

/** How elements of a column lie in a tile. */
typedef struct pixel {
    int32_t code; /**< casacore's number of the type */
    int32_t size; /**< bytes in memory */
    int32_t bits; /**< in the file: 1 for flags */
    int32_t word; /**< bytes whose order depends on the table's byte order */
} pixel;

/** The element type of a column, or NULL when tiles don't hold it. */
const pixel *pixel_of(mms_dtype dtype);

/** Flags that are not all there yet: of the tiles that hold the same rows; of a linear cube, those
 *  of PAGE bytes of its file. */
typedef struct slab {
    int64_t number, column; /**< rows from number x tile_rows on, or bytes from number x PAGE on */
    int64_t missing;        /**< rows, or flags, that are not there */
    uint8_t *bytes;         /**< [tile][bytes of the column], or [PAGE] */
    struct slab *next;
} slab;

typedef struct tile_file {
    int64_t number;
    bool there, writable; /**< writable: of one that was opened for reading */
    int fd;
    int64_t bytes;
    int64_t reserved; /**< while writing: bytes that were set aside */
} tile_file;

/** The cells of one shape.  A cube without axes stands for cells that are undefined. */
typedef struct cube {
    int32_t ndim; /**< axes of a cell; 0: no cells */
    int64_t cell[MMS_MAX_DIM], tile[MMS_MAX_DIM];
    int64_t nrow, tile_rows;
    int64_t nvalue;      /**< of a cell */
    int64_t tile_values; /**< of one row of a tile */
    int64_t slab_tiles;  /**< tiles that hold the same rows */
    int64_t tile_bytes;  /**< of all columns */
    tile_file *file;     /**< NULL: none */
    int64_t at;          /**< where its tiles begin in the file, bytes */
    bool whole;          /**< a tile holds whole cells */
    slab *slabs;         /**< being written */
} cube;

/** Rows that lie in a cube one after the other. */
typedef struct span {
    int64_t last, cube, position; /**< last row of the span, and that row's place in the cube */
} span;

typedef struct tiles_column {
    char *name;
    const pixel *pixel;
    mms_tiles_column info;
} tiles_column;

struct mms_tiles {
    char *table, *type, *name;
    int64_t sequence, nrow;
    bool big_endian, swap;
    bool by_row;  /**< cell manager: cube i holds row i */
    bool by_span; /**< shape manager: spans say which cube; else cube 0 holds all rows */
    int32_t ndim;
    int64_t ncolumn, ncube, nspan, nfile, cube_capacity, span_capacity, file_capacity;
    tiles_column *columns;
    int32_t *order; /**< columns as they follow each other in a tile */
    cube **cubes;   /**< each by itself, as files: threads hold them while more are added */
    span *spans;
    tile_file **files;
    int32_t ntile; /**< default tile */
    int64_t default_tile[MMS_MAX_DIM + 1];
    bool writing, write_back;
    int64_t defined;       /**< rows */
    int64_t moved;         /**< bytes of whole tiles that were copied as they are */
    int64_t share;         /**< as in mms_tiles_what */
    int64_t shared;        /**< bytes of shared blocks */
    mms_tiles_share *plan; /**< NULL: rows follow each other */
    pthread_mutex_t
        lock; /**< while writing: of lists of cubes, files and spans, and of slabs;
                 while  cells are changed: of bytes that hold flags of other rows, too */
};

/** A run of rows in one cube. */
typedef struct place {
    cube *cube; /**< NULL: undefined cells */
    int64_t position, count;
} place;

/** Find where row is, and how many of the next count rows follow it there. */
place place_of(const mms_tiles *t, int64_t row, int64_t count);

/** Compute the sizes that follow from cell, tile and columns; false when a number is impossible. */
bool cube_measure(const mms_tiles *t, cube *c);

/** Bytes before the column in a tile, and its own. */
int64_t column_offset(const mms_tiles *t, const cube *c, int64_t column);
int64_t column_bytes(const mms_tiles *t, const cube *c, int64_t column);
/** Where the column's bytes begin in the file, of the slab of a number. */
int64_t slab_at(const mms_tiles *t, const cube *c, int64_t column, int64_t number);

/** Add to the bytes that were moved as whole tiles, and to those that are shared. */
void count_moved(mms_tiles *t, int64_t bytes, int64_t shared);

/** Find where the tiles of a new cube begin in its file, and how many places it will have; 0:
 * nobody knows. */
typedef struct shared_cube shared_cube;
int64_t share_begin(const mms_tiles *t, cube *c);
/** Give the file of a cube the length of so many places at once: to share blocks beyond the end of
 * a file has the file system write its last pages first. */
MMS_CHECKED mms_status share_extent(const mms_tiles *t, const cube *c, int64_t rows,
                                    mms_error *err);
/** Places to leave free before the first of rows, which are cut before the next such row. */
int64_t share_gap(mms_tiles *t, const cube *c, mms_rows *rows);

/** Whether the cells of the cube's rows follow each other in the file without gaps: a run of rows
 *  is one run of bits. */
bool is_linear(const mms_tiles *t, const cube *c, int64_t column);
/** Bits of one row in a linear cube. */
int64_t row_bits(const mms_tiles *t, const cube *c, int64_t column);
/** Where the tiles of the cube's first rows end in its file. */
int64_t cube_end(const cube *c, int64_t rows);
/** Whether the cube is linear, and each row begins at a byte. */
bool has_byte_rows(const mms_tiles *t, const cube *c, int64_t column);

/** Add an empty cube, or file, to the lists. */
MMS_CHECKED mms_status add_cube(mms_tiles *t, cube **out, mms_error *err);
MMS_CHECKED mms_status add_file(mms_tiles *t, tile_file **out, mms_error *err);

/** Path of a file of the manager, as a new text: -1 is its header. */
char *tiles_path(const mms_tiles *t, int64_t file);

/** Make the handle and its columns.  Errors: UNSUPPORTED, MEM. */
MMS_CHECKED mms_status tiles_new(const mms_tiles_what *what, mms_tiles **out, mms_error *err);

/** Read the header file into t, judged against what the table said. */
MMS_CHECKED mms_status header_read(mms_tiles *t, mms_error *err);
/** The same from bytes in memory; path is for messages. */
MMS_CHECKED mms_status header_parse(mms_tiles *t, const uint8_t *bytes, size_t size,
                                    const char *path, mms_error *err);
MMS_CHECKED mms_status header_write(const mms_tiles *t, mms_error *err);

/** Read or write all n bytes at an offset of a file of t; messages name the file. */
MMS_CHECKED mms_status file_read(const mms_tiles *t, const tile_file *f, int64_t at, int64_t n,
                                 void *bytes, mms_error *err);
MMS_CHECKED mms_status file_write(const mms_tiles *t, const tile_file *f, int64_t at, int64_t n,
                                  const void *bytes, mms_error *err);

/** Tell that bytes were written, by another way than file_write(). */
void file_written(const mms_tiles *t, const tile_file *f, int64_t at, int64_t n);

/** Open a file of the manager, or make it; check that it is long enough; set its length. */
MMS_CHECKED mms_status file_open(const mms_tiles *t, tile_file *f, bool create, mms_error *err);
MMS_CHECKED mms_status file_check(const mms_tiles *t, const tile_file *f, int64_t need,
                                  mms_error *err);
MMS_CHECKED mms_status file_extend(const mms_tiles *t, const tile_file *f, int64_t bytes,
                                   mms_error *err);
/** Let the file system set bytes aside that are about to be written: it is cheaper than to find
 * them write by write.  Where it can't, they are written without. */
void file_reserve(tile_file *f, int64_t bytes);
/** Let the file at to_at hold blocks of another from at on, without a copy; false when that can't
 * be done. */
bool file_share(const tile_file *from, int64_t at, const tile_file *to, int64_t to_at, int64_t n);
/** Close a file that was written: on NFS a full disk may be told here first. */
MMS_CHECKED mms_status file_close(const mms_tiles *t, tile_file *f, mms_error *err);

/** Elements of a tile to and from memory: n from element first of a column's bytes in a tile. */
void unpack_pixels(const mms_tiles *t, const pixel *p, const uint8_t *bytes, int64_t first,
                   int64_t n, uint8_t *out);
/** Flags of a byte that holds others too are added to it. */
void pack_pixels(const mms_tiles *t, const pixel *p, const uint8_t *in, int64_t n, uint8_t *bytes,
                 int64_t first);

/** Writes rows that follow each other in a cube, or that lie in one slab of it. */
typedef mms_status place_put(mms_tiles *t, int64_t column, const place *p, const uint8_t *in,
                             mms_error *err);
typedef mms_status slab_put(mms_tiles *t, int64_t column, cube *c, int64_t position, int64_t count,
                            const uint8_t *in, mms_error *err);
/** Write the cells of ranges, all of one shape, as long as they follow each other at once; those of
 *  a place slab by slab.  Errors: of another shape INTERNAL, SHAPE in what is there; put's. */
MMS_CHECKED mms_status put_places(mms_tiles *t, int64_t column, int64_t nrange,
                                  const mms_rows *ranges, int64_t nvalue, const uint8_t *in,
                                  place_put *put, mms_error *err);
MMS_CHECKED mms_status put_slabs(mms_tiles *t, int64_t column, const place *p, const uint8_t *in,
                                 slab_put *put, mms_error *err);
MMS_CHECKED mms_status tiles_no_memory(const mms_tiles *t, mms_error *err);

/** Put runs of rows of a cell into tiles: bytes[tile][row of count][element], from element first
 * on. tile_bytes: from one tile to the next. */
void fill_tiles(const mms_tiles *t, const pixel *p, const cube *c, const uint8_t *in, int64_t count,
                uint8_t *bytes, int64_t tile_bytes, int64_t first);

/** Add n bits, from bit first of in on, to bytes from bit at on, which are 0.  Several threads may
 *  add to one byte. */
void move_bits(const uint8_t *in, int64_t first, int64_t n, uint8_t *bytes, int64_t at);

/** Read cells of a linear column of flags as bits, to bytes from bit at on, which are 0. */
MMS_CHECKED mms_status read_bits(const mms_tiles *t, int64_t column, int64_t nrange,
                                 const mms_rows *ranges, int64_t nvalue, uint8_t *bytes, int64_t at,
                                 mms_error *err);
/** Write n bits of a linear cube from bit at on.  bytes begin with the byte that holds it; their
 *  other bits are 0. */
MMS_CHECKED mms_status write_bits(mms_tiles *t, int64_t column, cube *c, int64_t at, int64_t n,
                                  const uint8_t *bytes, mms_error *err);

/** Walk over the runs of a cell that lie in one tile one after the other, in the tile's order. */
typedef struct cell_walk {
    int64_t tile;            /**< number of the tile in its slab */
    int64_t in_tile;         /**< element in the tile's row */
    int64_t in_cell;         /**< element in the cell */
    int64_t count;           /**< elements of this run */
    int64_t at[MMS_MAX_DIM]; /**< the run's place in the cell */
    bool started;
} cell_walk;
bool next_run(const cube *c, cell_walk *w);

#endif
