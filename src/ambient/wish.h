/* Words that the phases share: what they wish, in one line each. */
#ifndef IFX_AMBIENT_WISH_H
#define IFX_AMBIENT_WISH_H

#include "ambient/manifest.h"
#include "ambient/pods.h"
#include "ambient/recast.h"
#include "ambient/service.h"
#include "yaml/path.h"

/** printf into the arena; ptr NULL is understood by ifx_passage_want. */
#define IFX_SAY(m, ...) ifx_arena_printf(&(m)->changes->arena, __VA_ARGS__)

/** A label of the object's own metadata; nothing when it has that key. */
void ifx_wish_label(struct ifx_passage *m, const struct ifx_object *o, const char *key,
		    ifx_str value);
/** A label (or annotation) of pods; nothing when they have that key. */
void ifx_wish_pod_label(struct ifx_passage *m, const struct ifx_pods *pods, const char *key,
			ifx_str value);
void ifx_wish_pod_annotation(struct ifx_passage *m, const struct ifx_pods *pods, const char *key,
			     ifx_str value);
/** An annotation of the object's own metadata. */
void ifx_wish_annotation(struct ifx_passage *m, const struct ifx_object *o, const char *key,
			 ifx_str value);
/** An entry goes; its comments stay, each on a line of its own. */
void ifx_wish_removal(struct ifx_passage *m, const struct ifx_object *o,
		      const struct ifx_entry *entry, ifx_str what);
/** A document goes. */
void ifx_wish_drop(struct ifx_passage *m, const struct ifx_object *o);
/** A scalar says something else. */
void ifx_wish_value(struct ifx_passage *m, const struct ifx_object *o, const struct ifx_node *node,
		    ifx_str value, ifx_str what);
/** An item at the end of a list; YAML. */
void ifx_wish_item(struct ifx_passage *m, const struct ifx_object *o, const struct ifx_node *list,
		   ifx_str yaml, ifx_str what);
/**
 * A new document where a person would put it: at the end of the object's file when that has others
 * too, else in a file of its own beside it.
 */
void ifx_wish_document(struct ifx_passage *m, const struct ifx_object *beside, ifx_str file,
		       ifx_str text, ifx_str what);

/** A string as an item of a list, in the quotes of its last item, else of the document. */
ifx_str ifx_item_text(struct ifx_passage *m, const struct ifx_node *near, ifx_str text);
/** May a new object have that name? If not the namespace is held. */
bool ifx_name_is_free(struct ifx_passage *m, ifx_object_kind kind, ifx_str name);
/** Items of a list, aliases followed; NULL: there are none. */
const struct ifx_entry *ifx_list_items(const struct ifx_node *list);

/* ---- parts of phases that cutover shares ---- */

void ifx_prepare_gateway(struct ifx_passage *m);
void ifx_prepare_pods(struct ifx_passage *m);
void ifx_prepare_ports(struct ifx_passage *m);
void ifx_prepare_network(struct ifx_passage *m);
/** Copies of policies that stay at the pods, for the waypoint. at_end: of their files. */
void ifx_prepare_l4_copies(struct ifx_passage *m, bool at_end);
void ifx_bind_labels(struct ifx_passage *m);
void ifx_bind_permissions(struct ifx_passage *m);
void ifx_bind_exceptions(struct ifx_passage *m);
void ifx_enroll_labels(struct ifx_passage *m);
void ifx_enroll_pods(struct ifx_passage *m);
void ifx_enroll_guards(struct ifx_passage *m);
void ifx_cleanup_sidecars(struct ifx_passage *m);

#endif
