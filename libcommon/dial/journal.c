/* Two text files, PATH.old and PATH, one per generation. A file begins with
 *
 *	belfry-journal 1 IDENTITY BOOT HORIZON_US BOOT_HORIZON_US
 *
 * and goes on with lines "s att_..." (sent) and "v att_..." (void). A line that is not whole is the
 * end of a write that a crash cut short: nothing was sent for it. PATH.lock keeps a second process
 * away; a lock on PATH itself would be lost with the first rename. */
#include "dial/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/parse.h"
#include "dial/append_file.h"
#include "dial/id_set.h"
#include "sec/sec.h"

#define MAGIC "belfry-journal"
#define VERSION "1"
#define LINE_SIZE 256
#define BOOT_ID_SIZE 64

struct journal {
	char *path, *path_old, *path_new; /* NULL = in memory */
	int lock_fd;                      /* -1 = none */
	struct append_file *file;
	struct id_set young, old;
	size_t generation_max;
	struct uuid identity;
	char boot_id[BOOT_ID_SIZE];
	usec_t horizon;      /* ids at or before it may have been dropped */
	usec_t boot_horizon; /* ids at or before it may have been lost with a boot */
	char instance[JOURNAL_INSTANCE_SIZE];
};

static char *path_with(const char *path, const char *suffix)
{
	struct strbuf b;

	strbuf_init(&b, 8192);
	strbuf_add(&b, str_from(path));
	strbuf_add(&b, str_from(suffix));
	return strbuf_detach(&b);
}

static struct err take_lock(struct journal *j)
{
	char *path = path_with(j->path, ".lock");

	j->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	free(path);
	if (j->lock_fd < 0)
		return ERR(ERR_IO, "cannot create the journal's lock file");
	if (flock(j->lock_fd, LOCK_EX | LOCK_NB) != 0)
		return ERR(ERR_CONFLICT, "another dialer holds this journal");
	return OK;
}

/* --- reading --------------------------------------------------------------------------------- */

struct header {
	struct uuid identity;
	char boot_id[BOOT_ID_SIZE];
	usec_t horizon, boot_horizon;
};

static struct err parse_header(struct str line, struct header *out)
{
	struct str word[6];

	for (size_t i = 0; i < ARRAY_LEN(word); i++)
		(void)str_split(line, ' ', &word[i], &line); /* a missing one is empty */
	if (!str_eq(word[0], STR(MAGIC)) || !str_eq(word[1], STR(VERSION)) ||
	    word[3].n >= BOOT_ID_SIZE)
		return ERR(ERR_INVALID, "this file is not a dialer's journal");
	memcpy(out->boot_id, word[3].p, word[3].n);
	out->boot_id[word[3].n] = '\0';
	TRY(uuid_parse(word[2], &out->identity));
	TRY(parse_i64(word[4], 0, INT64_MAX, &out->horizon));
	return parse_i64(word[5], 0, INT64_MAX, &out->boot_horizon);
}

static void load_line(struct journal *j, struct id_set *set, struct str line, usec_t keep_after)
{
	struct str mark, text;
	struct uuid id;

	if (!str_split(line, ' ', &mark, &text) || is_err(id_parse(ID_ATTEMPT, text, &id)))
		return;
	if (uuid_v7_at(id) <= keep_after)
		j->horizon = max_i64(j->horizon, uuid_v7_at(id));
	else
		id_set_add(set, id, str_eq(mark, STR("v")) ? ID_MARK_VOID : ID_MARK_SENT);
}

static struct str next_line(FILE *f, char line[LINE_SIZE])
{
	if (!fgets(line, LINE_SIZE, f))
		return STR_NONE;
	struct str s = str_from(line);
	return s.n > 0 && s.p[s.n - 1] == '\n' ? (struct str){ s.p, s.n - 1 } : s;
}

/* ERR_NOT_FOUND when there is no such file or it is empty, which is what a power cut leaves. */
static struct err load_file(struct journal *j, const char *path, struct id_set *set, usec_t now)
{
	struct header h;
	char line[LINE_SIZE];
	FILE *f = fopen(path, "re");

	if (!f)
		return errno == ENOENT ? ERR(ERR_NOT_FOUND, "no journal")
				       : ERR(ERR_IO, "cannot read the journal");
	struct str s = next_line(f, line);
	struct err e = s.p ? parse_header(s, &h) : ERR(ERR_NOT_FOUND, "an empty journal");
	if (!is_err(e)) {
		j->identity = h.identity;
		memcpy(j->boot_id, h.boot_id, sizeof(h.boot_id));
		j->horizon = max_i64(j->horizon, h.horizon);
		j->boot_horizon = max_i64(j->boot_horizon, h.boot_horizon);
		while ((s = next_line(f, line)).p)
			load_line(j, set, s, now - JOURNAL_KEEP_US);
		if (ferror(f))
			e = ERR(ERR_IO, "cannot read the journal");
	}
	(void)fclose(f); /* only read */
	return e;
}

/* --- writing --------------------------------------------------------------------------------- */

static struct err write_header(const struct journal *j, const char *path)
{
	char id[UUID_TEXT_SIZE];
	FILE *f = fopen(path, "we");

	if (!f)
		return ERR(ERR_IO, "cannot create a journal file");
	int n = fprintf(f, MAGIC " " VERSION " %s %s %" PRId64 " %" PRId64 "\n",
			uuid_format(j->identity, id), j->boot_id, j->horizon, j->boot_horizon);
	int rc = fclose(f);
	return n > 0 && rc == 0 ? OK : ERR(ERR_IO, "cannot write a journal file");
}

/* The young generation becomes the old one and the old one is forgotten. A crash leaves PATH.new
 * beside PATH (then nothing happened yet) or PATH.new without PATH (then it is the new PATH). */
static struct err rotate(struct journal *j, usec_t now)
{
	/* An id made by a clock that was ahead must not lift the horizon into the future. */
	j->horizon = max_i64(j->horizon, min_i64(j->old.newest_at, now));
	id_set_deinit(&j->old);
	j->old = j->young;
	id_set_init(&j->young);
	if (!j->path)
		return OK;

	append_file_close(j->file);
	j->file = NULL;
	TRY(write_header(j, j->path_new));
	if ((rename(j->path, j->path_old) != 0 && errno != ENOENT) ||
	    rename(j->path_new, j->path) != 0)
		return ERR(ERR_IO, "cannot rename a journal file");
	return append_file_open(j->path, &j->file);
}

static struct err load(struct journal *j, const struct journal_options *o)
{
	bool has_files = access(j->path, F_OK) == 0;

	if (!has_files && rename(j->path_new, j->path) == 0)
		has_files = true;
	j->identity = o->fresh;
	if (has_files) {
		struct err e = load_file(j, j->path_old, &j->old, o->now);
		if (!is_err(e) || e.code == ERR_NOT_FOUND)
			e = load_file(j, j->path, &j->young, o->now);
		if (is_err(e) && e.code != ERR_NOT_FOUND)
			return e;
	}
	if (strcmp(j->boot_id, o->boot_id) == 0)
		return append_file_open(j->path, &j->file);

	/* Another boot, or no journal yet: a file of its own, with its own header. Of ids from
	 * before a reboot some may be missing. */
	if (j->boot_id[0])
		j->boot_horizon = o->now;
	memcpy(j->boot_id, o->boot_id, strlen(o->boot_id) + 1);
	return rotate(j, o->now);
}

static void name_instance(struct journal *j)
{
	static const char hex[] = "0123456789abcdef";
	char id[UUID_TEXT_SIZE];
	uint8_t digest[SHA256_SIZE];
	struct strbuf b;

	strbuf_init(&b, 256);
	strbuf_addf(&b, "%s/%s", uuid_format(j->identity, id), j->boot_id);
	sec_sha256(strbuf_str(&b), digest);
	strbuf_deinit(&b);
	for (size_t i = 0; i < JOURNAL_INSTANCE_SIZE - 1; i++)
		j->instance[i] = hex[i % 2 ? digest[i / 2] & 15 : digest[i / 2] >> 4];
	j->instance[JOURNAL_INSTANCE_SIZE - 1] = '\0';
}

struct err journal_open(const struct journal_options *o, struct journal **out)
{
	if (strlen(o->boot_id) >= BOOT_ID_SIZE || !*o->boot_id)
		return ERR(ERR_INVALID, "this machine's boot has no usable id");

	struct journal *j = xcalloc(1, sizeof(*j));
	struct err e = OK;
	j->lock_fd = -1;
	j->generation_max = o->generation_max;
	j->identity = o->fresh;
	id_set_init(&j->young);
	id_set_init(&j->old);
	if (*o->path) {
		j->path = xstrdup(o->path);
		j->path_old = path_with(o->path, ".old");
		j->path_new = path_with(o->path, ".new");
		e = take_lock(j);
		if (!is_err(e))
			e = load(j, o);
	}
	if (is_err(e)) {
		journal_close(j);
		return e;
	}
	name_instance(j);
	*out = j;
	return OK;
}

void journal_close(struct journal *j)
{
	if (!j)
		return;
	append_file_close(j->file);
	id_set_deinit(&j->young);
	id_set_deinit(&j->old);
	if (j->lock_fd >= 0)
		close(j->lock_fd);
	free(j->path);
	free(j->path_old);
	free(j->path_new);
	free(j);
}

const char *journal_instance(const struct journal *j)
{
	return j->instance;
}

enum journal_word journal_look_up(const struct journal *j, struct uuid id)
{
	enum id_mark mark = id_set_get(&j->young, id);

	if (mark == ID_MARK_NONE)
		mark = id_set_get(&j->old, id);
	switch (mark) {
	case ID_MARK_SENT:
		return JOURNAL_SENT;
	case ID_MARK_VOID:
		return JOURNAL_VOID;
	case ID_MARK_NONE:
		break;
	}
	usec_t at = uuid_v7_at(id);
	return at <= j->horizon || at <= j->boot_horizon ? JOURNAL_FORGOTTEN : JOURNAL_NEW;
}

static void add(struct journal *j, struct uuid id, enum id_mark mark)
{
	char text[ID_TEXT_SIZE];

	id_set_add(&j->young, id, mark);
	if (!j->file)
		return;
	struct strbuf *b = append_file_buf(j->file);
	strbuf_add(b, mark == ID_MARK_VOID ? STR("v ") : STR("s "));
	strbuf_add(b, str_from(id_format(ID_ATTEMPT, id, text)));
	strbuf_add_c(b, '\n');
}

void journal_sent(struct journal *j, struct uuid id)
{
	add(j, id, ID_MARK_SENT);
}

void journal_void(struct journal *j, struct uuid id)
{
	add(j, id, ID_MARK_VOID);
}

struct err journal_flush(struct journal *j, usec_t now)
{
	if (j->file)
		TRY(append_file_flush(j->file));
	return j->young.n >= j->generation_max ? rotate(j, now) : OK;
}
