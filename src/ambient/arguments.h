/* What the user asked `istio-fix ambient` for. */
#ifndef IFX_AMBIENT_ARGUMENTS_H
#define IFX_AMBIENT_ARGUMENTS_H

#include "ambient/migration.h"
#include "ambient/step.h"
#include "options.h"

enum { IFX_AMBIENT_TEXT, IFX_AMBIENT_JSON, IFX_AMBIENT_HTML };

struct ifx_ambient_options {
	struct ifx_texts environments; /* --environment */
	struct ifx_texts namespaces;   /* --namespace */
	struct ifx_accept *accepts;    /* --accept */
	size_t n_accepts, cap_accepts;
	ifx_str default_namespace;            /* ptr NULL: unknown */
	ifx_str waypoint, waypoint_namespace; /* ptr NULL: not said */
	bool bind_namespaces, strict;
	int format;
	/* apply, rollback */
	ifx_step step;
	bool step_given;
	bool all;
	size_t wave; /* 0: none was asked for */
	bool guard_in_cleanup, restart, size_hints, prune;
};

/** `ambient plan`; the last one has no name. They act on config->ambient. */
extern const struct ifx_option ifx_ambient_plan_options[];
/** `ambient apply`, `ambient rollback`. */
extern const struct ifx_option ifx_ambient_apply_options[];
extern const struct ifx_option ifx_ambient_rollback_options[];

/** NULL: no memory. The options are those of config->ambient until they are freed. */
struct ifx_ambient_options *ifx_ambient_options_new(struct ifx_config *config);
void ifx_ambient_options_free(struct ifx_ambient_options *options);

#endif
