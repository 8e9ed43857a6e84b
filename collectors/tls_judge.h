/* Whether what a TLS session showed is good enough; pure. */
#ifndef TLS_JUDGE_H
#define TLS_JUDGE_H

#include "outcome.h"
#include "word.h"

struct ask_tls;
struct tls_facts;

/*
 * How a probe ends whose handshake was done and showed these facts: answered,
 * intercepted, or by the certificate, with the X509_V_* number in *code;
 * local, when there are no trust anchors here. ask may be NULL.
 */
enum outcome tls_judge(
    const struct ask_tls *ask, const struct tls_facts *facts, int *code);

/* The X509_V_* number of a chain in a word. */
enum chain tls_judge_chain(int verify_error);

#endif
