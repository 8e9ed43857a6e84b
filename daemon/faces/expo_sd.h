/*
 * The targets as Prometheus discovers them over HTTP (http_sd_configs): where
 * each goes, with what is known of it as __meta_reachd_ labels, so that a job
 * in the manner of blackbox_exporter is fed from here.
 */
#ifndef EXPO_SD_H
#define EXPO_SD_H

struct body;
struct snapshot;

/* Takes a reference of its own. NULL: no memory. */
struct body *expo_sd_body(struct snapshot *s);

#endif
