/* A file of two lines, written beside its place and moved there, so that it is whole or not there. */
#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "user.h"

#define PATH_MAX_BYTES ((size_t)4096)
#define TEXT_MAX ((size_t)8192)
#define MODE_FILE 0600
#define MODE_DIRECTORY 0700

struct err session_set_url(struct session *s, struct str url)
{
	struct str http = { url.p, min_size(url.n, 7) }, https = { url.p, min_size(url.n, 8) };

	while (url.n > 0 && url.p[url.n - 1] == '/')
		url.n--;
	if (!str_eq_nocase(http, STR("http://")) && !str_eq_nocase(https, STR("https://")))
		return ERR(ERR_INVALID, "the URL of the API begins with https:// or http://");
	if (url.n >= sizeof(s->url) || url.n <= https.n)
		return ERR(ERR_INVALID, "the URL of the API is too short or too long");
	for (size_t i = 0; i < url.n; i++) {
		if (url.p[i] <= ' ' || url.p[i] == 0x7f || url.p[i] == '?' || url.p[i] == '#')
			return ERR(ERR_INVALID, "the URL of the API is a plain address: no blanks, "
						"no query, no fragment");
	}
	memcpy(s->url, url.p, url.n);
	s->url[url.n] = '\0';
	return OK;
}

struct err session_set_key(struct session *s, struct str key)
{
	if (key.n == 0 || key.n >= sizeof(s->key))
		return ERR(ERR_INVALID, "an API key has 1 to 128 characters");
	for (size_t i = 0; i < key.n; i++) {
		if (key.p[i] <= ' ' || key.p[i] >= 0x7f)
			return ERR(ERR_INVALID, "an API key is printable ASCII without blanks");
	}
	memcpy(s->key, key.p, key.n);
	s->key[key.n] = '\0';
	return OK;
}

struct err session_parse(struct str text, struct session *out)
{
	struct session s = { .url = "" };
	struct str line, name, value;

	while (text.n > 0) {
		(void)str_split(text, '\n', &line, &text); /* the last line may lack its end */
		if (line.n == 0 || line.p[0] == '#')
			continue;
		if (!str_split(line, '=', &name, &value))
			return ERR(ERR_INVALID, "a line is neither NAME=VALUE nor a comment");
		if (str_eq(name, STR("BELFRY_URL")))
			TRY(session_set_url(&s, value));
		else if (str_eq(name, STR("BELFRY_API_KEY")))
			TRY(session_set_key(&s, value));
		else
			return ERR(ERR_INVALID, "a name is not BELFRY_URL or BELFRY_API_KEY");
	}
	*out = s;
	mem_wipe(s.key, sizeof(s.key));
	return OK;
}

static struct err path_of(const char *file, struct strbuf *out)
{
	TRY(user_config_directory(out));
	strbuf_addf(out, "%s", file);
	return strbuf_overflowed(out) ? ERR(ERR_TOO_LARGE, "HOME is too long") : OK;
}

static struct err load_from(const char *path, struct session *out)
{
	struct stat st;
	struct strbuf text;

	if (stat(path, &st) != 0)
		return errno == ENOENT || errno == ENOTDIR
			       ? ERR(ERR_NOT_FOUND, "nobody has logged in")
			       : ERR(ERR_IO, "the file of belfry login cannot be looked at");
	if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return ERR(ERR_DENIED, "the file of belfry login may be read by others: chmod 600 "
				       "it, or log in anew");
	strbuf_init(&text, TEXT_MAX);
	struct err e = user_read_file(path, &text);
	if (!is_err(e))
		e = session_parse(strbuf_str(&text), out);
	if (text.p != NULL)
		mem_wipe(text.p, text.n);
	strbuf_deinit(&text);
	return e;
}

struct err session_load(struct session *out)
{
	struct strbuf path;

	strbuf_init(&path, PATH_MAX_BYTES);
	struct err e = path_of("/session", &path);
	if (!is_err(e))
		e = load_from(path.p, out);
	strbuf_deinit(&path);
	return e;
}

/* Each directory of the path that is missing. */
static struct err make_directories(char *path)
{
	for (char *p = path + 1; *p != '\0'; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		bool ok = mkdir(path, MODE_DIRECTORY) == 0 || errno == EEXIST;
		*p = '/';
		if (!ok)
			return ERR(ERR_IO, "the directory for belfry's file cannot be made");
	}
	return OK;
}

static bool write_all(int fd, struct str s)
{
	while (s.n > 0) {
		ssize_t n = write(fd, s.p, s.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		s = (struct str){ s.p + n, s.n - (size_t)n };
	}
	return true;
}

static struct err store_at(const char *path, const char *partial, const struct session *s)
{
	struct strbuf text;

	(void)unlink(partial); /* of one that was cut off */
	int fd = open(partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, MODE_FILE);
	if (fd < 0)
		return ERR(ERR_IO, "belfry's file cannot be made");
	strbuf_init(&text, TEXT_MAX);
	strbuf_addf(&text, "BELFRY_URL=%s\nBELFRY_API_KEY=%s\n", s->url, s->key);
	bool ok = write_all(fd, strbuf_str(&text)) && fsync(fd) == 0;
	mem_wipe(text.p, text.n);
	strbuf_deinit(&text);
	ok = close(fd) == 0 && ok;
	if (ok && rename(partial, path) == 0)
		return OK;
	(void)unlink(partial); /* the failure is told */
	return ERR(ERR_IO, "belfry's file cannot be written");
}

struct err session_store(const struct session *s, struct strbuf *path_out)
{
	struct strbuf partial;

	strbuf_init(&partial, PATH_MAX_BYTES);
	struct err e = path_of("/session", path_out);
	if (!is_err(e))
		e = path_of("/session.new", &partial);
	if (!is_err(e))
		e = make_directories(partial.p);
	if (!is_err(e))
		e = store_at(path_out->p, partial.p, s);
	strbuf_deinit(&partial);
	return e;
}

struct err session_forget(bool *existed_out)
{
	struct strbuf path;

	strbuf_init(&path, PATH_MAX_BYTES);
	struct err e = path_of("/session", &path);
	if (!is_err(e)) {
		*existed_out = unlink(path.p) == 0;
		if (!*existed_out && errno != ENOENT && errno != ENOTDIR)
			e = ERR(ERR_IO, "belfry's file cannot be removed");
	}
	strbuf_deinit(&path);
	return e;
}
