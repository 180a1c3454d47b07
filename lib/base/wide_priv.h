/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_WIDE_PRIV_H
#define MULTIMS_WIDE_PRIV_H
/** @file wide_priv.h  Loops for the vectors that the processor has. */

/** Before a function of loops that are vectors: it is made for wide ones, too, which are taken
 * where they are there.  Results are the same: no sum changes its order, and AVX2 fuses nothing.
 * MMS_WIDEST: for still wider ones, in sources that are compiled with -ffp-contract=off, as AVX-512
 * would fuse. */
#if defined __x86_64__ && defined __GLIBC__ && defined __GNUC__ && !defined __clang__ && \
    !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__
#define MMS_WIDE   __attribute__((target_clones("avx2", "default")))
#define MMS_WIDEST __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define MMS_WIDE
#define MMS_WIDEST
#endif

#endif
