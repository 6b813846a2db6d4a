# The module is a thin shell round an inner library, which the unit tests link.
noinst_LTLIBRARIES += libxoauth2plugin.la
libxoauth2plugin_la_SOURCES = \
	plugin/ask.c plugin/ask.h \
	plugin/configured.c plugin/configured.h \
	plugin/grammar.c plugin/grammar.h \
	plugin/mechanism.c plugin/mechanism.h \
	plugin/options.c plugin/options.h \
	plugin/plugin.c plugin/plugin.h \
	plugin/source.c plugin/source.h \
	plugin/process.c plugin/process.h
libxoauth2plugin_la_CPPFLAGS = $(AM_CPPFLAGS) $(SASL_CFLAGS) -I$(top_srcdir)/plugin
libxoauth2plugin_la_LIBADD = libcommon.la

# Linked whole, since nothing in the module itself refers to the inner library. Nothing of libsasl2 is linked: it
# hands over all it offers when it loads the module.
plugin_LTLIBRARIES += libsasl2-xoauth2.la
libsasl2_xoauth2_la_SOURCES =
libsasl2_xoauth2_la_LIBADD = libxoauth2plugin.la
libsasl2_xoauth2_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared \
	-export-symbols-regex '^sasl_client_plug_init$$'

# libsasl2 loads through a .la that lies beside the .so, so none is left there. Without it libtool removes nothing.
install-data-hook: remove-plugin-la
remove-plugin-la:
	rm -f "$(DESTDIR)$(plugindir)/libsasl2-xoauth2.la"

uninstall-hook: remove-plugin
remove-plugin:
	rm -f "$(DESTDIR)$(plugindir)/libsasl2-xoauth2.so"

.PHONY: remove-plugin-la remove-plugin
