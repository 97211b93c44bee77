#include "words.h"

#include "say.h"

#include <stdarg.h>

void ifx_words_init(struct ifx_words *w, struct ifx_config *config,
		    const struct ifx_option *options, int argc, char **argv, int first)
{
	*w = (struct ifx_words){ .config = config,
				 .options = options,
				 .argv = argv,
				 .argc = argc,
				 .at = first,
				 .paths = first };
	ifx_buf_init(&w->why, 1 << 16);
}

void ifx_words_bad(struct ifx_words *w, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	ifx_buf_vaddf(&w->why, fmt, ap);
	va_end(ap);
}

static const struct ifx_option *named(const struct ifx_option *o, ifx_str name)
{
	while (o->name && (!ifx_str_eq(ifx_str_of(o->name), name) || o->keys & IFX_KEY_ONLY))
		o++;
	return o->name ? o : NULL;
}

static const struct ifx_option *lettered(const struct ifx_option *o, char letter)
{
	while (o->name && (!letter || o->letter != letter))
		o++;
	return o->name ? o : NULL;
}

/* argv[at..at + n) was read: move it in front of the paths. */
static void take_words(struct ifx_words *w, int n)
{
	for (; n; n--, w->at++, w->paths++) {
		char *word = w->argv[w->at];

		memmove(&w->argv[w->paths + 1], &w->argv[w->paths],
			(size_t)(w->at - w->paths) * sizeof(*w->argv));
		w->argv[w->paths] = word;
	}
}

/* What other tools have, and people try: how it is done here. */
static const struct known {
	const char *word;
	const char *ours; /* the option that must be there for it; NULL: none */
	const char *how;
} known_elsewhere[] = {
	{ "--dry-run", "diff", "--diff shows what would be written" },
	{ "--filename", NULL, "files are named without an option" },
	{ "-k", "in-place", "try 'kustomize build DIR | istio-fix'" },
	{ "--kustomize", "in-place", "try 'kustomize build DIR | istio-fix'" },
	{ "-o", "format", "--format chooses the output" },
	{ "--output", "format", "--format chooses the output" },
	{ "--output-format", "format", "--format chooses the output" },
	{ "-r", "in-place", "directories are always walked" },
	{ "-R", "in-place", "directories are always walked" },
	{ "--recursive", "in-place", "directories are always walked" },
	{ "--unsafe-fixes", "level", "--level says how far fixes go" },
	{ "-w", "in-place", "--in-place writes to the files" },
	{ "--write", "in-place", "--in-place writes to the files" },
};

static const char *known_how(const struct ifx_option *options, ifx_str word)
{
	for (size_t i = 0; i < sizeof(known_elsewhere) / sizeof(*known_elsewhere); i++) {
		const struct known *k = &known_elsewhere[i];

		if (ifx_str_eq(word, ifx_str_of(k->word)) &&
		    (!k->ours || named(options, ifx_str_of(k->ours))))
			return k->how;
	}
	return NULL;
}

/* The one option of nearly this name; ptr NULL: none. */
static ifx_str nearest(const struct ifx_option *options, ifx_str word)
{
	ifx_str names[64];
	size_t n = 0;

	if (!ifx_str_starts(word, IFX_LIT("--")))
		return IFX_NONE;
	for (; options->name && n < sizeof(names) / sizeof(*names); options++)
		if (options->help)
			names[n++] = ifx_str_of(options->name);
	return ifx_str_nearest(ifx_str_sub(word, 2, word.len - 2), names, n);
}

static void no_option(struct ifx_words *w, ifx_str word)
{
	const char *how = known_how(w->options, word);
	ifx_str near = how ? IFX_NONE : nearest(w->options, word);

	ifx_words_bad(w, "there is no option '%.*s'", IFX_ARG(word));
	if (how)
		ifx_words_bad(w, "; %s", how);
	else if (near.ptr)
		ifx_words_bad(w, ", only '--%.*s'", IFX_ARG(near));
}

/* name: as typed, for messages. */
static ifx_after_words carry_out(struct ifx_words *w, const struct ifx_option *option, ifx_str name,
				 const char *arg)
{
	if (!option)
		no_option(w, name);
	else if (option->arg && option->arg[0] != '[' && !arg)
		ifx_words_bad(w, "option '%.*s' wants a value: %s", IFX_ARG(name), option->arg);
	else if (!option->arg && arg)
		ifx_words_bad(w, "option '%.*s' takes no value", IFX_ARG(name));
	else if (!option->set)
		return option->letter == 'h' ? IFX_PRINT_HELP : IFX_PRINT_VERSION;
	else if (ifx_option_give(w->config, option, ifx_str_of(arg ? arg : ""), &w->why))
		return IFX_CARRY_ON;
	return IFX_USAGE;
}

/* The word behind the one that is read, or NULL. */
static const char *next_word(const struct ifx_words *w)
{
	return w->at + 1 < w->argc ? w->argv[w->at + 1] : NULL;
}

/* --name, --name=value, --name value */
static ifx_after_words read_long(struct ifx_words *w)
{
	const char *word = w->argv[w->at], *equals = strchr(word, '=');
	ifx_str name = { word, equals ? (size_t)(equals - word) : strlen(word) };
	const struct ifx_option *option = named(w->options, ifx_str_sub(name, 2, name.len - 2));
	bool wants = option && option->arg && option->arg[0] != '[';
	const char *arg = equals ? equals + 1 : wants ? next_word(w) : NULL;
	ifx_after_words next = carry_out(w, option, name, arg);

	take_words(w, arg && !equals ? 2 : 1);
	return next;
}

/* -a, -ab, -bvalue, -b value */
static ifx_after_words read_letters(struct ifx_words *w)
{
	ifx_after_words next = IFX_CARRY_ON;
	int words = 1;

	for (const char *p = w->argv[w->at] + 1; *p && next == IFX_CARRY_ON; p++) {
		const struct ifx_option *option = lettered(w->options, *p);
		char name[] = { '-', *p, '\0' };
		const char *arg = NULL;

		if (option && option->arg) {
			arg = p[1] ? p + 1 : next_word(w);
			words += arg && !p[1];
		}
		next = carry_out(w, option, ifx_str_of(name), arg);
		if (arg)
			break;
	}
	take_words(w, words);
	return next;
}

ifx_after_words ifx_words_read(struct ifx_words *w)
{
	ifx_after_words next = IFX_CARRY_ON;

	while (w->at < w->argc && next == IFX_CARRY_ON && !w->dashes) {
		const char *word = w->argv[w->at];

		if (word[0] != '-' || !word[1]) {
			w->at++;
		} else if (!strcmp(word, "--")) {
			w->dashes = true;
			take_words(w, 1);
		} else {
			next = word[1] == '-' ? read_long(w) : read_letters(w);
		}
	}
	return next;
}

void ifx_words_help(struct ifx_buf *out, const struct ifx_option *options)
{
	for (const struct ifx_option *r = options; r->name; r++) {
		size_t start = out->len;

		if (!r->help)
			continue;
		if (r->letter)
			ifx_buf_addf(out, "  -%c, ", r->letter);
		else
			ifx_buf_fill(out, ' ', 6);
		ifx_buf_addf(out, "--%s", r->name);
		if (r->arg)
			ifx_buf_addf(out, r->arg[0] == '[' ? "%s" : " %s", r->arg);
		while (out->len - start < 30)
			ifx_buf_addc(out, ' ');
		ifx_buf_addf(out, " %s\n", r->help);
	}
}

int ifx_words_print(const struct ifx_sink *sink, const struct ifx_buf *text)
{
	if (text->bad || sink->out(sink->data, ifx_buf_str(text).ptr, text->len))
		return IFX_EXIT_FAILED;
	return IFX_EXIT_OK;
}

int ifx_words_complain(const struct ifx_words *w, const struct ifx_sink *sink, const char *self)
{
	struct ifx_buf text;

	ifx_buf_init(&text, 1 << 20);
	ifx_say_error(&text, "%.*s; see '%s --help'", IFX_ARG(ifx_buf_str(&w->why)), self);
	sink->err(sink->data, ifx_buf_str(&text).ptr, text.len);
	ifx_buf_release(&text);
	return IFX_EXIT_FAILED;
}
