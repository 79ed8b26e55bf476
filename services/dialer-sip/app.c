/* SIGTERM ends the process at once, with its calls going on: phones ring and people talk without it,
 * and what is needed to take them up again stands in the file of calls. So a restart is an upgrade. */
#include "app.h"

#include <stdlib.h>

#include "base/mem.h"
#include "calls.h"
#include "re_loop.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "sys/process.h"
#include "sys/random.h"

#define GENERATION_MAX ((size_t)512 * 1024)
#define DRAIN_TIMEOUT_US (5 * USEC_PER_SEC)

struct app {
	struct loop *loop;
	struct journal *journal;
	struct ua *ua;
	struct calls *calls;
	const char *ready_file;
	struct metrics *metrics;
	struct metrics_server *metrics_server;
};

static struct err open_journal(struct app *a, const struct sip_settings *s)
{
	char boot_id[PROCESS_BOOT_ID_SIZE];
	usec_t now = clock_now();

	TRY(process_boot_id(boot_id));
	return journal_open(&(struct journal_options){ .path = s->journal,
						       .boot_id = boot_id,
						       .fresh = random_id(now),
						       .now = now,
						       .generation_max = GENERATION_MAX },
			    &a->journal);
}

static struct err open_calls(struct app *a, const struct sip_settings *s)
{
	struct strbuf path;

	strbuf_init(&path, 8192);
	if (*s->journal)
		strbuf_addf(&path, "%s.calls", s->journal);
	struct err e = calls_open(a->loop,
				  &(struct calls_options){ .ua = a->ua,
							   .journal = a->journal,
							   .metrics = a->metrics,
							   .path = *s->journal ? path.p : "",
							   .listen = s->listen },
				  &a->calls);
	strbuf_deinit(&path);
	return e;
}

static bool is_ready(void *arg)
{
	const struct app *a = arg;
	return !loop_is_draining(a->loop);
}

static struct err open_metrics(struct app *a, const struct metrics_server_settings *s)
{
	return metrics_server_open(a->loop,
				   &(struct metrics_server_options){ .settings = *s,
								     .service = "dialer-sip",
								     .metrics = a->metrics,
								     .is_ready = is_ready,
								     .arg = a },
				   &a->metrics_server);
}

static void on_drain(void *arg)
{
	struct app *a = arg;

	process_not_ready(a->ready_file);
	desk_finish(calls_desk(a->calls));
	loop_stop(a->loop);
}

struct err app_new(const struct sip_settings *s, struct app **out)
{
	struct app *a = xcalloc(1, sizeof(*a));
	struct err e;

	a->loop = loop_new();
	a->metrics = metrics_new();
	e = open_journal(a, s);
	if (!is_err(e))
		e = re_loop_open(a->loop);
	if (!is_err(e))
		e = ua_open(a->loop,
			    &(struct ua_options){ .listen = s->sip_listen,
						  .advertise = s->advertise,
						  .dns = s->dns,
						  .allow = s->allow },
			    &a->ua);
	if (!is_err(e))
		e = open_calls(a, s);
	if (!is_err(e))
		e = open_metrics(a, &s->metrics);
	if (is_err(e)) {
		app_free(a);
		return e;
	}
	loop_on_drain(a->loop, DRAIN_TIMEOUT_US, on_drain, a);
	a->ready_file = s->ready_file;
	process_ready(a->ready_file);
	log_info("ready", LS("instance", journal_instance(a->journal)),
		 LS("address", ua_address(a->ua)), LI("port", ua_port(a->ua)));
	*out = a;
	return OK;
}

int app_run(struct app *a)
{
	int code = loop_run(a->loop);

	return desk_has_failed(calls_desk(a->calls)) ? 1 : code;
}

void app_free(struct app *a)
{
	if (!a)
		return;
	metrics_server_close(a->metrics_server);
	/* Legs before their calls: none may call back into what is gone. */
	calls_close(a->calls);
	ua_close(a->ua);
	re_loop_close();
	loop_free(a->loop);
	journal_close(a->journal);
	metrics_free(a->metrics);
	free(a);
}
