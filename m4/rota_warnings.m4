# SPDX-License-Identifier: Apache-2.0
#
# ROTA_CHECK_CFLAG(FLAG, [IF-TAKEN], [IF-NOT])
# Does the compiler take FLAG without a word? Unknown warnings are errors here: clang only warns about them.
AC_DEFUN([ROTA_CHECK_CFLAG], [
	AS_VAR_PUSHDEF([taken], [rota_cv_cflag_$1])
	AC_CACHE_CHECK([whether $CC takes $1], [taken], [
		rota_save_CFLAGS=$CFLAGS
		CFLAGS="$CFLAGS -Werror $1"
		AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])], [AS_VAR_SET([taken], [yes])], [AS_VAR_SET([taken], [no])])
		CFLAGS=$rota_save_CFLAGS
	])
	AS_VAR_IF([taken], [yes], [$2], [$3])
	AS_VAR_POPDEF([taken])
])

# ROTA_WARNINGS
# --enable-warnings (the default) and --enable-werror. Sets WARN_CFLAGS.
AC_DEFUN([ROTA_WARNINGS], [
	AC_ARG_ENABLE([warnings],
		[AS_HELP_STRING([--disable-warnings], [compile without the warnings that the code is held to])],
		[], [enable_warnings=yes])
	AC_ARG_ENABLE([werror],
		[AS_HELP_STRING([--enable-werror], [a warning ends the build])],
		[], [enable_werror=no])
	WARN_CFLAGS=
	AS_IF([test "x$enable_warnings" != xno], [
		m4_foreach_w([flag], [-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith
				-Wcast-qual -Wwrite-strings -Wformat=2 -Wundef -Wvla -Wno-format-nonliteral],
			[ROTA_CHECK_CFLAG(flag, [WARN_CFLAGS="$WARN_CFLAGS flag"])
		])
	])
	AS_IF([test "x$enable_werror" = xyes], [WARN_CFLAGS="$WARN_CFLAGS -Werror"])
	AC_SUBST([WARN_CFLAGS])
])
