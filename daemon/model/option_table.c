/* The table of settings, expanded. */
#include "build.h"

#include "ask.h"
#include "clock.h"
#include "config.h"
#include "option.h"
#include "proxy.h"
#include "webconfig.h"

/* The struct whose fields the rows of a group name. */
#define STRUCT_config	  struct config
#define STRUCT_profile	  struct config_profile
#define STRUCT_probing	  struct config_probing
#define STRUCT_thresholds struct thresholds
#define STRUCT_media	  struct config
#define STRUCT_cluster	  struct config_cluster
#define STRUCT_discovery  struct config_discovery
#define STRUCT_target	  struct config_target
#define STRUCT_module	  struct config_module
#define STRUCT_ask_tls	  struct ask_tls
#define STRUCT_ask_sip	  struct ask_sip
#define STRUCT_ask_dns	  struct ask_dns
#define STRUCT_ask_ntp	  struct ask_ntp
#define STRUCT_web	  struct webconfig
#define STRUCT_web_tls	  struct webconfig
#define STRUCT_web_http	  struct webconfig
#define STRUCT_web_limit  struct webconfig
#define STRUCT_ask_http	  struct ask_http
#define STRUCT_ask_light  struct ask_light
#define STRUCT_proxy	  struct proxy
#define STRUCT_limits	  struct config
#define STRUCT_snmp	  struct config

const struct option option_table[] = {
#define OPTION(group, key, type, field, least, most, fallback, help)           \
	{OPTION_##group, OPTION_##type, #key, offsetof(STRUCT_##group, field), \
	    sizeof(((STRUCT_##group *)0)->field), least, most, fallback,       \
	    OPTION_NONE, help},
#define OPTION_SHAPE(group, key, shape, child, fallback, help)       \
	{OPTION_##group, OPTION_##shape, #key, 0, 0, 0, 0, fallback, \
	    OPTION_##child, help},
#include "options.def"
};

const unsigned option_rows = sizeof(option_table) / sizeof(option_table[0]);

const struct option_group_desc option_groups[OPTION_GROUPS] = {
#define OPTION_GROUP(group, title, help) [OPTION_##group] = {title, help},
#include "options.def"
};
