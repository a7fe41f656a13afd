# SPDX-License-Identifier: Apache-2.0
#
# C without its comments and with empty strings, as FILE:LINE:CODE, so that a check sees only what is compiled.
# Include lines stay as they are; empty lines are left out.

FNR == 1 {
	in_comment = 0
}

!in_comment && /^[ \t]*#[ \t]*include/ {
	print FILENAME ":" FNR ":" $0
	next
}

{
	code = ""
	rest = $0
	while (rest != "") {
		if (in_comment) {
			end = index(rest, "*/")
			if (!end)
				break
			in_comment = 0
			rest = substr(rest, end + 2)
		} else if (match(rest, /\/\*|\/\/|["']/)) {
			code = code substr(rest, 1, RSTART - 1)
			mark = substr(rest, RSTART, RLENGTH)
			rest = substr(rest, RSTART + RLENGTH)
			if (mark == "//") {
				break
			} else if (mark == "/*") {
				in_comment = 1
				code = code " "
			} else {
				code = code mark mark
				while (rest != "" && (c = substr(rest, 1, 1)) != mark)
					rest = substr(rest, c == "\\" ? 3 : 2)
				rest = substr(rest, 2)
			}
		} else {
			code = code rest
			rest = ""
		}
	}
	if (code ~ /[^ \t]/)
		print FILENAME ":" FNR ":" code
}
