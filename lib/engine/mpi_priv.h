/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_MPI_PRIV_H
#define MULTIMS_MPI_PRIV_H
/** @file mpi_priv.h  What the module libmultims-mpi.so offers; nothing else knows MPI. */

#include "multims/base.h"

/** Name of the module's one symbol, of type mms_mpi_module. */
#define MMS_MPI_MODULE_SYMBOL "mms_mpi_module_calls"

/** Families of MPI by the launchers they know: Open MPI, and MPICH with what is made of it. */
enum { MMS_MPI_OPEN = 1, MMS_MPI_MPICH = 2 };

/** Messages between ranks.  No call blocks but finish. */
typedef struct mms_mpi_module {
    uint32_t size;   /**< of this struct: library and module belong together */
    unsigned family; /**< MMS_MPI_… */
    /** Start MPI.  Errors: IO with MPI's text. */
    mms_status (*start)(int *rank, int *world_size, mms_error *err);
    /** Whose MPI it is: the standard's version and the library's name, of static life. */
    void (*tell)(const char **version, const char **library);
    /** Send data, which the module frees when it has gone. */
    mms_status (*send)(int rank, char *data, size_t size, mms_error *err);
    /** Take one message that has arrived, *data NULL when there is none; the caller frees it. */
    mms_status (*receive)(int *rank, char **data, size_t *size, mms_error *err);
    /** Whether anything is on its way, in either direction. */
    bool (*pending)(void);
    /** A descriptor that is readable when a rank has sent something, whose sends ring so too; -1:
     * ranks have to look again and again.  NULL in a simulation, as the next one. */
    int (*bell)(void);
    /** Take what has rung.  Returns how many of our ranks did; -1: others alone. */
    int (*heard)(void);
    /** Wait for what is on its way and end MPI. */
    void (*finish)(void);
    /** End all ranks at once. */
    void (*abort)(int exit_status);
    /** Of a simulation, else NULL: its time, and let it pass until something arrives, at most so
     * much. */
    int64_t (*now)(void);
    void (*pass)(int64_t ns);
} mms_mpi_module;

#endif
