# The manual, in mdoc(7); tests/man-check holds it against the code.
dist_man_MANS += man/xoauth2.1 man/xoauth2.conf.5 man/xoauth2-protocol.7
