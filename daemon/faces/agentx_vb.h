/* Values as the variables of net-snmp. */
#ifndef AGENTX_VB_H
#define AGENTX_VB_H

#include "agentx_value.h"

struct variable_list; /* net-snmp's */

void agentx_vb_set(struct variable_list *vb, const struct agentx_value *v);
/* Behind the last of the list; without memory it is left out. */
void agentx_vb_add(struct variable_list **list, const uint32_t *name, size_t n,
    const struct agentx_value *v);

#endif
