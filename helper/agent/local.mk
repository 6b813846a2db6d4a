# The agent: one long-running process that owns the tokens of a store. An inner library, which the unit tests link too, and
# the program around it.
agent_cppflags = $(net_cppflags) -iquote $(top_srcdir)/helper/agent

noinst_LTLIBRARIES += libagent.la
libagent_la_SOURCES = \
	helper/agent/agent.h \
	helper/agent/allow.c helper/agent/allow.h \
	helper/agent/clients.c helper/agent/clients.h \
	helper/agent/confine.c helper/agent/confine.h \
	helper/agent/disk.c helper/agent/disk.h \
	helper/agent/entry.c helper/agent/entry.h \
	helper/agent/exchanges.c helper/agent/exchanges.h \
	helper/agent/listeners.c helper/agent/listeners.h \
	helper/agent/log.c helper/agent/log.h \
	helper/agent/loop.c helper/agent/loop.h \
	helper/agent/manager.c helper/agent/manager.h \
	helper/agent/multi.c helper/agent/multi.h \
	helper/agent/notify.c helper/agent/notify.h \
	helper/agent/options.c helper/agent/options.h \
	helper/agent/peer.c helper/agent/peer.h \
	helper/agent/process.c helper/agent/process.h \
	helper/agent/relay.c helper/agent/relay.h \
	helper/agent/schedule.c helper/agent/schedule.h \
	helper/agent/serve.c helper/agent/serve.h \
	helper/agent/starter.c helper/agent/starter.h \
	helper/agent/table.c helper/agent/table.h
libagent_la_CPPFLAGS = $(agent_cppflags)
libagent_la_LIBADD = -lpthread

pkglibexec_PROGRAMS += agent
agent_SOURCES = helper/agent/agent.c helper/agent/wipe.c
agent_CPPFLAGS = $(agent_cppflags)
agent_CFLAGS = $(AM_CFLAGS) $(PIE_CFLAGS)
agent_LDFLAGS = $(AM_LDFLAGS) $(PIE_LDFLAGS)
agent_LDADD = libagent.la $(net_libs)
