# The end-to-end tests are run from the source tree by tests/all, not by `make check`.
EXTRA_DIST += \
	tests/all \
	tests/demo \
	tests/fresh-root \
	tests/install-deps \
	tests/e2e/browser \
	tests/e2e/clients.sh \
	tests/e2e/fault-server.mjs \
	tests/e2e/imap-client.c \
	tests/e2e/lib.sh \
	tests/e2e/matrix.sh \
	tests/e2e/oauth-server.mjs \
	tests/e2e/package-lock.json \
	tests/e2e/package.json \
	tests/e2e/run \
	tests/e2e/sasl-session.mjs \
	tests/e2e/servers.sh \
	tests/e2e/stage.sh \
	tests/e2e/watch-client.c \
	tests/e2e/wrap.sh
