#include "ambient/scan.h"

#include "rule/injection.h"

struct kind_row {
	ifx_object_kind kind;
	const char *group, *name;
};

static const struct kind_row kinds[] = {
#define KIND(id, group, kind) { IFX_##id, group, kind },
#include "ambient/kind.def"
#undef KIND
};

enum { N_KINDS = sizeof(kinds) / sizeof(*kinds) };

/* Kinds that are many in some trees, large, and say nothing unless one of the needles is in them.
 */
static bool is_bulk(ifx_str kind)
{
	return ifx_str_eq(kind, IFX_LIT("ConfigMap")) || ifx_str_eq(kind, IFX_LIT("Secret"));
}

static bool is_our_kind(ifx_str kind)
{
	const struct ifx_workload_fact *facts;
	size_t n;

	if (is_bulk(kind))
		return false;
	for (size_t i = 0; i < N_KINDS; i++)
		if (ifx_str_eq(kind, ifx_str_of(kinds[i].name)))
			return true;
	facts = ifx_fact_workloads(&n);
	for (size_t i = 0; i < n; i++)
		if (ifx_str_eq(kind, ifx_str_of(facts[i].kind)))
			return true;
	return ifx_str_ends(kind, IFX_LIT("List"));
}

static bool is_letter(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || ifx_is_digit(c);
}

/* The name behind `kind`, wherever it stands: ptr NULL when it is spelt in an odd way. */
static ifx_str name_behind(ifx_str text)
{
	size_t at = 0, end;

	while (at < text.len &&
	       (text.ptr[at] == '"' || text.ptr[at] == '\'' || text.ptr[at] == ' '))
		at++;
	if (at == text.len || text.ptr[at] != ':')
		return IFX_LIT("");
	at++;
	while (at < text.len &&
	       (text.ptr[at] == '"' || text.ptr[at] == '\'' || text.ptr[at] == ' '))
		at++;
	for (end = at; end < text.len && is_letter(text.ptr[end]); end++)
		;
	return end == at ? IFX_NONE : ifx_str_sub(text, at, end - at);
}

static bool has_our_kind(ifx_str document)
{
	const ifx_str word = IFX_LIT("kind");
	size_t at;

	while ((at = ifx_str_find(document, word)) != SIZE_MAX) {
		ifx_str name;

		document = ifx_str_sub(document, at + word.len, document.len - at - word.len);
		name = name_behind(document);
		if (!name.ptr || is_our_kind(name))
			return true;
	}
	return false;
}

/* Escapes that could spell a key; see DESIGN 9. */
static bool has_odd_escape(ifx_str text)
{
	for (size_t i = 0; i + 1 < text.len; i++)
		if (text.ptr[i] == '\\' && strchr("xuU/\n\r", text.ptr[++i]) && text.ptr[i])
			return true;
	return false;
}

static bool has_needle(ifx_str document)
{
	/* Labels, other installers' values, and what scripts in ConfigMaps say (B14, S15, waves).
	 */
	static const char *const needles[] = {
		IFX_KEY_INJECTION,
		"istio.io/",
		"meshConfig",
		"enableNamespacesByDefault",
		"trustDomain",
		":15021",
		":15020",
		":15000",
		"quitquitquit",
		".svc",
		"istiodRemote",
		"externalIstiod",
		"remotePilotAddress",
		"istio/multiCluster",
		"global",
	};

	for (size_t i = 0; i < sizeof(needles) / sizeof(*needles); i++)
		if (ifx_str_find(document, ifx_str_of(needles[i])) != SIZE_MAX)
			return true;
	return false;
}

bool ifx_ambient_concerns(ifx_str document)
{
	/* Their schemas speak of every kind, and they are large. */
	if (ifx_str_find(document, IFX_LIT("\nkind: CustomResourceDefinition")) != SIZE_MAX)
		return false;
	return has_our_kind(document) || has_needle(document) || has_odd_escape(document);
}

static bool is_values(const struct ifx_resource *r)
{
	static const char *const keys[] = {
		"meshConfig",     "sidecarInjectorWebhook",
		"istiodRemote",   "pilot",
		"externalIstiod", "global",
		"istiod",         "istio_cni",
		"trustDomain",    "profile",
	};

	if (r->kind.len || r->version.len)
		return false;
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (ifx_get(r->node, ifx_str_of(keys[i])))
			return true;
	return false;
}

ifx_object_kind ifx_ambient_kind(const struct ifx_resource *r, const struct ifx_source *source)
{
	if (ifx_is_kustomization(source->path))
		return IFX_KUSTOMIZATION;
	if (is_values(r))
		return IFX_HELM_VALUES;
	if (!ifx_is_kubernetes(r))
		return IFX_KINDS;
	if (ifx_fact_workload(r->group, r->kind))
		return IFX_WORKLOAD;
	for (size_t i = 0; i < N_KINDS; i++)
		if (ifx_str_eq(r->kind, ifx_str_of(kinds[i].name)) &&
		    ifx_str_eq(r->group, ifx_str_of(kinds[i].group)))
			return kinds[i].kind;
	return IFX_OTHER;
}
