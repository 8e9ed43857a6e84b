/* What becomes of a probe that somebody asks for, bit by bit. */
#include "build.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "clock.h"
#include "inquiry.h"

enum { LINE = 512 };

void
inquiry_clear(struct inquiry *q)
{
	buf_free(&q->log);
	buf_free(&q->module_text);
}

void
inquiry_log(struct inquiry *q, uint64_t since, const char *fmt, ...)
{
	char line[LINE];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	/* What peers and askers say may have any octets in it. */
	for (char *p = line; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	buf_printf(&q->log, "%" PRIu64 ".%06" PRIu64 " %s\n", since / CLOCK_SEC,
	    since % CLOCK_SEC / 1000, line);
}

void
inquiry_add(struct inquiry *q, const struct once *o)
{
	once_read(o, &q->result);
	q->details = o->details;
	q->probed = true;
	for (unsigned i = 0; i < PHASE_END; i++)
		q->phase_ns[i] += q->result.phase_ns[i];
	q->transfer_ns += o->details.transfer_ns;
	q->took_ns += q->result.took_ns;
}
