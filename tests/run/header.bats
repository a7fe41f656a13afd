#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# rota/plugin.h in other people's code: the manuals' plugins compile without a warning, as C and as C++, and the
# warnings that a plugin asks for are given.
load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

# strictly LANGUAGE OPTION... FILE
strictly() {
	case $1 in
	c) compile -x c -I"$abs_top_srcdir/include" -shared -fPIC -o plugin.so -Wall -Wextra -Werror "${@:2}" ;;
	c++) c++ -x c++ -std=c++20 -I"$abs_top_srcdir/include" -shared -fPIC -o plugin.so -Wall -Wextra -Werror "${@:2}" ;;
	esac
}

@test "plugin.h: the first plugin of the README compiles without a warning, and runs" {
	awk '/^END$/ { is_in = 0 } is_in; /^cat >reverse.c/ { is_in = 1 }' "$abs_top_srcdir/README.md" >reverse.c
	has reverse.c ROTA_PLUGIN
	expect 0 strictly c -pedantic reverse.c
	empty "$err"
	expect 0 rota map ./plugin.so <<<live
	is "$out" evil
}

@test "plugin.h: so does that of rota-plugin(7), with its options" {
	awk '/^```$/ { if (block ~ /shout_open/) printf "%s", block; block = ""; next } { block = block $0 "\n" }' \
		"$abs_top_srcdir/doc/rota-plugin.7.scd" | sed 's/\\\\/\\/g' >shout.c # scdoc's escapes
	has shout.c ROTA_OPTIONS
	expect 0 strictly c -pedantic shout.c
	empty "$err"
	expect 0 rota map ./plugin.so 'mark=?' <<<hey
	is "$out" 'HEY?'
}

@test "plugin.h: options within the plugin's own braces make no warning either" {
	cat >inside.c <<-'END'
		#include <rota/plugin.h>
		static int run(struct rota_task *task, void *state) { (void)state; return rota_write(task, "", 0); }
		ROTA_PLUGIN(.name = "inside", .version = "1.0", .summary = "s", .run = run,
		            .options = (const struct rota_option[]){{"mark", ROTA_STRING, "!", "what"}, {NULL}});
	END
	expect 0 strictly c inside.c
	empty "$err"
}

@test "plugin.h: no warning as C++" {
	command -v c++ >/dev/null || skip "no C++ compiler"
	cat >plain.cc <<-'END'
		#include <rota/plugin.h>
		static int run(struct rota_task *task, void *) { return rota_write(task, "", 0); }
		ROTA_OPTIONS(options, {"mark", ROTA_STRING, "!", "what"}, {NULL});
		ROTA_PLUGIN(.name = "plain", .version = "1.0", .summary = "s", .options = options, .run = run);
	END
	expect 0 strictly c++ plain.cc
	empty "$err"
}

# bats test_tags=quick
@test "plugin.h: a plugin's own mistakes are warned of, before, between and behind the macros" {
	for place in 1 2 3; do
		mistake() { [ "$place" -ne "$1" ] || echo "struct pair mistake = {1};"; }
		{
			echo '#include <rota/plugin.h>'
			echo 'struct pair { int one, other; };'
			mistake 1
			echo 'static int run(struct rota_task *task, void *state) { (void)state; return rota_write(task, "", 0); }'
			echo 'ROTA_OPTIONS(options, {"mark", ROTA_STRING, "!", "what"}, {NULL});'
			mistake 2
			echo 'ROTA_PLUGIN(.name = "own", .version = "1.0", .summary = "s", .options = options, .run = run);'
			mistake 3
		} >own.c
		expect 1 strictly c own.c
		has "$err" missing-field-initializers
		counts 1 "$err" error:
	done
}
