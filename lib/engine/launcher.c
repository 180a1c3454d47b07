/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file launcher.c  Which launcher started this process, by the variables that launchers set. */
#include <stdlib.h>

#include "engine_priv.h"

/* A step of Slurm tells how many processes it has, whatever connects them. */
#define SLURM_SIZE "SLURM_STEP_NUM_TASKS"

/* The first of which either variable is set: Open MPI's mpirun sets those of PMIx too, srun may set
 * any of PMI's. */
static const struct {
    const char *rank, *size, *name;
    unsigned mpi;
} launchers[] = {
    {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "Open MPI's mpirun", MMS_MPI_OPEN},
    {"PMIX_RANK", NULL, "a launcher with PMIx", MMS_MPI_OPEN | MMS_MPI_MPICH},
    {"MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE", "MVAPICH's mpirun", MMS_MPI_MPICH},
    {"PMI_RANK", "PMI_SIZE", "a launcher with PMI, such as MPICH's mpirun", MMS_MPI_MPICH},
    {"ALPS_APP_PE", NULL, "aprun of ALPS", MMS_MPI_MPICH},
    {"PALS_RANKID", NULL, "mpiexec of PALS", MMS_MPI_MPICH},
    {NULL, SLURM_SIZE, "srun without PMIx", 0},
};

static int64_t number_of(const char *variable)
{
    const char *const text = variable ? getenv(variable) : NULL;
    int64_t n;

    return text && mms_parse_int(text, &n) && n >= 0 ? n : -1;
}

mms_launch mms_launch_find(void)
{
    for (int64_t i = 0; i < MMS_COUNT_OF(launchers); i++) {
        const char *const rank = launchers[i].rank, *const size = launchers[i].size;
        const bool has_rank = rank && getenv(rank);
        if (has_rank || (size && getenv(size)))
            return (mms_launch){.name = launchers[i].name,
                                .variable = has_rank ? rank : size,
                                .mpi = launchers[i].mpi,
                                .rank = number_of(rank),
                                .size = number_of(size && getenv(size) ? size : SLURM_SIZE)};
    }
    return (mms_launch){.name = NULL};
}

int64_t mms_launch_local(int64_t size)
{
    static const char *const local[] = {"OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS",
                                        "MV2_COMM_WORLD_LOCAL_SIZE", "PALS_LOCAL_SIZE"};
    for (int64_t i = 0; i < MMS_COUNT_OF(local); i++)
        if (number_of(local[i]) > 0)
            return number_of(local[i]);
    return size > 0 ? size : 1;
}

int64_t mms_launch_cores(void)
{
    const int64_t n = number_of("SLURM_CPUS_PER_TASK");
    return n > 0 ? n : 1;
}

const char *mms_engine_launcher(void)
{
    const mms_launch launch = mms_launch_find();

    return launch.mpi || launch.size > 1 ? launch.name : NULL;
}
