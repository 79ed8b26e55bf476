/* Scripts. The first use on a connection sends the text ahead of the call (SCRIPT LOAD), so that
 * calls stay in the order they were made; NOSCRIPT then means that somebody flushed the scripts,
 * and the call goes out once more with the whole text. */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/embed.h"
#include "base/mem.h"
#include "redis/redis_internal.h"

static void hash_text(struct str text, char out[41])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char sha[EVP_MAX_MD_SIZE];
	ASSERT(EVP_Digest(text.p, text.n, sha, NULL, EVP_sha1(), NULL) == 1);
	for (size_t i = 0; i < 20; i++) {
		out[2 * i] = digits[sha[i] >> 4];
		out[2 * i + 1] = digits[sha[i] & 15];
	}
	out[40] = '\0';
}

static struct redis_loaded *find_script(struct redis *r, const struct redis_script *s)
{
	for (size_t i = 0; i < r->n_scripts; i++) {
		if (r->scripts[i].script == s)
			return &r->scripts[i];
	}
	const struct embed_file *file = embed_find(s->path);
	ASSERT(file != NULL && r->n_scripts < REDIS_SCRIPTS_MAX);
	struct redis_loaded *l = &r->scripts[r->n_scripts++];
	*l = (struct redis_loaded){ .script = s, .text = file->text };
	hash_text(l->text, l->sha);
	return l;
}

void redis_eval_write(struct redis *r, const struct redis_eval *e, bool is_full)
{
	struct redis_loaded *s = e->script;
	redis_put_head(&r->scratch, 2 + e->argc);
	redis_put_bulk(&r->scratch, is_full ? STR("EVAL") : STR("EVALSHA"));
	redis_put_bulk(&r->scratch, is_full ? s->text : str_from(s->sha));
	strbuf_add_bytes(&r->scratch, e->tail, e->n);
}

/* Tells this connection the text of the script, once. */
static void load_script(struct redis *r, struct redis_loaded *s)
{
	if (s->connection == r->connection || r->state != REDIS_UP)
		return;
	s->connection = r->connection;
	const struct str argv[] = { STR("SCRIPT"), STR("LOAD"), s->text };
	redis_command(r, &(struct redis_args){ argv, ARRAY_LEN(argv), 0 }, NULL);
}

void redis_eval(struct redis *r, const struct redis_script *s, const struct redis_args *a,
		const struct redis_hook *h)
{
	struct redis_loaded *loaded = find_script(r, s);
	load_script(r, loaded);

	ASSERT(r->scratch.n == 0 && a->n_keys <= a->n);
	char number[24];
	struct strbuf *b = &r->scratch;
	strbuf_add_i64(b, (int64_t)a->n_keys);
	struct str keys = { number, b->n };
	memcpy(number, b->p, b->n);
	strbuf_reset(b);
	redis_put_bulk(b, keys);
	for (size_t i = 0; i < a->n; i++)
		redis_put_bulk(b, a->v[i]);

	struct redis_eval *e = xmalloc(sizeof(*e) + b->n);
	*e = (struct redis_eval){ .script = loaded, .argc = 1 + a->n, .n = b->n };
	memcpy(e->tail, b->p, b->n);
	bool is_too_large = strbuf_overflowed(b);
	strbuf_reset(b);

	struct redis_pending p = { .eval = e };
	if (h != NULL)
		p.hook = *h;
	if (p.hook.keep_us > 0)
		p.mono_keep_until = loop_mono(r->loop) + p.hook.keep_us;
	if (is_too_large) {
		redis_fail(r, &p, ERR(ERR_TOO_LARGE, "the arguments of the script are too large"));
		return;
	}
	redis_eval_write(r, e, false);
	redis_submit(r, &p);
}
