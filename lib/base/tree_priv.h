/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_TREE_PRIV_H
#define MULTIMS_TREE_PRIV_H
/** @file tree_priv.h  A folder read once, to be written many times. */

#include "multims/base.h"

/** The entries of a folder, and the bytes of its files as far as they fit. */
typedef struct mms_tree mms_tree;

/** Read the folder at path.  Of the files up to most bytes are held; the others are copied from
 *  path when the tree is written.  Errors: NOT_FOUND, IO, MEM, UNSUPPORTED. */
MMS_CHECKED mms_status mms_tree_read(const char *path, int64_t most, mms_tree **out,
                                     mms_error *err);

/** Bytes of files that a tree holds. */
int64_t mms_tree_held(const mms_tree *tree);

/** Write the folder as mms_copy_tree would copy it: files, modes, links with their text, at dst,
 *  which must not exist.  Errors: EXISTS, IO, MEM; SPACE naming the file. */
MMS_CHECKED mms_status mms_tree_write(const mms_tree *tree, const char *dst, mms_error *err);

/** *tree is set to NULL; NULL is accepted. */
void mms_tree_free(mms_tree **tree);

#endif
