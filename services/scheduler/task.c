/* A timer and two flags. */
#include "task.h"

#include "base/mem.h"

struct task {
	struct app *app;
	struct timer *timer;
	usec_t period_us;
	task_fn run;
	void *arg;
	bool is_running;
	bool is_hurried;
};

static void on_timer(void *arg)
{
	struct task *t = arg;

	if (t->is_running)
		return;
	if (!app_leads(t->app) || loop_is_draining(t->app->loop)) {
		timer_start(t->timer, t->period_us);
		return;
	}
	t->is_running = true;
	t->is_hurried = false;
	t->run(t, t->arg);
}

struct task *task_new(struct app *app, usec_t period_us, task_fn run, void *arg)
{
	struct task *t = xcalloc(1, sizeof(*t));
	*t = (struct task){ .app = app, .period_us = period_us, .run = run, .arg = arg };
	t->timer = timer_new(app->loop, on_timer, t);
	timer_start(t->timer, period_us);
	return t;
}

void task_free(struct task *t)
{
	if (t == NULL)
		return;
	timer_free(t->timer);
	free(t);
}

void task_done(struct task *t)
{
	t->is_running = false;
	timer_start(t->timer, t->is_hurried ? 0 : t->period_us);
}

void task_hurry(struct task *t)
{
	if (t->is_running)
		t->is_hurried = true;
	else
		timer_start(t->timer, 0);
}
