/*
 * Arguments and wiring: the one file that knows everybody. The media loop
 * runs in the main thread, signalling and control in a second one, HTTP in a
 * third, SNMP in a fourth.
 */
#include "build.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <uv.h>

#include "agentx.h"
#include "anchors.h"
#include "arguments.h"
#include "check_config.h"
#include "collector.h"
#include "config.h"
#include "control.h"
#include "engine.h"
#include "event.h"
#include "event_log.h"
#include "http.h"
#include "http_listen.h"
#include "http_web.h"
#include "inquiries.h"
#include "log.h"
#include "log_journal.h"
#include "print.h"
#include "reflect.h"
#include "service.h"
#include "shard.h"
#include "signals.h"
#include "snapshot.h"
#include "store.h"

#define JOURNAL "/run/systemd/journal/socket"

enum { LISTEN_MAX = 16 };

struct settings {
	const char *config_file;
	bool check;
	const char *listen[LISTEN_MAX];
	size_t listens;
	bool systemd_socket;
	char inherited[LISTEN_MAX][8];
	const char *telemetry_path, *port_file, *web_file;
	bool lifecycle;
	enum log_level level;
	enum log_format format;
	bool format_given;
	struct shard shard;
};

struct daemon {
	struct settings args;
	uv_loop_t media, signalling;
	uv_async_t quit; /* on the signalling loop */
	struct store *store;
	struct snapshotter *snapshots;
	struct anchors *anchors;
	struct engine *engine[COLLECTOR_ROOMS];
	struct inquiries *inquiries;
	struct control *control;
	struct http *http;
	struct agentx *agentx; /* NULL: no SNMP */
	struct http_hooks hooks;
	struct service *service; /* NULL: no manager */
};

/* ---- the command line ---- */

static int
version_print(void *into, const struct argument *row, const char *value)
{
	printf("reachd, version %s (revision: %s)\n  compiler: %s\n",
	    PACKAGE_VERSION, REACHD_REVISION, __VERSION__);
	return 1;
}

static int
listen_add(void *into, const struct argument *row, const char *value)
{
	struct settings *a = into;

	if (a->listens == LISTEN_MAX) {
		fprintf(stderr, "reachd: at most %d addresses to listen on\n",
		    LISTEN_MAX);
		return -1;
	}
	a->listen[a->listens++] = value;
	return 0;
}

static int
level_set(void *into, const struct argument *row, const char *value)
{
	struct settings *a = into;

	if (log_level_parse(value, &a->level) == 0)
		return 0;
	fprintf(stderr,
	    "reachd: --%s: '%s' is none of debug, info, warn, error\n",
	    row->name, value);
	return -1;
}

static int
format_set(void *into, const struct argument *row, const char *value)
{
	struct settings *a = into;

	a->format_given = true;
	if (log_format_parse(value, &a->format) == 0)
		return 0;
	fprintf(stderr, "reachd: --%s: '%s' is neither logfmt nor json\n",
	    row->name, value);
	return -1;
}

static int
shard_set(void *into, const struct argument *row, const char *value)
{
	struct settings *a = into;
	char host[256] = "", error[256];

	if (gethostname(host, sizeof(host) - 1) < 0)
		host[0] = '\0';
	if (shard_parse(value, host, &a->shard, error) == 0)
		return 0;
	fprintf(stderr, "reachd: --%s: %s\n", row->name, error);
	return -1;
}

#define AT(field) offsetof(struct settings, field), NULL

static const struct argument arguments[] = {
    {"config.file", "FILE",
	"configuration file (default " SYSCONFDIR "/reachd/reachd.yml)",
	ARGUMENT_TEXT, AT(config_file)},
    {"config.check", NULL, "check the file, say what it costs, and exit",
	ARGUMENT_FLAG, AT(check)},
    {"web.listen-address", "ADDRESS",
	"where to listen; may be repeated (default: what the service\n"
	"        manager listens on for it, else 127.0.0.1:19115)",
	ARGUMENT_SET, 0, listen_add},
    {"web.systemd-socket", NULL,
	"serve on the sockets that the service manager listens on",
	ARGUMENT_FLAG, AT(systemd_socket)},
    {"web.telemetry-path", "PATH", "path of the metrics (default /metrics)",
	ARGUMENT_TEXT, AT(telemetry_path)},
    {"web.enable-lifecycle", NULL, "allow reload and probe by HTTP request",
	ARGUMENT_FLAG, AT(lifecycle)},
    {"web.config.file", "FILE",
	"TLS, users and limits, in the format of Prometheus' exporters",
	ARGUMENT_TEXT, AT(web_file)},
    {"web.port-file", "FILE",
	"write the ports that were bound, a line each, once it listens",
	ARGUMENT_TEXT, AT(port_file)},
    {"log.level", "debug|info|warn|error", "from which level on (default info)",
	ARGUMENT_SET, 0, level_set},
    {"log.format", "logfmt|json",
	"how lines look on standard error (default: fields to the journal\n"
	"        when it leads there, else logfmt)",
	ARGUMENT_SET, 0, format_set},
    {"shard", "I/N",
	"probe part I (from 0) of N of the targets; I may be a name that ends\n"
	"        in the number, or auto for that of the host",
	ARGUMENT_SET, 0, shard_set},
    {"version", NULL, "print the version and exit", ARGUMENT_SET, 0,
	version_print},
    {0}};

static const struct arguments_form form = {"reachd",
    "usage: reachd [OPTION]...\n"
    "       reachd reflect|print [OPTION]...\n",
    arguments, NULL};

/* What completion knows; the commands behind the daemon. */
static const struct arguments_form *const forms[] = {
    &form, &reflect_form, &print_form, NULL};

static int
listen_inherited(struct settings *a)
{
	unsigned n = http_listen_inherited();

	if (n == 0 || n > LISTEN_MAX) {
		fprintf(stderr,
		    "reachd: --web.systemd-socket: %s handed over to this "
		    "process (LISTEN_FDS, LISTEN_PID)\n",
		    n == 0 ? "no socket was" : "too many sockets were");
		return 1;
	}
	for (a->listens = 0; a->listens < n; a->listens++) {
		char *text = a->inherited[a->listens];

		snprintf(text, sizeof(a->inherited[0]), "fd:%u",
		    (unsigned)(3 + a->listens));
		a->listen[a->listens] = text;
	}
	return -1;
}

/* -1: go on; otherwise the exit code. */
static int
settings_read(struct settings *a, int argc, char **argv)
{
	int code;

	*a = (struct settings){.config_file = SYSCONFDIR "/reachd/reachd.yml",
	    .telemetry_path = "/metrics",
	    .level = LOG_LEVEL_INFO};
	code = arguments_parse(&form, a, argc, argv);
	if (code < 0 && !a->check &&
	    (a->systemd_socket ||
		(a->listens == 0 && http_listen_inherited() > 0)))
		code = listen_inherited(a);
	if (code < 0 && a->listens == 0)
		a->listen[a->listens++] = "127.0.0.1:19115";
	return code;
}

/* ---- hooks of the HTTP server ---- */

static int
hook_reload(void *arg, struct buf *errors)
{
	return control_reload(((struct daemon *)arg)->control, errors);
}

static int
hook_probe(void *arg, const char *target)
{
	return control_probe(((struct daemon *)arg)->control, target);
}

static bool
hook_ask(void *arg, struct inquiry *q)
{
	return inquiries_ask(((struct daemon *)arg)->inquiries, q);
}

static void
hook_recall(void *arg)
{
	inquiries_recall(((struct daemon *)arg)->inquiries);
}

static bool
hook_ready(void *arg)
{
	return control_ready(((struct daemon *)arg)->control);
}

static bool
hook_healthy(void *arg)
{
	return control_healthy(((struct daemon *)arg)->control);
}

static void
add_count(void *arg, const char *handler, unsigned code, uint64_t n)
{
	struct snap_http *o;
	char labels[96];

	snprintf(labels, sizeof(labels), "handler=\"%s\",code=\"%u\"", handler,
	    code);
	o = snapshot_item(arg, SCOPE_http, labels);
	if (o != NULL)
		o->count = n;
}

static void
fill_http(void *arg, struct snapshot_builder *b)
{
	const struct daemon *d = arg;

	if (d->http != NULL)
		http_each_count(d->http, add_count, b);
}

/* ---- life ---- */

static void
on_notify(void *arg)
{
	struct daemon *d = arg;

	if (d->control != NULL)
		control_notify(d->control);
}

/* On the control thread: the media loop ends, then main goes on. */
static void
on_finished(void *arg)
{
	struct daemon *d = arg;

	service_stopping(d->service);
	engine_stop(d->engine[COLLECTOR_MEDIA]);
}

static void
on_tick(void *arg, uint64_t now)
{
	log_tick();
	service_tick(((struct daemon *)arg)->service, now);
}

static void
on_reloading(void *arg, uint64_t now)
{
	service_reloading(((struct daemon *)arg)->service, now);
}

static void
on_reloaded(void *arg, bool ok)
{
	service_reloaded(((struct daemon *)arg)->service, ok);
}

/* On the signalling loop, at the very end. */
static void
on_quit(uv_async_t *a)
{
	struct daemon *d = a->data;

	control_close(d->control);
	engine_close(d->engine[COLLECTOR_SIGNALLING]);
	uv_close((uv_handle_t *)a, NULL);
}

static void
signalling_run(void *arg)
{
	signals_take();
	uv_run(&((struct daemon *)arg)->signalling, UV_RUN_DEFAULT);
}

static int
port_file_write(const struct daemon *d)
{
	FILE *f;

	if (d->args.port_file == NULL)
		return 0;
	f = fopen(d->args.port_file, "we");
	if (f == NULL) {
		log_error("main", "%s: cannot be written", d->args.port_file);
		return -1;
	}
	for (size_t i = 0; i < d->args.listens; i++)
		fprintf(f, "%u\n", http_port(d->http, i));
	return fclose(f) == 0 ? 0 : -1;
}

static int
http_make(struct daemon *d)
{
	char error[256];
	struct http_setup setup = {.listen = d->args.listen,
	    .listens = d->args.listens,
	    .telemetry_path = d->args.telemetry_path,
	    .web_file = d->args.web_file,
	    .lifecycle = d->args.lifecycle,
	    .snapshots = d->snapshots,
	    .hooks = &d->hooks};

	d->hooks = (struct http_hooks){hook_reload, hook_probe, hook_ask,
	    hook_recall, hook_ready, hook_healthy, d};
	d->http = http_start(&setup, error);
	if (d->http == NULL) {
		log_error("main", "%s", error);
		return -1;
	}
	return port_file_write(d);
}

static void
on_event_notify(void *arg, const struct event *e)
{
	agentx_tell(((struct daemon *)arg)->agentx, e);
}

/* Before there are snapshots; its thread starts with agentx_start(). */
static int
agentx_make(struct daemon *d, const struct config *config)
{
	if (config->agentx == NULL)
		return 0;
	d->agentx = agentx_new(
	    config->agentx, config->ping_notifications, d->snapshots);
	if (d->agentx == NULL)
		return -1;
	snapshot_add_source(d->snapshots, agentx_source(d->agentx));
	snapshot_keep_history(d->snapshots, AGENTX_HISTORY);
	event_subscribe(on_event_notify, d);
	return 0;
}

static int
inquiries_make(struct daemon *d)
{
	struct inquiries_setup setup = {
	    .loop = &d->signalling, .engine = d->engine, .store = d->store};

	d->inquiries = inquiries_new(&setup);
	return d->inquiries != NULL ? 0 : -1;
}

static int
parts_make(struct daemon *d, struct config *config)
{
	struct control_setup setup = {.loop = &d->signalling,
	    .config_file = d->args.config_file,
	    .config = config,
	    .shard = d->args.shard,
	    .engine = d->engine,
	    .engines = COLLECTOR_ROOMS,
	    .finished = on_finished,
	    .tick = on_tick,
	    .reloading = on_reloading,
	    .reloaded = on_reloaded,
	    .arg = d};
	uv_loop_t *const loop[] = {&d->media, &d->signalling};

	d->anchors = anchors_new();
	d->store = setup.store = store_new();
	d->snapshots = setup.snapshots =
	    d->store != NULL ? snapshot_new(d->store) : NULL;
	if (d->snapshots == NULL || d->anchors == NULL)
		return -1;
	for (uint8_t i = 0; i < COLLECTOR_ROOMS; i++) {
		struct engine_setup s = {.loop = loop[i],
		    .number = i,
		    .collectors = collectors,
		    .collector = {.rotate_ns = config->defaults.interval,
			.transmit_stamps = config->transmit_stamps,
			.anchors = d->anchors,
			.ca_file = config->ca_file},
		    .notify = on_notify,
		    .arg = d};

		uv_loop_init(loop[i]);
		d->engine[i] = engine_new(&s);
		if (d->engine[i] == NULL)
			return -1;
	}
	uv_async_init(&d->signalling, &d->quit, on_quit);
	d->quit.data = d;
	snapshot_add_source(
	    d->snapshots, (struct snapshot_source){fill_http, d});
	if (agentx_make(d, config) < 0 || inquiries_make(d) < 0)
		return -1;
	setup.inquiries = d->inquiries;
	d->control = control_new(&setup);
	return d->control != NULL ? 0 : -1;
}

/* Where the journal's socket is out of reach, lines have their priority. */
static void
log_where(const struct settings *a)
{
	if (a->format_given || !log_journal_is_stderr())
		return;
	log_setup(a->level, LOG_FORMAT_JOURNAL);
	log_to_journal(JOURNAL);
}

/* Targets are there and listeners bound: who waits for that may go on. */
static void
service_make(struct daemon *d)
{
	struct service_setup setup = {
	    .store = d->store, .healthy = hook_healthy, .arg = d};

	d->service = service_new(&setup);
	service_ready(d->service);
}

/*
 * A socket carries a hundred requests under way: silent targets by the
 * thousand need more than the soft limit that shells give.
 */
static void
raise_files(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur < l.rlim_max) {
		l.rlim_cur = l.rlim_max;
		setrlimit(RLIMIT_NOFILE, &l);
	}
}

static int
daemon_run(struct daemon *d, struct config *config)
{
	uv_thread_t thread;
	bool ended;

	signal(SIGPIPE, SIG_IGN);
	raise_files();
	event_subscribe(event_log_line, NULL);
	if (parts_make(d, config) < 0 || http_make(d) < 0)
		return 1; /* said why; the process ends */
	if (d->agentx != NULL && agentx_start(d->agentx) < 0) {
		log_error("main", "no thread for SNMP");
		return 1;
	}
	service_make(d);
	if (uv_thread_create(&thread, signalling_run, d) < 0) {
		log_error("main", "no second thread");
		return 1;
	}
	log_info("main", "reachd %s is running", PACKAGE_VERSION);
	uv_run(&d->media, UV_RUN_DEFAULT);
	http_stop(d->http);
	uv_async_send(&d->quit);
	uv_thread_join(&thread);
	ended = agentx_stop(d->agentx); /* nothing happens any more */
	for (unsigned i = 0; i < COLLECTOR_ROOMS; i++)
		engine_free(d->engine[i]);
	inquiries_free(d->inquiries);
	snapshot_free(d->snapshots);
	control_free(d->control);
	service_free(d->service);
	store_free(d->store);
	anchors_unref(d->anchors);
	uv_loop_close(&d->media);
	uv_loop_close(&d->signalling);
	log_info("main", "ended");
	/* Its libraries would be taken apart under a thread that hangs. */
	if (!ended)
		_exit(0);
	return 0;
}

/* Both files; the exit code. */
static int
files_check(const struct settings *a)
{
	int code = check_config_main(a->config_file, &a->shard, stdout, stderr);
	struct buf errors = BUF_INIT;
	struct http_web web;

	if (http_web_open(&web, a->web_file, &errors) < 0) {
		fputs(buf_str(&errors), stderr);
		code = 1;
	}
	http_web_close(&web);
	buf_free(&errors);
	return code;
}

int
main(int argc, char **argv)
{
	static struct daemon d;
	struct doc_errors errors = {0};
	struct config *config;
	int code;

	if (argc > 1 && strcmp(argv[1], "reflect") == 0)
		return reflect_main(argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "print") == 0)
		return print_main(argc - 1, argv + 1, forms);
	code = settings_read(&d.args, argc, argv);
	if (code >= 0)
		return code;
	log_setup(d.args.level, d.args.format);
	log_where(&d.args);
	if (d.args.check)
		return files_check(&d.args);
	/* Until the control listens: who asks for a reload gets this load. */
	signal(SIGHUP, SIG_IGN);
	config = config_load(d.args.config_file, &errors);
	if (config == NULL) {
		struct buf text = BUF_INIT;

		config_errors_text(&text, d.args.config_file, &errors);
		fputs(buf_str(&text), stderr);
		buf_free(&text);
		doc_errors_free(&errors);
		return 1;
	}
	return daemon_run(&d, config);
}
