# The manual, in mdoc(7), and what holds it and README.md against the code.
dist_man_MANS += man/xoauth2.1 man/xoauth2.conf.5 man/xoauth2-protocol.7

dist_check_SCRIPTS += tests/man-check tests/readme-check
TESTS += tests/man-check tests/readme-check
