#include "rule/json.h"

#include <string.h>

#include "yaml/resolve.h"

/** Nesting. */
#define DEPTH_MAX 100

struct json {
	ifx_str s;
	size_t at;
	bool misshapen; /* JSON, but not of the shape that its reader takes */
};

static bool json_value(struct json *j, ifx_json_shape shape, int depth);

static int json_peek(struct json *j)
{
	while (j->at < j->s.len && strchr(" \t\r\n", j->s.ptr[j->at]) && j->s.ptr[j->at])
		j->at++;
	return j->at < j->s.len ? (unsigned char)j->s.ptr[j->at] : -1;
}

static bool json_take(struct json *j, char c)
{
	if (json_peek(j) != (unsigned char)c)
		return false;
	j->at++;
	return true;
}

static bool json_word(struct json *j, const char *word)
{
	ifx_str rest = ifx_str_sub(j->s, j->at, j->s.len - j->at);

	if (!ifx_str_starts(rest, ifx_str_of(word)))
		return false;
	j->at += strlen(word);
	return true;
}

static bool json_string(struct json *j)
{
	if (!json_take(j, '"'))
		return false;
	while (j->at < j->s.len) {
		unsigned char c = (unsigned char)j->s.ptr[j->at++];

		if (c == '"')
			return true;
		if (c < ' ')
			return false;
		if (c != '\\')
			continue;
		if (j->at == j->s.len)
			return false;
		c = (unsigned char)j->s.ptr[j->at++];
		if (c != 'u') {
			if (!c || !strchr("\"\\/bfnrt", c))
				return false;
			continue;
		}
		for (int i = 0; i < 4; i++, j->at++)
			if (j->at == j->s.len || !j->s.ptr[j->at] ||
			    !strchr("0123456789abcdefABCDEF", j->s.ptr[j->at]))
				return false;
	}
	return false;
}

static bool json_digits(struct json *j)
{
	size_t from = j->at;

	while (j->at < j->s.len && ifx_is_digit((unsigned char)j->s.ptr[j->at]))
		j->at++;
	return j->at > from;
}

static bool json_number(struct json *j)
{
	json_take(j, '-');
	if (!json_word(j, "0") && !json_digits(j))
		return false;
	if (json_word(j, ".") && !json_digits(j))
		return false;
	if (!json_word(j, "e") && !json_word(j, "E"))
		return true;
	if (!json_word(j, "+"))
		json_word(j, "-");
	return json_digits(j);
}

static bool json_items(struct json *j, char close, ifx_json_shape each, int depth)
{
	if (json_take(j, close))
		return true;
	do {
		if (close == '}' && !(json_string(j) && json_take(j, ':')))
			return false;
		if (!json_value(j, each, depth + 1))
			return false;
	} while (json_take(j, ','));
	return json_take(j, close);
}

static bool json_value(struct json *j, ifx_json_shape shape, int depth)
{
	int c = json_peek(j);

	if (depth > DEPTH_MAX)
		return false;
	switch (c) {
	case '{':
		j->at++;
		if (shape != IFX_JSON_ANY && shape != IFX_JSON_MAP_OF_STRINGS &&
		    shape != IFX_JSON_MAP_OF_NUMBERS && shape != IFX_JSON_OBJECT_OR_ARRAY)
			j->misshapen = true;
		return json_items(j, '}',
				  shape == IFX_JSON_MAP_OF_STRINGS   ? IFX_JSON_STRING
				  : shape == IFX_JSON_MAP_OF_NUMBERS ? IFX_JSON_NUMBERS
								     : IFX_JSON_ANY,
				  depth);
	case '[':
		j->at++;
		if (shape != IFX_JSON_ANY && shape != IFX_JSON_NUMBERS &&
		    shape != IFX_JSON_OBJECT_OR_ARRAY)
			j->misshapen = true;
		return json_items(
			j, ']', shape == IFX_JSON_NUMBERS ? IFX_JSON_NUMBER : IFX_JSON_ANY, depth);
	case '"':
		if (shape != IFX_JSON_ANY && shape != IFX_JSON_STRING)
			j->misshapen = true;
		return json_string(j);
	case 'n': /* Go leaves unset what null is for */
		return json_word(j, "null");
	case 't':
	case 'f':
		if (shape != IFX_JSON_ANY)
			j->misshapen = true;
		return json_word(j, c == 't' ? "true" : "false");
	default:
		if (shape != IFX_JSON_ANY && shape != IFX_JSON_NUMBER)
			j->misshapen = true;
		return (c == '-' || ifx_is_digit(c)) && json_number(j);
	}
}

ifx_json_fit ifx_json_check(ifx_str text, ifx_json_shape shape)
{
	struct json j = { .s = text };

	if (!json_value(&j, shape, 0) || json_peek(&j) != -1)
		return IFX_JSON_NOT;
	return j.misshapen ? IFX_JSON_MISSHAPEN : IFX_JSON_FITS;
}

bool ifx_json_of_yaml(struct ifx_buf *out, const struct ifx_node *node)
{
	struct ifx_plain plain;
	struct json number;

	if (!node || node->tag.len || node->anchor.len)
		return false;
	switch (node->kind) {
	case IFX_MAP:
	case IFX_SEQ:
		ifx_buf_addc(out, node->kind == IFX_MAP ? '{' : '[');
		for (const struct ifx_entry *e = node->first; e; e = e->next) {
			if (e->prev)
				ifx_buf_addc(out, ',');
			if (e->key) {
				/* A number as a key is a string to JSON, and which one is not
				 * sure. */
				if (!ifx_is(e->key, IFX_SCALAR) || !ifx_is_string(e->key) ||
				    ifx_str_eq(ifx_text(e->key), IFX_LIT("<<")))
					return false;
				ifx_buf_add_json(out, ifx_text(e->key));
				ifx_buf_addc(out, ':');
			}
			if (!ifx_json_of_yaml(out, e->value))
				return false;
		}
		ifx_buf_addc(out, node->kind == IFX_MAP ? '}' : ']');
		return true;
	case IFX_SCALAR:
		if (ifx_is_null(node)) {
			ifx_buf_add(out, IFX_LIT("null"));
			return true;
		}
		if (node->style != IFX_PLAIN) {
			ifx_buf_add_json(out, ifx_text(node));
			return true;
		}
		plain = ifx_resolve_plain(ifx_text(node));
		number = (struct json){ .s = ifx_text(node) };
		if (plain.type == IFX_TYPE_STR)
			ifx_buf_add_json(out, ifx_text(node));
		else if (plain.type == IFX_TYPE_BOOL && plain.core_bool)
			ifx_buf_add(out, plain.truth ? IFX_LIT("true") : IFX_LIT("false"));
		else if (plain.type != IFX_TYPE_BOOL && !plain.ambiguous && json_number(&number) &&
			 number.at == number.s.len)
			ifx_buf_add(out, ifx_text(node));
		else
			return false;
		return true;
	case IFX_ALIAS:
		break;
	}
	return false;
}
