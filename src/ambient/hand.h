/*
 * New documents in the hand of the one they stand beside: its indentation, whether lists are
 * indented, its quotes.
 */
#ifndef IFX_AMBIENT_HAND_H
#define IFX_AMBIENT_HAND_H

#include "base/buf.h"
#include "yaml/node.h"

struct ifx_hand {
	size_t step;         /* columns from a key to those below it */
	size_t dash;         /* columns from a key to the dashes of a list below it */
	char quote;          /* ' or " */
	struct ifx_buf text; /* what is written */
};

/** Look at a document (NULL: two columns, no indented lists, double quotes). To be released. */
void ifx_hand_init(struct ifx_hand *hand, const struct ifx_doc *like);
void ifx_hand_release(struct ifx_hand *hand);

/** A line at `maps` levels of maps and `lists` lists; formatted, without line break. */
void ifx_hand_line(struct ifx_hand *hand, size_t maps, size_t lists, const char *fmt, ...)
	IFX_PRINTF(4, 5);
/** A line `key: value`, the value quoted where YAML needs it. */
void ifx_hand_pair(struct ifx_hand *hand, size_t maps, size_t lists, const char *key,
		   ifx_str value);

/** A label at `maps` levels, key and value quoted where YAML needs it. */
void ifx_hand_label(struct ifx_hand *hand, size_t maps, ifx_str key, ifx_str value);

#endif
