/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring - the protocol of shm/layout.h, as shm/channel.c and shm/port.c keep it, for Spin: one supervisor, one worker
 * that may be killed between any two steps (and is replaced, with a channel of its own), ITEMS items.
 *
 *   run it: tests/model/run (make check-model)
 *   beside the code: tests/model/steps, which make check holds against both
 *
 * What is a step: each load and each store of a shared word, each compare-and-swap, each sem_post, sem_wait, write to
 * the bell. Between two steps anything may happen. Memory is sequentially consistent: the five places where a store
 * must be seen before a load is done (is_sleeping against the task ring's head and the result ring's tail, wants_bell
 * against the result ring's head and the task ring's tail, the claim against the take-back word) have a fence in the
 * code that makes them so, and the other words are handed on by release and acquire.
 *
 * What is abstract: a result is one cell that says whose it is, so bytes and marks of the result word are one count;
 * counts don't wrap (ring-t.c and channel-t.c try that); a batch is one cell for its header and one for each item, so
 * one that is larger than the ring goes through in fragments; there are no events and no sums; what is taken back goes to this
 * worker again or is done elsewhere; nothing is ever found by a timer, though the supervisor has one.
 *
 * What holds: each item gets exactly one outcome (assertions, and `done` at the end); results come in the order of the
 * items; a crash is charged to the item that had begun and wasn't answered, and to no other; what was taken back isn't
 * begun; nobody waits for ever (no end but the proper one), and nobody goes in circles instead (`comes_to_an_end`,
 * which holds even without fairness: nothing polls).
 *
 * Mistakes for the model to find: BUG_1 to BUG_18, each at its place. A model that finds none of them proves nothing.
 */

#ifndef ITEMS
#define ITEMS 3
#endif
#ifndef BATCH_MAX
#define BATCH_MAX 2 /* items */
#endif
#ifndef TASK_CELLS
#define TASK_CELLS 3
#endif
#ifndef RESULT_CELLS
#define RESULT_CELLS 1
#endif
#ifndef CRASHES
#define CRASHES 2
#endif
#ifndef TAKE_BACKS
#define TAKE_BACKS 1
#endif

#define NOTHING 255
#define ALL ((1 << ITEMS) - 1)
#define BIT(item) (1 << (item))

/* --- shared memory ------------------------------------------------------------------------------------------------ */

byte cell[TASK_CELLS] = NOTHING; /* a header: n_items + 16 * epoch; or an item */
byte task_head, task_tail;
byte result[RESULT_CELLS] = NOTHING; /* whose result this is */
byte result_head, result_tail;
short claim, take_back_word; /* a count + 16 * epoch */
bit wants_bell, is_sleeping, is_stopping;

#define CLAIM(count, epoch) ((count) + 16 * (epoch))
#define COUNT(word) ((word) & 15)
#define EPOCH(word) ((word) >> 4)
#define HEADER(n_items, epoch) ((n_items) + 16 * (epoch))

/* --- the kernel's ------------------------------------------------------------------------------------------------- */

byte sem;
bit bell;     /* an edge that epoll hasn't told yet */
bit is_dead;  /* and its parent was told */
bit has_left; /* it came to the end of its loop */
bit is_killed;
byte n_crashes;

/* --- what only the assertions look at ----------------------------------------------------------------------------- */

byte held;    /* bits: granted to this worker and not taken back */
byte claimed; /* 1 + the item that was claimed last and isn't answered, though it may have been taken back; 0: none */
byte running; /* the same, when its worker knows that it has begun */
bit is_over;

/* --- the supervisor ----------------------------------------------------------------------------------------------- */

/* The lowest bit of a set. */
inline lowest(set, ret)
{
	ret = 0;
	do
	:: !((set) & BIT(ret)) -> ret++
	:: else -> break
	od
}

inline set_outcome(item)
{
	assert(!(done & BIT(item)));
	done = done | BIT(item)
}

/* n_items answers stand from `taken` on: each must be of the item that is owed next. */
inline take_results(n_items)
{
	d_step {
		do
		:: n_items > 0 ->
			assert(owed != 0);
			lowest(owed, s_next);
			assert(result[taken % RESULT_CELLS] == s_next);
			set_outcome(s_next);
			owed = owed & ~BIT(s_next);
			taken++;
			answered++;
			n_items--
		:: else -> break
		od;
		is_cut_short = is_cut_short && owed;
		s_next = 0
	}
}

inline free_result_cells()
{
	atomic {
		do
		:: result_tail != taken -> result[result_tail % RESULT_CELLS] = NOTHING; result_tail++
		:: else -> break
		od
	}
}

/* channel_look, then collect: the claim word is read after the result word. */
inline collect()
{
	s_word = result_head;
	s_n = s_word - taken;
	assert(s_n <= RESULT_CELLS);
	read_begun();
	assert(s_begun - answered >= s_n);
	s_begun = 0;
	if
	:: s_n > 0 ->
		take_results(s_n);
		free_result_cells();
		/* who owes nothing has no result to wait with */
#ifndef BUG_12 /* room for results is given back without waking who waits for it */
		if
		:: owed -> needs_wake = 1
		:: else
		fi;
#endif
		has_news = 1
	:: else
	fi;
	s_word = 0;
	s_n = 0
}

/* One load. A claim of an epoch that has passed counts as the cut. */
inline read_begun()
{
	d_step {
		s_begun = COUNT(claim);
#ifndef BUG_4 /* a claim of an epoch that has passed counts as if it were of this one */
		if
		:: EPOCH(claim) != epoch -> assert(s_begun == cut || s_begun == cut + 1); s_begun = cut
		:: else
		fi;
#endif
		/* what was seen to have begun has */
		assert(s_begun >= seen_begun && seen_begun >= answered && s_begun <= granted);
		seen_begun = s_begun
	}
}

/* Taking back: an odd epoch first, so that no claim is made behind our back; what has begun is the cut. */
inline take_back()
{
#ifdef BUG_3 /* taking back doesn't make stale what stands in the task ring */
	atomic { read_begun(); give_back() }
	take_back_word = CLAIM(cut, epoch);
#else
#ifdef BUG_13 /* the claim is looked at before the epoch is odd */
	atomic { read_begun(); give_back() }
	take_back_word = CLAIM(cut, epoch + 1);
#else
	take_back_word = CLAIM(cut, epoch + 1);
	atomic { read_begun(); give_back() }
#endif
	atomic {
		epoch = epoch + 2;
		take_back_word = CLAIM(cut, epoch)
	}
#endif
}

/* Items above those that have begun. They are pending again, or done by others. */
inline give_back()
{
	granted = s_begun;
	cut = s_begun;
	s_begun = 0;
	s_n = granted - answered; /* so many are kept */
	s_word = owed;
	do
	:: s_n > 0 ->
		lowest(s_word, s_next);
		s_word = s_word & ~BIT(s_next);
		s_n--
	:: else -> break
	od;
	owed = owed & ~s_word;
	held = held & ~s_word;
	is_cut_short = (owed != 0);
	if
	:: pending = pending | s_word
	:: assert(!(done & s_word)); done = done | s_word
	fi;
	s_word = 0;
	s_next = 0
}

/* As many of the unsent items as there is room for; then the one store that publishes them. */
inline put_items(n_room)
{
	d_step {
		do
		:: n_room > 0 && unsent ->
			lowest(unsent, s_next);
			cell[put % TASK_CELLS] = s_next;
			unsent = unsent & ~BIT(s_next);
			put++;
			n_room--
		:: else -> break
		od;
		n_room = 0;
		s_next = 0
	}
}

/* The next n pending items are chosen: the lowest ones, as the oldest go first. */
inline choose_batch()
{
	atomic {
		s_n = 0;
		s_word = pending;
		do
		:: s_n < BATCH_MAX && s_word ->
			lowest(s_word, s_next);
			s_word = s_word & ~BIT(s_next);
			unsent = unsent | BIT(s_next);
			s_n++
		:: s_n > 0 -> break
		od;
		s_word = 0;
		s_next = 0
	}
}

/* channel_send: the batch is granted, then published. */
inline send_batch(room)
{
	choose_batch();
	if
	:: room >= s_n + 1 || room == TASK_CELLS ->
		granted = granted + s_n;
		publish_batch(room);
		needs_wake = 1;
		has_news = 1
	:: else -> unsent = 0
	fi;
	s_n = 0
}

inline publish_batch(room)
{
	d_step {
		owed = owed | unsent;
		held = held | unsent;
		pending = pending & ~unsent;
		cell[put % TASK_CELLS] = HEADER(s_n, epoch);
		put++;
		room = room - 1
	}
	put_items(room);
	task_head = put
}

inline dispatch()
{
	s_room = TASK_CELLS - (put - task_tail);
	if
	:: unsent && s_room > 0 ->
		put_items(s_room);
		task_head = put;
		needs_wake = 1;
		has_news = 1
	:: !unsent && pending && !is_cut_short && s_room > 1 -> send_batch(s_room)
	:: else
	fi;
	s_room = 0
}

/* channel_wake */
inline wake()
{
	needs_wake = 0;
	if
	:: is_sleeping ->
#ifdef BUG_7 /* is_sleeping is cleared after the post, when it may be the next sleep's */
		sem++;
		is_sleeping = 0
#else
		atomic {
			s_first = is_sleeping;
			is_sleeping = 0
		}
		if
		:: s_first -> s_first = 0; sem++
		:: else
		fi
#endif
	:: else
	fi
}

/* All that it published counts, what had begun is charged, the rest goes back. Nobody else touches the channel. */
inline bury()
{
	d_step {
#ifdef BUG_8 /* what a dead worker published last isn't looked at */
		s_n = 0;
#else
		s_n = result_head - taken;
#endif
	}
	take_results(s_n);
	d_step {
		s_n = (EPOCH(claim) == epoch -> COUNT(claim) : cut) - answered;
		assert(s_n <= 1);
		assert(s_n == 1 || running == 0);
		if
		:: s_n == 1 ->
			lowest(owed, s_next);
			assert(claimed == s_next + 1 && (running == 0 || running == claimed));
#ifndef BUG_6 /* the item that a dead worker had begun is neither charged nor run again */
			set_outcome(s_next);
#endif
			owed = owed & ~BIT(s_next)
		:: else
		fi;
		pending = pending | owed;
		owed = 0;
		unsent = 0;
		held = 0;
		running = 0;
		claimed = 0;
		is_cut_short = 0;
		needs_wake = 0;
		has_news = 1;
		s_n = 0;
		s_next = 0;
		/* a channel of its own for the next one */
		claim = 0;
		take_back_word = 0;
#ifndef BUG_14 /* the next worker finds what stood in a dead one's task ring */
		task_head = 0;
#endif
		task_tail = 0;
		result_head = 0;
		result_tail = 0;
		wants_bell = 0;
		is_sleeping = 0;
		is_stopping = 0;
		bell = 0;
		sem = 0;
		granted = 0;
		answered = 0;
		seen_begun = 0;
		epoch = 0;
		cut = 0;
		put = 0;
		taken = 0;
		s_word = 0;
		do
		:: s_word < TASK_CELLS -> cell[s_word] = NOTHING; s_word++
		:: else -> break
		od;
		s_word = 0;
		do
		:: s_word < RESULT_CELLS -> result[s_word] = NOTHING; s_word++
		:: else -> break
		od;
		s_word = 0;
		is_dead = 0
	}
}

/* Room matters to who has something to send. */
#define CAN_SEND ((unsent || (pending && !is_cut_short)) && task_tail != seen_tail)

/* crew_sleep_begin: the bell is wanted, then everything is looked at once more. */
inline doze()
{
	wants_bell = 1;
#ifndef BUG_2 /* the supervisor doesn't look once more after wanting the bell */
	if
	:: result_head != taken -> goto awake
	:: else
	fi;
#endif
#ifndef BUG_9 /* the supervisor doesn't look for room once more after wanting the bell */
	if
	:: CAN_SEND -> goto awake
	:: else
	fi;
#endif
	atomic {
		(bell || is_dead);
#ifndef BUG_16 /* the bell is never taken as heard: the supervisor burns a processor instead of sleeping */
		bell = 0
#endif
	}
awake:
	wants_bell = 0
}

active proctype supervisor()
{
	byte pending = ALL, owed, done; /* bits; owed in the order of the items */
	byte granted, answered, epoch, cut;
	byte seen_begun; /* how many had, when the claim was read last */
	byte put, taken; /* its own copies of task_head and result_tail */
	byte seen_tail;  /* task_tail when it was last found too near */
	byte unsent;     /* items of the batch that is being sent: bits */
	bit is_cut_short, needs_wake, has_news;
	byte n_take_backs;
	byte s_word, s_n, s_next, s_room; /* 0 when they aren't in use, as those below: the fewer states */
	byte s_begun;
	bit s_first;
	do
	:: done != ALL ->
		has_news = 0;
		if
		:: atomic { is_dead -> bury() }
		:: else -> skip
		fi;
		collect();
		if
		:: n_take_backs < TAKE_BACKS && owed && !unsent && !is_cut_short -> n_take_backs++; take_back(); has_news = 1
		:: true
		fi;
		seen_tail = task_tail;
		dispatch();
		if
		:: needs_wake -> wake()
		:: else
		fi;
		if
		:: has_news
		:: else -> doze()
		fi;
		seen_tail = 0
	:: else -> break
	od;
	/* the end: channel_stop */
	is_stopping = 1;
	wake();
	(has_left || is_dead);
	assert(done == ALL && pending == 0 && owed == 0);
	is_over = 1
}

/* --- the worker --------------------------------------------------------------------------------------------------- */

inline ring_bell()
{
	if
	:: wants_bell ->
		wants_bell = 0;
		bell = 1
	:: else
	fi
}

/* sleep_until of port.c */
inline sleep_until(has_come)
{
	do
	:: has_come -> break
	:: else ->
		is_sleeping = 1;
#ifdef BUG_1 /* the worker doesn't look once more after saying that it sleeps */
		sem > 0;
		sem--;
#else
		if
		:: has_come
		:: else -> atomic { sem > 0; sem-- }
		fi;
#endif
		is_sleeping = 0
	od
}

#define HAS_TASK (task_head != w_taken)
#define HAS_RESULT_ROOM (w_put - result_tail < RESULT_CELLS)

/* The batch's items, from the ring or, when they aren't all there, as they come. */
inline take_batch()
{
	atomic {
		w_n = cell[w_taken % TASK_CELLS] & 15;
		w_epoch = cell[w_taken % TASK_CELLS] >> 4;
		w_taken++;
		w_got = 0;
		w_is_large = (task_head - w_taken < w_n);
		if
		:: !w_is_large -> take_items()
		:: else
		fi
	}
	do
	:: w_got < w_n ->
		sleep_until(HAS_TASK);
		atomic { take_items() }
		free_task_cells();
#ifndef BUG_10 /* the room of a fragment is given back without ringing */
		ring_bell()
#endif
	:: else -> break
	od
}

/* One store. That the cells may hold anything from now on is said by emptying them. */
inline free_task_cells()
{
	atomic {
		do
		:: task_tail != w_taken -> cell[task_tail % TASK_CELLS] = NOTHING; task_tail++
		:: else -> break
		od
	}
}

inline take_items()
{
	do
	:: w_got < w_n && w_taken != task_head ->
		w_batch[w_got] = cell[w_taken % TASK_CELLS];
		w_taken++;
		w_got++
	:: else -> break
	od
}

inline store_claim()
{
	atomic {
		claim = CLAIM(w_begun + 1, w_epoch);
		claimed = w_item + 1
	}
}

/* port_claim, port_claim_late: w_first says whether it has begun. */
inline claim_item()
{
#ifdef BUG_11 /* the worker looks whether anything was taken back before it says what it begins */
	w_seen = take_back_word;
	store_claim();
#else
	store_claim();
	w_seen = take_back_word;
#endif
	if
	:: EPOCH(w_seen) == w_epoch -> w_first = 1
	:: else ->
#ifndef BUG_18 /* the worker doesn't wait until the supervisor has taken back */
		atomic {
			EPOCH(take_back_word) % 2 == 0;
			w_seen = take_back_word
		}
#endif
		w_first = (COUNT(w_seen) == w_begun + 1)
	fi;
	atomic {
		w_seen = 0;
		if
		:: w_first ->
			assert(held & BIT(w_item));
			running = w_item + 1;
			w_begun++
		:: else -> claimed = 0
		fi
	}
}

/* port_wait_room, then port_answer */
inline answer()
{
	if
	:: HAS_RESULT_ROOM
	:: else ->
#ifndef BUG_15 /* the worker waits for room without having rung for what it has published */
		ring_bell();
#endif
		sleep_until(HAS_RESULT_ROOM)
	fi;
#ifdef BUG_5 /* the result is published before its bytes are there */
	atomic {
		w_put++;
		result_head = w_put;
		running = 0;
		claimed = 0
	}
	result[(w_put - 1) % RESULT_CELLS] = w_item;
#else
	result[w_put % RESULT_CELLS] = w_item;
	atomic {
		w_put++;
		result_head = w_put;
		running = 0;
		claimed = 0
	}
#endif
}

inline run_batch()
{
	do
	:: atomic {
		w_place < w_n ->
		w_item = w_batch[w_place];
		w_first = 0
	   }
#ifdef BUG_17 /* an item is answered before it is begun */
	   answer();
#endif
	   claim_item();
	   if
	   :: !w_first -> break
	   :: else
	   fi;
#ifndef BUG_17
	   answer();
#endif
	   w_place++
	:: else -> break
	od
}

inline end_batch()
{
	if
	:: !w_is_large -> free_task_cells()
	:: else
	fi;
	/* with more to do the bell may be left to a later batch; port.c leaves it when there are two more */
	if
	:: HAS_TASK
	:: ring_bell()
#ifdef BUG_19 /* it is left though there is nothing more to do */
	:: true
#endif
	fi
}

inline forget()
{
	d_step {
		w_n = 0;
		w_place = 0;
		w_item = 0;
		w_got = 0;
		w_epoch = 0;
		w_first = 0;
		w_is_large = 0;
		w_seen = 0;
		w_batch[0] = 0;
		w_batch[BATCH_MAX - 1] = 0
	}
}

active proctype worker()
{
	byte w_taken, w_put; /* its own copies of task_tail and result_head */
	byte w_begun;
	byte w_n, w_place, w_item, w_got, w_epoch;
	byte w_batch[BATCH_MAX];
	short w_seen;
	bit w_first, w_is_large;
	do
	:: {
		do
		:: sleep_until((HAS_TASK || is_stopping));
		   if
		   :: HAS_TASK ->
			take_batch();
			run_batch();
			end_batch();
			forget()
		   :: else -> break
		   fi
		od;
		has_left = 1
	   } unless {
		atomic {
			is_killed;
			is_killed = 0;
			forget();
			w_taken = 0;
			w_put = 0;
			w_begun = 0;
			is_dead = 1
		}
	   };
	   if
	   :: has_left -> break
	   :: else -> (!is_dead || is_over) ->
		if
		:: is_over -> break
		:: else
		fi
	   fi
	od
}

active proctype killer()
{
	do
	:: atomic {
		n_crashes < CRASHES && !is_dead && !has_left && !is_killed;
		is_killed = 1;
		n_crashes++
	   }
	:: break
	od
}

ltl comes_to_an_end { <> is_over }
