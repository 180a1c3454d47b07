/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_TREE_PRIV_H
#define MULTIMS_TREE_PRIV_H
/** @file tree_priv.h  A folder read once, to be written many times. */

#include "multims/base.h"

/** The entries of a folder, and the bytes of its files as far as they fit. */
typedef struct mms_tree mms_tree;

/** Read the folder at path.  Of the files up to most bytes are held; the others are copied from
 *  path when the tree is written.  A link is what it leads to, a file or a table; those that lead
 *  nowhere or to other folders are left out with a warning.  Names that begin with a dot are no
 *  part of a table and are left out.
 *  Errors: NOT_FOUND, IO, MEM; UNSUPPORTED for pipes, devices, sockets, which are not opened. */
MMS_CHECKED mms_status mms_tree_read(const char *path, int64_t most, mms_tree **out,
                                     mms_error *err);

/** Bytes of files that a tree holds. */
int64_t mms_tree_held(const mms_tree *tree);

/** Write the folder at dst, which must not exist: files and folders with the modes of new ones,
 *  through no link.  Errors: EXISTS, IO, MEM; SPACE naming the file. */
MMS_CHECKED mms_status mms_tree_write(const mms_tree *tree, const char *dst, mms_error *err);

/** Read and write at once.  A part may be left in dst. */
MMS_CHECKED mms_status mms_copy_tree(const char *src, const char *dst, mms_error *err);

/** *tree is set to NULL; NULL is accepted. */
void mms_tree_free(mms_tree **tree);

#endif
