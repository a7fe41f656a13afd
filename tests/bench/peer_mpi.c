/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_mpi LINES: capitals by a master and as many others as mpirun starts, LINES lines a message. Each has DEPTH
 * messages to work at. Where an answer goes is said before its token is sent: neither waits for the other to receive.
 */
#include "tests/bench/tokens.h"

#include <mpi.h>
#include <stdlib.h>

#define DEPTH 4

struct out {
	struct token *token;
	MPI_Request answer;
};

static void receive(struct out *out)
{
	MPI_Wait(&out->answer, MPI_STATUS_IGNORE);
	token_write(out->token);
}

/* A ring of what is out: token n goes to rank 1 + n % n_others. */
static void lead(int n_others, unsigned n_lines)
{
	const size_t n_out_max = (size_t)n_others * DEPTH;
	struct out *out = calloc(n_out_max, sizeof *out);
	struct token *token;
	size_t n_sent = 0, n_received = 0;
	while ((token = token_read(n_lines))) {
		int rank = 1 + (int)(n_sent % (size_t)n_others), n_bytes = (int)token->n_bytes;
		if (n_sent - n_received == n_out_max)
			receive(&out[n_received++ % n_out_max]);
		struct out *next = &out[n_sent++ % n_out_max];
		next->token = token;
		MPI_Irecv(token->result, n_bytes, MPI_CHAR, rank, 0, MPI_COMM_WORLD, &next->answer);
		MPI_Send(token->bytes, n_bytes, MPI_CHAR, rank, 0, MPI_COMM_WORLD);
	}
	while (n_received < n_sent)
		receive(&out[n_received++ % n_out_max]);
	for (int rank = 1; rank <= n_others; rank++)
		MPI_Send(NULL, 0, MPI_CHAR, rank, 0, MPI_COMM_WORLD);
	token_write(NULL);
	free(out);
}

/* The token's memory is for the longest so far. */
static void follow(void)
{
	struct token *token = NULL;
	int n_room = -1, n_bytes;
	for (MPI_Status status;;) {
		MPI_Probe(0, 0, MPI_COMM_WORLD, &status);
		MPI_Get_count(&status, MPI_CHAR, &n_bytes);
		if (n_bytes > n_room) {
			free(token);
			token = malloc(sizeof *token + 2 * (size_t)n_bytes);
			if (!token)
				MPI_Abort(MPI_COMM_WORLD, 1);
			n_room = n_bytes;
		}
		MPI_Recv(token->bytes, n_bytes, MPI_CHAR, 0, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
		if (n_bytes == 0)
			break;
		token->n_bytes = (size_t)n_bytes;
		token->result = token->bytes + n_bytes;
		token_run(token);
		MPI_Send(token->result, n_bytes, MPI_CHAR, 0, 0, MPI_COMM_WORLD);
	}
	free(token);
}

int main(int argc, char **argv)
{
	int rank, n_ranks;
	MPI_Init(&argc, &argv);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	MPI_Comm_size(MPI_COMM_WORLD, &n_ranks);
	if (rank == 0)
		lead(n_ranks - 1, argc > 1 ? (unsigned)atoi(argv[1]) : 1);
	else
		follow();
	MPI_Finalize();
	return 0;
}
