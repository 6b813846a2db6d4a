# Completions for shells. They go below the prefix, where the shells look too if it is /usr or (zsh, fish) /usr/local;
# `make install zshcompletiondir=DIR` and the like move them.
completions = contrib/completions/bash/xoauth2 contrib/completions/zsh/_xoauth2 contrib/completions/fish/xoauth2.fish

bashcompletiondir = $(datadir)/bash-completion/completions
zshcompletiondir = $(datadir)/zsh/site-functions
fishcompletiondir = $(datadir)/fish/vendor_completions.d
nodist_bashcompletion_DATA = contrib/completions/bash/xoauth2
nodist_zshcompletion_DATA = contrib/completions/zsh/_xoauth2
nodist_fishcompletion_DATA = contrib/completions/fish/xoauth2.fish
CLEANFILES += $(completions)

EXTRA_DIST += \
	contrib/completions/_xoauth2.in \
	contrib/completions/xoauth2.bash.in \
	contrib/completions/xoauth2.fish.in \
	tests/e2e/test-completions.sh

completion_fill = $(AM_V_GEN)$(MKDIR_P) $(@D) && sed \
	-e 's|/etc/xoauth2|$(sysconfdir)/xoauth2|g' \
	-e 's|@providerdir[@]|$(pkgproviderdir)|g'

contrib/completions/bash/xoauth2: contrib/completions/xoauth2.bash.in Makefile
	$(completion_fill) $(srcdir)/contrib/completions/xoauth2.bash.in > $@
contrib/completions/zsh/_xoauth2: contrib/completions/_xoauth2.in Makefile
	$(completion_fill) $(srcdir)/contrib/completions/_xoauth2.in > $@
contrib/completions/fish/xoauth2.fish: contrib/completions/xoauth2.fish.in Makefile
	$(completion_fill) $(srcdir)/contrib/completions/xoauth2.fish.in > $@
