/* The entry point, the one symbol that the module exports. */
#ifndef XOAUTH2_PLUGIN_H
#define XOAUTH2_PLUGIN_H

#include <sasl/sasl.h>
#include <sasl/saslplug.h>

/* As sasl_client_plug_init_t. Always SASL_OK where that is possible, since libsasl2 writes a warning to the log of
 * every program for anything else. */
__attribute__((visibility("default"))) sasl_client_plug_init_t sasl_client_plug_init;

#endif
