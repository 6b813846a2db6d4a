# TRY_CFLAG(VARIABLE, FLAG)
# Appends FLAG to VARIABLE if the compiler takes it without a complaint.
AC_DEFUN([TRY_CFLAG], [
  AS_VAR_PUSHDEF([cache], [xoauth2_cv_cflag_$2])
  AC_CACHE_CHECK([whether $CC takes $2], [cache], [
    try_flag_saved=$CFLAGS
    CFLAGS="$CFLAGS -Werror $2"
    AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[#include <string.h>]], [[char b[16]; memset(b, 0, sizeof b); return b[0];]])],
      [AS_VAR_SET([cache], [yes])], [AS_VAR_SET([cache], [no])])
    CFLAGS=$try_flag_saved
  ])
  AS_VAR_IF([cache], [yes], [AS_VAR_APPEND([$1], [" $2"])])
  AS_VAR_POPDEF([cache])
])

# TRY_LDFLAG(VARIABLE, FLAG)
# The same for the linker.
AC_DEFUN([TRY_LDFLAG], [
  AS_VAR_PUSHDEF([cache], [xoauth2_cv_ldflag_$2])
  AC_CACHE_CHECK([whether the linker takes $2], [cache], [
    try_flag_saved=$LDFLAGS
    LDFLAGS="$LDFLAGS $2"
    AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])], [AS_VAR_SET([cache], [yes])], [AS_VAR_SET([cache], [no])])
    LDFLAGS=$try_flag_saved
  ])
  AS_VAR_IF([cache], [yes], [AS_VAR_APPEND([$1], [" $2"])])
  AS_VAR_POPDEF([cache])
])
