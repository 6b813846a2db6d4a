# Benchmarks: `make bench` builds them, installs the project into a folder of their own, and measures there.
bench_programs = \
	bench/load bench/login bench/stopwatch \
	bench/floor_json bench/floor_crypto bench/floor_curl \
	bench/ask bench/echo bench/floor_agent
EXTRA_PROGRAMS = $(bench_programs)
EXTRA_LTLIBRARIES = bench/window.la
CLEANFILES += $(bench_programs) $(EXTRA_LTLIBRARIES)
EXTRA_DIST += bench/accounts.mjs bench/run bench/run-agent bench/table.sh bench/token-server.mjs

bench_client = bench/client.c bench/client.h bench/timing.c bench/timing.h

bench_load_SOURCES = bench/load.c $(bench_client)
bench_load_CPPFLAGS = $(AM_CPPFLAGS) $(SASL_CFLAGS)
bench_load_LDADD = $(SASL_LIBS)

bench_login_SOURCES = bench/login.c $(bench_client)
bench_login_CPPFLAGS = $(AM_CPPFLAGS) $(SASL_CFLAGS)
bench_login_LDADD = $(SASL_LIBS)

bench_stopwatch_SOURCES = bench/stopwatch.c bench/timing.c bench/timing.h

bench_floor_json_SOURCES = bench/floor_json.c
bench_floor_json_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
bench_floor_json_LDADD = $(JSON_LIBS)

bench_floor_crypto_SOURCES = bench/floor_crypto.c
bench_floor_crypto_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS)
bench_floor_crypto_LDADD = $(CRYPTO_LIBS)

bench_floor_curl_SOURCES = bench/floor_curl.c
bench_floor_curl_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS)
bench_floor_curl_LDADD = $(CURL_LIBS)

bench_ask_SOURCES = bench/ask.c bench/asking.c bench/asking.h bench/timing.c bench/timing.h

bench_echo_SOURCES = bench/echo.c bench/asking.c bench/asking.h

bench_floor_agent_SOURCES = bench/floor_agent.c
bench_floor_agent_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS) $(JSON_CFLAGS) $(CRYPTO_CFLAGS)
bench_floor_agent_LDADD = $(CURL_LIBS) $(JSON_LIBS) $(CRYPTO_LIBS)

# A module only so that libtool makes it shared; it is never installed.
bench_window_la_SOURCES = bench/window.c bench/timing.c bench/timing.h
bench_window_la_CFLAGS = $(AM_CFLAGS)
bench_window_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared -rpath /nonexistent

# The paths of the helper are compiled in, so what is measured is configured for the place where it is measured; from
# a copy of the source, because a source folder that is configured itself cannot be configured a second time.
bench_dir = $(abs_builddir)/bench
.PHONY: bench
bench: $(bench_programs) $(EXTRA_LTLIBRARIES)
	$(AM_V_at)rm -rf "$(bench_dir)/source" "$(bench_dir)/build" "$(bench_dir)/stage"
	$(AM_V_at)$(MAKE) $(AM_MAKEFLAGS) distdir distdir=bench/source
	$(AM_V_at)mkdir "$(bench_dir)/build"
	$(AM_V_at)cd "$(bench_dir)/build" && ../source/configure --quiet --prefix="$(bench_dir)/stage" CC="$(CC)"
	$(AM_V_at)cd "$(bench_dir)/build" && $(MAKE) && $(MAKE) install
	$(AM_V_at)bash "$(srcdir)/bench/run" "$(bench_dir)/stage" "$(bench_dir)"
	$(AM_V_at)bash "$(srcdir)/bench/run-agent" "$(bench_dir)/stage" "$(bench_dir)"

clean-local: clean-bench
clean-bench:
	rm -rf bench/source bench/build bench/stage
.PHONY: clean-bench
