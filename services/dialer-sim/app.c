/* SIGTERM ends the process at once: what stands is written and sent, and calls in progress, which
 * exist only here, are in the journal, so that the next process answers `unknown` for them. */
#include "app.h"

#include <stdlib.h>

#include "base/mem.h"
#include "phones.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "sys/process.h"
#include "sys/random.h"

#define GENERATION_MAX ((size_t)512 * 1024)
#define DRAIN_TIMEOUT_US (5 * USEC_PER_SEC)

struct app {
	struct loop *loop;
	struct journal *journal;
	struct ledger *ledger;
	struct phones *phones;
	const char *ready_file;
	struct metrics *metrics;
	struct metrics_server *metrics_server;
};

static struct err open_files(struct app *a, const struct sim_settings *s)
{
	char boot_id[PROCESS_BOOT_ID_SIZE];
	usec_t now = clock_now();

	TRY(process_boot_id(boot_id));
	TRY(journal_open(&(struct journal_options){ .path = s->journal,
						    .boot_id = boot_id,
						    .fresh = random_id(now),
						    .now = now,
						    .generation_max = GENERATION_MAX },
			 &a->journal));
	return ledger_open(s->ledger, &a->ledger);
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
								     .service = "dialer-sim",
								     .metrics = a->metrics,
								     .is_ready = is_ready,
								     .arg = a },
				   &a->metrics_server);
}

static void on_drain(void *arg)
{
	struct app *a = arg;

	process_not_ready(a->ready_file);
	desk_finish(phones_desk(a->phones));
	loop_stop(a->loop);
}

struct err app_new(const struct sim_settings *s, const struct carrier_settings *carrier,
		   struct app **out)
{
	struct app *a = xcalloc(1, sizeof(*a));
	struct err e = open_files(a, s);

	if (is_err(e))
		goto fail;
	a->loop = loop_new();
	a->metrics = metrics_new();
	a->phones = phones_new(a->loop, &(struct phones_options){ .carrier = *carrier,
								  .journal = a->journal,
								  .ledger = a->ledger,
								  .metrics = a->metrics });
	e = desk_add_slots(phones_desk(a->phones), s->listen);
	if (!is_err(e))
		e = open_metrics(a, &s->metrics);
	if (is_err(e))
		goto fail;
	loop_on_drain(a->loop, DRAIN_TIMEOUT_US, on_drain, a);
	a->ready_file = s->ready_file;
	process_ready(a->ready_file);
	log_info("ready", LS("instance", journal_instance(a->journal)));
	*out = a;
	return OK;
fail:
	app_free(a);
	return e;
}

int app_run(struct app *a)
{
	int code = loop_run(a->loop);

	return desk_has_failed(phones_desk(a->phones)) ? 1 : code;
}

void app_free(struct app *a)
{
	if (!a)
		return;
	metrics_server_close(a->metrics_server);
	phones_free(a->phones);
	loop_free(a->loop);
	ledger_close(a->ledger);
	journal_close(a->journal);
	metrics_free(a->metrics);
	free(a);
}
