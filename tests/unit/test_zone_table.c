/* Tables of zones over trees made here: found by name, kept, and taken anew when the tree changes. */
#include "check.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/zone_table.h"
#include "sys/zoneinfo.h"

#define TREE "/usr/share/zoneinfo"
#define PATH_BYTES 256
#define JULY_2026 (INT64_C(1783000000) * USEC_PER_SEC)

struct bench {
	char home[64];
	char path[PATH_BYTES];
	struct zone_table *t;
};

static const char *in_home(struct bench *b, const char *tree, const char *name)
{
	(void)snprintf(b->path, sizeof(b->path), "%s/%s/%s", b->home, tree, name);
	return b->path;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	(void)st;
	(void)kind;
	(void)where;
	return remove(path);
}

/* A new file under the name, as a package's update leaves it. */
static void put(struct bench *b, const char *tree, const char *name, struct str bytes)
{
	char fresh[PATH_BYTES + 8];
	const char *path = in_home(b, tree, name);

	(void)snprintf(fresh, sizeof(fresh), "%s.new", path);
	FILE *f = fopen(fresh, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes.p, 1, bytes.n, f), bytes.n);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(rename(fresh, path), 0);
}

/* The zone `from` of this machine, called `name`. */
static void put_zone(struct bench *b, const char *tree, const char *name, const char *from)
{
	char *bytes = NULL;
	size_t n = 0;

	assert_ok(zoneinfo_read(TREE, str_from(from), &bytes, &n));
	put(b, tree, name, (struct str){ bytes, n });
	free(bytes);
}

/* A tree with UTC and a zone Here. */
static void make_tree(struct bench *b, const char *tree, const char *version, const char *here)
{
	assert_int_equal(mkdir(in_home(b, tree, ""), 0700), 0);
	put_zone(b, tree, "UTC", "UTC");
	put_zone(b, tree, "Here", here);
	put(b, tree, "tzdata.zi", str_from(version));
}

static void point(struct bench *b, const char *tree)
{
	char fresh[PATH_BYTES];

	(void)snprintf(fresh, sizeof(fresh), "%s/fresh", b->home);
	assert_int_equal(symlink(tree, fresh), 0);
	(void)snprintf(b->path, sizeof(b->path), "%s/link", b->home);
	assert_int_equal(rename(fresh, b->path), 0);
}

/* Two trees, in which Here is Berlin or Kathmandu, and a table over a link to the first. */
static int set_up(void **state)
{
	struct bench *b = test_calloc(1, sizeof(*b));

	(void)snprintf(b->home, sizeof(b->home), "/tmp/belfry-zones-XXXXXX");
	assert_non_null(mkdtemp(b->home));
	make_tree(b, "old", "# version 2025a\nR A\n", "Europe/Berlin");
	make_tree(b, "new", "# version 2025b-rearguard\nR A\n", "Asia/Kathmandu");
	point(b, "old");
	assert_ok(zone_table_open(b->path, &b->t));
	*state = b;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *b = *state;

	zone_table_free(b->t);
	assert_int_equal(nftw(b->home, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
	test_free(b);
	return 0;
}

/* In summer; -1 when there is no such zone. */
static int offset_min(struct bench *b, const char *name)
{
	const struct zone *z = zone_table_find(b->t, str_from(name));
	return z != NULL ? zone_offset_s(z, JULY_2026) / 60 : -1;
}

static void zones_are_found_and_kept(void **state)
{
	struct bench *b = *state;

	const struct zone *here = zone_table_find(b->t, STR("Here"));
	assert_non_null(here);
	assert_int_equal(offset_min(b, "Here"), 120);
	assert_int_equal(offset_min(b, "UTC"), 0);
	put_zone(b, "old", "There", "America/New_York");
	assert_int_equal(offset_min(b, "There"), -240);
	assert_int_equal(unlink(in_home(b, "old", "Here")), 0);
	assert_ptr_equal(zone_table_find(b->t, STR("Here")), here);
	assert_string_equal(zone_table_version(b->t), "2025a");
}

static void what_is_no_zone_is_not_found(void **state)
{
	static const char *const names[] = { "",          "here",       "Here ",       "Nowhere",
					     "tzdata.zi", "../old/UTC", "/etc/passwd", "Here/x",
					     "posix/UTC", "localtime" };
	static char endless[ZONEINFO_NAME_MAX + 2];
	struct bench *b = *state;

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		CHECK(zone_table_find(b->t, str_from(names[i])) == NULL, "%s", names[i]);
	memset(endless, 'x', ZONEINFO_NAME_MAX + 1);
	assert_null(zone_table_find(b->t, str_from(endless)));
	assert_null(zone_table_find(b->t, STR_NONE));
	/* but may become one */
	put_zone(b, "old", "Nowhere", "Asia/Tokyo");
	assert_int_equal(offset_min(b, "Nowhere"), 540);
}

static void a_directory_without_zones_is_none(void **state)
{
	struct bench *b = *state;
	struct zone_table *t = NULL;
	static char endless[8192];

	assert_err(zone_table_open("/nonexistent", &t), ERR_NOT_FOUND);
	assert_err(zone_table_open(b->home, &t), ERR_NOT_FOUND);
	memset(endless, 'x', sizeof(endless) - 1);
	assert_err(zone_table_open(endless, &t), ERR_NOT_FOUND);
	assert_null(t);
	zone_table_free(NULL);
}

static void nothing_new_is_nothing_new(void **state)
{
	struct bench *b = *state;
	const struct zone *here = zone_table_find(b->t, STR("Here"));

	assert_false(zone_table_refresh(b->t));
	/* installed again, the same rules */
	put_zone(b, "old", "Here", "Europe/Berlin");
	assert_false(zone_table_refresh(b->t));
	assert_ptr_equal(zone_table_find(b->t, STR("Here")), here);
	/* a file that nobody asked for */
	put_zone(b, "old", "There", "Asia/Tokyo");
	assert_false(zone_table_refresh(b->t));
}

static void a_changed_file_is_taken(void **state)
{
	struct bench *b = *state;

	assert_int_equal(offset_min(b, "Here"), 120);
	put_zone(b, "old", "Here", "Asia/Tokyo");
	assert_int_equal(offset_min(b, "Here"), 120);
	assert_true(zone_table_refresh(b->t));
	assert_int_equal(offset_min(b, "Here"), 540);
	assert_int_equal(offset_min(b, "UTC"), 0);
	assert_false(zone_table_refresh(b->t));
}

static void a_switched_link_leads_to_the_new_tree(void **state)
{
	struct bench *b = *state;

	assert_int_equal(offset_min(b, "Here"), 120);
	point(b, "new");
	assert_string_equal(zone_table_version(b->t), "2025a");
	assert_int_equal(offset_min(b, "Here"), 120);
	assert_true(zone_table_refresh(b->t));
	assert_string_equal(zone_table_version(b->t), "2025b-rearguard");
	assert_int_equal(offset_min(b, "Here"), 345);
	assert_false(zone_table_refresh(b->t));
	point(b, "old");
	assert_true(zone_table_refresh(b->t));
	assert_int_equal(offset_min(b, "Here"), 120);
}

static void another_version_alone_is_news(void **state)
{
	struct bench *b = *state;

	put(b, "old", "tzdata.zi", STR("# version 2026z\n"));
	assert_true(zone_table_refresh(b->t));
	assert_string_equal(zone_table_version(b->t), "2026z");
}

static void what_cannot_be_read_keeps_its_rules(void **state)
{
	static const struct str damaged[] = { { "TZif", 4 }, { "", 0 }, { "no zone at all", 14 } };
	struct bench *b = *state;

	assert_int_equal(offset_min(b, "Here"), 120);
	for (size_t i = 0; i < ARRAY_LEN(damaged); i++) {
		put(b, "old", "Here", damaged[i]);
		assert_false(zone_table_refresh(b->t));
		assert_int_equal(offset_min(b, "Here"), 120);
	}
	assert_int_equal(unlink(in_home(b, "old", "Here")), 0);
	assert_false(zone_table_refresh(b->t));
	assert_int_equal(offset_min(b, "Here"), 120);
	assert_int_equal(mkdir(in_home(b, "old", "Here"), 0700), 0);
	assert_false(zone_table_refresh(b->t));
	assert_int_equal(offset_min(b, "Here"), 120);
	assert_int_equal(rmdir(in_home(b, "old", "Here")), 0);
	assert_int_equal(mkfifo(in_home(b, "old", "Here"), 0600), 0);
	assert_false(zone_table_refresh(b->t));
	assert_int_equal(offset_min(b, "Here"), 120);
	/* and the next good file is taken */
	put_zone(b, "old", "Here", "Asia/Tokyo");
	assert_true(zone_table_refresh(b->t));
	assert_int_equal(offset_min(b, "Here"), 540);
}

static void a_tree_that_is_not_there_changes_nothing(void **state)
{
	struct bench *b = *state;

	assert_int_equal(offset_min(b, "Here"), 120);
	point(b, "gone");
	assert_false(zone_table_refresh(b->t));
	/* half of a tree: no UTC yet */
	assert_int_equal(unlink(in_home(b, "new", "UTC")), 0);
	point(b, "new");
	assert_false(zone_table_refresh(b->t));
	assert_string_equal(zone_table_version(b->t), "2025a");
	assert_int_equal(offset_min(b, "Here"), 120);
	put_zone(b, "new", "UTC", "UTC");
	assert_true(zone_table_refresh(b->t));
	assert_int_equal(offset_min(b, "Here"), 345);
}

static void the_version_is_a_word_of_the_first_line(void **state)
{
	static const struct {
		const char *text, *version;
	} rows[] = {
		{ "# version 2025b\n", "2025b" },
		{ "# version 2025b", "2025b" },
		{ "# version 2025b-12-gabc\nZ\n", "2025b-12-gabc" },
		{ "", "unknown" },
		{ "# version \n", "unknown" },
		{ "# Version 2025b\n", "unknown" },
		{ "Z UTC 0 - UTC\n# version 2025b\n", "unknown" },
		{ "# version 20\"25\n", "unknown" },
		{ "# version 0123456789012345678901234567890\n",
		  "0123456789012345678901234567890" },
		{ "# version 01234567890123456789012345678901\n", "unknown" },
	};
	struct bench *b = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		put(b, "old", "tzdata.zi", str_from(rows[i].text));
		(void)zone_table_refresh(b->t); /* the version tells */
		CHECK(strcmp(zone_table_version(b->t), rows[i].version) == 0, "%s: %s",
		      rows[i].text, zone_table_version(b->t));
	}
	assert_int_equal(unlink(in_home(b, "old", "tzdata.zi")), 0);
	(void)zone_table_refresh(b->t); /* as above */
	assert_string_equal(zone_table_version(b->t), "unknown");
}

static void there_is_room_for_so_many_zones(void **state)
{
	struct bench *b = *state;
	char name[16], other[16];

	/* with UTC, which the table has asked for itself */
	for (int i = 1; i <= ZONE_TABLE_MAX; i++) {
		(void)snprintf(name, sizeof(name), "Z%d", i * 7919 % 10007);
		assert_int_equal(symlink(i % 2 ? "Here" : "UTC", in_home(b, "old", name)), 0);
		CHECK(offset_min(b, name) == (i == ZONE_TABLE_MAX ? -1 : i % 2 ? 120 : 0), "%d", i);
	}
	for (int i = 1; i < ZONE_TABLE_MAX; i++) {
		(void)snprintf(other, sizeof(other), "Z%d", i * 7919 % 10007);
		CHECK(offset_min(b, other) == (i % 2 ? 120 : 0), "%s", other);
	}
	put_zone(b, "old", "Here", "Asia/Tokyo");
	assert_true(zone_table_refresh(b->t));
	(void)snprintf(other, sizeof(other), "Z%d", 7919);
	assert_int_equal(offset_min(b, other), 540);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(zones_are_found_and_kept),
		TEST(what_is_no_zone_is_not_found),
		TEST(a_directory_without_zones_is_none),
		TEST(nothing_new_is_nothing_new),
		TEST(a_changed_file_is_taken),
		TEST(a_switched_link_leads_to_the_new_tree),
		TEST(another_version_alone_is_news),
		TEST(what_cannot_be_read_keeps_its_rules),
		TEST(a_tree_that_is_not_there_changes_nothing),
		TEST(the_version_is_a_word_of_the_first_line),
		TEST(there_is_room_for_so_many_zones),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
