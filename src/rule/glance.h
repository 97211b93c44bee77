/*
 * A glance at labels and annotations, line by line, without parsing the document: for the
 * `concerns` of transforms. Nearly every manifest has labels, and in nearly all of them there is
 * nothing to say about them.
 *
 * Understood are block maps of one-line `key: value`, and block scalars behind a key. About
 * whatever is written in another way the answer is yes, and the document is parsed.
 *
 * One thing goes unseen (by ifx_glance): a second `labels` in one map, behind a quoted scalar of
 * several lines of which one stands less deep than the map.
 */
#ifndef IFX_RULE_GLANCE_H
#define IFX_RULE_GLANCE_H

#include "rule/transform.h"

/**
 * Is there something to say about the map whose key is perhaps the word `labels` or `annotations`
 * at `at`: a value that is no string to go-yaml v2 (yaml/resolve.h), a key that is there twice, or
 * the word itself a second time in the map around it?
 */
bool ifx_glance(ifx_str document, size_t at);

/** The one-line entries of an item of a list. */
struct ifx_glance_item {
	struct ifx_pair entries[16];
	size_t n;
};

/**
 * Is there an item of a block list with the key `key` that is not fine, or anything that is not
 * understood? Values come without quotes, keys that hold more than a line with an empty one.
 */
bool ifx_glance_items(ifx_str document, ifx_str key,
		      bool (*is_fine)(const struct ifx_glance_item *item));

#endif
