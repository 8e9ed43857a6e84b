/* The status page's head, foot, and how numbers read. */
#include "build.h"

#include <inttypes.h>
#include <string.h>

#include "buf.h"
#include "clock.h"
#include "page_html.h"
#include "stats.h"

#define DASH "\xe2\x80\x93"

/* Colours come in pairs, light and dark; no state is told by colour alone. */
static const char style[] =
    ":root{--back:#fff;--fore:#1b1f24;--dim:#5c6570;--line:#d9dee4;"
    "--soft:#f5f7f9;--ok:#14783c;--warn:#8a5a00;--bad:#b3261e;"
    "--okb:#e3f4e8;--warnb:#fdf1d8;--badb:#fbe4e2;--link:#0b57b0}"
    "@media(prefers-color-scheme:dark){:root{--back:#14171a;"
    "--fore:#e4e7ea;--dim:#9aa3ad;--line:#2e343a;--soft:#1c2024;"
    "--ok:#62cf8b;--warn:#eab64d;--bad:#ff8a80;--okb:#15301f;"
    "--warnb:#362a10;--badb:#3d1d1b;--link:#8ab8f5}}"
    "*{box-sizing:border-box}"
    "body{margin:0 auto;max-width:1240px;padding:1rem 1.25rem 2rem;"
    "background:var(--back);color:var(--fore);"
    "font:15px/1.45 system-ui,sans-serif}"
    "header{display:flex;flex-wrap:wrap;gap:.25rem 1rem;"
    "align-items:baseline}"
    "h1{font-size:1.35rem;margin:0}h2{font-size:1.05rem;margin:1.6rem 0 .4rem}"
    "a{color:var(--link)}p{margin:.3rem 0}"
    ".dim,time,header p{color:var(--dim)}"
    ".verdict{margin:.9rem 0 .7rem;padding:.7rem .9rem;font-size:1.1rem;"
    "border-left:.35rem solid;border-radius:.25rem}"
    ".ok{color:var(--ok)}.warn{color:var(--warn)}.bad{color:var(--bad)}"
    ".verdict.ok{background:var(--okb)}.verdict.warn{background:var(--warnb)}"
    ".verdict.bad{background:var(--badb)}.verdict.none{background:var(--soft)}"
    "dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(13rem,1fr));"
    "gap:.5rem;margin:0}dl div{padding:.45rem .7rem;background:var(--soft);"
    "border-radius:.25rem}dt{color:var(--dim);font-size:.85rem}"
    "dd{margin:0;font-weight:600}"
    "table{border-collapse:collapse;width:100%;"
    "font-variant-numeric:tabular-nums}"
    "th{text-align:left;font-weight:600;font-size:.85rem;color:var(--dim)}"
    "th,td{padding:.3rem .7rem .3rem 0;border-bottom:1px solid var(--line);"
    "vertical-align:baseline}td.n,th.n{text-align:right}"
    "td.n{white-space:nowrap}"
    "td:last-child,th:last-child{padding-right:0}"
    "td.name{font-weight:600;overflow-wrap:anywhere}"
    "td.id{font-weight:600}td.id,time{white-space:nowrap}"
    ".pick{font-weight:600}.pick::after{content:\" \\2713\"}"
    ".s{white-space:nowrap;font-weight:600}"
    ".s::before{content:\"\";display:inline-block;width:.6em;height:.6em;"
    "margin-right:.4em;border-radius:50%;background:currentColor}"
    ".s.none::before{background:none;border:.12em solid}"
    ".s.bad::before{border-radius:0}"
    "footer{margin-top:1.6rem;color:var(--dim)}footer a{margin-right:.8rem}"
    "@media(max-width:700px){body{padding:.8rem}"
    "dl{grid-template-columns:1fr 1fr}thead{display:none}"
    "table,tbody{display:block}"
    "tr{display:flex;flex-wrap:wrap;gap:0 .9rem;padding:.45rem 0;"
    "border-bottom:1px solid var(--line)}"
    "td,td.n{border:0;padding:0;text-align:left}td.name{flex:1 0 100%}"
    "td:empty{display:none}"
    "td[data-h]::before{content:attr(data-h) \" \";color:var(--dim);"
    "font-weight:400}}";

/*
 * With a script the content is replaced where it stands, so that the reader
 * keeps the place; without one the browser loads the page again.
 */
static const char script[] =
    "(function(){var n=0,lost=document.getElementById('lost');"
    "function again(){lost.hidden=n<2;setTimeout(fresh,5000)}"
    "async function fresh(){"
    "if(document.hidden||String(getSelection()))return again();"
    "try{var r=await fetch(location.href,{cache:'no-store'});"
    "if(!r.ok)throw r.status;"
    "var x=(await r.text()).replace(/<style[^]*?<.style>/,''),"
    "d=new DOMParser().parseFromString(x,'text/html'),"
    "m=d.querySelector('main');if(!m)throw 0;"
    "document.querySelector('main').replaceWith(m);"
    "document.title=d.title;n=0}catch(e){n++}again()}again()})()";

void
page_html_text(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		switch (*text) {
		case '&':
			buf_puts(out, "&amp;");
			break;
		case '<':
			buf_puts(out, "&lt;");
			break;
		case '>':
			buf_puts(out, "&gt;");
			break;
		case '"':
			buf_puts(out, "&quot;");
			break;
		case '\'':
			buf_puts(out, "&#39;");
			break;
		default:
			buf_putc(out, *text);
		}
	}
}

void
page_html_head(struct buf *out, const char *title, const char *nonce)
{
	buf_puts(out, "<!doctype html>\n<html lang=\"en\">\n<head>\n"
		      "<meta charset=\"utf-8\">\n"
		      "<meta name=\"viewport\" "
		      "content=\"width=device-width,initial-scale=1\">\n"
		      "<meta name=\"color-scheme\" content=\"light dark\">\n"
		      "<noscript><meta http-equiv=\"refresh\" content=\"10\">"
		      "</noscript>\n<link rel=\"icon\" href=\"data:,\">\n"
		      "<title>");
	page_html_text(out, title);
	buf_puts(out, "</title>\n<style nonce=\"");
	buf_puts(out, nonce);
	buf_puts(out, "\">");
	buf_puts(out, style);
	buf_puts(out, "</style>\n</head>\n<body>\n<main>\n");
}

void
page_html_foot(struct buf *out, const char *nonce)
{
	buf_puts(out, "</main>\n<p id=\"lost\" class=\"verdict bad\" hidden>"
		      "reachd does not answer: what stands above is old.</p>\n"
		      "<script nonce=\"");
	buf_puts(out, nonce);
	buf_puts(out, "\">");
	buf_puts(out, script);
	buf_puts(out, "</script>\n</body>\n</html>\n");
}

void
page_html_ms(struct buf *out, uint64_t ns)
{
	double ms = (double)ns / 1e6;

	if (ns == STATS_NONE)
		buf_puts(out, DASH);
	else
		buf_printf(out, "%.*f ms", ms < 1 ? 2 : ms < 100 ? 1 : 0, ms);
}

void
page_html_share(struct buf *out, uint64_t ppm)
{
	if (ppm == STATS_NONE)
		buf_puts(out, DASH);
	else if (ppm == 0)
		buf_puts(out, "0 %");
	else if (ppm < 1000)
		buf_puts(out, "&lt;0.1 %");
	else
		buf_printf(
		    out, "%.*f %%", ppm < 100000 ? 1 : 0, (double)ppm / 1e4);
}

void
page_html_span(struct buf *out, uint64_t ns)
{
	uint64_t s = ns / CLOCK_SEC;

	if (s == 0)
		buf_puts(out, "now");
	else if (s < 60)
		buf_printf(out, "%" PRIu64 " s", s);
	else if (s < 3600)
		buf_printf(out, "%" PRIu64 " min", s / 60);
	else if (s < 86400)
		buf_printf(out, "%" PRIu64 " h %" PRIu64 " min", s / 3600,
		    s % 3600 / 60);
	else
		buf_printf(out, "%" PRIu64 " d %" PRIu64 " h", s / 86400,
		    s % 86400 / 3600);
}

void
page_html_ago(struct buf *out, uint64_t at, int64_t now)
{
	char text[32];

	if (at == STATS_NONE) {
		buf_puts(out, DASH);
		return;
	}
	buf_puts(out, "<time title=\"");
	buf_puts(out, clock_text((int64_t)at, text));
	buf_puts(out, "\">");
	/* A wall clock that was set back must not show a huge span. */
	page_html_span(
	    out, (int64_t)at < now ? (uint64_t)(now - (int64_t)at) : 0);
	buf_puts(out, "</time>");
}
