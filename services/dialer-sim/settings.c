/* The table of settings, and what the table alone cannot check. */
#include "settings.h"

#include <stdio.h>

#include "sys/settings_rows.h"

static const struct setting table[] = {
	{ .key = "BELFRY_DIALER_LISTEN",
	  .kind = SETTING_STR,
	  .offset = offsetof(struct sim_settings, listen),
	  .min = 1,
	  .max = 4096,
	  .doc = "Addresses to bind, one ipc:// path per dispatcher slot, separated by commas." },
	{ .key = "BELFRY_DIALER_JOURNAL",
	  .kind = SETTING_STR,
	  .offset = offsetof(struct sim_settings, journal),
	  .fallback = "",
	  .min = 0,
	  .max = 4000,
	  .doc = "Path of the dialer's journal; empty keeps it in memory, so that each start is a "
		 "new instance." },
	{ .key = "BELFRY_CARRIER_LEDGER",
	  .kind = SETTING_STR,
	  .offset = offsetof(struct sim_settings, ledger),
	  .fallback = "",
	  .min = 0,
	  .max = 4000,
	  .doc = "Path of the simulated carrier's ledger, JSON lines appended; empty writes "
		 "none." },
	{ .key = "BELFRY_SIM_RING_MS",
	  .kind = SETTING_MS,
	  .offset = offsetof(struct sim_settings, ring_us),
	  .fallback = "200",
	  .min = 0,
	  .max = 600000,
	  .doc = "How long a simulated phone rings before it is answered, in milliseconds." },
	{ .key = "BELFRY_SIM_TALK_MS",
	  .kind = SETTING_MS,
	  .offset = offsetof(struct sim_settings, talk_us),
	  .fallback = "1000",
	  .min = 0,
	  .max = 86400000,
	  .doc = "How long a simulated conversation lasts, in milliseconds." },
	{ .key = "BELFRY_SIM_TIME_SCALE",
	  .kind = SETTING_DOUBLE,
	  .offset = offsetof(struct sim_settings, time_scale),
	  .fallback = "1",
	  .min = 0,
	  .max = 1000,
	  .doc = "Multiplies every duration of the simulated carrier, its Retry-After aside." },
	{ .key = "BELFRY_SIM_MIX",
	  .kind = SETTING_STR,
	  .offset = offsetof(struct sim_settings, mix),
	  .fallback = "",
	  .min = 0,
	  .max = 1024,
	  .doc = "Outcomes in percent of the numbers that are not magic, chosen by a hash of the "
		 "number: busy=10,no_answer=20; the rest answers." },
	READY_FILE_SETTING(struct sim_settings, ready_file),
	LOG_LEVEL_SETTING(struct sim_settings, log_level),
	METRICS_SERVER_SETTINGS(struct sim_settings, metrics),
};

bool sim_settings_load(int argc, char **argv, struct sim_settings *out,
		       struct carrier_settings *carrier_out, int *exit_out)
{
	*exit_out = 1;
	if (settings_command(argc, argv, (struct settings_table){ table, ARRAY_LEN(table) }, out,
			     exit_out) ||
	    is_err(settings_load(table, ARRAY_LEN(table), out)))
		return true;
	struct carrier_settings carrier = { .ring_us = out->ring_us,
					    .talk_us = out->talk_us,
					    .time_scale = out->time_scale };
	struct err e = carrier_mix_parse(str_from(out->mix), &carrier.mix);
	if (is_err(e)) {
		fprintf(stderr, "BELFRY_SIM_MIX: %s (%s)\n", e.what, out->mix);
		return true;
	}
	*carrier_out = carrier;
	return !log_setup_by_word(out->log_level, (struct log_options){ .service = "dialer-sim" });
}
