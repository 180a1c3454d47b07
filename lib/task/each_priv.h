/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_EACH_PRIV_H
#define MULTIMS_EACH_PRIV_H
/** @file each_priv.h  Inside the task each: parts, plan, a part's run in a worker, report. */

#include "engine/journal.h"
#include "multims/engine.h"
#include "task_priv.h"

/** The parameters. */
struct mms_each {
    mms_texts vis, program;
    bool keepgoing, resume, staged;
    int64_t jobs, retries;
    mms_ints okcodes;
    const char *outputvis;
    double limit_s;
};

/** The words of a program, as given or completed. */
typedef struct mms_each_words {
    mms_texts texts;
    mms_value *list;   /**< holds the words of a template; NULL: there is none */
    const char **made; /**< texts.values, when they are ours */
} mms_each_words;
/** Complete a program without tokens that the user's programs.json, or ours, has a template for.
 *  out: freed by mms_each_words_free().  Errors: ARG a file that is none; IO, MEM. */
MMS_CHECKED mms_status mms_each_complete(const mms_texts *given, mms_each_words *out,
                                         mms_error *err);
void mms_each_words_free(mms_each_words *words);
/** Whether a word has a token. */
bool mms_each_has_tokens(const mms_texts *program);

/** What a run works with. */
struct mms_each_work {
    const struct mms_each *p;
    mms_each_words words;
    int64_t n;
    char **paths, **names; /* paths are absolute */
    mms_value **units;
    mms_answer *answers; /* OK without a worker: done by an earlier run */
    mms_journal *journal;
    mms_engine *engine;
    char *outputs;           /* the folder of outputs, absolute; NULL: none */
    double limit_s, stall_s; /* of a program */
    bool json, quiet;
};

/** Find the parts of all sets, and names that tell them apart.  Errors: NOT_FOUND; ARG one is named
 *  twice; MEM. */
MMS_CHECKED mms_status mms_each_find_parts(struct mms_each_work *w, mms_error *err);

/** Make the folder of outputs; one that is there may hold those of an earlier run.
 *  Errors: EXISTS, IO, MEM. */
MMS_CHECKED mms_status mms_each_make_outputs(struct mms_each_work *w, mms_error *err);

/** Open the journal beside the first set.  Errors: those of mms_journal_open(). */
MMS_CHECKED mms_status mms_each_open_journal(mms_run *run, struct mms_each_work *w, mms_error *err);

/** Make the units; w->engine is open.  Errors: MEM. */
MMS_CHECKED mms_status mms_each_make_units(struct mms_each_work *w, mms_error *err);

/** Words as a list; new reference. */
mms_value *mms_each_list(const mms_texts *words);

/** Whether a part whose worker was killed is begun again: its program works on a copy, or the user
 *  says that it may run twice. */
bool mms_each_is_repeatable(const struct mms_each *p);

/** Say of each part why it failed; the run is then one that has found something: its result is
 *  printed, and it ends with 1.  Errors: st; DIFFERS. */
MMS_CHECKED mms_status mms_each_conclude(struct mms_each_work *w, mms_status st, mms_value *result,
                                         mms_error *err);

/** Print the result. */
void mms_each_print(const mms_value *result, FILE *out);

/** Free what a run works with. */
void mms_each_free(struct mms_each_work *w);

/** What a unit is told; borrowed from what was decoded. */
typedef struct mms_each_order {
    const char *vis;
    const mms_value *changes; /**< [vis]: the engine asks for it */
    const char *name, *folder;
    const char *outputs;             /**< NULL: none */
    const mms_value *program;        /**< words */
    const mms_value *okcodes;        /**< numbers */
    int64_t retries, sharing, index; /**< sharing: how many run at a time */
    int64_t threads;
    double limit_s, stall_s;
    bool staged;
    int64_t attempt; /**< of the engine, from 1 */
} mms_each_order;

mms_value *mms_each_order_encode(const mms_each_order *order);
MMS_CHECKED mms_status mms_each_order_decode(const mms_value *value, mms_each_order *order,
                                             mms_error *err);

/** Run the program of an order over a part.
 *  answer: {attempt, exit, signal, seconds, cpu_seconds, max_rss_kib, stdout_tail, stderr_tail,
 * host}, also where the program failed. Errors: WORKER the program failed; STOPPED; NOT_FOUND, IO,
 * SPACE, MEM. */
mms_status mms_each_unit(mms_job *job, const mms_value *request, mms_value *answer, mms_error *err);

/** Refuse braces that are no token of those that a unit knows, a program that is not there, and
 *  outputs without {outputvis} or the other way round.  Errors: ARG, NOT_FOUND, IO. */
MMS_CHECKED mms_status mms_each_check_program(const mms_texts *program, bool outputs,
                                              mms_error *err);
/** Refuse outputs that are there already; not where a run is resumed.  Errors: EXISTS, MEM. */
MMS_CHECKED mms_status mms_each_check_outputs(const char *folder, int64_t n,
                                              const char *const *names, bool resumes,
                                              mms_error *err);
/** Remove folders of programs whose workers were killed. */
void mms_each_remove_scratch(void);

/** The values of the tokens, in their order. */
enum { MMS_EACH_TOKENS = 10 };
typedef struct mms_each_values {
    const char *of[MMS_EACH_TOKENS]; /**< vis name index threads host tmpdir outputvis server
                                        mem_mib attempt */
} mms_each_values;
/** Put values in a word's tokens; "{{vis}" and "{{" are what they say after the first brace.  The
 *  caller ends it with free(). */
char *mms_each_expand(const char *word, const mms_each_values *values);
/** Return where a part's output goes; made: where it is made.  NULL: no memory. */
char *mms_each_output_path(const char *folder, const char *name, bool made);
/** Make a folder for a program, which mms_each_remove_scratch() knows.  Errors: IO, MEM. */
MMS_CHECKED mms_status mms_each_make_scratch(char **path, mms_error *err);

/** Return where the copy of a part is made with --staged, beside the part itself where vis is a
 *  link; end it with free(), NULL: no memory. */
char *mms_each_copy_path(const char *vis);

/** Put a part back that stands beside its place, as a run was killed just when its copy replaced it
 *  on a disk that can't exchange names. */
void mms_each_mend(const char *vis);

/* A worker may be killed when what its program has made has its place, before it can say so.  So
 * that is noted before, in a file beside the copy or the output. */

/** Return where it is noted; copy or made may be NULL.  End it with free(), NULL: no memory. */
char *mms_each_note_path(const char *copy, const char *made);
/** Lock it, from before a part is looked at until its program, which has the descriptor, too, has
 *  ended: what a run has begun that was killed may live a little longer than its client.  *fd: to
 *  be closed.  Errors: LOCKED after ten seconds; IO. */
MMS_CHECKED mms_status mms_each_hold_note(const char *note, int *fd, mms_error *err);
/** Note what gets its place now.  Errors: IO, SPACE, MEM. */
MMS_CHECKED mms_status mms_each_note(int fd, const char *note, const char *copy, const char *made,
                                     const mms_value *answer, mms_error *err);
/** Remove it, if nobody has it locked for a second. */
void mms_each_drop_note(const char *note);
/** Find whether what was noted has its place: then answer gets what was answered.  An output alone,
 *  whose part was not replaced, is where it was made again.  part or output may be NULL.
 *  Errors: IO. */
MMS_CHECKED mms_status mms_each_was_done(const char *note, const char *part, const char *output,
                                         const char *made, bool *was, mms_value *answer,
                                         mms_error *err);

#endif
