/* The table of settings, and what the table alone cannot check. */
#include "settings.h"

#include <stdio.h>

#include "sys/log.h"
#include "sys/settings_rows.h"

#define AT(field) offsetof(struct sip_settings, field)

static const struct setting table[] = {
	{ "BELFRY_DIALER_LISTEN", SETTING_STR, AT(listen), NULL, 1, 4096, false,
	  "Addresses to bind, one ipc:// path per dispatcher slot, separated by commas." },
	{ "BELFRY_DIALER_JOURNAL", SETTING_STR, AT(journal), "", 0, 4000, false,
	  "Path of the dialer's journal, with PATH.calls beside it; empty keeps both in memory, so "
	  "that each start is a new instance." },
	{ "BELFRY_SIP_LISTEN", SETTING_STR, AT(sip_listen), "0.0.0.0:5060", 1, 64, false,
	  "Address and port for SIP over UDP and TCP; 0.0.0.0 takes the default route's address. "
	  "The "
	  "same port again after a restart, or calls that ring are not heard of." },
	{ "BELFRY_SIP_ADVERTISE", SETTING_STR, AT(advertise), "", 0, 64, false,
	  "The address that carriers and agents are told, behind NAT; empty for the bound one." },
	{ "BELFRY_SIP_DNS", SETTING_STR, AT(dns), "", 0, 256, false,
	  "DNS servers for SIP names, ip:port separated by commas; empty for the system's." },
	{ "BELFRY_SIP_ALLOW_CIDRS", SETTING_STR, AT(allow), "", 0, 4096, false,
	  "Address blocks that carriers and agents may stand in although they are special "
	  "(private, "
	  "loopback), separated by commas." },
	READY_FILE_SETTING(struct sip_settings, ready_file),
	LOG_LEVEL_SETTING(struct sip_settings, log_level),
	METRICS_SERVER_SETTINGS(struct sip_settings, metrics),
};

bool sip_settings_load(int argc, char **argv, struct sip_settings *out, int *exit_out)
{
	*exit_out = 1;
	if (settings_command(argc, argv, (struct settings_table){ table, ARRAY_LEN(table) }, out,
			     exit_out) ||
	    is_err(settings_load(table, ARRAY_LEN(table), out)))
		return true;
	return !log_setup_by_word(out->log_level, (struct log_options){ .service = "dialer-sip" });
}
