/* Session and thread of the AgentX subagent, by way of net-snmp. */
#include "build.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <net-snmp/net-snmp-config.h>
#include <net-snmp/net-snmp-includes.h>
#include <net-snmp/agent/net-snmp-agent-includes.h>
#include <net-snmp/agent/agent_callbacks.h>
#include <net-snmp/library/fd_event_manager.h>

#include "agentx.h"
#include "agentx_direct.h"
#include "agentx_ping.h"
#include "agentx_send.h"
#include "agentx_serve.h"
#include "agentx_socket.h"
#include "agentx_table.h"
#include "agentx_trap.h"
#include "clock.h"
#include "log.h"
#include "mib.h"

enum { PING_SECONDS = 3, WALK_PAUSE_MS = 250, STEADY_MS = 2000 };
/* A walk is served from one snapshot, but not from one that is old. */
enum { WALK_MOST_S = 5, STOP_S = 1 };
/* The MIBs that are served, in the order of their roots. */
enum { PING, OWN, TREES };

struct agentx {
	char *socket; /* owned */
	pthread_t thread;
	bool running;
	int wake;		       /* eventfd */
	_Atomic bool stop, abandoned;  /* set by agentx_stop() */
	pthread_mutex_t lock;	       /* snapshots, against agentx_stop() */
	struct snapshotter *snapshots; /* borrowed */
	_Atomic bool connected;
	_Atomic uint64_t connects, requests, notified;
	struct agentx_trap *trap; /* owned */
	/* the thread's */
	struct agentx_table *table;
	struct agentx_table *told; /* rows that notifications are about */
	struct agentx_ping *ping;
	unsigned traps; /* of that MIB; constant */
	struct agentx_serve serve[TREES];
	uint64_t shown_at, asked_at; /* monotonic; 0: never */
	int64_t boot;		     /* monotonic */
	struct agentx_socket place;
	struct snmp_session *session; /* the library's; NULL: none */
	uint64_t looked_at;
};

/* The one agent of the process: library callbacks carry no pointer. */
static struct agentx *agent;

struct agentx *
agentx_new(const char *socket, unsigned traps, struct snapshotter *snapshots)
{
	struct agentx *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	a->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	a->socket = strdup(socket);
	a->table = agentx_table_new();
	a->told = agentx_table_new();
	a->ping = agentx_ping_new(traps);
	a->trap = agentx_trap_new();
	a->traps = traps;
	a->place.path = a->socket;
	a->snapshots = snapshots;
	pthread_mutex_init(&a->lock, NULL);
	if (a->wake < 0 || a->socket == NULL || a->table == NULL ||
	    a->told == NULL || a->ping == NULL || a->trap == NULL) {
		agentx_stop(a);
		return NULL;
	}
	return a;
}

/* ---- metrics ---- */

static void
fill(void *arg, struct snapshot_builder *b)
{
	const struct agentx *a = arg;
	struct snap_agentx *o = snapshot_only(b, SCOPE_agentx);
	struct agentx_trap_counts counts;

	if (o == NULL)
		return;
	o->connected = atomic_load(&a->connected);
	o->connects = atomic_load(&a->connects);
	o->requests = atomic_load(&a->requests);
	counts = agentx_trap_counts(a->trap);
	o->notified = atomic_load(&a->notified);
	o->suppressed = counts.suppressed;
	o->dropped = counts.dropped;
}

struct snapshot_source
agentx_source(struct agentx *a)
{
	return (struct snapshot_source){fill, a};
}

/* ---- requests ---- */

/*
 * When sysUpTime was 0, as the snapshot has times. It is the master's and
 * comes with its answers, a little late: what wavers is ignored, and it is
 * kept as monotonic time, or every TimeStamp would seem to change.
 */
static int64_t
boot_time(struct agentx *a, const struct snapshot *s)
{
	int64_t uptime = (int64_t)netsnmp_get_agent_uptime();
	int64_t boot =
	    (int64_t)clock_mono() - uptime * (int64_t)(CLOCK_SEC / 100);
	int64_t by = boot - a->boot, steady = STEADY_MS * (int64_t)CLOCK_MS;

	if (by > steady || by < -steady)
		a->boot = boot;
	return a->boot + s->offset;
}

/* NULL once it has been left alone. */
static struct snapshot *
get_snapshot(struct agentx *a, struct snapshot *(*get)(struct snapshotter *))
{
	struct snapshot *s;

	pthread_mutex_lock(&a->lock);
	s = a->snapshots != NULL ? get(a->snapshots) : NULL;
	pthread_mutex_unlock(&a->lock);
	return s;
}

/* One snapshot for as long as the requests follow each other. */
static void
refresh(struct agentx *a)
{
	uint64_t now = clock_mono(), age = now - a->shown_at;
	bool walking = now - a->asked_at < WALK_PAUSE_MS * CLOCK_MS;
	struct snapshot *s;

	a->asked_at = now;
	if (a->shown_at != 0 &&
	    (age < CLOCK_SEC || (walking && age < WALK_MOST_S * CLOCK_SEC)))
		return;
	s = get_snapshot(a, snapshot_get);
	if (s == NULL)
		return;
	agentx_table_show(a->table, s, boot_time(a, s));
	agentx_ping_show(a->ping, s);
	snapshot_unref(s);
	a->shown_at = now;
}

static void
before_requests(void *arg, unsigned n)
{
	struct agentx *a = arg;

	atomic_fetch_add(&a->requests, n);
	refresh(a);
}

/* ---- notifications ---- */

void
agentx_tell(struct agentx *a, const struct event *e)
{
	if (agentx_trap_put(a->trap, e, clock_mono()))
		eventfd_write(a->wake, 1);
}

/*
 * The same in the words of DISMAN-PING-MIB, with the results as of now; one
 * snapshot serves all that wait.
 */
static void
send_ping(struct agentx *a, const struct event *e, struct snapshot **s)
{
	unsigned number = ping_notification(e->kind);

	if (number == 0 || (a->traps & 1U << number) == 0)
		return;
	if (*s == NULL)
		*s = get_snapshot(a, snapshot_take);
	if (*s != NULL && agentx_send_test(*s, e->index, number))
		atomic_fetch_add(&a->notified, 1);
}

/*
 * The row that it is about, as others have seen it lately, or as it is now
 * if they have not.
 */
static void
look_up(struct agentx *a, const struct event *e)
{
	struct snapshot *(*const get[])(struct snapshotter *) = {
	    snapshot_get, snapshot_take};
	const char *object = mib_notify_row(e->kind, 0);
	struct agentx_instance cell;

	if (object == NULL || e->index == 0)
		return;
	for (unsigned i = 0; i < 2; i++) {
		struct snapshot *s;

		if (agentx_table_cell(a->told, object, e->index, &cell))
			return;
		s = get_snapshot(a, get[i]);
		agentx_table_show(a->told, s, 0); /* no times are told */
		snapshot_unref(s);
	}
}

/* Without a master they would be lost: they wait. */
static void
send_waiting(struct agentx *a)
{
	struct agentx_trap_notice n;
	struct snapshot *s = NULL;

	while (atomic_load(&a->connected) &&
	       agentx_trap_take(a->trap, clock_mono(), &n)) {
		look_up(a, &n.event);
		agentx_send(&n, a->told);
		atomic_fetch_add(&a->notified, 1);
		send_ping(a, &n.event, &s);
	}
	snapshot_unref(s);
	agentx_table_show(a->told, NULL, 0);
}

/* ---- session ---- */

/*
 * Called before the library registers what it serves. Where a master went
 * away in the midst of that, the library believes of the rest that it is
 * registered, and never does it again; and it has a timer too many that tries
 * to connect. Both are forgotten: it will register all, and make its timer.
 */
static int
on_connected(int major, int minor, void *server, void *client)
{
	struct agentx *a = agent;

	snmp_alarm_unregister_all();
	register_mib_detach();
	a->session = server;
	agentx_direct(server, a->serve, TREES);
	agentx_socket_connected(&a->place);
	if (!atomic_exchange(&a->connected, true)) {
		atomic_fetch_add(&a->connects, 1);
		log_info("agentx", "%s: connected", a->place.path);
	}
	return 0;
}

static int
on_disconnected(int major, int minor, void *server, void *client)
{
	struct agentx *a = agent;

	a->session = NULL;
	if (atomic_exchange(&a->connected, false) && !atomic_load(&a->stop))
		log_warn("agentx", "%s: the master is gone", a->place.path);
	return 0;
}

/* The library's own words are for those who look for a fault. */
static int
on_log(int major, int minor, void *server, void *client)
{
	const struct snmp_log_message *m = server;
	size_t n = strcspn(m->msg, "\n");

	if (n > 0)
		log_debug("agentx", "%.*s", (int)n, m->msg);
	return 0;
}

/*
 * A master whose socket was replaced lives on and would never let go: it is
 * left, and the library connects to the one that is there.
 */
static void
leave(struct agentx *a)
{
	void *session =
	    a->session != NULL ? snmp_sess_pointer(a->session) : NULL;
	netsnmp_transport *t;

	if (session == NULL)
		return;
	t = snmp_sess_transport(session);
	if (t == NULL)
		return;
	log_info("agentx", "%s: replaced by another", a->place.path);
	shutdown(t->sock, SHUT_RDWR);
}

static void
look(struct agentx *a)
{
	uint64_t now = clock_mono();

	if (now - a->looked_at < PING_SECONDS * CLOCK_SEC)
		return;
	a->looked_at = now;
	if (!atomic_load(&a->connected))
		agentx_socket_look(&a->place);
	else if (agentx_socket_is_replaced(&a->place))
		leave(a);
}

/* ---- thread ---- */

/* Nothing of net-snmp's own configuration, state and MIBs is read. */
static void
isolate(void)
{
	netsnmp_ds_set_boolean(
	    NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DONT_READ_CONFIGS, 1);
	netsnmp_ds_set_boolean(
	    NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DONT_PERSIST_STATE, 1);
	netsnmp_ds_set_boolean(
	    NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DISABLE_PERSISTENT_LOAD, 1);
	netsnmp_ds_set_boolean(
	    NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DISABLE_PERSISTENT_SAVE, 1);
	netsnmp_ds_set_boolean(
	    NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_ALARM_DONT_USE_SIG, 1);
	netsnmp_ds_set_boolean(
	    NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DONT_LOAD_HOST_FILES, 1);
	netsnmp_ds_set_boolean(
	    NETSNMP_DS_APPLICATION_ID, NETSNMP_DS_AGENT_NO_ROOT_ACCESS, 1);
	/* Or it would make a directory for certificates that it never has. */
	netsnmp_ds_set_string(
	    NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_PERSISTENT_DIR, "/dev/null");
	netsnmp_set_mib_directory("");
	snmp_disable_log();
	netsnmp_register_loghandler(NETSNMP_LOGHANDLER_CALLBACK, LOG_DEBUG);
	snmp_register_callback(
	    SNMP_CALLBACK_LIBRARY, SNMP_CALLBACK_LOGGING, on_log, NULL);
}

static void
serve(struct agentx *a)
{
	struct agentx_serve *own = &a->serve[OWN], *ping = &a->serve[PING];
	unsigned n = mib_root(own->root);

	own->root[n] = MIB_OBJECTS;
	own->root_len = n + 1;
	own->name = "reachd";
	own->tree = agentx_table_tree(a->table);
	ping->root_len = agentx_ping_root(ping->root);
	ping->name = "reachdPing";
	ping->tree = agentx_ping_tree(a->ping);
	for (unsigned i = 0; i < TREES; i++) {
		a->serve[i].before = before_requests;
		a->serve[i].arg = a;
		agentx_serve(&a->serve[i]);
	}
}

/* SNMPv2-MIB::sysORTable: our module, and what of which we serve. */
static void
tell_modules(void)
{
	uint32_t id[MIB_ROOT_MAX + 2];
	unsigned n = mib_root(id);

	agentx_serve_tell(id, n, "REACHD-MIB: reachability of media servers");
	id[n] = MIB_CAPABILITIES;
	id[n + 1] = 1;
	agentx_serve_tell(id, n + 2,
	    "Capabilities of reachd: REACHD-MIB, and DISMAN-PING-MIB "
	    "read-only");
}

static void
begin(struct agentx *a)
{
	char address[512];

	isolate();
	netsnmp_enable_subagent();
	snprintf(address, sizeof(address), "unix:%s", a->socket);
	netsnmp_ds_set_string(
	    NETSNMP_DS_APPLICATION_ID, NETSNMP_DS_AGENT_X_SOCKET, address);
	init_agent("reachd");
	/* init_agent() has set these to what snmpd.conf would. */
	netsnmp_ds_set_int(NETSNMP_DS_APPLICATION_ID,
	    NETSNMP_DS_AGENT_AGENTX_PING_INTERVAL, PING_SECONDS);
	/* A call that waits for the master gives up after a second. */
	netsnmp_ds_set_int(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_TIMEOUT, 1);
	netsnmp_ds_set_int(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_RETRIES, 0);
	snmp_register_callback(SNMP_CALLBACK_APPLICATION,
	    SNMPD_CALLBACK_INDEX_START, on_connected, NULL);
	snmp_register_callback(SNMP_CALLBACK_APPLICATION,
	    SNMPD_CALLBACK_INDEX_STOP, on_disconnected, NULL);
	serve(a);
	tell_modules();
	init_snmp("reachd");
}

static void
on_wake(int fd, void *arg)
{
	eventfd_t n;

	eventfd_read(fd, &n);
}

static void *
run(void *arg)
{
	struct agentx *a = arg;

	begin(a);
	register_readfd(a->wake, on_wake, a);
	while (!atomic_load(&a->stop)) {
		look(a);
		send_waiting(a);
		agent_check_and_process(1);
	}
	/* Nobody waits any more: the process is about to end. */
	if (!atomic_load(&a->abandoned)) {
		unregister_readfd(a->wake);
		snmp_shutdown("reachd");
		shutdown_agent();
	}
	return NULL;
}

int
agentx_start(struct agentx *a)
{
	sigset_t all, before;
	int err;

	/* The master may read these from the environment as well. */
	setenv("MIBS", "", 1);
	agent = a;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&a->thread, NULL, run, a);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	a->running = err == 0;
	return -err;
}

/* Whether the thread has ended. */
static bool
joined(struct agentx *a)
{
	struct timespec until;

	atomic_store(&a->stop, true);
	eventfd_write(a->wake, 1);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += STOP_S;
	if (pthread_timedjoin_np(a->thread, NULL, &until) == 0)
		return true;
	atomic_store(&a->abandoned, true);
	pthread_mutex_lock(&a->lock);
	a->snapshots = NULL;
	pthread_mutex_unlock(&a->lock);
	pthread_detach(a->thread);
	log_warn("agentx", "%s: the master does not answer", a->socket);
	return false;
}

bool
agentx_stop(struct agentx *a)
{
	if (a == NULL)
		return true;
	if (a->running && !joined(a))
		return false;
	agentx_table_free(a->table);
	agentx_table_free(a->told);
	agentx_ping_free(a->ping);
	agentx_trap_free(a->trap);
	pthread_mutex_destroy(&a->lock);
	if (a->wake >= 0)
		close(a->wake);
	free(a->socket);
	free(a);
	return true;
}
