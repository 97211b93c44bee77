#include "ambient/hand.h"

#include "yaml/scalar.h"
#include "yaml/style.h"

void ifx_hand_init(struct ifx_hand *hand, const struct ifx_doc *like)
{
	*hand = (struct ifx_hand){ .step = 2, .quote = '"' };
	ifx_buf_init(&hand->text, 1 << 24);
	if (!like || !like->root)
		return;
	hand->step = like->json ? 2 : ifx_style_step(like->root);
	hand->dash = ifx_style_dash(like);
	if (ifx_style_quote_of(like) == IFX_SINGLE)
		hand->quote = '\'';
}

void ifx_hand_release(struct ifx_hand *hand)
{
	ifx_buf_release(&hand->text);
}

static void indent(struct ifx_hand *hand, size_t maps, size_t lists)
{
	ifx_buf_fill(&hand->text, ' ', maps * hand->step + lists * hand->dash);
}

void ifx_hand_line(struct ifx_hand *hand, size_t maps, size_t lists, const char *fmt, ...)
{
	va_list ap;

	indent(hand, maps, lists);
	va_start(ap, fmt);
	ifx_buf_vaddf(&hand->text, fmt, ap);
	va_end(ap);
	ifx_buf_addc(&hand->text, '\n');
}

static void add_word(struct ifx_hand *hand, ifx_str word)
{
	ifx_style style = hand->quote == '"' ? IFX_DOUBLE : IFX_SINGLE;

	ifx_scalar_quote(&hand->text, word,
			 ifx_plain_ok(word, false) ? IFX_PLAIN : ifx_style_for(word, style, false));
}

void ifx_hand_pair(struct ifx_hand *hand, size_t maps, size_t lists, const char *key, ifx_str value)
{
	indent(hand, maps, lists);
	ifx_buf_addf(&hand->text, "%s: ", key);
	add_word(hand, value);
	ifx_buf_addc(&hand->text, '\n');
}

void ifx_hand_label(struct ifx_hand *hand, size_t maps, ifx_str key, ifx_str value)
{
	indent(hand, maps, 0);
	add_word(hand, key);
	ifx_buf_add(&hand->text, IFX_LIT(": "));
	add_word(hand, value);
	ifx_buf_addc(&hand->text, '\n');
}
