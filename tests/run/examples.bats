#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC1083,SC2011,SC2010,SC2012,SC2016,SC2030,SC2031,SC2094,SC2154,SC2317
#
# Command lines as the manuals of GNU parallel and xargs have them, with the program's name changed and inputs of our
# own: each does what it does there.
load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	mkdir work
	cd work || return
}

x() {
	rota exec "$@"
}

# are TEXT: the lines of standard input, one behind the other
are() {
	local all
	mapfile -t all
	[ "${all[*]}" = "$1" ] || { echo "seen: ${all[*]}, expected: $1"; return 1; }
}

pictures() {
	touch 001.jpg 002.jpg 'a b.jpg'
}

# bats test_tags=quick
@test "examples of parallel: a command for each file, and the names of its result" {
	pictures
	ls ./*.jpg | x cp {} {.}.png
	ls ./*.png | are './001.png ./002.png ./a b.png'
	x gzip --best ::: 001.png 002.png
	[ -e 001.png.gz ] && [ -e 002.png.gz ] && [ ! -e 001.png ]
	x cp {} {.}_thumb.jpg ::: *.jpg
	ls -- *_thumb.jpg | are '001_thumb.jpg 002_thumb.jpg a b_thumb.jpg'
	ls -- *_thumb.jpg | x cp {} thumb_{}
	ls thumb_* | are 'thumb_001_thumb.jpg thumb_002_thumb.jpg thumb_a b_thumb.jpg'
	mkdir mydir sound
	touch sound/one.wav sound/two.wav
	find sound -name '*.wav' | x cp {} mydir/{/.}.mp3
	ls mydir | are 'one.mp3 two.mp3'
	find sound -type f | sort | x cp {} {#}.copy
	ls ./*.copy | are './1.copy ./2.copy'
}

@test "examples of parallel: a thousand names in a few commands" {
	seq -w 0 999 | x -X touch pict{}.jpg
	set -- pict*.jpg
	[ $# -eq 1000 ]
	mkdir dest
	ls | grep '00.jpg$' | x -m mv {} dest
	set -- dest/*
	[ $# -eq 10 ]
	printf '%s\0' pict*10.jpg | x -0 -m mv {} dest
	set -- dest/*
	[ $# -eq 20 ]
	seq -w 0 499 | x -j1 -n 100 ls pict{}.jpg 2>/dev/null | grep -c jpg | are 490
	ls pict*.jpg | x -m rm
	set -- pict*.jpg
	[ "$*" = 'pict*.jpg' ]
}

@test "examples of parallel: a script in quotes is for the shell" {
	echo one >'a b.txt'
	printf '1\n2\n' >c.txt
	gzip 'a b.txt' c.txt
	x "zcat {} >{.}" ::: *.gz
	are '1 2' <c.txt
	ls ./*.txt | x -k 'echo {} is; cat {} | wc -l' | tr -d ' ' | are './ab.txtis 1 ./c.txtis 2'
	ls ./*.txt | x 'mv {} "$(echo {} | tr "[:lower:]" "[:upper:]")"'
	ls | are 'A B.TXT a b.txt.gz c.txt.gz C.TXT' || ls | are 'A B.TXT C.TXT a b.txt.gz c.txt.gz'
	x "zcat {} | gzip >{.}.again && rm {}" ::: c.txt.gz
	[ -e c.txt.again ] && [ ! -e c.txt.gz ]
	printf '%s\n' 'no such file' 'A B.TXT' | x 'if [ ! -e {} ] ; then echo {}; fi' | are 'no such file'
	x --shell zcat {} '>' {.}.out ::: 'a b.txt.gz'
	are one <'a b.txt.out'
	doubled() { echo "$1 $1"; }
	export -f doubled
	x -k bash -c 'doubled "$1"' bash ::: 1 2 3 | are '1 1 2 2 3 3'
}

# bats test_tags=quick
@test "examples of parallel: several lists" {
	x echo {1} {2} ::: red green blue ::: S M L XL XXL | sort | wc -l | are 15
	x -k echo ::: 0 1 ::: 0 1 ::: 0 1 | are '0 0 0 0 0 1 0 1 0 0 1 1 1 0 0 1 0 1 1 1 0 1 1 1'
	printf '1\n2\n' >xlist
	printf 'a\nb\n' >ylist
	x -k echo {1} {2} :::: xlist ylist | are '1 a 1 b 2 a 2 b'
	x -k --link -a <(seq 3) -a <(seq 3 -1 1) echo | are '1 3 2 2 3 1'
	x -k --link echo :::: <(seq 3) <(seq 3 -1 1) | are '1 3 2 2 3 1'
	seq 3 >in.txt
	x -k echo {1} - {2} ::::+ <(head -n -1 in.txt) <(tail -n +2 in.txt) | are '1 - 2 2 - 3'
	x -k --header : echo {colour} {size} ::: colour red blue ::: size S M | are 'red S red M blue S blue M'
	printf 'Name\tE-mail address\nAda\tada@example.org\n' >people.tsv
	x --colsep '\t' --header : echo {Name} '{E-mail address}' :::: people.tsv | are 'Ada ada@example.org'
	printf 'in.a\tout.b\n' >table.tsv
	x -a table.tsv --colsep '\t' echo cmd -o {2} -i {1} | are 'cmd -o out.b -i in.a'
	printf '%s\n' a.es.x a.x | x -N2 echo cp {1} {2} | are 'cp a.es.x a.x'
	array=(one 'two  blanks')
	x -k echo ::: "${array[@]}" | are 'one two  blanks'
}

@test "examples of parallel: output, order and time" {
	x --tag -k 'cat {} | wc -l' ::: <(seq 3) <(seq 5) | cut -f 2 | are '3 5'
	x --tagstring {#} -k echo ::: a b | are $'1\ta 2\tb'
	seq 3 | x -k echo {} append_string | are '1 append_string 2 append_string 3 append_string'
	x -k 'sleep 0.{}; echo {}' ::: 3 1 | are '3 1'
	printf '%s\n' 'echo one' 'echo two' >jobs_to_run
	x -k -j 100 <jobs_to_run | are 'one two'
	x --timeout 1 -j0 'sleep {}; echo {}' ::: 0 30 2>/dev/null | are 0
	seq 3 | x -j1 --delay 0.01 echo | are '1 2 3'
	x --results diffcount "echo {1} {2}" ::: a ::: b c >/dev/null
	cat diffcount/1/a/2/*/stdout | are 'a b a c'
}

@test "examples of parallel: blocks of standard input" {
	seq 100000 >big
	x --pipe --block 100k -k gzip -9 <big | zcat | cmp - big
	x --pipe --recend '' -k gzip -9 <big | zcat | cmp - big
	x --pipepart -a big --block 100k wc -l | awk '{ n += $1 } END { print n }' | are 100000
	x -k --pipe -N 40000 wc -l <big | are '40000 40000 20000'
	printf '>a\nx\n>b\ny\nz\n' | x -k --pipe -N1 --recstart '>' 'cat | tr "\n" -' | are '>a-x->b-y-z-'
	find /usr/include -maxdepth 1 -name '*.h' -type f | head -50 >files
	x -a files -k -j150% -n 10 -m grep -c -H define {} | wc -l | are 50
}

# bats test_tags=quick
@test "examples of xargs: names that find gives" {
	touch core 'a core' keep
	find . -name '*core' -type f -print0 | x -0 /bin/rm -f
	ls | are keep
	touch core
	find . -name core -type f -print | x /bin/rm -f
	ls | are keep
	printf '%s\n' root daemon bin | sort | x -X echo | are 'bin daemon root'
	printf 'a\nb\nc\n' | x -n 2 echo | are 'a b c'
	printf 'a\nb\nc\n' | x -L 2 echo | are 'a b c'
	printf 'a b\nc\n' | x -I % echo '<%>' | are '<a b> <c>'
	printf 'a,b,c' | x -d , echo | are 'a b c'
	printf 'a\nend\nb\n' | x -E end echo | are a
	printf 'a\n\nb\n' | x -r echo | are 'a b'
	printf 'a\nb\n' >list
	x -a list echo | are 'a b'
	printf 'a\nb\n' | x -j1 -t -k echo 2>said | are 'a b'
	are 'echo a echo b' <said
	printf '1\n2\n3\n' | x -P 3 -k sh -c 'echo $((1 + $0))' | are '2 3 4'
	printf 'ab\ncd\nefg' | x -k -s11 echo | are 'ab cd efg'
	printf 'x\n' | x --process-slot-var=slot -P1 sh -c 'echo $slot' | are 1
	x -r echo none </dev/null | are ''
	printf '%s\0' 'a b' c | x -0 -n1 -k echo | are 'a b c'
}
