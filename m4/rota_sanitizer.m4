# SPDX-License-Identifier: Apache-2.0
#
# ROTA_SANITIZER
# --enable-sanitizer=LIST, a comma list of what -fsanitize= takes. Sets SANITIZER_CFLAGS, which belong to linking
# too, SANITIZER (the list, or empty) and the conditional SANITIZED.
AC_DEFUN([ROTA_SANITIZER], [
	AC_ARG_ENABLE([sanitizer],
		[AS_HELP_STRING([--enable-sanitizer=LIST], [address,undefined or thread: find mistakes while running])],
		[], [enable_sanitizer=no])
	SANITIZER=
	SANITIZER_CFLAGS=
	AS_CASE([$enable_sanitizer],
		[no], [],
		[yes|''], [AC_MSG_ERROR([--enable-sanitizer needs a list, such as --enable-sanitizer=address,undefined])],
		[SANITIZER=$enable_sanitizer
		SANITIZER_CFLAGS="-fsanitize=$SANITIZER -fno-omit-frame-pointer"
		AS_CASE([,$SANITIZER,], [*,undefined,*],
			[SANITIZER_CFLAGS="$SANITIZER_CFLAGS -fno-sanitize-recover=all"])
		AC_MSG_CHECKING([whether $CC links with -fsanitize=$SANITIZER])
		rota_save_CFLAGS=$CFLAGS
		CFLAGS="$CFLAGS $SANITIZER_CFLAGS"
		AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
			[AC_MSG_RESULT([yes])],
			[AC_MSG_RESULT([no])
			AC_MSG_ERROR([$CC can't build with --enable-sanitizer=$SANITIZER. Its words are in config.log.
A list is one that the compiler knows (address and thread can't go together); gcc on Debian brings its
libraries along, clang needs the package libclang-rt-dev, or libclang-rt-14-dev on Debian 12.])])
		CFLAGS=$rota_save_CFLAGS])
	AC_SUBST([SANITIZER])
	AC_SUBST([SANITIZER_CFLAGS])
	AM_CONDITIONAL([SANITIZED], [test -n "$SANITIZER"])
])
