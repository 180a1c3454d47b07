/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_COMMANDS_H
#define MULTIMS_COMMANDS_H
/** @file commands.h  What the program understands besides the verbs of the tasks. */

static const struct command {
    const char *name, *usage, *summary;
    const char *details; /* the rest of its help; each line ends with a line break */
} commands[] = {
    {"plan", "plan VERB ...", "print what a verb would do and why; write nothing",
     "It takes all parameters of the verb and is the same as the verb with --dryrun, whatever "
     "else\n"
     "is said.  `multims plan VERB --help` lists the parameters.\n"
     "\n"
     "Examples:\n"
     "  multims plan partition in.ms out.mms separationaxis=scan numsubms=4\n"
     "  multims plan mstransform in.mms out.mms timeaverage=True timebin=20s --json\n"
     "  multims plan \"split(vis='in.ms', outputvis='out.ms', datacolumn='data')\"\n"},
    {"help", "help [VERB]", "print this text, or that of a verb", ""},
    {"tasks", "tasks [--json]", "list the verbs and their parameters",
     "--json gives the tables that the verbs are made from: names, types, defaults, allowed\n"
     "values, units and texts of all parameters.\n"},
};

/* Tasks of CASA that are no verbs here, for those who try */
static const char casa_tasks[] =
    "accor accum applycal asdmsummary bandpass blcal calstat clearcal clearstat concat "
    "conjugatevis "
    "delmod exportuvfits fixplanets fixvis flagcmd flagdata flagmanager fluxscale fringefit ft "
    "gaincal "
    "gencal importasdm importuvfits listcal listhistory listvis phaseshift plotants plotms polcal "
    "rerefant rmtables setjy simobserve statwt tclean uvcontsub uvcontsub_old uvmodelfit uvsub "
    "virtualconcat vishead visstat";

enum { NCOMMANDS = sizeof commands / sizeof commands[0] };

#endif
