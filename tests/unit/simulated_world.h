/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SIMULATED_WORLD_H
#define SIMULATED_WORLD_H
/** @file simulated_world.h  Servers that are only simulated, for tests and figures of the engine: a
 *  transport whose ranks answer commands after a time of a clock of its own.  Client, queue, frames
 *  and journal are those of the library.  Source: spec job-engine 9.2 */

#include "engine/engine_priv.h"

/** How many seconds a command takes; frame is its whole message. */
typedef double sim_seconds(const char *frame, size_t size);

/** A number in [0, 1) that belongs to n. */
double sim_chance(uint64_t n);

/** Begin: so many servers, ranks 1 to nservers; latency: seconds of each message. */
void sim_begin(int nservers, double latency, sim_seconds *seconds);
void sim_end(void);

/** Of the simulated time, in seconds from 0. */
double sim_now(void);
/** A server answers nothing from now until a time. */
void sim_freeze(int server, double until);
/** Give each answer twice from now on, the second up to two seconds later. */
void sim_repeat_answers(void);
/** Commands that a server got while it had another, messages, seconds of work done. */
int64_t sim_overlaps(void);
int64_t sim_messages(void);
double sim_work(void);
/** Servers' commands in the order in which they came: numbers of requests. */
int64_t sim_order(int server, const uint64_t **requests);
/** How many frames of any server run at most at once, from the beginning or the last call. */
int sim_most_at_once(void);

#endif
