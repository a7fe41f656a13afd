# SPDX-License-Identifier: Apache-2.0
"""pool.py CHUNKSIZE [sha256] - standard input's lines in capitals, or the sums of the files that they name, in order,
by a multiprocessing.Pool of 2."""
import hashlib
import multiprocessing
import sys


def sha256(line):
    with open(line[:-1], "rb") as file:
        return hashlib.sha256(file.read()).hexdigest().encode() + b"  " + line


if __name__ == "__main__":
    what = sha256 if sys.argv[2:] == ["sha256"] else bytes.upper
    with multiprocessing.Pool(2) as pool:
        sys.stdout.buffer.writelines(pool.imap(what, sys.stdin.buffer, int(sys.argv[1])))
