/* Pieces of SMIv2 modules (RFC 2578). */
#include "build.h"

#include <ctype.h>
#include <string.h>

#include "buf.h"
#include "smi.h"

enum { WIDTH = 64 };

void
smi_text(struct buf *out, const char *keyword, const char *text)
{
	unsigned column = 0;

	buf_printf(out, "    %s\n        \"", keyword);
	while (*text != '\0') {
		size_t n = strcspn(text, " ");

		if (column > 0 && column + n > WIDTH) {
			buf_puts(out, "\n         ");
			column = 0;
		} else if (column > 0) {
			buf_putc(out, ' ');
		}
		/* A quote cannot stand within quotes (RFC 2578 §3.1.1). */
		for (size_t i = 0; i < n; i++)
			buf_putc(out, text[i] == '"' ? '\'' : text[i]);
		column += (unsigned)n + 1;
		text += n + strspn(text + n, " ");
	}
	buf_putc(out, '"');
}

void
smi_camel(struct buf *out, const char *label, bool upper)
{
	for (; *label != '\0'; label++) {
		if (*label == '_') {
			upper = true;
			continue;
		}
		buf_putc(
		    out, upper ? (char)toupper((unsigned char)*label) : *label);
		upper = false;
	}
}

void
smi_item(struct smi_list *l)
{
	buf_puts(l->out, l->begun ? ",\n        " : "{\n        ");
	l->begun = true;
}

void
smi_object(struct smi_list *l, const char *object)
{
	smi_item(l);
	buf_printf(l->out, "reachd%s", object);
}

void
smi_end(struct smi_list *l)
{
	buf_puts(l->out, "\n    }");
}
