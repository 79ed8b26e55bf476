/* A job that repeats: started `period` after it finished, one run at a time, only while leading. A
 * run is a chain of callbacks; whoever ends the chain calls task_done. */
#ifndef SCHEDULER_TASK_H
#define SCHEDULER_TASK_H

#include "app.h"

struct task;

typedef void (*task_fn)(struct task *t, void *arg);

struct task *task_new(struct app *app, usec_t period_us, task_fn run, void *arg);
void task_free(struct task *t);
/* The run is over. */
void task_done(struct task *t);
/* Runs as soon as it can: now, or again right after the run that is under way. */
void task_hurry(struct task *t);

#endif
