# NEED_PACKAGE(PREFIX, PKG-CONFIG-MODULE, DEBIAN-PACKAGE)
# Finds a library with pkg-config, or stops and names the Debian package that has it.
AC_DEFUN([NEED_PACKAGE], [
  PKG_CHECK_MODULES([$1], [$2], [],
    [AC_MSG_ERROR([$2 was not found. On Debian: apt-get install $3])])
])
