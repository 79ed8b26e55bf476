/* The machine's own time zone database: which names are zones, and our offsets beside libc's. */
#include "check.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/timefmt.h"
#include "domain/zone.h"
#include "sys/zoneinfo.h"

#define TREE "/usr/share/zoneinfo"
#define NAMES_MAX 2000

/* nftw() hands nothing down to its callback. */
static char names[NAMES_MAX][ZONEINFO_NAME_MAX + 1];
static size_t names_n;

static int take_file(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	const char *name = path + strlen(TREE) + 1;

	(void)st;
	(void)where;
	if ((kind != FTW_F && kind != FTW_SL) || strncmp(name, "posix/", 6) == 0 ||
	    strncmp(name, "right/", 6) == 0)
		return 0;
	char *bytes = NULL;
	size_t n = 0;
	if (is_err(zoneinfo_read(TREE, str_from(name), &bytes, &n)))
		return 0;
	free(bytes);
	assert_true(names_n < NAMES_MAX);
	(void)snprintf(names[names_n++], sizeof(names[0]), "%s", name);
	return 0;
}

static int list_zones(void **state)
{
	(void)state;
	/* links too: they are names of their own */
	return nftw(TREE, take_file, 16, FTW_PHYS);
}

static struct zone *load(const char *directory, const char *name)
{
	char *bytes = NULL;
	size_t n = 0;
	struct zone *z = NULL;
	struct err e = zoneinfo_read(directory, str_from(name), &bytes, &n);
	CHECK(!is_err(e), "%s: %s", name, e.what);
	e = zone_read((struct str){ bytes, n }, &z);
	CHECK(!is_err(e), "%s: %s", name, e.what);
	free(bytes);
	return z;
}

static bool has(const char *name)
{
	for (size_t i = 0; i < names_n; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static void the_tree_is_all_there(void **state)
{
	(void)state;
	assert_true(names_n > 400);
	assert_true(has("Egypt") && has("Europe/Berlin") && has("America/Argentina/Ushuaia") &&
		    has("UTC"));
	assert_true(has("Etc/GMT+12") && has("Asia/Kolkata") && has("America/Port-au-Prince"));
	assert_false(has("localtime") || has("posixrules") || has("zone.tab"));
}

/* --- names ---------------------------------------------------------------------------------- */

static void names_are_names_of_zones(void **state)
{
	static const char *const refused[] = {
		"",
		"/",
		"/etc/localtime",
		"/usr/share/zoneinfo/UTC",
		"localtime",
		"posixrules",
		"posix/Europe/Berlin",
		"right/Europe/Berlin",
		"..",
		"../zoneinfo/UTC",
		"Europe/../UTC",
		"Europe/./Berlin",
		"./UTC",
		"Europe//Berlin",
		"Europe/",
		"Europe/Berlin/",
		"Europe/Berlin\n",
		" UTC",
		"UTC ",
		"UTC+25:00",
		"+05:30",
		"-0800",
		"<-02>2",
		"CET-1CEST,M3.5.0,M10.5.0/3",
		":UTC",
		"zone.tab",
		"tzdata.zi",
		"Europe/K\xc3\xb6ln",
		"Europe\\Berlin",
		"A12345678901234567890123456789012345678901234567890123456789012/A",
	};
	static const char *const accepted[] = { "UTC",
						"Etc/GMT+12",
						"Etc/GMT-14",
						"EST5EDT",
						"America/Argentina/ComodRivadavia",
						"America/Port-au-Prince",
						"GMT0",
						"W-SU",
						"No/Such_Zone" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		CHECK(!zoneinfo_is_name(str_from(refused[i])), "%s", refused[i]);
	for (size_t i = 0; i < ARRAY_LEN(accepted); i++)
		CHECK(zoneinfo_is_name(str_from(accepted[i])), "%s", accepted[i]);
	assert_false(zoneinfo_is_name(STR("UTC\0")));
	assert_false(zoneinfo_is_name(STR_NONE));
}

static void what_is_no_zone_is_not_found(void **state)
{
	static const char *const rows[] = { "Europe/berlin", "europe/Berlin",
					    "utc",           "America/NewYork",
					    "Europe",        "Europe/Berlin/Mitte",
					    "iso3166",       "leapseconds",
					    "IST",           "PST",
					    "localtime",     "../zoneinfo/UTC" };
	char *bytes = NULL;
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		CHECK(zoneinfo_read(TREE, str_from(rows[i]), &bytes, &n).code == ERR_NOT_FOUND,
		      "%s", rows[i]);
	assert_err(zoneinfo_read("/nonexistent", STR("UTC"), &bytes, &n), ERR_NOT_FOUND);
}

static void write_file(const char *path, size_t size)
{
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	for (size_t i = 0; i < size; i++)
		(void)fputc(i < 4 ? "TZif"[i] : 0, f);
	assert_int_equal(fclose(f), 0);
}

static void a_tree_may_hold_anything(void **state)
{
	char directory[] = "/tmp/belfry-zones-XXXXXX", path[128];
	char *bytes = NULL;
	size_t n = 0;
	static const char *const made[] = { "Big", "Empty", "Full", "Fifo", "Loop" };
	static char long_path[5000];

	(void)state;
	assert_non_null(mkdtemp(directory));
	(void)snprintf(path, sizeof(path), "%s/Big", directory);
	write_file(path, ZONEINFO_FILE_MAX + 1);
	(void)snprintf(path, sizeof(path), "%s/Full", directory);
	write_file(path, ZONEINFO_FILE_MAX);
	(void)snprintf(path, sizeof(path), "%s/Empty", directory);
	write_file(path, 0);
	(void)snprintf(path, sizeof(path), "%s/Fifo", directory);
	assert_int_equal(mkfifo(path, 0600), 0);
	(void)snprintf(path, sizeof(path), "%s/Loop", directory);
	assert_int_equal(symlink("Loop", path), 0);

	assert_err(zoneinfo_read(directory, STR("Big"), &bytes, &n), ERR_TOO_LARGE);
	assert_err(zoneinfo_read(directory, STR("Empty"), &bytes, &n), ERR_NOT_FOUND);
	assert_err(zoneinfo_read(directory, STR("Fifo"), &bytes, &n), ERR_NOT_FOUND);
	assert_err(zoneinfo_read(directory, STR("Loop"), &bytes, &n), ERR_NOT_FOUND);
	assert_ok(zoneinfo_read(directory, STR("Full"), &bytes, &n));
	assert_int_equal(n, ZONEINFO_FILE_MAX);
	free(bytes);
	memset(long_path, 'x', sizeof(long_path) - 1);
	assert_err(zoneinfo_read(long_path, STR("UTC"), &bytes, &n), ERR_TOO_LARGE);

	for (size_t i = 0; i < ARRAY_LEN(made); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", directory, made[i]);
		assert_int_equal(unlink(path), 0);
	}
	assert_int_equal(rmdir(directory), 0);
}

/* --- offsets -------------------------------------------------------------------------------- */

static int64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (int64_t)(*state >> 2);
}

static void compare(const struct zone *z, const char *name, int64_t at_s)
{
	struct tm tm;
	time_t t = (time_t)at_s;
	assert_non_null(localtime_r(&t, &tm));
	int32_t ours = zone_offset_s(z, at_s * USEC_PER_SEC);
	CHECK(ours == tm.tm_gmtoff, "%s at %" PRId64 ": %d, libc has %ld", name, at_s, ours,
	      tm.tm_gmtoff);
}

/* From 1850 to 2500: at each border of ours, and at as many moments that know nothing of them. */
static void offsets_are_those_of_libc(void **state)
{
	int64_t from_s = date_to_days(1850, 1, 1) * 86400, to_s = date_to_days(2500, 1, 1) * 86400;
	uint64_t seed = 0x20dead;

	(void)state;
	for (size_t i = 0; i < names_n; i++) {
		struct zone *z = load(TREE, names[i]);
		char tz[ZONEINFO_NAME_MAX + 2];
		struct zone_segment s;
		(void)snprintf(tz, sizeof(tz), ":%s", names[i]);
		assert_int_equal(setenv("TZ", tz, 1), 0);
		tzset();
		for (int64_t t = from_s; t < to_s; t = s.end_s) {
			zone_segment_at(z, t, &s);
			CHECK(s.start_s <= t && s.end_s > t, "%s at %" PRId64, names[i], t);
			compare(z, names[i], max_i64(s.start_s, from_s));
			compare(z, names[i], min_i64(s.end_s, to_s) - 1);
		}
		for (int k = 0; k < 1500; k++)
			compare(z, names[i], from_s + next_random(&seed) % (to_s - from_s));
		zone_free(z);
	}
	assert_int_equal(unsetenv("TZ"), 0);
	tzset();
}

static void neighbours_differ_and_join(void **state)
{
	int64_t to_s = date_to_days(2099, 1, 1) * 86400;

	(void)state;
	for (size_t i = 0; i < names_n; i++) {
		struct zone *z = load(TREE, names[i]);
		struct zone_segment s, next;
		zone_segment_at(z, ZONE_FIRST_S, &s);
		CHECK(s.start_s == ZONE_FIRST_S && s.before_s == s.offset_s, "%s", names[i]);
		for (; s.end_s < to_s; s = next) {
			zone_segment_at(z, s.end_s, &next);
			CHECK(next.start_s == s.end_s && next.before_s == s.offset_s,
			      "%s at %" PRId64, names[i], s.end_s);
			CHECK(next.offset_s != s.offset_s, "%s at %" PRId64, names[i], s.end_s);
		}
		zone_free(z);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_tree_is_all_there),
		cmocka_unit_test(names_are_names_of_zones),
		cmocka_unit_test(what_is_no_zone_is_not_found),
		cmocka_unit_test(a_tree_may_hold_anything),
		cmocka_unit_test(offsets_are_those_of_libc),
		cmocka_unit_test(neighbours_differ_and_join),
	};
	return cmocka_run_group_tests(tests, list_zones, NULL);
}
