#include "ambient/dimension.h"

#include "ambient/match.h"

#include "base/buf.h"

#include <arpa/inet.h>
#include <stdio.h>

static struct ifx_arena *arena_of(struct ifx_dimension *dim)
{
	return dim->classes.arena;
}

void ifx_dimension_init(struct ifx_dimension *dim, ifx_dim_kind kind, ifx_str name,
			struct ifx_arena *arena)
{
	*dim = (struct ifx_dimension){ .kind = kind, .name = name };
	ifx_classes_init(&dim->classes, arena, kind == IFX_DIM_HOST);
}

void ifx_dimension_literal(struct ifx_dimension *dim, ifx_str value)
{
	ifx_str *list = dim->literals;

	for (size_t i = 0; i < dim->n_literals; i++)
		if (ifx_str_eq(list[i], value))
			return;
	if (dim->n_literals == dim->cap_literals) {
		size_t cap = dim->cap_literals ? 2 * dim->cap_literals : 8;

		list = ifx_arena_alloc(arena_of(dim), cap * sizeof(*list));
		if (!list) {
			dim->classes.failed = true;
			return;
		}
		if (dim->n_literals)
			memcpy(list, dim->literals, dim->n_literals * sizeof(*list));
		dim->literals = list;
		dim->cap_literals = cap;
	}
	list[dim->n_literals++] = value;
}

/* A text in a buffer, which ends here. */
static void offer_buf(struct ifx_dimension *dim, struct ifx_buf *buf)
{
	ifx_str copy = IFX_NONE;

	if (ifx_buf_status(buf) == IFX_OK)
		copy = ifx_arena_copy(arena_of(dim), ifx_buf_str(buf));
	ifx_buf_release(buf);
	if (copy.ptr)
		ifx_classes_offer(&dim->classes, copy);
	else
		dim->classes.failed = true;
}

/* --- identities ------------------------------------------------------------------------------ */

static void add_glob(struct ifx_dimension *dim, ifx_glob_kind kind, const char *before,
		     ifx_str value, const char *after)
{
	ifx_str glob = ifx_arena_printf(arena_of(dim), "%s%.*s%s", before, IFX_ARG(value), after);

	if (glob.ptr)
		ifx_classes_add(&dim->classes, kind, glob);
	else
		dim->classes.failed = true;
}

/* The identity that a value means, its stars filled in. */
static void offer(struct ifx_dimension *dim, ifx_str domain, ifx_str namespace, ifx_str account)
{
	char text[512];
	size_t n = 0;
	int len = snprintf(text, sizeof(text), "%.*s/ns/%.*s/sa/%.*s", IFX_ARG(domain),
			   IFX_ARG(namespace), IFX_ARG(account));
	struct ifx_buf out;

	if (len < 0 || len >= (int)sizeof(text))
		return;
	ifx_buf_init(&out, sizeof(text) * 8);
	for (; n < (size_t)len; n++) {
		if (text[n] == '*')
			ifx_buf_add(&out, IFX_LIT("other"));
		else
			ifx_buf_addc(&out, text[n]);
	}
	offer_buf(dim, &out);
}

/* A principal as it is, and with each trust domain that istiod may put in its place. */
static void add_principal(struct ifx_dimension *dim, const struct ifx_mesh *mesh, ifx_str value)
{
	struct ifx_identity id;

	ifx_classes_add(&dim->classes, IFX_GLOB_PATTERN, value);
	if (!ifx_identity_parse(&id, value))
		return;
	for (size_t i = 0; i <= mesh->trust_domain_aliases.n; i++) {
		ifx_str td = i ? mesh->trust_domain_aliases.list[i - 1] : mesh->trust_domain;
		ifx_str other = ifx_arena_printf(arena_of(dim), "%.*s%.*s", IFX_ARG(td),
						 (int)(value.len - id.trust_domain.len),
						 value.ptr + id.trust_domain.len);

		if (!other.ptr)
			dim->classes.failed = true;
		else
			ifx_classes_add(&dim->classes, IFX_GLOB_PATTERN, other);
		offer(dim, td, id.namespace, id.account);
	}
}

static void add_account(struct ifx_dimension *dim, const struct ifx_mesh *mesh, ifx_str value,
			ifx_str namespace)
{
	size_t slash = ifx_str_chr(value, '/');
	ifx_str account = value, glob;

	if (slash != SIZE_MAX) {
		namespace = ifx_str_sub(value, 0, slash);
		account = ifx_str_sub(value, slash + 1, value.len - slash - 1);
	}
	glob = ifx_arena_printf(arena_of(dim), "*/ns/%.*s/sa/%.*s", IFX_ARG(namespace),
				IFX_ARG(account));
	if (glob.ptr)
		ifx_classes_add(&dim->classes, IFX_GLOB_SEGMENTS, glob);
	else
		dim->classes.failed = true;
	offer(dim, mesh->trust_domain, namespace, account);
}

static void add_identity(struct ifx_dimension *dim, const struct ifx_mesh *mesh,
			 const struct ifx_match *match, ifx_str value, ifx_str namespace)
{
	switch (match->attr) {
	case IFX_ATTR_PRINCIPAL:
		add_principal(dim, mesh, value);
		break;
	case IFX_ATTR_NAMESPACE:
		add_glob(dim, IFX_GLOB_SEGMENTS, "*/ns/", value, "/sa/*");
		offer(dim, mesh->trust_domain, value, IFX_LIT("other"));
		break;
	case IFX_ATTR_SERVICE_ACCOUNT:
		add_account(dim, mesh, value, namespace);
		break;
	default:
		add_glob(dim, IFX_GLOB_SEGMENTS, "", value, "/ns/*/sa/*");
		break;
	}
}

/* Only identities of the mesh and its aliases: proxies do not talk to others. */
static void require_domains(struct ifx_dimension *dim, const struct ifx_mesh *mesh)
{
	for (size_t i = 0; i <= mesh->trust_domain_aliases.n; i++) {
		ifx_str td = i ? mesh->trust_domain_aliases.list[i - 1] : mesh->trust_domain;
		ifx_str glob = ifx_arena_printf(arena_of(dim), "%.*s/ns/{*}/sa/{*}", IFX_ARG(td));

		if (!glob.ptr) {
			dim->classes.failed = true;
			return;
		}
		ifx_classes_require(&dim->classes, IFX_GLOB_PATH, glob);
		if (mesh->trust_domain_aliases.n)
			add_glob(dim, IFX_GLOB_SEGMENTS, "", td, "/ns/*/sa/*");
		offer(dim, td, IFX_LIT("other"), IFX_LIT("other"));
	}
}

/* --- everything else -------------------------------------------------------------------------- */

/* The text that a path value means. */
static void offer_path(struct ifx_dimension *dim, ifx_str value)
{
	struct ifx_buf out;

	ifx_buf_init(&out, 4096);
	for (size_t i = 0; i < value.len; i++) {
		ifx_str rest = ifx_str_sub(value, i, value.len - i);

		if (ifx_str_starts(rest, IFX_LIT("{**}"))) {
			ifx_buf_add(&out, IFX_LIT("other/path"));
			i += 3;
		} else if (ifx_str_starts(rest, IFX_LIT("{*}"))) {
			ifx_buf_add(&out, IFX_LIT("other"));
			i += 2;
		} else if (*rest.ptr == '*' && (!i || rest.len == 1)) {
			ifx_buf_add(&out, i ? IFX_LIT("other") : IFX_LIT("/other"));
		} else {
			ifx_buf_addc(&out, *rest.ptr);
		}
	}
	offer_buf(dim, &out);
}

static void offer_text(struct ifx_dimension *dim, ifx_str value)
{
	bool front = value.len && value.ptr[0] == '*';
	bool back = value.len > 1 && value.ptr[value.len - 1] == '*' && !front;
	ifx_str core = ifx_str_sub(value, front, value.len - front - back);
	ifx_str text = ifx_arena_printf(arena_of(dim), "%s%.*s%s", front ? "other" : "",
					IFX_ARG(core), back ? "other" : "");

	if (text.ptr)
		ifx_classes_offer(&dim->classes, text);
	else
		dim->classes.failed = true;
}

static void add_text(struct ifx_dimension *dim, ifx_str value)
{
	ifx_classes_add(&dim->classes, IFX_GLOB_PATTERN, value);
	offer_text(dim, value);
}

/* ISSUER/SUBJECT; see request_principal_matches in authorize.c. */
static void add_request_principal(struct ifx_dimension *dim, ifx_str value)
{
	bool issuer = ifx_str_eq(dim->name, IFX_LIT("iss"));
	size_t slash = value.len;

	while (slash && value.ptr[slash - 1] != '/')
		slash--;
	if (!slash)
		add_text(dim, issuer || value.ptr[0] == '*' ? value : IFX_LIT(""));
	else if (issuer)
		add_text(dim, ifx_str_sub(value, 0, slash - 1));
	else
		add_text(dim, ifx_str_sub(value, slash, value.len - slash));
}

void ifx_dimension_add(struct ifx_dimension *dim, const struct ifx_mesh *mesh,
		       const struct ifx_match *match, ifx_str value, ifx_str namespace)
{
	switch (dim->kind) {
	case IFX_DIM_PORT:
	case IFX_DIM_SOURCE_IP:
	case IFX_DIM_REMOTE_IP:
	case IFX_DIM_DESTINATION_IP:
	case IFX_DIM_SERVICE_IP:
		ifx_dimension_literal(dim, value);
		break;
	case IFX_DIM_PRINCIPAL:
		add_identity(dim, mesh, match, value, namespace);
		break;
	case IFX_DIM_PATH:
		ifx_classes_add(&dim->classes, IFX_GLOB_PATH, value);
		offer_path(dim, value);
		break;
	case IFX_DIM_CLAIM:
		if (match->attr == IFX_ATTR_REQUEST_PRINCIPAL)
			add_request_principal(dim, value);
		else
			add_text(dim, value);
		break;
	default:
		add_text(dim, value);
		break;
	}
}

/* --- values ----------------------------------------------------------------------------------- */

static ifx_status values_of_classes(struct ifx_dimension *dim, bool absent, bool *complete)
{
	ifx_status st = ifx_classes_find(&dim->classes);
	ifx_str *list;

	if (st != IFX_OK)
		return st;
	*complete &= dim->classes.complete;
	list = ifx_arena_alloc(arena_of(dim), (dim->classes.n_found + 1) * sizeof(*list));
	if (!list)
		return IFX_ENOMEM;
	memcpy(list, dim->classes.found, dim->classes.n_found * sizeof(*list));
	dim->values = (struct ifx_strs){ list, dim->classes.n_found + absent };
	return IFX_OK;
}

static void next_address(unsigned char *bytes, unsigned len, int by)
{
	while (len--) {
		bytes[len] = (unsigned char)(bytes[len] + by);
		if (bytes[len] != (by > 0 ? 0 : 0xff))
			return;
	}
}

static ifx_str address(struct ifx_dimension *dim, const ifx_block *b, bool last, int by)
{
	unsigned char bytes[16];
	char text[INET6_ADDRSTRLEN];

	memcpy(bytes, b->bytes, sizeof(bytes));
	for (unsigned bit = b->bits; bit < b->len * 8; bit++) {
		unsigned char mask = (unsigned char)(0x80u >> bit % 8);

		bytes[bit / 8] =
			last ? bytes[bit / 8] | mask : bytes[bit / 8] & (unsigned char)~mask;
	}
	if (by)
		next_address(bytes, b->len, by);
	inet_ntop(b->len == 4 ? AF_INET : AF_INET6, bytes, text, sizeof(text));
	return ifx_arena_copy(arena_of(dim), ifx_str_of(text));
}

/*
 * Blocks are nested or apart, so each class of addresses starts or ends where a block does: the
 * edges of all blocks and their neighbours have all classes.
 */
static ifx_status values_of_blocks(struct ifx_dimension *dim)
{
	ifx_str *list = ifx_arena_alloc(arena_of(dim), (4 * dim->n_literals + 3) * sizeof(*list));
	size_t n = 0;

	if (!list)
		return IFX_ENOMEM;
	for (size_t i = 0; i < dim->n_literals; i++) {
		ifx_block b;

		if (!ifx_block_parse(&b, dim->literals[i]))
			continue;
		for (int k = 0; k < 4; k++) {
			list[n] = address(dim, &b, k % 2, k < 2 ? 0 : k % 2 ? 1 : -1);
			if (!list[n++].ptr)
				return IFX_ENOMEM;
		}
	}
	list[n++] = IFX_LIT("0.0.0.0"); /* the edges of everything */
	list[n++] = IFX_LIT("::");
	dim->values = (struct ifx_strs){ list, n };
	return dim->classes.failed ? IFX_ENOMEM : IFX_OK;
}

static ifx_status values_of_ports(struct ifx_dimension *dim)
{
	dim->values = (struct ifx_strs){ dim->literals, dim->n_literals };
	dim->each = true;
	return dim->classes.failed ? IFX_ENOMEM : IFX_OK;
}

ifx_status ifx_dimension_close(struct ifx_dimension *dim, const struct ifx_mesh *mesh,
			       bool *complete)
{
	static const ifx_str tokens[] = { { "none", 4 }, { "good", 4 }, { "bad", 3 } };
	static const ifx_str protocols[] = { { "http", 4 }, { "tcp", 3 } };

	switch (dim->kind) {
	case IFX_DIM_PORT:
		return values_of_ports(dim);
	case IFX_DIM_HTTP:
		dim->each = true;
		dim->values = (struct ifx_strs){ protocols, 2 };
		return IFX_OK;
	case IFX_DIM_TOKEN:
		dim->values = (struct ifx_strs){ tokens, 3 };
		return IFX_OK;
	case IFX_DIM_SOURCE_IP:
	case IFX_DIM_REMOTE_IP:
	case IFX_DIM_DESTINATION_IP:
	case IFX_DIM_SERVICE_IP:
		return values_of_blocks(dim);
	case IFX_DIM_PRINCIPAL:
		require_domains(dim, mesh);
		return values_of_classes(dim, true, complete);
	case IFX_DIM_METHOD:
		ifx_classes_offer(&dim->classes, IFX_LIT("GET"));
		ifx_classes_offer(&dim->classes, IFX_LIT("POST"));
		ifx_classes_offer(&dim->classes, IFX_LIT("OTHER"));
		ifx_classes_require(&dim->classes, IFX_GLOB_PATTERN, IFX_LIT("*"));
		return values_of_classes(dim, false, complete);
	case IFX_DIM_PATH:
		ifx_classes_offer(&dim->classes, IFX_LIT("/other"));
		ifx_classes_require(&dim->classes, IFX_GLOB_PATTERN, IFX_LIT("/*"));
		return values_of_classes(dim, false, complete);
	case IFX_DIM_HOST:
		ifx_classes_offer(&dim->classes, IFX_LIT("other.example"));
		ifx_classes_require(&dim->classes, IFX_GLOB_PATTERN, IFX_LIT("*"));
		return values_of_classes(dim, false, complete);
	case IFX_DIM_SNI:
	case IFX_DIM_CLAIM:
	case IFX_DIM_HEADER:
	case IFX_DIM_ATTRIBUTE:
		break;
	}
	ifx_classes_offer(&dim->classes, IFX_LIT("other"));
	return values_of_classes(dim, true, complete);
}
