// SPDX-License-Identifier: Apache-2.0
// peer_tbb LINES: capitals by a oneTBB pipeline of 2 threads, LINES lines a token.
#include "tests/bench/tokens.h"

#include <cstdlib>
#include <tbb/global_control.h>
#include <tbb/parallel_pipeline.h>

int main(int argc, char **argv)
{
	const unsigned n_lines = argc > 1 ? static_cast<unsigned>(std::atoi(argv[1])) : 64;
	const std::size_t n_tokens_max = 256;
	tbb::global_control threads(tbb::global_control::max_allowed_parallelism, 2);
	tbb::parallel_pipeline(
		n_tokens_max,
		tbb::make_filter<void, token *>(tbb::filter_mode::serial_in_order,
	                                    [n_lines](tbb::flow_control &control) -> token * {
											token *next = token_read(n_lines);
											if (!next)
												control.stop();
											return next;
										}) &
			tbb::make_filter<token *, token *>(tbb::filter_mode::parallel,
	                                           [](token *here) {
												   token_run(here);
												   return here;
											   }) &
			tbb::make_filter<token *, void>(tbb::filter_mode::serial_in_order, [](token *here) { token_write(here); }));
	token_write(nullptr);
	return 0;
}
