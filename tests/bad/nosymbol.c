/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nosymbol - a shared object that is no plugin: to be refused.
 */
int nosymbol_answer(void);

int nosymbol_answer(void)
{
	return 42;
}
