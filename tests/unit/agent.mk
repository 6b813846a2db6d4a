# helper/agent: an agent in a process of its own, against token endpoints.
unit_tests += \
	tests/unit/test_agent_access tests/unit/test_agent_changes tests/unit/test_agent_clock \
	tests/unit/test_agent_notify tests/unit/test_agent_providers tests/unit/test_agent_reject \
	tests/unit/test_agent_renewal tests/unit/test_agent_siege \
	tests/unit/test_agent_sockets tests/unit/test_agent_starter tests/unit/test_confine tests/unit/test_disk tests/unit/test_schedule
agent_test_cppflags = $(unit_cppflags) $(agent_cppflags)
agent_test_libs = libagenttest.la libhelpertest.la libunittest.la libagent.la $(net_libs) $(CMOCKA_LIBS)

check_LTLIBRARIES += libagenttest.la
libagenttest_la_SOURCES = \
	tests/unit/agent_rig.c tests/unit/agent_rig.h \
	tests/unit/token_endpoint.c tests/unit/token_endpoint.h
libagenttest_la_CPPFLAGS = $(agent_test_cppflags)

tests_unit_test_agent_sockets_SOURCES = tests/unit/test_agent_sockets.c
tests_unit_test_agent_sockets_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_agent_sockets_LDADD = $(agent_test_libs)

tests_unit_test_agent_starter_SOURCES = tests/unit/test_agent_starter.c
tests_unit_test_agent_starter_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_agent_starter_LDADD = $(agent_test_libs)

tests_unit_test_agent_siege_SOURCES = tests/unit/test_agent_siege.c
tests_unit_test_agent_siege_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_agent_siege_LDADD = $(agent_test_libs)

tests_unit_test_agent_providers_SOURCES = tests/unit/test_agent_providers.c
tests_unit_test_agent_providers_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_agent_providers_LDADD = $(agent_test_libs)

tests_unit_test_agent_changes_SOURCES = tests/unit/test_agent_changes.c
tests_unit_test_agent_changes_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_agent_changes_LDADD = $(agent_test_libs)

tests_unit_test_agent_notify_SOURCES = tests/unit/test_agent_notify.c
tests_unit_test_agent_notify_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_agent_notify_LDADD = $(agent_test_libs)

tests_unit_test_agent_reject_SOURCES = tests/unit/test_agent_reject.c
tests_unit_test_agent_reject_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_agent_reject_LDADD = $(agent_test_libs)

tests_unit_test_agent_renewal_SOURCES = tests/unit/test_agent_renewal.c
tests_unit_test_agent_renewal_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_agent_renewal_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=epoll_ctl
tests_unit_test_agent_renewal_LDADD = $(agent_test_libs)

tests_unit_test_agent_clock_SOURCES = tests/unit/test_agent_clock.c
tests_unit_test_agent_clock_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_agent_clock_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=clock_wall -Wl,--wrap=timerfd_create
tests_unit_test_agent_clock_LDADD = $(agent_test_libs)

tests_unit_test_agent_access_SOURCES = tests/unit/test_agent_access.c
tests_unit_test_agent_access_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_agent_access_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=getgrnam_r
tests_unit_test_agent_access_LDADD = $(agent_test_libs)

tests_unit_test_confine_SOURCES = tests/unit/test_confine.c
tests_unit_test_confine_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_confine_LDADD = $(agent_test_libs)

tests_unit_test_schedule_SOURCES = tests/unit/test_schedule.c
tests_unit_test_schedule_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_schedule_LDADD = $(agent_test_libs)

tests_unit_test_disk_SOURCES = tests/unit/test_disk.c
tests_unit_test_disk_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_disk_LDADD = $(agent_test_libs)
