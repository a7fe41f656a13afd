/* SPDX-License-Identifier: Apache-2.0 */
/*
 * product - see product.h. Lists that are linked are a group, and the groups are wheels of an odometer: the first one's
 * steps are the values of the first list, and for each of them all others turn once.
 */
#include "config.h"

#include "core/io/product.h"

#include "core/io/rows.h"

#include <stdbool.h>
#include <stdlib.h>

#define VALUES_A_TURN 4096 /* held in one go */

/* A list's values, one behind another. */
struct held {
	struct buf bytes;
	size_t *ends; /* n of them */
	size_t n, cap;
};

struct wheel {
	struct list *list;
	struct held held;
	size_t group;
	size_t at; /* of the group's first list: which value is next */
};

struct product {
	const struct recipe *recipe;
	struct wheel *wheels; /* n_lists */
	size_t n_lists, n_loaded;
	struct buf names;
	const char *first; /* the first list's value */
	size_t first_bytes;
	size_t n_steps; /* of the first list */
	int waits_fd;
	bool has_names, has_first, has_first_ended;
};

static int no_memory(struct err *err)
{
	return err_set(err, ERR_RESOURCE, "out of memory for the values of the lists: all but the first are held");
}

/* --- lists that are held ------------------------------------------------------------------------------------------ */

static int held_add(struct held *held, const char *piece, size_t n_bytes)
{
	if (held->n == held->cap) {
		size_t cap = held->cap == 0 ? 64 : 2 * held->cap;
		size_t *ends = reallocarray(held->ends, cap, sizeof(*ends));

		if (ends == NULL)
			return -1;
		held->ends = ends;
		held->cap = cap;
	}
	if (n_bytes > 0 && buf_append(&held->bytes, piece, n_bytes) < 0)
		return -1;
	held->ends[held->n++] = held->bytes.len;
	return 0;
}

static const char *held_get(const struct held *held, size_t at, size_t *ret_bytes)
{
	size_t begin = at > 0 ? held->ends[at - 1] : 0;

	*ret_bytes = held->ends[at] - begin;
	return held->bytes.bytes != NULL ? held->bytes.bytes + begin : "";
}

/* The values behind the name. */
static size_t n_values(const struct product *product, const struct wheel *wheel)
{
	size_t n_names = product->recipe->has_header ? 1 : 0;

	return wheel->held.n > n_names ? wheel->held.n - n_names : 0;
}

static int wait_for(struct product *product, const struct wheel *wheel)
{
	product->waits_fd = wheel != NULL ? list_fd(wheel->list) : -1;
	return LIST_WAIT;
}

/* All but the first. 1: they are there. */
static int load(struct product *product, struct err *err)
{
	for (size_t n = 0; product->n_loaded < product->n_lists; n++) {
		struct wheel *wheel = &product->wheels[product->n_loaded];
		const char *piece;
		size_t n_bytes;
		int result = list_next(wheel->list, &piece, &n_bytes, err);

		if (result == LIST_WAIT)
			return wait_for(product, wheel);
		if (result < 0)
			return -1;
		if (result == LIST_END)
			product->n_loaded++;
		else if (held_add(&wheel->held, piece, n_bytes) < 0)
			return no_memory(err);
		if (n == VALUES_A_TURN)
			return wait_for(product, NULL);
	}
	return 1;
}

/* --- opening ------------------------------------------------------------------------------------------------------ */

int product_open(struct product **ret, const struct recipe *recipe, const struct endpoint *input,
                 int64_t max_item_bytes, struct err *err)
{
	struct product *product = calloc(1, sizeof(*product));
	size_t n_lists = recipe->n_lists > 0 ? recipe->n_lists : 1, group = 0;

	if (product != NULL)
		product->wheels = calloc(n_lists, sizeof(*product->wheels));
	if (product == NULL || product->wheels == NULL) {
		free(product);
		return err_set(err, ERR_RESOURCE, "no memory for the lists");
	}
	product->recipe = recipe;
	product->n_lists = n_lists;
	product->n_loaded = 1;
	for (size_t i = 0; i < n_lists; i++) {
		const struct recipe_list *list = recipe->n_lists > 0 ? &recipe->lists[i] : NULL;

		group += i > 0 && !recipe->links_all && !list->is_linked;
		product->wheels[i].group = group;
		if (list_open(&product->wheels[i].list, recipe, list != NULL ? &list->endpoint : input,
		              list != NULL ? list->words : NULL, max_item_bytes, err) < 0) {
			product_close(&product);
			return -1;
		}
	}
	*ret = product;
	return 0;
}

void product_close(struct product **product)
{
	if (*product == NULL)
		return;
	for (size_t i = 0; i < (*product)->n_lists; i++) {
		struct wheel *wheel = &(*product)->wheels[i];

		list_close(&wheel->list);
		buf_fini(&wheel->held.bytes);
		free(wheel->held.ends);
	}
	free((*product)->wheels);
	buf_fini(&(*product)->names);
	free(*product);
	*product = NULL;
}

int product_fd(const struct product *product)
{
	return product->waits_fd;
}

const struct buf *product_names(const struct product *product)
{
	return &product->names;
}

int64_t product_read_bytes(const struct product *product)
{
	return list_read_bytes(product->wheels[0].list);
}

/* --- steps of the first list -------------------------------------------------------------------------------------- */

/* How often the first list's group steps, for all that is held: the longest, or the shortest. */
static size_t n_steps_held(const struct product *product)
{
	bool links_all = product->recipe->links_all;
	size_t n_steps = links_all ? 0 : SIZE_MAX;

	for (size_t i = 1; i < product->n_lists && product->wheels[i].group == 0; i++) {
		size_t n = n_values(product, &product->wheels[i]);

		if (links_all ? n > n_steps : n < n_steps)
			n_steps = n;
	}
	return n_steps;
}

/* A list without values leaves no row. */
static bool has_empty_list(const struct product *product)
{
	for (size_t i = 1; i < product->n_lists; i++)
		if (n_values(product, &product->wheels[i]) == 0)
			return true;
	return false;
}

static int put_piece(struct buf *row, bool is_first, const char *piece, size_t n_bytes, struct err *err)
{
	const char mark = ROWS_FIELD;

	if ((!is_first && buf_append(row, &mark, 1) < 0) || (n_bytes > 0 && buf_append(row, piece, n_bytes) < 0))
		return no_memory(err);
	return 0;
}

/* The first list's first value is its name, and so are those of the others. */
static int take_names(struct product *product, struct err *err)
{
	for (size_t i = 0; i < product->n_lists; i++) {
		const struct held *held = &product->wheels[i].held;
		const char *piece = product->first;
		size_t n_bytes = product->first_bytes;

		if (i > 0)
			piece = held->n > 0 ? held_get(held, 0, &n_bytes) : "";
		if (i > 0 && held->n == 0)
			n_bytes = 0;
		if (put_piece(&product->names, i == 0, piece, n_bytes, err) < 0)
			return -1;
	}
	product->has_names = true;
	return 0;
}

/* Another value of the first list's source: 1, LIST_END, LIST_WAIT or -1. */
static int read_first(struct product *product, struct err *err)
{
	for (;;) {
		int result = list_next(product->wheels[0].list, &product->first, &product->first_bytes, err);

		if (result == LIST_WAIT)
			return wait_for(product, &product->wheels[0]);
		if (result <= 0 || !product->recipe->has_header || product->has_names)
			return result;
		if (take_names(product, err) < 0)
			return -1;
	}
}

/* With --link: once it has ended, the first list begins again. */
static int step_linked(struct product *product, struct err *err)
{
	struct held *held = &product->wheels[0].held;
	size_t n_steps = n_steps_held(product);
	int result;

	if (!product->has_first_ended) {
		result = read_first(product, err);
		product->has_first_ended = result == LIST_END;
		if (result == 1 && held->n < n_steps && held_add(held, product->first, product->first_bytes) < 0)
			return no_memory(err);
		if (result != LIST_END)
			return result;
	}
	if (product->n_steps >= n_steps || held->n == 0)
		return LIST_END;
	product->first = held_get(held, product->n_steps % held->n, &product->first_bytes);
	return 1;
}

static int step_first(struct product *product, struct err *err)
{
	int result;

	if (has_empty_list(product) || (!product->recipe->links_all && product->n_steps >= n_steps_held(product)))
		return LIST_END;
	result = product->recipe->links_all ? step_linked(product, err) : read_first(product, err);
	if (result <= 0)
		return result;
	product->has_first = true;
	product->n_steps++;
	for (size_t i = 1; i < product->n_lists; i++)
		product->wheels[i].at = 0;
	return 1;
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

/* The last group steps on; behind its end the one before it does, and it begins again. */
static void turn(struct product *product)
{
	struct wheel *wheels = product->wheels;

	for (size_t end = product->n_lists; wheels[end - 1].group > 0;) {
		size_t begin = end - 1, n_steps = SIZE_MAX;

		while (wheels[begin - 1].group == wheels[end - 1].group)
			begin--;
		for (size_t i = begin; i < end; i++) {
			size_t n = n_values(product, &wheels[i]);

			n_steps = n < n_steps ? n : n_steps;
			wheels[i].at++;
		}
		if (wheels[begin].at < n_steps)
			return;
		for (size_t i = begin; i < end; i++)
			wheels[i].at = 0;
		end = begin;
	}
	product->has_first = false;
}

int product_next(struct product *product, struct buf *row, struct err *err)
{
	size_t n_names = product->recipe->has_header ? 1 : 0;
	int result = load(product, err);

	if (result > 0 && !product->has_first)
		result = step_first(product, err);
	if (result <= 0)
		return result;
	buf_clear(row);
	if (put_piece(row, true, product->first, product->first_bytes, err) < 0)
		return -1;
	for (size_t i = 1; i < product->n_lists; i++) {
		const struct wheel *wheel = &product->wheels[i];
		size_t n_bytes, at = wheel->group > 0 ? wheel->at : (product->n_steps - 1) % n_values(product, wheel);
		const char *piece = held_get(&wheel->held, n_names + at, &n_bytes);

		if (put_piece(row, false, piece, n_bytes, err) < 0)
			return -1;
	}
	turn(product);
	return 1;
}
