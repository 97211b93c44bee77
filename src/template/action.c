#include "template/action.h"

#define NOWHERE SIZE_MAX

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_space(char c)
{
	return is_blank(c) || c == '\n' || c == '\r';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static char char_at(ifx_str text, size_t at)
{
	return at < text.len ? text.ptr[at] : '\0';
}

static bool at_text(ifx_str text, size_t at, ifx_str what)
{
	return text.len - at >= what.len && !memcmp(text.ptr + at, what.ptr, what.len);
}

/* ---- where an action ends ---- */

/* Behind a quoted text that begins at `at`; NOWHERE with *stop where it breaks off. */
static size_t skip_quoted(ifx_str text, size_t at, size_t *stop)
{
	char quote = text.ptr[at++];

	for (; at < text.len; at++) {
		if (text.ptr[at] == quote)
			return at + 1;
		if (text.ptr[at] == '\n' && quote != '`')
			break;
		if (text.ptr[at] == '\\' && quote != '`')
			at++;
	}
	*stop = at < text.len ? at : text.len;
	return NOWHERE;
}

/*
 * Behind the `close` that belongs to what is open at `at`. Quotes and braces in between are
 * followed. NOWHERE: there is none, and *stop tells where that was seen.
 */
static size_t find_close(ifx_str text, size_t at, ifx_str close, size_t *stop)
{
	size_t depth = 0, behind;

	while (at < text.len) {
		char c = text.ptr[at];

		if (!depth && at_text(text, at, close))
			return at + close.len;
		if (c == '"' || c == '`' || c == '\'') {
			behind = skip_quoted(text, at, stop);
			if (behind == NOWHERE && c != '\'')
				return NOWHERE;
			at = behind == NOWHERE ? at + 1 : behind; /* an apostrophe */
			continue;
		}
		if (c == '{')
			depth++;
		else if (c == '}' && depth)
			depth--;
		at += c == '\\' ? 2 : 1;
	}
	*stop = text.len;
	return NOWHERE;
}

/* A comment in Go: `{{/` `*` ... `*` `/}}`; blanks may stand around it. */
static size_t comment_end(ifx_str text, size_t at, size_t *stop)
{
	size_t found = ifx_str_find(ifx_str_sub(text, at, text.len - at), IFX_LIT("*/"));

	*stop = text.len;
	if (found == SIZE_MAX)
		return NOWHERE;
	at += found + 2;
	while (is_space(char_at(text, at)) || char_at(text, at) == '-')
		at++;
	if (at_text(text, at, IFX_LIT("}}")))
		return at + 2;
	*stop = at;
	return NOWHERE;
}

/* ---- what an action does ---- */

static ifx_str word_at(ifx_str text, size_t at)
{
	size_t n = 0;

	while (is_letter(char_at(text, at + n)))
		n++;
	return ifx_str_sub(text, at, n);
}

static bool is_one_of(ifx_str word, const char *const *list)
{
	while (*list && !ifx_str_eq(word, ifx_str_of(*list)))
		list++;
	return *list != NULL;
}

static size_t skip_spaces(ifx_str text, size_t at)
{
	while (is_space(char_at(text, at)))
		at++;
	return at;
}

/* `$x := ...`, `$x = ...`, `$k, $v := ...` */
static bool assigns(ifx_str inside)
{
	size_t at = 0;

	for (;;) {
		if (char_at(inside, at) != '$')
			return false;
		at++;
		while (is_letter(char_at(inside, at)) || ifx_is_digit(char_at(inside, at)))
			at++;
		at = skip_spaces(inside, at);
		if (char_at(inside, at) != ',')
			break;
		at = skip_spaces(inside, at + 1);
	}
	if (char_at(inside, at) == ':')
		at++;
	return char_at(inside, at) == '=' && char_at(inside, at + 1) != '=';
}

static ifx_action_kind go_kind(ifx_str inside)
{
	static const char *const opens[] = { "if", "range", "with", "define", "block", NULL };
	static const char *const silent[] = { "break", "continue", NULL };
	ifx_str word = word_at(inside, 0);

	if (ifx_str_starts(inside, IFX_LIT("/*")) || assigns(inside) || is_one_of(word, silent))
		return IFX_ACTION_SILENT;
	if (is_one_of(word, opens))
		return IFX_ACTION_OPENS;
	if (ifx_str_eq(word, IFX_LIT("else")))
		return IFX_ACTION_TURNS;
	return ifx_str_eq(word, IFX_LIT("end")) ? IFX_ACTION_CLOSES : IFX_ACTION_PRINTS;
}

static ifx_action_kind jinja_kind(ifx_str inside)
{
	static const char *const opens[] = { "if",         "for",  "block",  "macro",
					     "call",       "with", "filter", "trans",
					     "autoescape", "raw",  NULL };
	static const char *const turns[] = { "else", "elif", "pluralize", NULL };
	static const char *const prints[] = { "include", "extends", NULL };
	ifx_str word = word_at(inside, 0);

	if (is_one_of(word, opens))
		return IFX_ACTION_OPENS;
	if (is_one_of(word, turns))
		return IFX_ACTION_TURNS;
	if (ifx_str_starts(word, IFX_LIT("end")))
		return IFX_ACTION_CLOSES;
	/* `{% set x %}` opens a block, `{% set x = 1 %}` does not. */
	if (ifx_str_eq(word, IFX_LIT("set")) && ifx_str_chr(inside, '=') == SIZE_MAX)
		return IFX_ACTION_OPENS;
	return is_one_of(word, prints) ? IFX_ACTION_PRINTS : IFX_ACTION_SILENT;
}

/* SIZE_MAX: no directive of Terraform. */
static bool terraform_kind(ifx_str inside, ifx_action_kind *kind)
{
	ifx_str word = word_at(inside, 0);

	if (ifx_str_eq(word, IFX_LIT("if")) || ifx_str_eq(word, IFX_LIT("for")))
		*kind = IFX_ACTION_OPENS;
	else if (ifx_str_eq(word, IFX_LIT("else")))
		*kind = IFX_ACTION_TURNS;
	else if (ifx_str_eq(word, IFX_LIT("endif")) || ifx_str_eq(word, IFX_LIT("endfor")))
		*kind = IFX_ACTION_CLOSES;
	else
		return false;
	return true;
}

static bool ytt_is_code(ifx_str line)
{
	return line.len > 2 && is_blank(line.ptr[2]);
}

static ifx_action_kind ytt_kind(ifx_str line)
{
	static const char *const opens[] = { "if", "for", "while", "def", NULL };
	static const char *const turns[] = { "else", "elif", NULL };
	static const char *const silent[] = { "load", "import", NULL };
	ifx_str inside = ifx_str_sub(line, 2, line.len - 2);
	ifx_str word;

	if (!ytt_is_code(line))
		return IFX_ACTION_SILENT; /* an annotation of what follows, `#@overlay/match` */
	inside = ifx_str_trim(inside);
	word = word_at(inside, 0);
	/* `#@ if/end x:` is for the node behind it alone: as unsure as text that comes in. */
	if (char_at(inside, word.len) == '/')
		return IFX_ACTION_PRINTS;
	if (is_one_of(word, opens))
		return IFX_ACTION_OPENS;
	if (is_one_of(word, turns))
		return IFX_ACTION_TURNS;
	if (ifx_str_eq(word, IFX_LIT("end")))
		return IFX_ACTION_CLOSES;
	/* On a line of its own code of ytt leaves nothing: `#@ load(...)`, `#@ x = 1`. */
	return is_one_of(word, silent) || ifx_str_chr(inside, '=') != SIZE_MAX ? IFX_ACTION_SILENT
									       : IFX_ACTION_PRINTS;
}

/*
 * The column of what `... | nindent 8` and, from the start of a line, `... | indent 8` print;
 * SIZE_MAX: not known.
 */
static size_t column_of(ifx_str text, struct ifx_action *a, ifx_str inside)
{
	size_t at = inside.len, n = 0;
	ifx_str before;

	while (at && ifx_is_digit(inside.ptr[at - 1]))
		at--;
	if (at == inside.len || inside.len - at > 4)
		return SIZE_MAX;
	for (size_t i = at; i < inside.len; i++)
		n = 10 * n + (size_t)(inside.ptr[i] - '0');
	before = ifx_str_trim(ifx_str_sub(inside, 0, at));
	if (before.len == at)
		return SIZE_MAX;
	if (ifx_str_ends(before, IFX_LIT("nindent"))) {
		a->breaks = true;
		return n;
	}
	return ifx_str_ends(before, IFX_LIT("indent")) &&
			       (!a->span.at || text.ptr[a->span.at - 1] == '\n')
		       ? n
		       : SIZE_MAX;
}

/* ---- reading ---- */

/* What stands between the signs of an action, without the marks that trim. */
static ifx_str inside_of(ifx_str whole, size_t open, size_t close)
{
	ifx_str in = ifx_str_sub(whole, open, whole.len - open - close);

	if (in.len && strchr("-+~", in.ptr[0]))
		in = ifx_str_sub(in, 1, in.len - 1);
	if (in.len && strchr("-+~", in.ptr[in.len - 1]))
		in.len--;
	return ifx_str_trim(in);
}

static bool trims_at(ifx_str text, size_t end, size_t close)
{
	char c = text.ptr[end - close - 1];

	return c == '-' || c == '~';
}

static bool take(struct ifx_action_reader *r, struct ifx_action *a, size_t end,
		 ifx_template_engine engine)
{
	*a = (struct ifx_action){ .span = { r->at, end - r->at },
				  .engine = engine,
				  .column = SIZE_MAX,
				  .text = SIZE_MAX };
	r->at = end;
	return true;
}

static bool read_go(struct ifx_action_reader *r, struct ifx_action *a)
{
	size_t from = r->at, at = from + 2, stop = from, end;
	ifx_str inside;

	if (char_at(r->text, at) == '-' && is_space(char_at(r->text, at + 1)))
		at++;
	at = skip_spaces(r->text, at);
	end = at_text(r->text, at, IFX_LIT("/*")) || at_text(r->text, at, IFX_LIT("-/*"))
		      ? comment_end(r->text, at, &stop)
		      : find_close(r->text, at, IFX_LIT("}}"), &stop);
	if (end == NOWHERE) {
		if (r->open == SIZE_MAX)
			r->open = from;
		r->at = stop > from + 2 ? stop : from + 2;
		return false;
	}
	take(r, a, end, IFX_ENGINE_GO);
	inside = inside_of(ifx_str_sub(r->text, from, end - from), 2, 2);
	a->kind = go_kind(inside);
	a->trims_after = trims_at(r->text, end, 2);
	if (a->kind == IFX_ACTION_PRINTS)
		a->column = column_of(r->text, a, inside);
	return true;
}

static bool read_jinja(struct ifx_action_reader *r, struct ifx_action *a)
{
	ifx_str rest = ifx_str_sub(r->text, r->at, r->text.len - r->at);
	size_t from = r->at, stop = from, end, found;

	if (rest.ptr[1] == '#') {
		found = ifx_str_find(rest, IFX_LIT("#}"));
		end = found == SIZE_MAX ? NOWHERE : from + found + 2;
		stop = r->text.len;
	} else {
		end = find_close(r->text, from + 2, IFX_LIT("%}"), &stop);
	}
	if (end == NOWHERE) {
		r->at = stop > from + 2 ? stop : from + 2;
		return false;
	}
	take(r, a, end, IFX_ENGINE_JINJA);
	a->kind = rest.ptr[1] == '#'
			  ? IFX_ACTION_SILENT
			  : jinja_kind(inside_of(ifx_str_sub(rest, 0, end - from), 2, 2));
	a->trims_after = trims_at(r->text, end, 2);
	return true;
}

/* `${NAME}` and `${a.b}` */
static bool is_name_in_braces(ifx_str inside)
{
	for (size_t i = 0; i < inside.len; i++)
		if (!is_letter(inside.ptr[i]) && !ifx_is_digit(inside.ptr[i]) &&
		    inside.ptr[i] != '.' && inside.ptr[i] != '-')
			return false;
	return true;
}

/* At `${`, `$${` or `%{`. */
static bool read_terraform(struct ifx_action_reader *r, struct ifx_action *a)
{
	size_t from = r->at, brace = from + 1, stop = from, end;
	ifx_action_kind kind = IFX_ACTION_PRINTS;
	ifx_str inside;

	if (r->text.ptr[brace] == '$')
		brace++;
	end = find_close(r->text, brace + 1, IFX_LIT("}"), &stop);
	if (end == NOWHERE) {
		r->at = stop > brace + 1 ? stop : brace + 1;
		return false;
	}
	inside = inside_of(ifx_str_sub(r->text, from, end - from), brace + 1 - from, 1);
	if (r->text.ptr[from] == '%' ? !terraform_kind(inside, &kind) : is_name_in_braces(inside)) {
		r->at = brace + 1;
		return false;
	}
	take(r, a, end, IFX_ENGINE_TERRAFORM);
	a->kind = kind;
	/* What `~` trims ends with the line. */
	return true;
}

static bool read_ytt(struct ifx_action_reader *r, struct ifx_action *a)
{
	size_t from = r->at, end = from;
	ifx_str line;

	while (end < r->text.len && r->text.ptr[end] != '\n' && r->text.ptr[end] != '\r')
		end++;
	line = ifx_str_sub(r->text, from, end - from);
	take(r, a, end, IFX_ENGINE_YTT);
	a->kind = ytt_kind(line);
	return true;
}

/* `#@` at the start of a line or behind a blank, with code or an annotation behind it. */
static bool starts_ytt(ifx_str text, size_t at)
{
	char next = char_at(text, at + 2);

	return char_at(text, at + 1) == '@' && (is_blank(next) || is_letter(next)) &&
	       (!at || is_space(text.ptr[at - 1]));
}

/* What begins at r->at, if anything does; r->at is moved on. */
static bool read_here(struct ifx_action_reader *r, struct ifx_action *a)
{
	ifx_str text = r->text;
	char c = text.ptr[r->at], next = char_at(text, r->at + 1);

	if (c == '{' && next == '{')
		return read_go(r, a);
	if (!r->go_only) {
		if (c == '{' && (next == '%' || (next == '#' && r->jinja)))
			return read_jinja(r, a);
		if ((c == '$' || c == '%') && next == '{')
			return read_terraform(r, a);
		if (c == '$' && next == '$' && char_at(text, r->at + 2) == '{')
			return read_terraform(r, a);
		if (c == '#' && starts_ytt(text, r->at))
			return read_ytt(r, a);
		if (c == '%' && next == '%')
			r->at++; /* `%%{` is text */
	}
	r->at++;
	return false;
}

bool ifx_action_ytt(ifx_str text)
{
	size_t at = 0, found;

	while ((found = ifx_str_find(ifx_str_sub(text, at, text.len - at), IFX_LIT("#@"))) !=
	       SIZE_MAX) {
		if (starts_ytt(text, at + found))
			return true;
		at += found + 2;
	}
	return false;
}

bool ifx_action_signs(ifx_str text, bool go_only)
{
	return ifx_str_find(text, IFX_LIT("{{")) != SIZE_MAX ||
	       (!go_only &&
		(ifx_str_find(text, IFX_LIT("{%")) != SIZE_MAX ||
		 ifx_str_find(text, IFX_LIT("%{")) != SIZE_MAX ||
		 ifx_str_find(text, IFX_LIT("${")) != SIZE_MAX || ifx_action_ytt(text)));
}

void ifx_action_reader_init(struct ifx_action_reader *r, ifx_str text, bool go_only)
{
	*r = (struct ifx_action_reader){ .text = text, .go_only = go_only, .open = SIZE_MAX };
	r->jinja = !go_only && ifx_str_find(text, IFX_LIT("{%")) != SIZE_MAX;
}

bool ifx_action_next(struct ifx_action_reader *r, struct ifx_action *a)
{
	while (r->at < r->text.len) {
		char c = r->text.ptr[r->at];

		if (c != '{' && c != '$' && c != '%' && c != '#')
			r->at++;
		else if (read_here(r, a))
			return true;
	}
	return false;
}
