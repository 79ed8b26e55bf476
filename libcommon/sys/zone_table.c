/* A sorted array, since a process uses some hundred zones and looks them up by name. What was read
 * is told apart by the file's identity first, which costs a stat(), and by its bytes only when that
 * has changed: a package that is installed again has new files and the same rules. */
#include "sys/zone_table.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "sys/zoneinfo.h"

#define PROBE "UTC" /* a tree without it is none */
#define VERSION_FILE "tzdata.zi"
#define VERSION_PREFIX "# version "
#define VERSION_NONE "unknown"

struct identity {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec modified, changed;
};

struct entry {
	char name[ZONEINFO_NAME_MAX + 1];
	struct zone *zone;
	struct identity identity;
	uint64_t hash; /* of the file's bytes */
};

struct zone_table {
	char *directory;
	char version[ZONE_VERSION_SIZE];
	struct entry **entries; /* ordered by name */
	size_t n, cap;
};

/* What one look at a file has found. */
struct reading {
	struct zone *zone;
	struct identity identity;
	uint64_t hash;
};

static struct err identify(const char *directory, const char *name, struct identity *out)
{
	char path[PATH_MAX];
	struct stat st;
	int n = snprintf(path, sizeof(path), "%s/%s", directory, name);

	if (n < 0 || n >= (int)sizeof(path))
		return ERR(ERR_TOO_LARGE, "the time zone directory's path is too long");
	if (stat(path, &st) != 0)
		return ERR(ERR_NOT_FOUND, "no such time zone");
	*out = (struct identity){ st.st_dev, st.st_ino, st.st_size, st.st_mtim, st.st_ctim };
	return OK;
}

static bool is_same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool is_same(const struct identity *a, const struct identity *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size &&
	       is_same_time(a->modified, b->modified) && is_same_time(a->changed, b->changed);
}

/* FNV-1a. */
static uint64_t hash_bytes(struct str s)
{
	uint64_t hash = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < s.n; i++)
		hash = (hash ^ (unsigned char)s.p[i]) * UINT64_C(1099511628211);
	return hash;
}

static struct err read_zone(const char *directory, const char *name, struct reading *out)
{
	struct reading r;
	char *bytes;
	size_t n;

	/* Before the bytes: what is written after that shows at the next look. */
	TRY(identify(directory, name, &r.identity));
	TRY(zoneinfo_read(directory, str_from(name), &bytes, &n));
	r.hash = hash_bytes((struct str){ bytes, n });
	struct err e = zone_read((struct str){ bytes, n }, &r.zone);
	free(bytes);
	if (!is_err(e))
		*out = r;
	return e;
}

static bool is_version(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (!(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
		    c != '.' && c != '-' && c != '+')
			return false;
	}
	return s.n > 0 && s.n < ZONE_VERSION_SIZE;
}

static void read_version(const char *directory, char out[ZONE_VERSION_SIZE])
{
	char path[PATH_MAX], text[128];
	struct str line, rest, version = STR(VERSION_NONE);
	ssize_t got = -1;

	if (snprintf(path, sizeof(path), "%s/" VERSION_FILE, directory) < (int)sizeof(path)) {
		int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		if (fd >= 0) {
			got = read(fd, text, sizeof(text));
			(void)close(fd); /* it was only read */
		}
	}
	if (got > 0) {
		(void)str_split((struct str){ text, (size_t)got }, '\n', &line, &rest);
		if (str_starts(line, STR(VERSION_PREFIX))) {
			line.p += strlen(VERSION_PREFIX);
			line.n -= strlen(VERSION_PREFIX);
			if (is_version(line))
				version = line;
		}
	}
	memcpy(out, version.p, version.n);
	out[version.n] = '\0';
}

struct err zone_table_open(const char *directory, struct zone_table **out)
{
	struct zone_table *t = xcalloc(1, sizeof(*t));

	t->directory = xstrdup(directory);
	read_version(directory, t->version);
	if (zone_table_find(t, STR(PROBE)) == NULL) {
		zone_table_free(t);
		return ERR(ERR_NOT_FOUND, "the time zone directory has no file UTC");
	}
	*out = t;
	return OK;
}

void zone_table_free(struct zone_table *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->n; i++) {
		zone_free(t->entries[i]->zone);
		free(t->entries[i]);
	}
	free(t->entries);
	free(t->directory);
	free(t);
}

/* Where the name stands, or would stand. */
static size_t position(const struct zone_table *t, struct str name, bool *is_there_out)
{
	size_t from = 0, to = t->n;

	while (from < to) {
		size_t middle = from + (to - from) / 2;
		int order = str_cmp(str_from(t->entries[middle]->name), name);
		if (order == 0) {
			*is_there_out = true;
			return middle;
		}
		if (order < 0)
			from = middle + 1;
		else
			to = middle;
	}
	*is_there_out = false;
	return from;
}

static void insert(struct zone_table *t, size_t at, struct entry *e)
{
	if (t->n == t->cap) {
		t->cap = t->cap == 0 ? 16 : t->cap * 2;
		t->entries = xrealloc(t->entries, t->cap, sizeof(struct entry *));
	}
	memmove(&t->entries[at + 1], &t->entries[at], (t->n - at) * sizeof(struct entry *));
	t->entries[at] = e;
	t->n++;
}

const struct zone *zone_table_find(struct zone_table *t, struct str name)
{
	struct reading r;
	bool is_there;
	size_t at = position(t, name, &is_there);

	if (is_there)
		return t->entries[at]->zone;
	if (t->n == ZONE_TABLE_MAX || !zoneinfo_is_name(name))
		return NULL;
	struct entry *e = xcalloc(1, sizeof(*e));
	memcpy(e->name, name.p, name.n);
	if (is_err(read_zone(t->directory, e->name, &r))) {
		free(e);
		return NULL;
	}
	e->zone = r.zone;
	e->identity = r.identity;
	e->hash = r.hash;
	insert(t, at, e);
	return e->zone;
}

/* True when the file has other rules now, which e then has. */
static bool refresh_entry(const char *directory, struct entry *e)
{
	struct identity identity;
	struct reading r;

	if (is_err(identify(directory, e->name, &identity)) || is_same(&identity, &e->identity) ||
	    is_err(read_zone(directory, e->name, &r)))
		return false;
	e->identity = r.identity;
	if (r.hash == e->hash) {
		zone_free(r.zone);
		return false;
	}
	e->hash = r.hash;
	zone_free(e->zone);
	e->zone = r.zone;
	return true;
}

bool zone_table_refresh(struct zone_table *t)
{
	char version[ZONE_VERSION_SIZE];
	struct identity probe;
	/* A link that is switched meanwhile must not give half of each tree. */
	char *directory = realpath(t->directory, NULL);
	bool is_new = false;

	if (directory == NULL || is_err(identify(directory, PROBE, &probe))) {
		free(directory);
		return false; /* no tree, or one that is not all there yet */
	}
	read_version(directory, version);
	if (strcmp(version, t->version) != 0) {
		memcpy(t->version, version, sizeof(version));
		is_new = true;
	}
	for (size_t i = 0; i < t->n; i++) {
		if (refresh_entry(directory, t->entries[i]))
			is_new = true;
	}
	free(directory);
	return is_new;
}

const char *zone_table_version(const struct zone_table *t)
{
	return t->version;
}
