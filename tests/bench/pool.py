# SPDX-License-Identifier: Apache-2.0
"""pool.py CHUNKSIZE - standard input's lines in capitals, in order, by a multiprocessing.Pool of 2."""
import multiprocessing
import sys

if __name__ == "__main__":
    with multiprocessing.Pool(2) as pool:
        sys.stdout.buffer.writelines(pool.imap(bytes.upper, sys.stdin.buffer, int(sys.argv[1])))
