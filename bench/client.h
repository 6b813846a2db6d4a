/* A libsasl2 client that offers one folder of plugins. */
#ifndef XOAUTH2_BENCH_CLIENT_H
#define XOAUTH2_BENCH_CLIENT_H

/* sasl_client_init() with nothing but the plugins in `folder`. Ends the process on failure. */
void client_init(const char *folder);

/* One login as the user of the benchmark, from sasl_client_new() to sasl_dispose(). There is no server: its answer is
 * success without data, as mbsync hands it on (others take no further step then). `password` is what the application
 * knows. Ends the process on failure. */
void client_login(const char *mechanism, const char *password);

#endif
