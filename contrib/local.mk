# systemd: units for a mail host's agent and for a user's, its account, its folders. They go below the prefix, where systemd
# looks too if it is /usr or /usr/local. `make install systemdsystemunitdir=DIR` and the like
# move them.
systemd_system = contrib/systemd/xoauth2-agent.service contrib/systemd/xoauth2-agent.socket \
	contrib/systemd/xoauth2-agent-postfix.socket
systemd_user = contrib/systemd/user/xoauth2-agent.service contrib/systemd/user/xoauth2-agent.socket
systemd_sysusers = contrib/systemd/sysusers.d/xoauth2.conf
systemd_tmpfiles = contrib/systemd/tmpfiles.d/xoauth2.conf

systemdsystemunitdir = $(prefix)/lib/systemd/system
systemduserunitdir = $(prefix)/lib/systemd/user
sysusersdir = $(prefix)/lib/sysusers.d
tmpfilesdir = $(prefix)/lib/tmpfiles.d
nodist_systemdsystemunit_DATA = $(systemd_system)
nodist_systemduserunit_DATA = $(systemd_user)
nodist_sysusers_DATA = $(systemd_sysusers)
nodist_tmpfiles_DATA = $(systemd_tmpfiles)
CLEANFILES += $(systemd_system) $(systemd_user) $(systemd_sysusers) $(systemd_tmpfiles)

EXTRA_DIST += \
	contrib/systemd/xoauth2-agent.service.in \
	contrib/systemd/xoauth2-agent.socket.in \
	contrib/systemd/xoauth2-agent-postfix.socket.in \
	contrib/systemd/user-xoauth2-agent.service.in \
	contrib/systemd/user-xoauth2-agent.socket.in \
	contrib/systemd/sysusers.conf.in \
	contrib/systemd/tmpfiles.conf.in

systemd_fill = $(AM_V_GEN)$(MKDIR_P) $(@D) && sed \
	-e 's|@bindir[@]|$(bindir)|g' \
	-e 's|@sysconfdir[@]|$(sysconfdir)|g' \
	-e 's|@statedir[@]|$(localstatedir)/lib/xoauth2|g' \
	-e 's|@rundir[@]|$(runstatedir)/xoauth2|g'

contrib/systemd/xoauth2-agent.service: contrib/systemd/xoauth2-agent.service.in Makefile
	$(systemd_fill) $(srcdir)/contrib/systemd/xoauth2-agent.service.in > $@
contrib/systemd/xoauth2-agent.socket: contrib/systemd/xoauth2-agent.socket.in Makefile
	$(systemd_fill) $(srcdir)/contrib/systemd/xoauth2-agent.socket.in > $@
contrib/systemd/xoauth2-agent-postfix.socket: contrib/systemd/xoauth2-agent-postfix.socket.in Makefile
	$(systemd_fill) $(srcdir)/contrib/systemd/xoauth2-agent-postfix.socket.in > $@
contrib/systemd/user/xoauth2-agent.service: contrib/systemd/user-xoauth2-agent.service.in Makefile
	$(systemd_fill) $(srcdir)/contrib/systemd/user-xoauth2-agent.service.in > $@
contrib/systemd/user/xoauth2-agent.socket: contrib/systemd/user-xoauth2-agent.socket.in Makefile
	$(systemd_fill) $(srcdir)/contrib/systemd/user-xoauth2-agent.socket.in > $@
contrib/systemd/sysusers.d/xoauth2.conf: contrib/systemd/sysusers.conf.in Makefile
	$(systemd_fill) $(srcdir)/contrib/systemd/sysusers.conf.in > $@
contrib/systemd/tmpfiles.d/xoauth2.conf: contrib/systemd/tmpfiles.conf.in Makefile
	$(systemd_fill) $(srcdir)/contrib/systemd/tmpfiles.conf.in > $@

include contrib/completions/local.mk

# Debian's packages are built from this: dpkg-buildpackage.
EXTRA_DIST += \
	debian/changelog \
	debian/control \
	debian/copyright \
	debian/libsasl2-modules-xoauth2.install \
	debian/not-installed \
	debian/rules \
	debian/source/format \
	debian/xoauth2.README.Debian \
	debian/xoauth2.docs \
	debian/xoauth2.install \
	debian/xoauth2.postinst \
	debian/xoauth2.postrm \
	tests/packages \
	tests/packages-root \
	tests/release
